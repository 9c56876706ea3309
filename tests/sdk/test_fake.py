"""What a test can do with the fake, through the official SDK of this environment."""

from __future__ import annotations

import asyncio
import copy
import enum
import functools
import inspect
import io
import re
import threading
import time
import types
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import openai
import pydantic
import pytest

from harness import (
    FakeAssistants,
    HarnessFailure,
    Request,
    Response,
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

MANUAL = pytest.mark.assistants(clock="manual")


class Talk:
    """A client with an assistant and a thread."""

    def __init__(self, fake, **assistant):
        self.fake = fake
        self.beta = openai.OpenAI(api_key="sk-test").beta
        self.assistant = self.beta.assistants.create(model="gpt-4-turbo", **assistant)
        self.thread = self.beta.threads.create()

    def start(self, text="hello", **options):
        self.beta.threads.messages.create(thread_id=self.thread.id, role="user", content=text)
        return self.beta.threads.runs.create(thread_id=self.thread.id, assistant_id=self.assistant.id, **options)

    def look(self, run):
        return self.beta.threads.runs.retrieve(run_id=run.id, thread_id=run.thread_id)

    def poll(self, run):
        """Look until the run needs somebody or has ended; the statuses seen."""
        statuses = [run.status]
        while run.status in ("queued", "in_progress", "cancelling"):
            run = self.look(run)
            statuses.append(run.status)
        return run, statuses

    def ask(self, text="hello", **options):
        return self.poll(self.start(text, **options))

    def submit(self, run, *outputs, **options):
        asked = run.required_action.submit_tool_outputs.tool_calls
        return self.beta.threads.runs.submit_tool_outputs(
            run_id=run.id,
            thread_id=run.thread_id,
            tool_outputs=[
                {"tool_call_id": item.id, "output": output} for item, output in zip(asked, outputs, strict=True)
            ],
            **options,
        )

    def answers(self):
        listed = self.beta.threads.messages.list(thread_id=self.thread.id).data
        return [message.content[0].text.value for message in listed if message.role == "assistant"]


def takes(name):
    """Whether this SDK's `runs.create` has the argument."""
    runs = openai.OpenAI(api_key="sk-test").beta.threads.runs
    return name in inspect.signature(runs.create).parameters


@pytest.fixture
def talk(assistants):
    return Talk(assistants)


# --- who gets which script ----------------------------------------------------------------------------------


def test_without_a_script_every_run_completes(talk):
    assert talk.ask()[1] == ["queued", "in_progress", "completed"]
    assert talk.ask()[0].status == "completed"
    assert talk.answers() == ["This is a placeholder answer of the fake assistant."] * 2


def test_a_rule_claims_before_the_queue_and_the_queue_before_the_rest(talk, assistants):
    assistants.every_run("the rest")
    assistants.next_run(say("the queue"))
    assistants.when(message="Oslo").run(say("the rule"))
    for text in ("How is Oslo?", "And you?", "Well?", "Oslo again"):
        talk.ask(text)
    assert talk.answers() == ["the rule", "the rest", "the queue", "the rule"]


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({"assistant": "Weather"}, True),
        ({"assistant": "Sports"}, False),
        ({"model": "gpt-4-turbo"}, True),
        ({"model": "gpt-4"}, False),
        ({"instructions": "brief"}, True),
        ({"metadata": {"user": "1"}}, True),
        ({"metadata": {"user": "2"}}, False),
        ({"message": lambda text: text.endswith("?")}, True),
        ({"assistant": lambda name: name == "Weather"}, True),
        ({"thread": "thread_other"}, False),
        ({"message": "hello", "model": "gpt-4"}, False),
    ],
)
@pytest.mark.assistants(unused="ignore")
def test_conditions(assistants, conditions, fits):
    talk = Talk(assistants, name="Weather", instructions="Be brief.")
    assistants.when(**conditions).run("yes")
    assistants.every_run("no")
    talk.ask("hello?", metadata={"user": "1"})
    assert talk.answers() == ["yes" if fits else "no"]


async def no_answer(text):
    """Gives nothing that says yes or no."""


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (
            lambda text: text.nope,
            r"when\(message=<lambda>\).run\(…\) at test_fake.py:\d+: the function for message raised Attribute.*nope",
        ),
        (no_answer, r"at test_fake.py:\d+: the function for message is an async function, and nothing awaits it"),
    ],
)
@pytest.mark.assistants(unused="ignore")
def test_a_function_that_cannot_say_whether_a_run_fits_is_the_users(talk, assistants, asked, message):
    assistants.when(message=asked).run("yes")
    with pytest.raises(HarnessFailure, match=message) as failed:
        talk.ask("hello?")
    assert "Report it" not in str(failed.value)
    assistants.failures.clear()


def test_a_pattern_is_searched(talk, assistants):
    assistants.when(message=re.compile(r"\bOslo\b")).run("yes")
    talk.ask("In Oslo?")
    assert talk.answers() == ["yes"]


def test_when_no_script_is_left_the_message_lists_those_that_were(talk, assistants):
    assistants.next_run("only one")
    talk.ask()
    with pytest.raises(HarnessFailure, match=r"(?s)No script is left.*next_run\(…\) at test_fake.py:\d+, by run_"):
        talk.ask("once more")
    assistants.failures.clear()


def test_a_model_function_sees_the_run(assistants):
    talk = Talk(assistants, instructions="Be brief.", name="Echo", tools=[{"type": "code_interpreter"}])
    seen = []

    @assistants.model
    def echo(run):
        seen.append(run)
        return f"You said: {run.message}"

    talk.ask("hi")
    talk.ask("ho")
    assert talk.answers() == ["You said: ho", "You said: hi"]
    last = seen[-1]
    assert (last.model, last.instructions, last.assistant_name) == ("gpt-4-turbo", "Be brief.", "Echo")
    assert [message.role for message in last.messages] == ["user", "assistant", "user"]
    assert last.tools[0]["type"] == "code_interpreter"
    assert last.thread_id == talk.thread.id


def test_what_a_model_function_does_to_what_it_sees_changes_nothing(assistants):
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "properties": {}}}}
    talk = Talk(assistants, tools=[tool])

    @assistants.model
    def careless(run):
        run.messages[0].content[0]["text"]["value"] = "something else"
        run.messages[0].content.clear()
        run.tools[0]["function"]["parameters"]["properties"]["x"] = {}
        run.metadata.clear()

    talk.ask("hi", metadata={"user": "1"})
    [message] = assistants.threads[0].messages
    assert message.text == "hi"
    assert assistants.runs[0].tools[0]["function"]["parameters"] == {"type": "object", "properties": {}}
    assert assistants.runs[0].metadata == {"user": "1"}


