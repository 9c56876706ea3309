"""`assistants.faults`: what goes wrong in a stream, once each, and what clients make of it."""

from __future__ import annotations

import asyncio
import json

import openai
import pytest
from stream_clients import ASSISTANT, ASYNC, OWN, PLAIN, START, THREAD, calling, story, text

from harness import HarnessFailure, call, fake_assistants, say, wait

BROKEN_OFF = r"incomplete chunked read|Connection error"
SILENT = "timed out"


def chunks(raw):
    """The chunks of a run's stream, as they come."""
    return raw.chunks(raw.respond(f"/threads/{THREAD}/runs", assistant_id=ASSISTANT))


def of_the_library(error):
    """The name of what httpx or httpx2 raised: newer SDKs wrap it in an error of their own."""
    return type(error.__cause__ if isinstance(error, openai.APIConnectionError) else error).__name__


def goes_on(assistants):
    """The run goes on without its reader, and holds the thread until it ends (CONTRACT §4, §5.4)."""
    (run,) = assistants.runs
    assert run.status == "in_progress"
    client = openai.OpenAI(api_key="sk-second")
    with pytest.raises(openai.BadRequestError, match="while a run"):
        client.beta.threads.messages.create(thread_id=THREAD, role="user", content="?")
    while run.status != "completed":
        client.beta.threads.runs.retrieve(run_id=run.id, thread_id=THREAD)
    return True


# --- the connection breaks off -----------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [None, 1, 50, 100_000])
def test_a_connection_that_breaks_off(caller, assistants, size):
    """All that was sent before arrives, however it was cut into chunks."""
    assistants.next_run(say(pieces=["one ", "two ", "three"]))
    assistants.faults.cut(after="thread.message.delta", nth=2)
    if size is not None:
        assistants.faults.chunks(size)
    stream = caller.run()
    assert text(stream.until("thread.message.delta", nth=2)) == "one two "
    with pytest.raises(Exception, match=BROKEN_OFF) as raised:
        stream.next()
    assert of_the_library(raised.value) == "RemoteProtocolError"
    assert goes_on(assistants)


def test_a_client_may_lose_its_connection_and_poll_instead(caller, assistants):
    """The remedy for CONTRACT §5.4: the story is told by polling as far as the stream did not."""
    assistants.next_run(call("f", city="Oslo"))
    assistants.faults.cut(after="thread.run.created")
    stream = caller.run()
    run = stream.next().data
    with pytest.raises(Exception, match=BROKEN_OFF):
        stream.next()
    runs = openai.OpenAI(api_key="sk-second").beta.threads.runs
    polled = [runs.retrieve(run_id=run["id"], thread_id=THREAD) for _ in range(3)]
    assert [run.status for run in polled] == ["queued", "in_progress", "requires_action"]


# --- silence -----------------------------------------------------------------------------------------------------


@pytest.mark.in_process
@pytest.mark.parametrize(("patience", "status"), [(1.5, "in_progress"), (10, "completed")])
def test_a_stream_that_falls_silent(caller, assistants, patience, status):
    """The client's read timeout passes, virtually, and the run goes on meanwhile."""
    assistants.next_run(say("Hello!"))
    assistants.faults.stall(after="thread.message.created")
    start = assistants.clock.now
    stream = caller.run(timeout=patience)
    stream.until("thread.message.created")
    with pytest.raises(Exception, match=SILENT) as raised:
        stream.next()
    assert of_the_library(raised.value) == "ReadTimeout"
    assert assistants.clock.now == start + 1 + patience
    assert assistants.runs[0].status == status


def test_silence_is_no_wait_for_a_client_that_would_wait_for_ever(raw, assistants):
    assistants.next_run(say("Hello!"))
    assistants.faults.stall(after="thread.run.queued")
    start = assistants.clock.now
    stream = raw.run(timeout=None)
    stream.until("thread.run.queued")
    with pytest.raises(raw.module.ReadTimeout):
        stream.next()
    assert assistants.clock.now == start


