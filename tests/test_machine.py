"""The machine of random clients: it finds what is wrong, shrinks it, and prints a script that repeats it.

Each defect below is one that the service could have. They are patched in, because the service has none of them; that it
has none is what `tests/service/test_machine_invariants.py` says.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import rule, run_state_machine_as_test

from harness import FakeAssistants, HarnessFailure, Request, call, calls, hang, say, wait
from harness.machine import AssistantsMachine, InThread, watched
from harness.machine.invariants import LATER_STATUSES, InvariantChecker
from harness.machine.script import Script
from harness.service import conflicts, context, errors
from harness.service.engine import Engine
from harness.service.events import Feed
from harness.service.lifecycle import Moment
from harness.service.records import Run, Thread, Usage
from harness.service.resources import runs, threads
from harness.service.store import Table

if TYPE_CHECKING:
    from collections.abc import Callable

# the same stories on every machine; no deadline, as a step may have many requests; and no explanation, which is slow
FINDING = settings(
    max_examples=500,
    stateful_step_count=30,
    derandomize=True,
    database=None,
    deadline=None,
    report_multiple_bugs=False,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=list(HealthCheck),  # how long it takes to draw a story is no finding
)
ENDED = {"completed", "incomplete", "failed", "cancelled", "expired"}


def found(machine: type[AssistantsMachine], how: settings = FINDING) -> BaseException:
    """The failure of the shortest story, as Hypothesis raises it."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - a HarnessFailure, or what the rules of a test raise
        run_state_machine_as_test(machine, settings=how)
    return caught.value


def printed(failure: BaseException) -> str:
    """The script that Hypothesis shows with it."""
    [script] = [note for note in failure.__notes__ if "import watched" in note]
    return script


def execute(script: str) -> None:
    exec(compile(script, "<printed script>", "exec"), {})


def name_of(defect: Callable[[pytest.MonkeyPatch], None]) -> str:
    return defect.__name__


# --- defects, and what the machine says of each -------------------------------------------------------------------


def no_lock(monkeypatch):
    monkeypatch.setattr(Thread, "active_run", None)


def usage_off_by_one(monkeypatch):
    def add(self: Usage, other: Usage) -> None:
        self.prompt += other.prompt + 1
        self.completion += other.completion

    monkeypatch.setattr(Usage, "add", add)


def wrong_total(monkeypatch):
    original = runs.usage

    def usage(call, spent):
        shown = original(call, spent)
        return shown and {**shown, "total_tokens": shown["total_tokens"] + 1}

    monkeypatch.setattr(runs, "usage", usage)


def ended_runs_change(monkeypatch):
    original = runs.wire

    def wire(call, run):
        shown = original(call, run)
        return {**shown, "model": f"seen by {len(run.seen_by)}"} if run.status in ENDED else shown

    monkeypatch.setattr(runs, "wire", wire)


def back_from_the_dead(monkeypatch):
    original = runs.wire

    def wire(call, run):
        shown = original(call, run)
        return {**shown, "status": "queued"} if run.status in ENDED and len(run.seen_by) > 1 else shown

    monkeypatch.setattr(runs, "wire", wire)


def threads_leak(monkeypatch):
    class Everywhere:
        def __init__(self, call):
            self.threads = list(call.store.threads)

        def get(self, message_id):
            return next(filter(None, (thread.messages.get(message_id) for thread in self.threads)), None)

    monkeypatch.setitem(context.PATH_IDS, "message_id", replace(context.PATH_IDS["message_id"], table=Everywhere))


def pages_skip(monkeypatch):
    original = Table.page

    def page(self, *, after=None, **limits):
        shown = original(self, after=after, **limits)
        return shown if after is None else replace(shown, items=shown.items[1:])

    monkeypatch.setattr(Table, "page", page)


def wrong_cursor(monkeypatch):
    original = context.envelope

    def envelope(data, items, *, has_more):
        return {**original(data, items, has_more=has_more), "last_id": items[0].id if items else None}

    monkeypatch.setattr(context, "envelope", envelope)


def cancelled_at_once(monkeypatch):
    monkeypatch.setattr(Engine, "cancel", lambda self, run: setattr(run, "status", "cancelled"))


def moved_by_no_row(monkeypatch):
    def cancel(self, run):
        run.status = "cancelled"
        run.timeline.append(Moment(self._clock.now, "client", "cancel", "cancelled"))

    monkeypatch.setattr(Engine, "cancel", cancel)


def told_twice(monkeypatch):
    original = Feed.emit

    def emit(self, record, what):
        for _ in range(2 if isinstance(record, Run) and what in ENDED else 1):
            original(self, record, what)

    monkeypatch.setattr(Feed, "emit", emit)


