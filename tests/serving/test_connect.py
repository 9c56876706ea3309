"""`harness.connect(url)`: the fake of a server in the vocabulary of one in this process, over a socket."""

from __future__ import annotations

import asyncio
import inspect
import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import openai
import pytest

from harness import (
    FakeAssistants,
    HarnessFailure,
    Response,
    call,
    calls,
    cancel,
    fail,
    hang,
    refuse,
    run_code,
    say,
    search,
    truncate,
    wait,
)
from harness.options import Options
from harness.service.faults import Faults
from harness.serving import KEY, serve, serve_one
from harness.serving.remote import RemoteAssistants, connect
from harness.serving.remote.proxies import FAULT_METHODS
from harness.serving.worlds import Worlds
from harness.transports.httpx_family import sdk_http_library
from harness.transports.server import serving

pytest.importorskip("uvicorn")

HI = {"role": "user", "content": "Hi?"}
SOON = {"poll_interval_ms": 1}


@pytest.fixture(scope="module")
def server():
    with serve(Options(seed="connect")) as server:
        yield server


@pytest.fixture(params=["in process", "at a server"])
def assistants(request, server):
    """The same fake twice: in this process, and at a server."""
    if request.param == "in process":
        fake = FakeAssistants(Options(seed=f"connect {server.worlds.name_of(KEY)}"))
        yield fake
        fake.close()
    else:
        with connect(server.url) as remote:
            remote.reset()
            yield remote


@pytest.fixture
def remote(server):
    with connect(server.url) as remote:
        remote.reset()
        yield remote


def talk(assistants, text="Hi?", **options):
    """A run until it waits or ends."""
    client = assistants.client(**options)
    assistant = client.beta.assistants.create(model="gpt-4o", name="Weather")
    thread = {"messages": [{"role": "user", "content": text}]}
    return client.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=thread, **SOON)


def answer_of(assistants, run):
    return assistants.client().beta.threads.messages.list(run.thread_id).data[0].content[0].text.value


# --- the same in both ------------------------------------------------------------------------------------------


def test_runs_are_scripted_and_told(assistants):
    assistants.next_run(call("get_weather", city="Oslo"), say("4 °C and rain"))
    run = talk(assistants)
    [asked] = run.required_action.submit_tool_outputs.tool_calls
    assert json.loads(asked.function.arguments) == {"city": "Oslo"}
    outputs = [{"tool_call_id": asked.id, "output": "4"}]
    runs = assistants.client().beta.threads.runs
    runs.submit_tool_outputs_and_poll(thread_id=run.thread_id, run_id=run.id, tool_outputs=outputs, **SOON)
    [told] = assistants.runs
    assert (told.id, told.status, told.assistant_id) == (run.id, "completed", run.assistant_id)
    assert [(moment.status, moment.by, moment.because) for moment in told.timeline] == [
        ("queued", "client", "create"),
        ("in_progress", "clock", "pick_up"),
        ("requires_action", "model", "call"),
        ("queued", "client", "submit_tool_outputs"),
        ("in_progress", "clock", "pick_up"),
        ("completed", "model", "finish"),
    ]
    assert [step.type for step in told.steps] == ["tool_calls", "message_creation"]
    [thread] = assistants.threads
    assert [message.text for message in thread.messages] == ["Hi?", "4 °C and rain"]
    assert [held.id for held in thread.runs] == [run.id]
    assert assistants.transcript(thread) == assistants.transcript(thread.id) == assistants.transcript()
    with pytest.raises(HarnessFailure, match=r"'thread_other'.: there is no such thread"):
        assistants.transcript("thread_other")
    assert assistants.unused() is None


def test_requests_are_logged_alike(assistants):
    thread = assistants.client().beta.threads.create(messages=[HI])
    with pytest.raises(openai.NotFoundError):
        assistants.client().beta.threads.retrieve("thread_other")
    first, second = assistants.requests
    assert (first.method, first.path, first.status, first.outcome) == ("POST", "/v1/threads", 200, "200")
    assert (first.json, first.answer["id"]) == ({"messages": [HI]}, thread.id)
    assert (second.json, second.status) == (None, 404)
    assert first.at == assistants.clock.now


