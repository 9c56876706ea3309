"""The recorded exchanges of the real service, read into conversations that one fake can replay.

A conversation is what shares ids, or a cassette, on one day: a client may have spread it over several cassettes, such
as `x_setup` and `x`. What was made on another day existed already.
"""

from __future__ import annotations

import json
import os
import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

# A placeholder such as `fake_id` or `step_123` is none of the service's own ids.
ID = re.compile(
    r"\b(?:asst|thread|msg|run|step|call|vs|vsfb)_[A-Za-z0-9]{20,}\b|\b(?:file|assistant)-[A-Za-z0-9]{20,}\b"
)
STREAMED = " (stream)"
SHARED = "PYTEST_ASSISTANTS_SHARED"
# Lists of a whole account name objects that the conversation has nothing to do with.
ACCOUNT_LISTS = frozenset({"/assistants", "/files", "/vector_stores"})


def folder() -> Path:
    """Where the recordings lie: never inside the repository."""
    shared = os.environ.get(SHARED)
    root = Path(shared) if shared else Path(__file__).resolve().parents[3] / "shared"
    return root / "recordings"


@dataclass(frozen=True, eq=False)
class Exchange:
    """One recorded request and its answer, by the names of the recordings' README."""

    source: str
    cassette: str
    index: int
    provenance: str
    method: str
    url: str
    route: str
    query: dict[str, Any]
    request_headers: dict[str, str]
    request_body: Any
    status: int
    response_headers: dict[str, str]
    response_body: Any
    sse: bool
    recorded_at: str | None
    beta: str | None

    @classmethod
    def read(cls, line: str) -> Exchange:
        row = json.loads(line)
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    @property
    def has_envelope(self) -> bool:
        return self.provenance in ("http", "transcribed")

    @cached_property
    def at(self) -> float | None:
        """When it was answered, in Unix seconds; None where the recorder removed the date."""
        try:
            return datetime.fromisoformat(self.recorded_at or "").timestamp()
        except ValueError:
            return None

    @cached_property
    def made_at(self) -> int | None:
        """The newest `created_at` of the answer."""
        return max((item["created_at"] for item in objects(self.response_body) if "created_at" in item), default=None)

    @property
    def version(self) -> str:
        """`v1`, `v2`, or `-` where no header names one."""
        return (self.beta or "-").removeprefix("assistants=")

    @property
    def name(self) -> str:
        return f"{self.method} {self.route} {self.version}{STREAMED if self.sse else ''}"

    @property
    def place(self) -> str:
        return f"{self.cassette} [{self.index}]"

    @cached_property
    def sent(self) -> Any:
        """The body that was sent. Where a transcript lacks it, the answer tells what it must have been."""
        told = self.request_body is None and self.method == "POST" and self.route == "/threads/{id}/runs"
        run = next((item for item in objects(self.response_body) if told and item["object"] == "thread.run"), None)
        return {"assistant_id": run["assistant_id"], "stream": self.sse} if run else self.request_body

    @cached_property
    def asked(self) -> str:
        """All that the request says, as text."""
        return json.dumps([self.url, self.sent])

    @cached_property
    def ids(self) -> frozenset[str]:
        """The ids that the request names, and those that the answer makes or shows."""
        told: Any = None if self.method == "GET" and self.route in ACCOUNT_LISTS else self.response_body
        return frozenset(ID.findall(json.dumps([self.url, self.request_body, told])))

    @property
    def makes(self) -> str | None:
        """The id of the object that this exchange created."""
        body = self.response_body
        if self.sse and self.route.endswith("/submit_tool_outputs"):
            return None  # its first event shows the step that waited
        if self.sse:
            body = next((data for _, data in body if isinstance(data, dict)), None)
        made = body.get("id") if isinstance(body, dict) and self.method == "POST" else None
        return None if made is None or made in self.asked else made

    @property
    def adds(self) -> str | None:
        """The file that this exchange put into a store; `places` of others show it there."""
        body = self.response_body
        added = self.method == "POST" and self.status == 200 and self.route == "/vector_stores/{id}/files"
        return f"{body['vector_store_id']}/{body['id']}" if added else None

    @cached_property
    def places(self) -> frozenset[str]:
        """The files that the answer shows in a store."""
        shown = (item for item in objects(self.response_body) if item["object"] == "vector_store.file")
        return frozenset(f"{item['vector_store_id']}/{item['id']}" for item in shown)

    @cached_property
    def begins(self) -> frozenset[str]:
        """The ids of all objects that a stream tells the creation of."""
        events = self.response_body if self.sse else ()
        return frozenset(data["id"] for name, data in events if name.endswith(".created"))


