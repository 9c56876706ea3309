"""Every row of the lifecycle tables happens, over every client, and writes on the wire what the row says.

Evidence: CONTRACT §3.1-§3.8 and FACTS D; the rows cite it where they stand.
"""

from __future__ import annotations

from itertools import pairwise

import pytest

from harness import call, fail, hang, say, truncate, wait
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
    ("cancelling", "expire"): ((say("x"),), (1, "cancel", 600)),
}
SLOW_TO_CANCEL = ("cancelling", "expire")
EVERY_STAMP = {"created_at", "started_at", "cancelled_at", "failed_at", "completed_at"}


def play(wire, key):
    """Run a story; the run's object before its last move, and after it."""
    acts, happenings = STORIES[key]
    fake = wire.start(cancelling=1000 if key == SLOW_TO_CANCEL else 1)
    fake.next_run(*acts)
    assistant = wire.ok("POST", "/assistants", {"model": "gpt-4o"})
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
