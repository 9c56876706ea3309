"""The service's wording for pydantic's errors, which nothing else in the service sees.

v2 reports the first problem, in the wording of CONTRACT §7.1. v1 lists all of them, as its validator, pydantic v1,
printed them. Both are tables from pydantic's error types to the service's texts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from harness.service import errors
from harness.service.params.common import TAG

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import ValidationError
    from pydantic_core import ErrorDetails

    from harness.service.errors import Refusal
    from harness.service.shapes import Api


def refusal(error: ValidationError, api: Api, source: Literal["body", "query"]) -> Refusal:
    """The refusal of a body or a query that pydantic does not accept."""
    problems = [_problem(details) for details in error.errors(include_url=False)]
    if api == "v1":
        return errors.v1_schema((" -> ".join(map(str, (source, *p.path))), _v1_text(p)) for p in problems)
    first = problems[0]
    return V2[first.kind](first)


def not_json(api: Api) -> Refusal:
    """The refusal of a body that is not JSON; v1 said that it is not a dict (FACTS B)."""
    return errors.v1_schema([("body", V1["model_type"])]) if api == "v1" else errors.not_json()


# --- what went wrong ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Problem:
    """One pydantic error in terms of the request: `path` has only keys and indexes of the client's JSON."""

    kind: str
    path: tuple[str | int, ...]
    input: Any
    context: Mapping[str, Any]
    message: str = ""

    @property
    def param(self) -> str:
        """The path as in `messages[0].content`. The name `body` for a body that is no object is not recorded."""
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)
        return "".join(steps).removeprefix(".") or "body"

    @property
    def got(self) -> str:
        """The type of the value in words. Only objects that a test adds can have types other than JSON's."""
        return _JSON_TYPES.get(type(self.input)) or f"a {type(self.input).__name__}"

    @property
    def supported(self) -> list[str]:
        """The valid values, parsed from pydantic's text, because it gives no list."""
        return re.findall(r"'([^']*)'", self.context["expected"])


_JSON_TYPES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


def _problem(details: ErrorDetails) -> Problem:
    """A pydantic error without what is not in the client's JSON: tags of unions, and its mark for a dict's key."""
    kind, value, context = details["type"], details["input"], details.get("ctx", {})
    path = tuple(step for step in details["loc"] if isinstance(step, int) or not step.startswith(TAG))
    if path[-1:] == ("[key]",) and path[-2:-1] == (value,):
        return Problem("key_too_long", path[:-1], value, context)
    if kind == "union_tag_invalid":
        return _wrong_tag(path, value, context)
    return Problem(kind, path, value, context, details["msg"])


def _wrong_tag(path: tuple[str | int, ...], value: Any, context: Mapping[str, Any]) -> Problem:
    """The problem of a value with an unknown `type`: a wrong value, a missing key, or not an object."""
    if not isinstance(value, dict):
        return Problem("model_type", path, value, context)
    path = (*path, "type")
    if "type" not in value:
        return Problem("missing", path, value, context)
    supported = context["expected_tags"].replace(repr(TAG)[1:-1], "")
    return Problem("literal_error", path, value["type"], {"expected": supported})


# --- v2 -----------------------------------------------------------------------------------------------------


def _wrong_type(expected: str) -> Callable[[Problem], Refusal]:
    return lambda p: errors.invalid_type(p.param, expected, p.got)


def _no_object(p: Problem) -> Refusal:
    """For metadata the service has a text of its own (hiddenhatpress/openai-assistants#1, April 2024)."""
    kind = "a metadata object" if p.path[-1:] == ("metadata",) else "an object"
    return errors.invalid_type(p.param, kind, p.got)


def _not_among(p: Problem) -> Refusal:
    if isinstance(p.input, str):
        return errors.invalid_value(p.param, p.input, p.supported)
    return errors.invalid_type(p.param, errors.one_of(p.supported), p.got)


def _too_long(p: Problem) -> Refusal:
    say = errors.too_many_properties if isinstance(p.input, dict) else errors.array_too_long
    return say(p.param, p.context["max_length"], len(p.input))


def _key_too_long(p: Problem) -> Refusal:
    return errors.property_name_too_long(p.param, p.input, p.context["max_length"])


def _out_of_range(comparison: str, limit_name: str) -> Callable[[Problem], Refusal]:
    def say(p: Problem) -> Refusal:
        limit = p.context[limit_name]
        decimal = isinstance(limit, float)
        return errors.out_of_range(
            p.param,
            kind="decimal" if decimal else "integer",
            comparison=comparison,
            limit=f"{limit:g}" if decimal else limit,
            got=p.input,
        )

    return say


def _mutually_exclusive(p: Problem) -> Refusal:
    parent = f"{p.param}." if p.path else ""
    return errors.mutually_exclusive(*(f"{parent}{p.context[name]}" for name in ("first", "second")))


