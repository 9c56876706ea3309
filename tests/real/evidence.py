"""What a source's recordings tell about each object: how it looked, and what the model did in each run."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from recorded_exchanges import objects

from harness.recording import stories
from harness.service.acts import Call, Calls

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorded_exchanges import Exchange

    from harness.service.acts import Act

Json = dict[str, Any]


class Story(stories.Story):
    """All that was seen of one run, by the client's looks or by the events of a stream."""

    def acts_after(self, call_ids: Iterable[str]) -> list[Act]:
        """What the model did once it had the outputs of these calls."""
        wanted, acts = set(call_ids), self.acts
        for place, act in enumerate(acts):
            made = act.calls if isinstance(act, Calls) else (act,)
            if wanted & {call.id for call in made if isinstance(call, Call)}:
                return acts[place + 1 :]
        return []


class Evidence:
    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self.stories: dict[str, Story] = defaultdict(Story)
        self._seen: dict[tuple[str, str], list[tuple[Exchange, Json]]] = defaultdict(list)
        self._made: set[str] = set()
        self._contents: dict[str, str] = {}
        for exchange in exchanges:
            self._note(exchange)

    def _note(self, exchange: Exchange) -> None:
        if exchange.makes is not None:
            self._made.add(exchange.makes)
        if exchange.route.endswith("/cancel") and exchange.status == 200:
            self.stories[exchange.response_body["id"]].cancelled_by_client = True
        if exchange.route == "/files/{id}/content" and isinstance(exchange.response_body, str):
            self._contents[exchange.url.split("/")[-2]] = exchange.response_body
        if exchange.sse:
            self._note_stream(exchange.response_body)
        for item in objects(exchange.response_body):
            if "id" in item and "created_at" in item:
                self._seen[item["object"], item["id"]].append((exchange, item))
                self._tell(item)

    def _note_stream(self, events: list[tuple[str, Json]]) -> None:
        runs = (data for _, data in events if isinstance(data, dict) and data.get("object") == "thread.run")
        for run_id in {run["id"] for run in runs}:
            self.stories[run_id].add_stream(event for event in events if isinstance(event[1], dict))

    def _tell(self, item: Json) -> None:
        """Add to the story of the run that the object belongs to; what says more replaces what said less."""
        kind, run_id = item["object"], item.get("run_id")
        if kind == "thread.run":
            self.stories[item["id"]].add_run(item)
        elif kind == "thread.run.step" and run_id:
            self.stories[run_id].steps[item["id"]] = item
        elif kind == "thread.message" and run_id:
            self.stories[run_id].add_message(item)

    def state(self, kind: str, object_id: str, now: Exchange) -> Json | None:
        """How an object looked in this exchange, or soonest after it, or when it was seen last."""
        states = self._seen.get((kind, object_id), [])
        later = [item for exchange, item in states if (exchange.at or 0.0) >= (now.at or 0.0)]
        return later[0] if later else states[-1][1] if states else None

    def made(self, object_id: str) -> bool:
        """Whether the request that made it was recorded."""
        return object_id in self._made

    def content(self, file_id: str) -> str | None:
        return self._contents.get(file_id)

    def run_of(self, assistant_id: str) -> Json | None:
        """A run of an assistant that itself was never shown: it inherited what it does not override."""
        return next(
            (story.run for story in self.stories.values() if story.run.get("assistant_id") == assistant_id), None
        )

    def of_thread(self, kind: str, thread_id: str, *, until: Exchange) -> list[Json]:
        """The objects of a thread as first seen, oldest first."""
        found = [states[0][1] for (name, _), states in self._seen.items() if name == kind]
        there = [item for item in found if item.get("thread_id") == thread_id]
        return sorted(
            (item for item in there if until.at is None or item["created_at"] <= until.at),
            key=lambda item: item["created_at"],
        )
