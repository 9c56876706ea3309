"""A run as events: orders, fields, moments, and two clients at once, through every client there is."""

from __future__ import annotations

import asyncio
import json
import threading

import openai
import pytest
from stream_clients import (
    ASYNC,
    CALLING,
    MESSAGE,
    OTHERS,
    OWN,
    PLAIN,
    START,
    THREAD,
    WRITING,
    RawCaller,
    available,
    calling,
    named,
    story,
    text,
)

from harness import (
    HarnessFailure,
    call,
    calls,
    cancel,
    fail,
    fake_assistants,
    hang,
    refuse,
    run_code,
    say,
    search,
    truncate,
    wait,
)

CUT_OFF = f"{START} {WRITING} message.incomplete"
TOOL = f"{CALLING} step.completed"
PLOT = "file-plot"

# name: what the model does, and the order of events that CONTRACT §5.2 gives for it
ORDERS = {
    "nothing": ([], f"{START} run.completed"),
    "text": ([say("Hello there.")], PLAIN),
    "late text": ([wait(30), say("Hello there.")], PLAIN),
    "several messages": ([say("One."), say("Two.")], f"{START} {MESSAGE} {MESSAGE} run.completed"),
    "refusal": ([refuse("I can't do that.")], PLAIN),
    "call": ([call("f", city="Oslo")], f"{START} {CALLING} run.requires_action"),
    "calls": ([calls(call("f"), call("g"))], f"{START} {CALLING} run.requires_action"),
    "text, then call": ([say("Let me see."), call("f")], f"{START} {MESSAGE} {CALLING} run.requires_action"),
    "code": ([run_code("6*7", logs="42", images=[PLOT]), say("42")], f"{START} {TOOL} {MESSAGE} run.completed"),
    "search": ([search(), say("Found.")], f"{START} {TOOL} {MESSAGE} run.completed"),
    # recorded (FACTS E, 2024-04) but for the name of the last event
    "truncated": ([say("Half"), truncate()], f"{CUT_OFF} step.completed run.incomplete"),
    "truncated between": ([say("All."), wait(1), truncate()], f"{START} {MESSAGE} run.incomplete"),
    # not recorded (S/G): that the message goes before the step is taken over from the truncated run
    "failed": ([say("Half"), fail()], f"{START} {WRITING} step.failed message.incomplete run.failed"),
    "failed at once": ([fail()], f"{START} run.failed"),
    "failed tool": ([run_code("1/0"), fail()], f"{START} {CALLING} step.failed run.failed"),
    "cancelled": (
        [say("Half"), cancel()],
        f"{START} {WRITING} run.cancelling message.incomplete step.cancelled run.cancelled",
    ),
    "expired": ([say("Half"), hang()], f"{CUT_OFF} step.expired run.expired"),
    "expired in silence": ([hang()], f"{START} run.expired"),
}


@pytest.fixture
def second(assistants):
    """What another client does in the thread."""
    client = openai.OpenAI(api_key="sk-second")
    return Second(client.beta.threads)


class Second:
    def __init__(self, threads):
        self.messages = threads.messages
        self.runs = threads.runs

    def look(self, run):
        return self.runs.retrieve(run_id=run["id"], thread_id=run["thread_id"])

    def poll(self, run):
        """The statuses that the run goes through until it rests."""
        statuses = []
        while not statuses or statuses[-1] in ("queued", "in_progress", "cancelling"):
            statuses.append(self.look(run).status)
        return statuses

    def say(self, value="And?"):
        return self.messages.create(thread_id=THREAD, role="user", content=value)


# --- orders ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ORDERS)
def test_orders(caller, assistants, name):
    """CONTRACT §5.2, FACTS E; a stream of the SDK does not show `done`, the plain ones insist on it."""
    acts, expected = ORDERS[name]
    assistants.next_run(*acts)
    events = caller.run().all()
    assert story(events) == expected
    assert {event.name.rpartition(".")[2] for event in events} >= {events[-1].data["status"]}


@pytest.mark.parametrize("caller", OTHERS, indirect=True)
def test_other_clients_get_the_same_events(caller, assistants):
    assistants.next_run(say("Hello there."))
    events = caller.run().all()
    assert story(events) == PLAIN
    assert text(events) == "Hello there."