def test_rules_choose_runs(assistants):
    assistants.when(message=re.compile("WEATHER", re.IGNORECASE)).run(say("rain"))
    assistants.when(message="time").run("noon")
    assistants.when(assistant=re.compile("^Other$")).run(say("never"))
    assistants.every_run(say("hello"))
    texts = ["Weather?", "What time is it?", "Hi?"]
    assert [answer_of(assistants, talk(assistants, text)) for text in texts] == ["rain", "noon", "hello"]
    assert "Scripts were not used" in assistants.unused().happened


ACTS = [
    say("4 °C"),
    say(pieces=["4 °", "C"]),
    say("Cold 【1】.", citations={"【1】": "file-abc"}, beats_cancel=True),
    refuse("No."),
    call("get_weather", city="오슬로", arguments_json=None),
    call("get_weather", arguments_json='{"city":', call_id="call_1"),
    calls(call("a"), call("b", x=1)),
    run_code("print(42)", logs="42", images=["plot.png", b"\x89PNG"], files={"a.csv": b"\xff"}),
    search("hours"),
    search(results=[]),
    wait(2.5),
    fail("rate_limit_exceeded"),
    truncate(),
    hang(),
    cancel(takes=3, then="failed"),
]


@pytest.mark.parametrize("act", ACTS, ids=lambda act: type(act).__name__)
def test_every_act_arrives_as_it_was_sent(server, remote, act):
    remote.next_run(act)
    [script] = server.worlds.for_key(KEY).world.director.queue
    assert script.source == (act,)


def test_a_run_without_acts_completes_without_a_word(assistants):
    assistants.next_run()
    assert talk(assistants).status == "completed"
    assert [message.role for message in assistants.threads[0].messages] == ["user"]


def test_time_is_moved(assistants):
    before = assistants.clock.now
    assistants.clock.policy = "manual"
    assistants.clock.advance(30)
    assert (assistants.clock.now, assistants.clock.policy) == (before + 30, "manual")


def test_objects_are_there_already(assistants, tmp_path):
    path = tmp_path / "hours.txt"
    path.write_bytes(b"9 to 5 \xff")
    assistant = assistants.add_assistant("asst_weather", model="gpt-4o", name="Weather", instructions="Be brief.")
    said = [{"role": "user", "content": "Hi"}]
    thread = assistants.add_thread(messages=said, metadata={"user": "7"})
    files = [assistants.add_file(path), assistants.add_file(content=b"x", filename="x.txt", id="file-x")]
    store = assistants.add_vector_store("vs_1", name="Hours", file_ids=["file-x"])
    client = assistants.client()
    assert client.beta.assistants.retrieve(assistant.id).name == "Weather"
    assert client.beta.threads.retrieve(thread.id).metadata == {"user": "7"}
    assert (assistant.id, store.id, files[1].id) == ("asst_weather", "vs_1", "file-x")
    assert [message.content[0].text.value for message in client.beta.threads.messages.list(thread.id)] == ["Hi"]
    found = client.vector_stores.retrieve("vs_1")
    assert (found.id, found.name, found.file_counts.completed) == ("vs_1", "Hours", 1)
    assert [client.files.retrieve(file.id).filename for file in files] == ["hours.txt", "x.txt"]
    # what was uploaded for assistants cannot be downloaded, so its length has to do
    assert [client.files.retrieve(file.id).bytes for file in files] == [8, 1]


def test_a_file_needs_something_to_add(assistants):
    with pytest.raises(HarnessFailure, match=re.escape("add_file(…) needs something to add.")):
        assistants.add_file()


def test_faults_are_planned_and_printed(assistants):
    assert str(assistants.faults) == "# no faults are planned"
    assistants.faults.status(429, on="GET /files", retry_after=1)
    assistants.faults.cut(after="thread.message.delta")
    client = assistants.client(max_retries=0)
    with pytest.raises(openai.RateLimitError):
        client.files.list()
    assert repr(assistants.faults).splitlines() == [
        'assistants.faults.status(429, on="GET /files", retry_after=1)   # happened',
        'assistants.faults.cut(after="thread.message.delta")',
    ]
    assert "Faults did not happen" in assistants.unused().happened


FAULTS = {
    "status": ((500,), {"on": "GET /files", "times": 2}),
    "rate_limit": ((20,), {}),
    "connect_error": ((), {"nth": 2}),
    "read_timeout": ((), {}),
    "lost_answer": ((), {"by": "timeout"}),
    "drop": ((), {}),
    "malformed": ((), {}),
    "slow": ((), {"seconds": 2.5}),
    "lag": ((2,), {}),
    "cut": ((), {"after": "done"}),
    "stall": ((), {"after": "done"}),
    "malform": ((), {"event": "done"}),
    "error": ((), {"after": "done", "flat": True}),
    "event": (("new", {"a": 1}), {"after": "done"}),
    "comment": ((), {"before": "done"}),
    "crlf": ((), {}),
    "chunks": ((7,), {}),
}