def test_a_generator_gets_what_the_client_submits(talk, assistants):
    @assistants.model
    def weather(run):
        one = yield call("get_weather", city="Oslo")
        both = yield calls(call("f"), call("g"))
        yield say(f"{one}, {both}")

    run, _ = talk.ask()
    run, _ = talk.poll(talk.submit(run, "4 °C"))
    run, _ = talk.poll(talk.submit(run, "a", "b"))
    assert run.status == "completed"
    assert talk.answers() == ["4 °C, ['a', 'b']"]


def weather_of(run):
    output = yield call("get_weather", city="Oslo")
    yield say(output)


@functools.wraps(weather_of)
def decorated(run):
    return weather_of(run)


class Model:
    def __call__(self, run):
        return weather_of(run)


MODELS = {
    "wrapped": decorated,
    "object": Model(),
    "lambda": lambda run: weather_of(run),  # noqa: PLW0108 - that is what it tests
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_generator_is_one_whatever_gives_it(talk, assistants, model):
    assistants.model(model)
    run, _ = talk.ask()
    assert talk.poll(talk.submit(run, "4 °C"))[0].status == "completed"
    assert talk.answers() == ["4 °C"]


def yielding(run):
    said = [message.text for message in run.messages]
    yield say("One moment.")
    output = yield call("get_weather", city="Oslo")
    yield say(f"{output} {said}")


def returning(run):
    output = yield call("get_weather", city="Oslo")
    return [say("One moment."), say(f"{output} {[run.message]}")]


@pytest.mark.parametrize("model", [yielding, returning])
def test_a_copied_run_goes_on_as_the_run_does(talk, assistants, model):
    """Its generator begins anew, with the run as it was when it first began, and ends once."""
    assistants.model(model)
    run, _ = talk.ask("Weather?")
    assistants.restore(assistants.snapshot())
    run = talk.submit(run, "4 °C")
    assistants.restore(assistants.snapshot())
    assert talk.poll(run)[0].status == "completed"
    assert sorted(talk.answers()) == ["4 °C ['Weather?']", "One moment."]


def test_a_model_that_has_nothing_left_to_say_is_reported(talk, assistants):
    """`StopIteration` of a plain function is not the end of a generator."""
    answers = iter(["only one"])
    assistants.model(lambda run: next(answers))
    talk.ask()
    with pytest.raises(HarnessFailure, match="the model function raised StopIteration"):
        talk.ask()
    assistants.failures.clear()


@pytest.mark.parametrize(
    ("misused", "message"),
    [
        (
            lambda fake: fake.model("Hi"),
            r"assistants\.model\(…\) at test_fake.py:\d+ takes a function, and was given 'Hi'",
        ),
        (lambda fake: fake.next_run(say), r"next_run\(…\) at test_fake.py:\d+: <function say at .*> is not an act"),
        (lambda fake: fake.next_run(run_code), r"<function run_code at .*> is not an act"),
        (lambda fake: fake.next_run(b"Hi"), r"b'Hi' is not an act"),
        (lambda fake: fake.next_run({"call": "f"}), r"\{'call': 'f'\} is not an act"),
        (lambda fake: fake.next_run([say("a")], [say("b")]), r"(?s)is not an act.*assistants\.next_run\(\*acts\)"),
    ],
    ids=["model", "maker", "maker of cells", "bytes", "dict", "lists"],
)
def test_what_is_no_act_and_no_model(assistants, misused, message):
    with pytest.raises(HarnessFailure, match=message):
        misused(assistants)


def test_runs_share_no_truncation(talk, assistants):
    talk.ask()
    talk.ask()
    first, second = assistants.runs
    first.truncation_strategy["last_messages"] = 3
    assert second.truncation_strategy == {"type": "auto", "last_messages": None}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("200", {}, b""), "whose status is '200'"),
        ((2000, {}, b""), "whose status is 2000"),
        ((200, None, b""), "whose headers are None"),
        ((200, {"x-city": "오슬로"}, b""), "with the header 'x-city': '오슬로', which is not one line of ASCII"),
        ((200, {"x-city": "a\nb"}, b""), "with the header 'x-city': 'a\\\\nb', which"),
        ((200, {"x-number": 3}, b""), "with the header 'x-number': 3, which"),
    ],
)
def test_an_answer_that_no_server_could_send(assistants, given, message):
    assistants.on("GET", "/moderations", lambda request: Response(*given))
    with pytest.raises(HarnessFailure, match=f"the function returned a Response {message}"):
        assistants.answer(Request("GET", "https://api.openai.com/v1/moderations"))
    assistants.failures.clear()


def test_a_generator_may_return_its_last_act_or_nothing(talk, assistants):
    @assistants.model
    def model(run):
        yield wait(1)
        return [say("returned")] if run.message == "a" else None

    talk.ask("a")
    talk.ask("b")
    assert talk.answers() == ["returned"]


def test_a_function_that_gives_nothing_ends_the_run(talk, assistants):
    assistants.every_run(lambda run: None)
    assert talk.ask()[0].status == "completed"
    assert talk.answers() == []


@pytest.mark.parametrize("acts", [(), [], [say("a")], (say("a"), wait(1))])
def test_acts_in_any_container(talk, assistants, acts):
    assistants.every_run(lambda run: iter(acts))
    talk.ask()
    assert talk.answers() == [act.text for act in acts if isinstance(act, type(say("")))]


def test_a_model_that_raises_says_so(talk, assistants):
    @assistants.model
    def broken(run):
        raise ValueError("oops")

    with pytest.raises(HarnessFailure, match="the model function raised ValueError: oops"):
        talk.ask()
    assistants.failures.clear()


def test_a_model_that_raises_while_the_client_sleeps_is_remembered(talk, assistants):
    @assistants.model
    def broken(run):
        yield say("one moment")
        raise ValueError("oops")

    talk.start()
    with pytest.raises(HarnessFailure, match="raised ValueError: oops"):
        time.sleep(60)
    assert assistants.failures.pop().happened.endswith("oops")


def test_an_error_of_the_fake_itself_says_so(talk, assistants, monkeypatch):
    monkeypatch.setattr(assistants.service, "handle", lambda request: 1 / 0)
    with pytest.raises(HarnessFailure, match="The fake broke on GET /v1/models: ZeroDivisionError"):
        openai.OpenAI(api_key="sk-test").models.list()
    assistants.failures.clear()


