"""A scenario on a fake: what it scripts happens as if Python had scripted it, and a wrong one changes nothing."""

from __future__ import annotations

import copy
import json
from pathlib import Path

import openai
import pytest
from hypothesis import HealthCheck, given, settings

from harness import FakeAssistants, call, fake_assistants, say, strategies
from harness.failures import HarnessFailure
from harness.options import make_options
from harness.scenarios import data, load, play
from harness.scenarios.faults import VERBS
from harness.scenarios.files import Purpose
from harness.service.faults import Faults
from harness.service.params.upload import PURPOSES

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "scenarios"
SAME = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
TOOL = {"type": "function", "function": {"name": "get_weather"}}


@pytest.fixture
def fake():
    with fake_assistants(unused="ignore") as fake:
        yield fake


def run_to_end(client: openai.OpenAI, assistant_id: str, text: str, thread_id: str | None = None, **options):
    """The status of a run that asks `text`, and the newest message; each tool output is the call's arguments."""
    thread_id = thread_id or client.beta.threads.create().id
    client.beta.threads.messages.create(thread_id, role="user", content=text)
    run = client.beta.threads.runs.create_and_poll(thread_id=thread_id, assistant_id=assistant_id, **options)
    while run.status == "requires_action":
        outputs = [
            {"tool_call_id": made.id, "output": made.function.arguments}
            for made in run.required_action.submit_tool_outputs.tool_calls
        ]
        run = client.beta.threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id, thread_id=thread_id, tool_outputs=outputs
        )
    return run.status, client.beta.threads.messages.list(thread_id).data[0]


def answer_to(fake, text="Hi", **options) -> str:
    assistant = fake.add_assistant()
    return run_to_end(fake.client(), assistant.id, text, **options)[1].content[0].text.value


# --- the files that come with it ----------------------------------------------------------------------------------


def test_weather(fake):
    play(fake, load(FIXTURES / "weather.yaml"), where="test")
    client = fake.client()
    _, first = run_to_end(client, "asst_weather", "Oslo?")
    _, second = run_to_end(client, "asst_weather", "Oslo and Bergen?")
    assert [message.content[0].text.value for message in (first, second)] == [
        "4 °C and rain in Oslo.",
        "Take an umbrella to both.",
    ]
    assert (
        run_to_end(client, "asst_weather", "The WEATHER on Mars?")[1].content[0].refusal == "I only know this planet."
    )
    assert run_to_end(client, "asst_weather", "Hi", metadata={"lane": "slow"})[0] == "failed"
    assert run_to_end(client, "asst_weather", "Hi")[1].content[0].text.value == "Ask me about a city."
    assert fake.unused() is None


def test_quiz(fake):
    """In Korean, on a thread with messages."""
    play(fake, load(FIXTURES / "quiz.yaml"), where="test")
    client = fake.client()
    assert client.beta.assistants.retrieve("asst_quiz").tools[0].function.parameters["required"] == ["제목", "문제"]
    assert client.beta.threads.retrieve("thread_quiz").metadata == {"학년": "중학교 2학년"}
    _, answer = run_to_end(client, "asst_quiz", "첫 문제 주세요.", "thread_quiz")
    assert answer.content[0].text.value.endswith("앙부일구는 해시계예요. 👏")
    before = client.beta.threads.messages.list("thread_quiz", order="asc").data
    assert [(message.role, message.content[0].text.value) for message in before[:2]] == [
        ("user", "안녕하세요. 조선 시대 문제를 풀고 싶어요."),
        ("assistant", "좋아요! 준비되면 말해 주세요."),
    ]
    assert run_to_end(client, "asst_quiz", "답을 알려 주세요", "thread_quiz")[1].content[0].type == "refusal"


