"""Data against models, and what is wrong with it in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from harness.scenarios.places import shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.scenarios.places import Misread, Place

M = TypeVar("M", bound=BaseModel)
# What pydantic calls them, and what they are called where nobody knows Python.
JSON_WORDS = {
    "a valid string": "a text",
    "a valid dictionary": "an object",
    "a valid list": "a list",
    "a valid boolean": "true or false",
    "a valid number": "a number",
    "a valid integer": "a whole number",
}


def validated(model: type[M], data: Any, place: Place, what: str, example: str) -> M:
    """Data as a model has it.

    Raises:
        HarnessFailure: it is no object, has an unknown key, or a value of another type.
    """
    if not isinstance(data, Mapping):
        raise place.failure(f"{shown(data)} is no {what}.", do=example)
    place.check_keys(data, model.model_fields, f"{what} knows no", example)
    try:
        return model.model_validate(dict(data))
    except ValidationError as error:
        raise misfit(error, data, place, example) from None


def misfit(error: ValidationError, data: Mapping[str, Any], place: Place, example: str) -> Misread:
    """The failure for a value that does not fit; of several, the one that lies deepest.

    pydantic tells what each member of a union wants, and names the members: only what stands in the data is kept.
    """
    wanted: dict[tuple[str | int, ...], list[str]] = {}
    for detail in error.errors(include_url=False):
        where = tuple(_in(data, detail["loc"]))
        wanted.setdefault(where, []).append(_wanted(detail["type"], detail["loc"][-1], detail["msg"]))
    path = max(wanted, key=len)
    value: Any = data
    for key in path:
        value = value[key]
        place /= key
    wishes = [wish for wish in dict.fromkeys(wanted[path]) if wish]
    return place.failure(f"{shown(value)} should be {' or '.join(wishes) or 'left out'}.", do=example)


def _in(data: Any, location: Iterable[str | int]) -> Iterator[str | int]:
    for key in location:
        if _has(data, key):
            yield key
            data = data[key]


def _has(data: Any, key: str | int) -> bool:
    return key in data if isinstance(data, dict) else isinstance(data, list) and isinstance(key, int)


def _wanted(kind: str, key: str | int, message: str) -> str:
    if kind == "extra_forbidden":
        return ""
    if kind == "missing":
        return f"an object with {key!r}"
    wanted = message.removeprefix("Input should be ").partition(" or instance of ")[0]
    return JSON_WORDS.get(wanted, wanted)