def test_an_async_model_is_refused(talk, assistants):
    @assistants.model
    async def wrong(run):
        return "never"

    with pytest.raises(HarnessFailure, match="nothing awaits it"):
        talk.ask()
    assistants.failures.clear()


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda fake: fake.next_run(fail(), say("x")), r"can never happen, because Fail\("),
        (lambda fake: fake.next_run(42), r"next_run\(…\) at test_fake.py:\d+: 42 is not an act"),
        (lambda fake: fake.when(mesage="x"), "has no condition 'mesage'"),
        (lambda fake: fake.when(colour="x"), "has no condition 'colour'"),
        (lambda fake: fake.when(message=5), r"^test_fake.py:\d+: when\(…\) cannot compare message with 5\."),
        (lambda fake: fake.when(assistant=None), "It takes a text, a compiled pattern of text, or a function"),
        (lambda fake: fake.when(thread=re.compile(b"x")), r"cannot compare thread with re.compile\(b'x'\)"),
        (lambda fake: fake.when(metadata="x"), r'(?s)cannot compare metadata with .*when\(metadata=\{"user": "1"\}\)'),
        (lambda fake: fake.when(metadata={"user": 1}), "It takes pairs of texts that the run has, or a function"),
        (lambda fake: fake.add_file(), "needs something to add"),
        (lambda fake: fake.add_file(b"x,y", filename="a.csv"), r"add_file\(b'x,y'\): bytes are no path"),
        (
            lambda fake: fake.add_assistant(instruction="x"),
            r"^add_assistant\(…\) at test_fake.py:\d+, instruction: .* but 'instructions'\.(?s:.*)\.add_assistant\(",
        ),
        (lambda fake: fake.add_assistant(zzz=1), r"know no 'zzz'(?s:.*)There is id, model, (?s:.*)add_assistant\("),
        (lambda fake: fake.add_assistant(tools=["f"]), r"tools\[0\]: the service would refuse this: Invalid type"),
        (
            lambda fake: fake.add_thread(metadata={"a": object()}),
            r"add_thread\(…\) at .*, metadata: that is not JSON-serializable: ",
        ),
        (
            lambda fake: fake.scenario({"threads": [{"metadata": ("a",)}]}),
            r"a metadata object, but got a tuple instead",
        ),
        (lambda fake: fail(5), r"fail\(5\): a code is a text"),
        (lambda fake: fake.faults.cut(after=None), r"no event of a stream is called None"),
        (lambda fake: fake.add_assistant("my-assistant"), r"An id is made of .* begins with 'asst_'"),
        (lambda fake: fake.add_thread("thread_é"), r"made of ASCII letters, digits, '_' and '-', and begins"),
        (lambda fake: fake.add_thread("thread_a.b"), r'"thread_a.b" cannot be its id'),
        (lambda fake: fake.add_file(content=b"", id="file é"), r"ASCII letters, digits, '\.', '_' and '-'\."),
        (
            lambda fake: fake.add_assistant(tool_resources={"file_search": {"vector_store_ids": ["vs_none"]}}),
            r"would refuse this: Vector store with id \['vs_none'\] not found",
        ),
        (
            lambda fake: fake.add_thread(messages=[{"role": "system", "content": "x"}]),
            r"messages\[0\].role: the service",
        ),
        (lambda fake: fake.add_vector_store(file_ids=["file-none"]), "would refuse this: .*file-none"),
        (lambda fake: say(42), r"say\(…\) takes a text"),
        (lambda fake: wait(-1), "time only moves forward"),
        (lambda fake: wait(float("nan")), "time only moves forward"),
        (lambda fake: wait("3"), r"wait\('3'\): seconds are a number"),
        (lambda fake: cancel(takes="3"), r"cancel\(takes='3'\): seconds are a number"),
        (lambda fake: fake.faults.slow("3"), r"faults.slow\('3'\): seconds are a number"),
        (lambda fake: search(results="shop.md"), "results takes several, and was given 'shop.md' by itself"),
        (lambda fake: search(results=["shop.md"]), "results takes objects, and 'shop.md' is none"),
        (lambda fake: truncate("bored"), "has no such reason"),
        (lambda fake: calls(), "takes one or more"),
        (lambda fake: calls(say("x")), r"It was given Say\("),
        (lambda fake: call("f", arguments_json="{}", x=1), "given arguments twice"),
        (lambda fake: call("f", x=object()), "not JSON"),
    ],
)
def test_misuse_is_refused_where_it_is_written(assistants, write, message):
    with pytest.raises(HarnessFailure, match=message):
        write(assistants)


# --- how runs go --------------------------------------------------------------------------------------------


def test_function_calls(talk, assistants):
    assistants.next_run(calls(call("f", x=1), call("g", arguments_json="{oops", call_id="call_mine")), say("done"))
    run, statuses = talk.ask()
    assert statuses == ["queued", "in_progress", "requires_action"]
    asked = run.required_action.submit_tool_outputs.tool_calls
    assert [(item.function.name, item.function.arguments) for item in asked] == [("f", '{"x":1}'), ("g", "{oops")]
    assert asked[1].id == "call_mine"
    run = talk.submit(run, "1", "2")
    assert (run.status, run.required_action) == ("queued", None)
    run, statuses = talk.poll(run)
    assert statuses == ["queued", "in_progress", "completed"]
    steps = talk.beta.threads.runs.steps.list(run_id=run.id, thread_id=run.thread_id, order="asc").data
    assert [step.type for step in steps] == ["tool_calls", "message_creation"]
    assert [item.function.output for item in steps[0].step_details.tool_calls] == ["1", "2"]


def test_a_script_that_ends_on_a_call_gets_the_placeholder(talk, assistants):
    assistants.next_run(call("f"))
    run, _ = talk.ask()
    talk.poll(talk.submit(run, "x"))
    assert talk.answers() == ["This is a placeholder answer of the fake assistant."]


def test_usage_adds_up(talk, assistants):
    assistants.next_run(call("f"), say("a longer answer"))
    run, _ = talk.ask()
    talk.poll(talk.submit(run, "x"))
    usage = assistants.requests[-1].answer["usage"]
    steps = [step.usage for step in assistants.runs[0].steps]
    assert usage["prompt_tokens"] == sum(step.prompt for step in steps) > 0
    assert usage["completion_tokens"] == sum(step.completion for step in steps) > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


@pytest.fixture
def limits():
    if not takes("max_prompt_tokens"):
        pytest.skip("this SDK is older than token limits")


