"""Functions as data: `{"wait": 3}` is `wait(3)`, `{"fail": "server_error", "message": "No."}` is a call with a keyword.

The keys, their types and their descriptions are derived from the function. One key is the name of the function, and its
value the first argument; if that has a default, or the function takes none, the value may be `true` (or null), which
means "not given". All other arguments are keys of their own names.
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

from pydantic import Field, PlainValidator, WithJsonSchema, WrapValidator, create_model
from pydantic_core import PydanticCustomError

from harness.failures import HarnessFailure
from harness.scenarios.contents import Base64, LocalFile, StrictModel, resolved
from harness.scenarios.docstrings import descriptions
from harness.scenarios.places import ScenarioError
from harness.scenarios.validating import validated

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic import BaseModel

    from harness.scenarios.places import Place

NOTHING: Mapping[str, Any] = MappingProxyType({})
KINDS = inspect.Parameter
# A number as it was written: pydantic would convert 3 to 3.0.
Number = Annotated[float, Field(allow_inf_nan=False), WrapValidator(lambda value, check: (check(value), value)[1])]


def _check_true(value: object) -> object:
    if value is not True:  # `==` would accept 1
        raise PydanticCustomError("true", "Input should be true")
    return value


_True: Any = Annotated[Any, PlainValidator(_check_true), WithJsonSchema({"const": True})]
Unset: Any = _True | None
# The types of data, by the names of Python's types.
TYPES: Mapping[str, Any] = {
    "Iterable": list,
    "Mapping": dict,
    "File": str,  # its id
    "bytes": Base64,
    "Product": LocalFile,
    "float": Number,
    "object": Any,
}


@dataclass(frozen=True)
class Verb:
    """A function that can be called with data.

    Attributes:
        model: validates the data.
        example: valid data, for messages.
    """

    name: str
    function: Callable[..., Any]
    model: type[BaseModel]
    example: str

    @property
    def keys(self) -> list[str]:
        return list(self.model.model_fields)

    def read(self, data: Mapping[str, Any], place: Place) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """The arguments that data describes.

        Raises:
            HarnessFailure: an unknown key, or a value of another type.
        """
        given = validated(self.model, data, place, self.name, self.example)
        values = {key: resolved(getattr(given, key), place / key) for key in data}
        first = values.pop(self.name)
        return (() if first is None or first is True else (first,)), values

    def perform(self, data: Mapping[str, Any], place: Place, function: Callable[..., Any] | None = None) -> Any:
        """Call the function, or another one in its place, with the arguments that data describes.

        Raises:
            HarnessFailure: what `read` and the function itself raise.
        """
        try:
            arguments, keywords = self.read(data, place)
            return (function or self.function)(*arguments, **keywords)
        except ScenarioError:
            raise
        except RecursionError as error:
            raise place.failure("it is nested too deeply.", do=self.example) from error
        except HarnessFailure as error:
            raise place.failure(error.happened, there_was=error.there_was, do=self.example) from error


def verb(
    function: Callable[..., Any],
    example: str,
    *,
    types: Mapping[str, Any] = NOTHING,
    more_descriptions: Mapping[str, str] = NOTHING,
) -> Verb:
    """The verb of a function.

    Args:
        example: valid data, for messages.
        types: the types of parameters in data, where they do not follow from `TYPES`.
        more_descriptions: of parameters that the function's docstring does not describe.
    """
    name = function.__name__
    hints = {**get_type_hints(function, localns=dict(TYPES), include_extras=True), **types}
    texts = {**more_descriptions, **descriptions(function)}
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        hint, description = hints[parameter.name], texts.get(parameter.name)
        required = parameter.default is KINDS.empty and parameter.kind is not KINDS.VAR_KEYWORD
        default = ... if required else None if parameter.default is KINDS.empty else parameter.default
        if not fields and parameter.kind is not KINDS.KEYWORD_ONLY:
            fields[name] = (hint if required else hint | Unset, Field(..., description=description))
        else:
            fields[parameter.name] = (hint, Field(default, description=description))
    if name not in fields:
        fields = {name: (Unset, Field(...)), **fields}
    return Verb(name, function, create_model(name, __base__=StrictModel, __doc__=texts[""], **fields), example)


def select_verb(verbs: Mapping[str, Verb], data: Mapping[str, Any], place: Place, what: str) -> Verb:
    """The verb that data names. A key may also be another verb's argument: `{"malform": true, "event": "done"}`.

    Raises:
        HarnessFailure: it names none, or several.
    """
    named = [verbs[key] for key in data if key in verbs]
    matching = [verb for verb in named if all(other.name in verb.keys for other in named)]
    if matching:
        return matching[0]
    if named:
        raise place.failure(
            f"it is {' and '.join(verb.name for verb in named)} at once.",
            do="\n".join(f"- {verb.example}" for verb in named) + "   # one after the other",
        )
    example = f"- {next(iter(verbs.values())).example}"
    place.check_keys(data, verbs, f"there is no {what}", example)
    raise place.failure(f"it is empty, and no {what}.", there_was=f"There is {', '.join(verbs)}.", do=example)