def test_a_thread_that_is_created_with_the_run_is_the_first_event(caller, assistants):
    """CONTRACT §5.2, and §2.2: the event shows what a GET of the thread shows."""
    assistants.next_run(say("Hello!"))
    events = caller.thread_and_run(thread={"messages": [{"role": "user", "content": "Hi"}]}).all()
    assert story(events) == f"thread.created {PLAIN}"
    assert events[0].data["id"] == events[1].data["thread_id"] == assistants.threads[-1].id
    assert events[0].data["tool_resources"] == {"code_interpreter": {"file_ids": []}}


def test_submitting_goes_on_where_the_stream_ended(caller, assistants):
    """CONTRACT §5.2, §13.3: the open step is completed first; the run is not created again."""
    assistants.next_run(call("get_weather", city="Oslo"), call("get_time"), say("Cold."))
    first = caller.run().all()
    asked = first[-1].data["required_action"]["submit_tool_outputs"]["tool_calls"][0]
    assert asked["function"] == {"name": "get_weather", "arguments": '{"city":"Oslo"}'}
    second = caller.submit(first[-1].data, {asked["id"]: "4 °C"}).all()
    assert story(second) == f"step.completed run.queued run.in_progress {CALLING} run.requires_action"
    step = second[0].data
    assert step["id"] == named(first, "thread.run.step.created")[0]["id"]
    assert step["step_details"]["tool_calls"][0]["function"]["output"] == "4 °C"
    assert second[1].data["required_action"] is None
    assert second[1].data["started_at"] < second[2].data["started_at"]
    asked = second[-1].data["required_action"]["submit_tool_outputs"]["tool_calls"][0]
    third = caller.submit(second[-1].data, {asked["id"]: "noon"}).all()
    assert story(third) == f"step.completed run.queued run.in_progress {MESSAGE} run.completed"
    steps = [named(events, "thread.run.step.completed") for events in (second, third)]
    spent = sum(step["usage"]["total_tokens"] for step in (*steps[0], *steps[1]))
    assert third[-1].data["usage"]["total_tokens"] == spent


def test_a_run_that_a_limit_ends(raw, assistants):
    """CONTRACT §3.6: the deltas are what the limit left, and so is the message."""
    assistants.next_run(say("one two three four five six"))
    events = raw.run(max_completion_tokens=3).all()
    assert story(events) == f"{CUT_OFF} step.completed run.incomplete"
    message = named(events, "thread.message.incomplete")[0]
    assert message["content"][0]["text"]["value"] == text(events) != "one two three four five six"
    assert message["incomplete_details"] == {"reason": "max_tokens"}


def test_a_run_that_expires_while_it_writes(caller, assistants):
    """CONTRACT §3.2, §3.8: 600 s after its creation, whatever it is doing; what was written by then stays."""
    assistants.next_run(wait(598), say(pieces=[f"{number} " for number in range(9)]))
    start = assistants.clock.now
    events = caller.run().all()
    assert story(events) == ORDERS["expired"][1]
    assert assistants.clock.now == start + 600
    (message,) = named(events, "thread.message.incomplete")
    assert message["incomplete_details"] == {"reason": "run_expired"}
    assert message["content"][0]["text"]["value"] == text(events)
    assert text(events).startswith("0 1 2 ")
    assert len(text(events)) < 18


@pytest.mark.assistants(as_of="2024-04-29")
@pytest.mark.parametrize(("api", "status"), [("v1", "completed"), ("v2", "incomplete")])
def test_before_may_2024_an_incomplete_run_was_announced_as_completed(raw, assistants, api, status):
    """CONTRACT §5.1, FACTS E (2024-04), and FACTS 0 for the status in v1."""
    assistants.next_run(say("Half"), truncate())
    *_, message, step, run = raw.run(api=api).all()
    assert (message.name, step.name) == ("thread.message.incomplete", "thread.run.step.completed")
    assert (run.name, run.data["status"]) == ("thread.run.completed", status)
    assert run.data["incomplete_details"] == {"reason": "max_completion_tokens"}


