"""The control API: what a test in any language tells a served fake, and asks it. Here without a socket."""

from __future__ import annotations

import json
from threading import Thread

import pytest

from harness import FakeAssistants, HarnessFailure, say
from harness.options import Options
from harness.service.http import Request
from harness.serving.control import handlers, state
from harness.serving.control.guard import MAX_BYTES
from harness.serving.control.routes import ROUTES
from harness.serving.real_time import RealTime
from harness.serving.worlds import OneWorld, Worlds

KEY = "sk-test"
HI = {"role": "user", "content": "Hi?"}


@pytest.fixture
def worlds():
    worlds = Worlds(Options(seed="control"))
    yield worlds
    worlds.close()


def send(worlds, method, target, body=None, key=KEY, raw=None, **headers):
    """One request, as a server hands it on; header names with underscores for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    sent = {"host": "127.0.0.1:8000"} | ({"authorization": f"Bearer {key}"} if key else {}) | named
    content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
    return worlds.answer(Request(method, f"http://127.0.0.1:8000{target}", sent, content, "somebody"))


def get(worlds, path, **more):
    response = send(worlds, "GET", f"/_harness{path}", **more)
    assert response.status == 200, response.body
    return json.loads(response.body)


def post(worlds, path, body=None, **more):
    response = send(worlds, "POST", f"/_harness{path}", body, **more)
    assert response.status == 200, response.body
    return json.loads(response.body)


def error_of(worlds, method, path, body=None, **more):
    """The status and the message of an error response, which must have the form of a `HarnessFailure` over the wire."""
    response = send(worlds, method, f"/_harness{path}", body, **more)
    error = json.loads(response.body)["error"]
    assert (error["type"], error["param"], error["code"]) == ("harness_failure", None, None)
    assert response.headers["x-should-retry"] == "false"
    return response.status, error["message"]


def client_of(worlds, key=KEY):
    return FakeAssistants.client(worlds, api_key=key)


def talk(worlds, key=KEY):
    """A run from its thread to its end."""
    client = client_of(worlds, key)
    assistant = client.beta.assistants.create(model="gpt-4o")
    return client.beta.threads.create_and_run_poll(
        assistant_id=assistant.id, thread={"messages": [HI]}, poll_interval_ms=1
    )


# --- which world -----------------------------------------------------------------------------------------------


def test_a_key_means_its_world_and_begins_it(worlds):
    post(worlds, "/clock", {"advance": 5}, key="sk-one")
    post(worlds, "/clock", {"advance": 7}, key=None, api_key="sk-two")  # as Azure's clients say it
    assert [world["name"] for world in get(worlds, "/worlds")] == [worlds.name_of("sk-one"), worlds.name_of("sk-two")]
    assert worlds.for_key("sk-two").clock.now - worlds.for_key("sk-one").clock.now == 2


def test_a_name_means_a_world_whatever_the_key(worlds):
    post(worlds, "/clock", {"advance": 5}, key="sk-one")
    name = worlds.name_of("sk-one")
    assert get(worlds, f"/clock?world={name}", key="sk-two")["now"] == worlds.for_key("sk-one").clock.now
    assert worlds.names() == [name]


def test_the_only_world_need_not_be_named(worlds):
    worlds.for_key("sk-one")
    assert get(worlds, "/clock", key=None)["now"] == worlds.for_key("sk-one").clock.now


def test_of_several_worlds_one_has_to_be_named(worlds):
    names = [worlds.name_of(key) for key in ("sk-one", "sk-two") if worlds.for_key(key)]
    status, message = error_of(worlds, "GET", "/clock", key=None)
    assert status == 400
    assert "GET /_harness/clock: of which world?" in message
    assert f"There are {', '.join(names)}." in message


def test_without_any_world_one_has_to_be_begun(worlds):
    status, message = error_of(worlds, "GET", "/clock", key=None)
    assert status == 400
    assert "There are no worlds yet." in message


@pytest.mark.parametrize(("wrong", "do"), [("world-{}x", "?world=world-"), ("what", "GET /_harness/worlds")])
def test_an_unknown_name_is_answered_with_the_nearest(worlds, wrong, do):
    name = worlds.name_of("sk-one")
    worlds.for_key("sk-one")
    wanted = wrong.format(name.removeprefix("world-"))
    status, message = error_of(worlds, "GET", f"/clock?world={wanted}")
    assert status == 404
    assert f"There is no world {wanted!r}." in message
    assert name in message
    assert do in message


def test_all_keys_of_one_world_mean_it():
    fake = FakeAssistants()
    worlds = OneWorld(fake)
    post(worlds, "/clock", {"advance": 5}, key="sk-any")
    post(worlds, "/clock", {"advance": 5}, key=None)
    assert [world["name"] for world in get(worlds, "/worlds")] == ["main"]


# --- what the model does, what there is, what goes wrong --------------------------------------------------------


def test_a_scenario_scripts_runs_and_seeds_objects(worlds):
    added = post(
        worlds,
        "/scenario",
        {
            "assistants": [{"id": "asst_weather", "model": "gpt-4o", "name": "Weather"}],
            "threads": [{"messages": [HI]}],
            "next_run": [[{"call": "get_weather", "arguments": {"city": "Oslo"}}, {"say": "4 °C"}]],
        },
    )
    assert added["assistants"] == ["asst_weather"]
    assert (len(added["threads"]), added["files"], added["vector_stores"]) == (1, [], [])
    assert post(worlds, "/scenario", {"files": [{"id": "file-x", "filename": "x.txt", "content": "x"}]}) == {
        "assistants": [],
        "threads": [],
        "files": ["file-x"],
        "vector_stores": [],
    }
    client = client_of(worlds)
    run = client.beta.threads.runs.create_and_poll(
        thread_id=added["threads"][0], assistant_id="asst_weather", poll_interval_ms=1
    )
    assert run.required_action.submit_tool_outputs.tool_calls[0].function.name == "get_weather"


def test_a_wrong_scenario_counts_for_nothing_and_says_where_it_stands(worlds):
    scenario = {"threads": [{"id": "thread_1"}], "next_run": [[{"sya": "4 °C"}]]}
    status, message = error_of(worlds, "POST", "/scenario", scenario)
    assert status == 400
    assert "POST /_harness/scenario" in message
    assert "sya" in message
    _, message = error_of(worlds, "POST", "/scenario?where=weather_test.go:31", scenario)
    assert "weather_test.go:31" in message
    assert get(worlds, "/threads") == []
    assert get(worlds, "/failures") == []  # whoever asked was told; it is no failure of the code under test


def test_a_scenario_over_the_wire_reads_no_file(worlds, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    status, message = error_of(worlds, "POST", "/scenario", {"files": [{"path": str(secret)}]})
    assert status == 400
    assert "is a path, and only scenario files name files on this machine" in message


@pytest.mark.parametrize("allowed", [False, True])
def test_cells_are_executed_only_where_the_server_allows_it(allowed):
    worlds = Worlds(execute=allowed)
    response = send(worlds, "POST", "/_harness/scenario", {"next_run": [[{"run_code": "1 + 1", "execute": True}]]})
    assert response.status == (200 if allowed else 400)
    assert len(worlds.for_key(KEY).world.director.queue) == (1 if allowed else 0)
    worlds.close()


def test_faults_are_listed_with_what_has_happened(worlds):
    post(worlds, "/scenario", {"faults": [{"status": 500, "on": "GET /files"}, {"crlf": True}]})
    assert client_of(worlds).with_options(max_retries=1).files.list().data == []
    assert get(worlds, "/faults")["planned"] == [
        'assistants.faults.status(500, on="GET /files")   # happened',
        "assistants.faults.crlf()",
    ]


def test_what_nobody_came_to_is_unused(worlds):
    assert get(worlds, "/unused") is None
    post(worlds, "/scenario?where=weather.js:3", {"next_run": [[{"say": "4 °C"}]]})
    unused = get(worlds, "/unused")
    assert unused["happened"].startswith("Scripts were not used")
    assert "weather.js:3" in unused["there_was"]
    assert unused["do"]


# --- time ------------------------------------------------------------------------------------------------------


def test_the_clock_is_read_and_moved(worlds):
    before = get(worlds, "/clock")
    assert before["policy"] == "on_poll"
    assert post(worlds, "/clock", {"policy": "manual", "advance": 30}) == {
        "now": before["now"] + 30,
        "policy": "manual",
    }
    assert post(worlds, "/clock") == get(worlds, "/clock") == {"now": before["now"] + 30, "policy": "manual"}


def test_in_real_time_a_clock_stays_timed():
    """As a world begins: a look is no reason for time to pass, and a clock that nothing moves would stop streams."""
    worlds = Worlds(real_time=RealTime(lambda: 0.0))
    before = get(worlds, "/clock")
    assert before["policy"] == "timed"
    status, message = error_of(worlds, "POST", "/clock", {"policy": "manual", "advance": 30})
    assert (status, "does not go with real time" in message) == (400, True)
    assert get(worlds, "/clock") == before
    assert post(worlds, "/clock", {"policy": "on_poll", "advance": 30}) == {**before, "now": before["now"] + 30}


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"advance": -1}, "field advance: Input should be greater than or equal to 0"),
        ({"advance": 1e12}, "field advance: Input should be less than or equal to 3200000000"),
        ({"advance": "30"}, "field advance: Input should be a valid number"),
        ({"policy": "fast"}, "field policy: Input should be 'on_poll', 'timed' or 'manual'"),
        ({"advnce": 30}, "has no field 'advnce'."),
        ([], "should be"),
    ],
)
def test_a_clock_is_moved_by_nothing_else(worlds, body, words):
    status, message = error_of(worlds, "POST", "/clock", body)
    assert status == 400
    assert f"POST /_harness/clock{': ' if ':' in words else ''}" in message
    assert words in message
    assert "curl -d '{\"advance\": 30}' http://127.0.0.1:8000/_harness/clock" in message


def test_an_unknown_field_is_answered_with_the_nearest(worlds):
    assert "It has policy, advance. The nearest is advance." in error_of(worlds, "POST", "/clock", {"advnce": 30})[1]
    assert "It has policy, advance.\n" in error_of(worlds, "POST", "/clock", {"zzz": 30})[1]


def test_what_falls_due_and_fails_is_an_error_for_whoever_moves_the_clock(worlds):
    fake = worlds.for_key(KEY)
    fake.clock.policy = "manual"

    def model(run):
        yield say("Hello.")
        raise ValueError("no model")

    fake.model(model)
    client = client_of(worlds)
    client.beta.threads.create_and_run(
        assistant_id=client.beta.assistants.create(model="gpt-4o", instructions="Be brief.").id
    )
    status, message = error_of(worlds, "POST", "/clock", {"advance": 30})
    assert status == 400
    assert "the model function raised ValueError: no model" in message


# --- what happened ---------------------------------------------------------------------------------------------


def test_requests_are_logged_without_what_may_be_a_key(worlds):
    client = client_of(worlds, "sk-very-secret")
    thread = client.beta.threads.create(messages=[HI])
    client.beta.threads.messages.list(thread.id, limit=2, extra_query={"subscription-key": "sk-very-secret"})
    raw = send(worlds, "GET", "/_harness/requests", key="sk-very-secret").body
    assert b"secret" not in raw
    first, second = json.loads(raw)
    assert (first["number"], first["method"], first["path"]) == (1, "POST", "/v1/threads")
    assert first["json"] == {"messages": [HI]}
    assert (first["status"], first["outcome"], first["answer"]["id"]) == (200, "200", thread.id)
    assert second["query"] == {"limit": ["2"], "subscription-key": ["…"]}
    assert second["json"] is None
    assert get(worlds, "/requests?after=1", key="sk-very-secret") == [second]
    assert get(worlds, "/requests?after=2", key="sk-very-secret") == []


@pytest.mark.parametrize(
    "body", [b'{"temperature": NaN}', b"\xff", b'"\\ud800"'], ids=["no number", "bytes", "half a pair"]
)
def test_a_body_that_is_no_json_is_not_shown(worlds, body):
    send(worlds, "POST", "/v1/assistants", raw=body)
    [request] = get(worlds, "/requests")
    assert (request["json"], request["answer"]["error"]["type"]) == (None, "invalid_request_error")


def test_of_a_stream_nothing_is_shown(worlds):
    client = client_of(worlds)
    assistant = client.beta.assistants.create(model="gpt-4o")
    list(client.beta.threads.create_and_run(assistant_id=assistant.id, thread={"messages": [HI]}, stream=True))
    assert [request["answer"] is None for request in get(worlds, "/requests")] == [False, True]


def test_control_requests_are_not_logged(worlds):
    get(worlds, "/clock")
    assert get(worlds, "/requests") == []


def test_a_fault_that_left_no_answer_is_logged_as_such(worlds):
    post(worlds, "/scenario", {"faults": [{"connect_error": True}]})
    client_of(worlds).with_options(max_retries=1).files.list()
    lost, retried = get(worlds, "/requests")
    assert (lost["status"], lost["answer"]) == (0, None)
    assert lost["outcome"].startswith("ConnectFailed")
    assert retried["status"] == 200


def test_threads_runs_and_transcript_tell_what_happened(worlds):
    post(worlds, "/scenario", {"every_run": [{"say": "4 °C and rain"}]})
    run, other = talk(worlds), talk(worlds)
    threads = get(worlds, "/threads")
    assert [thread["id"] for thread in threads] == [run.thread_id, other.thread_id]
    assert [(said["role"], said["status"], said["text"]) for said in threads[0]["messages"]] == [
        ("user", "completed", "Hi?"),
        ("assistant", "completed", "4 °C and rain"),
    ]
    runs = get(worlds, "/runs")
    assert [each["id"] for each in runs] == [run.id, other.id]
    assert [moment["status"] for moment in runs[0]["timeline"]] == ["queued", "in_progress", "completed"]
    assert runs[0]["timeline"][0] == {"at": run.created_at, "by": "client", "because": "create", "status": "queued"}
    assert [step["type"] for step in runs[0]["steps"]] == ["message_creation"]
    assert threads[0]["runs"] == [runs[0]]
    assert get(worlds, f"/threads?thread={other.thread_id}") == [threads[1]]
    assert get(worlds, f"/runs?thread={other.thread_id}") == [runs[1]]
    both = get(worlds, "/transcript")["transcript"]
    one = get(worlds, f"/transcript?thread={run.thread_id}")["transcript"]
    assert both.startswith(one)
    assert one.endswith("    assistant: 4 °C and rain")
    assert other.thread_id in both


def test_somebody_else_cancels_what_can_be_cancelled(worlds):
    post(worlds, "/scenario", {"next_run": [[{"say": "Hello."}], [{"call": "get_weather", "arguments": {}}]]})
    done, waiting = talk(worlds), talk(worlds)
    assert (done.status, waiting.status) == ("completed", "requires_action")
    assert post(worlds, "/runs/cancel") == {"runs": [waiting.id]}
    assert post(worlds, "/runs/cancel") == {"runs": []}


def test_failures_of_the_fake_are_listed(worlds):
    assert get(worlds, "/failures") == []
    with pytest.raises(HarnessFailure, match="is not served"):
        send(worlds, "POST", "/v1/chat/completions", {})
    (failure,) = get(worlds, "/failures")
    assert failure["happened"].startswith("POST /chat/completions is not served")
    assert failure["do"].startswith("assistants.on(")


# --- going back ------------------------------------------------------------------------------------------------


def test_a_snapshot_is_gone_back_to_as_often_as_wanted(worlds):
    name = worlds.name_of(KEY)
    post(worlds, "/scenario", {"threads": [{"id": "thread_kept"}]})
    kept = post(worlds, "/snapshots")["id"]
    for _ in range(2):
        post(worlds, "/scenario", {"threads": [{"id": "thread_more"}]})
        assert [thread["id"] for thread in get(worlds, "/threads")] == ["thread_kept", "thread_more"]
        assert post(worlds, f"/snapshots/{kept}/restore") == {"world": name}
        assert [thread["id"] for thread in get(worlds, "/threads")] == ["thread_kept"]


def test_a_snapshot_ends_with_its_world(worlds):
    kept = post(worlds, "/snapshots")["id"]
    status, message = error_of(worlds, "POST", f"/snapshots/{kept}/restore", key="sk-other")
    assert status == 404
    assert "There is none since the world was created" in message
    post(worlds, "/reset")
    assert error_of(worlds, "POST", f"/snapshots/{kept}/restore")[0] == 404


def test_the_newest_snapshots_are_kept(worlds, monkeypatch):
    monkeypatch.setattr(state, "MAX_SNAPSHOTS", 2)
    ids = [post(worlds, "/snapshots")["id"] for _ in range(3)]
    status, message = error_of(worlds, "POST", f"/snapshots/{ids[0]}/restore")
    assert status == 404
    assert f"There are {ids[1]}, {ids[2]} since the world was created" in message
    post(worlds, f"/snapshots/{ids[1]}/restore")


def test_a_reset_begins_the_world_anew(worlds):
    before = talk(worlds)
    assert post(worlds, "/reset") == {"world": worlds.name_of(KEY)}
    assert get(worlds, "/threads") == get(worlds, "/requests") == []
    assert talk(worlds).id == before.id


def test_a_reset_takes_options_of_a_world_over_those_of_the_server():
    worlds = Worlds(Options(queued=3.0, seed="of the server"))
    post(worlds, "/reset", {"clock": "manual", "as_of": "2024-05-01", "api": "v2"})
    options = worlds.for_key(KEY).options
    assert (options.clock, options.as_of, options.api) == ("manual", "2024-05-01", "v2")
    assert options.queued == 3.0
    post(worlds, "/reset")
    assert worlds.for_key(KEY).options.clock == "on_poll"


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"clok": "manual"}, "has no field 'clok'"),
        ({"api_key": "sk-1"}, "has no field 'api_key'"),
        ({"sleep": "real"}, "has no field 'sleep'"),
        ({"code_memory": 1}, "has no field 'code_memory'"),
        ({"clock": "fast"}, "field clock: Input should be 'on_poll', 'timed' or 'manual'"),
        ({"queued": "1"}, "field queued: Input should be a valid number"),
        ({"as_of": "May"}, "assistants.reset(as_of='May'): as_of takes a day."),
        ({"queued": -5}, "assistants.reset(queued=-5"),
    ],
)
def test_a_reset_takes_nothing_else(worlds, options, words):
    fake = worlds.for_key(KEY)
    status, message = error_of(worlds, "POST", "/reset", options)
    assert status == 400
    assert words in message
    assert worlds.for_key(KEY) is fake


def test_the_world_of_a_running_test_keeps_its_options():
    worlds = OneWorld(FakeAssistants())
    post(worlds, "/scenario", {"threads": [{}]})
    assert "keeps its options" in error_of(worlds, "POST", "/reset", {"clock": "manual"})[1]
    post(worlds, "/reset")
    assert get(worlds, "/threads") == []


# --- the inspector ---------------------------------------------------------------------------------------------


def test_the_worlds_are_listed_by_their_names_alone(worlds):
    talk(worlds, "sk-first-secret")
    worlds.for_key("sk-second-secret")
    raw = send(worlds, "GET", "/_harness/worlds", key=None).body
    assert b"secret" not in raw
    first, second = json.loads(raw)
    assert first == {
        "name": worlds.name_of("sk-first-secret"),
        "requests": len(worlds.for_key("sk-first-secret").requests),
        "threads": 1,
        "runs": 1,
        "now": worlds.for_key("sk-first-secret").clock.now,
    }
    assert (second["requests"], second["threads"], second["runs"]) == (0, 0, 0)


def test_a_world_is_shown_and_then_only_what_is_new(worlds):
    talk(worlds)
    first = get(worlds, "/world")
    assert len(first["world"]["threads"]) == 1
    assert get(worlds, f"/world?seen={first['seen']}") == {"seen": first["seen"], "world": None}
    assert get(worlds, "/world") == first  # who has seen nothing gets all
    talk(worlds)
    second = get(worlds, f"/world?seen={first['seen']}")
    assert second["seen"] > first["seen"]
    assert len(second["world"]["threads"]) == 2
    client_of(worlds).beta.threads.delete(first["world"]["threads"][0]["id"])
    third = get(worlds, f"/world?seen={second['seen']}")
    assert [thread["deleted"] for thread in third["world"]["threads"]] == [True, False]


@pytest.mark.parametrize(
    "happens",
    [
        ("/clock", {"advance": 1}),
        ("/clock", {"policy": "manual"}),
        ("/scenario", {"threads": [{}]}),
        ("/snapshots/1/restore", None),
        ("/reset", None),
    ],
    ids=lambda happens: happens[0],
)
def test_whatever_the_control_api_changes_is_news(worlds, happens):
    post(worlds, "/snapshots")
    seen = get(worlds, "/world")["seen"]
    post(worlds, *happens)
    assert get(worlds, f"/world?seen={seen}")["world"] is not None


def test_a_failure_is_news(worlds):
    seen = get(worlds, "/world")["seen"]
    with pytest.raises(HarnessFailure, match="is not served"):
        send(worlds, "POST", "/v1/chat/completions", {})
    assert get(worlds, f"/world?seen={seen}")["world"] is not None


def test_the_inspector_is_a_page_that_nothing_can_be_loaded_into(worlds):
    response = send(worlds, "GET", "/_harness/", key=None)
    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert response.headers["content-security-policy"] == "frame-ancestors 'none'"
    assert b'http-equiv="Content-Security-Policy" content="default-src \'none\'' in response.body
    assert response.headers["referrer-policy"] == "no-referrer"
    assert b"<html" in response.body


@pytest.mark.parametrize("query", ["", "?token=abc"])
def test_without_its_slash_the_inspector_is_found_too(worlds, query):
    response = send(worlds, "GET", f"/_harness{query}", key=None)
    assert (response.status, response.headers["location"]) == (308, f"_harness/{query}")


# --- what is refused -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "do"),
    [("/clok", "/_harness/clock"), ("/snapshots/1", "/_harness/snapshots"), ("/zzzzzz", "GET /_harness/openapi.json")],
)
def test_an_unknown_path_is_answered_with_the_known_ones_and_the_nearest(worlds, path, do):
    status, message = error_of(worlds, "GET", path)
    assert status == 404
    assert f"The control API has no /_harness{path}." in message
    there_was, advice = message.split("What to do:")
    assert all(route.where in there_was for route in ROUTES)
    assert do in advice


def test_another_method_is_answered_with_the_known_ones(worlds):
    response = send(worlds, "DELETE", "/_harness/clock")
    assert response.status == 405
    assert response.headers["allow"] == "GET, POST"
    assert "DELETE /_harness/clock: it takes GET, POST." in json.loads(response.body)["error"]["message"]


@pytest.mark.parametrize(
    "raw", [b"{", b"\xff", b"[" * 10_000, b'{"advance": NaN}'], ids=["cut", "not UTF-8", "deep", "no number"]
)
def test_a_body_that_is_no_json_is_refused(worlds, raw):
    status, message = error_of(worlds, "POST", "/clock", raw=raw)
    assert status == 400
    assert "POST /_harness/clock: the body is not JSON: " in message


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/requests?after=x", "parameter after: Input should be a valid integer"),
        ("/requests?after=-1", "parameter after: Input should be greater than or equal to 0"),
        ("/requests?aftr=1", "GET /_harness/requests has no parameter 'aftr'."),
        ("/clock?thread=1", "GET /_harness/clock has no parameter 'thread'."),
    ],
)
def test_a_query_that_does_not_fit_is_refused(worlds, path, words):
    status, message = error_of(worlds, "GET", path)
    assert status == 400
    assert words in message


def test_what_breaks_is_an_answer_too(worlds, monkeypatch):
    def broken(fake):
        raise ZeroDivisionError("by nothing")

    monkeypatch.setattr(handlers, "world_as_data", broken)
    status, message = error_of(worlds, "GET", "/world")
    assert status == 500
    assert "The fake broke on GET /_harness/world: ZeroDivisionError: by nothing" in message


OTHERS = [
    {"origin": "https://example.com"},
    {"origin": "http://127.0.0.1:3000"},
    {"origin": "http://localhost:8000"},
    {"origin": "null"},
    {"origin": ""},
    {"sec_fetch_site": "cross-site"},
    {"origin": "http://127.0.0.1:8000", "sec_fetch_site": "cross-site"},
]


@pytest.mark.parametrize("headers", OTHERS, ids=lambda headers: " ".join(headers.values()) or "empty")
@pytest.mark.parametrize("token", [None, "secret"])
@pytest.mark.parametrize(("method", "path"), [("GET", "/clock"), ("POST", "/clock"), ("GET", "/"), ("GET", "/nothing")])
def test_pages_of_other_origins_are_refused_before_anything_else(method, path, token, headers):
    worlds = Worlds(token=token)
    status, message = error_of(worlds, method, path, {"advance": 5}, x_harness_token="secret", **headers)
    assert status == 403
    assert "The control API does not answer pages of another origin." in message
    assert worlds.names() == []


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://127.0.0.1:8000", "sec_fetch_site": "same-origin"},
        {"host": "LOCALHOST:8000", "origin": "http://localhost:8000"},
        {"sec_fetch_site": "none"},
        {},
    ],
    ids=["its own page", "the case of a name", "an address typed in", "no browser"],
)
def test_its_own_page_and_programs_are_answered(worlds, headers):
    assert send(worlds, "GET", "/_harness/clock", **headers).status == 200


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "localhost.example.com:8000", "192.168.0.2:8000", "[::1", "a b"]
)
def test_without_a_token_only_this_machine_is_answered(worlds, host):
    status, message = error_of(worlds, "GET", "/clock", host=host)
    assert status == 403
    assert repr(host) in message


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:1", "127.0.0.1", "127.1.2.3:1", "[::1]:1", "a.localhost:1", ""]
)
def test_this_machine_has_many_names(worlds, host):
    assert send(worlds, "GET", "/_harness/clock", host=host).status == 200


@pytest.mark.parametrize(("method", "path"), [(r.method, r.path.replace("{id}", "1")) for r in ROUTES])
def test_where_there_is_a_token_every_request_needs_it(method, path):
    worlds = Worlds(token="secret")
    for wrong in ({}, {"x_harness_token": "secreT"}, {"x_harness_token": "비밀"}):
        status, message = error_of(worlds, method, path, **wrong)
        assert status == 401
        assert "requires its token" in message
        assert "secret" not in message
    assert worlds.names() == []
    assert send(worlds, method, f"/_harness{path}", x_harness_token="secret").status != 401


def test_a_token_lets_other_machines_in():
    worlds = Worlds(token="secret")
    assert send(worlds, "GET", "/_harness/clock", host="assistants:8000", x_harness_token="secret").status == 200


def test_a_token_in_the_address_opens_the_page_and_changes_nothing():
    worlds = Worlds(token="secret")
    assert send(worlds, "GET", "/_harness/?token=secret").status == 200
    assert send(worlds, "GET", "/_harness/clock?token=secret").status == 200
    assert error_of(worlds, "POST", "/clock?token=secret", {"advance": 1})[0] == 401


def test_a_large_body_is_refused(worlds):
    status, message = error_of(worlds, "POST", "/scenario", raw=b" " * (MAX_BYTES + 1))
    assert status == 413
    assert f"has {MAX_BYTES + 1} bytes" in message
    assert error_of(worlds, "POST", "/scenario", raw=b" " * MAX_BYTES)[0] == 400  # no JSON, but not too large


def test_all_answers_are_kept_from_caches_and_guesses(worlds):
    for path in ("/clock", "/nothing", "/"):
        headers = send(worlds, "GET", f"/_harness{path}").headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


# --- at the same time ------------------------------------------------------------------------------------------


def test_a_handler_has_its_world_to_itself(worlds):
    fake = worlds.for_key(KEY)
    got = []

    def attempt():
        got.append(fake.turns.lock.acquire(blocking=False))
        if got[-1]:
            fake.turns.lock.release()

    def from_another_thread():
        thread = Thread(target=attempt)
        thread.start()
        thread.join()

    fake.clock.call_at(fake.clock.now + 1, from_another_thread)
    post(worlds, "/clock", {"advance": 1})
    from_another_thread()
    assert got == [False, True]


def test_other_worlds_go_on_meanwhile(worlds):
    fake, answers = worlds.for_key(KEY), []

    def ask_another_world():
        thread = Thread(target=lambda: answers.append(get(worlds, "/clock", key="sk-other")))
        thread.start()
        thread.join()

    fake.clock.call_at(fake.clock.now + 1, ask_another_world)
    post(worlds, "/clock", {"advance": 1})
    assert len(answers) == 1
