"""Typical function tools. All are strict: every property is required, and no others are allowed.

Together they use what such schemas use: enumerations, limits, formats, lists, nested objects, null, references.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any


def _object(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    closed = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    return {**closed, **more}


def _text(**more: Any) -> dict[str, Any]:
    return {"type": "string", **more}


def _integer(**more: Any) -> dict[str, Any]:
    return {"type": "integer", **more}


_PLACE = _object({"city": _text(), "country": _text()})
_LINE = _object({"sku": _text(minLength=4, maxLength=12), "quantity": _integer(minimum=1, maximum=99)})
_CATEGORY = _object({"title": _text(), "children": {"type": "array", "items": {"$ref": "#/$defs/category"}}})

# By name: the description in English and in Korean, and the parameters.
FUNCTIONS: dict[str, tuple[dict[str, str], dict[str, Any]]] = {
    "get_weather": (
        {"en": "The weather of the next days in a city.", "ko": "한 도시의 며칠간 날씨를 알려 줍니다."},
        _object(
            {
                "city": _text(),
                "unit": _text(enum=["celsius", "fahrenheit"]),
                "days": _integer(minimum=1, maximum=14),
            }
        ),
    ),
    "find_order": (
        {"en": "Looks an order up by its id.", "ko": "주문번호로 주문을 찾습니다."},
        _object({"order_id": _text(format="uuid"), "with_items": {"type": "boolean"}}),
    ),
    "place_order": (
        {"en": "Orders products for a customer.", "ko": "고객 대신 상품을 주문합니다."},
        _object(
            {
                "customer": _object(
                    {"name": _text(), "email": _text(format="email"), "phone": {"type": ["string", "null"]}}
                ),
                "items": {"type": "array", "items": _LINE, "minItems": 1, "maxItems": 5},
                "discount": {"type": "number", "minimum": 0, "exclusiveMaximum": 1},
            }
        ),
    ),
    "book_trip": (
        {"en": "Books a trip between two places.", "ko": "두 곳 사이의 여행을 예약합니다."},
        _object(
            {
                "origin": {"$ref": "#/$defs/place"},
                "destination": {"$ref": "#/$defs/place"},
                "departure": _text(format="date"),
                "class": {"anyOf": [_text(enum=["economy", "business"]), {"type": "null"}]},
            },
            **{"$defs": {"place": _PLACE}},
        ),
    ),
    "create_event": (
        {"en": "Puts an event into the calendar.", "ko": "일정을 달력에 넣습니다."},
        _object(
            {
                "title": _text(),
                "start": _text(format="date-time"),
                "minutes": _integer(minimum=15, maximum=480, multipleOf=15),
                "guests": {"type": "array", "items": _text(format="email"), "maxItems": 10, "uniqueItems": True},
            }
        ),
    ),
    "search_documents": (
        {"en": "Searches the documents of the company.", "ko": "회사 문서를 검색합니다."},
        _object(
            {
                "query": _text(minLength=1),
                "limit": _integer(minimum=1, maximum=50),
                "kinds": {
                    "type": "array",
                    "items": _text(enum=["contract", "invoice", "manual"]),
                    "minItems": 1,
                    "uniqueItems": True,
                },
            }
        ),
    ),
    "add_category": (
        {"en": "Adds a category with those below it.", "ko": "하위 분류가 있는 분류를 추가합니다."},
        _object({"category": {"$ref": "#/$defs/category"}}, **{"$defs": {"category": _CATEGORY}}),
    ),
}


def tool(name: str, language: str) -> dict[str, Any]:
    """A copy of one of FUNCTIONS as an entry of `tools` (CONTRACT §1.1)."""
    descriptions, parameters = FUNCTIONS[name]
    definition = {"name": name, "description": descriptions[language], "strict": True}
    return {"type": "function", "function": {**definition, "parameters": deepcopy(parameters)}}


def definition_of(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function definition in a tool; given a definition, itself; given a bare schema, one with these parameters.

    >>> definition_of({"type": "function", "function": {"name": "f"}})
    {'name': 'f'}
    >>> definition_of({"type": "object", "properties": {"name": {}}})["parameters"]["type"]
    'object'
    """
    if isinstance(schema.get("function"), Mapping):
        inner: Mapping[str, Any] = schema["function"]
        return inner
    return schema if isinstance(schema.get("name"), str) else {"parameters": schema}
