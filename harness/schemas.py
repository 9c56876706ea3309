"""JSON schemas, read: what two of them say together, the choices they leave, and the limits of their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from math import ceil, floor
from typing import Any

Schema = Mapping[str, Any]

# What a schema without a type is about: the first of its keys that says so.
TELLING = (
    ("object", ("properties", "required", "additionalProperties", "minProperties")),
    ("array", ("items", "prefixItems", "minItems", "maxItems", "uniqueItems")),
    ("number", ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf")),
)

# Limits of which the narrower one counts, where two schemas have to fit.
NARROWER: dict[str, Callable[[Any, Any], Any]] = {
    **dict.fromkeys(("minimum", "minLength", "minItems"), max),
    **dict.fromkeys(("maximum", "maxLength", "maxItems"), min),
}


class Impossible(Exception):  # noqa: N818 - it says what the schema is
    """No value fits this part of a schema, or none that ends."""


def merged(schema: Schema, other: Any) -> Schema:
    """A schema for what fits both. Where both say the same thing differently, the other one counts.

    >>> merged({"type": "object", "required": ["a"]}, {"required": ["b"]})
    {'type': 'object', 'required': ['a', 'b']}

    Raises:
        Impossible: the other is the schema `false`, which nothing fits.
    """
    if other is False:
        raise Impossible("The schema is false: nothing fits it.")
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
    """A schema that does not say one thing."""
    return {name: value for name, value in schema.items() if name != key}


def alternatives(schema: Schema) -> tuple[str, Sequence[Any]]:
    """The first key that leaves a choice, and the choices."""
    for key in ("anyOf", "oneOf"):
        if schema.get(key):
            return key, schema[key]
    if isinstance(schema.get("type"), list):
        return "type", [{"type": kind} for kind in schema["type"]]
    if schema.get("nullable"):  # OpenAPI's word for it
        return "nullable", [{}, {"type": "null"}]
    return "", ()


def kind_of(schema: Schema) -> Any:
    """The type of a schema, or what the first key that tells it is about."""
    told = (kind for kind, keys in TELLING if any(key in schema for key in keys))
    return schema.get("type") or next(told, "string")


def multiples(schema: Schema, step: Fraction) -> tuple[int | None, int | None]:
    """The first and the last multiple of a step within the limits: -1, 3 where a number lies between -10 and 30."""
    lows, highs = _limits(schema, "minimum", "exclusiveMinimum"), _limits(schema, "maximum", "exclusiveMaximum")
    firsts = [floor(low / step) + 1 if beyond else ceil(low / step) for low, beyond in lows]
    lasts = [ceil(high / step) - 1 if beyond else floor(high / step) for high, beyond in highs]
    return max(firsts, default=None), min(lasts, default=None)


def _limits(schema: Schema, key: str, exclusive_key: str) -> list[tuple[Fraction, bool]]:
    """Each limit, and whether a number has to lie beyond it. Draft 4 has `exclusiveMinimum: true` beside `minimum`."""
    limit, exclusive = schema.get(key), schema.get(exclusive_key)
    found = [] if limit is None else [(Fraction(str(limit)), exclusive is True)]
    if exclusive is not None and not isinstance(exclusive, bool):
        found.append((Fraction(str(exclusive)), True))
    return found
