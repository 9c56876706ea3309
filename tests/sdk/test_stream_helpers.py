"""The SDK's own consumers of streams, sync and async: handlers with their hooks, and what they add up."""

from __future__ import annotations

import inspect
import json
import warnings
from contextlib import contextmanager

import openai
import pytest
from stream_clients import ASSISTANT, PLAIN, SDK, THREAD, Event, story

from harness import call, calls, cancel, fail, hang, refuse, run_code, say, truncate, wait

pytestmark = [
    pytest.mark.skipif(
        not hasattr(openai, "AssistantEventHandler"), reason=f"openai {openai.__version__} has no AssistantEventHandler"
    ),
    pytest.mark.parametrize("caller", SDK, indirect=True),
]
IDS = {"thread_id": THREAD, "assistant_id": ASSISTANT}


@pytest.fixture
def runs(caller):
    return caller.client.beta.threads.runs


@contextmanager
def opened(caller, manager):
    """The stream in the `with` block, or `async with`, of one of the SDK's managers."""
    if not caller.asynchronous:
        with manager as stream:
            yield stream
        return
    stream = caller.wait(manager.__aenter__())
    try:
        yield stream
    finally:
        caller.wait(manager.__aexit__(None, None, None))


def each(caller, items):
    """A loop over something of the SDK, `async for` or plain."""
    if not caller.asynchronous:
        yield from items
        return
    iterator, end = aiter(items), object()
    while (item := caller.wait(anext(iterator, end))) is not end:
        yield item


def base(caller):
    return openai.AsyncAssistantEventHandler if caller.asynchronous else openai.AssistantEventHandler


def handler(caller):
    """A handler that notes in `called` which hooks are called, and with what."""

    def noting(name):
        def hook(self, *given):
            if name == "on_event":
                assert self.current_event is given[0]
            self.called.append((name, *map(shown, given)))

        async def async_hook(self, *given):
            hook(self, *given)

        return async_hook if caller.asynchronous else hook

    kind = type("Noting", (base(caller),), {name: noting(name) for name in hooks(caller)})
    made = kind()
    made.called = []
    return made


def hooks(caller):
    return [name for name in vars(base(caller)) if name.startswith("on_")]


def shown(given):
    """What a hook was given, as it was then: snapshots go on growing."""
    return given.model_dump(exclude_unset=True, warnings=False) if hasattr(given, "model_dump") else given


def names(made):
    return [name for name, *_ in made.called if name != "on_event"]


def given(made, hook):
    return [arguments for name, *arguments in made.called if name == hook]


def data(made):
    """The data of all events; of one whose name is not `thread.…` newer SDKs show handlers nothing else."""
    return [event.get("data", event) for (event,) in given(made, "on_event")]


def read_to_end(caller, manager):
    """Read a stream to its end; its handler."""
    with opened(caller, manager) as stream:
        caller.wait(stream.until_done())
    return stream


# --- hooks -------------------------------------------------------------------------------------------------------


def test_hooks_of_a_message(caller, runs, assistants):
    assistants.next_run(say(pieces=["Hel", "lo"]))
    made = handler(caller)
    assert read_to_end(caller, runs.stream(**IDS, event_handler=made)) is made
    assert story([Event(event["event"], None) for (event,) in given(made, "on_event")]) == PLAIN
    assert names(made) == [
        "on_run_step_created",
        "on_message_created",
        "on_text_created",
        *["on_text_delta", "on_message_delta"] * 2,
        "on_text_done",
        "on_message_done",
        "on_run_step_done",
        "on_end",
    ]
    assert [(delta["value"], snapshot["value"]) for delta, snapshot in given(made, "on_text_delta")] == [
        ("Hel", "Hel"),
        ("lo", "Hello"),
    ]
    assert [snapshot["content"][0]["text"]["value"] for _, snapshot in given(made, "on_message_delta")] == [
        "Hel",
        "Hello",
    ]
    assert given(made, "on_text_done")[0][0]["value"] == "Hello"
    assert given(made, "on_message_done")[0][0]["status"] == "completed"
    assert given(made, "on_run_step_done")[0][0]["usage"]["completion_tokens"] > 0


