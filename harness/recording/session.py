"""What recorded exchanges mean: which endpoint was called, which objects were shown, and what happened in each run."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_core import from_json

from harness.recording.dialects.common import unix_seconds
from harness.recording.exchanges import malformed_as_failure
from harness.recording.matching import normalized
from harness.recording.stories import Story
from harness.recording.validation import validation_error
from harness.service.paths import ROOTS, below_root
from harness.service.routes import FAMILIES, ROUTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.recording.exchanges import RecordedExchange
    from harness.service.routes import Route

Json: TypeAlias = "dict[str, Any]"
# `vsfb_ibj_…` since November 2025 (openai/openai-python#2724)
ID = re.compile(
    r"\b(?:asst|thread|msg|run|step|call|vs|vsfb|vsfb_ibj)_[A-Za-z0-9]{3,}\b|\b(?:file|assistant)-[A-Za-z0-9]{3,}\b"
)
STORE_FILE = "vector_store.file"  # its id is that of the file, so ids alone do not tell the two apart
SSE_FRAME = re.compile(r"event: ?(.+?)\r?\ndata: ?(.*?)\r?\n\r?\n")
# A recording does not say which gateway it was made through: all in front of a root and a family of endpoints.
GATEWAY_PREFIX = re.compile(rf"(?:/[^/]+)*?(?=(?:{'|'.join(ROOTS)})/(?:{'|'.join(sorted(FAMILIES))})(?:/|\Z))")


def without_gateway(path: str) -> str:
    """The path without what a gateway puts in front of the API's root.

    >>> without_gateway("/v1/0a1b/gw/openai/threads"), without_gateway("/proxy/v1/threads"), without_gateway("/x")
    ('/openai/threads', '/v1/threads', '/x')
    """
    folders = GATEWAY_PREFIX.match(path)
    return path if folders is None else path[folders.end() :]


class ParsedExchange:
    """One recorded exchange, with its route, and its answer as JSON, events and objects of the API."""

    def __init__(self, recorded: RecordedExchange) -> None:
        self.recorded = recorded
        self.path = below_root(without_gateway(recorded.request.path))
        match = ROUTER.match(recorded.request.method, self.path)
        self.route: Route | None = None if match is None else match.route
        self.path_ids: dict[str, str] = {} if match is None else match.path_ids

    def __deepcopy__(self, memo: dict[int, object]) -> ParsedExchange:
        """Itself: it never changes, so all snapshots of a world that replays it share it."""
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
    def normalized_request(self) -> Any:
        """What the request asks, without the differences between SDK versions; comparable with `==`."""
        return normalized(self.recorded.request)

    @cached_property
    def response_json(self) -> Any:
        """The body of the answer as JSON; None where it is not JSON, such as a stream."""
        return _json(self.recorded.response_body)

    @cached_property
    def events(self) -> list[tuple[str, Json]]:
        """The name and data of each event of a streamed answer whose data is a JSON object."""
        kind = self.recorded.response.headers.get("content-type", "")
        text = self.recorded.response_body.decode("utf-8", "replace")
        if "event-stream" not in kind and not text.startswith("event: "):
            return []
        found = ((name, _json(data.encode())) for name, data in SSE_FRAME.findall(text + "\n\n"))
        return [(name, data) for name, data in found if isinstance(data, dict)]

    @cached_property
    def objects(self) -> list[Json]:
        """All valid objects of the API in the answer, in document order, each before those nested in it."""
        return [item for item, error in self._checked_objects if error is None]

    @property
    def validation_errors(self) -> list[str]:
        """What makes objects of the answer invalid, one entry for each such object."""
        return [error for _, error in self._checked_objects if error is not None]

    @cached_property
    def _checked_objects(self) -> list[tuple[Json, str | None]]:
        objects = _api_objects([data for _, data in self.events] if self.events else self.response_json)
        return [(item, validation_error(item)) for item in objects]

    @cached_property
    def created(self) -> list[Json]:
        """The objects this exchange created: that of a plain answer, or those of a stream's `….created` events."""
        if not self.ok or self.method != "POST" or self.route is None or self.validation_errors:
            return []
        if self.events:
            return [data for name, data in self.events if name in ("thread.created", "thread.run.created")]
        body = self.response_json if isinstance(self.response_json, dict) else {}
        if not {"id", "object"} <= body.keys() or body["id"] in self.path_ids.values() or body["object"] == STORE_FILE:
            return []
        with_thread = [{"object": "thread", "id": body.get("thread_id")}] if self.path == "/threads/runs" else []
        return [*self._created_stores(body), *with_thread, body]

    @property
    def additional_messages(self) -> list[Json]:
        """The messages that a request for a run adds to the thread."""
        body = self.recorded.request.json
        return (body.get("additional_messages") or []) if isinstance(body, dict) else []

    def _created_stores(self, body: Json) -> list[Json]:
        """The vector store that a `vector_stores` helper of the request created."""
        if b'"vector_stores"' not in self.recorded.request_body:
            return []
        resources = body.get("tool_resources") or {}
        ids = resources.get("file_search", {}).get("vector_store_ids", ())
        return [{"object": "vector_store", "id": store_id} for store_id in ids]

    def __str__(self) -> str:
        return f"{self.method} {self.path} ({self.recorded.origin})"


