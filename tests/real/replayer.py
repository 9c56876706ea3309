"""Plays a recorded conversation to the fake: the same requests, in the same order, at the same stage of each run."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from differences import Difference, compare, compare_events, pairs
from prior_objects import A_STATUS, Seeds
from recorded_exchanges import ID, objects
from translated_requests import Names, request_body

from harness import HarnessFailure
from harness.fake import FakeAssistants
from harness.options import Options
from harness.recording.stories import TERMINAL
from harness.service.http import Request
from harness.service.routes import FAMILIES
from harness.service.script import Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evidence import Evidence, Json
    from recorded_exchanges import Conversation, Exchange

    from harness.service.http import Body, Response
    from harness.service.records import Run, Step

KEY = "sk-recorded"
A_REFUSED_KEY = re.compile(r"Incorrect API key provided: (\S+)\. ")
VERY_OFTEN = 10**6


@dataclass
class Outcome:
    """One exchange and how the fake's answer differed from the recorded one."""

    exchange: Exchange
    day: str
    differences: list[Difference]
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def served(exchange: Exchange) -> bool:
    return exchange.route.split("/")[1] in FAMILIES


def replay(conversation: Conversation, evidence: Evidence) -> list[Outcome]:
    """The outcome of every exchange that is to be compared: not of what the fake does not serve."""
    replayer = Replayer(conversation, evidence)
    return [replayer.play(exchange) for exchange in conversation.exchanges if served(exchange)]


class Replayer:
    def __init__(self, conversation: Conversation, evidence: Evidence) -> None:
        self._fake = FakeAssistants(
            Options(as_of=conversation.day, start=conversation.start, clock="manual", stuck_after=VERY_OFTEN)
        )
        self._day = conversation.day
        self._names = Names()
        self._evidence = evidence
        self._here = {exchange.makes for exchange in conversation.exchanges if served(exchange) and exchange.makes}
        self._here = self._here.union(*(exchange.begins for exchange in conversation.exchanges))
        self._seeds = Seeds(self._fake, self._names, evidence, self._here)

    def play(self, exchange: Exchange) -> Outcome:
        """Send the recorded request when the fake has come to where the service was; what differs in the answer."""
        outcome = Outcome(exchange, self._day, [])
        try:
            self._seeds.before(exchange)
            self._reach(exchange)
            response = self._send(exchange)
            outcome.headers, outcome.body = response.headers, self._whole(response.body)
            outcome.differences += self._differences(exchange, response.status, outcome.body)
        except (HarnessFailure, Exception) as failure:  # noqa: BLE001 - one of them must not hide the other exchanges
            outcome.differences.append(Difference("", "status", exchange.status, repr(failure)))
        return outcome

    def _differences(self, exchange: Exchange, status: int, raw: bytes) -> Iterator[Difference]:
        body = raw.decode("utf-8") if _is_text(raw) else raw.decode("latin-1")
        if status != exchange.status:
            yield Difference("", "status", exchange.status, [status, body])
        elif exchange.sse:
            for _, data, ours in pairs(exchange.response_body, events_of(body)):
                self._names.bind(data, ours)
            yield from compare_events(exchange.response_body, events_of(self._names.to_recorded(body)))
        else:
            self._names.bind(exchange.response_body, _json(body))
            yield from compare(exchange.response_body, self._decoded(body, exchange))

    # --- requests -------------------------------------------------------------------------------------------

    def _send(self, exchange: Exchange) -> Response:
        headers = {name: value for name, value in exchange.request_headers.items() if name != "content-length"}
        body = request_body(exchange, headers, self._names)
        with self._the_right_key(exchange) as key:
            headers |= {"authorization": f"Bearer {key}", "api-key": key}
            request = Request(exchange.method, self._names.to_fake(exchange.url), headers, body)
            self._script(exchange)
            return self._fake.answer(request)

    def _whole(self, body: bytes | Body) -> bytes:
        """All of a body; for the next event of a stream, time passes."""
        if isinstance(body, bytes):
            return body
        chunks = []
        while True:
            while (seconds := body.wait()) > 0:
                self._fake.clock.advance(seconds)
            chunk = body.read()
            if chunk is None:
                return b"".join(chunks)
            chunks.append(chunk)

    @contextmanager
    def _the_right_key(self, exchange: Exchange) -> Iterator[str]:
        """A recorded 401: another key is the good one."""
        world = self._fake.world
        before = world.settings
        refused = A_REFUSED_KEY.search(json.dumps(exchange.response_body)) if exchange.status == 401 else None
        world.settings = replace(before, api_key=KEY + "-other" if exchange.status == 401 else KEY)
        try:
            yield refused[1] if refused else KEY
        finally:
            world.settings = before

    def _script(self, exchange: Exchange) -> None:
        """If this makes a run: what the model did in it."""
        director = self._fake.world.director
        run_id = _run_of_stream(exchange) if exchange.sse else exchange.makes
        story = self._evidence.stories.get(run_id or "")
        director.default = Script(tuple(story.acts) if story else (), "the recording")

    def _decoded(self, body: str, exchange: Exchange) -> Any:
        return body if isinstance(exchange.response_body, str) else _json(self._names.to_recorded(body))

    # --- where each run stands ------------------------------------------------------------------------------

    def _reach(self, exchange: Exchange) -> None:
        """Let time pass until the runs that the answer shows, or that the request needs, are as they were."""
        for run_id, wanted in self._needed(exchange):
            run = self._run(run_id)
            if run is not None:
                self._until(run, wanted)
        for item in objects(exchange.response_body):
            if item["object"] in FILES_OF:
                self._index(item)

    def _index(self, item: Json) -> None:
        """Let time pass until no more files are in progress than the answer shows."""
        places, counted = FILES_OF[item["object"]](item), item.get("file_counts", {})
        left = counted.get("in_progress", item.get("status") == "in_progress")
        ours = self._names.to_fake(places[0]), places[1], self._names.to_fake(places[2])
        stores = (store for store in self._fake.world.store.vector_stores if store.id == ours[0])
        files = [file for store in stores for file in store.files if ours[2] in ("", getattr(file, ours[1]))]
        while sum(file.status == "in_progress" for file in files) > left:
            if not self._fake.clock.fire_next():
                return

    def _until(self, run: Run, wanted: Callable[[Run], bool]) -> None:
        while run.active and not wanted(run):
            if not self._fake.clock.fire_next():
                return

    def _needed(self, exchange: Exchange) -> Iterator[tuple[str, Callable[[Run], bool]]]:
        body, path = exchange.response_body, ID.findall(exchange.url.partition("?")[0])
        run_id = next((found for found in path if found.startswith("run_")), None)
        if exchange.status >= 400:
            if run_id and (told := A_STATUS.search(json.dumps(body).replace('\\"', '"'))):
                yield run_id, _is(told[1])
        elif run_id and exchange.route.endswith("/submit_tool_outputs"):
            yield run_id, _is("requires_action")
        elif run_id and exchange.route.endswith("/cancel"):
            yield run_id, _is("in_progress" if body["started_at"] else "queued")
        elif exchange.route.endswith(("/messages", "/runs")) and exchange.method == "POST":
            yield from self._free_thread(path)
        elif run_id and exchange.route.endswith(("/steps", "/steps/{id}")):
            yield run_id, self._shows_steps(exchange)
        elif exchange.route.endswith("/messages"):
            yield from self._written(exchange)
        else:
            for item in body.get("data", [body]) if isinstance(body, dict) else ():
                if item.get("object") == "thread.run":
                    yield item["id"], _is(item["status"])

    def _free_thread(self, path: list[str]) -> Iterator[tuple[str, Callable[[Run], bool]]]:
        for thread_id in path:
            thread = self._fake.world.store.threads.get(self._names.fake.get(thread_id, thread_id))
            if thread is not None and thread.active_run is not None:
                yield self._names.recorded.get(thread.active_run.id, thread.active_run.id), lambda run: not run.active

    def _shows_steps(self, exchange: Exchange) -> Callable[[Run], bool]:
        """As many steps as the answer shows, in the same states; a page of several means the run was over."""
        shown = [_stage(item) for item in exchange.response_body.get("data", [exchange.response_body])]
        whole = exchange.route.endswith("/steps") and not ({"limit", "after", "before"} & exchange.query.keys())
        if exchange.query.get("order", "desc") == "desc":
            shown.reverse()
        if "data" not in exchange.response_body:
            step_id = self._names.to_fake(exchange.response_body["id"])
            return lambda run: _as_far([_stage(step) for step in run.steps if step.id == step_id], shown)
        if not whole and all(over for over, _ in shown):
            return lambda run: not run.active
        return lambda run: _as_far([_stage(step) for step in run.steps], shown)

    def _written(self, exchange: Exchange) -> Iterator[tuple[str, Callable[[Run], bool]]]:
        """Every message that the answer shows of a run is there, with its text."""
        written: dict[str, int] = {}
        for item in exchange.response_body["data"]:
            if item["run_id"]:
                written[item["run_id"]] = written.get(item["run_id"], 0) + 1
        for run_id, count in written.items():
            yield run_id, partial(self._has_written, count=count)

    def _has_written(self, run: Run, *, count: int) -> bool:
        thread = self._fake.world.store.threads.get(run.thread_id)
        messages = thread.messages if thread is not None else ()
        return sum(item.run_id == run.id and item.status == "completed" for item in messages) >= count

    def _run(self, recorded_id: str) -> Run | None:
        wanted = self._names.fake.get(recorded_id, recorded_id)
        return next((run for run in self._fake.runs if run.id == wanted), None)