@pytest.mark.in_process
@pytest.mark.parametrize("caller", ASYNC, indirect=True)
def test_others_live_on_while_a_client_waits_in_vain(caller, assistants):
    assistants.next_run(say("Hello!"))
    assistants.faults.stall(after="thread.run.created")
    start, woken = assistants.clock.now, []

    async def read(stream):
        with pytest.raises(Exception, match=SILENT):
            [event async for event in stream.events]
        woken.append(("reader", assistants.clock.now - start))

    async def sleep():
        await asyncio.sleep(4)
        woken.append(("sleeper", assistants.clock.now - start))

    async def both(stream):
        await asyncio.gather(read(stream), sleep())

    caller.wait(both(caller.run(timeout=10)))
    assert woken == [("sleeper", 4), ("reader", 10)]


# --- wrong data --------------------------------------------------------------------------------------------------


def test_a_malformed_event_is_no_json(raw, assistants):
    assistants.next_run(say("Hello!"))
    assistants.faults.malform(event="thread.message.delta")
    deltas = [chunk for chunk in chunks(raw) if chunk.startswith(b"event: thread.message.delta\n")]
    _, data, *rest = deltas[0].split(b"\n")
    assert rest == [b"", b""]
    assert data.startswith(b'data: {"id":"msg_')
    with pytest.raises(json.JSONDecodeError):
        json.loads(data.removeprefix(b"data: "))
    assert all(json.loads(delta.split(b"data: ")[1])["delta"] for delta in deltas[1:])


@pytest.mark.in_process
def test_the_sdk_does_not_bear_a_malformed_event(sdk, assistants):
    assistants.next_run(say("Hello!"))
    assistants.faults.malform(event="thread.run.step.created")
    stream = sdk.run()
    with pytest.raises(json.JSONDecodeError):
        stream.all()
    assert goes_on(assistants)


# CONTRACT §5.4: which of the two shapes the service sends was never recorded.
ERROR = {"message": "Too much.", "type": "server_error", "param": None, "code": "rate_limit_exceeded"}


@pytest.mark.parametrize(("flat", "data"), [(True, ERROR), (False, {"error": ERROR})])
def test_an_error_in_the_stream_is_its_last_event(raw, assistants, flat, data):
    """Other than the end of any other stream, it is not followed by `done`."""
    assistants.next_run(say("Hello!"))
    assistants.faults.error(after="thread.run.in_progress", flat=flat, message="Too much.", code="rate_limit_exceeded")
    *_, before, last = chunks(raw)
    assert before.startswith(b"event: thread.run.in_progress\n")
    name, sent, *_ = last.split(b"\n")
    assert name == b"event: error"
    assert json.loads(sent.removeprefix(b"data: ")) == data
    assert goes_on(assistants)


def test_the_sdk_raises_a_nested_error(sdk, assistants):
    """CONTRACT §5.4 (PY _streaming.py)."""
    assistants.next_run(say("Hello!"))
    assistants.faults.error(after="thread.message.created", message="Too much.", code="rate_limit_exceeded")
    stream = sdk.run()
    events = stream.until("thread.message.created")
    with pytest.raises(openai.APIError, match=r"^Too much\.$") as raised:
        stream.next()
    assert not isinstance(raised.value, openai.APIConnectionError)
    assert (raised.value.code, raised.value.body) == ("rate_limit_exceeded", ERROR)
    assert story(events) == f"{START} step.created step.in_progress message.created"
    assert goes_on(assistants)


def test_the_sdk_passes_a_flat_error_on_as_an_event(sdk, assistants):
    """CONTRACT §5.4, openai-python#2796: nobody is told unless he looks at the name."""
    assistants.next_run(say("Hello!"))
    assistants.faults.error(after="thread.message.created", flat=True)
    events = sdk.run().all()
    assert story(events[:-1]) == f"{START} step.created step.in_progress message.created"
    assert events[-1].name in ("error", "")
    assert events[-1].data["message"].startswith("The server had an error")


