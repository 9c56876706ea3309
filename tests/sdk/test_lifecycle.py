"""Every row of the lifecycle tables happens, over every client, and writes on the wire what the row says.

Evidence: CONTRACT §3.1-§3.8 and FACTS D; the rows cite it where they stand.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from harness import call, cancel, fail, hang, say, truncate, wait
from harness.service.lifecycle import ENDINGS, MESSAGE, RUN, STEP, find, terminal

# A story: acts of the model, and what else happens: seconds that pass, or a request of the client.
STORIES = {
    ("new", "create"): ((say("x"),), ()),
    ("queued", "pick_up"): ((say("x"),), (1,)),
    ("in_progress", "call"): ((call("f"),), (3,)),
    ("requires_action", "submit_tool_outputs"): ((call("f"),), (3, "submit")),
    ("in_progress", "finish"): ((say("x"),), (3,)),
    ("in_progress", "truncate"): ((say("x"), truncate()), (3,)),
    ("in_progress", "fail"): ((say("x"), fail()), (3,)),
    ("queued", "expire"): ((wait(900), say("x")), (600,)),
    ("in_progress", "expire"): ((say("x"), hang()), (600,)),
    ("requires_action", "expire"): ((call("f"),), (600,)),
    ("queued", "cancel"): ((say("x"),), ("cancel",)),
    ("in_progress", "cancel"): ((say("x"),), (1, "cancel")),
    ("requires_action", "cancel"): ((call("f"),), (3, "cancel")),
    ("cancelling", "stop"): ((say("x"),), (1, "cancel", 1)),
    ("cancelling", "finish"): ((say("x", beats_cancel=True), call("f")), (1, "cancel", 2)),
    ("cancelling", "fail"): ((say("x"), fail(beats_cancel=True)), (1, "cancel", 2)),
    ("cancelling", "expire"): ((call("f"), fail(beats_cancel=True)), (1, "cancel", 600)),  # nothing beats it
}
SLOW_TO_CANCEL = ("cancelling", "expire")
EVERY_STAMP = {"created_at", "started_at", "cancelled_at", "failed_at", "completed_at"}


def play(wire, key):
    """Run a story; the run's object before its last move, and after it."""
    acts, happenings = STORIES[key]
    fake = wire.start(cancelling=1000 if key == SLOW_TO_CANCEL else 1)
    fake.next_run(*acts)
    assistant = wire.ok("POST", "/assistants", {"model": "gpt-4-turbo"})
    thread = wire.ok("POST", "/threads", {"messages": [{"role": "user", "content": "hi"}]})
    run = wire.ok("POST", f"/threads/{thread['id']}/runs", {"assistant_id": assistant["id"]})
    path = f"/threads/{thread['id']}/runs/{run['id']}"
    before = {}
    for happening in happenings:
        before = wire.ok("GET", path)
        if happening == "cancel":
            run = wire.ok("POST", f"{path}/cancel")
        elif happening == "submit":
            asked = before["required_action"]["submit_tool_outputs"]["tool_calls"]
            assert {item["type"] for item in asked} == {"function"}
            outputs = [{"tool_call_id": item["id"], "output": "4"} for item in asked]
            run = wire.ok("POST", f"{path}/submit_tool_outputs", {"tool_outputs": outputs})
        else:
            fake.clock.advance(happening)
            run = wire.ok("GET", path)
    return fake, before, run


@pytest.mark.parametrize("key", STORIES, ids="-".join)
def test_row(wire, key):
    row = find(RUN, *key)
    fake, before, run = play(wire, key)
    [record] = fake.runs
    assert record.timeline[-1].because == row.because
    assert record.timeline[-1].by == row.by
    assert run["status"] == row.to
    now = int(record.timeline[-1].at)
    for name in row.stamps:
        assert run[name] == now
    for name in row.clears:
        assert run[name] is None
    for name in EVERY_STAMP - set(row.stamps):
        if name in before and before["status"] == row.source:
            assert run[name] == before[name]
    if run["status"] not in terminal(RUN):
        assert run["expires_at"] == run["created_at"] + 600
        assert run["usage"] is None
    else:
        assert run["usage"]["total_tokens"] == sum(step.usage.prompt + step.usage.completion for step in record.steps)
        step_status, message_status, reason = ENDINGS[run["status"]]
        assert {step.status for step in record.steps} <= {step_status, "completed"}
        for message in fake.threads[0].messages:
            if message.role == "assistant":
                assert (message.status, message.incomplete_reason) == (message_status, reason)


def test_every_row_of_the_run_table_has_a_story():
    assert list(STORIES) == [(row.source, row.because) for row in RUN]


def moves(record):
    states = ["new", *(moment.status for moment in record.timeline)]
    return {
        (source, moment.because, to) for (source, to), moment in zip(pairwise(states), record.timeline, strict=True)
    }