def no_last_event(monkeypatch):
    monkeypatch.setattr(Feed, "end", lambda self: setattr(self, "_ended", True))


def from_the_future(monkeypatch):
    monkeypatch.setattr(context.World, "second", property(lambda self: int(self.clock.now) + 5))


def never_deleted(monkeypatch):
    monkeypatch.setattr(Table, "remove", lambda self, record_id: None)


def not_found(monkeypatch):
    monkeypatch.setitem(context.PATH_IDS, "run_id", replace(context.PATH_IDS["run_id"], table=lambda call: Table()))


def breaks(monkeypatch):
    monkeypatch.setattr(conflicts, "nothing_to_run_on", lambda: errors.Refusal(500, "Sorry."))


def another_envelope(monkeypatch):
    monkeypatch.setattr(errors.Refusal, "envelope", lambda self: {"detail": self.message})


def a_key_more(monkeypatch):
    original = threads.wire
    monkeypatch.setattr(threads, "wire", lambda *given, **more: {**original(*given, **more), "name": None})


DEFECTS = {
    no_lock: "has 2 active runs",
    usage_off_by_one: "is not the sum over its steps",
    wrong_total: "does not add up",
    ended_runs_change: "had ended, and has other model now",
    back_from_the_dead: "went from completed to queued",
    threads_leak: "was read as one of",
    pages_skip: "pages do not make the whole list",
    wrong_cursor: "names another first or last object",
    cancelled_at_once: "is cancelled, and its timeline ends with",
    moved_by_no_row: "moved as no row of the table does",
    told_twice: "a stream showed 2 ends of its run",
    no_last_event: "a stream ended without its last event",
    from_the_future: "created_at is",
    never_deleted: "was deleted, and is found again",
    not_found: "what exists was not found",
    breaks: "the service broke",
    another_envelope: "a refusal has another shape",
    a_key_more: "thread of v2 has other keys",
}


def tour(assistants: FakeAssistants) -> None:
    """A client that does a little of everything."""
    client, other = assistants.client(max_retries=0), assistants.client(max_retries=0)
    assistant = client.beta.assistants.create(model="gpt-4o")
    elsewhere = client.beta.threads.create()
    thread = client.beta.threads.create()
    with suppress(openai.BadRequestError):  # there is nothing to run on
        client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    message, *_ = (client.beta.threads.messages.create(thread.id, role="user", content=text) for text in "abc")
    with suppress(openai.NotFoundError):
        client.beta.threads.messages.retrieve(message.id, thread_id=elsewhere.id)
    assistants.every_run(call("f"), say("Hello."))
    run = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    with suppress(openai.BadRequestError):  # the thread is locked
        client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    follow(client, run)
    for reader in (client, other, other):
        reader.beta.threads.runs.retrieve(run.id, thread_id=thread.id)
    client.beta.threads.runs.steps.list(run.id, thread_id=thread.id)
    list(client.beta.threads.messages.list(thread.id, limit=2))
    client.beta.threads.messages.list(thread.id)
    assistants.next_run(say("안녕"))
    assistants.next_run(hang())
    with client.beta.threads.runs.create(thread.id, assistant_id=assistant.id, stream=True) as stream:
        list(stream)
    active = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    client.beta.threads.runs.cancel(active.id, thread_id=thread.id)
    assistants.advance(60)
    assistants.slept(1)
    client.beta.threads.messages.delete(message.id, thread_id=thread.id)
    with suppress(openai.NotFoundError):
        client.beta.threads.messages.retrieve(message.id, thread_id=thread.id)


def follow(client: openai.OpenAI, run: Any) -> None:
    while (run := client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)).status not in ENDED:
        if run.status == "requires_action":
            outputs = [{"tool_call_id": run.required_action.submit_tool_outputs.tool_calls[0].id, "output": "1"}]
            client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs)


def test_the_service_breaks_no_invariant():
    with watched() as assistants:
        tour(assistants)
    assert len(assistants.journal) > 30


@pytest.mark.parametrize("defect", DEFECTS, ids=name_of)
def test_each_defect_breaks_an_invariant(defect, monkeypatch):
    """Each of them breaks another invariant; the client that meets it gets the failure."""
    defect(monkeypatch)
    with pytest.raises(HarnessFailure) as caught, watched() as assistants:
        tour(assistants)
    assert caught.value.happened.startswith("This must never happen: ")
    assert DEFECTS[defect] in caught.value.happened
    assert assistants.failures[0] is caught.value