def test_library(fake):
    """The files of stores are indexed, as they were there before; code is said to have made files."""
    play(fake, load(FIXTURES / "library.yaml"), where="test")
    client = fake.client()
    assert client.vector_stores.retrieve("vs_library").file_counts.completed == 1
    answer = run_to_end(client, "asst_library", "Sunday?")[1].content[0].text
    assert answer.annotations[0].file_citation.file_id == "file-library"
    _, answer = run_to_end(client, "asst_library", "When is it busy?")
    picture, text = answer.content
    assert client.files.retrieve(picture.image_file.file_id).purpose == "assistants_output"
    assert client.files.content(text.text.annotations[0].file_path.file_id).content == b"mean\n215\n"
    made = {file.filename: file.id for file in client.files.list()}
    assert client.files.content(made["/mnt/data/raw.bin"]).content == b"\0\1\2\3"
    rules = client.files.content(made["/mnt/data/rules.txt"]).content
    assert rules == (FIXTURES / "library.txt").read_bytes()
    assert client.files.content("file-logo").content.startswith(b"GIF89a")
    assert client.files.retrieve("file-visits").filename == "visits.csv"


def test_greeting(fake):
    """JSON, with single items in place of lists."""
    play(fake, load(FIXTURES / "greeting.json"), where="test")
    client = fake.client()
    assert run_to_end(client, "asst_greeting", "Hi")[1].content[0].text.value == "Good morning!"
    assert run_to_end(client, "asst_greeting", "Hi")[0] == "failed"


def test_faults(fake):
    play(fake, load(FIXTURES / "faults.yaml"), where="test")
    client = fake.client(max_retries=3)
    thread, assistant = client.beta.threads.create(), fake.add_assistant()
    client.beta.threads.messages.create(thread.id, role="user", content="Hi")
    with pytest.raises(openai.BadRequestError, match="already has an active run"):
        client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)  # tried again
    [run] = client.beta.threads.runs.list(thread.id)
    while run.status != "completed":
        run = client.beta.threads.runs.retrieve(run.id, thread_id=thread.id)
    shown = [client.beta.threads.messages.list(thread.id).data[0].role for _ in range(2)]
    assert shown == ["user", "assistant"]
    assert str(fake.faults).count("# happened") == 5


# --- which run gets which script ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("next_run", "texts"),
    [
        ("a", ["a", "?"]),
        ({"say": "a"}, ["a", "?"]),
        (["a"], ["a", "?"]),
        ([["a"], ["b"]], ["a", "b", "?"]),
        ([["a"], [{"wait": 1}, "b"]], ["a", "b", "?"]),
    ],
    ids=str,
)
def test_next_run_takes_an_act_or_a_script_or_scripts(fake, next_run, texts):
    play(fake, {"next_run": next_run, "every_run": "?"}, where="test")
    assert [answer_to(fake) for _ in texts] == texts


@pytest.mark.parametrize("next_run", [[], [[]]], ids=str)
def test_a_script_without_acts_completes_without_a_word(fake, next_run):
    """As `assistants.next_run()` does."""
    play(fake, {"next_run": next_run}, where="test")
    assert run_to_end(fake.client(), fake.add_assistant().id, "Hi")[1].role == "user"
    assert fake.unused() is None


@pytest.mark.parametrize(
    ("conditions", "fits"),
    [
        ({"message": "Hi"}, True),
        ({"message": "Ho"}, False),
        ({"message": {"matches": "^H.*!$"}}, True),
        ({"message": {"matches": "^i"}}, False),
        ({"assistant": "Bo", "model": "gpt-4o", "thread": {"matches": "^thread_"}}, True),
        ({"assistant": "B"}, False),
        ({"instructions": "brief"}, True),
        ({"metadata": {"a": "b"}}, True),
        ({"metadata": {"a": "c"}}, False),
        ({}, True),
    ],
    ids=str,
)
def test_when_asks_what_python_asks(fake, conditions, fits):
    assistant = fake.add_assistant(name="Bo", instructions="Be brief.")
    play(fake, {"when": [{**conditions, "run": "fits"}], "every_run": "no"}, where="test")
    _, answer = run_to_end(fake.client(), assistant.id, "Hi there!", metadata={"a": "b", "c": "d"})
    assert answer.content[0].text.value == ("fits" if fits else "no")


def test_what_was_scripted_before_stays(fake):
    fake.next_run(say("first"))
    play(fake, {"next_run": "second"}, where="test")
    play(fake, {"next_run": "third"}, where="test")
    assert [answer_to(fake) for _ in range(3)] == ["first", "second", "third"]