# --- one event at a time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["v1", "v2"])
def test_a_chunk_is_one_event_and_is_there_before_the_next_exists(raw, assistants, api):
    asked = []

    @assistants.model
    def model(run):
        for number in ("one", "two"):
            asked.append(number)
            yield say(pieces=[f"{number} ", "more"])

    start = assistants.clock.now
    chunks = raw.chunks(raw.respond(f"/threads/{THREAD}/runs", api=api, assistant_id="asst_listening"))
    assert chunks.next().startswith(b"event: thread.run.created\ndata: {")
    assert chunks.next().startswith(b"event: thread.run.queued\n")
    assert assistants.clock.now == start
    assert chunks.next().startswith(b"event: thread.run.in_progress\n")
    assert assistants.clock.now == start + 1
    while not (chunk := chunks.next()).startswith(b"event: thread.message.completed\n"):
        assert asked == ["one"]
        assert chunk.endswith(b"}\n\n")
        assert chunk.count(b"\n") == 3
    *_, last = chunks
    assert last == b"event: done\ndata: [DONE]\n\n"
    assert asked == ["one", "two"]


@pytest.mark.in_process
def test_pieces_come_while_the_act_lasts_the_longer_ones_later(caller, assistants):
    assistants.next_run(say(pieces=["a", "b" * 100, "c"]))
    start = assistants.clock.now
    stream = caller.run()
    moments = [assistants.clock.now - start for event in stream if event.name == "thread.message.delta"]
    assert 1 < moments[0] < 1.1
    assert 2.9 < moments[1] < moments[2] < 3
    assert assistants.clock.now == start + 3


# --- leaving early, and two clients at once ----------------------------------------------------------------------


@pytest.mark.in_process
def test_a_stream_left_early_leaves_the_thread_locked(caller, assistants, second):
    """CONTRACT §4 (vercel/ai#1743), §11: the run goes on until it ends by itself."""
    assistants.next_run(say("A long story."))
    stream = caller.run()
    run = stream.until("thread.message.delta")[0].data
    stream.close()
    assert second.look(run).status == "in_progress"
    with pytest.raises(openai.BadRequestError, match=f"Can't add messages to {THREAD} while a run"):
        second.say()
    assert second.poll(run) == ["completed"]
    second.say()
    newest, answer = second.messages.list(thread_id=THREAD).data
    assert (newest.role, answer.content[0].text.value) == ("user", "A long story.")


@pytest.mark.parametrize("caller", ["httpx", "OpenAI"], indirect=True)
def test_the_with_block_of_a_stream_can_be_left(caller, assistants, second):
    assistants.next_run(say("A long story."))
    if isinstance(caller, RawCaller):
        body = {"assistant_id": "asst_listening", "stream": True}
        url = f"https://api.openai.com/v1/threads/{THREAD}/runs"
        headers = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}
        with caller.client.stream("POST", url, json=body, headers=headers) as response:
            run = json.loads(next(response.iter_raw()).split(b"data: ")[1])
    else:
        created = caller.client.beta.threads.runs.create
        with created(thread_id=THREAD, assistant_id="asst_listening", stream=True) as stream:
            run = next(stream).data.model_dump()
    with pytest.raises(openai.BadRequestError, match="already has an active run"):
        second.runs.create(thread_id=THREAD, assistant_id="asst_listening")
    assert second.poll(run)[-1] == "completed"


@pytest.mark.in_process
@pytest.mark.parametrize("act", [say("A long story."), call("f", city="Oslo"), run_code("6*7")], ids=type)
@pytest.mark.parametrize("read", [1, 4, 6, 8])
def test_a_thread_that_is_deleted_meanwhile_ends_its_stream(raw, assistants, act, read):
    """CONTRACT §5: the last frame is always `done`, on which the plain clients insist; §4, G: the run disappears."""
    assistants.next_run(act, say("The end."))
    stream = raw.run()
    events = [stream.next() for _ in range(read)]
    assistants.client().beta.threads.delete(THREAD)
    rest = stream.all()
    assert not {event.name for event in [*events, *rest]} & {"thread.run.completed", "thread.run.requires_action"}


def test_arguments_come_in_the_pieces_that_were_recorded(raw, assistants):
    """CONTRACT §5.3, §13.3."""
    assistants.next_run(calls(call("f"), call("g", a=7.5, b="x")))
    pieces: list[list[str]] = [[], []]
    for delta in named(raw.run().all(), "thread.run.step.delta"):
        for entry in delta["delta"]["step_details"]["tool_calls"]:
            pieces[entry["index"]].append(entry["function"]["arguments"])
    assert pieces == [["", "{}"], ["", '{"', "a", '":', "7", ".", "5", ',"', "b", '":', '"', "x", '"}']]