@pytest.mark.parametrize("defect", [no_lock, usage_off_by_one], ids=name_of)
def test_the_machine_finds_a_defect_and_its_script_repeats_it(defect, monkeypatch):
    with monkeypatch.context() as patched:
        defect(patched)
        failure = found(AssistantsMachine)
        assert DEFECTS[defect] in str(failure)
        script = printed(failure)
        assert script.count(" client.") <= 12, script
        with pytest.raises(HarnessFailure) as repeated:
            execute(script)
        assert repeated.value.happened == failure.happened
    with suppress(openai.APIStatusError):  # a service without the defect refuses what that one did not
        execute(script)


# --- rules of a user ----------------------------------------------------------------------------------------------


class Impatient(AssistantsMachine):
    """A client of its own making, whose loop does not know that a run can expire or fail."""

    @rule(patience=st.integers(1, 3))
    def ask(self, patience):
        self.assistants.next_run(wait(700), say("Too late."))
        client = openai.OpenAI()  # intercepted, without a key
        run = client.beta.threads.create_and_run(
            assistant_id=self.assistants.add_assistant(id="asst_known", instructions="Hi").id
            if not self.assistants.runs
            else "asst_known"
        )
        run = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
        assert run.status == "completed", f"the run is {run.status}"


def test_what_the_rules_of_a_user_find_is_printed_as_a_script():
    failure = found(Impatient)
    assert isinstance(failure, AssertionError)
    script = printed(failure)
    assert '    assistants.next_run(wait(700), say("Too late."))\n' in script
    assert "client.beta.threads.create_and_run(" in script
    assert "# AssertionError: the run is expired" in script


class Swallowing(AssistantsMachine):
    @rule()
    def ask_for_what_is_not_there(self):
        with suppress(BaseException):
            self.send("GET", "/audio/speech")


def test_a_failure_that_code_swallows_is_found_all_the_same():
    failure = found(Swallowing)
    assert isinstance(failure, HarnessFailure)
    assert "/audio/speech" in str(failure)


def test_the_same_seed_finds_the_same_story():
    """FINDING is derandomized, which is a seed taken from the machine itself."""
    assert printed(found(Impatient)) == printed(found(Impatient))


# --- scripts ------------------------------------------------------------------------------------------------------


def test_a_script_says_all_that_happened_and_does_it_again():
    with watched(seed="scripts", unused="ignore") as assistants:
        client, other = assistants.client(max_retries=0), assistants.client(max_retries=0)
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.")
        assistants.every_run(
            calls(call("f", arguments_pieces=["{", "}"], call_id="call_one"), call("f", arguments_json="[")),
            say(pieces=["4 ", "°C"], beats_cancel=True),
        )
        stream = client.beta.threads.create_and_run(assistant_id=assistant.id, stream=True)
        next(stream)
        next(stream)
        assistants.slept(2.5)
        next(stream)
        stream.close()
        stream.close()
        [run] = assistants.runs
        run = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
        with suppress(openai.BadRequestError):
            other.beta.threads.messages.create(run.thread_id, role="user", content="Now!")
        other.get("/assistants?limit=1", cast_to=object, options={"headers": {"OpenAI-Beta": "assistants=v2"}})
        assistants.faults.status(500, on="GET /assistants/{assistant_id}")
        with suppress(openai.InternalServerError):
            client.beta.assistants.retrieve(assistant.id)
        assistants.advance(1000)
    script = str(Script(assistants.journal, {"seed": "scripts", "unused": "ignore"}, "It went wrong."))
    for line in (
        "from contextlib import suppress",
        "from itertools import islice",
        "import openai",
        "from harness import call, calls, say",
        'with watched(seed="scripts", unused="ignore") as assistants:',
        'call("f", arguments_pieces=["{", "}"], call_id="call_one"),',
        'say("4 °C", pieces=["4 ", "°C"], beats_cancel=True),',
        "list(islice(stream, 2))",
        "assistants.slept(2.5)",
        "list(islice(stream, 1))",
        "stream.close()",
        "with suppress(openai.APIStatusError):",
        "client_2.get(",
        'assistants.faults.status(500, on="GET /assistants/{assistant_id}")',
        "assistants.clock.advance(1000)",
        "# It went wrong.",
    ):
        assert line in script
    assert script.count("stream.close()") == 1
    scope: dict[str, Any] = {}
    exec(compile(script, "<script>", "exec"), scope)
    again = scope["assistants"]
    assert [entry.path for entry in again.requests] == [entry.path for entry in assistants.requests]
    assert [run.timeline for run in again.runs] == [run.timeline for run in assistants.runs]


def test_a_script_of_nothing_is_a_script():
    execute(str(Script([], {})))


def test_requests_that_the_sdk_has_no_method_for_are_plain_ones():
    """Also a body that no client of today sends."""
    key = {"authorization": "Bearer sk", "openai-beta": "assistants=v2"}
    with watched() as assistants:
        for body in (b'{"name": "no model"}', b"{"):
            assistants.answer(Request("POST", "https://api.openai.com/v1/assistants", key, body))
    script = str(Script(assistants.journal, {}))
    assert 'client.post(\n            "/assistants",\n            body={"name": "no model"},' in script
    execute(script)


