"""Makes what existed before a recording: the objects that a conversation uses and did not make itself."""

from __future__ import annotations

import json
import re
from itertools import chain
from typing import TYPE_CHECKING, Any

from recorded_exchanges import ACCOUNT_LISTS, ID, objects
from translated_requests import as_bytes, kind_of

from harness.recording.seeds import details_of, fields_of, usage_of
from harness.service.acts import Hang
from harness.service.records import Assistant, File, Message, Run, Step, StoreFile, Thread, Usage, VectorStore
from harness.service.script import Playback, Script
from harness.service.store import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from evidence import Evidence, Json
    from recorded_exchanges import Exchange
    from translated_requests import Names

    from harness.fake import FakeAssistants

A_STATUS = re.compile(r"""status ['"](\w+)['"]""")


class Seeds:
    """Makes the objects that the conversation uses and that it did not make itself, as the recordings show them."""

    def __init__(self, fake: FakeAssistants, names: Names, evidence: Evidence, made_here: set[str]) -> None:
        self._fake = fake
        self._store = fake.world.store
        self._names = names
        self._evidence = evidence
        self._made_here = made_here

    def before(self, exchange: Exchange) -> None:
        """What the request names, and what changed meanwhile without a recorded request."""
        if exchange.status != 401:
            self._mentioned(exchange)
            self._inside(exchange)
            self._attached(exchange)
            self._a_word(exchange)
            self._said(exchange)
            self._listed(exchange)

    def _mentioned(self, exchange: Exchange) -> None:
        """What the service did not find stays missing."""
        missing = ID.findall(json.dumps(exchange.response_body)) if exchange.status == 404 else []
        for object_id in ID.findall(exchange.asked):
            if object_id not in missing:
                self._make(object_id, exchange)

    def _make(self, object_id: str, exchange: Exchange) -> None:
        """Nothing is done if it is there: the makers look, because what an answer showed need not be in the store."""
        make = _MAKERS.get(kind_of(object_id))
        ours = object_id in self._made_here or self._names.fake.get(object_id, object_id) != object_id
        if make is not None and not ours and make(self, object_id, exchange):
            self._names.equate(object_id, object_id)

    def _assistant(self, object_id: str, exchange: Exchange) -> bool:
        if object_id in self._store.assistants:
            return False
        known = self._evidence.state("assistant", object_id, exchange) or self._evidence.run_of(object_id) or {}
        values = fields_of(Assistant, known)
        if "file_ids" in values:
            values["file_ids"] = dict.fromkeys(values["file_ids"], 0)
        self._store.assistants.add(Assistant(**{"model": "gpt-4", "created_at": 0, **values, "id": object_id}))
        return True

    def _file(self, object_id: str, exchange: Exchange) -> bool:
        if object_id in self._store.files:
            return False
        known = self._evidence.state("file", object_id, exchange) or {}
        content = self._evidence.content(object_id)
        raw = b"x" * known.get("bytes", 1) if content is None else as_bytes(content, known.get("bytes"))
        purpose = "assistants" if content is None else "fine-tune"  # of the first, nobody sees the content
        values = {"filename": "any.txt", "purpose": purpose, "created_at": 0, **fields_of(File, known)}
        self._store.files.add(File(**{**values, "id": object_id, "content": raw}))
        return True

    def _vector_store(self, object_id: str, exchange: Exchange) -> bool:
        """With as many files as were counted; which they were, nobody saw."""
        if object_id in self._store.vector_stores:
            return False
        known = self._evidence.state("vector_store", object_id, exchange) or {}
        values = {"created_at": self._fake.world.second, **fields_of(VectorStore, known), "id": object_id}
        store = self._store.vector_stores.add(VectorStore(**values))
        for file in _counted(known, object_id):
            store.files.add(file)
        return True

    def _thread(self, object_id: str, exchange: Exchange) -> bool:
        if object_id in self._store.threads:
            return False
        known = self._evidence.state("thread", object_id, exchange) or {}
        thread = Thread(**{"created_at": 0, **fields_of(Thread, known), "id": object_id})
        self._store.threads.add(thread)
        for item in self._evidence.of_thread("thread.message", object_id, until=exchange):
            ours = self._evidence.made(item["id"]) or not self._made_here.isdisjoint((item["id"], item["run_id"]))
            if not ours:
                thread.messages.add(Message(**fields_of(Message, item) | {"status": "completed"}))
                self._names.equate(item["id"], item["id"])
        for item in self._evidence.of_thread("thread.run", object_id, until=exchange):
            if item["id"] not in self._made_here:
                thread.runs.add(self._old_run(item))
        return True

    def _run(self, object_id: str, exchange: Exchange) -> bool:
        """A run that was never shown: its path names the thread, and its steps the assistant."""
        thread = self._thread_of(exchange)
        if thread is None or object_id in thread.runs:
            return False
        steps = self._evidence.stories[object_id].steps.values()
        shown = next(iter(steps), {"assistant_id": "asst_older", "expires_at": 0})
        over = shown["expires_at"] is None
        guessed: Json = {"assistant_id": shown["assistant_id"], "status": "completed" if over else "in_progress"}
        guessed |= {"id": object_id, "thread_id": thread.id, "created_at": 0}
        guessed |= {"model": "gpt-4", "instructions": None, "tools": []}
        thread.runs.add(self._old_run(self._evidence.state("thread.run", object_id, exchange) or guessed))
        return True

    def _message(self, object_id: str, exchange: Exchange) -> bool:
        """One that was never shown is an empty one."""
        thread = self._thread_of(exchange)
        if thread is None or object_id in thread.messages:
            return False
        known = self._evidence.state("thread.message", object_id, exchange) or {}
        values = {"thread_id": thread.id, "role": "user", "content": [], **fields_of(Message, known)}
        thread.messages.add(Message(**values | {"id": object_id, "status": "completed"}))
        return True

    def _thread_of(self, exchange: Exchange) -> Thread | None:
        path = self._names.to_fake(exchange.url)
        return next((thread for thread in self._store.threads if f"/{thread.id}/" in path), None)

    def _a_word(self, exchange: Exchange) -> None:
        """A run was accepted without instructions, so there was something to run on."""
        thread = self._thread_of(exchange) if exchange.method == "POST" and exchange.status == 200 else None
        runs = [item for item in objects(exchange.response_body) if item["object"] == "thread.run"]
        if thread is not None and not thread.messages and runs and not runs[0]["instructions"]:
            thread.messages.add(Message("msg_older", thread.id, "user", [], status="completed"))

    def _old_run(self, item: Json) -> Run:
        self._names.equate(item["id"], item["id"])
        run = Run(**fields_of(Run, item) | {"usage": usage_of(item)})
        run.playback = Playback(Script((), ""))
        for step in self._evidence.stories[item["id"]].steps.values():
            if step["id"] in self._made_here:
                continue
            values = fields_of(Step, step) | {"details": details_of(step), "usage": usage_of(step) or Usage()}
            run.steps.add(Step(**values))
            self._names.equate(step["id"], step["id"])
        return run

    def _inside(self, exchange: Exchange) -> None:
        """Runs and steps that were made before the recording move by themselves: they are as the answer shows them."""
        for run in self._fake.runs:
            if run.id in self._made_here or run.id not in self._names.fake:
                continue
            if (shown := self._evidence.state("thread.run", run.id, exchange)) is not None:
                for name, value in fields_of(Run, shown).items():
                    setattr(run, name, value)
                run.usage = usage_of(shown)
            self._ready(run, exchange)
            for step in run.steps:
                shown = self._evidence.state("thread.run.step", step.id, exchange)
                if shown is not None and step is not run.open_step:
                    step.status, step.completed_at = shown["status"], shown["completed_at"]
                    step.expires_at, step.details = shown["expires_at"], details_of(shown)

    def _ready(self, run: Run, exchange: Exchange) -> None:
        """The run was in the state in which the request got its answer."""
        last = exchange.route.rpartition("/")[2]
        refused = exchange.status != 200
        if run.thread_id in exchange.url and exchange.method == "POST" and last in ("messages", "runs") and not refused:
            run.status = "completed"  # else the thread would have been locked
        if run.id not in exchange.url:
            return
        if told := A_STATUS.search(json.dumps(exchange.response_body).replace('\\"', '"')) if refused else None:
            run.status = told[1]
        elif last == "submit_tool_outputs" and not refused:
            self._asking(run, exchange.request_body["tool_outputs"])
        elif last == "cancel":
            run.status, run.playback.acts = "in_progress", [Hang()]  # something is under way in such a run
        elif steps := [item for item in objects(exchange.response_body) if item["object"] == "thread.run.step"]:
            run.status = "in_progress" if any(step["expires_at"] for step in steps) else "completed"
        if last == "steps" and exchange.response_body.get("has_more"):
            self._older_step(run)

    def _older_step(self, run: Run) -> None:
        """A page of steps says that there is more than was ever shown."""
        filler = Step("step_older", run.id, run.assistant_id, run.thread_id, "tool_calls", {}, None, Usage())
        steps = [filler, *run.steps]
        run.steps = Table()
        for step in steps:
            run.steps.add(step)

    def _asking(self, run: Run, outputs: list[Json]) -> None:
        """The run waits for these outputs, in the step that was shown with their calls, if one ever was."""
        story = self._evidence.stories[run.id]
        asked = {item["tool_call_id"] for item in outputs}
        shown = [step for step in story.steps.values() if asked & _calls_of(step)]
        calls = [
            {**call, "function": {**call["function"], "output": None}}
            for call in (shown[0]["step_details"]["tool_calls"] if shown else ())
        ]
        calls = calls or [{"id": call_id, "type": "function", "function": {}} for call_id in asked]
        run.status = "requires_action"
        run.required_action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": calls}}
        run.playback = Playback(Script(tuple(story.acts_after(asked)), "the recording"))
        step_id, made_at = (shown[0]["id"], shown[0]["created_at"]) if shown else ("step_older", run.created_at)
        earlier = [step for step in run.steps if step.created_at < made_at]
        run.steps = Table()
        for step in earlier:
            run.steps.add(step)
        step = Step(step_id, run.id, run.assistant_id, run.thread_id, "tool_calls", {}, run.expires_at, Usage())
        step.details, step.status = {"type": "tool_calls", "tool_calls": calls}, "in_progress"
        step.created_at = made_at
        run.open_step = run.steps.add(step)

    def _attached(self, exchange: Exchange) -> None:
        """Files of an assistant or a message in v1 that somebody attached before."""
        if "{id}/files" not in exchange.route or exchange.method == "POST" or exchange.status != 200:
            return
        shown = [item["id"] for item in reversed(exchange.response_body.get("data", [exchange.response_body]))]
        owner_id = ID.findall(exchange.url.partition("/files")[0])[-1]
        if owner_id in self._made_here:
            return
        if (assistant := self._store.assistants.get(owner_id)) is not None:
            assistant.file_ids |= dict.fromkeys(shown, 0) | assistant.file_ids
        elif (thread := self._thread_of(exchange)) is not None and (message := thread.messages.get(owner_id)):
            message.file_ids = list(dict.fromkeys([*message.file_ids, *shown]))

    def _said(self, exchange: Exchange) -> None:
        """What a list shows of a thread that is not the conversation's own."""
        thread = self._thread_of(exchange) if exchange.status == 200 and exchange.method == "GET" else None
        ours = thread is None or self._names.recorded.get(thread.id) != thread.id
        if not ours and exchange.route in _LISTS_OF_THREAD:
            for item in reversed(exchange.response_body["data"]):
                if item.get("run_id") not in self._made_here:
                    self._make(item["id"], exchange)

    def _listed(self, exchange: Exchange) -> None:
        """Others used the account too: what a list adds was made, and what it leaves out in between was deleted."""
        if not _lists_account(exchange) or exchange.query.get("order") == "asc" or "before" in exchange.query:
            return
        kind = exchange.route[1:]
        page = [self._present(item["id"], exchange) for item in reversed(exchange.response_body["data"])]
        others = [record for record in getattr(self._store, kind) if record not in page]
        cursor = self._names.to_fake(exchange.query.get("after", ""))
        newer = next((others[place:] for place, record in enumerate(others) if record.id == cursor), [])
        older = [record for record in others if record not in newer and self._unlisted(record, exchange)]
        if exchange.response_body.get("has_more") and not older:
            older = [Assistant("asst_older", 0, "gpt-4")]
        fresh: Table[Any] = Table()
        for record in (*older, *filter(None, page), *newer):
            fresh.add(record)
        setattr(self._store, kind, fresh)

    def _present(self, object_id: str, exchange: Exchange) -> Any:
        self._make(object_id, exchange)
        return getattr(self._store, exchange.route[1:]).get(self._names.fake.get(object_id, object_id))

    def _unlisted(self, record: Assistant | File, exchange: Exchange) -> bool:
        """Whether the list had to leave it out: it is of another purpose, or on a later page."""
        if isinstance(record, File) and exchange.query.get("purpose", record.purpose) != record.purpose:
            return True
        data = exchange.response_body["data"]
        known = self._evidence.state(exchange.route[1:-1], self._names.recorded.get(record.id, record.id), exchange)
        made_at = known["created_at"] if known else record.created_at
        return bool(exchange.response_body.get("has_more") and data and made_at <= data[-1]["created_at"])


def _counted(shown: Json, store_id: str) -> Iterator[StoreFile]:
    """As many files as an answer counts; the first of them uses all the bytes."""
    counts = {status: count for status, count in shown.get("file_counts", {}).items() if status != "total"}
    for place, status in enumerate(chain.from_iterable([status] * count for status, count in counts.items())):
        used = 0 if place else shown.get("usage_bytes", 0)
        yield StoreFile(f"file-older{place}", store_id, status=status, usage_bytes=used)


def _lists_account(exchange: Exchange) -> bool:
    return exchange.method == "GET" and exchange.route in ACCOUNT_LISTS and exchange.status == 200


_LISTS_OF_THREAD = ("/threads/{id}/messages", "/threads/{id}/runs")
_MAKERS: dict[str, Callable[[Seeds, str, Exchange], bool]] = {
    "asst": Seeds._assistant,
    "thread": Seeds._thread,
    "file": Seeds._file,
    "assistant": Seeds._file,
    "msg": Seeds._message,
    "run": Seeds._run,
    "vs": Seeds._vector_store,
}


def _calls_of(step: Json) -> set[str]:
    return {call["id"] for call in step["step_details"].get("tool_calls", ())}
