"""What handlers work with: `World`, the state of the service, and `Call`, the request that is being served."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import TYPE_CHECKING, Any

from harness.service import errors
from harness.service.cells import CodeInterpreter
from harness.service.clock import EPOCH, Clock
from harness.service.dialects import AvailableVersions
from harness.service.director import Director
from harness.service.engine import Engine, Timing
from harness.service.faults import Faults
from harness.service.indexing import Indexer
from harness.service.polling import Watch, no_loop
from harness.service.records import Assistant, File, Thread
from harness.service.searching.searcher import Searcher
from harness.service.shapes import MALFORMED_ID_REFUSALS, Api, shapes_of
from harness.service.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.cells import Execute
    from harness.service.errors import Refusal
    from harness.service.http import Request
    from harness.service.records import FileBatch, Message, Run, Step, VectorStore
    from harness.service.settings import Settings
    from harness.service.store import HasId, Table
    from harness.service.stuck import Loop


class World:
    """Everything that a request can read or change. A snapshot is a copy of it.

    `execute` runs cells of the code interpreter, if there is one; `find_loop` finds the loop that a client is in.
    """

    def __init__(
        self, settings: Settings, execute: Execute | None = None, find_loop: Callable[[], Loop | None] = no_loop
    ) -> None:
        self.settings = settings
        self.execute = execute
        self.shapes = shapes_of(settings.as_of)
        self.available = AvailableVersions.of(settings)
        self.store = Store(settings.seed)
        self.clock = Clock(first_moment(settings), settings.clock)
        self.director = Director()
        self.faults = Faults()
        self.searcher = Searcher()
        self.replayed: set[Any] = set()  # the exchanges of a recording that were requested
        timing = Timing(settings.queued, settings.act, settings.cancelling)
        self.indexer = Indexer(self.store, self.clock)
        interpreter = CodeInterpreter(self.store, self.clock, self.shapes, settings, execute)
        self.engine = Engine(
            self.store, self.clock, timing, searcher=self.searcher, indexer=self.indexer, interpreter=interpreter
        )
        self.watch = Watch(self.store, self.clock, self.engine, stuck_after=settings.stuck_after, find_loop=find_loop)

    @property
    def second(self) -> int:
        """The current time in whole seconds, as in timestamps."""
        return int(self.clock.now)


def first_moment(settings: Settings) -> float:
    """When virtual time starts: by default at noon (UTC) of the chosen day, so that new objects are of that day."""
    if settings.start is not None:
        return settings.start
    if settings.as_of is None:
        return EPOCH
    return datetime.fromisoformat(f"{settings.as_of}T12:00:00+00:00").timestamp()


@dataclass(slots=True, repr=False, eq=False)
class Call:
    """One authenticated and routed request. `find` sets the records that its path names."""

    world: World
    request: Request
    api: Api
    azure: bool
    path_ids: dict[str, str]
    body: Any = None
    query: Any = None
    assistant: Assistant = field(init=False)
    thread: Thread = field(init=False)
    message: Message = field(init=False)
    run: Run = field(init=False)
    step: Step = field(init=False)
    file: File = field(init=False)
    vector_store: VectorStore = field(init=False)
    batch: FileBatch = field(init=False)

    @property
    def store(self) -> Store:
        return self.world.store

    def check_ids(self) -> None:
        """Refuse malformed ids in the path; before 2025 they were simply not found (CONTRACT §7.1)."""
        for name, value in self.path_ids.items():
            self.check_id(name, value, PATH_IDS[name].prefix)

    def check_id(self, param: str, value: str, prefix: str) -> None:
        """Refuse a malformed id that a request names at `param`."""
        bad_characters = prefix and not PLAIN_ID.fullmatch(value)
        wrong = bad_characters or not value.startswith(prefix)
        if wrong and self.api == "v2" and self.world.shapes.since(MALFORMED_ID_REFUSALS):
            raise errors.malformed_id(param, value, BAD_CHARACTERS if bad_characters else f"begins with '{prefix}'")

    def find(self) -> None:
        """Set the records that the path names, from the left, because a run is looked up in its thread."""
        for name, value in self.path_ids.items():
            if PATH_IDS[name].table is not None:
                setattr(self, name.removesuffix("_id"), self.lookup(name, value))

    def lookup(self, name: str, value: str, missing: Callable[[str], Refusal] | None = None) -> Any:
        """The record with this id; where the fake adopts unknown ids, a new one if there is none.

        Raises:
            Refusal: there is none; `missing` makes another refusal than the one for paths.
        """
        kind = PATH_IDS[name]
        assert kind.table is not None  # callers name a kind that has a table
        table = kind.table(self)
        record = table.get(value)
        if record is None and kind.adopt and self.world.settings.adopt_unknown and ADOPTABLE_ID.match(value):
            record = table.add(kind.adopt(value, self.world.second))
        if record is None:
            raise (missing or kind.missing)(value)
        return record


# BerriAI/litellm#34788, of 2025 and later.
BAD_CHARACTERS = "contains letters, numbers, underscores, or dashes, but this value contained additional characters"
PLAIN_ID = re.compile(r"[\w-]*", re.ASCII)
ADOPTABLE_ID = re.compile(r"(asst_|thread_|file-|assistant-)[\w-]{3,}$", re.ASCII)


@dataclass(frozen=True)
class PathId:
    """A kind of id in a path: its prefix (empty: any), the table that has the record, and the refusal of an unknown id.

    `adopt` makes a record for an unknown id, where the user allows it: for ids that the code under test has hard-coded.
    """

    prefix: str
    table: Callable[[Call], Table[Any]] | None
    missing: Callable[[str], Refusal]
    adopt: Callable[[str, int], Any] | None = None


PATH_IDS: dict[str, PathId] = {
    "assistant_id": PathId(
        "asst",
        attrgetter("world.store.assistants"),
        lambda i: errors.not_found("assistant", i),
        lambda i, now: Assistant(i, now, model="gpt-4o"),
    ),
    "thread_id": PathId("thread", attrgetter("world.store.threads"), lambda i: errors.not_found("thread", i), Thread),
    "message_id": PathId("msg", attrgetter("thread.messages"), lambda i: errors.not_found("message", i)),
    "run_id": PathId("run", attrgetter("thread.runs"), lambda i: errors.not_found("run", i)),
    "step_id": PathId("step", attrgetter("run.steps"), lambda i: errors.not_found("run step", i)),
    "file_id": PathId(
        "",
        attrgetter("world.store.files"),
        errors.no_such_file,
        lambda i, now: File(i, now, f"{i}.txt", "assistants", b"", content_known=False),
    ),
    "vector_store_id": PathId(
        "vs_", attrgetter("world.store.vector_stores"), lambda i: errors.no_such_vector_store(i, status=404)
    ),
    "batch_id": PathId("vsfb_", attrgetter("vector_store.batches"), lambda i: errors.not_found("file batch", i)),
    # Handlers look these up themselves: in the vector store, the assistant, the message and the list of models.
    "store_file_id": PathId("", None, lambda i: errors.not_found("file", i)),
    "assistant_file_id": PathId("", None, lambda i: errors.not_found("assistant file", i)),
    "message_file_id": PathId("", None, lambda i: errors.not_found("message file", i)),
    "model": PathId("", None, errors.no_such_model),
}


def listing(
    call: Call, table: Table[Any], kind: str, to_wire: Callable[[Any], dict[str, Any]], **limits: Any
) -> dict[str, Any]:
    """A page of a table as the service lists it (CONTRACT §2.9, §6); `kind` is the key of its records in `PATH_IDS`.

    An unknown cursor is refused like an unknown id in a path, which is a guess (CONTRACT §6, G).
    """
    query = call.query
    cursors = {"after": query.after, "before": getattr(query, "before", None)}
    for name, cursor in cursors.items():
        if cursor is not None and cursor not in table:
            call.check_id(name, cursor, PATH_IDS[kind].prefix)
            raise PATH_IDS[kind].missing(cursor)
    page = table.page(limit=query.limit, descending=query.order == "desc", **cursors, **limits)
    return envelope([to_wire(item) for item in page.items], page.items, has_more=page.has_more)


def envelope(data: list[dict[str, Any]], items: list[HasId], *, has_more: bool) -> dict[str, Any]:
    return {
        "object": "list",
        "data": data,
        "first_id": items[0].id if items else None,
        "last_id": items[-1].id if items else None,
        "has_more": has_more,
    }