@pytest.mark.usefixtures("limits")
@pytest.mark.parametrize(
    ("acts", "options", "reason", "text"),
    [
        (["one two three four"], {"max_completion_tokens": 2}, "max_completion_tokens", "one two"),
        ([say("one"), wait(1), say("two")], {"max_completion_tokens": 1}, "max_completion_tokens", ""),
        (["one"], {"max_prompt_tokens": 1}, "max_prompt_tokens", ""),
        (["one", truncate("max_prompt_tokens")], {}, "max_prompt_tokens", "one"),
    ],
)
def test_token_limits_cut_the_answer_off(talk, assistants, acts, options, reason, text):
    assistants.next_run(*acts)
    run, _ = talk.ask(**options)
    assert (run.status, run.incomplete_details.reason) == ("incomplete", reason)
    newest = list(assistants.threads[0].messages)[-1]
    assert (newest.status, newest.text, newest.incomplete_reason) == ("incomplete", text, "max_tokens")


@pytest.mark.usefixtures("limits")
def test_a_call_that_does_not_fit_is_never_asked(talk, assistants):
    assistants.next_run(call("f", text="word " * 50))
    run, _ = talk.ask(max_completion_tokens=5)
    assert run.status == "incomplete"
    [step] = talk.beta.threads.runs.steps.list(run_id=run.id, thread_id=run.thread_id).data
    assert step.step_details.tool_calls == []


@pytest.mark.usefixtures("limits")
def test_the_oldest_messages_make_room_for_the_newest(talk, assistants):
    assistants.every_run("ok")
    talk.ask("word " * 300)
    run, _ = talk.ask("short", max_prompt_tokens=100)
    assert run.status == "completed"
    assert run.usage.prompt_tokens <= 100
    whole, _ = talk.ask("short")
    last, _ = talk.ask("short", truncation_strategy={"type": "last_messages", "last_messages": 1})
    assert last.usage.prompt_tokens < whole.usage.prompt_tokens


@pytest.mark.parametrize(
    ("acts", "status", "messages"),
    [
        ([say("Well"), fail()], "failed", [("incomplete", "Well")]),
        ([say("Well"), wait(1), fail("invalid_prompt")], "failed", [("completed", "Well")]),
        ([fail("odd code", "odd text")], "failed", []),
        ([say("Well"), cancel()], "cancelled", [("incomplete", "Well")]),
        ([cancel()], "cancelled", []),
        ([say("Well"), hang()], "expired", [("incomplete", "Well")]),
        ([wait(700), say("late")], "expired", []),
        ([refuse("No.")], "completed", [("completed", "No.")]),
        ([say("a"), say("b")], "completed", [("completed", "a"), ("completed", "b")]),
        ([say("")], "completed", [("completed", "")]),
    ],
)
def test_endings(talk, assistants, acts, status, messages):
    assistants.next_run(*acts)
    run, _ = talk.ask()
    assert run.status == status
    made = [message for message in assistants.threads[0].messages if message.role == "assistant"]
    assert [(message.status, message.text) for message in made] == messages
    reasons = {message.incomplete_reason for message in made if message.status == "incomplete"}
    assert reasons <= {f"run_{status}"}  # CONTRACT §3.8


@MANUAL
def test_cancelling_before_the_run_was_picked_up(talk, assistants):
    run = talk.start()
    cancelled = talk.beta.threads.runs.cancel(run_id=run.id, thread_id=run.thread_id)
    assert cancelled.status == "cancelling"
    assistants.clock.advance(1)
    assert talk.look(run).status == "cancelled"


def test_deleting_a_thread_ends_its_run(talk, assistants):
    run = talk.start()
    talk.beta.threads.delete(talk.thread.id)
    assistants.clock.advance(1000)
    with pytest.raises(openai.NotFoundError, match="No thread found"):
        talk.look(run)


def test_instructions_and_additions(talk, assistants):
    seen = []
    assistants.every_run(lambda run: seen.append(run.instructions))
    talk.ask(instructions="Speak Korean.")
    if takes("additional_instructions"):
        talk.ask(instructions="Speak Korean.", additional_instructions="Politely.")
        assert seen[1] == "Speak Korean.\nPolitely."
    assert seen[0] == "Speak Korean."


# --- time ---------------------------------------------------------------------------------------------------


def test_a_slow_tool_meets_an_expired_run(talk, assistants):
    assistants.next_run(call("slow"))
    run, _ = talk.ask()
    time.sleep(660)
    with pytest.raises(openai.BadRequestError, match='Runs in status "expired" do not'):
        talk.submit(run, "too late")


def test_looks_at_a_run_that_waits_for_outputs_do_not_let_it_expire(talk, assistants):
    assistants.next_run(call("f"))
    run, _ = talk.ask()
    assert [talk.look(run).status for _ in range(5)] == ["requires_action"] * 5


@pytest.mark.assistants(clock="timed")
def test_under_timed_only_sleeping_moves_the_run(talk):
    run = talk.start()
    assert [talk.look(run).status for _ in range(5)] == ["queued"] * 5
    time.sleep(1)
    assert talk.look(run).status == "in_progress"
    time.sleep(2)
    assert talk.look(run).status == "completed"


@MANUAL
def test_under_manual_only_advance_moves_the_run(talk, assistants):
    run = talk.start()
    time.sleep(100)
    assert talk.look(run).status == "queued"
    assistants.clock.advance(3)
    assert talk.look(run).status == "completed"


def test_two_clients_see_the_same_run_at_their_own_pace(talk, assistants):
    run = talk.start()
    assert talk.look(run).status == "in_progress"
    other = openai.OpenAI(api_key="sk-other").beta.threads.runs
    assert other.retrieve(run_id=run.id, thread_id=run.thread_id).status == "in_progress"
    assert other.retrieve(run_id=run.id, thread_id=run.thread_id).status == "completed"
    assert talk.look(run).status == "completed"


def test_async_pollers_share_virtual_time(assistants):
    async def ask(client, text):
        assistant = await client.beta.assistants.create(model="gpt-4-turbo")
        thread = await client.beta.threads.create(messages=[{"role": "user", "content": text}])
        run = await client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)
        while run.status in ("queued", "in_progress"):
            await asyncio.sleep(0.5)
            run = await client.beta.threads.runs.retrieve(run_id=run.id, thread_id=thread.id)
        return run.status

    async def both():
        async with openai.AsyncOpenAI(api_key="sk-test") as client:
            return await asyncio.gather(ask(client, "a"), ask(client, "b"))

    assistants.every_run("ok")
    assert asyncio.run(both()) == ["completed", "completed"]


def test_threads_of_the_program_share_one_fake(assistants):
    assistants.every_run(lambda run: f"You said {run.message}.")

    def converse(number):
        talk = Talk(assistants)
        for turn in range(3):
            run, _ = talk.ask(f"{number}.{turn}")
            time.sleep(1)
            assert run.status == "completed"
        return talk.answers()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(converse, range(16)))
    assert answers == [[f"You said {number}.{turn}." for turn in (2, 1, 0)] for number in range(16)]