def test_an_unused_script_is_reported_with_its_file_and_line(fake):
    play(fake, load(FIXTURES / "weather.yaml"), where="test")
    [first, *_] = fake.unused().there_was.splitlines()
    assert "weather.yaml:19, next_run[0]: Call(" in first


# --- as if Python had scripted it ---------------------------------------------------------------------------------


def streamed(fake: FakeAssistants) -> list[tuple[str, str, int, bytes]]:
    """All that clients see of a run: each event, then polls, messages and steps; and when."""
    client = fake.client(max_retries=0)
    assistant = fake.add_assistant(tools=[TOOL])
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Oslo?"}])
    events = client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True)
    seen = [("event", event.event, event.data.model_dump_json()) for event in events]
    [run] = client.beta.threads.runs.list(thread.id)
    while run.status == "requires_action":
        wanted = run.required_action.submit_tool_outputs.tool_calls
        run = client.beta.threads.runs.submit_tool_outputs(
            run_id=run.id,
            thread_id=thread.id,
            tool_outputs=[{"tool_call_id": made.id, "output": "4 °C"} for made in wanted],
        )
        while run.status in ("queued", "in_progress", "cancelling"):
            run = client.beta.threads.runs.retrieve(run.id, thread_id=thread.id)
    client.beta.threads.messages.list(thread.id)
    client.beta.threads.runs.steps.list(run.id, thread_id=thread.id)
    bodies = [exchange.response.body for exchange in fake.requests]
    return [*seen, *(body for body in bodies if isinstance(body, bytes)), fake.clock.now]


@settings(SAME, max_examples=60)
@given(strategies.stories())
def test_a_story_as_data_is_the_story(story):
    options = make_options({"unused": "ignore"}, where="test")
    one, other = FakeAssistants(options), FakeAssistants(options)
    one.next_run(*story)
    play(other, json.loads(json.dumps({"next_run": [[data(act) for act in story]]})), where="test")
    assert streamed(one) == streamed(other)


@settings(SAME, max_examples=100)
@given(strategies.fault_plans())
def test_faults_as_data_are_the_faults(plan):
    one, other = FakeAssistants(), FakeAssistants()
    plan.apply(one.faults)
    written = [as_data(made) for made in plan.calls]
    play(other, {"faults": json.loads(json.dumps(written))}, where="test")
    # Python says it by its place, data by its name
    planned = str(one.faults).replace('"thread.run.dreaming", {', '"thread.run.dreaming", data={')
    assert str(other.faults) == planned
    assert [vars_of(fault) for fault in other.faults.planned] == [vars_of(fault) for fault in one.faults.planned]


def as_data(made):
    first, *others = made.arguments or (True,)
    return {made.function: first, **dict(zip(VERBS[made.function].keys[1:], others, strict=False)), **made.keywords}


def vars_of(fault):
    return {name: value for name, value in vars(fault).items() if not callable(value) and name != "call"}


def test_every_fault_that_needs_no_function_can_be_said():
    methods = {name for name in dir(Faults) if hasattr(getattr(Faults, name), "__wrapped__")}
    assert methods - set(VERBS) == {"meanwhile"}
    for name, verb in VERBS.items():
        fake = FakeAssistants()
        play(fake, {"faults": json.loads(verb.example)}, where="test")
        [planned] = fake.faults.planned
        assert planned.call.startswith(f"{name}(")


# --- objects ------------------------------------------------------------------------------------------------------


def test_objects_are_made_as_requests_make_them(fake):
    fake.add_vector_store()
    play(
        fake,
        {
            "files": [{"filename": "a.txt", "content": "Oslo"}, {"id": "file-b", "filename": "b.txt", "content": "b"}],
            "vector_stores": {"name": "Notes", "file_ids": ["file-b"], "metadata": {"a": "b"}},
            "assistants": {"name": "Bo", "tools": [{"type": "file_search"}], "temperature": 0.5},
            "threads": {
                "messages": [
                    {"role": "user", "content": "one", "attachments": [{"file_id": "file-b", "tools": []}]},
                    {"id": "msg_two", "role": "assistant", "content": [{"type": "text", "text": "two"}]},
                ],
                "tool_resources": {"file_search": {"vector_stores": [{"file_ids": ["file-b"]}]}},
            },
        },
        where="test",
    )
    client = fake.client()
    stores = client.vector_stores.list().data
    assert [store.name for store in stores] == [None, "Notes", None]
    assert [store.status for store in stores] == ["completed"] * 3
    [assistant] = client.beta.assistants.list()
    assert (assistant.model, assistant.temperature) == ("gpt-4o", 0.5)
    [thread] = fake.threads
    second, first = client.beta.threads.messages.list(thread.id)
    assert (second.id, second.content[0].text.value) == ("msg_two", "two")
    assert first.id.startswith("msg_")
    assert first.attachments[0].file_id == "file-b"


