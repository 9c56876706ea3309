"""Reading JSON schemas: merging two of them, their alternatives, and the limits of their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

Schema = Mapping[str, Any]

# The keywords that imply the type of a schema without `type`; the first found decides.
TYPE_KEYWORDS = (
    ("object", ("properties", "required", "additionalProperties", "minProperties")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)

# For each limit, the function that picks the narrower of two.
NARROWER: dict[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "minLength", "minItems"), max),
    **dict.fromkeys(("maximum", "maxLength", "maxItems"), min),
}


class Unsatisfiable(Exception):  # noqa: N818 - it says what the schema is
    """No finite value fits a subschema, or none was found."""


def merged(schema: Schema, other: Any) -> Schema:
    """A schema for what fits both; where a keyword cannot be combined, that of `other` counts.

    >>> merged({"type": "object", "required": ["a"]}, {"required": ["b"]})
    {'type': 'object', 'required': ['a', 'b']}

    Raises:
        Unsatisfiable: `other` is the schema `false`, which nothing fits.
    """
    if other is False:
        raise Unsatisfiable("The schema is false: nothing fits it.")
    other = {} if other is True else other
    both = {**schema, **other}
    if "properties" in schema and "properties" in other:
        both["properties"] = {**schema["properties"], **other["properties"]}
    for key, narrower in NARROWER.items():
        if key in schema and key in other:
            both[key] = narrower(schema[key], other[key])
    for key in ("required", "allOf"):
        if key in schema and key in other:
            both[key] = [*schema[key], *other[key]]
    for key in ("anyOf", "oneOf"):
        if key in schema and key in other:
            both[key] = schema[key]
            both["allOf"] = [*both.get("allOf", ()), {key: other[key]}]
    return both


def without(schema: Schema, key: str) -> Schema:
    """The schema without one of its keywords."""
    return {name: value for name, value in schema.items() if name != key}


def alternatives(schema: Schema) -> tuple[str, Sequence[Any]]:
    """The first keyword with alternatives, and these as schemas; `("", ())` if there is none."""
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return key, schema[key]
    if isinstance(schema.get("type"), list):
        return "type", [{"type": kind} for kind in schema["type"]]
    if schema.get("nullable"):  # OpenAPI's word for it
        return "nullable", [{}, {"type": "null"}]
    return "", ()


def type_of(schema: Schema) -> Any:
    """The type of a schema, declared or implied by other keywords; by default `string`."""
    implied = (kind for kind, keys in TYPE_KEYWORDS if any(key in schema for key in keys))
    return schema.get("type") or next(implied, "string")


def multiples(schema: Schema, step: Fraction) -> tuple[int | None, int | None]:
    """The lowest and highest factors of `step` within the limits: (-1, 3) for a step of 10 between -10 and 30."""
    lows, highs = _limits(schema, "minimum", "exclusiveMinimum"), _limits(schema, "maximum", "exclusiveMaximum")
    firsts = [floor(low / step) + 1 if beyond else ceil(low / step) for low, beyond in lows]
    lasts = [ceil(high / step) - 1 if beyond else floor(high / step) for high, beyond in highs]
    return max(firsts, default=None), min(lasts, default=None)


def _limits(schema: Schema, key: str, exclusive_key: str) -> list[tuple[Fraction, bool]]:
    """Each limit, and whether it is exclusive. Draft 4 has `exclusiveMinimum: true` beside `minimum`."""
    limit, exclusive = schema.get(key), schema.get(exclusive_key)
    found = [] if limit is None else [(Fraction(str(limit)), exclusive is True)]
    if exclusive is not None and not isinstance(exclusive, bool):
        found.append((Fraction(str(exclusive)), True))
    return found