def values_of(plan):
    """The fields of a planned fault, without functions, and without its call, which may name the first argument."""
    return {name: value for name, value in vars(plan).items() if name != "call" and not callable(value)}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_can_be_planned(server, remote, name):
    args, kwargs = FAULTS[name]
    getattr(remote.faults, name)(*args, **kwargs)
    here = Faults()
    getattr(here, name)(*args, **kwargs)
    [there] = server.worlds.for_key(KEY).faults.planned
    assert values_of(there) == values_of(here.planned[0])
    assert there.call.startswith(f"{name}(")


def test_no_fault_is_forgotten():
    assert FAULTS.keys() | {"meanwhile"} == FAULT_METHODS


def test_a_wrong_fault_is_reported_where_it_is_written(assistants):
    with pytest.raises(HarnessFailure, match="nth counts from 1"):
        assistants.faults.status(500, nth=0)
    with pytest.raises(AttributeError, match="statsu"):
        assistants.faults.statsu(500)
    assert str(assistants.faults) == "# no faults are planned"


def test_somebody_else_cancels(assistants):
    assistants.next_run(call("get_weather"))
    talk(assistants)
    assistants.cancel_runs()
    assert assistants.runs[0].status == "cancelling"


def test_going_back(assistants):
    assistants.add_thread("thread_kept")
    kept = assistants.snapshot()
    assistants.add_thread("thread_more")
    assistants.restore(kept)
    assert [thread.id for thread in assistants.threads] == ["thread_kept"]


def test_a_scenario_file_brings_its_files_along(assistants, tmp_path):
    (tmp_path / "hours.txt").write_bytes(b"9 to 5 \xff")
    (tmp_path / "plot.png").write_bytes(b"\x89PNG")
    path = tmp_path / "weather.json"
    cell = {"run_code": "plot()", "images": [{"path": "plot.png"}, "file-1"], "files": {"a.csv": {"path": "hours.txt"}}}
    given = {"run_code": "", "files": {"a": {"path": "no such file"}}}  # looks like a cell, and is an argument
    scenario = {
        "files": ["hours.txt", {"id": "file-1", "path": "hours.txt", "filename": "other.txt"}],
        "next_run": [[cell, {"call": "open", "arguments": given}]],
        "every_run": {"say": "Hello."},
    }
    path.write_text(json.dumps(scenario), encoding="utf-8")
    assistants.scenario(path)
    files = {file.filename: file for file in assistants.client().files.list().data}
    assert files.keys() == {"hours.txt", "other.txt"}
    assert {file.bytes for file in files.values()} == {8}
    run = talk(assistants)
    [asked] = run.required_action.submit_tool_outputs.tool_calls
    assert json.loads(asked.function.arguments) == given
    made = assistants.client().files.list().data
    assert {file.filename: file.bytes for file in made if file.purpose == "assistants_output"} == {
        "/mnt/data/a.csv": 8,
        "/mnt/data/plot.png": 4,
    }


@pytest.mark.parametrize(
    "scenario",
    [
        {"files": "../secret.txt"},
        {"files": [{"path": "../secret.txt"}]},
        {"next_run": [{"run_code": "", "images": [{"path": "../secret.txt"}]}]},
        {"when": [{"message": "", "run": {"run_code": "", "files": {"a": {"path": "../secret.txt"}}}}]},
    ],
    ids=["a text", "a file", "an image", "what a cell wrote"],
)
def test_a_scenario_file_takes_nothing_along_from_elsewhere(assistants, scenario, tmp_path):
    tmp_path.joinpath("secret.txt").write_text("secret", encoding="utf-8")
    path = tmp_path / "in" / "weather.json"
    path.parent.mkdir()
    path.write_text(json.dumps(scenario), encoding="utf-8")
    with pytest.raises(HarnessFailure, match="is outside the scenario's own folder"):
        assistants.scenario(path)


