"""Every way a run can end: that none is missing, that each is gone as it says, and what patterns choose."""

from __future__ import annotations

import asyncio
import json
import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest

from harness import HarnessFailure, call, fake_assistants, say
from harness import endings as module
from harness.endings import ANSWER, RECIPES, CallFunctions, ending, endings, matching_endings, ways
from harness.failures import Inapplicable
from harness.fake import FakeAssistants
from harness.options import Options
from harness.service import last_errors
from harness.service.director import PLACEHOLDER
from harness.service.http import Request
from harness.service.lifecycle import NEW, RUN, Row, terminal

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.records import Run

FUNCTION = {
    "type": "function",
    "function": {
        "name": "lookup",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    },
}
CODE = {"type": "code_interpreter"}
TOOLS = [FUNCTION, CODE]
QUESTION = [{"role": "user", "content": "What is the answer?"}]


class Wire:
    """A client that does all that a run asks of it, without any SDK."""

    def __init__(self, fake: FakeAssistants, api: str) -> None:
        self.fake = fake
        self.headers = {"authorization": "Bearer sk-test", "openai-beta": f"assistants={api}"}

    def send(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        url = f"https://api.openai.com/v1{path}"
        content = b"" if body is None else json.dumps(body).encode()
        return self.fake.answer(Request(method, url, {**self.headers, "content-type": "application/json"}, content))

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        return json.loads(self.send(method, path, body).body)

    def run(self, tools: list[Any]) -> str:
        """The path of a new thread's runs; the assistant is the newest."""
        self.assistant = self.ask("POST", "/assistants", {"model": "gpt-4-turbo", "tools": tools})["id"]
        return f"/threads/{self.ask('POST', '/threads', {'messages': QUESTION})['id']}/runs"

    def poll(self, tools: list[Any]) -> None:
        runs = self.run(tools)
        path = f"{runs}/{self.ask('POST', runs, {'assistant_id': self.assistant})['id']}"
        while (run := self.ask("GET", path))["status"] not in terminal(RUN):
            if run["status"] == "requires_action":
                self.send("POST", f"{path}/submit_tool_outputs", {"tool_outputs": outputs(run)})

    def stream(self, tools: list[Any]) -> None:
        runs = self.run(tools)
        body: dict[str, Any] = {"assistant_id": self.assistant}
        path, last = runs, None
        while last is None or last["status"] == "requires_action":
            answer = self.send("POST", path, {**body, "stream": True})
            if answer.status != 200:  # the outputs came too late
                break
            last = self.last(answer.body)
            path, body = f"{runs}/{last['id']}/submit_tool_outputs", {"tool_outputs": outputs(last)}
        while last is not None and self.ask("GET", f"{runs}/{last['id']}")["status"] not in terminal(RUN):
            pass

    @staticmethod
    def last(body: Any) -> Any:
        """The run as the newest event of a stream shows it."""
        told = b"".join(iter(body.read, None)).decode()
        events = re.findall(r"event: (\S+)\ndata: (.+)\n", told)
        return [json.loads(data) for name, data in events if name.startswith("thread.run.") and "step" not in name][-1]


def outputs(run: Any) -> list[dict[str, str]]:
    calls = (run["required_action"] or {"submit_tool_outputs": {"tool_calls": []}})["submit_tool_outputs"]["tool_calls"]
    return [{"tool_call_id": each["id"], "output": "42"} for each in calls]


def poll_with_the_sdk(fake: FakeAssistants) -> None:
    beta = fake.client().beta
    assistant = beta.assistants.create(model="gpt-4-turbo", tools=TOOLS)
    thread = beta.threads.create(messages=QUESTION)
    run = beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    while run.status not in terminal(RUN):
        if run.status == "requires_action":
            with suppress(openai.BadRequestError):  # too late
                beta.threads.runs.submit_tool_outputs(
                    run.id, thread_id=thread.id, tool_outputs=outputs(run.model_dump())
                )
        run = beta.threads.runs.retrieve(run.id, thread_id=thread.id)


def poll_with_the_async_sdk(fake: FakeAssistants) -> None:
    async def main() -> None:
        beta = fake.async_client().beta
        assistant = await beta.assistants.create(model="gpt-4-turbo", tools=TOOLS)
        thread = await beta.threads.create(messages=QUESTION)
        run = await beta.threads.runs.create(thread.id, assistant_id=assistant.id)
        while run.status not in terminal(RUN):
            if run.status == "requires_action":
                with suppress(openai.BadRequestError):  # too late
                    await beta.threads.runs.submit_tool_outputs(
                        run.id, thread_id=thread.id, tool_outputs=outputs(run.model_dump())
                    )
            run = await beta.threads.runs.retrieve(run.id, thread_id=thread.id)

    asyncio.run(main())


CLIENTS: dict[str, Callable[[FakeAssistants], None]] = {
    "polling v2": lambda fake: Wire(fake, "v2").poll(TOOLS),
    "polling v1": lambda fake: Wire(fake, "v1").poll(TOOLS),
    "streaming v2": lambda fake: Wire(fake, "v2").stream(TOOLS),
    "streaming v1": lambda fake: Wire(fake, "v1").stream(TOOLS),
    "SDK": poll_with_the_sdk,
    "async SDK": poll_with_the_async_sdk,
}


def moves(run: Run) -> list[tuple[str, str, str]]:
    return [(moment.by, moment.because, moment.status) for moment in run.timeline]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", [each.name for each in endings()])
def test_a_run_goes_the_way_that_its_ending_says(name, client):
    """CONTRACT §3.1: the rows are its table's."""
    this = ending(name)
    fake = FakeAssistants()
    this.arrange(fake)
    CLIENTS[client](fake)
    [run] = fake.runs
    way = [(row.by, row.because, row.to) for row in this.way]
    made = moves(run)
    assert made[: len(way)] == way
    if this.way[-1].to == "queued":  # again, as often as there are calls, and then on
        again = [*way[-2:], ("clock", "pick_up", "in_progress")]
        calls = sum(isinstance(act, CallFunctions) for act in this.script)
        assert made[len(way) :] == [again[-1], *[*again[:2], again[-1]] * (calls - 1), ("model", "finish", "completed")]
    else:
        assert len(made) == len(way)
    assert run.status == this.status
    [thread] = fake.threads
    newest = list(thread.messages)[-1]
    said = newest.text if run.status == "completed" and newest.role == "assistant" else None
    assert (said or None) == this.answer
    assert fake.unused() is None


def test_every_row_of_the_lifecycle_lies_on_a_way():
    assert {row for each in endings() for row in each.way} == set(RUN)


def test_names_are_unique_stable_and_made_for_k():
    names = [each.name for each in endings()]
    assert len(set(names)) == len(names) >= 22
    assert all(re.fullmatch(r"[a-z_]+(-[a-z_]+)+", name) for name in names)
    assert list(map(str, endings())) == names
    assert [str(each) for each in endings() if each.answer is None and each.status == "completed"] == [
        "completed-empty_text",
        "completed-no_message",
    ]


def test_a_row_more_in_the_table_needs_a_recipe(monkeypatch):
    row = Row("in_progress", "model", "get_bored", "failed")
    monkeypatch.setattr(module, "ways", lambda: ways((*RUN, row)))
    with pytest.raises(AssertionError, match="'in_progress get_bored'"):
        endings.__wrapped__()


def test_a_recipe_without_a_way_is_noticed_too(monkeypatch):
    monkeypatch.setitem(RECIPES, "in_progress vanish", {})
    with pytest.raises(AssertionError, match="'in_progress vanish'"):
        endings.__wrapped__()


def titles(*rows: tuple[str, str, str]) -> list[str]:
    table = [Row(source, "clock", because, to) for source, because, to in rows]
    return [module.title(way) for way in ways(table)]


def test_the_ways_of_small_tables():
    assert titles((NEW, "create", "queued")) == [""]
    assert titles((NEW, "create", "a"), ("a", "x", "b"), ("a", "y", "c")) == ["a x", "a y"]
    assert titles((NEW, "create", "a"), ("a", "x", "b"), ("b", "y", "a"), ("b", "z", "c")) == ["a x, b y", "a x, b z"]
    assert titles((NEW, "create", "a"), (NEW, "create", "b"), ("a", "x", "c"), ("c", "x", "d")) == ["a x, c x", ""]
    assert titles(("a", "x", "b")) == []


def test_a_cancellation_is_overtaken_only_where_the_model_is_at_work():
    rows = ((NEW, "create", "queued"), ("queued", "cancel", "cancelling"))
    ends = (("cancelling", "stop", "cancelled"), ("cancelling", "finish", "completed"))
    assert titles(*rows, *ends) == ["queued cancel, cancelling stop"]
    begun = (("queued", "pick_up", "in_progress"), ("in_progress", "cancel", "cancelling"))
    assert titles(rows[0], *begun, *ends) == [
        "in_progress cancel, cancelling stop",
        "in_progress cancel, cancelling finish",
    ]


@pytest.mark.parametrize(
    ("name", "tools", "missing"),
    [
        ("requires_action-one_call", [], "function.\n\nIts tools: none."),
        ("requires_action-parallel_calls", [CODE], "function.\n\nIts tools: code_interpreter."),
        ("completed-image_first", [FUNCTION], "code_interpreter.\n\nIts tools: function."),
    ],
)
def test_an_ending_needs_the_tools_that_it_uses(name, tools, missing):
    fake = FakeAssistants()
    ending(name).arrange(fake)
    Wire(fake, "v2").poll(tools)
    [noted] = fake.failures
    assert isinstance(noted, Inapplicable)
    assert missing in str(noted)
    assert f'pytest -k "not {name}"' in str(noted)
    assert [message.text for message in fake.threads[0].messages][1:] == [PLACEHOLDER.text]


def test_an_unsatisfiable_schema_makes_an_ending_inapplicable():
    fake = FakeAssistants()
    ending("requires_action-one_call").arrange(fake)
    parameters = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 2, "maximum": 1}}}
    impossible = {"type": "function", "function": {"name": "f", "parameters": {**parameters, "required": ["n"]}}}
    Wire(fake, "v2").poll([impossible])
    [noted] = fake.failures
    assert isinstance(noted, Inapplicable)
    assert "No arguments could be generated" in str(noted)
    assert fake.runs[0].status == "completed"