def test_hooks_of_calls(caller, runs, assistants):
    both = (call("f", arguments_pieces=['{"a"', ":1}"]), call("g", arguments_pieces=["{", "}"]))
    assistants.next_run(calls(*both))
    made = handler(caller)
    read_to_end(caller, runs.stream(**IDS, event_handler=made))
    one_call = ["on_tool_call_created", *["on_run_step_delta", "on_tool_call_delta"] * 2, "on_run_step_delta"]
    one_call.append("on_tool_call_done")
    assert names(made) == ["on_run_step_created", *one_call, *one_call, "on_end"]
    done = [tool_call["function"] for (tool_call,) in given(made, "on_tool_call_done")]
    assert [(function["name"], function["arguments"]) for function in done] == [("f", '{"a":1}'), ("g", "{}")]
    _, snapshot = given(made, "on_run_step_delta")[-1]
    assert [item["function"]["name"] for item in snapshot["step_details"]["tool_calls"]] == ["f", "g"]


def test_hooks_of_code(caller, runs, assistants):
    assistants.next_run(run_code(pieces=["6", "*7"], logs="42"))
    made = handler(caller)
    read_to_end(caller, runs.stream(**IDS, event_handler=made))
    expected = ["on_run_step_created", "on_tool_call_created", "on_run_step_delta"]
    expected += ["on_tool_call_delta", "on_run_step_delta"] * 3 + ["on_tool_call_done", "on_run_step_done"]
    assert names(made)[: len(expected)] == expected
    cells = [snapshot["code_interpreter"] for _, snapshot in given(made, "on_tool_call_delta")]
    assert [cell["input"] for cell in cells] == ["6", "6*7", "6*7"]
    assert cells[-1]["outputs"][0]["logs"] == "42"


def test_hooks_of_images(caller, runs, assistants):
    assistants.next_run(say("See.", images=["file-1", "file-2"]))
    made = handler(caller)
    read_to_end(caller, runs.stream(**IDS, event_handler=made))
    assert [image["file_id"] for (image,) in given(made, "on_image_file_done")] == ["file-1", "file-2"]
    assert names(made).count("on_text_created") == names(made).count("on_text_done") == 1
    (message,) = given(made, "on_message_done")[0]
    assert [part["type"] for part in message["content"]] == ["image_file", "image_file", "text"]


@pytest.mark.in_process
def test_every_hook_of_the_sdk_is_reached(caller, runs, assistants):
    assistants.next_run(run_code("1", logs="1"), say("See.", images=["file-1"]), wait(60))
    made = handler(caller)
    with pytest.raises(Exception, match="timed out"):
        read_to_end(caller, runs.stream(**IDS, event_handler=made, timeout=30))
    assert {name for name, *_ in made.called} == set(hooks(caller))


# --- what goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.in_process
def test_a_timeout_calls_its_hook(caller, runs, assistants):
    assistants.next_run(wait(30), say("Hello!"))
    made, start = handler(caller), assistants.clock.now
    with pytest.raises(Exception, match="timed out") as raised:
        read_to_end(caller, runs.stream(**IDS, event_handler=made, timeout=10))
    assert type(raised.value).__name__ == "ReadTimeout"
    assert assistants.clock.now == start + 10
    assert names(made) == ["on_timeout", "on_exception", "on_end"]
    assert given(made, "on_exception") == [[raised.value]]


@pytest.mark.parametrize(
    ("plan", "kind"),
    [
        (lambda faults: faults.cut(after="thread.message.created"), "RemoteProtocolError"),
        (lambda faults: faults.malform(event="thread.message.delta"), "JSONDecodeError"),
        (lambda faults: faults.error(after="thread.message.created"), "APIError"),
    ],
)
def test_other_errors_call_their_hook(caller, runs, assistants, plan, kind):
    assistants.next_run(say("Hello!"))
    plan(assistants.faults)
    made = handler(caller)
    with pytest.raises(Exception, match=r".") as raised:
        read_to_end(caller, runs.stream(**IDS, event_handler=made))
    assert type(raised.value).__name__ == kind
    assert names(made)[-3:] == ["on_message_created", "on_exception", "on_end"]


@pytest.mark.parametrize("name", ["thread.run.step.thinking", "thread.invented", "invented"])
def test_handlers_bear_an_unknown_event(caller, runs, assistants, name):
    """CONTRACT §5.1."""
    assistants.next_run(say(pieces=["Hel", "lo"]))
    assistants.faults.event(name, {"id": "x_1"}, after="thread.message.delta")
    made = handler(caller)
    read_to_end(caller, runs.stream(**IDS, event_handler=made))
    assert data(made).count({"id": "x_1"}) == 1
    assert given(made, "on_text_done")[0][0]["value"] == "Hello"


