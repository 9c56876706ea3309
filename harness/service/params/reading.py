"""From bytes and query strings to validated values."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from harness.service.params import wording
from harness.service.params.queries import Query

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.service.http import Content
    from harness.service.shapes import Api

M = TypeVar("M", bound=BaseModel)
Q = TypeVar("Q", bound=Query)


def parse_json(body: Content, api: Api) -> object:
    """The JSON value of a body; an empty body counts as an empty object (CONTRACT §1.2).

    So do `[]` and `null`, which clients in PHP and .NET send instead (openai-php/client#353; betalgo/openai, whose
    playground creates threads and cancels runs with `null`).

    >>> parse_json(b"", "v2"), parse_json(b"[]", "v2"), parse_json(b'{"a": [1]}', "v2")
    ({}, {}, {'a': [1]})

    Raises:
        Refusal: the body is not JSON.
    """
    if not body:
        return {}
    try:
        value = from_json(bytes(body), allow_inf_nan=False)
    except ValueError:
        raise wording.not_json(api) from None
    return {} if value is None or value == [] else value


def validate(model: type[M], data: object, api: Api) -> M:
    """`data` as an instance of `model`.

    Raises:
        Refusal: it does not fit the model; in the wording of `api`.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise wording.refusal(error, api, "body") from None


def parse_query(model: type[Q], query: Mapping[str, list[str]], api: Api) -> Q:
    """A decoded query string as an instance of `model`.

    A list is written `name[]=…` or `name=…`, once for each item. Of any other parameter the last value counts.

    Raises:
        Refusal: a parameter has a wrong value; in the wording of `api`.
    """
    if not query:
        defaults: Q = _defaults(model)
        return defaults
    given: dict[str, list[str]] = {}
    for name, values in query.items():
        given.setdefault(name.removesuffix("[]"), []).extend(values)
    data = {name: values if name in model.lists else values[-1] for name, values in given.items()}
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise wording.refusal(error, api, "query") from None


@cache
def _defaults(model: type[Q]) -> Q:
    """The parameters of a request without a query, cached because most have none."""
    return model()