def test_without_pytest_an_ending_that_no_run_can_have_is_reported_at_the_end():
    with pytest.raises(Inapplicable), fake_assistants() as fake:
        ending("completed-image_first").arrange(fake)
        Wire(fake, "v2").poll([])


def test_calls_are_of_the_assistants_own_functions_and_fit_their_schemas():
    other = {"type": "function", "function": {"name": "other"}}
    made: dict[str, list[str]] = {}
    for name in (each.name for each in endings() if each.name.startswith("requires_action-")):
        fake = FakeAssistants()
        ending(name).arrange(fake)
        Wire(fake, "v2").poll([FUNCTION, other])
        asked = [step.details["tool_calls"] for step in fake.runs[0].steps if step.type == "tool_calls"]
        made[name.partition("-")[2]] = [
            f"{each['function']['name']}({each['function']['arguments']})" for group in asked for each in group
        ]
    assert made == {
        "one_call": ['lookup({"query":"a"})'],
        "parallel_calls": ['lookup({"query":"a"})', "other({})"],
        "twice_in_a_row": ['lookup({"query":"a"})', 'lookup({"query":"a"})'],
        "malformed_arguments": ['lookup({"query": "Os)'],
        "empty_arguments": ["lookup({})"],
        "unknown_function": ['no_such_function({"query":"a"})'],
    }