def test_handlers_hear_of_a_flat_error_as_an_event(caller, runs, assistants):
    """CONTRACT §5.4: no exception, and the run looks as it looked last."""
    assistants.next_run(say("Hello!"))
    assistants.faults.error(after="thread.message.created", flat=True)
    made = handler(caller)
    run = caller.wait(read_to_end(caller, runs.stream(**IDS, event_handler=made)).get_final_run())
    assert data(made)[-1]["type"] == "server_error"
    assert run.status == "in_progress"
    assert names(made)[-1] == "on_end"


def test_a_handler_serves_one_stream(caller, runs, assistants):
    """CONTRACT §11: submit needs a handler of its own."""
    assistants.next_run(call("f", call_id="call_1"))
    made = handler(caller)
    run = caller.wait(read_to_end(caller, runs.stream(**IDS, event_handler=made)).get_final_run())
    outputs = [{"tool_call_id": "call_1", "output": ""}]
    again = runs.submit_tool_outputs_stream(run_id=run.id, thread_id=THREAD, tool_outputs=outputs, event_handler=made)
    with pytest.raises(RuntimeError, match="cannot be shared between multiple streams"):
        read_to_end(caller, again)


@pytest.mark.in_process
def test_a_stream_of_a_helper_left_early_leaves_the_thread_locked(caller, runs, assistants):
    """CONTRACT §4."""
    assistants.next_run(say("A long story."))
    with opened(caller, runs.stream(**IDS)) as stream:
        for word in each(caller, stream.text_deltas):
            assert "A long story.".startswith(word)
            break
    second = openai.OpenAI(api_key="sk-second").beta.threads
    with pytest.raises(openai.BadRequestError, match="while a run"):
        second.messages.create(thread_id=THREAD, role="user", content="?")
    polled = [second.runs.retrieve(run_id=assistants.runs[0].id, thread_id=THREAD).status for _ in range(2)]
    assert polled == ["in_progress", "completed"]


# --- what they add up --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("helper", ["stream", "create_and_stream"])
def test_final_objects_are_what_a_second_client_sees(caller, runs, assistants, helper):
    assistants.next_run(run_code("6*7", logs="42"), say(pieces=["It ", "is ", "42."]), say("Really."))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of the older of the two names
        manager = getattr(runs, helper)(**IDS)
    with opened(caller, manager) as stream:
        run = caller.wait(stream.get_final_run())
        messages = caller.wait(stream.get_final_messages())
        steps = caller.wait(stream.get_final_run_steps())
    second = openai.OpenAI(api_key="sk-second").beta.threads
    polled = second.runs.retrieve(run_id=run.id, thread_id=THREAD)
    assert (run.status, run.completed_at, run.usage) == ("completed", polled.completed_at, polled.usage)
    listed = second.messages.list(thread_id=THREAD, order="asc").data
    assert [(message.id, message.content) for message in messages] == [
        (message.id, message.content) for message in listed
    ]
    assert [step.id for step in steps] == [
        step.id for step in second.runs.steps.list(run_id=run.id, thread_id=THREAD, order="asc").data
    ]
    cell = steps[0].step_details.tool_calls[0].code_interpreter
    assert (cell.input, cell.outputs[0].logs) == ("6*7", "42")


def test_text_deltas(caller, runs, assistants):
    pieces = ["날씨", "는 ", "맑", "음"]
    assistants.next_run(run_code("1"), say(pieces=pieces))
    with opened(caller, runs.stream(**IDS)) as stream:
        assert list(each(caller, stream.text_deltas)) == pieces


def test_what_is_current_while_a_stream_is_read(caller, runs, assistants):
    assistants.next_run(say(pieces=["Hel", "lo"]))
    with opened(caller, runs.stream(**IDS)) as stream:
        assert stream.current_run is stream.current_message_snapshot is stream.current_run_step_snapshot is None
        seen = []
        for event in each(caller, stream):
            if event.event == "thread.message.delta":
                seen.append(stream.current_message_snapshot.content[0].text.value)
                assert stream.current_run.status == stream.current_run_step_snapshot.status == "in_progress"
        assert seen == ["Hel", "Hello"]
        assert stream.current_run.status == "completed"
        assert stream.current_message_snapshot.status == "completed"