@pytest.mark.parametrize(
    "scenario",
    [
        {"files": 7},
        {"files": [{"path": 7}]},
        {"next_run": [{"run_code": "", "files": 7}]},
        {"next_run": [{"run_code": "", "images": [{"path": 7}]}]},
    ],
    ids=["no list", "no path", "no files", "no image"],
)
def test_a_scenario_file_that_is_wrong_is_refused(assistants, scenario, tmp_path):
    path = tmp_path / "weather.json"
    path.write_text(json.dumps(scenario), encoding="utf-8")
    with pytest.raises(HarnessFailure, match=re.escape("weather.json")):
        assistants.scenario(path)


def test_a_mapping_is_a_scenario_too(assistants):
    assistants.scenario({"every_run": {"say": "Hello."}})
    assert answer_of(assistants, talk(assistants)) == "Hello."


def test_what_is_wrong_with_a_script_names_the_line_of_the_test(assistants):
    with pytest.raises(HarnessFailure, match=r"next_run\(…\) at test_connect\.py:\d+: .* can never happen"):
        assistants.next_run(fail(), say("too late"))
    assistants.next_run(say("4 °C"))
    assert re.search(r"test_connect\.py:\d+", assistants.unused().there_was)


def test_a_condition_that_does_not_exist_is_refused(assistants):
    with pytest.raises(HarnessFailure, match=r"test_connect\.py:\d+: when\(…\) has no condition 'mesage'"):
        assistants.when(mesage="Hi")


def test_what_the_code_under_test_swallowed_is_remembered(assistants):
    with pytest.raises((HarnessFailure, openai.BadRequestError), match="is not served"):
        assistants.client().chat.completions.create(model="gpt-4o", messages=[HI])
    [failure] = assistants.failures
    assert failure.happened.startswith("POST /chat/completions is not served")
    assert failure.do.startswith("assistants.on(")


def test_all_kinds_of_clients_talk_to_it(assistants):
    assistants.every_run(say("Hello."))
    assert talk(assistants, max_retries=0).status == "completed"
    azure = assistants.azure_client()
    assert azure.beta.threads.create().id == assistants.threads[-1].id

    async def stream():
        async with assistants.async_client() as client:
            assistant = await client.beta.assistants.create(model="gpt-4o")
            thread = await client.beta.threads.create(messages=[HI])
            async with client.beta.threads.runs.stream(thread_id=thread.id, assistant_id=assistant.id) as stream:
                return [text async for text in stream.text_deltas]

    assert "".join(asyncio.run(stream())) == "Hello."


# What a test does not call, or what belongs to this process alone.
NOT_OVER_THERE = {
    "answer",
    "refuse_connection",
    "slept",
    "pause",
    "sleep_log",
    "world",
    "serve",
    "turns",
    "hosts",
    "options",
    "service",
}


def test_it_has_the_members_of_a_fake_in_this_process(remote):
    members = {name for name in dir(FakeAssistants()) if not name.startswith("_")} - NOT_OVER_THERE
    assert members <= set(dir(remote))


@pytest.mark.parametrize("name", [name for name in dir(FakeAssistants) if name.startswith("add_") or name == "when"])
def test_members_take_the_same(name):
    here, there = (inspect.signature(getattr(kind, name)).parameters for kind in (FakeAssistants, RemoteAssistants))
    assert {each.name: (each.kind, each.default) for each in here.values()} == {
        each.name: (each.kind, each.default) for each in there.values()
    }


# --- what is different over there ------------------------------------------------------------------------------


def test_ids_are_the_same_over_there(server):
    with connect(server.url) as remote:
        remote.reset()
        fake = FakeAssistants(Options(seed=f"connect {server.worlds.name_of(KEY)}"))
        assert remote.add_thread().id == fake.add_thread().id


def test_each_key_is_a_world_of_its_own(server):
    with connect(server.url, api_key="sk-one") as one, connect(f"{server.url}/v1/", api_key="sk-two") as two:
        one.add_thread("thread_one")
        assert [thread.id for thread in one.threads] == ["thread_one"]
        assert two.threads == []
        assert two.client().api_key == "sk-two"


def test_its_clients_end_with_it_unless_the_connections_are_the_users_own(server):
    with sdk_http_library().Client() as own:
        with connect(server.url) as remote:
            clients = [remote.client(), remote.azure_client(), remote.client(http_client=own)]
            assert not any(client.is_closed() for client in clients)
        assert [client.is_closed() for client in clients] == [True, True, False]


