"""Objects that exist before the first request: files, vector stores, assistants, and threads with messages.

Each is described by the body of the request that would create it, of v2 or v1, and is created by the handler of that
request. It may have an `id`, and so may each message of a thread.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from harness.scenarios import contents
from harness.scenarios.files import SeededFile
from harness.scenarios.places import preview
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

    from harness.scenarios.places import Place, ScenarioError
    from harness.service.context import World
    from harness.service.routes import Route
    from harness.service.shapes import Api
    from harness.service.store import Ids

    Creation = Callable[[World], object]

URL = "https://api.openai.com/v1"
# The codes with which v2 refuses the keys and tools that only v1 had. Other refusals are final: v1 was less strict.
UNKNOWN_IN_V2 = ("unknown_parameter", "invalid_value")
FILE = '- {"id": "file-abc", "filename": "hours.txt", "content": "Open from 9 to 5."}'


class ExistingThread(v2.CreateThread):
    """The body of a thread that exists already, which may have more messages than a new one can."""

    messages: Annotated[list[v2.CreateMessage], array_of("objects")] | None = None


class ExistingThreadV1(v1.CreateThread):
    """The same, in a body of v1."""

    messages: list[v1.CreateMessage] | None = None


@dataclass(frozen=True)
class Kind:
    """A kind of objects, in the section of the same name.

    Attributes:
        path: of the request that creates one.
        prefix: how its ids begin.
        defaults: values of required fields that a scenario may leave out.
        v1_defaults: the same for a body that only v1 accepts.
        own_models: the models of the body, that of v2 first, where they are not those of the request.
    """

    path: str
    prefix: str
    example: str
    defaults: Mapping[str, Any]
    v1_defaults: Mapping[str, Any]
    own_models: dict[Api, type[BaseModel]] = field(default_factory=dict)

    @property
    def route(self) -> Route:
        route = route_of(f"POST {self.path}")
        assert route is not None  # a path of the service's own
        return route

    @property
    def bodies(self) -> dict[Api, type[BaseModel]]:
        """The models of the body, that of v2 first."""
        return self.own_models or dict(sorted(self.route.bodies.items(), reverse=True))

    @property
    def keys(self) -> list[str]:
        return list(dict.fromkeys(["id", *(key for body in self.bodies.values() for key in body.model_fields)]))


# In the order of their creation: an assistant may refer to a store.
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
        {"v2": ExistingThread, "v1": ExistingThreadV1},
    ),
}


def file_creation(data: Any, place: Place) -> Creation:
    """The creation of a file; a text is its path.

    Raises:
        HarnessFailure: it is not a description of a file, or the file cannot be read.
    """
    given = validated(SeededFile, {"path": data} if isinstance(data, str) else data, place, "file", FILE)
    if (given.path is None) == (given.content is None) or (given.path is None and given.filename is None):
        raise place.failure("a file is a path, or a filename with content.", do=FILE)
    if given.path is not None:
        product = contents.read(given.path, place / "path")
        name, content = product.name or "", product.content
    else:
        resolved = contents.resolved(given.content, place / "content")
        name, content = "", resolved.encode() if isinstance(resolved, str) else resolved
    _check_id(given.id, "", place)

    def create(world: World) -> None:
        store = world.store
        record_id = given.id or store.ids.file(world.shapes, azure=False, purpose=given.purpose)
        _check_free(record_id, store.files, place)
        store.files.add(File(record_id, world.second, given.filename or name, given.purpose, content))

    return create


def object_creation(section: str, data: Any, place: Place) -> Creation:
    """The creation of an object of a section other than `files`.

    Raises:
        HarnessFailure: no request could have such a body.
    """
    kind = KINDS[section]
    if not isinstance(data, Mapping):
        raise place.failure(f"{preview(data)} is no object.", do=kind.example)
    place.check_keys(data, kind.keys, f"{section} know no", kind.example)
    given = dict(data)
    wanted_id = given.pop("id", None)
    _check_id(wanted_id, kind.prefix, place)
    message_ids = _take_message_ids(given, place / "messages")
    body, api = _body(kind, given, place)

    def create(world: World) -> None:
        if wanted_id is not None:
            _check_free(wanted_id, getattr(world.store, section), place)
        call = Call(world, Request("POST", URL + kind.path), api, azure=False, path_ids={}, body=body)
        try:
            with _with_planned_ids(world.store.ids, wanted_id, message_ids):
                kind.route.handler(call)
        except Refusal as refusal:
            raise _refusal_failure(refusal, place, kind) from refusal

    return create


def create_all(world: World, creations: Iterable[Creation]) -> None:
    """Create the objects. What lies in their vector stores is indexed at once: they existed before.

    Raises:
        HarnessFailure: one refers to an object that does not exist, or has the id of one that does.
    """
    before = {store.id for store in world.store.vector_stores}
    for create in creations:
        create(world)
    for store in world.store.vector_stores:
        if store.id not in before:
            world.indexer.index_now(store)


# --- ids ------------------------------------------------------------------------------------------------------


def _take_message_ids(thread: dict[str, Any], place: Place) -> list[str | None]:
    """Remove the ids from the messages of a thread, which have none in a request, and return them."""
    messages = thread.get("messages")
    if not isinstance(messages, list) or not all(isinstance(message, Mapping) for message in messages):
        return []  # any other value is refused with the body
    ids = [message.get("id") for message in messages]
    for index, wanted in enumerate(ids):
        _check_id(wanted, "msg_", place / index)
        if wanted is not None and wanted in ids[:index]:
            raise _taken(wanted, place / index)
    thread["messages"] = [{key: message[key] for key in message if key != "id"} for message in messages]
    return ids


@contextmanager
def _with_planned_ids(ids: Ids, own: str | None, messages: list[str | None]) -> Iterator[None]:
    """While active, new objects get these ids; ids planned by a recording are kept for later."""
    before, ids.planned = ids.planned, {}
    wanted = [own, *(given or ids.make("msg_") for given in messages)]
    try:
        for each in filter(None, wanted):
            ids.plan(each)
        yield
    finally:
        ids.planned = before


def id_pattern(prefix: str) -> str:
    """A regular expression for ids. The service refuses requests for an id with a dot, except for files."""
    return rf"{prefix}[A-Za-z0-9_-]+" if prefix else "[A-Za-z0-9_.-]+"


def _check_id(wanted: Any, prefix: str, place: Place) -> None:
    if wanted is not None and not (isinstance(wanted, str) and re.fullmatch(id_pattern(prefix), wanted)):
        characters = f"'_' and '-', and begins with {prefix!r}" if prefix else "'.', '_' and '-'"
        raise (place / "id").failure(
            f"{preview(wanted)} cannot be its id.",
            there_was=f"An id is made of ASCII letters, digits, {characters}.",
            do=f'"id": "{prefix or "file-"}abc"',
        )


def _check_free(wanted: str, table: Container[str], place: Place) -> None:
    if wanted in table:
        raise _taken(wanted, place)


def _taken(wanted: str, place: Place) -> ScenarioError:
    return (place / "id").failure(
        f"{wanted!r} exists already.", do="id: …   # another one, or none: then one is generated"
    )


# --- bodies ---------------------------------------------------------------------------------------------------


def _body(kind: Kind, data: Mapping[str, Any], place: Place) -> tuple[Any, Api]:
    """The body, validated by v2 or, if it has keys or tools that v2 does not know, by v1; failures are those of v2."""
    bodies = kind.bodies
    body = _body_or_refusal(bodies["v2"], {**kind.defaults, **data}, "v2")
    if not isinstance(body, Refusal):
        return body, "v2"
    if body.code in UNKNOWN_IN_V2 and "v1" in bodies:
        earlier = _body_or_refusal(bodies["v1"], {**kind.v1_defaults, **data}, "v1")
        if not isinstance(earlier, Refusal):
            return earlier, "v1"
    raise _refusal_failure(body, place, kind)


def _body_or_refusal(model: Any, data: Mapping[str, Any], api: Api) -> Any:
    try:
        return validate(model, data, api)
    except Refusal as refusal:
        return refusal


def _refusal_failure(refusal: Refusal, place: Place, kind: Kind) -> ScenarioError:
    path = [int(key) if key.isdecimal() else key for key in re.findall(r"[^.\[\]]+", refusal.param or "")]
    for key in path:
        place /= key
    near = difflib.get_close_matches(str(path[-1]), _all_keys(kind), n=1) if refusal.code == "unknown_parameter" else []
    return place.failure(
        f"the service would refuse this: {refusal.message}",
        there_was=f"The nearest known name is {near[0]!r}." if near else "",
        do=f'"{near[0]}": …' if near else kind.example,
    )


def _all_keys(kind: Kind) -> set[str]:
    """The keys of all objects within a body."""
    parts = [part for body in kind.bodies.values() for part in body.model_json_schema().get("$defs", {}).values()]
    return {key for part in parts for key in part.get("properties", ())}
