"""Sessions from which a filter removed too much: reported as far as possible, and not replayed live."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest
from recorded_sessions import Client, record_session

from harness import FakeAssistants, HarnessFailure, Response, call, say
from harness.recording.cassettes import write
from harness.recording.codegen import generate_test
from harness.recording.reporting import world
from harness.recording.session import Session
from harness.recording.timeline import timeline


@pytest.fixture(scope="module")
def story():
    """An assistant, a thread, a message, a run with a call, its steps, its messages."""
    return record_session(call("f"), say("4 °C"), outputs=["4"])


@pytest.fixture
def replayed(tmp_path):
    """A fake that replays these exchanges."""

    def replay(exchanges, mode="live"):
        path = tmp_path / "session.yaml"
        write(path, exchanges)
        fake = FakeAssistants()
        fake.replay(path, mode=mode)
        return fake

    return replay


def with_value(exchanges, kind, key, value):
    """The exchanges with another value for a key of all objects of a kind; without the key if the value is `...`."""

    def rewritten(thing):
        if isinstance(thing, list):
            return [rewritten(item) for item in thing]
        if not isinstance(thing, dict):
            return thing
        new = {name: rewritten(item) for name, item in thing.items()}
        if new.get("object") == kind:
            new.pop(key, None)
            new |= {} if value is ... else {key: value}
        return new

    return [
        with_response_body(item, json.dumps(rewritten(json.loads(item.response_body))).encode()) for item in exchanges
    ]


def with_response_body(item, body):
    return replace(item, response=Response(item.response.status, item.response.headers, body))


INVALID = [
    ("thread", "created_at", "REDACTED", "thread.created_at of thread_"),
    ("thread.run", "created_at", ..., "thread.run.created_at of run_"),
    ("thread.run", "id", None, "thread.run.id of None"),
    ("thread.run", "status", ..., "thread.run.status of run_"),
    ("thread.run", "usage", "REDACTED", "thread.run.usage of run_"),
    ("thread.run", "started_at", "REDACTED", "thread.run.started_at of run_"),
    ("thread.run", "last_error", "REDACTED", "thread.run.last_error of run_"),
    ("thread.run.step", "run_id", ..., "thread.run.step.run_id of step_"),
    ("thread.run.step", "step_details", {"type": "tool_calls"}, "thread.run.step.step_details.tool_calls of step_"),
    ("thread.message", "content", "REDACTED", "thread.message.content of msg_"),
    ("thread.message", "content", ["REDACTED"], r"thread.message.content\[0\] of msg_"),
    ("thread.message", "content", [{"type": "text", "text": "REDACTED"}], r"thread.message.content\[0\].text of msg_"),
    ("thread.message", "content", [{"text": "REDACTED"}], r"thread.message.content\[0\] of msg_"),
    ("thread.message", "attachments", ["file-x"], "thread.message.attachments of msg_"),
    ("list", "data", {}, "list.data of it"),
]


@pytest.mark.parametrize(("kind", "key", "value", "message"), INVALID)
def test_an_invalid_object_is_reported_everywhere(story, replayed, kind, key, value, message):
    invalid = with_value(story, kind, key, value)
    with pytest.raises(
        HarnessFailure, match=f"cannot be replayed live: {message}.* is not what the service sends"
    ) as caught:
        replayed(invalid)
    assert 'mode="exact"' in caught.value.do
    session = Session.of(invalid)
    assert re.search(f"{message}.* is not what the service sends", timeline(session))
    written = re.sub(r"\n +# ", " ", generate_test(session, title="x"))  # comments are wrapped
    assert re.search(f"Left out: .*: {message}.* is not what the service sends", written)
    assert world(session)["requests"]
    fake = replayed(invalid, "exact")
    assert [fake.answer(item.request).status for item in invalid] == [200] * len(invalid)


def test_an_id_that_stands_for_several_objects_is_reported(story, replayed):
    def masked(item):
        return with_response_body(item, re.sub(rb'"msg_\w+"', b'"msg_REDACTED"', item.response_body))

    with pytest.raises(HarnessFailure, match="cannot be replayed live: msg_REDACTED stands for several objects"):
        replayed([masked(item) for item in story])


@pytest.mark.parametrize("body", [b'{"model": "gpt-4o", "name": "Ada"}', b'{"model": "gpt-4o", "newer": 1}'])
def test_an_exchange_that_is_recorded_twice_creates_one_object(story, replayed, body):
    """Also if the recorded answer is replayed, because the fake does not know a parameter of the request."""
    first = replace(story[0], request=replace(story[0].request, body=body))
    fake = replayed([first, story[0]])
    assert [fake.answer(item.request).status for item in (first, story[0])] == [200, 200]
    assert len(fake.world.store.assistants) == 1
    with pytest.raises(HarnessFailure, match="no recording of it is left"):
        fake.answer(story[0].request)
    fake.failures.clear()


def is_look(item):
    return item.request.method == "GET" and "/runs/run_" in item.request.path


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("lost", "end"),
    [
        (is_look, "completed"),  # who sleeps and then reads the answer looks at no run
        (lambda item: is_look(item) and "/steps" not in item.request.path, "completed"),
        (lambda item: is_look(item) or "/messages" in item.request.path, "expired"),
    ],
)
def test_a_run_without_a_recorded_end_completes_if_it_has_answered(replayed, lost, end, stream):
    story = record_session(say("4 °C"))
    assistant, thread, asked, run, *rest = story
    fake = replayed([assistant, thread, asked, run, *(item for item in rest if not lost(item))])
    client = Client(fake)
    made = [fake.answer(item.request) for item in (assistant, thread, asked)]
    assert [answer.status for answer in made] == [200, 200, 200]
    body = {**json.loads(run.request_body), "stream": stream}
    client.send("POST", run.request.path.removeprefix("/v1"), body)
    fake.clock.advance(700)
    assert fake.runs[0].status == end


@pytest.mark.parametrize("body", [b"", b"null", b'{"id": "x"}'])
def test_answers_that_were_not_recorded_are_reported_as_far_as_possible(story, body):
    session = Session.of(with_response_body(item, body) for item in story)
    assert session.created_by == {}
    assert "bytes" in timeline(session) or "x" in timeline(session)
    assert "assistants" in generate_test(session, title="x")
    assert world(session)["requests"]


def test_unknown_kinds_are_valid(story):
    """Azure's agents have tools and parts of their own."""
    known = Session.of(story)
    parts = [{"type": "azure_part", "azure_part": 1}]
    grounded = {"type": "tool_calls", "tool_calls": [{"id": "call_x", "type": "bing_grounding", "bing_grounding": {}}]}
    unknown = with_value(
        with_value(story, "thread.message", "content", parts), "thread.run.step", "step_details", grounded
    )
    assert not [item.validation_errors for item in Session.of(unknown).exchanges if item.validation_errors]
    assert Session.of(unknown).first_shown.keys() == known.first_shown.keys()


def test_times_in_milliseconds_are_times(story, replayed):
    """Without a date of the exchange, the clock starts when the first object was created."""
    undated = [replace(item, at=None) for item in with_value(story, "assistant", "created_at", 1715040446123)]
    dated = [
        replace(item, response=replace(item.response, headers={**item.response.headers, "date": "Sanitized"}))
        for item in undated
    ]
    fake = replayed(dated)
    assert fake.answer(dated[0].request).status == 200
    assert fake.clock.now == 1715040446.123