@dataclass
class Conversation:
    exchanges: list[Exchange] = field(default_factory=list)
    day: str = ""

    @property
    def start(self) -> float:
        known = (item.at or item.made_at for item in self.exchanges)
        return float(next((at for at in known if at), datetime.fromisoformat(self.day + "T12:00:00+00:00").timestamp()))


def objects(value: Any) -> Iterator[dict[str, Any]]:
    """All objects with an `object` key, from the outside in."""
    if isinstance(value, dict):
        if "object" in value:
            yield value
        for item in value.values():
            yield from objects(item)
    elif isinstance(value, list):
        for item in value:
            yield from objects(item)


def read(where: Path) -> list[Exchange]:
    return [
        Exchange.read(line)
        for file in sorted(where.glob("*.jsonl"))
        for line in file.read_text(encoding="utf-8").split("\n")  # other line ends stand inside the texts
        if line
    ]


def conversations(exchanges: Iterable[Exchange]) -> list[Conversation]:
    """The exchanges in groups, each in the order in which it happened."""
    rows = [item for item in exchanges if item.has_envelope]
    days = _days(rows)
    groups = _Groups()
    for row in rows:
        for link in (row.cassette, *row.ids):
            groups.join(row, (row.source, days[row], link))
    return [Conversation(_in_order(group), days[group[0]]) for group in groups.of(rows)]


def _days(rows: list[Exchange]) -> dict[Exchange, str]:
    """The day of each exchange. Where dates were removed, that of the cassette's objects, or the source's last."""
    newest: dict[tuple[str, ...], float] = {}
    for row in rows:
        for key in ((row.source, row.cassette), (row.source,), ()):
            newest[key] = max(newest.get(key, 0.0), row.at or row.made_at or 0.0)
    return {row: _day(row.at or newest[row.source, row.cassette] or newest[row.source,] or newest[()]) for row in rows}


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, timezone.utc).strftime("%Y-%m-%d")


class _Groups:
    """Things that are linked, directly or by others, are in one group."""

    def __init__(self) -> None:
        self._parents: dict[Hashable, Hashable] = {}

    def _root(self, item: Hashable) -> Hashable:
        while (parent := self._parents.setdefault(item, item)) != item:
            self._parents[item] = self._parents[parent]
            item = parent
        return item

    def join(self, one: Hashable, other: Hashable) -> None:
        self._parents[self._root(one)] = self._root(other)

    def of(self, items: Iterable[Exchange]) -> list[list[Exchange]]:
        groups: dict[Hashable, list[Exchange]] = defaultdict(list)
        for item in items:
            groups[self._root(item)].append(item)
        return list(groups.values())


def _in_order(group: list[Exchange]) -> list[Exchange]:
    """By time. Within one second a cassette keeps its order, and what makes an object comes before its use."""
    waiting = sorted(group, key=lambda item: (item.at or 0.0, item.cassette, item.index))
    ordered: list[Exchange] = []
    while waiting:
        same_second = [item for item in waiting if item.at == waiting[0].at]
        to_be_made = {made for item in same_second for made in (item.makes, item.adds)}
        begun: set[str] = set()
        for item in same_second:
            is_next = item.cassette not in begun
            begun.add(item.cassette)
            if is_next and not ((item.ids | item.places) & to_be_made) - {item.makes, item.adds}:
                break
        else:
            item = same_second[0]
        waiting.remove(item)
        ordered.append(item)
    return ordered