@pytest.mark.parametrize(("table", "name"), [(STEP, "steps"), (MESSAGE, "messages")])
def test_the_stories_also_pass_through_every_row_of_steps_and_messages(one_wire, table, name):
    passed = set()
    for key in STORIES:
        fake, _, _ = play(one_wire, key)
        records = fake.threads[0].messages if name == "messages" else fake.runs[0].steps
        for record in records:
            passed |= moves(record)
    assert passed == {(row.source, row.because, row.to) for row in table}


CHANGES = {
    "cancel": ("/cancel", None, None),
    "modify": ("", {"metadata": {}}, "Cannot update run with status '{}'."),
    "submit": (
        "/submit_tool_outputs",
        {"tool_outputs": [{"tool_call_id": "call_1", "output": None}]},
        'Runs in status "{}" do not accept tool outputs.',
    ),
}
POLLED = {"clock": "on_poll"}


def changed(wire, how, options, *acts):
    """A new run, and the answer to a request that would change it at once."""
    wire.start(**options).next_run(*acts)
    assistant = wire.ok("POST", "/assistants", {"model": "gpt-4-turbo", "instructions": "x"})
    run = wire.ok("POST", "/threads/runs", {"assistant_id": assistant["id"]})
    path, body, refusal = CHANGES[how]
    url = f"/threads/{run['thread_id']}/runs/{run['id']}"
    return url, wire.send("POST", url + path, body).json(), refusal


@pytest.mark.parametrize("how", CHANGES)
def test_who_changes_a_new_run_finds_it_picked_up(wire, how):
    """CONTRACT §13.6, FACTS D: 10 replies to cancel have `started_at`, 7 refusals say `in_progress`."""
    url, answer, refusal = changed(wire, how, POLLED, say("x"))
    if refusal is None:
        assert (answer["status"], answer["started_at"]) == ("cancelling", answer["created_at"])
        wire.fake.clock.advance(1)
        cancelled = wire.ok("GET", url)
        assert cancelled["status"] == "cancelled"
        assert cancelled["usage"]["total_tokens"] == 0  # FACTS A: as in the one that was transcribed
        assert wire.ok("GET", f"{url}/steps")["data"] == []
    else:
        assert answer["error"]["message"] == refusal.format("in_progress")
        assert wire.ok("GET", url)["status"] == "in_progress"
        wire.fake.clock.advance(3)
        assert wire.ok("GET", url)["status"] == "completed"


@pytest.mark.parametrize("how", CHANGES)
@pytest.mark.parametrize(
    ("options", "acts"),
    [
        (POLLED, (wait(5), say("x"))),
        ({"clock": "timed"}, (say("x"),)),
        ({"clock": "manual"}, (say("x", beats_cancel=True),)),
    ],
    ids=["held in the queue", "timed", "manual"],
)
def test_unless_it_waits_for_more_or_time_is_the_tests_own(one_wire, how, options, acts):
    url, answer, refusal = changed(one_wire, how, options, *acts)
    if refusal is None:
        assert (answer["status"], answer["started_at"]) == ("cancelling", None)
        one_wire.fake.clock.advance(1)
        assert one_wire.ok("GET", url)["status"] == "cancelled"  # an act that has not begun beats nothing
    else:
        assert answer["error"]["message"] == refusal.format("queued")


@pytest.mark.parametrize(
    ("acts", "ended", "message"),
    [
        ((say("x", beats_cancel=True), say("y")), "completed", "completed"),
        ((say("x"), fail(beats_cancel=True)), "failed", "incomplete"),
    ],
    ids=["says it all the same", "fails all the same"],
)
def test_who_cancels_a_new_run_too_late_finds_what_it_did(one_wire, acts, ended, message):
    """CONTRACT §3.1: the act had not begun, and is the one that beats the cancellation."""
    url, answer, _ = changed(one_wire, "cancel", POLLED, *acts)
    assert answer["status"] == "cancelling"
    one_wire.fake.clock.advance(9)
    assert one_wire.ok("GET", url)["status"] == ended
    assert [(said.text, said.status) for said in one_wire.fake.threads[0].messages] == [("x", message)]


def test_a_run_that_waits_for_outputs_can_be_modified(wire):
    """As betalgo/openai's playground does, before it waits for `requires_action` and submits."""
    wire.start(**POLLED).next_run(call("f"))
    assistant = wire.ok("POST", "/assistants", {"model": "gpt-4-turbo", "instructions": "x"})
    run = wire.ok("POST", "/threads/runs", {"assistant_id": assistant["id"]})
    url = f"/threads/{run['thread_id']}/runs/{run['id']}"
    wire.fake.clock.advance(5)
    modified = wire.ok("POST", url, {"metadata": {"a": "b"}})
    assert (modified["status"], modified["metadata"]) == ("requires_action", {"a": "b"})