def test_a_thread_and_its_run_by_a_helper(caller, assistants):
    assistants.next_run(say("Hello!"))
    create = caller.client.beta.threads.create_and_run_stream
    thread = {"messages": [{"role": "user", "content": "Hi"}]}
    with opened(caller, create(assistant_id=ASSISTANT, thread=thread)) as stream:
        events = [Event(event.event, None) for event in each(caller, stream)]
    assert story(events) == f"thread.created {PLAIN}"


@pytest.mark.parametrize(
    ("acts", "status"),
    [
        ([say("Half"), truncate()], "incomplete"),
        ([say("Half"), fail()], "failed"),
        ([say("Half"), cancel()], "cancelled"),
        ([say("Half"), hang()], "expired"),
        ([call("f")], "requires_action"),
        ([refuse("No, never.")], "completed"),
    ],
)
def test_final_objects_of_other_endings(caller, runs, assistants, acts, status):
    if status == "incomplete" and '"thread.run.incomplete"' not in inspect.getsource(base(caller)):
        pytest.skip(f"the handlers of openai {openai.__version__} do not know thread.run.incomplete")
    assistants.next_run(*acts)
    with opened(caller, runs.stream(**IDS)) as stream:
        run = caller.wait(stream.get_final_run())
        assert run.status == status
        if status == "requires_action":
            with pytest.raises(RuntimeError, match="No messages found"):
                caller.wait(stream.get_final_messages())
        elif status != "completed":
            (message,) = caller.wait(stream.get_final_messages())
            assert (message.status, message.content[0].text.value) == ("incomplete", "Half")


# --- answering calls ---------------------------------------------------------------------------------------------


def answering(caller, notes):
    """A handler that submits from its hook, as the SDK's guide does; `notes` gets the words and the last run."""
    runs = caller.client.beta.threads.runs

    def submission(run):
        asked = run.required_action.submit_tool_outputs.tool_calls
        outputs = [
            {"tool_call_id": item.id, "output": f"4 °C in {json.loads(item.function.arguments)['city']}"}
            for item in asked
        ]
        return runs.submit_tool_outputs_stream(
            run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs, event_handler=answering(caller, notes)
        )

    class Answering(openai.AssistantEventHandler):
        def on_event(self, event):
            if event.event == "thread.run.requires_action":
                with submission(event.data) as stream:
                    notes.extend(stream.text_deltas)
            elif event.event == "thread.run.completed":
                notes.append(event.data)

    class AsyncAnswering(openai.AsyncAssistantEventHandler):
        async def on_event(self, event):
            if event.event == "thread.run.requires_action":
                async with submission(event.data) as stream:
                    notes.extend([word async for word in stream.text_deltas])
            elif event.event == "thread.run.completed":
                notes.append(event.data)

    return AsyncAnswering() if caller.asynchronous else Answering()


def test_outputs_submitted_from_a_hook(caller, runs, assistants):
    @assistants.model
    def model(run):
        cold, warm = yield calls(call("get_weather", city="Oslo"), call("get_weather", city="Rome"))
        more = yield call("get_weather", city="Bergen")
        yield say(pieces=[cold, ", ", warm, ", ", more])

    notes = []
    read_to_end(caller, runs.stream(**IDS, event_handler=answering(caller, notes)))
    (run,) = (note for note in notes if not isinstance(note, str))
    assert "".join(note for note in notes if isinstance(note, str)) == "4 °C in Oslo, 4 °C in Rome, 4 °C in Bergen"
    assert run.status == assistants.runs[0].status == "completed"
    assert [request.path.rpartition("/")[2] for request in assistants.requests] == [
        "runs",
        "submit_tool_outputs",
        "submit_tool_outputs",
    ]


def test_outputs_submitted_when_the_first_stream_is_over(caller, runs, assistants):
    assistants.next_run(call("f", call_id="call_1"), say("Done."))
    run = caller.wait(read_to_end(caller, runs.stream(**IDS)).get_final_run())
    outputs = [{"tool_call_id": "call_1", "output": "x"}]
    with opened(
        caller, runs.submit_tool_outputs_stream(run_id=run.id, thread_id=THREAD, tool_outputs=outputs)
    ) as stream:
        events = [Event(event.event, event.data) for event in each(caller, stream)]
    assert story(events).startswith("step.completed run.queued run.in_progress step.created")
    assert events[0].data.step_details.tool_calls[0].function.output == "x"
    assert events[-1].data.status == "completed"
