"""What recorded exchanges mean: which endpoint was called, which objects were shown, and what happened in each run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_core import from_json

from harness.recording.exchanges import understanding
from harness.recording.matching import normal
from harness.recording.soundness import wrong
from harness.recording.stories import Story
from harness.service.paths import ROOTS, below_root
from harness.service.routes import FAMILIES, ROUTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.recording.exchanges import Recorded
    from harness.service.routes import Route

Json: TypeAlias = "dict[str, Any]"
# `vsfb_ibj_…` since November 2025 (openai/openai-python#2724)
ID = re.compile(
    r"\b(?:asst|thread|msg|run|step|call|vs|vsfb|vsfb_ibj)_[A-Za-z0-9]{3,}\b|\b(?:file|assistant)-[A-Za-z0-9]{3,}\b"
)
IN_A_STORE = "vector_store.file"  # an object that goes by the id of a file, and is none
FRAME = re.compile(r"event: ?(.+?)\r?\ndata: ?(.*?)\r?\n\r?\n")


# Nobody says behind which gateway a recording was made: a root and what lies directly below it tell.
GATEWAY = re.compile(rf"(?:/[^/]+)*?(?=(?:{'|'.join(ROOTS)})/(?:{'|'.join(sorted(FAMILIES))})(?:/|\Z))")


def behind_gateway(path: str) -> str:
    """A path without the folders of a gateway in front of the API's root.

    >>> behind_gateway("/v1/0a1b/gw/openai/threads"), behind_gateway("/proxy/v1/threads"), behind_gateway("/x")
    ('/openai/threads', '/v1/threads', '/x')
    """
    folders = GATEWAY.match(path)
    return path if folders is None else path[folders.end() :]


class Seen:
    """One exchange, understood as far as it can be."""

    def __init__(self, recorded: Recorded) -> None:
        self.recorded = recorded
        self.path = below_root(behind_gateway(recorded.request.path))
        match = ROUTER.match(recorded.request.method, self.path)
        self.route: Route | None = None if match is None else match.route
        self.path_ids: dict[str, str] = {} if match is None else match.path_ids

    def __deepcopy__(self, memo: dict[int, object]) -> Seen:
        """A snapshot of the world that answers from it has no other."""
        return self

    @property
    def method(self) -> str:
        return self.recorded.request.method

    @property
    def status(self) -> int:
        return self.recorded.response.status

    @property
    def ok(self) -> bool:
        return self.status < 400

    @cached_property
    def asked(self) -> Any:
        """What the request asks, however it is written."""
        return normal(self.recorded.request)

    @cached_property
    def got(self) -> Any:
        """The JSON value of the answer, or None where it is none, such as a stream."""
        return _json(self.recorded.got)

    @cached_property
    def events(self) -> list[tuple[str, Json]]:
        """The events of a stream whose data are objects."""
        kind = self.recorded.response.headers.get("content-type", "")
        text = self.recorded.got.decode("utf-8", "replace")
        if "event-stream" not in kind and not text.startswith("event: "):
            return []
        found = ((name, _json(data.encode())) for name, data in FRAME.findall(text + "\n\n"))
        return [(name, data) for name, data in found if isinstance(data, dict)]

    @cached_property
    def objects(self) -> list[Json]:
        """All objects of the API in the answer, from the outside in, in their order; but not those that are odd."""
        return [item for item, odd in self._looked_at if odd is None]

    @property
    def odd(self) -> list[str]:
        """What of the objects cannot be understood, an entry for each that has such."""
        return [odd for _, odd in self._looked_at if odd is not None]

    @cached_property
    def _looked_at(self) -> list[tuple[Json, str | None]]:
        found = _objects([data for _, data in self.events] if self.events else self.got)
        return [(item, wrong(item)) for item in found]

    @cached_property
    def made(self) -> list[Json]:
        """The objects this exchange made: that of a plain answer, or those a stream tells the creation of."""
        if not self.ok or self.method != "POST" or self.route is None or self.odd:
            return []
        if self.events:
            return [data for name, data in self.events if name in ("thread.created", "thread.run.created")]
        body = self.got if isinstance(self.got, dict) else {}
        if not {"id", "object"} <= body.keys() or body["id"] in self.path_ids.values() or body["object"] == IN_A_STORE:
            return []
        with_thread = [{"object": "thread", "id": body.get("thread_id")}] if self.path == "/threads/runs" else []
        return [*self._stores_made(body), *with_thread, body]

    @property
    def additional_messages(self) -> list[Json]:
        """What the request adds to the thread before its run."""
        body = self.recorded.request.json
        return (body.get("additional_messages") or []) if isinstance(body, dict) else []

    def _stores_made(self, body: Json) -> list[Json]:
        """The store that a `vector_stores` helper of the request made."""
        if b'"vector_stores"' not in self.recorded.sent:
            return []
        resources = body.get("tool_resources") or {}
        ids = resources.get("file_search", {}).get("vector_store_ids", ())
        return [{"object": "vector_store", "id": store_id} for store_id in ids]

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.recorded.origin})"


@dataclass
class Session:
    """A recorded conversation: its exchanges in order, each object as it was first shown, and a story for each run.

    `doubled` has the ids that stand for several objects, as a filter leaves them, and where that shows.
    """

    exchanges: list[Seen]
    shown: dict[str, Json] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    contents: dict[str, bytes] = field(default_factory=dict)
    in_stores: dict[tuple[str, str], Json] = field(default_factory=dict)
    doubled: dict[str, Seen] = field(default_factory=dict)

    @classmethod
    def of(cls, recorded: Iterable[Recorded]) -> Session:
        session = cls([Seen(item) for item in recorded])
        for seen in session.exchanges:
            with understanding(seen):
                session._note(seen)
        return session

    @property
    def start(self) -> float | None:
        """When the first exchange was answered, or its first object made; None where nothing says so."""
        for seen in self.exchanges:
            times = [item["created_at"] for item in seen.objects if isinstance(item.get("created_at"), int)]
            if seen.recorded.at is not None or times:
                return seen.recorded.at if seen.recorded.at is not None else float(max(times))
        return None

    @cached_property
    def made(self) -> dict[str, Seen]:
        """Which exchange made which object."""
        made = {item["id"]: seen for seen in self.exchanges for item in seen.made}
        added = {message_id: made[run_id] for run_id, ids in self.added.items() for message_id in ids}
        return {**made, **added}

    @cached_property
    def added(self) -> dict[str, list[str]]:
        """The messages that came with a run (`additional_messages`), by the run: lists alone show their ids.

        They are the newest of the thread by then that say the same, as far as they were shown.
        """
        made = {item["id"] for seen in self.exchanges for item in seen.made}
        found: dict[str, list[str]] = {}
        for seen in self.exchanges:
            run = next((item for item in seen.made if item["object"] == "thread.run"), None)
            if run is None:
                continue
            left = [
                item
                for item in self.of_thread("thread.message", run["thread_id"])
                if not item.get("run_id") and item["id"] not in made and item["created_at"] <= run["created_at"]
            ]
            ids: list[str] = []
            for message in reversed(seen.additional_messages):
                while left and _spoken(left[-1]) != _spoken(message):
                    left.pop()
                ids[:0] = [left.pop()["id"]] if left else []
            found[run["id"]] = ids
            made.update(ids)
        return found

    @cached_property
    def mentioned(self) -> list[str]:
        """Every id of the API anywhere in the session, in the order of its first mention."""
        found: dict[str, None] = {}
        for seen in self.exchanges:
            texts = (seen.recorded.request.url, _text(seen.recorded.sent), _text(seen.recorded.got))
            found.update(dict.fromkeys(match for text in texts for match in ID.findall(text)))
        return list(found)

    def of_thread(self, kind: str, thread_id: str) -> list[Json]:
        """The messages or runs of a thread as they were first shown, oldest first."""
        there = [item for item in self.shown.values() if item["object"] == kind and item.get("thread_id") == thread_id]
        return sorted(there, key=lambda item: item["created_at"])

    def of_store(self, store_id: str) -> list[Json]:
        """The files that a store had and no recorded request put there, oldest first."""
        put = {
            found
            for seen in self.exchanges
            if seen.method == "POST" and seen.path.startswith(f"/vector_stores/{store_id}/")
            for found in ID.findall(_text(seen.recorded.sent))
        }
        there = [item for (store, file_id), item in self.in_stores.items() if store == store_id and file_id not in put]
        return sorted(there, key=lambda item: item["created_at"])

    def story(self, run_id: str) -> Story:
        return self.stories.setdefault(run_id, Story())

    def _note(self, seen: Seen) -> None:
        if not seen.ok:
            return
        if seen.path.endswith("/cancel") and "run_id" in seen.path_ids:
            self.story(seen.path_ids["run_id"]).cancelled_by_client = True
        if seen.path.endswith("/content") and "file_id" in seen.path_ids:
            self.contents[seen.path_ids["file_id"]] = seen.recorded.got
        for run_id in {item["id"] for item in seen.objects if seen.events and item["object"] == "thread.run"}:
            self.story(run_id).see_stream(seen.events)
        # lists are newest first unless asked otherwise; within one second only their order tells the age
        ascending = seen.recorded.request.query.get("order") == ["asc"]
        for item in seen.objects if ascending or seen.events else reversed(seen.objects):
            if item["object"] == IN_A_STORE and "created_at" in item:
                self.in_stores.setdefault((item["vector_store_id"], item["id"]), item)
            elif "id" in item and item.get("created_at") is not None:
                first = self.shown.setdefault(item["id"], item)
                if first is not item and first["object"] == item["object"] and _who(first) != _who(item):
                    self.doubled.setdefault(item["id"], seen)
                self._tell(item)

    def _tell(self, item: Json) -> None:
        if item["object"] == "thread.run":
            self.story(item["id"]).see_run(item)
        elif item["object"] == "thread.run.step":
            self.story(item["run_id"]).steps[item["id"]] = item
        elif item["object"] == "thread.message" and item.get("run_id"):
            self.story(item["run_id"]).see_message(item)


def _spoken(message: Json) -> tuple[str, str]:
    """Who says which text in a message, as a request or an answer writes it."""
    content = message["content"]
    parts = [{"text": content}] if isinstance(content, str) else content or ()
    texts = [part["text"] for part in parts if "text" in part]
    return message["role"], "\n".join(text if isinstance(text, str) else text["value"] for text in texts)


def _who(item: Json) -> tuple[object, ...]:
    """What of an object never changes."""
    return item["created_at"], item.get("thread_id"), item.get("role"), item.get("type")


def _json(raw: bytes) -> Any:
    try:
        return from_json(raw)
    except ValueError:
        return None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if isinstance(value.get("object"), str):
            yield value
        for item in value.values():
            yield from _objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from _objects(item)