# --- stuck clients ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("acts", "did", "said"),
    [
        ([fail()], "looked 4 times at run_", "'failed' is final(?s:.*)server_error: Sorry, something went wrong."),
        ([hang()], "looked 4 times at run_", "'expired' is final"),
        (
            [call("get_weather", city="Oslo")],
            r"listed the messages of \w+ 30 times",
            r"waits for the outputs of get_weather\({\"city\":\"Oslo\"}\)",
        ),
    ],
    ids=["failed", "expired", "requires_action"],
)
def test_a_loop_that_waits_for_what_never_comes_fails_at_once(talk, assistants, acts, did, said):
    assistants.next_run(*acts)
    run = talk.start()
    with pytest.raises(HarnessFailure, match=f"it has {did}(?s:.*){said}"):
        while run.status != "completed":
            time.sleep(1)
            talk.beta.threads.messages.list(talk.thread.id)
            run = talk.look(run)
    assistants.failures.clear()


@pytest.mark.parametrize("policy", ["manual", "timed"])
def test_a_loop_that_lets_no_time_pass_is_stuck_too(policy):
    with fake_assistants(clock=policy, stuck_after=5) as assistants:
        talk = Talk(assistants)
        run = talk.start()
        with pytest.raises(HarnessFailure, match=rf"under clock='{policy}' retrieving it moves no time"):
            while run.status != "completed":
                run = talk.look(run)
        assistants.failures.clear()


@pytest.mark.assistants(clock="timed")
def test_a_patient_loop_is_not_stuck(talk, assistants):
    assistants.next_run(wait(400), say("at last"))
    run = talk.start()
    while run.status != "completed":
        time.sleep(1)
        run = talk.look(run)
    assert talk.answers() == ["at last"]


# --- what a test holds --------------------------------------------------------------------------------------


def test_objects_that_exist_already(assistants, tmp_path):
    (tmp_path / "sales.csv").write_bytes(b"a,b\n1,2\n")
    assistants.add_assistant("asst_hardcoded", name="Old", instructions="Hi")
    assistants.add_thread("thread_hardcoded")
    uploaded = assistants.add_file(tmp_path / "sales.csv", id="file-hardcoded")
    made = assistants.add_file(content=b"png", filename="plot.png", purpose="assistants_output")
    notes = assistants.add_file(content=b"Open from 9 to 5.", filename="hours.txt")
    store = assistants.add_vector_store("vs_hardcoded", name="Books", file_ids=[notes.id])
    client = openai.OpenAI(api_key="sk-test")
    assert (store.name, [file.status for file in store.files]) == ("Books", ["completed"])
    assert client.beta.assistants.retrieve("asst_hardcoded").name == "Old"
    assert client.beta.threads.retrieve("thread_hardcoded").id == "thread_hardcoded"
    assert client.files.retrieve("file-hardcoded").filename == uploaded.filename == "sales.csv"
    assert client.files.content(made.id).content == b"png"
    assert assistants.add_assistant().id.startswith("asst_")
    assert assistants.add_thread().id.startswith("thread_")
    assert assistants.add_vector_store().id.startswith("vs_")
    assert assistants.add_file(content=b"").filename == "file.bin"


def test_a_conversation_that_exists_already_goes_on(assistants):
    said = [{"id": "msg_1", "role": "user", "content": "I am Ada."}, {"role": "assistant", "content": "Hello, Ada."}]
    thread = assistants.add_thread("thread_1", messages=said, metadata={"user": "7"})
    assert thread.metadata == {"user": "7"}
    assert [(message.role, message.text) for message in thread.messages] == [
        ("user", "I am Ada."),
        ("assistant", "Hello, Ada."),
    ]
    client = openai.OpenAI(api_key="sk-test")
    assert client.beta.threads.messages.retrieve("msg_1", thread_id="thread_1").content[0].text.value == "I am Ada."

    @assistants.model
    def remember(run):
        return say(f"You said: {run.messages[0].text}")

    assistant = assistants.add_assistant(instructions="Hi")
    run = client.beta.threads.runs.create(thread_id="thread_1", assistant_id=assistant.id)
    while client.beta.threads.runs.retrieve(run.id, thread_id="thread_1").status != "completed":
        pass
    assert [message.text for message in thread.messages][-1] == "You said: I am Ada."


def test_what_there_is_can_be_read_like_a_list(talk, assistants):
    talk.start("hi")
    [thread], [run] = assistants.threads, assistants.runs
    while run.active:
        talk.look(run)
    assert (thread.messages[0].text, thread.messages[-1].role) == ("hi", "assistant")
    assert thread.messages[:] == [*thread.messages]
    assert thread.runs[0] is run
    assert run.steps[0].type == "message_creation"
    assert "Message(id='msg_" in repr(thread.messages)


class Kind(str, enum.Enum):
    SEARCH = "file_search"


def test_objects_are_added_as_a_client_would_send_them(assistants):
    pydantic_model = pydantic.create_model("Tool", type=(str, "file_search"), file_search=(object, None))
    tools = ({"type": Kind.SEARCH}, pydantic_model(type="code_interpreter"))
    assert assistants.add_assistant("asst_1", tools=tools).tools == [
        {"type": "file_search"},
        {"type": "code_interpreter"},
    ]
    metadata = types.MappingProxyType({"user": "7"})
    assert assistants.add_thread(metadata=metadata, messages=None).metadata == {"user": "7"}
    assert len(assistants.add_vector_store(file_ids=None).files) == 0


def test_an_assistant_of_v1_exists_already(assistants):
    """What v2 does not know is what v1 took, with a model that v1 had."""
    file = assistants.add_file(content=b"x", filename="x.txt")
    made = assistants.add_assistant("asst_1", tools=[{"type": "retrieval"}], file_ids=[file.id])
    assert (made.tools, list(made.file_ids), made.model) == ([{"type": "retrieval"}], [file.id], "gpt-4-turbo")


@pytest.mark.assistants(adopt_unknown=True)
def test_unknown_ids_are_adopted_where_that_is_allowed(assistants):
    client = openai.OpenAI(api_key="sk-test")
    client.beta.threads.messages.create(thread_id="thread_abc123", role="user", content="hi")
    run = client.beta.threads.runs.create(thread_id="thread_abc123", assistant_id="asst_my_bot-7")
    assert run.assistant_id == "asst_my_bot-7"
    assert client.files.retrieve("file-abc123").id == "file-abc123"
    with pytest.raises(openai.NotFoundError):
        client.files.retrieve("nonsense")