@pytest.mark.in_process
def test_a_second_client_sees_what_the_first_one_streams(caller, assistants, second):
    """By polling it moves the clock, and the stream has all that happened meanwhile; nothing is told twice."""
    assistants.next_run(say("A long story."), say("The end."))
    stream = caller.run()
    events = stream.until("thread.message.delta")
    run = events[0].data
    assert second.look(run).status == "in_progress"
    (message,) = second.messages.list(thread_id=THREAD).data
    assert message.content == []  # polling shows only what is finished (CONTRACT §5.2, §11)
    (step,) = second.runs.steps.list(run_id=run["id"], thread_id=THREAD).data
    assert step.status == "in_progress"
    assert second.poll(run) == ["completed"]
    end = assistants.clock.now
    events += stream.all()
    assert assistants.clock.now == end
    assert story(events) == f"{START} {MESSAGE} {MESSAGE} run.completed"
    assert text(events) == "A long story.The end."
    polled = second.look(run)
    assert (polled.status, polled.completed_at) == ("completed", events[-1].data["completed_at"])


@pytest.mark.in_process
def test_a_second_client_cancels(caller, assistants, second):
    """CONTRACT §5.2: what was written by then stays, and is what the deltas said."""
    assistants.next_run(say("A story that is far too long for anybody to read it to its end."))
    stream = caller.run()
    events = stream.until("thread.message.delta", nth=3)
    run = events[0].data
    cancelled = second.runs.cancel(run_id=run["id"], thread_id=THREAD)
    assert cancelled.status == "cancelling"
    rest = stream.all()
    assert story(rest) == "run.cancelling message.incomplete step.cancelled run.cancelled"
    (partial,) = named(rest, "thread.message.incomplete")
    assert partial["incomplete_details"] == {"reason": "run_cancelled"}
    assert partial["content"][0]["text"]["value"] == text(events)
    (message,) = second.messages.list(thread_id=THREAD).data
    assert message.content[0].text.value == text(events)
    assert second.look(run).status == "cancelled"


@pytest.mark.in_process
@pytest.mark.parametrize("caller", ASYNC, indirect=True)
def test_a_task_cancels_in_the_middle_of_a_message(caller, assistants):
    """The message is written from the first second to the third, a piece every 0.2 s; sleeping is virtual."""
    pieces = [f"{number} " for number in range(9)]
    assistants.next_run(say(pieces=pieces))
    other = openai.AsyncOpenAI(api_key="sk-second")

    async def read(stream):
        return [event async for event in stream.events]

    async def cancel_later():
        await asyncio.sleep(1.5)
        async with other:
            return await other.beta.threads.runs.cancel(run_id=assistants.runs[0].id, thread_id=THREAD)

    async def both(stream):
        # the first request of a client asks a thread for its platform, and whoever waits for a thread lets time pass
        await other.beta.threads.retrieve(THREAD)
        return await asyncio.gather(read(stream), cancel_later())

    start = assistants.clock.now
    events, cancelled = caller.wait(both(caller.run()))
    assert cancelled.status == "cancelling"
    assert text(events) == "0 1 "
    assert story(events) == ORDERS["cancelled"][1]
    assert named(events, "thread.message.incomplete")[0]["content"][0]["text"]["value"] == text(events)
    assert assistants.clock.now == start + 2.5


@pytest.mark.in_process
@pytest.mark.parametrize("caller", ASYNC, indirect=True)
def test_tasks_wake_in_the_order_of_virtual_time(caller, assistants):
    """Two streams and a sleeper: a timer of one run does not carry the other over somebody's waking."""
    assistants.next_run(say(pieces=["a", "b", "c"]))
    assistants.next_run(wait(0.25), say(pieces=["d", "e", "f"]))
    seen = []

    async def read(stream):
        async for event in stream.events:
            parts = event.data.get("delta", {}).get("content", ())
            seen.extend((assistants.clock.now - start, part["text"]["value"]) for part in parts)

    async def sleep():
        for _ in range(4):
            await asyncio.sleep(0.7)
            seen.append((assistants.clock.now - start, "z"))

    async def all_of_them(*streams):
        await asyncio.gather(sleep(), *map(read, streams))

    start = assistants.clock.now
    caller.wait(all_of_them(caller.run(), caller.thread_and_run()))
    assert "".join(what for _, what in seen) == "zzadzbeczf"
    moments = [moment for moment, _ in seen]
    assert moments == sorted(moments)
    assert [round(moment, 2) for moment, what in seen if what == "z"] == [0.7, 1.4, 2.1, 2.8]


