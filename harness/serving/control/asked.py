"""A request of the control API, read: its world, its body, its query."""

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
from harness.serving.control.memory import memory_of
from harness.serving.control.refusals import Refused
from harness.serving.control.shapes import adapter_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.fake import FakeAssistants
    from harness.service.http import Request
    from harness.serving.worlds import Worlds

COMMON = frozenset({"world", "token"})  # parameters that every route takes


@dataclass(frozen=True)
class Asked:
    """One request on its way to its handler.

    Attributes:
        where: `METHOD /path`, as messages name it.
        ids: what the path names.
        body, query: validated, of the types that the route says.
    """

    worlds: Worlds
    request: Request
    where: str
    ids: dict[str, str]
    body: Any = None
    query: Any = None

    @property
    def world(self) -> tuple[str, FakeAssistants]:
        """The world that the request means, by name or by key; one that is asked for by its key begins with that.

        Raises:
            Refused: there is none of that name (404), or there are several and none is named (400).
        """
        names, named = self.worlds.names(), self.request.query.get("world", [""])[0]
        key = key_of(self.request, azure=True)
        if not named and key:
            return self.worlds.name_of(key), self.worlds.for_key(key)
        name = named or (names[0] if len(names) == 1 else "")
        fake = self.worlds.get(name)
        if fake is not None:
            return name, fake
        there_was = f"There are {', '.join(names)}." if names else "No world has begun."
        if named:
            nearest = difflib.get_close_matches(named, names, n=1)
            do = f"{self.where}?world={nearest[0]}" if nearest else "GET /_harness/worlds"
            raise Refused(404, HarnessFailure(f"There is no world {named!r}.", there_was=there_was, do=do))
        raise Refused(
            400,
            HarnessFailure(
                f"{self.where}: of which world?",
                there_was=there_was,
                do='curl -H "authorization: Bearer $OPENAI_API_KEY" …   # the world of a key; or …?world=NAME',
            ),
        )


def as_json(shown: object) -> Response:
    """An answer in JSON."""
    return Response(200, {"content-type": "application/json"}, to_json(shown))


def in_turn(handler: Callable[[FakeAssistants, Asked], object]) -> Callable[[Asked], Response]:
    """A handler that has the fake of its world to itself until its answer is written down.

    What it refuses is told to whoever asks; it is none of the failures of the world, which are a test's.
    """

    @wraps(handler)
    def handle(asked: Asked) -> Response:
        fake = asked.world[1]
        with fake.turns:
            memory_of(fake).written += asked.request.method != "GET"
            try:
                return as_json(handler(fake, asked))
            except HarnessFailure as failure:
                refused = failure
        raise refused

    return handle


# --- body and query ---------------------------------------------------------------------------------------------


def read_body(request: Request, kind: Any, *, where: str, example: object) -> Any:
    """The body of a request as `kind`; one that is empty counts as `{}`.

    Raises:
        HarnessFailure: it is no JSON, or not of this kind.
    """
    do = f"curl -d '{json.dumps(example, ensure_ascii=False)}' {request.url.partition('?')[0]}"
    try:
        given = from_json(bytes(request.body) or b"{}", allow_inf_nan=False)
    except ValueError as error:
        raise HarnessFailure(f"{where}: the body is no JSON: {error}.", do=do) from None
    return _checked(kind, given, where=where, noun="field", do=do)


def read_query(request: Request, kind: type[BaseModel], *, where: str) -> BaseModel:
    """The query of a request; of a parameter that comes several times, the last counts.

    Raises:
        HarnessFailure: there is no such parameter, or its value is not of its type.
    """
    given = {name: values[-1] for name, values in request.query.items() if name not in COMMON}
    known = [*kind.model_fields, *sorted(COMMON)]
    do = f"{where}?{known[0]}=…"
    read: BaseModel = _checked(kind, given, where=where, noun="parameter", do=do, also=COMMON)
    return read


def _checked(kind: Any, given: object, *, where: str, noun: str, do: str, also: Iterable[str] = ()) -> Any:
    try:
        return adapter_of(kind).validate_python(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
    place = ".".join(map(str, first["loc"]))
    if first["type"] != "extra_forbidden":
        of = f"{noun} {place}: " if place else ""
        raise HarnessFailure(f"{where}: {of}{first['msg']}.", do=do)
    known = [*kind.model_fields, *sorted(also)]
    nearest = difflib.get_close_matches(place, known, n=1)
    raise HarnessFailure(
        f"{where} has no {noun} {place!r}.",
        there_was=f"It has {', '.join(known)}." + (f" The nearest is {nearest[0]}." if nearest else ""),
        do=do,
    )
