"""The official SDK for Node, 4.x and the newest, as a client of a served fake. The programs are in `node/`."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from harness import call, calls, run_code, say, search

FIXTURES = Path(__file__).parents[2] / "fixtures"
ANSWER = "4 °C and rain"


@pytest.fixture
def sparing():
    """A server that tells clients not to wait, and the fake of its key."""
    serving = pytest.importorskip("harness.serving")
    with serving.serve(spare_waiting=True) as server:
        yield server, server.worlds.for_key(server.key)


def looks(fake):
    """What a client that polls was shown of its run."""
    return [seen.answer["status"] for seen in fake.requests if seen.method == "GET" and "/runs/" in seen.path]


def paths(fake):
    return [f"{seen.method} {seen.path}" for seen in fake.requests]


# --- time ------------------------------------------------------------------------------------------------------


def test_polling_is_over_after_a_known_number_of_looks(node, assistants, assistants_server):
    assistants.next_run(say(ANSWER))
    told = node(assistants_server, "polling.mjs", '{"pollIntervalMs": 1}')
    assert told == {"status": "completed", "answer": ANSWER, "waits": [1]}
    assert looks(assistants) == ["in_progress", "completed"]


def test_who_polls_is_spared_the_waiting(node, sparing):
    server, fake = sparing
    fake.next_run(say(ANSWER))
    # by itself, the SDK would wait 5 seconds between two looks
    assert node(server, "polling.mjs") == {"status": "completed", "answer": ANSWER, "waits": [0]}
    assert looks(fake) == ["in_progress", "completed"]


def test_who_tries_again_is_spared_the_waiting(node, sparing):
    server, fake = sparing
    fake.faults.status(503, on="POST /threads", times=2, retry_after=30)
    before = fake.clock.now
    told = node(server, "polling.mjs")
    assert (told["status"], told["waits"]) == ("completed", [1, 1, 0])
    assert [seen.status for seen in fake.requests if seen.path == "/v1/threads"] == [503, 503, 200]
    assert fake.clock.now - before >= 60


# --- what the API does -------------------------------------------------------------------------------------------


def test_streams(node, assistants, assistants_server):
    assistants.next_run(say(ANSWER, pieces=["4 °C", " and ", "rain"]))
    assistants.next_run(say("the same", pieces=["the same"]))
    told = node(assistants_server, "streaming.mjs")
    assert (told["status"], told["message"]) == ("completed", ANSWER)
    assert told["deltas"] == ["4 °C", " and ", "rain"]
    begin, end = (
        ["run.created", "run.queued", "run.in_progress", "run.step.created", "run.step.in_progress"],
        ["message.completed", "run.step.completed", "run.completed"],
    )
    message = ["message.created", "message.in_progress"]
    assert told["heard"] == [f"thread.{name}" for name in (*begin, *message, *["message.delta"] * 3, *end)]
    assert told["plain"] == [f"thread.{name}" for name in (*begin, *message, "message.delta", *end)]


def test_functions_are_called_polling_and_streaming(node, assistants, assistants_server):
    oslo, bergen = call("get_weather", city="Oslo"), call("get_weather", city="Bergen")
    assistants.next_run(calls(oslo, bergen), say("Take an umbrella."))
    assistants.next_run(call("get_weather", city="Trondheim"), say("Here too."))
    told = node(assistants_server, "functions.mjs")
    assert told["polled"] == ["requires_action", "completed", "Take an umbrella."]
    assert told["streamed"] == ["requires_action", "completed", "Here too."]
    outputs = [step["function"]["output"] for step in called(assistants)]
    assert outputs == ["4 °C in Oslo", "4 °C in Bergen", "4 °C in Trondheim"]


def called(fake):
    """The calls of all runs, as steps show them."""
    return [one for run in fake.runs for step in run.steps for one in step.details.get("tool_calls", ())]


def test_files_go_up_and_come_down_whole(node, assistants, assistants_server):
    chart = FIXTURES / "chart.png"
    drawn = chart.read_bytes()[::-1]
    assistants.next_run(run_code("draw()", files={"drawn.png": drawn}), say("Here: sandbox:/mnt/data/drawn.png"))
    told = node(assistants_server, "files.mjs", chart)
    assert (told["filename"], told["bytes"]) == ("chart.png", chart.stat().st_size)
    assert sorted(told["listed"]) == ["chart.png", "날씨 보고.csv"]
    assert told["sha256"] == hashlib.sha256(drawn).hexdigest()
    uploaded = [file for file in assistants.world.store.files if file.filename == "chart.png"]
    assert [file.content for file in uploaded] == [chart.read_bytes()]


def test_a_file_is_uploaded_into_a_store_and_found(node, sparing):
    server, fake = sparing
    fake.next_run(search(query="When does it close on Saturday?"), say("At 13 o'clock 【】.", citations="auto"))
    told = node(server, "searching.mjs", FIXTURES / "scenarios" / "library.txt")
    assert (told["batch"], told["cited"]) == (["completed", 1], "library.txt")
    assert told["text"].startswith("At 13 o'clock 【")
    assert set(told["waits"]) == {0}


def test_azure(node, assistants, assistants_server):
    assistants.next_run(say(ANSWER))
    # the SDK for Node takes no endpoint beside a base URL, so a program for Azure must not have both
    told = node(assistants_server, "azure.mjs", OPENAI_BASE_URL="")
    assert (told["status"], told["answer"]) == ("completed", ANSWER)
    assert all(path.partition(" ")[2].startswith("/openai/") for path in paths(assistants))
    assert {seen.request.query["api-version"][0] for seen in assistants.requests} == {"2024-05-01-preview"}


# --- what goes wrong ---------------------------------------------------------------------------------------------


def test_refusals_have_the_words_of_the_service(node, assistants, assistants_server):
    told = node(assistants_server, "errors.mjs")
    missing = "404 No assistant found with id 'asst_doesnotexist0000000000'."
    assert told["missing"] == {"name": "NotFoundError", "status": 404, "message": missing}
    locked = f"400 Can't add messages to {told['thread']} while a run {told['run']} is active."
    assert told["locked"] == {"name": "BadRequestError", "status": 400, "message": locked}
    assert told["cancelled"] == "cancelling"
    assert told["waits"] == []


def test_a_failure_of_the_harness_comes_at_once(node, assistants, assistants_server):
    told = node(assistants_server, "failure.mjs")
    assert (told["name"], told["status"], told["waits"]) == ("BadRequestError", 400, [])
    [failure] = assistants.failures  # and not three, as after retries
    assert told["message"] == f"400 {failure}"
    assert str(failure).startswith("POST /responses is not served: the fake serves the Assistants API only.")
    assistants.failures.clear()  # expected, so it need not fail the test once more at its end


# --- the control API ---------------------------------------------------------------------------------------------


def test_a_program_scripts_the_fake_itself(node):
    serving = pytest.importorskip("harness.serving")
    with serving.serve() as server:
        told = node(server, "controlling.mjs")
        [run] = server.worlds.for_key(server.key).runs
    assert (told["run"], told["statuses"], told["by"]) == (run.id, ["queued", "expired"], "clock")
    assert told["requests"] == [
        f"POST /v1/{path}" for path in ("assistants", "threads", f"threads/{run.thread_id}/runs")
    ]
    assert "Weather in Oslo?" in told["transcript"]
    assert "say" in told["mistake"]
    assert told["unused"] is None