def test_values_that_are_no_acts_are_kept_in_scripts():
    with watched(unused="ignore") as assistants:
        assistants.next_run("Hello!")
    assert 'assistants.next_run("Hello!")' in str(Script(assistants.journal, {"unused": "ignore"}))


def test_a_failure_that_code_swallowed_is_raised_at_the_end():
    with pytest.raises(HarnessFailure, match="/audio/speech"), watched() as assistants, suppress(BaseException):
        assistants.client().get("/audio/speech", cast_to=object)


# --- what is not checked -------------------------------------------------------------------------------------------


def test_planned_faults_are_no_findings():
    with watched(unused="ignore") as assistants:
        client = assistants.client(max_retries=0)
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Hi")
        assistants.faults.status(502, on="GET /assistants/{assistant_id}")
        assistants.faults.connect_error(on="POST /threads")
        assistants.faults.cut(after="thread.run.created")
        with suppress(openai.InternalServerError):
            client.beta.assistants.retrieve(assistant.id)
        with suppress(openai.APIConnectionError):
            client.beta.threads.create()
        with suppress(Exception):
            list(client.beta.threads.create_and_run(assistant_id=assistant.id, stream=True))
    assert [entry.status for entry in assistants.requests] == [200, 502, 0, 200]


def test_what_a_client_of_v1_and_one_of_azure_see_is_as_it_should_be():
    """CONTRACT §1.7, §1.8: other keys, other refusals."""
    with watched() as assistants:
        old = assistants.client(default_headers={"OpenAI-Beta": "assistants=v1"}, max_retries=0)
        old.get("/assistants", cast_to=object)
        azure = assistants.azure_client(max_retries=0, api_version="2020-01-01")
        with pytest.raises(openai.NotFoundError):
            azure.beta.assistants.list()
        with pytest.raises(openai.NotFoundError):
            azure.with_options(max_retries=0).beta.threads.retrieve("thread_abc")


def test_time_that_goes_back_is_a_violation():
    with pytest.raises(HarnessFailure, match="virtual time went back"), watched() as assistants:
        client = assistants.client(max_retries=0)
        client.beta.threads.create()
        assistants.clock.now -= 1
        client.beta.threads.create()


def test_a_violation_needs_no_request():
    failure = InvariantChecker(FakeAssistants()).violation("nothing happened", "a fact")
    assert failure.there_was == "a fact"


def test_later_statuses_are_the_closure_of_the_table():
    """CONTRACT §3.1: also what a client sees that looks seldom."""
    later = LATER_STATUSES["thread.run"]
    assert later["queued"] >= {"queued", "in_progress", "completed", "expired"}
    assert all(later[status] == {status} for status in ENDED)


def test_the_machine_says_which_thread_a_thing_is_in():
    assert InThread("thread_a", "run_b").thread_id == "thread_a"


def test_async_clients_and_their_streams_are_watched_too():
    async def listen(client: openai.AsyncOpenAI, assistant_id: str) -> list[str]:
        stream = await client.beta.threads.create_and_run(assistant_id=assistant_id, stream=True)
        return [event.event async for event in stream]

    with watched() as assistants:
        assistant = assistants.add_assistant(instructions="Hi")
        assert asyncio.run(listen(assistants.async_client(), assistant.id))[-1] == "thread.run.completed"
    assert [type(entry).__name__ for entry in assistants.journal][-1] == "StreamClosed"


def test_lists_that_are_not_read_page_by_page_are_no_findings():
    with watched() as assistants:
        client = assistants.client()
        thread = client.beta.threads.create(messages=[{"role": "user", "content": text} for text in "abcd"])
        d, c, *_ = client.beta.threads.messages.list(thread.id).data
        client.beta.threads.messages.list(thread.id, before=c.id)
        client.beta.threads.messages.list(thread.id, after=d.id, limit=1)


def test_vector_stores_and_their_searches_are_watched_too():
    with watched() as assistants:
        client = assistants.client()
        file = assistants.add_file(content=b"Rain in Oslo.", filename="weather.txt")
        store = client.vector_stores.create()
        batch = client.vector_stores.file_batches.create(store.id, file_ids=[file.id])
        client.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id)
        assistants.advance(5)
        assert client.vector_stores.search(store.id, query="rain").data


def test_answers_of_custom_endpoints_are_not_checked():
    with watched() as assistants:
        assistants.on("GET", "/assistants", lambda request: {"anything": 1})
        assistants.client().get("/assistants", cast_to=object)