def test_a_fake_of_this_process_can_be_reached(tmp_path):
    fake = FakeAssistants()
    with serve_one(fake) as server, connect(server.url, api_key="sk-any") as remote:
        remote.next_run(say("Hello."))
        assert answer_of(remote, talk(remote)) == "Hello."
        assert [asdict(moment) for moment in remote.runs[0].timeline] == [
            moment._asdict() for moment in fake.runs[0].timeline
        ]


def test_a_reset_takes_options(remote):
    remote.add_thread()
    remote.reset(as_of="2024-05-01", clock="manual")
    assert (remote.threads, remote.clock.policy) == ([], "manual")
    with pytest.raises(HarnessFailure, match="has no field 'clok'"):
        remote.reset(clok="manual")


STAY = {
    "a model": lambda remote: remote.model(lambda run: say("Hi.")),
    "a function as script": lambda remote: remote.next_run(lambda run: say("Hi.")),
    "a function as rule": lambda remote: remote.when(message=str.isupper),
    "a function as scripted rule": lambda remote: remote.when(message="a").run(lambda run: say("Hi.")),
    "a function as fault": lambda remote: remote.faults.meanwhile(print),
    "an endpoint": lambda remote: remote.on("GET", "/files", lambda request: {}),
    "a replay": lambda remote: remote.replay("session.yaml", mode="exact"),
    "a recording": lambda remote: remote.record("session.yaml"),
}


@pytest.mark.parametrize("what", STAY)
def test_what_cannot_be_sent_says_what_to_do(remote, what):
    with pytest.raises(HarnessFailure, match="stays in this process: the server cannot call it") as raised:
        STAY[what](remote)
    assert raised.value.do
    assert remote.requests == []


def test_a_refusal_of_the_server_has_its_words(remote):
    with pytest.raises(HarnessFailure, match="There is no snapshot 'x/y'"):
        remote.restore("x/y")
    with pytest.raises(HarnessFailure, match="greater than or equal to 0"):
        remote.clock.advance(-1)


def test_cells_are_executed_only_where_the_server_allows_it(remote):
    with pytest.raises(HarnessFailure, match="execute"):
        remote.next_run(run_code("1 + 1", execute=True))


def test_a_token_is_asked_for():
    with serve(token="secret") as server:
        with pytest.raises(HarnessFailure, match="requires its token"):
            connect(server.url)
        with connect(server.url, token="secret") as remote:
            assert remote.threads == []


@pytest.mark.parametrize("url", ["localhost:8000", "", "ftp://localhost", "http://"])
def test_what_is_no_address_is_refused(url):
    with pytest.raises(HarnessFailure, match="is not the URL of a server"):
        connect(url)


def test_where_nobody_answers_a_server_is_to_be_started():
    with serving(Worlds().answer) as url:
        pass
    with pytest.raises(HarnessFailure, match=f"There is no server of pytest-assistants at {re.escape(url)}") as raised:
        connect(url)
    assert raised.value.do == "harness serve"


STRANGERS = {
    "a page": Response(200, {"content-type": "text/html"}, b"<html>"),
    "other JSON": Response(200, {}, b'{"object": "list"}'),
    "not found": Response(404, {}, b"not found"),
    "an error of another API": Response(404, {}, b'{"error": {"message": "Unknown", "type": "invalid_request_error"}}'),
    "a text for an error": Response(500, {}, b'{"error": "no"}'),
}


@pytest.mark.parametrize("who", STRANGERS)
def test_who_else_answers_is_not_taken_for_the_server(who):
    with (
        serving(lambda request: STRANGERS[who]) as url,
        pytest.raises(HarnessFailure, match="is not one of pytest-assistants") as raised,
    ):
        connect(url)
    assert str(STRANGERS[who].status) in raised.value.there_was


def test_a_proxy_in_the_environment_is_passed_by(server, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with connect(server.url) as remote:
        assert remote.clock.now


def test_scripting_goes_on_while_clients_talk(server):
    """Suites at once, each with a key of its own, script and ask: nothing is lost or mixed up."""
    numbers = range(6)

    def suite(number):
        with connect(server.url, api_key=f"sk-suite-{number}") as remote:
            remote.next_run(say(f"{number}, first"))
            remote.next_run(say(f"{number}, second"))
            talk(remote)
            talk(remote)
            return [thread.messages[-1].text for thread in remote.threads]

    with ThreadPoolExecutor(len(numbers)) as pool:
        answers = list(pool.map(suite, numbers))
    assert answers == [[f"{number}, first", f"{number}, second"] for number in numbers]