# --- bodies without an envelope ---------------------------------------------------------------------------------

V2_BEGAN = "2024-04-17"
# Where the service shows an object of this kind; what a list of bodies holds is shown there one by one.
SHOWN_AT = {
    "assistant": "/assistants/{id}",
    "thread": "/threads/{id}",
    "thread.message": "/threads/{thread_id}/messages/{id}",
    "thread.run": "/threads/{thread_id}/runs/{id}",
    "thread.run.step": "/threads/{thread_id}/runs/{run_id}/steps/{id}",
    "file": "/files/{id}",
    "vector_store": "/vector_stores/{id}",
}


def bare_objects(exchanges: Iterable[Exchange]) -> list[Conversation]:
    """Objects of which only the body was kept, each as a conversation of one exchange that would show it."""
    rows = [row for row in exchanges if row.provenance == "body" and not row.sse and row.method]
    return [
        Conversation([_showing(row, item)], _day(row.made_at or item["created_at"]))
        for row in rows
        for item in objects(row.response_body)
        if item["object"] in SHOWN_AT and "created_at" in item
    ]


def _showing(row: Exchange, item: dict[str, Any]) -> Exchange:
    """A look, or an empty modification where the object is the answer to one: threads and messages differ there."""
    path = SHOWN_AT[item["object"]]
    changed = row.method == "POST" and item is row.response_body and item["object"] in ("thread", "thread.message")
    modified = changed and row.route == "/threads/{id}/messages/{id}"
    old = _day(row.made_at or 0) < V2_BEGAN or ("file_ids" in item and not modified)
    beta = "assistants=v1" if old else "assistants=v2"
    return replace(
        row,
        method="POST" if modified or (changed and item["object"] == "thread") else "GET",
        url="https://api.openai.com/v1" + path.format(**item),
        route=re.sub(r"\{\w+\}", "{id}", path),
        query={},
        request_headers={"openai-beta": beta},
        request_body=None,
        status=200,
        response_body=item,
        beta=beta,
    )


# What only the request of a run says, and what a run has without it (CONTRACT §1.4).
ASKED_FOR = {
    "metadata": {},
    "max_completion_tokens": None,
    "max_prompt_tokens": None,
    "truncation_strategy": {"type": "auto", "last_messages": None},
    "tool_choice": "auto",
    "parallel_tool_calls": True,
}


def bare_streams(exchanges: Iterable[Exchange]) -> list[Conversation]:
    """Streams of which only the events were kept, each as a conversation of the one request that led to it."""
    rows = [row for row in exchanges if row.provenance == "body" and row.sse]
    return [Conversation([_streaming(row)], _day(row.made_at or 0)) for row in rows]


def _streaming(row: Exchange) -> Exchange:
    """The request as the events tell of it: ids, tool outputs, and the settings that no assistant has."""
    first: dict[str, Any] = {}
    for item in objects(row.response_body):
        first.setdefault(item["object"], item)
    run = first["thread.run"]
    body = {"assistant_id": run["assistant_id"]}
    body |= {key: run[key] for key, default in ASKED_FOR.items() if run.get(key, default) != default}
    path = f"/threads/{run['thread_id']}/runs"
    if row.route == "/threads/runs":
        path = row.route
        body["thread"] = {"messages": [{"role": "user", "content": "…"}]}
    elif row.route.endswith("/submit_tool_outputs"):
        path += f"/{run['id']}/submit_tool_outputs"
        calls = first["thread.run.step"]["step_details"]["tool_calls"]
        outputs = [{"tool_call_id": call["id"], "output": call["function"]["output"]} for call in calls]
        body = {"tool_outputs": outputs}
    beta = "assistants=v1" if "file_ids" in run else "assistants=v2"
    return replace(
        row,
        url="https://api.openai.com/v1" + path,
        query={},
        request_headers={"openai-beta": beta, "content-type": "application/json"},
        request_body={**body, "stream": True},
        status=200,
        beta=beta,
    )