def test_ids_that_are_not_said_are_those_of_the_fake(fake):
    """A scenario takes from the same streams as requests do."""
    play(fake, {"assistants": [{}, {"id": "asst_mine"}, {}], "threads": [{}]}, where="test")
    other = FakeAssistants(fake.options)
    made = [other.client().beta.assistants.create(model="gpt-4o").id for _ in range(2)]
    assert [assistant.id for assistant in fake.world.store.assistants] == [made[0], "asst_mine", made[1]]
    assert not fake.world.store.ids.planned


def test_what_a_recording_has_planned_is_not_taken(fake):
    fake.world.store.ids.plan("asst_recorded")
    play(fake, {"assistants": {}}, where="test")
    assert fake.client().beta.assistants.create(model="gpt-4o").id == "asst_recorded"
    assert len(fake.world.store.assistants) == 2


def test_objects_of_v1(fake):
    """What only v1 knows: retrieval, and files of assistants and messages (CONTRACT §1.7)."""
    play(
        fake,
        {
            "files": {"id": "file-a", "filename": "a.txt", "content": "Oslo is cold."},
            "assistants": {"id": "asst_a", "tools": [{"type": "retrieval"}], "file_ids": ["file-a"]},
            "threads": {"messages": [{"role": "user", "content": "Hi", "file_ids": ["file-a"]}]},
        },
        where="test",
    )
    client = fake.client(default_headers={"OpenAI-Beta": "assistants=v1"})
    shown = client.get("/assistants/asst_a", cast_to=object)
    assert (shown["tools"], shown["file_ids"]) == ([{"type": "retrieval"}], ["file-a"])
    assert shown["model"] == "gpt-4-turbo"  # v1 did not take gpt-4o (CONTRACT §7.1, l. 460)


def test_purposes_are_those_of_uploads_and_of_outputs():
    assert set(Purpose.__args__) == {*PURPOSES, "assistants_output"}


# --- what is wrong ------------------------------------------------------------------------------------------------

