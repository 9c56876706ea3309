"""Cassettes as data for a page: what was seen, when, and nothing that was not."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sample_conversations import CHART, Talk, analysis, day, reading, recorded, weather

from harness import FakeAssistants, Request, call, fake_assistants, say, truncate
from harness.recording.exchanges import RecordedExchange, by_conversation
from harness.recording.session import Session
from harness.report.data import world as world_of_fake
from harness.report.page import page
from harness.service.http import Response
from harness.service.lifecycle import RUN, terminal

if TYPE_CHECKING:
    from collections.abc import Iterator

pytest.importorskip("yaml")

from harness.recording.cassettes import read, write
from harness.recording.reporting import report, world

SHIPPED = sorted(Path(__file__).parents[2].joinpath("cassettes").glob("*.yaml"))
NOON = 1_762_171_200.0


@pytest.fixture
def fake() -> Iterator[FakeAssistants]:
    with fake_assistants() as fake:
        yield fake


def session(fake: FakeAssistants) -> Session:
    return Session.of(recorded(fake))


def said(shown: dict[str, Any], kind: str, thread: int = 0) -> list[dict[str, Any]]:
    return [each[kind] for each in shown["threads"][thread]["said"] if kind in each]


def look(fake: FakeAssistants, path: str, method: str = "GET", body: bytes = b"") -> Any:
    headers = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2", "content-type": "application/json"}
    return fake.answer(Request(method, f"https://api.openai.com/v1{path}", headers, body))


@pytest.mark.parametrize("tell", [weather, analysis, reading])
def test_a_cassette_shows_what_the_fake_shows(fake, tell):
    """Where the client has looked at everything, both tell the same, but for what no answer tells."""
    talk = Talk(fake, name="Ada", tools=[{"type": "code_interpreter"}, {"type": "file_search"}])
    thread = tell(talk)
    everything(fake, thread)
    shown, from_cassette = world_of_fake(fake), world(session(fake))
    assert from_cassette["source"] == "cassette"
    assert comparable(from_cassette) == comparable(shown)


def everything(fake: FakeAssistants, thread: str) -> None:
    """Look at all that a client can see of a thread."""
    look(fake, f"/threads/{thread}/messages?limit=100&order=asc")
    for run in fake.runs:
        look(fake, f"/threads/{thread}/runs/{run.id}")
        look(
            fake,
            f"/threads/{thread}/runs/{run.id}/steps?include[]=step_details.tool_calls[*].file_search.results[*].content",
        )
    for file in fake.world.store.files:
        look(fake, f"/files/{file.id}")
        look(fake, f"/files/{file.id}/content")
    for store in fake.world.store.vector_stores:
        look(fake, f"/vector_stores/{store.id}")
        look(fake, f"/vector_stores/{store.id}/files")


def comparable(shown: dict[str, Any]) -> dict[str, Any]:
    """Without what answers do not tell (who moved a run and why) or tell more fully (tools), and without requests."""
    kept = json.loads(json.dumps({name: shown[name] for name in ("assistants", "threads", "files", "stores")}))
    things = [thing for thread in kept["threads"] for each in thread["said"] for thing in each.values()]
    moments = [moment for thing in things for moment in thing.get("moments", ())]
    for item in (*kept["assistants"], *kept["threads"], *things, *moments):
        for name in ("by", "because", "script", "tools", "tool_resources"):
            item.pop(name, None)
    return dict(kept)


def test_statuses_are_those_that_were_seen(fake):
    """A client that looks once a minute misses some, and nobody makes them up."""
    talk = Talk(fake)
    thread = talk.thread()
    fake.next_run(say("Hello."))
    run = talk.api.runs.create(thread, assistant_id=talk.assistant.id)
    fake.clock.advance(60)
    talk.api.runs.retrieve(run.id, thread_id=thread)
    [seen] = said(world(session(fake)), "run")
    assert [(moment["status"], moment["at"] - NOON) for moment in seen["moments"]] == [("queued", 0), ("completed", 3)]
    assert {moment["by"] for moment in seen["moments"]} == {None}


def test_a_status_that_no_answer_stamps_has_the_time_of_the_answer(fake):
    talk = Talk(fake)
    thread = talk.thread()
    fake.next_run(call("f"))
    run = talk.api.runs.create(thread, assistant_id=talk.assistant.id)
    fake.clock.advance(30)
    talk.api.runs.retrieve(run.id, thread_id=thread)
    [seen] = said(world(session(fake)), "run")
    assert [(moment["status"], moment["at"] - NOON) for moment in seen["moments"]][-1] == ("requires_action", 30)
    without = Session.of([replace(item, at=None) for item in recorded(fake)])
    [seen] = said(world(without), "run")
    assert [moment["at"] for moment in seen["moments"]] == [NOON, None]


def test_a_thread_that_the_client_deleted_is_shown_as_deleted(fake):
    talk = Talk(fake)
    gone, there = talk.thread(), talk.thread()
    talk.ask(gone, "Are you there?", say("Not for long."))
    everything(fake, gone)
    talk.api.delete(gone)
    assert look(fake, f"/threads/{gone}", "DELETE").status == 404
    assert fake.answer(Request("DELETE", f"https://api.openai.com/v1/threads/{there}")).status == 401
    shown, from_cassette = world_of_fake(fake), world(session(fake))
    assert [(each["id"], each["deleted"]) for each in from_cassette["threads"]] == [(gone, True), (there, False)]
    assert comparable(from_cassette) == comparable(shown)


def test_only_the_first_time_in_the_queue_is_stamped(fake):
    talk = Talk(fake)
    thread = talk.thread()
    run = talk.ask(thread, "Hi!", call("f"), say("Hello."))
    fake.clock.advance(30)
    [asked] = run.required_action.submit_tool_outputs.tool_calls
    outputs: list[Any] = [{"tool_call_id": asked.id, "output": "1"}]
    talk.api.runs.submit_tool_outputs_and_poll(run_id=run.id, thread_id=thread, tool_outputs=outputs)
    [seen] = said(world(session(fake)), "run")
    assert [moment["at"] - NOON for moment in seen["moments"]] == [0, 1, 3, 33, 34, 36]


def test_the_status_of_a_message_that_only_a_stream_told_is_kept(fake):
    talk = Talk(fake)
    thread = talk.thread()
    fake.next_run(say("Hello there."), truncate())
    body = json.dumps({"assistant_id": talk.assistant.id, "stream": True}).encode()
    response = look(fake, f"/threads/{thread}/runs", "POST", body)
    told = b"".join(iter(response.body.read, None))
    *before, last = recorded(fake)
    stream = replace(last, response=Response(200, {"content-type": "text/event-stream"}, told))
    look(fake, f"/threads/{thread}/messages")
    [message] = said(world(Session.of([*before, stream, recorded(fake)[-1]])), "message")
    assert (message["status"], message["why"]) == ("incomplete", "max_tokens")


@pytest.mark.parametrize("looked_at_steps", [False, True])
def test_calls_are_shown_with_what_was_submitted_even_if_no_step_was_seen(fake, looked_at_steps):
    talk = Talk(fake)
    run = talk.ask(talk.thread(), "Hi!", call("f", x=1), say("Hello."), outputs={'{"x":1}': "one"})
    if looked_at_steps:
        talk.api.runs.steps.list(run.id, thread_id=run.thread_id)
    [seen] = said(world(session(fake)), "run")
    steps = [called for step in seen["steps"] for called in step["calls"]]
    [called] = steps if looked_at_steps else seen["calls"]
    assert (called["name"], called["output"]) == ("f", "one")
    assert not (steps and seen["calls"])


@pytest.mark.parametrize("kept", [b"", b"[]", b"{}"], ids=["nothing", "a-list", "no-outputs"])
def test_outputs_that_were_not_kept_are_not_known(fake, kept):
    talk = Talk(fake)
    talk.ask(talk.thread(), "Hi!", call("f"), say("Hello."), outputs={"{}": "one"})
    told = [
        replace(item, request=replace(item.request, body=kept)) if "submit" in item.request.path else item
        for item in recorded(fake)
    ]
    [seen] = said(world(Session.of(told)), "run")
    assert [each["output"] for each in seen["calls"]] == [None]


def test_a_call_that_waits_is_shown_once(fake):
    talk = Talk(fake)
    talk.ask(talk.thread(), "Hi!", call("f"))
    [seen] = said(world(session(fake)), "run")
    assert ([each["name"] for each in seen["waits_for"]], seen["calls"]) == (["f"], [])


def test_time_goes_on_where_two_clocks_disagree(fake):
    talk = Talk(fake)
    talk.ask(talk.thread(), "Hi!", call("f"), say("Hello."), outputs={"{}": "1"})
    early = Session.of([replace(item, at=item.at - 100) for item in recorded(fake)])
    [seen] = said(world(early), "run")
    times = [moment["at"] for moment in seen["moments"]]
    assert times == sorted(times)


def test_a_list_that_shows_an_older_status_moves_nothing_back(
    fake,
):
    run = {
        "object": "thread.run",
        "id": "run_abc",
        "created_at": 1,
        "thread_id": "thread_abc",
        "assistant_id": "asst_abc",
    }
    answers = [{**run, "status": status} for status in ("queued", "completed", "queued")]
    exchanges = [answered("/threads/thread_abc/runs/run_abc", answer) for answer in answers]
    [seen] = said(world(Session.of(exchanges)), "run")
    assert [moment["status"] for moment in seen["moments"]] == ["queued", "completed"]
    assert seen["status"] == "completed"


def answered(
    path: str, answer: Any, *, method: str = "GET", status: int = 200, at: float | None = None
) -> RecordedExchange:
    got = Response(status, {"content-type": "application/json"}, json.dumps(answer).encode())
    return RecordedExchange(Request(method, f"https://api.openai.com/v1{path}"), got, at, "made up")


def test_a_stream_that_broke_off_shows_what_it_told(fake):
    talk = Talk(fake)
    thread = talk.thread()
    fake.next_run(say("Hello there."))
    body = json.dumps({"assistant_id": talk.assistant.id, "stream": True}).encode()
    response = look(fake, f"/threads/{thread}/runs", "POST", body)
    whole = b"".join(iter(response.body.read, None))
    told = whole[: whole.index(b"event: thread.message.completed")]
    *before, last = recorded(fake)
    stream = replace(last, response=Response(200, {"content-type": "text/event-stream"}, told))
    shown = world(Session.of([*before, stream]))
    [message] = said(shown, "message")
    assert (message["status"], message["parts"][0]["pieces"]) == ("in_progress", [{"text": "Hello there."}])
    assert [moment["status"] for moment in said(shown, "run")[0]["moments"]] == ["queued", "in_progress"]
    assert shown["requests"][-1]["got"]["about"].startswith("events, ")


def test_uploads_and_downloads_are_shown(fake):
    client = fake.client()
    client.files.create(file=("a.png", CHART), purpose="vision")
    old = fake.add_file(content=b"a,b\n", filename="b.csv", purpose="assistants_output")
    client.files.content(old.id)
    uploaded, downloaded = sorted(world(session(fake))["files"], key=lambda file: file["name"], reverse=True)
    assert uploaded["image"].startswith("data:image/png;base64,")
    assert (downloaded["id"], downloaded["text"]) == (old.id, "a,b\n")


def test_a_refusal_says_what_it_said(
    fake,
):
    refused = answered("/threads/thread_abc", {"error": {"message": "No thread found."}}, status=404)
    [request] = world(Session.of([refused]))["requests"]
    assert (request["status"], request["outcome"], request["problem"]) == (404, "404", "No thread found.")


def test_an_empty_session():
    shown = world(Session.of([]))
    assert (shown["start"], shown["now"], shown["threads"], shown["requests"]) == (None, None, [], [])


def test_a_path_will_do(fake, tmp_path):
    talk = Talk(fake)
    talk.ask(talk.thread(), "Hi!", say("Hello."))
    write(tmp_path / "a.yaml", recorded(fake))
    assert world(tmp_path / "a.yaml") == world(session(fake))


# --- the page -------------------------------------------------------------------------------------------------------


def worlds_of(document: str) -> dict[str, Any]:
    found = re.search(r'id="data">(.*?)</script>', document, re.DOTALL)
    assert found is not None
    return dict(json.loads(found[1])["worlds"])


def test_each_conversation_is_a_world(
    fake,
):
    document = report(SHIPPED)
    assert [name.partition(" ")[0] for name in worlds_of(document)] == [path.name for path in SHIPPED]
    assert f"<title>{len(SHIPPED)} cassettes</title>" in document


def test_cassettes_of_one_name_are_shown_with_their_paths(tmp_path):
    talk = Talk(FakeAssistants())
    paths = [tmp_path / "a" / "c.yaml", tmp_path / "b" / "c.yaml"]
    for path in paths:
        path.parent.mkdir()
        write(path, recorded(talk.fake))
    assert list(worlds_of(report(paths))) == [str(path) for path in paths]
    assert "<title>c.yaml</title>" in report(paths[:1])


def test_what_cannot_be_read_is_reported_once(shared):
    path = shared / "recordings" / "bodies.jsonl"
    skipped: list[str] = []
    read(path, skipped)
    told = [failure for shown in worlds_of(report([path])).values() for failure in shown["failures"]]
    assert told == skipped != []


def test_every_recording_becomes_a_page(shared):
    """Each run is there with the last status that it was seen in, and all of it is JSON."""
    files = sorted([*shared.glob("recordings/*.jsonl"), *shared.glob("recordings/raw/*/*")])
    assert files
    for path in files:
        for exchanges in by_conversation(read(path)).values():
            of_it = Session.of(exchanges)
            shown = world(of_it)
            json.dumps(shown, allow_nan=False)
            runs = {run["id"]: run for place in range(len(shown["threads"])) for run in said(shown, "run", place)}
            seen = {run_id for run_id, story in of_it.stories.items() if story.run}
            assert set(runs) == seen
            for run in runs.values():
                assert run["moments"][-1]["status"] == run["status"] or run["status"] not in terminal(RUN)


def test_a_whole_day_is_one_page_of_a_modest_size(fake):
    day(fake)
    assert len(page({"day": world(session(fake))}, title="day").encode()) < 300_000