V2: Mapping[str, Callable[[Problem], Refusal]] = {
    "missing": lambda p: errors.missing_parameter(p.param),
    "extra_forbidden": lambda p: errors.unknown_parameter(p.param),
    "string_type": _wrong_type("a string"),
    "int_type": _wrong_type("an integer"),
    "int_parsing": _wrong_type("an integer"),
    "int_parsing_size": _wrong_type("an integer"),
    "float_type": _wrong_type("a decimal"),
    "bool_type": _wrong_type("a boolean"),
    "dict_type": _no_object,
    "model_type": _wrong_type("an object"),
    "kind": lambda p: errors.invalid_type(p.param, p.message, p.got),
    "literal_error": _not_among,
    "string_too_long": lambda p: errors.string_too_long(p.param, p.context["max_length"], len(p.input)),
    "string_too_short": lambda p: errors.string_too_short(p.param),
    "string_pattern_mismatch": lambda p: errors.pattern_mismatch(p.param, p.context["pattern"]),
    "too_long": _too_long,
    "too_short": lambda p: errors.array_empty(p.param),
    "key_too_long": _key_too_long,
    "greater_than_equal": _out_of_range(">=", "ge"),
    "less_than_equal": _out_of_range("<=", "le"),
    "mutually_exclusive": _mutually_exclusive,
}


# --- v1 -----------------------------------------------------------------------------------------------------

_NO_STRING = "str type expected (type=type_error.str)"
_NO_INTEGER = "value is not a valid integer (type=type_error.integer)"
_NO_FLOAT = "value is not a valid float (type=type_error.float)"
_NO_BOOLEAN = "value could not be parsed to a boolean (type=type_error.bool)"
_NO_LIST = "value is not a valid list (type=type_error.list)"
_NO_DICT = "value is not a valid dict (type=type_error.dict)"
_NULL = "none is not an allowed value (type=type_error.none.not_allowed)"
_TOO_LONG = (
    "ensure this value has at most {max_length} characters "
    "(type=value_error.any_str.max_length; limit_value={max_length})"
)

# pydantic v1's texts; the names in braces are keys of the context that pydantic v2 gives with an error.
V1: Mapping[str, str] = {
    "missing": "field required (type=value_error.missing)",
    "extra_forbidden": "extra fields not permitted (type=value_error.extra)",
    "string_type": _NO_STRING,
    "int_type": _NO_INTEGER,
    "int_parsing": _NO_INTEGER,
    "int_parsing_size": _NO_INTEGER,
    "int_from_float": _NO_INTEGER,
    "finite_number": _NO_INTEGER,
    "float_type": _NO_FLOAT,
    "float_parsing": _NO_FLOAT,
    "bool_type": _NO_BOOLEAN,
    "bool_parsing": _NO_BOOLEAN,
    "list_type": _NO_LIST,
    "dict_type": _NO_DICT,
    "model_type": _NO_DICT,
    "kind": _NO_DICT,
    "literal_error": (
        "unexpected value; permitted: {listed} (type=value_error.const; given={given}; permitted={permitted})"
    ),
    "string_too_long": _TOO_LONG,
    "key_too_long": _TOO_LONG,
    "string_too_short": (
        "ensure this value has at least {min_length} characters "
        "(type=value_error.any_str.min_length; limit_value={min_length})"
    ),
    "string_pattern_mismatch": (
        'string does not match regex "{pattern}" (type=value_error.str.regex; pattern={pattern})'
    ),
    "too_long": (
        "ensure this value has at most {max_length} items (type=value_error.list.max_items; limit_value={max_length})"
    ),
    "greater_than_equal": (
        "ensure this value is greater than or equal to {ge:g} (type=value_error.number.not_ge; limit_value={ge:g})"
    ),
    "less_than_equal": (
        "ensure this value is less than or equal to {le:g} (type=value_error.number.not_le; limit_value={le:g})"
    ),
}


def _v1_text(p: Problem) -> str:
    if p.input is None and p.kind != "extra_forbidden":
        return _NULL
    context = dict(p.context)
    if p.kind == "literal_error":
        listed = ", ".join(_v1_choice(p, value) for value in p.supported)
        context.update(given=p.input, listed=listed, permitted=f"({listed}{',' if len(p.supported) == 1 else ''})")
    return V1[p.kind].format_map(context)


def _v1_choice(p: Problem, value: str) -> str:
    """A valid value as Python prints it; the types of tools were an enumeration."""
    of_tool = p.path[:1] == ("tools",) and p.path[2:] == ("type",)
    return f"<ToolTypeParam.{value.upper()}: {value!r}>" if of_tool else repr(value)
