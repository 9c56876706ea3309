"""Objects that exist before the first request: files, vector stores, assistants, and threads with messages.

Each is the body of the request that would make it, of v2 or v1, and is made by what serves that request. An `id` may
stand with it, and with each message of a thread.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from harness.scenarios import contents
from harness.scenarios.places import shown
from harness.scenarios.seeds import SeededFile
from harness.scenarios.validating import validated
from harness.service.context import Call
from harness.service.errors import Refusal
from harness.service.faults.matching import route_of
from harness.service.http import Request
from harness.service.params import v1, v2, validate
from harness.service.params.common import array_of
from harness.service.records import File

if TYPE_CHECKING:
    from collections.abc import Callable, Container, Iterable, Iterator

    from pydantic import BaseModel

    from harness.scenarios.places import Misread, Place
    from harness.service.context import World
    from harness.service.routes import Route
    from harness.service.shapes import Api
    from harness.service.store import Ids

    Make = Callable[[World], object]

URL = "https://api.openai.com/v1"
# How v2 refuses the keys and tools that only v1 had. Of types v1 was less strict, and is not asked.
NOT_KNOWN = ("unknown_parameter", "invalid_value")
FILE = '- {"id": "file-abc", "filename": "hours.txt", "content": "Open from 9 to 5."}'


class Grown(v2.CreateThread):
    """A thread that is there already: it has grown, and may be longer than one can begin."""

    messages: Annotated[list[v2.CreateMessage], array_of("objects")] | None = None


class GrownInV1(v1.CreateThread):
    """The same, in a body of v1."""

    messages: list[v1.CreateMessage] | None = None


@dataclass(frozen=True)
class Kind:
    """What a section holds.

    Attributes:
        path: where a request would make it.
        prefix: how its ids begin.
        usual: what need not be said.
        usual_in_v1: what stands for it in a body that only v1 takes.
        own_bodies: the models, that of v2 first, where they are not those of the request.
    """

    path: str
    prefix: str
    example: str
    usual: Mapping[str, Any]
    usual_in_v1: Mapping[str, Any]
    own_bodies: dict[Api, type[BaseModel]] = field(default_factory=dict)

    @property
    def route(self) -> Route:
        route = route_of(f"POST {self.path}")
        assert route is not None  # one of the service's own
        return route

    @property
    def bodies(self) -> dict[Api, type[BaseModel]]:
        """The models of the body, that of v2 first."""
        return self.own_bodies or dict(sorted(self.route.bodies.items(), reverse=True))

    @property
    def keys(self) -> list[str]:
        return list(dict.fromkeys(["id", *(key for body in self.bodies.values() for key in body.model_fields)]))


# In the order in which they are made: an assistant may name a store, and a store files.
KINDS = {
    "vector_stores": Kind("/vector_stores", "vs_", '- {"id": "vs_abc", "file_ids": ["file-abc"]}', {}, {}),
    "assistants": Kind(
        "/assistants",
        "asst_",
        '- {"id": "asst_abc", "model": "gpt-4o"}',
        {"model": "gpt-4o"},
        {"model": "gpt-4-turbo"},
    ),
    "threads": Kind(
        "/threads",
        "thread_",
        '- {"id": "thread_abc", "messages": [{"role": "user", "content": "Hi"}]}',
        {},
        {},
        {"v2": Grown, "v1": GrownInV1},
    ),
}


def file(data: Any, place: Place) -> Make:
    """What makes a file; a text is its path.

    Raises:
        HarnessFailure: it is no file, or cannot be read.
    """
    given = validated(SeededFile, {"path": data} if isinstance(data, str) else data, place, "file", FILE)
    if (given.path is None) == (given.content is None) or (given.path is None and given.filename is None):
        raise place.failure("a file is a path, or a filename with a content.", do=FILE)
    if given.path is not None:
        found = contents.read(given.path, place / "path")
        name, content = found.name or "", found.content
    else:
        said = contents.plain(given.content, place / "content")
        name, content = "", said.encode() if isinstance(said, str) else said
    _check_id(given.id, "", place)

    def make(world: World) -> None:
        store = world.store
        record_id = given.id or store.ids.file(world.shapes, azure=False, purpose=given.purpose)
        _check_free(record_id, store.files, place)
        store.files.add(File(record_id, world.second, given.filename or name, given.purpose, content))

    return make


def other(section: str, data: Any, place: Place) -> Make:
    """What makes an object of a section.

    Raises:
        HarnessFailure: it is no body that a request could have.
    """
    kind = KINDS[section]
    if not isinstance(data, Mapping):
        raise place.failure(f"{shown(data)} is no object.", do=kind.example)
    place.check_keys(data, kind.keys, f"{section} know no", kind.example)
    given = dict(data)
    own = given.pop("id", None)
    _check_id(own, kind.prefix, place)
    ids = _ids_of_messages(given, place / "messages")
    body, api = _body(kind, given, place)

    def make(world: World) -> None:
        if own is not None:
            _check_free(own, getattr(world.store, section), place)
        call = Call(world, Request("POST", URL + kind.path), api, azure=False, path_ids={}, body=body)
        try:
            with _planned(world.store.ids, own, ids):
                kind.route.handler(call)
        except Refusal as refusal:
            raise _refused(refusal, place, kind) from refusal

    return make


def make_all(world: World, makes: Iterable[Make]) -> None:
    """Make the objects. What lies in their vector stores is indexed at once: they were there before.

    Raises:
        HarnessFailure: one names what is not there, or has the id of one that is.
    """
    before = {store.id for store in world.store.vector_stores}
    for make in makes:
        make(world)
    for store in world.store.vector_stores:
        if store.id not in before:
            world.indexer.settle(store)


# --- ids ------------------------------------------------------------------------------------------------------


def _ids_of_messages(thread: dict[str, Any], place: Place) -> list[str | None]:
    """Takes the ids out of the messages, which in a request have none."""
    messages = thread.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        return []  # what it is instead is refused with the body
    ids = [message.get("id") for message in messages]
    for index, wanted in enumerate(ids):
        _check_id(wanted, "msg_", place / index)
        if wanted is not None and wanted in ids[:index]:
            raise _taken(wanted, place / index)
    thread["messages"] = [{key: message[key] for key in message if key != "id"} for message in messages]
    return ids


@contextmanager
def _planned(ids: Ids, own: str | None, messages: list[str | None]) -> Iterator[None]:
    """While active, these are the ids that objects get. What a recording has planned waits."""
    kept, ids.planned = ids.planned, {}
    wanted = [own, *(given or ids.make("msg_") for given in messages)]
    try:
        for each in filter(None, wanted):
            ids.plan(each)
        yield
    finally:
        ids.planned = kept


def _check_id(wanted: Any, prefix: str, place: Place) -> None:
    if wanted is not None and not (isinstance(wanted, str) and re.fullmatch(rf"{prefix}[\w.-]+", wanted, re.ASCII)):
        begins = f", and begins with {prefix!r}" if prefix else ""
        raise (place / "id").failure(
            f"{shown(wanted)} cannot be its id.",
            there_was=f"An id is made of letters, digits, _ and -{begins}.",
            do=f'"id": "{prefix or "file-"}abc"',
        )


def _check_free(wanted: str, table: Container[str], place: Place) -> None:
    if wanted in table:
        raise _taken(wanted, place)


def _taken(wanted: str, place: Place) -> Misread:
    return (place / "id").failure(
        f"{wanted!r} is there already.", do="id: …   # another one, or none: then one is made"
    )


# --- bodies ---------------------------------------------------------------------------------------------------


def _body(kind: Kind, data: Mapping[str, Any], place: Place) -> tuple[Any, Api]:
    """The body as v2 takes it or, where that does not know what it says, v1; what is wrong with it, v2 says."""
    bodies = kind.bodies
    body = _validated(bodies["v2"], {**kind.usual, **data}, "v2")
    if not isinstance(body, Refusal):
        return body, "v2"
    if body.code in NOT_KNOWN and "v1" in bodies:
        earlier = _validated(bodies["v1"], {**kind.usual_in_v1, **data}, "v1")
        if not isinstance(earlier, Refusal):
            return earlier, "v1"
    raise _refused(body, place, kind)


def _validated(model: Any, data: Mapping[str, Any], api: Api) -> Any:
    try:
        return validate(model, data, api)
    except Refusal as refusal:
        return refusal


def _refused(refusal: Refusal, place: Place, kind: Kind) -> Misread:
    path = [int(key) if key.isdecimal() else key for key in re.findall(r"[^.\[\]]+", refusal.param or "")]
    for key in path:
        place /= key
    near = difflib.get_close_matches(str(path[-1]), _all_keys(kind), n=1) if refusal.code == "unknown_parameter" else []
    return place.failure(
        f"the service would refuse this: {refusal.message}",
        there_was=f"The nearest that it knows is {near[0]!r}." if near else "",
        do=f'"{near[0]}": …' if near else kind.example,
    )


def _all_keys(kind: Kind) -> set[str]:
    """The keys of a body and of everything in it."""
    parts = [part for body in kind.bodies.values() for part in body.model_json_schema().get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", ())}