@pytest.mark.in_process
def test_a_stream_of_a_fake_that_is_not_in_force_waits_for_nobody(monkeypatch):
    """No sleep is virtual then, so waiting would take its time; that it was in force before makes no difference."""
    way = available("async_client()")
    with fake_assistants() as fake:
        pass
    monkeypatch.setattr(asyncio, "sleep", waits := Waits(asyncio.sleep))
    start = fake.clock.now
    with calling(way, fake) as caller:
        assert story(caller.run().all()) == PLAIN
    assert fake.clock.now > start
    assert not any(waits.seconds)


class Waits:
    """`asyncio.sleep`, with what it was asked for on this thread; a server of other tests ticks on one of its own."""

    def __init__(self, sleep):
        self.seconds = []
        self._sleep = sleep
        self._thread = threading.get_ident()

    def __call__(self, seconds):
        if threading.get_ident() != self._thread:
            return self._sleep(seconds)
        self.seconds.append(seconds)
        return self._sleep(0)


# --- what is refused ---------------------------------------------------------------------------------------------


OTHER = {"tool_call_id": "call_2", "output": ""}


@pytest.mark.parametrize(
    ("what", "status", "message"),
    [
        ("an unknown assistant", 404, "No assistant found with id 'asst_none'."),
        ("a locked thread", 400, f"Thread {THREAD} already has an active run"),
        ("other outputs", 400, "Expected tool outputs for call_ids"),
    ],
)
def test_refusals_come_before_a_stream_begins(caller, assistants, what, status, message):
    """CONTRACT §5: ordinary JSON, and no event of it."""
    if what != "an unknown assistant":
        assistants.next_run(call("f", call_id="call_1"))
        run = caller.run().all()[-1].data
    body = {"assistant_id": "asst_none" if what == "an unknown assistant" else "asst_listening"}
    path = f"/threads/{THREAD}/runs"
    if what == "other outputs":
        body, path = {"tool_outputs": [OTHER]}, f"{path}/{run['id']}/submit_tool_outputs"
    if isinstance(caller, RawCaller):
        response = caller.respond(path, **body)
        caller.wait(response.aread() if caller.asynchronous else response.read())
        assert (response.status_code, response.headers["content-type"]) == (status, "application/json")
        error = response.json()["error"]
    else:
        runs = caller.client.beta.threads.runs
        with pytest.raises(openai.APIStatusError) as raised:
            if what == "other outputs":
                caller.wait(runs.submit_tool_outputs(run["id"], thread_id=THREAD, stream=True, **body))
            else:
                caller.wait(runs.create(THREAD, stream=True, **body))
        assert raised.value.status_code == status
        error = raised.value.body
    assert error["message"].startswith(message)
    assert len(assistants.runs) == (what != "an unknown assistant")


# --- who moves the clock -----------------------------------------------------------------------------------------


@pytest.mark.in_process
@pytest.mark.assistants(clock="manual")
def test_on_a_manual_clock_reading_moves_no_time(caller, assistants):
    assistants.next_run(say("Hello there, and much more."))
    stream = caller.run()
    stream.until("thread.run.queued")
    assistants.clock.advance(2)
    read = stream.until("thread.message.delta")
    assert story(read) == f"run.in_progress {WRITING}"
    assistants.clock.advance(10)
    rest = stream.all()
    assert story(rest) == "message.delta message.completed step.completed run.completed"
    assert text(read + rest) == "Hello there, and much more."


@pytest.mark.in_process
@pytest.mark.assistants(clock="manual", unused="ignore")
def test_on_a_manual_clock_a_reader_that_nobody_helps_gets_a_failure(caller, assistants):
    stream = caller.run()
    stream.until("thread.run.queued")
    now = assistants.clock.now
    with pytest.raises(HarnessFailure, match=r"under clock='manual'(?s:.)*clock\.advance\(10\)"):
        stream.next()
    assert assistants.clock.now == now
    assert len(assistants.failures) == 1
    assistants.failures.clear()