# Of what shows how files are getting on: the store, and which of its files, by which of their fields.
FILES_OF: Mapping[str, Callable[[Json], tuple[str, str, str]]] = {
    "vector_store": lambda item: (item["id"], "id", ""),
    "vector_store.file": lambda item: (item["vector_store_id"], "id", item["id"]),
    "vector_store.file_batch": lambda item: (item["vector_store_id"], "batch_id", item["id"]),
}

FRAME = re.compile(r"event: (.+)\ndata: (.+)\n\n")


def events_of(body: str) -> list[tuple[str, Any]]:
    """The events of a stream, each with its data.

    Raises:
        ValueError: there is something between two of them.
    """
    if odd := FRAME.sub("", body):
        raise ValueError(f"no event of a stream: {odd[:200]!r}")
    return [(name, _json(data)) for name, data in FRAME.findall(body)]


def _stage(step: Json | Step) -> tuple[bool, int]:
    """How far a step has come: whether it is over, and how many of its calls are shown."""
    status, details = (step["status"], step["step_details"]) if isinstance(step, dict) else (step.status, step.details)
    return status in TERMINAL, len(details.get("tool_calls", ()))


def _as_far(stages: list[tuple[bool, int]], shown: list[tuple[bool, int]]) -> bool:
    return len(stages) >= len(shown) and all(one >= other for one, other in zip(stages, shown, strict=False))


def _is(status: str) -> Callable[[Run], bool]:
    return lambda run: run.status == status


def _run_of_stream(exchange: Exchange) -> str | None:
    return next((item["id"] for item in objects(exchange.response_body) if item["object"] == "thread.run"), None)


def _json(body: str) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