# --- what every client has to bear -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["thread.run.step.thinking", "thread.invented", "invented"])
def test_an_unknown_event_is_passed_by(caller, assistants, name):
    """CONTRACT §5.1: clients must tolerate events that they do not know."""
    assistants.next_run(say("Hello!"))
    assistants.faults.event(name, {"id": "x_1", "object": "invented"}, after="thread.message.delta")
    events = caller.run().all()
    (place,) = (place for place, event in enumerate(events) if event.data["id"] == "x_1")
    unknown = events.pop(place)
    assert unknown.name in (name, "")
    assert events[place - 1].name == "thread.message.delta"
    assert story(events) == PLAIN
    assert text(events) == "Hello!"


def comment_often(faults):
    for event in ("thread.run.created", "thread.message.delta", "thread.run.completed", "done"):
        faults.comment("keep-alive", before=event)
    faults.comment("", before="thread.message.delta", nth=2)


BEARABLE = {
    "comments": [comment_often],
    "carriage returns": [lambda faults: faults.crlf()],
    "single bytes": [lambda faults: faults.chunks(1)],
    "small chunks": [lambda faults: faults.chunks(7)],
    "large chunks": [lambda faults: faults.chunks(3000)],
    "single bytes with carriage returns": [lambda faults: faults.crlf(), lambda faults: faults.chunks(1)],
    "all at once": [comment_often, lambda faults: faults.crlf(), lambda faults: faults.chunks(13)],
}


@pytest.mark.parametrize("name", BEARABLE)
def test_events_are_the_same_however_they_are_sent(caller, assistants, name):
    """Server-sent events allow all of it; a chunk may end inside a character, or between \\r and \\n."""
    assistants.next_run(say("Grüße, 世界 👩‍🚀!"), wait(1), say("Bye"))
    snapshot = assistants.snapshot()
    expected = caller.run().all()
    end = assistants.clock.now
    assistants.restore(snapshot)
    for plan in BEARABLE[name]:
        plan(assistants.faults)
    assert caller.run().all() == expected
    assert assistants.clock.now == end


def test_what_is_sent_instead(raw, assistants):
    """So that the test above compares with something: comments, line ends and chunk sizes are on the wire."""
    assistants.next_run(say("Grüße!"))
    snapshot = assistants.snapshot()
    plain = list(chunks(raw))
    assistants.restore(snapshot)
    comment_often(assistants.faults)
    assistants.faults.crlf()
    assistants.faults.chunks(10)
    sent = list(chunks(raw))
    assert {len(chunk) for chunk in sent[:-1]} <= set(range(1, 11))
    frames = b"".join(sent).split(b"\r\n\r\n")
    assert [frame for frame in frames if frame.startswith(b":")] == [b": keep-alive"] * 2 + [b": "] + [
        b": keep-alive"
    ] * 2
    kept = [frame for frame in frames if not frame.startswith(b":")]
    assert b"\n\n".join(frame.replace(b"\r\n", b"\n") for frame in kept) == b"".join(plain)


@pytest.mark.parametrize("size", [1, 10, 4096])
def test_a_chunk_holds_nothing_back_until_later(raw, assistants, size):
    """However the chunks are cut, no virtual time passes before all is read that was sent."""
    assistants.next_run(wait(5), say("Hello!"))
    assistants.faults.chunks(size)
    start, read = assistants.clock.now, b""
    stream = chunks(raw)
    while not read.endswith(b"\n\n") or b"event: thread.run.queued\n" not in read:
        assert assistants.clock.now == start
        read += stream.next()
    assert assistants.clock.now == start
    stream.next()
    assert assistants.clock.now == start + 6


# --- plans -------------------------------------------------------------------------------------------------------


def test_a_fault_happens_once_in_the_first_stream_that_gets_so_far(caller, assistants):
    assistants.next_run(say(pieces=["Hi"]))
    assistants.every_run(say(pieces=["a", "b", "c"]))
    assistants.faults.event("thread.ping", {}, after="thread.message.delta", nth=3)
    orders = [story(caller.thread_and_run().all()) for _ in range(3)]
    assert ["thread.ping" in names.split() for names in orders] == [False, True, False]