GIVEN = {"code_interpreter": {"file_ids": ["file-abc"]}}


def test_a_file_that_is_there_may_have_any_name_but_no_odd_purpose(assistants):
    assert assistants.add_file(content="4 °C", filename="notes.unknown").content == "4 °C".encode()
    with pytest.raises(HarnessFailure, match=r"add_file\(…\) at test_fake.py:\d+"):
        assistants.add_file(content=b"x", purpose="asistants")
    with pytest.raises(HarnessFailure, match=r"add_file\(…\) at test_fake.py:\d+"):
        assistants.add_file(content=b"x", id=7)


def test_what_a_test_gives_stays_its_own(assistants):
    metadata, resources = {"user": "1"}, copy.deepcopy(GIVEN)
    assistants.add_file(content=b"x", id="file-abc")
    assistants.add_assistant("asst_1", tool_resources=resources, metadata=metadata)
    assistants.add_thread("thread_1", metadata=metadata)
    client = openai.OpenAI(api_key="sk-test")
    client.files.delete("file-abc")
    assert assistants.world.store.assistants.get("asst_1").tool_resources != GIVEN
    assistants.threads[0].metadata["user"] = "2"
    assert (resources, metadata) == (GIVEN, {"user": "1"})


def test_the_id_of_a_file_may_have_dots(assistants):
    client = assistants.client()
    assert client.files.retrieve(assistants.add_file(content=b"", id="file-a.b").id).id == "file-a.b"
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)):  # the latter with v1
        client.beta.threads.retrieve("thread_a.b")  # so `add_thread` refuses such an id


@pytest.mark.parametrize(
    ("method", "prefix"),
    [("add_assistant", "asst_"), ("add_thread", "thread_"), ("add_vector_store", "vs_"), ("add_file", "file-")],
)
def test_an_id_that_is_taken_is_refused(assistants, method, prefix):
    wanted = {"id": f"{prefix}mine", **({"content": b""} if method == "add_file" else {})}
    getattr(assistants, method)(**wanted)
    with pytest.raises(
        HarnessFailure, match=rf"^{method}\(…\).*{prefix}mine' exists already(?s:.*)assistants\.{method}\("
    ):
        getattr(assistants, method)(**wanted)


def test_requests_are_remembered(talk, assistants):
    talk.ask("hi")
    first = assistants.requests[0]
    assert (first.method, first.path, first.status) == ("POST", "/v1/assistants", 200)
    assert first.json["model"] == "gpt-4-turbo"
    assert first.answer["object"] == "assistant"
    assert assistants.requests[-1].json is None
    assert "sk-test" not in repr(first)


def test_so_is_the_request_that_failed(assistants):
    with pytest.raises(HarnessFailure) as raised:
        assistants.client().post("/responses", body={"model": "gpt-4o"}, cast_to=object)
    assistants.failures.clear()
    last = assistants.requests[-1]
    assert (last.path, last.status, last.answer, last.failure) == ("/v1/responses", 0, None, raised.value)
    assert last.outcome == f"HarnessFailure: {raised.value.happened}"


def test_transcript(talk, assistants):
    assistants.next_run(say("Hello\nyou"), say("bye"), fail())
    talk.ask("hi")
    text = assistants.transcript(talk.thread)
    assert text == (
        f"{talk.thread.id}\n    user: hi\n    assistant: Hello\n        you\n    assistant [incomplete]: bye"
    )
    assert assistants.transcript() == text
    with pytest.raises(HarnessFailure, match=f"(?s)'thread_other'.: there is no such thread.*are {talk.thread.id}\\."):
        assistants.transcript("thread_other")


def test_on_answers_what_the_fake_does_not(assistants):
    client = openai.OpenAI(api_key="sk-test")
    assistants.on("get", "/models", lambda request: {"object": "list", "data": []})
    assistants.on(
        "POST", "/chat/completions", lambda request: {"id": request.json["model"], "object": "chat.completion"}
    )
    assistants.on("DELETE", "/v1/models/m", lambda request: Response(403, {"content-type": "text/plain"}, b"no"))
    assistants.on("GET", "/models/m", lambda request: b'{"id": "m", "object": "model"}')
    assert client.models.list().data == []
    assert client.models.retrieve("m").id == "m"
    assert client.chat.completions.create(model="gpt-4o", messages=[]).id == "gpt-4o"
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("m")
    assert client.beta.threads.create().id == assistants.threads[0].id


def test_the_last_on_counts_however_its_path_is_written(assistants):
    client = openai.OpenAI(api_key="sk-test")
    assistants.on("GET", "/models/m", lambda request: {"id": "first", "object": "model"})
    assistants.on("GET", "/v1/models/m", lambda request: {"id": "second", "object": "model"})
    assert client.models.retrieve("m").id == "second"
    assistants.on("GET", "/models/m", lambda request: {"id": "third", "object": "model"})
    assert client.models.retrieve("m").id == "third"


def test_on_takes_any_id_where_its_path_has_braces(assistants):
    client = openai.OpenAI(api_key="sk-test")
    assistants.on("GET", "/models/{model}", lambda request: {"id": request.path, "object": "model"})
    assert client.models.retrieve("m").id == "/v1/models/m"
    assert client.models.list().data[0].id != "/v1/models"


def test_on_refuses_what_is_no_function(assistants):
    with pytest.raises(HarnessFailure, match=r"test_fake.py:\d+: the answer has to be a function") as raised:
        assistants.on("get", "/models/m", {"id": "m"})
    assert raised.value.do == """assistants.on("GET", "/models/m", lambda request: {'id': 'm'})"""


@pytest.mark.parametrize(
    ("path", "meant"),
    [("models", "/models"), ("https://api.openai.com/v1/models", "/v1/models"), ("/models?limit=1", "/models")],
)
def test_on_refuses_a_path_that_no_request_has(assistants, path, meant):
    with pytest.raises(HarnessFailure, match=r"test_fake.py:\d+: no request can have this path") as raised:
        assistants.on("get", path, lambda request: {})
    assert raised.value.do == f'assistants.on("GET", "{meant}", …)'