@pytest.mark.assistants(clock="manual")
@pytest.mark.parametrize("caller", [f"async {OWN}"], indirect=True)
def test_on_a_manual_clock_a_task_may_move_the_time_while_another_reads(caller, assistants):
    assistants.next_run(say("Hello!"))

    async def read(stream):
        return [event async for event in stream.events]

    async def move():
        assistants.clock.advance(10)

    async def both(stream):
        return (await asyncio.gather(read(stream), move()))[0]

    assert story(caller.wait(both(caller.run()))) == PLAIN


@pytest.mark.assistants(clock="timed")
def test_on_a_timed_clock_reading_takes_the_time_it_takes(caller, assistants):
    assistants.next_run(wait(30), say("Hello!"))
    start = assistants.clock.now
    events = caller.run().all()
    assert story(events) == PLAIN
    assert assistants.clock.now == start + 33
    assert events[-1].data["completed_at"] == int(start) + 33


@pytest.mark.parametrize("seconds", [10, 30])
def test_a_client_less_patient_than_the_silence_times_out(raw, assistants, second, seconds):
    """The read timeout passes virtually, and the run goes on."""
    assistants.next_run(wait(30), say("Hello!"))
    start = assistants.clock.now
    stream = raw.run(timeout=seconds)
    run = stream.until("thread.run.queued")[0].data
    with pytest.raises(raw.module.ReadTimeout):
        stream.next()
    assert assistants.clock.now == start + seconds
    assert second.poll(run) == ["queued", "in_progress", "completed"]


@pytest.mark.in_process
def test_the_sdk_times_out(sdk, assistants):
    assistants.next_run(wait(30), say("Hello!"))
    start = assistants.clock.now
    stream = sdk.run(timeout=10)
    stream.until("thread.run.queued")
    with pytest.raises(Exception, match="timed out") as raised:
        stream.next()
    assert type(raised.value).__name__ in ("ReadTimeout", "APITimeoutError")
    assert assistants.clock.now == start + 10
    assert assistants.runs[0].status == "queued"


def test_a_client_more_patient_than_each_silence_does_not_time_out(caller, assistants):
    """A timeout counts from event to event, not from the beginning."""
    assistants.next_run(wait(8), say("Hello!"), wait(8), say("Bye!"))
    start = assistants.clock.now
    assert story(caller.run(timeout=9.5).all()) == f"{START} {MESSAGE} {MESSAGE} run.completed"
    assert assistants.clock.now == start + 21


# --- snapshots ---------------------------------------------------------------------------------------------------


@pytest.mark.in_process
def test_a_snapshot_taken_while_a_stream_is_open_has_no_reader(caller, assistants, second):
    assistants.next_run(say("A long story."))
    stream = caller.run()
    run = stream.until("thread.message.delta")[0].data
    snapshot = assistants.snapshot()
    then = assistants.clock.now
    names = story(stream.all())
    for _ in range(2):
        assistants.restore(snapshot)
        assert (assistants.clock.now, assistants.runs[0].status, assistants.runs[0].feed) == (then, "in_progress", None)
        with pytest.raises(openai.BadRequestError, match="while a run"):
            second.say()
        assert second.poll(run) == ["in_progress", "completed"]
        (message,) = second.messages.list(thread_id=THREAD).data
        assert message.content[0].text.value == "A long story."
    assert names == "message.delta message.completed step.completed run.completed"


def test_a_stream_of_before_a_restore_tells_nothing_of_the_world_after_it(caller, assistants, second):
    assistants.next_run(say("A long story."))
    snapshot = assistants.snapshot()
    stream = caller.run()
    stream.until("thread.run.queued")
    assistants.restore(snapshot)
    assert story(stream.all()) == PLAIN.removeprefix("run.created run.queued ")
    assert assistants.runs == []
    assert caller.run().all()[-1].data["status"] == "completed"


def test_without_pytest():
    with fake_assistants() as assistants, calling(OWN, assistants) as client:
        assistants.next_run(say("Hello!"))
        assert text(client.run().all()) == "Hello!"
