"""A server with a world for every API key: what is apart, what begins anew, and who need not wait."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import openai
import pytest

from harness import FakeAssistants, HarnessFailure, Request, Response, hang, say
from harness.options import Options
from harness.serving import KEY, serve, serve_one
from harness.serving.real_time import RealTime
from harness.serving.worlds import NO_KEY, OneWorld, Worlds

ROOT = "http://127.0.0.1:1/v1"


def send(worlds, method, path, body=None, *, key="sk-a", root=ROOT, **headers):
    """The answer to one request, and its JSON."""
    sent = {"authorization": f"Bearer {key}", "openai-beta": "assistants=v2", **headers}
    answer = worlds.answer(
        Request(method, root + path, sent, b"" if body is None else json.dumps(body).encode(), "client")
    )
    return answer, json.loads(answer.body)


def create(worlds, path, body=None, **more):
    """The id of an object that a POST request creates."""
    answer, value = send(worlds, "POST", path, body or {}, **more)
    assert answer.status == 200, value
    return value["id"]


def start_run(worlds, **more):
    """The path of a run that has just been created."""
    assistant = create(worlds, "/assistants", {"model": "gpt-4o", "instructions": "Help."}, **more)
    thread = create(worlds, "/threads", **more)
    return f"/threads/{thread}/runs/" + create(worlds, f"/threads/{thread}/runs", {"assistant_id": assistant}, **more)


def test_each_key_is_a_world_of_its_own():
    worlds = Worlds()
    thread = create(worlds, "/threads", key="sk-a")
    assert send(worlds, "GET", f"/threads/{thread}", key="sk-a")[0].status == 200
    assert send(worlds, "GET", f"/threads/{thread}", key="sk-b")[0].status == 404
    assert len(worlds.for_key("sk-a").threads) == 1
    assert worlds.for_key("sk-b").threads == []
    worlds.for_key("sk-a").clock.advance(100)
    assert worlds.for_key("sk-a").clock.now == worlds.for_key("sk-b").clock.now + 100


def test_ids_depend_on_seed_and_key_alone():
    def first(seed, key):
        worlds = Worlds(Options(seed=seed))
        create(worlds, "/threads", key="sk-other")
        return create(worlds, "/threads", key=key)

    assert first(1, "sk-a") == first(1, "sk-a")
    assert len({first(1, "sk-a"), first(1, "sk-b"), first(2, "sk-a")}) == 3


def test_the_name_of_a_world_does_not_tell_its_key():
    worlds = Worlds()
    create(worlds, "/threads", key="sk-secret")
    [name] = worlds.names()
    assert worlds.get(name) is worlds.for_key("sk-secret")
    assert "secret" not in name
    assert worlds.get("world-none") is None
    assert "secret" not in repr(vars(worlds))


def test_who_has_no_key_is_refused_and_can_be_seen():
    """CONTRACT §7.1."""
    worlds = Worlds()
    answer, body = send(worlds, "POST", "/threads", {}, authorization="")
    assert answer.status == 401
    assert "You didn't provide an API key" in body["error"]["message"]
    assert [exchange.status for exchange in worlds.get(NO_KEY).requests] == [401]


def test_azures_key_is_a_key():
    worlds = Worlds()
    root = "http://127.0.0.1:1/openai"
    query = "?api-version=2024-05-01-preview"
    headers = {"authorization": "", "api-key": "azure-key"}
    assert send(worlds, "POST", f"/threads{query}", {}, root=root, **headers)[0].status == 200
    assert len(worlds.for_key("azure-key").threads) == 1


def test_a_key_is_the_same_as_a_password():
    worlds = Worlds()
    thread = create(worlds, "/threads", key="sk-a")
    assert send(worlds, "GET", f"/threads/{thread}", authorization="Basic OnNrLWE=")[0].status == 200
    control = {"root": "http://127.0.0.1:1", "host": "127.0.0.1:1", "authorization": "Basic OnNrLWE="}
    create(worlds, "/threads", key="sk-b")
    assert send(worlds, "GET", "/_harness/clock", **control)[0].status == 200
    assert send(worlds, "GET", f"/_harness/transcript?thread={thread}", **control)[0].status == 200


def test_all_begin_with_the_scenario_and_begin_again_with_it():
    worlds = Worlds(scenario={"assistants": [{"id": "asst_hello"}], "every_run": ["Hello!"]})
    for key in ("sk-a", "sk-b"):
        assert send(worlds, "GET", "/assistants/asst_hello", key=key)[0].status == 200
    name = worlds.name_of("sk-a")
    create(worlds, "/threads")
    fake = worlds.for_key("sk-a")
    worlds.reset(name)
    assert worlds.for_key("sk-a") is not fake
    assert worlds.for_key("sk-a").threads == []
    assert send(worlds, "GET", "/assistants/asst_hello")[0].status == 200
    worlds.reset(name, Options(api="sunset"))
    assert send(worlds, "GET", "/assistants/asst_hello")[0].status == 404
    assert send(worlds, "GET", "/assistants/asst_hello", key="sk-b")[0].status == 200
    worlds.close()


def test_unused_scripts_of_the_servers_scenario_are_no_failure():
    """It is for every client, and not each needs all of it; what came over the network is for one."""
    worlds = Worlds(scenario={"next_run": ["One."], "when": [{"message": "Oslo", "run": ["Two."]}]})
    unused = partial(send, worlds, "GET", "/unused", root="http://127.0.0.1:1/_harness")
    assert unused()[1] is None
    worlds.for_key("sk-a").next_run(say("Three."))
    failure = unused()[1]
    assert "Three." in failure["there_was"]
    assert "One." not in failure["there_was"]
    assert failure["do"] == "Leave them out, or let the client do what they are for."


def test_a_world_may_begin_by_being_reset():
    worlds = Worlds()
    worlds.reset("world-new", Options(api="v1"))
    assert worlds.get("world-new").options.api == "v1"


def test_clients_are_spared_their_waiting():
    """Measured with openai 3.52: a poller obeys `openai-poll-after-ms: 0`; 0 is ignored in `retry-after-ms`."""
    worlds = Worlds(spare_waiting=True)
    run = start_run(worlds)
    answer, _ = send(worlds, "GET", run)
    assert answer.headers["openai-poll-after-ms"] == "0"
    assert "openai-poll-after-ms" not in send(worlds, "GET", run.rpartition("/")[0])[0].headers
    assert "retry-after-ms" not in answer.headers


@pytest.mark.parametrize(("retry_after", "passes"), [(7, 7), (None, 0)], ids=["seconds", "none"])
def test_what_is_not_waited_passes_on_the_clock(retry_after, passes):
    worlds = Worlds(spare_waiting=True)
    fake = worlds.for_key("sk-a")
    fake.faults.status(429, on="POST /threads", retry_after=retry_after)
    before = fake.clock.now
    answer, _ = send(worlds, "POST", "/threads", {})
    assert (answer.status, answer.headers["retry-after-ms"]) == (429, "1")
    assert fake.clock.now - before == passes


def test_a_day_to_try_again_at_is_not_waited_for():
    worlds = Worlds(spare_waiting=True)
    fake = worlds.for_key("sk-a")
    fake.on("GET", "/models", lambda request: Response(503, {"retry-after": "Mon, 03 Nov 2025 12:00:30 GMT"}, b"{}"))
    before = fake.clock.now
    assert send(worlds, "GET", "/models")[0].headers["retry-after-ms"] == "1"
    assert fake.clock.now == before


def test_nothing_is_added_where_nobody_asked_for_it():
    """CONTRACT §9: the real service never sent these headers."""
    worlds = Worlds()
    run = start_run(worlds)
    worlds.for_key("sk-a").faults.status(429, on="GET /threads/{thread_id}/runs/{run_id}")
    for _ in range(2):
        headers = send(worlds, "GET", run)[0].headers
        assert not {"openai-poll-after-ms", "retry-after-ms"} & set(headers)


def test_in_real_time_the_clock_goes_as_the_real_one_does():
    real = [1000.0]
    worlds = Worlds(real_time=RealTime(lambda: real[0]))
    run = start_run(worlds)
    assert [send(worlds, "GET", run)[1]["status"] for _ in range(3)] == ["queued"] * 3  # a look moves nothing
    real[0] += 1.5
    assert send(worlds, "GET", run)[1]["status"] == "in_progress"
    real[0] += 2
    assert send(worlds, "GET", run)[1]["status"] == "completed"


def test_a_clock_that_nothing_moves_does_not_go_with_real_time():
    worlds = Worlds(Options(clock="manual"), real_time=RealTime(lambda: 0.0))
    with pytest.raises(HarnessFailure, match="does not go with real time"):
        worlds.for_key("sk-a")
    assert worlds.names() == []


def test_in_real_time_the_control_api_shows_the_time_of_now():
    real = [1000.0]
    worlds = Worlds(real_time=RealTime(lambda: real[0]))
    shown = []
    for _ in range(2):
        shown.append(send(worlds, "GET", "/clock", root="http://127.0.0.1:1/_harness")[1]["now"])
        real[0] += 5
    assert shown[1] - shown[0] == 5
    assert send(worlds, "GET", "/worlds", root="http://127.0.0.1:1/_harness")[0].status == 200


@pytest.mark.parametrize(
    ("worlds", "method", "path", "expected"),
    [
        (Worlds(), "GET", "/v1/assistants", True),
        (Worlds(), "POST", "/v1/assistants", False),
        (Worlds(), "GET", "/_harness/worlds", False),
        (Worlds(execute=True), "GET", "/v1/assistants", False),
        (Worlds(scenario={"every_run": [{"run_code": "1+1", "execute": True}]}), "GET", "/v1/assistants", False),
        (Worlds(scenario={"every_run": [{"run_code": "1+1"}]}), "GET", "/v1/assistants", True),
        (OneWorld(FakeAssistants()), "GET", "/v1/assistants", False),
    ],
    ids=["a look", "a change", "control", "executing", "a scenario that executes", "a scenario", "of a test"],
)
def test_only_what_is_quick_for_certain_is_answered_inline(worlds, method, path, expected):
    assert worlds.answers_inline(Request(method, f"http://127.0.0.1:1{path}")) is expected


def test_in_real_time_a_stream_comes_when_its_time_has_come():
    real = [1000.0]
    worlds = Worlds(real_time=RealTime(lambda: real[0]))
    worlds.for_key("sk-a").next_run(say(pieces=["one ", "two"]))
    assistant, thread = (
        create(worlds, "/assistants", {"model": "gpt-4o", "instructions": "Help."}),
        create(worlds, "/threads"),
    )
    body = json.dumps({"assistant_id": assistant, "stream": True}).encode()
    headers = {"authorization": "Bearer sk-a", "openai-beta": "assistants=v2"}
    stream = worlds.answer(Request("POST", f"{ROOT}/threads/{thread}/runs", headers, body, "client")).body
    began, came = real[0], []
    assert stream.now == worlds.for_key("sk-a").clock.now
    while True:
        seconds = stream.wait()
        real[0] += seconds
        chunk = stream.read()
        if chunk is None:
            break
        came.append((round(real[0] - began, 3), chunk.split(b"\n")[0].removeprefix(b"event: ").decode()))
    when = {name: seconds for seconds, name in came}
    assert (when["thread.run.created"], when["thread.run.in_progress"]) == (0, 1)
    assert came[-1] == (3, "done")
    stream.close()


def test_one_world_serves_every_key_and_goes_back_to_its_beginning():
    fake = FakeAssistants()
    fake.add_thread("thread_first")
    worlds = OneWorld(fake)
    create(worlds, "/threads", key="sk-a")
    create(worlds, "/threads", key="sk-b")
    assert len(fake.threads) == 3
    worlds.reset(OneWorld.NAME)
    assert [thread.id for thread in fake.threads] == ["thread_first"]
    with pytest.raises(HarnessFailure, match="keeps its options"):
        worlds.reset(OneWorld.NAME, Options())


# --- over a socket ------------------------------------------------------------------------------------------------

pytest.importorskip("uvicorn")


def ask(server, text, key=None):
    """The answer to a question that is asked through the SDK."""
    with openai.OpenAI(base_url=server.base_url, api_key=key or server.key) as client:
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Help.")
        run = client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": text}]}
        )
        assert run.status == "completed"
        return client.beta.threads.messages.list(run.thread_id).data[0].content[0].text.value


def test_a_server_says_where_it_is():
    with serve() as server:
        assert server.environment == {
            "OPENAI_BASE_URL": f"{server.url}/v1",
            "OPENAI_API_KEY": KEY,
            "OPENAI_API_VERSION": "2024-05-01-preview",
            "AZURE_OPENAI_ENDPOINT": server.url,
            "AZURE_OPENAI_API_KEY": KEY,
        }
        assert server.inspector == f"{server.url}/_harness/"
        assert server.worlds.token is None
        assert server.url.startswith("http://127.0.0.1:")


def test_the_only_key_that_is_accepted_is_the_one_to_use():
    with serve(Options(api_key="sk-only"), spare_waiting=True) as server:
        assert server.key == "sk-only"
        assert ask(server, "Hi?")
        with pytest.raises(openai.AuthenticationError):
            ask(server, "Hi?", "sk-other")


@pytest.mark.parametrize("host", ["0.0.0.0", "localhost"])
def test_beyond_this_machine_there_is_a_token(host):
    with serve(host=host) as server, serve_one(FakeAssistants(), host=host) as one:
        for each in (server, one):
            assert (each.worlds.token is None) == (host == "localhost")
            assert each.inspector.endswith(
                f"/_harness/?token={each.worlds.token}" if each.worlds.token else "/_harness/"
            )
    with serve(host=host, token="mine") as server:
        assert server.worlds.token == "mine"


def test_a_scenario_file_is_what_worlds_begin_with(tmp_path):
    file = tmp_path / "hello.json"
    file.write_text('{"every_run": ["Hello!"]}')
    with serve(scenario=file, spare_waiting=True) as server:
        assert ask(server, "Hi") == "Hello!"
    file.write_text('{"every_runs": ["Hello!"]}')
    with pytest.raises(HarnessFailure, match="every_run"), serve(scenario=file):
        pass


def test_parallel_suites_share_a_server():
    with serve(spare_waiting=True) as server:
        for number in range(4):
            server.worlds.for_key(f"sk-{number}").every_run(say(f"I am {number}."))
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda number: ask(server, "Who?", f"sk-{number % 4}"), range(8)))
    assert answers == [f"I am {number % 4}." for number in range(8)]


def test_real_time_over_a_socket(monkeypatch):
    """Streams come piece by piece, each after its time; a second that passes in half a tick here."""
    real = [0.0]

    def now():
        real[0] += 0.5
        return real[0]

    monkeypatch.setattr(RealTime.__init__, "__defaults__", (now,))
    with serve(time="real") as server:
        assert server.worlds.for_key(KEY).clock.policy == "timed"
        server.worlds.for_key(KEY).next_run(say("Hello!"))
        with openai.OpenAI(base_url=server.base_url, api_key=KEY) as client:
            assistant = client.beta.assistants.create(model="gpt-4o", instructions="Help.")
            thread = client.beta.threads.create()
            events = client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True)
            assert [event.event for event in events][-1] == "thread.run.completed"


def test_a_test_serves_its_own_fake():
    fake = FakeAssistants()
    fake.next_run(hang())
    with fake.serve() as server, openai.OpenAI(base_url=server.base_url, api_key="sk-any") as client:
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Help.")
        run = client.beta.threads.create_and_run(assistant_id=assistant.id)
        client.beta.threads.runs.cancel(run.id, thread_id=run.thread_id)
        assert fake.runs[0].status == "cancelling"
    assert [exchange.path for exchange in fake.requests][:2] == ["/v1/assistants", "/v1/threads/runs"]
