"""A request to the control API: its world, its validated body and query."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json, to_json

from harness.failures import HarnessFailure
from harness.service.dialects import key_of
from harness.service.http import Response
from harness.serving.control.errors import ControlError
from harness.serving.control.shapes import adapter_of
from harness.serving.control.state import state_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.fake import FakeAssistants
    from harness.service.http import Request
    from harness.serving.worlds import Worlds

COMMON_PARAMETERS = frozenset({"world", "token"})  # of all routes


@dataclass(frozen=True)
class ControlRequest:
    """A request as its handler gets it.

    Attributes:
        http: the request as it was received.
        where: `METHOD /path`, for messages.
        ids: the parameters of the path.
        body, query: validated, of the types that the route names.
    """

    worlds: Worlds
    http: Request
    where: str
    ids: dict[str, str]
    body: Any = None
    query: Any = None

    @property
    def world(self) -> tuple[str, FakeAssistants]:
        """The name and the fake of the request's world, which is chosen by name or by key; a new key creates a world.

        Raises:
            ControlError: there is no world of that name (404), or there are several and none is named (400).
        """
        names, named = self.worlds.names(), self.http.query.get("world", [""])[0]
        key = key_of(self.http, azure=True) or key_of(self.http, azure=False)
        if not named and key:
            return self.worlds.name_of(key), self.worlds.for_key(key)
        name = named or (names[0] if len(names) == 1 else "")
        fake = self.worlds.get(name)
        if fake is not None:
            return name, fake
        there_was = f"There are {', '.join(names)}." if names else "There are no worlds yet."
        if named:
            nearest = difflib.get_close_matches(named, names, n=1)
            do = f"{self.where}?world={nearest[0]}" if nearest else "GET /_harness/worlds"
            raise ControlError(404, HarnessFailure(f"There is no world {named!r}.", there_was=there_was, do=do))
        raise ControlError(
            400,
            HarnessFailure(
                f"{self.where}: of which world?",
                there_was=there_was,
                do='curl -H "authorization: Bearer $OPENAI_API_KEY" …   # the world of a key; or …?world=NAME',
            ),
        )


def as_json(value: object) -> Response:
    """A 200 response with a value as JSON."""
    return Response(200, {"content-type": "application/json"}, to_json(value))


def exclusive(handler: Callable[[FakeAssistants, ControlRequest], object]) -> Callable[[ControlRequest], Response]:
    """Decorate a handler to hold the lock of its world until its answer is serialized.

    Its failures are only sent to the client, and not added to those of the fake, which fail a test.
    """

    @wraps(handler)
    def handle(request: ControlRequest) -> Response:
        fake = request.world[1]
        with fake.turns:
            state_of(fake).writes += request.http.method != "GET"
            try:
                return as_json(handler(fake, request))
            except HarnessFailure as failure:
                refused = failure
        raise refused

    return handle


# --- body and query ---------------------------------------------------------------------------------------------


def read_body(request: Request, kind: Any, *, where: str, example: object) -> Any:
    """The JSON body of a request, validated as `kind`; an empty body counts as `{}`.

    Raises:
        HarnessFailure: it is not JSON, or not of this type.
    """
    do = f"curl -d '{json.dumps(example, ensure_ascii=False)}' {request.url.partition('?')[0]}"
    try:
        given = from_json(bytes(request.body) or b"{}", allow_inf_nan=False)
    except ValueError as error:
        raise HarnessFailure(f"{where}: the body is not JSON: {error}.", do=do) from None
    return _validated(kind, given, where=where, noun="field", do=do)


def read_query(request: Request, kind: type[BaseModel], *, where: str) -> BaseModel:
    """The query of a request, validated as `kind`; of a repeated parameter, the last value counts.

    Raises:
        HarnessFailure: a parameter is unknown, or its value is of another type.
    """
    given = {name: values[-1] for name, values in request.query.items() if name not in COMMON_PARAMETERS}
    known = [*kind.model_fields, *sorted(COMMON_PARAMETERS)]
    do = f"{where}?{known[0]}=…"
    query: BaseModel = _validated(kind, given, where=where, noun="parameter", do=do, extra_names=COMMON_PARAMETERS)
    return query


def _validated(kind: Any, given: object, *, where: str, noun: str, do: str, extra_names: Iterable[str] = ()) -> Any:
    try:
        return adapter_of(kind).validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        of = f"{noun} {place}: " if place else ""
        raise HarnessFailure(f"{where}: {of}{first['msg']}.", do=do)
    known = [*kind.model_fields, *sorted(extra_names)]
    nearest = difflib.get_close_matches(place, known, n=1)
    raise HarnessFailure(
        f"{where} has no {noun} {place!r}.",
        there_was=f"It has {', '.join(known)}." + (f" The nearest is {nearest[0]}." if nearest else ""),
        do=do,
    )