def test_two_faults_at_one_event_happen_to_two_streams(caller, assistants):
    """As for a client that tries twice."""
    assistants.every_run(say("Hello!"))
    assistants.faults.cut(after="thread.run.created")
    assistants.faults.cut(after="thread.run.created")
    for _ in range(2):
        stream = caller.thread_and_run()
        assert len(stream.until("thread.run.created")) == 2
        with pytest.raises(Exception, match=BROKEN_OFF):
            stream.next()
    assert story(caller.thread_and_run().all()) == f"thread.created {PLAIN}"


def test_faults_are_part_of_a_snapshot(raw, assistants):
    assistants.every_run(say("Hello!"))
    assistants.faults.error(after="thread.run.created")
    snapshot = assistants.snapshot()
    for _ in range(2):
        assert len(list(chunks(raw))) == 2
        assistants.restore(snapshot)
    assert len(list(chunks(raw))) == 2


PLANS = {
    'cut(after="thread.created")': lambda faults: faults.cut(after="thread.created"),
    'stall(after="thread.message.delta", nth=99)': lambda faults: faults.stall(after="thread.message.delta", nth=99),
    'malform(event="thread.run.failed")': lambda faults: faults.malform(event="thread.run.failed"),
    'error(after="thread.created")': lambda faults: faults.error(after="thread.created"),
    'event("ping", {}, after="thread.created")': lambda faults: faults.event("ping", {}, after="thread.created"),
    'comment(before="thread.created")': lambda faults: faults.comment(before="thread.created"),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_fault_that_never_happened_is_a_failure(name):
    """Like a script that no run took."""
    with pytest.raises(HarnessFailure) as raised, fake_assistants() as assistants:
        PLANS[name](assistants.faults)
        assistants.next_run(say("Hello!"))
        with calling(OWN, assistants) as client:
            client.run().all()
    assert f"faults.{name}" in str(raised.value)


@pytest.mark.parametrize(
    "plan",
    [
        lambda faults: faults.cut(after="thread.mesage.delta"),
        lambda faults: faults.stall(after="thread.mesage.delta"),
        lambda faults: faults.malform(event="thread.mesage.delta"),
        lambda faults: faults.error(after="thread.mesage.delta"),
        lambda faults: faults.event("ping", {}, after="thread.mesage.delta"),
        lambda faults: faults.comment(before="thread.mesage.delta"),
    ],
)
def test_a_misspelt_event_is_refused_at_once(assistants, plan):
    with pytest.raises(HarnessFailure, match=r"no event of a stream is called 'thread\.mesage\.delta'") as raised:
        plan(assistants.faults)
    assert "The nearest: thread.message.delta" in str(raised.value)
    assert assistants.faults.planned == []


def test_what_holds_for_all_streams_is_never_unused():
    with fake_assistants() as assistants:
        assistants.faults.crlf()
        assistants.faults.chunks(1)


@pytest.mark.assistants(unused="ignore")
def test_unused_faults_may_be_allowed(assistants):
    assistants.faults.cut(after="thread.created")


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        (lambda faults: faults.cut(after="done", nth=0), r'cut\(after="done", nth=0\): nth counts from 1'),
        (lambda faults: faults.stall(after="done", nth=-1), "nth counts from 1"),
        (lambda faults: faults.malform(event="done", nth=0), "nth counts from 1"),
        (lambda faults: faults.error(after="done", nth=0), "nth counts from 1"),
        (lambda faults: faults.event("y", {}, after="done", nth=0), "nth counts from 1"),
        (lambda faults: faults.comment(before="done", nth=0), "nth counts from 1"),
        (lambda faults: faults.chunks(0), "at least one byte"),
    ],
)
def test_faults_that_cannot_be_are_refused(assistants, plan, message):
    with pytest.raises(HarnessFailure, match=message):
        plan(assistants.faults)
