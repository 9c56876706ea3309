"""Validates values by JSON schemas, as far as the schemas of function tools use its vocabulary."""

from __future__ import annotations

import re
from fractions import Fraction

TYPES = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}
FORMATS = {
    "date": r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])",
    "date-time": r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
    "time": r"([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ",
    "duration": r"P\d+D",
    "email": r"[\w.+-]+@example\.(com|net|org)",
    "hostname": r"[a-z0-9]+\.example\.com",
    "ipv4": r"192\.0\.2\.\d{1,2}",
    "ipv6": r"2001:db8::[0-9a-f]{1,4}",
    "uri": r"https://example\.com/\S+",
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}
LIMITS = {
    "minimum": lambda value, limit: value >= limit,
    "maximum": lambda value, limit: value <= limit,
    "exclusiveMinimum": lambda value, limit: value > limit,
    "exclusiveMaximum": lambda value, limit: value < limit,
    "multipleOf": lambda value, limit: (Fraction(str(value)) / Fraction(str(limit))).denominator == 1,
    "minLength": lambda value, limit: len(value) >= limit,
    "maxLength": lambda value, limit: len(value) <= limit,
    "minItems": lambda value, limit: len(value) >= limit,
    "maxItems": lambda value, limit: len(value) <= limit,
    "uniqueItems": lambda value, limit: not limit or len({repr(item) for item in value}) == len(value),
    "pattern": lambda value, limit: re.search(limit, value) is not None,
    "format": lambda value, limit: re.fullmatch(FORMATS.get(limit, ".*"), value) is not None,
    "required": lambda value, limit: set(limit) <= set(value),
}


def is_type(value, kind):
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def schema_errors(schema, value, root, path="$"):
    """The errors of a value, each with its path."""
    if isinstance(schema, bool):
        return [] if schema else [f"{path}: false"]
    if schema.get("nullable") and value is None:
        return []
    kinds = schema.get("type", list(TYPES))
    found = []
    if not any(is_type(value, kind) for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        found.append(f"{path}: {value!r} is no {kinds}")
    for key, named in (("const", [schema.get("const")]), ("enum", schema.get("enum"))):
        if key in schema and value not in named:
            found.append(f"{path}: {value!r} is not of {named}")
    return [
        *found,
        *limit_errors(schema, value, path),
        *nested_errors(schema, value, root, path),
        *applicator_errors(schema, value, root, path),
    ]


def limit_errors(schema, value, path):
    for key, fits in LIMITS.items():
        limit = schema.get(key)
        if key == "exclusiveMinimum" and limit is True:  # draft 4
            limit = schema["minimum"]
        if limit is not None and limit is not False and is_applicable(key, value) and not fits(value, limit):
            yield f"{path}: {value!r} against {key} {limit!r}"


def applicator_errors(schema, value, root, path):
    for part in schema.get("allOf", ()):
        yield from schema_errors(part, value, root, path)
    for key in ("anyOf", "oneOf"):
        if schema.get(key) and all(schema_errors(part, value, root, path) for part in schema[key]):
            yield f"{path}: {value!r} fits none of {key}"
    if "$ref" in schema:
        target = root
        for step in schema["$ref"].split("/")[1:]:
            target = target[step.replace("~1", "/")]
        yield from schema_errors(target, value, root, path)


def is_applicable(key, value):
    if key == "required":
        return isinstance(value, dict)
    if key.endswith("Items"):
        return isinstance(value, list)
    if key in ("minLength", "maxLength", "pattern", "format"):
        return isinstance(value, str)
    return is_type(value, "number")


def nested_errors(schema, value, root, path):
    if isinstance(value, list):
        first = schema.get("prefixItems", [])
        parts = [first[at] if at < len(first) else schema.get("items", True) for at in range(len(value))]
        return [item for at, part in enumerate(parts) for item in schema_errors(part, value[at], root, f"{path}[{at}]")]
    if isinstance(value, dict):
        known, others = schema.get("properties", {}), schema.get("additionalProperties", True)
        return [
            item for key in value for item in schema_errors(known.get(key, others), value[key], root, f"{path}.{key}")
        ]
    return []