def test_a_run_that_the_test_scripts_itself_ends_as_that_script_says():
    fake = FakeAssistants(Options(unused="fail"))
    ending("expired-in_progress").arrange(fake)
    fake.next_run(call("lookup", query="Oslo"), say("4 °C"))
    Wire(fake, "v2").poll(TOOLS)
    Wire(fake, "v2").poll(TOOLS)
    assert [run.status for run in fake.runs] == ["completed", "expired"]
    assert fake.unused() is None


@pytest.mark.parametrize(
    ("patterns", "count"),
    [
        (["*"], len(endings())),
        (["expired"], 3),
        ("expired", 3),
        (["expired", "expired-*"], 3),
        (["failed-*-after_message"], len(last_errors.TEXTS)),
        (["failed-server_error", "*-refusal"], 4),
        (["completed-one_message"], 1),
        ([], 0),
    ],
)
def test_patterns(patterns, count):
    found = matching_endings(patterns)
    assert len(found) == count
    assert found == [each for each in endings() if each in found]


def test_another_answer_takes_the_place_of_the_usual_one_and_of_nothing_else():
    for usual in endings():
        other = usual.with_answer("4")
        assert other.answer == ("4" if usual.answer == ANSWER else usual.answer)
        assert repr(other.script) == repr(usual.script).replace(ANSWER, "4")
        assert replace(other, answer=usual.answer, script=usual.script) == usual


@pytest.mark.parametrize(
    ("pattern", "nearest"),
    [
        ("expird", "expired"),
        ("exp", "expired"),
        ("complete-refusal", "completed-refusal"),
        ("failed_server_error", "failed-server_error"),
        ("zzz*", "expired"),
        ("", "expired"),
    ],
)
def test_the_nearest_name_is_suggested(pattern, nearest):
    with pytest.raises(HarnessFailure) as caught:
        matching_endings(["completed", pattern])
    assert f"No run ending is called {pattern!r}." in str(caught.value)
    assert f'@pytest.mark.assistants_endings("{nearest}")' in str(caught.value)
    with pytest.raises(HarnessFailure):
        ending(pattern)