@dataclass
class Session:
    """A recorded conversation: its exchanges in order, and what they show of objects and runs.

    Attributes:
        first_shown: each object as it was first shown, by its id.
        stories: what happened in each run, by its id.
        file_contents: the contents of files that were downloaded, by the ids of the files.
        store_files: the files of vector stores as they were first shown, by the ids of the store and the file.
        reused_ids: ids that stand for several objects, as filters leave them, with the exchange that shows it.
    """

    exchanges: list[ParsedExchange]
    first_shown: dict[str, Json] = field(default_factory=dict)
    stories: dict[str, Story] = field(default_factory=dict)
    file_contents: dict[str, bytes] = field(default_factory=dict)
    store_files: dict[tuple[str, str], Json] = field(default_factory=dict)
    reused_ids: dict[str, ParsedExchange] = field(default_factory=dict)

    @classmethod
    def of(cls, recorded: Iterable[RecordedExchange]) -> Session:
        session = cls([ParsedExchange(item) for item in recorded])
        for exchange in session.exchanges:
            with malformed_as_failure(exchange):
                session._add(exchange)
        return session

    @property
    def start(self) -> float | None:
        """When the first exchange was answered, or else its newest object created; None where no exchange says so."""
        for exchange in self.exchanges:
            times = [item["created_at"] for item in exchange.objects if isinstance(item.get("created_at"), int)]
            if exchange.recorded.at is not None or times:
                return exchange.recorded.at if exchange.recorded.at is not None else unix_seconds(max(times))
        return None

    @cached_property
    def created_by(self) -> dict[str, ParsedExchange]:
        """The exchange that created an object, by the object's id."""
        created = {item["id"]: exchange for exchange in self.exchanges for item in exchange.created}
        with_run = {found: created[run_id] for run_id, ids in self.additional_message_ids.items() for found in ids}
        return {**created, **with_run}

    @cached_property
    def additional_message_ids(self) -> dict[str, list[str]]:
        """The ids of the `additional_messages` of each run, by the id of the run, as far as they are known.

        Only lists show these ids: they are those of the thread's newest messages by then with the same texts.
        """
        created = {item["id"] for exchange in self.exchanges for item in exchange.created}
        found: dict[str, list[str]] = {}
        for exchange in self.exchanges:
            run = next((item for item in exchange.created if item["object"] == "thread.run"), None)
            if run is None:
                continue
            candidates = [
                item
                for item in self.of_thread("thread.message", run["thread_id"])
                if not item.get("run_id") and item["id"] not in created and item["created_at"] <= run["created_at"]
            ]
            ids: list[str] = []
            for message in reversed(exchange.additional_messages):
                while candidates and _role_and_text(candidates[-1]) != _role_and_text(message):
                    candidates.pop()
                ids[:0] = [candidates.pop()["id"]] if candidates else []
            found[run["id"]] = ids
            created.update(ids)
        return found

    @cached_property
    def mentioned_ids(self) -> list[str]:
        """Every id of the API anywhere in the session, in the order of first mention."""
        found: dict[str, None] = {}
        for exchange in self.exchanges:
            recorded = exchange.recorded
            texts = (recorded.request.url, _text(recorded.request_body), _text(recorded.response_body))
            found.update(dict.fromkeys(match for text in texts for match in ID.findall(text)))
        return list(found)

    def of_thread(self, kind: str, thread_id: str) -> list[Json]:
        """The messages or runs of a thread as they were first shown, oldest first."""
        items = self.first_shown.values()
        found = [item for item in items if item["object"] == kind and item.get("thread_id") == thread_id]
        return sorted(found, key=lambda item: item["created_at"])

    def earlier_files_of_store(self, store_id: str) -> list[Json]:
        """The files in a vector store that no recorded request added, oldest first."""
        added = {
            found
            for exchange in self.exchanges
            if exchange.method == "POST" and exchange.path.startswith(f"/vector_stores/{store_id}/")
            for found in ID.findall(_text(exchange.recorded.request_body))
        }
        items = self.store_files.items()
        found = [item for (store, file_id), item in items if store == store_id and file_id not in added]
        return sorted(found, key=lambda item: item["created_at"])

    def story(self, run_id: str) -> Story:
        """What happened in a run; an empty story if no answer shows it."""
        return self.stories.setdefault(run_id, Story())

    def _add(self, exchange: ParsedExchange) -> None:
        if not exchange.ok:
            return
        if exchange.path.endswith("/cancel") and "run_id" in exchange.path_ids:
            self.story(exchange.path_ids["run_id"]).cancelled_by_client = True
        if exchange.path.endswith("/content") and "file_id" in exchange.path_ids:
            self.file_contents[exchange.path_ids["file_id"]] = exchange.recorded.response_body
        for run_id in {item["id"] for item in exchange.objects if exchange.events and item["object"] == "thread.run"}:
            self.story(run_id).add_stream(exchange.events)
        # lists are newest first unless asked otherwise; within one second only their order tells the age
        ascending = exchange.recorded.request.query.get("order") == ["asc"]
        for item in exchange.objects if ascending or exchange.events else reversed(exchange.objects):
            if item["object"] == STORE_FILE and "created_at" in item:
                self.store_files.setdefault((item["vector_store_id"], item["id"]), item)
            elif "id" in item and item.get("created_at") is not None:
                first = self.first_shown.setdefault(item["id"], item)
                if first is not item and first["object"] == item["object"] and _identity(first) != _identity(item):
                    self.reused_ids.setdefault(item["id"], exchange)
                self._add_to_story(item)

    def _add_to_story(self, item: Json) -> None:
        if item["object"] == "thread.run":
            self.story(item["id"]).add_run(item)
        elif item["object"] == "thread.run.step":
            self.story(item["run_id"]).steps[item["id"]] = item
        elif item["object"] == "thread.message" and item.get("run_id"):
            self.story(item["run_id"]).add_message(item)


def _role_and_text(message: Json) -> tuple[str, str]:
    """The role and the text of a message, whether a request or an answer writes it."""
    content = message["content"]
    parts = [{"text": content}] if isinstance(content, str) else content or ()
    texts = [part["text"] for part in parts if "text" in part]
    return message["role"], "\n".join(text if isinstance(text, str) else text["value"] for text in texts)


def _identity(item: Json) -> tuple[object, ...]:
    """What never changes of an object: where it differs, one id stands for two objects."""
    return item["created_at"], item.get("thread_id"), item.get("role"), item.get("type")


def _json(raw: bytes) -> Any:
    try:
        return from_json(raw)
    except ValueError:
        return None


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "replace")


def _api_objects(value: Any) -> Iterator[Json]:
    if isinstance(value, dict):
        if isinstance(value.get("object"), str):
            yield value
        for item in value.values():
            yield from _api_objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from _api_objects(item)