async def a_coroutine(request):
    return {}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (lambda request: {}["missing"], r"the function raised KeyError: 'missing'(?s:.*)traceback stands above"),
        (
            lambda request: object(),
            r"the function returned a value of type object, which is not JSON-serializable: Unable to",
        ),
        (
            lambda request: Response(200, {}, io.BytesIO(b"{}")),
            r"the function returned a Response whose body is of the type BytesIO, not bytes",
        ),
        (
            lambda request: Response(200, {}, {"a": 1}),
            r"the function returned a Response whose body is of the type dict, not bytes\.(?s:.*)Response\(200",
        ),
        (a_coroutine, r"the function is async, and nothing awaits it\.(?s:.*)without async"),
    ],
    ids=["raises", "no JSON", "a file", "no bytes", "async"],
)
def test_an_answer_of_ones_own_that_fails_says_so_at_once(assistants, answer, said):
    asked = []

    def own(request):
        asked.append(request.path)
        return answer(request)

    assistants.on("get", "/models/m", own)
    said = rf'assistants\.on\("GET", "/models/m", …\) at test_fake\.py:\d+: {said}'
    with pytest.raises(HarnessFailure, match=said) as caught:
        openai.OpenAI(api_key="sk-test").models.retrieve("m")
    assert assistants.failures == [caught.value]
    assert asked == ["/v1/models/m"]
    assistants.failures.clear()


def test_an_answer_of_ones_own_that_fails_is_explained_over_a_socket(assistants):
    pytest.importorskip("uvicorn", reason="uvicorn, which serves, is not installed here")
    assistants.on("GET", "/models/m", lambda request: {}["missing"])
    with assistants.serve() as server:
        client = openai.OpenAI(api_key="sk-test", base_url=server.base_url)
        with pytest.raises(openai.BadRequestError, match=r"assistants\.on\(.*raised KeyError: \\*'missing"):
            client.models.retrieve("m")
    assert len(assistants.failures) == 1
    assistants.failures.clear()


def test_models(assistants):
    client = openai.OpenAI(api_key="sk-test")
    assert client.models.retrieve("gpt-4o").owned_by == "system"
    assert "gpt-4o" in [model.id for model in client.models.list()]


def test_clients_of_the_fake_need_no_interception():
    fake = FakeAssistants()
    with fake.client() as client:
        assert client.beta.threads.create().id == fake.threads[0].id
    with fake.azure_client() as client:
        file = client.files.create(file=("a.txt", b"x"), purpose="assistants")
        assert file.id.startswith("assistant-")

    async def create():
        async with fake.async_client() as client:
            return await client.beta.threads.create()

    assert asyncio.run(create()).id == fake.threads[-1].id


def test_snapshots_take_everything_back(talk, assistants):
    @assistants.model
    def model(run):
        output = yield call("f")
        output = yield call("g", previous=output)
        yield say(output)

    run, _ = talk.ask()
    run, _ = talk.poll(talk.submit(run, "first"))
    snapshot = assistants.snapshot()
    endings = []
    for output in ("second", "another"):
        ended, _ = talk.poll(talk.submit(run, output))
        endings.append((ended.completed_at, talk.answers()))
        assistants.restore(snapshot)
        assert talk.look(run).status == "requires_action"
    (first_end, first_said), (second_end, second_said) = endings
    assert first_end == second_end
    assert (first_said, second_said) == (["second"], ["another"])