STORE = {"file_search": {"vector_store_ids": ["vs_none"]}}
WRONG = [
    ({"asistants": []}, "asistants: a scenario has no section 'asistants', but 'assistants'.", '"assistants": []'),
    ({1: []}, "[\"1\"]: a scenario has no section '1'.", 'next_run: [{"say": "4 °C and rain"}]'),
    ({"next_run": [["a", {"call": 3}]]}, "next_run[0][1].call: 3 should be a text.", '{"call": '),
    ({"next_run": None}, "next_run: null is no act.", '- {"say": '),
    ({"next_run": [["a"], "b"]}, 'next_run[1]: "b" is not a list of acts, but others beside it are.', "- [{"),
    ({"next_run": [{"hang": True}, "b"]}, "next_run: Say(text='b', beats_cancel=False) can never", '- {"hang": true}'),
    ({"every_run": [["a"]]}, 'every_run[0]: ["a"] is no act.', '- {"say": '),
    ({"when": "weather"}, 'when: "weather" is no rule.', '- {"message": "weather"'),
    ({"when": [{"mesage": "a", "run": "b"}]}, "when[0].mesage: rule knows no 'mesage', but", '"message": "a"'),
    ({"when": {"message": "a"}}, 'when: {"message": "a"} should be an object with \'run\'.', '- {"message": '),
    ({"when": {"message": 3, "run": "b"}}, "when.message: 3 should be a text or an object.", '- {"message": '),
    ({"when": {"message": {"matches": "("}, "run": "b"}}, "when.message.matches: '(' is not a regular", '{"matches": '),
    ({"when": {"metadata": {"a": 1}, "run": "b"}}, "when.metadata.a: 1 should be a text.", '- {"message": '),
    ({"when": {"run": {"wait": -1}}}, "when.run: wait(-1): time only moves forward.", '{"wait": 30}'),
    ({"faults": 500}, "faults: 500 is no fault.", '- {"status": 500'),
    ({"faults": [{}]}, "faults[0]: it is empty, and no fault.", '- {"status": 500'),
    ({"faults": {"stats": 500}}, "faults.stats: there is no fault 'stats', but 'status'.", '"status": 500'),
    ({"faults": {"status": 500, "nht": 2}}, "faults.nht: status knows no 'nht', but 'nth'.", '"nth": 2'),
    ({"faults": {"status": 418}}, "faults: faults.status(418): the service is not known", '{"status": 500'),
    ({"faults": {"status": 500, "on": "POST /thread"}}, "faults: faults: on='POST /thread' is no route", '{"status"'),
    ({"faults": {"cut": True}}, "faults: {\"cut\": true} should be an object with 'after'.", '{"cut": true'),
    ({"faults": {"meanwhile": True}}, "faults.meanwhile: there is no fault 'meanwhile'.", '- {"status": 500'),
    ({"faults": {"drop": True, "crlf": True}}, "faults: it is drop and crlf at once.", '- {"drop": true}'),
    ({"assistants": ["asst_a"]}, 'assistants[0]: "asst_a" is no object.', '- {"id": "asst_abc"'),
    ({"assistants": {"modle": "m"}}, "assistants.modle: assistants know no 'modle', but 'model'.", '"model": "m"'),
    ({"assistants": {"id": "a"}}, 'assistants.id: "a" cannot be its id.', '"id": "asst_abc"'),
    ({"assistants": {"id": 3}}, "assistants.id: 3 cannot be its id.", '"id": "asst_abc"'),
    ({"assistants": {"name": 3}}, "assistants.name: the service would refuse this: Invalid type for 'name'", "- {"),
    (
        {"assistants": {"tools": [{**TOOL, "functoin": 1}]}},
        "assistants.tools[0].functoin: the service would refuse this: Unknown parameter",
        '"function": …',
    ),
    ({"assistants": {"tool_resources": STORE}}, "assistants: the service would refuse this: Vector store", "- {"),
    ({"assistants": [{"id": "asst_a"}] * 2}, "assistants[1].id: 'asst_a' exists already.", "id: …"),
    ({"threads": {"messages": "Hi"}}, "threads.messages: the service would refuse this: Invalid type", "- {"),
    ({"threads": {"messages": ["Hi"]}}, "threads.messages[0]: the service would refuse this: Invalid type", "- {"),
    ({"threads": {"messages": [{"role": "usr", "content": "a"}]}}, "threads.messages[0].role: the service", "- {"),
    ({"threads": {"messages": [{"id": "a"}]}}, 'threads.messages[0].id: "a" cannot be its id.', '"id": "msg_abc"'),
    (
        {"threads": {"messages": [{"id": "msg_a", "role": "user", "content": "a"}] * 2}},
        "threads.messages[1].id: 'msg_a' exists already.",
        "id: …",
    ),
    ({"vector_stores": {"file_ids": ["file-none"]}}, "vector_stores: the service would refuse this: ", "- {"),
    ({"vector_stores": {"id": "vs_"}}, 'vector_stores.id: "vs_" cannot be its id.', '"id": "vs_abc"'),
    ({"files": [3]}, "files[0]: 3 is no file.", '- {"id": "file-abc"'),
    ({"files": {"filename": "a"}}, "files: a file is a path, or a filename with content.", '- {"id": "file-abc"'),
    ({"files": {"content": "a"}}, "files: a file is a path, or a filename with content.", '- {"id": "file-abc"'),
    ({"files": {"path": "a", "content": "a"}}, "files: a file is a path, or a filename", '- {"id": "file-abc"'),
    ({"files": {"name": "a"}}, "files.name: file knows no 'name', but 'filename'.", '"filename": "a"'),
    ({"files": {"path": "a", "purpose": "asistants"}}, 'files.purpose: "asistants" should be', '- {"id": "file-abc"'),
    ({"files": {"id": "a/b", "filename": "a", "content": ""}}, 'files.id: "a/b" cannot be its id.', '"id": "file-abc"'),
    ({"files": ["a.txt"]}, "files[0].path: 'a.txt' is a path, and only scenario files", '{"base64"'),
    (
        {"files": [{"id": "file-a", "filename": "a", "content": ""}] * 2},
        "files[1].id: 'file-a' exists already",
        "id: …",
    ),
]