def test_outputs_may_be_nothing(wire):
    """CONTRACT §3.7, S: the specification requires none. Then the run is met in the queue (src#29589032493)."""
    fake = wire.start(**POLLED)
    fake.next_run(call("f"), say("x"))
    assistant = wire.ok("POST", "/assistants", {"model": "gpt-4-turbo", "instructions": "x"})
    run = wire.ok("POST", "/threads/runs", {"assistant_id": assistant["id"]})
    url = f"/threads/{run['thread_id']}/runs/{run['id']}"
    fake.clock.advance(3)
    [asked] = wire.ok("GET", url)["required_action"]["submit_tool_outputs"]["tool_calls"]
    body = {"tool_outputs": [{"tool_call_id": asked["id"], "output": None}]}
    assert wire.ok("POST", f"{url}/submit_tool_outputs", body)["status"] == "queued"
    again = wire.send("POST", f"{url}/submit_tool_outputs", body).json()
    assert again["error"]["message"] == 'Runs in status "queued" do not accept tool outputs.'
    [step] = wire.ok("GET", f"{url}/steps")["data"]
    assert step["step_details"]["tool_calls"][0]["function"]["output"] is None


@pytest.mark.parametrize(
    ("code", "of_step"), [("rate_limit_exceeded",) * 2, ("server_error",) * 2, ("invalid_prompt", "server_error")]
)
def test_a_step_knows_fewer_codes_than_its_run(one_wire, code, of_step):
    """CONTRACT §3.5, S."""
    fake = one_wire.start()
    fake.next_run(say("x"), fail(code))
    assistant = one_wire.ok("POST", "/assistants", {"model": "gpt-4o", "instructions": "x"})
    run = one_wire.ok("POST", "/threads/runs", {"assistant_id": assistant["id"]})
    fake.clock.advance(5)
    url = f"/threads/{run['thread_id']}/runs/{run['id']}"
    [step] = one_wire.ok("GET", f"{url}/steps")["data"]
    error = one_wire.ok("GET", url)["last_error"]
    assert (error["code"], step["last_error"]) == (code, {**error, "code": of_step})


@pytest.mark.parametrize(
    ("acts", "timeline"),
    [
        ((cancel(),), "queued 0 in_progress 1 cancelling 1 cancelled 2"),
        ((wait(5), cancel()), "queued 0 cancelling 6 cancelled 7"),
        ((say("x"), cancel(takes=60)), "queued 0 in_progress 1 cancelling 3 cancelled 63"),
        ((say("x"), cancel(then="completed")), "queued 0 in_progress 1 cancelling 3 completed 4"),
        ((say("x"), cancel(takes=0, then="failed")), "queued 0 in_progress 1 cancelling 3 failed 3"),
        ((cancel(takes=1000),), "queued 0 in_progress 1 cancelling 1 expired 600"),
    ],
    ids=["at once", "in the queue", "slowly", "too late", "failed meanwhile", "never"],
)
def test_somebody_else_cancels(one_wire, acts, timeline):
    """CONTRACT §3.1: cancelling is attempted and not guaranteed."""
    fake = one_wire.start()
    fake.next_run(*acts)
    assistant = one_wire.ok("POST", "/assistants", {"model": "gpt-4-turbo", "instructions": "x"})
    made = one_wire.ok("POST", "/threads/runs", {"assistant_id": assistant["id"]})
    fake.restore(fake.snapshot())
    fake.clock.advance(700)
    [run] = fake.runs
    start = run.timeline[0].at
    assert " ".join(f"{moment.status} {moment.at - start:g}" for moment in run.timeline) == timeline
    shown = one_wire.ok("GET", f"/threads/{run.thread_id}/runs/{made['id']}")
    assert (shown["last_error"] or {}).get("code") == ("server_error" if run.status == "failed" else None)
    messages = [message.status for thread in fake.threads for message in thread.messages]
    assert set(messages) <= {"completed" if run.status == "completed" else "incomplete"}


def test_all_runs_that_can_be_cancelled_are(one_wire):
    fake = one_wire.start()
    fake.every_run(call("f"))
    assistant = one_wire.ok("POST", "/assistants", {"model": "gpt-4-turbo", "instructions": "x"})["id"]
    fake.next_run(say("done"))
    for seconds in (10, 10, 0):
        one_wire.ok("POST", "/threads/runs", {"assistant_id": assistant})
        fake.clock.advance(seconds)
    assert [run.status for run in fake.runs] == ["completed", "requires_action", "queued"]
    fake.cancel_runs()
    fake.cancel_runs()  # those that are being cancelled stay so
    assert [run.status for run in fake.runs] == ["completed", "cancelling", "cancelling"]