class Uncopyable:
    """An object of the user's, as tests hand over its methods."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.seen = []

    def answer(self, run):
        self.seen.append(run.message)
        return say("4 °C")

    def fits(self, message):
        self.seen.append(message)
        return True


@pytest.mark.parametrize(
    "script",
    [
        lambda fake, own: fake.model(own.answer),
        lambda fake, own: fake.next_run(own.answer),
        lambda fake, own: fake.when(message="Oslo").run(own.answer),
        lambda fake, own: fake.when(message=own.fits).run(say("4 °C")),
        lambda fake, own: fake.every_run(functools.partial(Uncopyable.answer, own)),
    ],
    ids=["model", "next_run", "when_run", "condition", "partial"],
)
def test_a_snapshot_leaves_what_scripts_call_where_it_is(talk, assistants, script):
    own = Uncopyable()
    script(assistants, own)
    snapshot = assistants.snapshot()
    for _ in range(2):
        assistants.restore(snapshot)
        talk.ask("Oslo?")
        assert talk.answers() == ["4 °C"]
    assert own.seen == ["Oslo?"] * 2


# --- who may do what when ---------------------------------------------------------------------------------


class Spying:
    """In place of the lock of a fake: tells when somebody else wants it."""

    def __init__(self, lock):
        self._lock = lock
        self.wanted = threading.Event()

    def acquire(self):
        if not self._lock.acquire(blocking=False):
            self.wanted.set()
            self._lock.acquire()

    def release(self):
        self._lock.release()

    def __enter__(self):
        self.acquire()

    def __exit__(self, *raised):
        self.release()


@pytest.mark.parametrize(
    "act",
    [
        lambda fake, snapshot: fake.snapshot(),
        lambda fake, snapshot: fake.restore(snapshot),
        lambda fake, snapshot: fake.add_assistant(),
        lambda fake, snapshot: fake.add_thread(),
        lambda fake, snapshot: fake.add_vector_store(),
        lambda fake, snapshot: fake.add_file(content=b"x"),
        lambda fake, snapshot: fake.scenario({"threads": [{}]}),
    ],
    ids=["snapshot", "restore", "add_assistant", "add_thread", "add_vector_store", "add_file", "scenario"],
)
def test_what_changes_or_copies_everything_waits_for_the_request_under_way(assistants, act):
    spy = assistants.turns.lock = Spying(assistants.turns.lock)
    snapshot, order = assistants.snapshot(), []

    def another():
        act(assistants, snapshot)
        order.append("other")
        spy.wanted.set()  # without having waited

    thread = threading.Thread(target=another)

    def meanwhile():
        thread.start()
        assert spy.wanted.wait(60)
        order.append("request")

    assistants.faults.meanwhile(meanwhile)
    openai.OpenAI(api_key="sk-test").beta.threads.create()
    thread.join()
    assert order == ["request", "other"]


def test_scripts_can_be_written_while_a_request_is_under_way(talk, assistants):
    """The test and the model may wait for each other."""
    asked, scripted = threading.Event(), threading.Event()

    @assistants.model
    def model(run):
        asked.set()
        assert scripted.wait(60)
        return "first"

    with ThreadPoolExecutor(1) as pool:
        ended = pool.submit(talk.ask)
        assert asked.wait(60)
        assistants.next_run("second")
        assistants.when(message="third?").run("third")
        assistants.every_run("the rest")
        assistants.model(lambda run: "the rest")
        assert (len(assistants.runs), assistants.transcript()) == (1, f"{talk.thread.id}\n    user: hello")
        scripted.set()
        ended.result()
    talk.ask("second?")
    talk.ask("third?")
    assert talk.answers() == ["third", "second", "first"]


def test_a_failure_within_a_request_within_another_is_remembered_once(talk, assistants):
    assistants.model(lambda run: 1 / 0)
    assistants.faults.meanwhile(talk.start, on="POST /threads")
    with pytest.raises(HarnessFailure, match="ZeroDivisionError"):
        talk.beta.threads.create()
    assert len(assistants.failures) == 1
    assistants.failures.clear()


# --- the end ------------------------------------------------------------------------------------------------


def test_without_pytest_swallowed_failures_and_unused_scripts_come_out_at_the_end():
    swallowed = pytest.raises(HarnessFailure)
    with pytest.raises(HarnessFailure, match="is not served"), fake_assistants() as assistants, swallowed:
        assistants.client().chat.completions.create(model="m", messages=[])
    with pytest.raises(HarnessFailure, match="Scripts were not used"), fake_assistants() as assistants:
        assistants.when(message="x").run(lambda run: "y")
    with fake_assistants(unused="ignore") as assistants:
        assistants.next_run("never")
    with pytest.raises(HarnessFailure, match=r"fake_assistants\(sleep='real'\)"), fake_assistants(sleep="reel"):
        pass
    with pytest.raises(HarnessFailure, match="has no option 'zzz'"), fake_assistants(zzz=1):
        pass


def test_without_pytest_unused_scripts_can_be_a_warning_of_the_users_own_line():
    warns = pytest.warns(UserWarning, match=r"Scripts were not used(?s:.*)next_run")
    with warns as warned, fake_assistants(unused="warn") as assistants:
        assistants.next_run("never")
    assert warned[0].filename == __file__


def asks(assistants, question):
    """A run on a thread in which this was asked."""
    client = assistants.client()
    assistant = client.beta.assistants.create(model="gpt-4o")
    thread = {"messages": [{"role": "user", "content": question}]}
    client.beta.threads.create_and_run(assistant_id=assistant.id, thread=thread)


def test_a_condition_that_no_run_met_is_reported_with_what_the_runs_asked():
    long = "Weather in " + "Oslo" * 20
    with pytest.raises(HarnessFailure) as raised, fake_assistants() as assistants:
        assistants.when(message="Bergen", model=str.isupper).run(say("rain"))
        for question in ("Weather in Oslo?", "Weather in Oslo?", long):
            asks(assistants, question)
    text = str(raised.value)
    assert text.startswith("Scripts were not used: no run met their conditions.\n")
    assert "    when(message='Bergen', model=isupper).run(…) at test_fake.py:" in text
    assert f"        The runs' newest user messages: 'Weather in Oslo?', '{long[:59]}…'\n" in text
    assert "Correct the conditions. Remove them, or allow it" in text


def test_when_without_run_is_reported_with_its_line():
    with pytest.raises(HarnessFailure) as raised, fake_assistants() as assistants:
        assistants.when(message="Oslo" * 20)
        asks(assistants, "Oslo")
    shortened = "when(message='" + "Oslo" * 14 + "Os…) at test_fake.py:"
    assert f"    {shortened}" in str(raised.value)
    assert ", which no .run(…) follows: no acts" in str(raised.value)


def test_when_may_be_given_several_scripts_and_be_gone_back_behind():
    with fake_assistants() as assistants:
        before = assistants.snapshot()
        greeted = assistants.when(message="Hi")
        half = assistants.snapshot()
        greeted.run("first")
        assert len(assistants.world.director.rules) == 1
        greeted.run("second")
        assert len(assistants.world.director.rules) == 2
        assistants.restore(half)
        greeted.run("third")
        asks(assistants, "Hi")
        assert assistants.unused() is None
        assistants.restore(before)
        greeted.run("fourth")
        assert len(assistants.world.director.rules) == 1
        asks(assistants, "Hi")


def test_real_sleep_stays_real():
    before = time.sleep
    with fake_assistants(sleep="real"):
        assert time.sleep is before


def test_the_option_names_who_sleeps_for_real():
    with fake_assistants(clock="timed", real_sleepers=["somebody", __name__]) as assistants:
        before = assistants.clock.now
        time.sleep(1e-6)
        assert assistants.clock.now == before


def test_hosts_that_are_no_ones_are_blocked_on_demand():
    httpx = pytest.importorskip("httpx")
    with pytest.raises(HarnessFailure, match="block_other_hosts is on"), fake_assistants(block_other_hosts=True):
        httpx.get("https://example.test/")


def test_other_libraries_are_stopped_before_the_network(assistants):
    with pytest.raises(HarnessFailure, match="does not talk through httpx"):
        urllib.request.urlopen("https://api.openai.com/v1/models")
    assistants.failures.clear()


def test_so_is_a_client_whose_own_transport_was_wrapped_earlier():
    """As `instrument_client` of OpenTelemetry does it: the wrapper keeps the method of before the fake."""
    client = openai.OpenAI(api_key="sk-test", max_retries=0)
    transport = client._client._transport
    transport.handle_request = transport.handle_request
    with pytest.raises(HarnessFailure, match="transport was wrapped before the fake began"), fake_assistants():
        client.models.list()


def test_the_module_level_client(assistants, monkeypatch):
    monkeypatch.setattr(openai, "api_key", "sk-test")
    assert openai.beta.threads.create().id == assistants.threads[0].id


def test_a_request_that_never_ends_does_not_keep_the_fake_from_closing():
    """A test that fails meanwhile has to be told of."""
    begun, over, ended = threading.Event(), threading.Event(), []
    with fake_assistants() as fake:
        client = fake.client()

        @fake.model
        def stuck(run):
            begun.set()
            ended.append(over.wait(60))
            return say("x")

        assistant = fake.add_assistant(instructions="Hi")
        thread = threading.Thread(target=lambda: client.beta.threads.create_and_run(assistant_id=assistant.id))
        thread.start()
        assert begun.wait(60)
    assert not ended  # and yet the fake is closed
    over.set()
    thread.join()
    assert ended == [True]


def test_a_rule_that_is_written_while_rules_are_asked_hides_none(assistants):
    client, half = assistants.client(), assistants.when(message="other")

    def slow(message):
        half.run(say("other"))
        return False

    assistants.when(message=slow).run(say("never"))
    assistants.when(message="hi").run(say("right"))
    assistants.every_run(say("wrong"))
    assistant = assistants.add_assistant(instructions="Hi")
    run = client.beta.threads.create_and_run(
        assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": "hi"}]}
    )
    while assistants.runs[0].active:
        client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
    assert assistants.threads[0].messages[-1].text == "right"
    assistants.world.director.rules.clear()