@pytest.mark.parametrize(("scenario", "says", "do"), WRONG, ids=[says[:60] for _, says, _ in WRONG])
def test_a_mistake_is_reported_with_its_path_and_nothing_is_applied(fake, scenario, says, do):
    fine = {
        "next_run": "fine",
        "when": [{"run": "fine"}],
        "every_run": "fine",
        "faults": [{"crlf": True}],
        "files": [{"filename": "fine", "content": ""}],
        "assistants": [{}],
        "threads": [{}],
        "vector_stores": [{}],
    }
    before = state(fake)
    with pytest.raises(HarnessFailure) as failed:
        play(fake, {**fine, **scenario}, where="test")
    assert failed.value.happened.startswith(f"test, {says}")
    assert failed.value.do.startswith(do)
    assert state(fake) == before


def state(fake: FakeAssistants) -> tuple[object, ...]:
    world = fake.world
    store = world.store
    tables = [
        [row.id for row in table] for table in (store.files, store.assistants, store.threads, store.vector_stores)
    ]
    director = world.director
    return (
        *tables,
        len(director.queue),
        len(director.rules),
        director.default,
        str(world.faults),
        copy.deepcopy(store.ids).make("asst_"),  # ids go on as if nothing had been tried
    )


def test_an_object_that_exists_already_is_not_made_again(fake):
    play(fake, {"assistants": {"id": "asst_a"}}, where="test")
    with pytest.raises(HarnessFailure, match="'asst_a' exists already"):
        play(fake, {"assistants": {"id": "asst_a"}, "next_run": "never"}, where="test")
    assert not fake.world.director.queue


def test_what_is_played_is_a_copy():
    """A server plays the same scenario for each of its worlds."""
    scenario = {"assistants": {"tools": [TOOL], "metadata": {"a": "b"}}, "next_run": {"search": None, "results": [{}]}}
    text = json.dumps(scenario)
    fake = FakeAssistants()
    play(fake, scenario, where="test")
    [assistant] = fake.world.store.assistants
    assistant.tools[0]["function"]["name"] = assistant.metadata["a"] = "changed"
    fake.world.director.queue[0].source[0].results[0]["score"] = 1
    assert json.dumps(scenario) == text


def test_code_is_executed_only_where_that_is_allowed(fake):
    scenario = {"next_run": {"run_code": "print(6 * 7)", "execute": True}}
    with pytest.raises(HarnessFailure, match=r"test, next_run\.execute: code from this source is not executed"):
        play(fake, scenario, where="test", execute=False)
    play(fake, scenario, where="test")
    client = fake.client()
    assert run_to_end(client, fake.add_assistant().id, "6 * 7?")[0] == "completed"
    [thread] = fake.threads
    [run] = thread.runs
    [step] = client.beta.threads.runs.steps.list(run.id, thread_id=thread.id)
    assert step.step_details.tool_calls[0].code_interpreter.outputs[0].logs == "42\n"


def test_a_folder_may_be_given_to_a_scenario_without_a_file(fake):
    play(fake, {"files": ["library.txt"]}, where="test", folder=FIXTURES)
    [file] = fake.client().files.list()
    assert file.filename == "library.txt"


def test_nothing_is_nested_without_end(fake):
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(HarnessFailure, match="test: it is nested too deeply"):
        play(fake, {"next_run": deep}, where="test")
    while deep:
        deep = deep.pop()


def test_calls_of_a_scenario_are_waited_for(fake):
    """In the middle of a script, as in Python."""
    play(fake, {"next_run": [{"call": "get_weather", "arguments": {"city": "Oslo"}}, "4 °C"]}, where="test")
    fake.next_run(call("get_weather", city="Oslo"), say("4 °C"))
    assistant = fake.add_assistant(tools=[TOOL])
    one, other = (run_to_end(fake.client(), assistant.id, "Oslo?") for _ in range(2))
    assert one[0] == other[0] == "completed"
