"""Arguments that fit a JSON schema: the smallest ones. The subset is that of function tools (CONTRACT §1.1)."""

from __future__ import annotations

import pytest

from harness import HarnessFailure
from harness.arguments import arguments_for

CITY = {"type": "string"}


def value(schema):
    """What a property with this schema gets."""
    return arguments_for({"type": "object", "properties": {"it": schema}, "required": ["it"]})["it"]


CASES = {
    "text": ({"type": "string"}, "a"),
    "text of a length": ({"type": "string", "minLength": 3}, "aaa"),
    "no text": ({"type": "string", "maxLength": 0}, ""),
    "short text": ({"type": "string", "maxLength": 1}, "a"),
    "unknown format": ({"type": "string", "format": "color"}, "a"),
    "date": ({"type": "string", "format": "date"}, "2024-01-01"),
    "date-time": ({"type": "string", "format": "date-time"}, "2024-01-01T00:00:00Z"),
    "email": ({"type": "string", "format": "email"}, "a0@example.com"),
    "uri": ({"type": "string", "format": "uri"}, "https://example.com/0"),
    "uuid": ({"type": "string", "format": "uuid"}, "00000000-0000-4000-8000-000000000000"),
    "pattern": ({"type": "string", "pattern": "^[A-Za-z ]+$"}, "a"),
    "postcode": ({"type": "string", "pattern": "^[0-9]{5}$"}, "00000"),
    "digit": ({"type": "string", "pattern": "[0-9]", "maxLength": 1}, "0"),
    "currency": ({"type": "string", "pattern": "^[A-Z]{3}$", "maxLength": 3}, "AAA"),
    "time of a day": ({"type": "string", "pattern": r"^\d\d:\d\d$", "minLength": 5}, "00:00"),
    "integer": ({"type": "integer"}, 0),
    "at least": ({"type": "integer", "minimum": 3}, 3),
    "at most": ({"type": "integer", "maximum": -3}, -3),
    "above zero": ({"type": "integer", "exclusiveMinimum": 0}, 1),
    "below one": ({"type": "integer", "exclusiveMaximum": 1}, 0),
    "above, as draft 4 says it": ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, 4),
    "at least, as draft 4 says it": ({"type": "integer", "minimum": 3, "exclusiveMinimum": False}, 3),
    "the narrower limit": ({"type": "integer", "minimum": 3, "exclusiveMinimum": 5}, 6),
    "no limits": ({"type": "integer", "minimum": None, "maximum": None}, 0),
    "multiple": ({"type": "integer", "minimum": 1, "multipleOf": 5}, 5),
    "whole multiple": ({"type": "integer", "minimum": 1, "multipleOf": 2.5}, 5),
    "number": ({"type": "number", "minimum": 1.5}, 2),
    "number between": ({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1}, 0.1),
    "one number": ({"type": "number", "minimum": 0.25, "maximum": 0.25}, 0.25),
    "decimal multiple": ({"type": "number", "minimum": 0.15, "multipleOf": 0.1}, 0.2),
    "boolean": ({"type": "boolean"}, False),
    "null": ({"type": "null"}, None),
    "items": ({"type": "array", "items": CITY}, []),
    "some items": ({"type": "array", "items": CITY, "minItems": 2}, ["a", "a"]),
    "items of any kind": ({"type": "array", "minItems": 1}, ["a"]),
    "a tuple": ({"type": "array", "prefixItems": [{"type": "integer"}, CITY], "minItems": 3}, [0, "a", "a"]),
    "different texts": ({"type": "array", "items": CITY, "minItems": 3, "uniqueItems": True}, ["a", "1", "2"]),
    "different numbers": (
        {
            "type": "array",
            "items": {"type": "integer", "minimum": -2, "maximum": 1},
            "minItems": 4,
            "uniqueItems": True,
        },
        [0, 1, -1, -2],
    ),
    "different booleans": (
        {"type": "array", "items": {"type": "boolean"}, "minItems": 2, "uniqueItems": True},
        [False, True],
    ),
    "different dates": (
        {"type": "array", "items": {"format": "date"}, "minItems": 2, "uniqueItems": True},
        ["2024-01-01", "2025-01-01"],
    ),
    "different objects": (
        {
            "type": "array",
            "items": {"properties": {"kind": {"const": "k"}, "n": {"type": "integer"}}, "required": ["kind", "n"]},
            "minItems": 2,
            "uniqueItems": True,
        },
        [{"kind": "k", "n": 0}, {"kind": "k", "n": 1}],
    ),
    "object": ({"type": "object", "properties": {"a": CITY, "b": CITY}, "required": ["b"]}, {"b": "a"}),
    "object without properties": ({"type": "object"}, {}),
    "required but not described": ({"type": "object", "required": ["a"]}, {"a": "a"}),
    "required among additional": ({"required": ["a"], "additionalProperties": {"type": "integer"}}, {"a": 0}),
    "no type": ({}, "a"),
    "anything": (True, "a"),
    "no type but items": ({"items": CITY, "minItems": 1}, ["a"]),
    "no type but limits": ({"minimum": 7}, 7),
    "no type but properties": ({"properties": {"a": CITY}}, {}),
    "const": ({"const": None}, None),
    "enum": ({"type": "string", "enum": ["celsius", "fahrenheit"]}, "celsius"),
    "default among enum": ({"enum": ["celsius", "fahrenheit"], "default": "fahrenheit"}, "fahrenheit"),
    "default outside enum": ({"enum": ["celsius", "fahrenheit"], "default": None}, "celsius"),
    "default": ({"type": "integer", "default": 10}, 10),
    "default of null": ({"anyOf": [{"type": "integer"}, {"type": "null"}], "default": None}, 0),
    "examples": ({"type": "string", "pattern": "^[0-9]{5}$", "examples": ["04521"]}, "04521"),
    "default before examples": ({"type": "string", "default": "Oslo", "examples": ["Bergen"]}, "Oslo"),
    "types": ({"type": ["integer", "null"]}, 0),
    "null first": ({"type": ["null", "integer"]}, None),
    "nullable": ({"type": "integer", "nullable": True}, 0),
    "anyOf": ({"anyOf": [{"type": "integer", "minimum": 2}, CITY]}, 2),
    "anyOf, the first that can be": ({"anyOf": [False, {"type": "integer", "minimum": 1, "maximum": 0}, CITY]}, "a"),
    "oneOf": ({"oneOf": [{"required": ["b"]}, {"required": ["a"]}], "properties": {"b": {"const": 1}}}, {"b": 1}),
    "allOf": (
        {
            "allOf": [
                {"properties": {"a": CITY}, "required": ["a"]},
                {"properties": {"b": {"type": "integer"}}, "required": ["b"]},
            ]
        },
        {"a": "a", "b": 0},
    ),
    "allOf in allOf": ({"allOf": [{"allOf": [{"type": "integer"}]}, {"minimum": 4}]}, 4),
    "the narrower of two": (
        {"type": "integer", "minimum": 3, "maximum": 9, "anyOf": [{"minimum": 1, "maximum": 99}]},
        3,
    ),
    "anyOf twice": (
        {
            "anyOf": [{"properties": {"a": {"const": 1}}, "required": ["a"]}],
            "allOf": [{"anyOf": [{"properties": {"b": {"const": 2}}, "required": ["b"]}]}],
        },
        {"a": 1, "b": 2},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_smallest_value(name):
    schema, expected = CASES[name]
    made = value(schema)
    assert made == expected
    assert type(made) is type(expected)


def test_strict_includes_optional_properties():
    schema = {"type": "object", "properties": {"city": CITY, "days": {"type": "integer"}}, "required": ["city"]}
    assert arguments_for(schema) == {"city": "a"}
    assert arguments_for(schema, strict=True) == {"city": "a", "days": 0}


def test_an_unsatisfiable_optional_property_is_left_out():
    assert arguments_for({"properties": {"never": False, "city": CITY}}, strict=True) == {"city": "a"}


@pytest.mark.parametrize("none", [None, {}, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_function_without_parameters(none):
    """CONTRACT §1.1: parameters may be left out."""
    assert arguments_for(none, strict=True) == {}


@pytest.mark.parametrize("where", ["$defs", "definitions"])
def test_references(where):
    schema = {
        "properties": {"from": {"$ref": f"#/{where}/a~1b", "description": "where"}, "to": {"$ref": f"#/{where}/a~1b"}},
        "required": ["from", "to"],
        where: {"a/b": {"type": "object", "properties": {"city": CITY}, "required": ["city"]}},
    }
    assert arguments_for(schema) == {"from": {"city": "a"}, "to": {"city": "a"}}


def test_a_reference_into_an_array():
    either = {"anyOf": [{"type": "integer"}, {"type": "string"}]}
    schema = {"properties": {"it": either, "same": {"$ref": "#/properties/it/anyOf/1"}}, "required": ["it", "same"]}
    assert arguments_for(schema) == {"it": 0, "same": "a"}
    with pytest.raises(HarnessFailure, match="There is no #/properties/it/anyOf/second in the schema"):
        arguments_for({"properties": {"it": either, "b": {"$ref": "#/properties/it/anyOf/second"}}, "required": ["b"]})


def test_a_reference_for_the_whole():
    schema = {"$ref": "#/$defs/Args", "$defs": {"Args": {"type": "object", "required": ["a"], "allOf": [CHILD]}}}
    assert arguments_for(schema) == {"a": "a", "child": None}


CHILD = {
    "properties": {"child": {"anyOf": [{"$ref": "#/$defs/Args"}, {"type": "null"}]}},
    "required": ["child"],
}


@pytest.mark.parametrize(
    ("next_one", "expected"),
    [
        ({"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}, None),
        ({"type": "array", "items": {"$ref": "#/$defs/node"}}, []),
        ({"type": "array", "items": {"$ref": "#"}}, []),
    ],
    ids=["null", "items", "root"],
)
def test_a_schema_that_refers_to_itself_ends(next_one, expected):
    """As the list of nodes in OpenAI's guide to structured outputs."""
    node = {"type": "object", "properties": {"value": CITY, "next": next_one}, "required": ["value", "next"]}
    schema = {"properties": {"node": {"$ref": "#/$defs/node"}}, "required": ["node"], "$defs": {"node": node}}
    assert arguments_for(schema) == {"node": {"value": "a", "next": expected}}


def test_a_choice_beside_the_choice_of_a_reference():
    either = {"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}
    schema = {"$ref": "#/$defs/it", "anyOf": [{"required": ["c"]}], "$defs": {"it": either}}
    assert arguments_for(schema) == {"a": "a", "c": "a"}


def test_a_reference_used_twice_is_no_recursion():
    point = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    line = {"$ref": "#/$defs/p", "properties": {"to": {"$ref": "#/$defs/p"}}, "required": ["to"]}
    schema = {"properties": {"line": line}, "required": ["line"], "$defs": {"p": point}}
    assert arguments_for(schema) == {"line": {"x": 0, "to": {"x": 0}}}


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        (False, "The schema is false"),
        ({"$ref": "#/$defs/lost"}, "There is no #/$defs/lost in the schema."),
        ({"$ref": "https://example.com/schema"}, "There is no https://example.com/schema"),
        ({"$ref": "#"}, "# contains itself without end."),
        ({"type": "integer", "minimum": 2, "maximum": 1}, "No number is within the limits of 'it'."),
        ({"type": "number", "exclusiveMinimum": 2, "maximum": 2}, "No number is within the limits of 'it'."),
        ({"type": "string", "pattern": "^(ab){3}$"}, "No text was found for 'it' that fits '^(ab){3}$'"),
        ({"type": "string", "pattern": "^0+$", "minLength": 41}, "No text was found for 'it'"),
        ({"type": "string", "pattern": r"^\p{L}$"}, "No text was found for 'it'"),
        ({"type": ["string"], "anyOf": [False]}, "No alternative fits 'it'."),
        (
            {"type": "array", "items": {"type": "boolean"}, "minItems": 3, "uniqueItems": True},
            "Fewer than the 3 items that 'it' needs could be generated.",
        ),
    ],
    ids=[
        "false",
        "lost",
        "elsewhere",
        "endless",
        "integer",
        "number",
        "pattern",
        "long",
        "unknown",
        "alternatives",
        "items",
    ],
)
def test_unsatisfiable_schemas_fail(schema, why):
    with pytest.raises(HarnessFailure) as caught:
        value(schema)
    assert why in str(caught.value)
    assert "'it'" in caught.value.there_was


def test_arguments_are_an_object():
    with pytest.raises(HarnessFailure, match="does not describe an object"):
        arguments_for({"type": "string"})
