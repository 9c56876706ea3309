"""Validates data against models; failures name the place and what was expected there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.scenarios.places import preview

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.scenarios.places import Place, ScenarioError

M = TypeVar("M", bound=BaseModel)
# pydantic's names of types, and the words for them in messages, which may not assume any Python.
JSON_TYPE_NAMES = {
    "a valid string": "a text",
    "a valid dictionary": "an object",
    "a valid list": "a list",
    "a valid boolean": "true or false",
    "a valid number": "a number",
    "a valid integer": "a whole number",
}


def validated(model: type[M], data: Any, place: Place, what: str, example: str) -> M:
    """Data as an instance of a model.

    Raises:
        HarnessFailure: it is not an object, has an unknown key, or a value of another type.
    """
    if not isinstance(data, Mapping):
        raise place.failure(f"{preview(data)} is no {what}.", do=example)
    place.check_keys(data, model.model_fields, f"{what} knows no", example)
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise validation_failure(error, data, place, example) from None


def validation_failure(error: ValidationError, data: Mapping[str, Any], place: Place, example: str) -> ScenarioError:
    """The failure for an invalid value; of several, for the most deeply nested one.

    pydantic reports an error for each member of a union, with the member in its path: only keys of the data are kept.
    """
    expected: dict[tuple[str | int, ...], list[str]] = {}
    for detail in error.errors(include_url=False):
        where = tuple(_existing_path(data, detail["loc"]))
        expected.setdefault(where, []).append(_expected(detail["type"], detail["loc"][-1], detail["msg"]))
    path = max(expected, key=len)
    value: Any = data
    for key in path:
        value = value[key]
        place /= key
    expectations = [expectation for expectation in dict.fromkeys(expected[path]) if expectation]
    return place.failure(f"{preview(value)} should be {' or '.join(expectations) or 'left out'}.", do=example)


def _existing_path(data: Any, location: Iterable[str | int]) -> Iterator[str | int]:
    for key in location:
        if _has(data, key):
            yield key
            data = data[key]


def _has(data: Any, key: str | int) -> bool:
    return key in data if isinstance(data, dict) else isinstance(data, list) and isinstance(key, int)


def _expected(kind: str, key: str | int, message: str) -> str:
    if kind == "extra_forbidden":
        return ""
    if kind == "missing":
        return f"an object with {key!r}"
    expected = message.removeprefix("Input should be ").partition(" or instance of ")[0]
    return JSON_TYPE_NAMES.get(expected, expected)
