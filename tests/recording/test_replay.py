"""A recorded session answers a client, exactly as recorded or live (DESIGN §3, "Record and replay")."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import replace
from urllib.parse import quote

import pytest
from recorded_sessions import BASE, HEAD, Client, converse, events, record_session

from harness import (
    FakeAssistants,
    HarnessFailure,
    Request,
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
from harness.options import make_options
from harness.recording import Cassette
from harness.recording.cassettes import write
from harness.recording.exchanges import RecordedExchange
from harness.recording.matching import normalized
from harness.recording.redaction import Redactor
from harness.recording.session import Session

FILE = "file-AbCdEfGhIjKlMnOpQrStUv"
SHOW_RESULTS = "step_details.tool_calls[*].file_search.results[*].content"
FOUND = [{"file_id": FILE, "file_name": "a.txt", "score": 0.5, "content": [{"type": "text", "text": "So."}]}]
ADA = {"model": "gpt-4o", "name": "Ada"}
STORIES = {
    "plain": ((say("Hello, 세계."),), ()),
    "citations": ((search(), say("So 【1†a.txt】.", citations={"【1†a.txt】": FILE})), ()),
    "images": (
        (
            run_code("plot()", images=["file-AbCdEfGhIjKlMnOpQrStUv"]),
            say("See.", images=["file-AbCdEfGhIjKlMnOpQrStUv"]),
        ),
        (),
    ),
    "code": ((run_code("6 * 7", logs="42"), say("42")), ()),
    "several messages": ((say("One."), run_code("2"), say("Two."), say("Three.")), ()),
    "a call": ((call("f", x=1), say("4")), ("2",)),
    "parallel calls": ((calls(call("f"), call("g")), call("h"), say("done")), ("1", "2", "3")),
    "refusal": ((refuse("No."),), ()),
    "a cell, and not a word": ((run_code("6 * 7", logs="42"),), ()),
    "nothing": ((), ()),
    "failure": ((say("Well"), fail("rate_limit_exceeded")), ()),
    "failure behind a message": ((say("Well."), wait(1), fail()), ()),
    "incomplete": ((say("It is"), truncate()), ()),
    "cancelled by somebody": ((say("It is"), cancel()), ()),
    "expired": ((say("It is"), wait(1), hang()), ()),
}


@pytest.fixture(params=STORIES, ids=str)
def story(request):
    return STORIES[request.param]


@pytest.fixture
def cassette(tmp_path):
    """Writes exchanges to a file; its path."""

    def written(exchanges):
        path = tmp_path / "session.yaml"
        write(path, exchanges)
        return path

    return written


def replaying(path, **how):
    fake = FakeAssistants()
    fake.replay(path, **how)
    return Client(fake)


@pytest.mark.parametrize("was_streamed", [False, True], ids=["polled", "streamed"])
@pytest.mark.parametrize("streams", [False, True], ids=["polls", "streams"])
@pytest.mark.parametrize("extra", [0, 2])
def test_a_session_is_replayed_however_the_client_asks(cassette, story, was_streamed, streams, extra):
    acts, outputs = story
    recorded = record_session(*acts, outputs=outputs, stream=was_streamed)
    again = replaying(cassette(recorded))
    came = converse(again, outputs=outputs, stream=streams, extra=extra)
    fake = FakeAssistants()
    fake.next_run(*acts)
    original = converse(Client(fake), outputs=outputs, stream=was_streamed)
    assert came == original  # the same seed gave the recording the same ids
    assert again.fake.unused() is None


def test_a_stream_is_replayed_event_by_event(cassette, story):
    """What lists show after the stream, without the statuses that only events have, takes nothing of it away."""
    acts, outputs = story
    recorded = record_session(*acts, outputs=outputs, stream=True)
    again = replaying(cassette(recorded))
    converse(again, outputs=outputs, stream=True)
    streams = [
        [item.response_body for item in came if item.response_body.startswith(b"event: ")]
        for came in (again.recorded, recorded)
    ]
    ours, theirs = ([[name for name, _ in events(raw)] for raw in stream] for stream in streams)
    assert ours == theirs


# --- what a session cannot answer ---------------------------------------------------------------------------


def test_another_prompt_is_a_miss_that_shows_the_difference(cassette):
    client = replaying(cassette(record_session(say("Hello."))))
    with pytest.raises(HarnessFailure) as raised:
        converse(client, question="Hey?")
    text = str(raised.value)
    assert "was not recorded like this" in text
    assert '-  "content": "Hi?"' in text.replace("- ", "-  ").replace("-   ", "-  ")
    assert '"content": "Hey?"' in text
    assert "on_miss" in text
    assert client.fake.failures == [raised.value]


def test_other_tool_outputs_are_a_miss(cassette):
    client = replaying(cassette(record_session(call("f"), say("4"), outputs=["2"])))
    with pytest.raises(HarnessFailure, match="submit_tool_outputs was not recorded like this"):
        converse(client, outputs=["3"])


def test_one_object_more_than_was_recorded_is_a_miss(cassette):
    client = replaying(cassette(record_session(say("Hello."))))
    converse(client)
    with pytest.raises(HarnessFailure, match="no recording of it is left"):
        client.send("POST", "/assistants", ADA)


@pytest.mark.parametrize(
    "path", ["/threads/thread_abcdefghijklmnopqrstuvwx", "/assistants/asst_abcdefghijklmnopqrstuvwx"]
)
def test_an_unknown_id_is_a_miss(cassette, path):
    client = replaying(cassette(record_session(say("Hello."))))
    with pytest.raises(HarnessFailure, match="names something the session does not hold"):
        client.send("GET", path)


CREATING = """
    assistants threads threads/runs threads/{thread}/messages threads/{thread}/runs
    threads/{thread}/runs/{run}/submit_tool_outputs files vector_stores vector_stores/{store}/files
    vector_stores/{store}/file_batches
"""


@pytest.mark.parametrize("path", CREATING.split())
def test_nothing_is_created_that_was_not_recorded(cassette, path):
    def make(client):
        made = (client.ok("POST", "/threads", {}), client.ok("POST", "/vector_stores", {"name": "one"}))
        return dict(zip(("thread", "store"), (item["id"] for item in made), strict=True))

    writer = Client(FakeAssistants())
    make(writer)
    client = replaying(cassette(writer.recorded))
    path = path.format(run="run_abcdefghijklmnopqrstuvwx", **make(client))
    with pytest.raises(HarnessFailure, match=r"was not recorded like this\."):
        client.send("POST", f"/{path}", {"metadata": {"of": "ada"}})


def test_a_miss_may_fall_through_to_scripts(cassette):
    client = replaying(cassette(record_session(say("Hello."))), on_miss="script")
    assert converse(client)["said"][-1][1][0]["text"]["value"] == "Hello."
    client.fake.next_run(say("Made up."))
    assert converse(client, question="And now?")["said"][-1][1][0]["text"]["value"] == "Made up."
    assert client.send("GET", "/threads/thread_abcdefghijklmnopqrstuvwx")[0] == 404


def test_scripts_and_faults_of_before_stay(cassette):
    fake = FakeAssistants()
    fake.next_run(say("Scripted."))
    fake.faults.status(503)
    fake.replay(cassette(record_session(say("Hello."))), on_miss="script")
    client = Client(fake)
    assert client.send("POST", "/assistants", ADA)[0] == 503
    assert converse(client)["said"][-1][1][0]["text"]["value"] == "Hello."
    assert converse(client, question="And now?")["said"][-1][1][0]["text"]["value"] == "Scripted."


def test_what_was_added_before_would_be_gone(cassette):
    path = cassette(record_session(say("Hello.")))
    fake = FakeAssistants()
    fake.add_file(content=b"x")
    with pytest.raises(HarnessFailure, match=r"(?s)replay\(…\) replaces all objects.*first, and then"):
        fake.replay(path)
    fake.replay(path, mode="exact")
    assert [file.content for file in fake.world.store.files] == [b"x"]


@pytest.mark.parametrize("mode", ["live", "exact"])
def test_requests_can_be_repeated_after_a_restore(cassette, mode):
    client = replaying(cassette(record_session(say("Hello."))), mode=mode)
    before = client.fake.snapshot()
    came = converse(client)
    after = client.fake.snapshot()
    client.fake.restore(before)
    assert client.fake.unused() is not None
    assert converse(client) == came
    client.fake.restore(after)
    assert client.fake.unused() is None


def test_one_session_after_another(cassette):
    path = cassette(record_session(say("Hello.")))
    fake = FakeAssistants()
    fake.replay(path)
    fake.replay(path)
    assert converse(Client(fake))["said"][-1][1][0]["text"]["value"] == "Hello."


def test_exact_replay_leaves_a_miss_to_scripts_too(cassette):
    recorded = record_session(say("Hello."))
    client = replaying(cassette(recorded), mode="exact", on_miss="script")
    assert client.ok("POST", "/assistants", ADA) == json.loads(recorded[0].response_body)
    assert client.ok("POST", "/assistants", {"model": "gpt-4o", "name": "Eve"})["name"] == "Eve"
    assert client.ok("POST", "/assistants", ADA)["id"] != json.loads(recorded[0].response_body)["id"]


@pytest.mark.parametrize("choice", [{"mode": "sometimes"}, {"on_miss": "shrug"}], ids=str)
def test_a_choice_that_does_not_exist_is_refused(cassette, choice):
    with pytest.raises(HarnessFailure, match="is not a valid choice") as raised:
        replaying(cassette(record_session(say("Hello."))), **choice)
    assert repr(next(iter(choice.values()))) in str(raised.value)
    assert "The choices are" in str(raised.value)


def test_exchanges_that_were_not_requested_are_a_failure(cassette):
    client = replaying(cassette(record_session(say("Hello."))))
    client.ok("POST", "/assistants", {"name": "Ada", "model": "gpt-4o", "metadata": None, "tools": []})
    failure = str(client.fake.unused())
    assert "Recorded exchanges were not requested" in failure
    assert "POST /threads (" in failure
    assert "POST /assistants" not in failure


# --- what does not depend on the story -----------------------------------------------------------------------


def answered(recorded_exchange, status, body, **headers):
    response = replace(recorded_exchange.response, status=status, body=json.dumps(body).encode())
    return replace(recorded_exchange, response=replace(response, headers={**response.headers, **headers}))


def test_transient_errors_are_replayed_once_where_they_were_recorded(cassette):
    recorded = record_session(say("Hello."))
    busy = answered(recorded[0], 429, {"error": {"message": "slow down"}}, **{"retry-after": "2"})
    down = answered(recorded[4], 503, {"error": {"message": "down"}})
    client = replaying(cassette([busy, *recorded[:4], down, *recorded[4:]]))
    assert client.send("POST", "/assistants", ADA) == (
        429,
        {"error": {"message": "slow down"}},
    )
    assistant = client.ok("POST", "/assistants", ADA)
    thread = client.ok("POST", "/threads", {})
    client.ok("POST", f"/threads/{thread['id']}/messages", {"role": "user", "content": "Hi?"})
    run = client.ok("POST", f"/threads/{thread['id']}/runs", {"assistant_id": assistant["id"]})
    path = f"/threads/{thread['id']}/runs/{run['id']}"
    assert client.send("GET", path)[0] == 503
    assert client.poll(run)["status"] == "completed"


@pytest.mark.parametrize(
    ("status", "again"),
    [(400, False), (401, True), (403, True), (404, False), (408, True), (409, True), (429, True), (500, True)],
)
def test_an_error_is_replayed_once_if_no_state_explains_it(cassette, status, again):
    writer = Client(FakeAssistants())
    path = f"/assistants/{writer.ok('POST', '/assistants', ADA)['id']}"
    writer.ok("GET", path)
    recorded = [writer.recorded[0], answered(writer.recorded[1], status, {"error": {"message": "no"}})]
    client = replaying(cassette(recorded))
    client.ok("POST", "/assistants", ADA)
    assert [client.send("GET", path)[0] for _ in range(2)] == [status if again else 200, 200]


def test_a_refusal_is_given_again(cassette):
    recorded = record_session(say("Hello."))
    no = answered(recorded[0], 400, {"error": {"message": "no such model"}})
    client = replaying(cassette([no]))
    assert client.send("POST", "/assistants", ADA) == (
        400,
        {"error": {"message": "no such model"}},
    )


def test_a_client_that_does_not_wait_for_a_run_is_refused(cassette):
    fake = FakeAssistants()
    fake.every_run(say("Hello."))
    writer = Client(fake)
    converse(writer)
    thread = fake.threads[0].id
    writer.ok("POST", f"/threads/{thread}/messages", {"role": "user", "content": "More?"})
    client = replaying(cassette(writer.recorded))
    assistant = client.ok("POST", "/assistants", ADA)
    assert client.ok("POST", "/threads", {})["id"] == thread
    client.ok("POST", f"/threads/{thread}/messages", {"role": "user", "content": "Hi?"})
    run = client.ok("POST", f"/threads/{thread}/runs", {"assistant_id": assistant["id"]})
    more = ("POST", f"/threads/{thread}/messages", {"role": "user", "content": "More?"})
    status, answer = client.send(*more)
    assert (status, answer["error"]["message"][:18]) == (400, "Can't add messages")
    client.poll(run)
    assert client.ok(*more)["id"] == json.loads(writer.recorded[-1].response_body)["id"]


def test_a_thread_that_was_made_with_its_run(cassette):
    fake = FakeAssistants()
    writer = Client(fake)
    body = {"assistant_id": fake.add_assistant("asst_abcdefghijklmnopqrstuvwx").id}
    body["thread"] = {"messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]}
    run = writer.poll(writer.ok("POST", "/threads/runs", body))
    path = f"/threads/{run['thread_id']}/messages"
    listed = writer.ok("GET", path)
    client = replaying(cassette(writer.recorded))
    again = client.poll(client.ok("POST", "/threads/runs", body))
    assert (again["id"], again["thread_id"]) == (run["id"], run["thread_id"])
    assert [item["id"] for item in client.ok("GET", path)["data"]] == [item["id"] for item in listed["data"]]


@pytest.mark.parametrize("shown", [9, 2], ids=["all were listed", "one was not listed"])
@pytest.mark.parametrize("older", [False, True], ids=["in a new thread", "in one that was there before"])
def test_messages_that_came_with_their_run_come_once(cassette, older, shown):
    """The answer to the request does not show them; a list does."""
    new = {"messages": [{"role": "user", "content": text} for text in ("one", "two", "one")]}
    writer = Client(FakeAssistants())
    image = {"type": "image_file", "image_file": {"file_id": writer.fake.add_file("a.png", content=b"-").id}}
    body = {"assistant_id": writer.fake.add_assistant("asst_abcdefghijklmnopqrstuvwx").id}
    parts = [{"type": "text", "text": "two"}, image]
    body["additional_messages"] = [{"role": "user", "content": content} for content in ("one", parts)]
    thread = writer.ok("POST", "/threads", new)["id"]
    if older:
        writer.recorded.clear()

    def ids_after_run(client):
        client.poll(client.ok("POST", f"/threads/{thread}/runs", body))
        return [item["id"] for item in client.ok("GET", f"/threads/{thread}/messages?limit={shown}")["data"]]

    listed = ids_after_run(writer)
    client = replaying(cassette(writer.recorded))
    if not older:
        client.ok("POST", "/threads", new)
    assert (ids_after_run(client) == listed) == (shown == 9)
    assert len(client.fake.threads[0].messages) == (3 if older and shown == 2 else 6)


def test_messages_that_say_something_else_did_not_come_with_the_run():
    """As where a filter changed the request and not the list."""
    writer = Client(FakeAssistants())
    thread = writer.ok("POST", "/threads", {})["id"]
    body = {"assistant_id": writer.fake.add_assistant().id}
    body["additional_messages"] = [{"role": "user", "content": "my secret"}]
    run = writer.poll(writer.ok("POST", f"/threads/{thread}/runs", body))
    writer.ok("GET", f"/threads/{thread}/messages")

    def added(content):
        sent = [
            replace(item.request, body=item.request.body.replace(b"my secret", content)) for item in writer.recorded
        ]
        exchanges = [replace(item, request=request) for item, request in zip(writer.recorded, sent, strict=True)]
        return len(Session.of(exchanges).additional_message_ids[run["id"]])

    assert (added(b"my secret"), added(b"REDACTED")) == (1, 0)


@pytest.mark.parametrize("tool", [run_code("1", logs="1"), search(results=FOUND)], ids=["code", "search"])
def test_objects_from_before_the_recording_exist(cassette, tool):
    """An assistant, a thread and a run that the recording uses and did not make."""
    fake = FakeAssistants()
    fake.next_run(tool, say("Hello."))
    first = Client(fake)
    converse(first)
    later = Client(fake)
    thread, run = fake.threads[0].id, fake.runs[0].id
    asked = [
        f"/assistants/{fake.runs[0].assistant_id}",
        f"/threads/{thread}",
        f"/threads/{thread}/messages",
        f"/threads/{thread}/runs/{run}",
        f"/threads/{thread}/runs/{run}/steps",
        f"/threads/{thread}/runs/{run}/steps?include[]={SHOW_RESULTS}",
    ]
    answers = [later.ok("GET", path) for path in asked]
    client = replaying(cassette(later.recorded))
    assert [client.ok("GET", path) for path in asked] == answers
    with pytest.raises(HarnessFailure, match="was not recorded like this"):
        client.send("POST", f"/threads/{thread}/messages", {"role": "user", "content": "new"})


def with_stores(client, extra=0):
    """Create stores in every way, with a file of the conversation, and poll `extra` times more; what came of them."""
    file = client.fake.world.store.files.get(A_TEXT) or client.fake.add_file(
        id=A_TEXT, content=b"tea", filename="a.txt"
    )
    store = client.ok("POST", "/vector_stores", {"name": "papers"})["id"]
    client.ok("POST", f"/vector_stores/{store}/files", {"file_id": file.id, "attributes": {"a": 1}})
    batch = client.ok("POST", f"/vector_stores/{store}/file_batches", {"file_ids": [file.id]})["id"]
    helper = {"tool_resources": {"file_search": {"vector_stores": [{"file_ids": [file.id]}]}}}
    [of_thread] = client.ok("POST", "/threads", helper)["tool_resources"]["file_search"]["vector_store_ids"]
    for _ in range(3 + extra):
        client.ok("GET", f"/vector_stores/{store}/file_batches/{batch}")
    stores = [client.ok("GET", f"/vector_stores/{found}") for found in (store, of_thread)]
    listed = client.ok("GET", f"/vector_stores/{store}/files")["data"]
    keys = ("id", "name", "status", "file_counts")
    return batch, [[item[key] for key in keys] for item in stores], [(item["id"], item["status"]) for item in listed]


A_TEXT = "file-abcdefghijklmnopqrstuv"


@pytest.mark.parametrize("order", ["asc", "desc"])
@pytest.mark.parametrize("seconds", [0, 5], ids=["of one second", "of different seconds"])
def test_objects_from_before_the_recording_keep_their_order(cassette, seconds, order):
    writer = Client(FakeAssistants())
    for name in ("one", "two", "three"):
        writer.fake.add_assistant(name=name)
        writer.fake.clock.advance(seconds)
    listed = writer.ok("GET", f"/assistants?order={order}")
    assert replaying(cassette(writer.recorded)).ok("GET", f"/assistants?order={order}") == listed


def test_of_objects_from_before_the_recording_the_oldest_come_first_whichever_was_seen_first(cassette):
    writer = Client(FakeAssistants())
    ids = []
    for name in ("one", "two", "three"):
        ids.append(writer.fake.add_assistant(name=name).id)
        writer.fake.clock.advance(5)
    for assistant_id in reversed(ids):
        writer.ok("GET", f"/assistants/{assistant_id}")
    listed = replaying(cassette(writer.recorded)).ok("GET", "/assistants?order=asc")
    assert [item["id"] for item in listed["data"]] == ids


@pytest.mark.parametrize("extra", [0, 2])
def test_stores_are_made_again_under_their_ids(cassette, extra):
    writer = Client(FakeAssistants())
    result = with_stores(writer)
    later = writer.ok("GET", "/vector_stores")["data"]
    client = replaying(cassette(writer.recorded))
    assert with_stores(client, extra) == result
    assert client.fake.unused() is None
    assert [item["id"] for item in client.ok("GET", "/vector_stores")["data"]] == [item["id"] for item in later]
    with pytest.raises(HarnessFailure, match="was not recorded like this"):
        client.send("POST", "/vector_stores", {"name": "others"})


def test_a_store_that_was_there_before_has_the_files_that_were_seen_in_it(cassette):
    writer = Client(FakeAssistants())
    with_stores(writer)
    [store] = [store for store in writer.fake.world.store.vector_stores if store.name == "papers"]
    later = Client(writer.fake)
    asked = [
        f"/vector_stores/{store.id}",
        f"/vector_stores/{store.id}/files",
        f"/vector_stores/{store.id}/files/{A_TEXT}",
    ]
    answers = [later.ok("GET", path) for path in asked]
    client = replaying(cassette(later.recorded))
    assert [client.ok("GET", path) for path in asked] == answers


def test_a_file_that_was_being_read_before_the_recording_is_ready_and_was_chunked_as_it_was(cassette):
    writer = Client(FakeAssistants())
    file = writer.fake.add_file("a.txt", content=b"text").id
    store = writer.ok("POST", "/vector_stores", {"name": "one"})["id"]
    chunks = {"type": "static", "static": {"max_chunk_size_tokens": 300, "chunk_overlap_tokens": 100}}
    files = f"/vector_stores/{store}/files"
    assert writer.ok("POST", files, {"file_id": file, "chunking_strategy": chunks})["status"] == "in_progress"
    later = Client(writer.fake)
    assert later.ok("GET", files)["data"][0]["status"] == "in_progress"
    [found] = replaying(cassette(later.recorded)).ok("GET", files)["data"]
    assert (found["status"], found["chunking_strategy"]) == ("completed", chunks)


@pytest.mark.parametrize("listed", [False, True], ids=["of which no file was seen", "of which some were seen"])
def test_a_store_that_was_there_before_has_the_counts_that_were_seen(cassette, listed):
    """CONTRACT §2.7: they stay true when a file is added, also if nothing else is known of the other files."""
    writer = Client(FakeAssistants())
    files = [writer.fake.add_file(content=b"tea", filename=name).id for name in ("a.txt", "b.docx", "c.txt")]
    store = writer.ok("POST", "/vector_stores", {"file_ids": files})["id"]
    writer.fake.clock.advance(1)
    new = writer.fake.add_file(content=b"tea", filename="d.txt").id
    later = Client(writer.fake)

    def session(client):
        before = client.ok("GET", f"/vector_stores/{store}")
        some = listed and client.ok("GET", f"/vector_stores/{store}/files/{files[0]}")
        client.ok("POST", f"/vector_stores/{store}/files", {"file_id": new})
        client.fake.clock.advance(1)
        after = client.ok("GET", f"/vector_stores/{store}")
        return [(item["status"], item["file_counts"]) for item in (before, after)], before["usage_bytes"], some

    original = session(later)
    assert original[0][1][1] == {"in_progress": 0, "completed": 3, "failed": 1, "cancelled": 0, "total": 4}
    assert session(replaying(cassette(later.recorded))) == original


def test_a_store_that_was_first_seen_after_a_file_was_added_counts_that_file_once(cassette):
    writer = Client(FakeAssistants())
    store = writer.ok("POST", "/vector_stores", {})["id"]
    file = writer.fake.add_file(content=b"tea", filename="a.txt").id
    later = Client(writer.fake)

    def session(client):
        client.ok("POST", f"/vector_stores/{store}/files", {"file_id": file})
        client.fake.clock.advance(1)
        return client.ok("GET", f"/vector_stores/{store}")["file_counts"]

    original = session(later)
    assert original["total"] == 1
    assert session(replaying(cassette(later.recorded))) == original


def test_routes_that_the_fake_does_not_serve_are_answered_from_the_recording(cassette):
    recorded = record_session(say("Hello."))[0]
    request = Request("GET", BASE + "/batches/batch_abc", HEAD)
    batch = replace(answered(recorded, 200, {"id": "batch_abc", "object": "batch"}), request=request)
    client = replaying(cassette([batch]))
    assert client.ok("GET", "/batches/batch_abc")["id"] == "batch_abc"
    with pytest.raises(HarnessFailure, match="is not served"):
        client.send("GET", "/batches/batch_abc")


# --- exact --------------------------------------------------------------------------------------------------


def test_exactly_the_same_requests_get_exactly_the_same_answers(cassette, story):
    acts, outputs = story
    recorded = record_session(*acts, outputs=outputs)
    client = replaying(cassette(recorded), mode="exact")
    converse(client, outputs=outputs)
    assert [exchange.response.body for exchange in client.recorded] == [exchange.response.body for exchange in recorded]
    assert client.fake.unused() is None


@pytest.mark.parametrize("mode", ["live", "exact"])
def test_headers_that_are_no_longer_true_of_a_whole_and_decoded_body_are_left_out(cassette, mode):
    """A client would try to decode it again, or wait for more of it."""
    about = {"content-type": "application/json", "x-request-id": "req_1"}
    of_transfer = {"content-encoding": "gzip", "transfer-encoding": "chunked", "connection": "close"}
    request = Request("GET", f"{BASE}/batches/batch_abc", HEAD)
    answer = Response(200, {**about, **of_transfer, "content-length": "9"}, b'{"id": "b"}')
    client = replaying(cassette([RecordedExchange(request, answer, None, "made up")]), mode=mode)
    assert client.fake.answer(request).headers == {**about, "content-length": "11"}


def test_one_poll_more_than_was_recorded_is_a_miss(cassette):
    client = replaying(cassette(record_session(say("Hello."))), mode="exact")
    with pytest.raises(HarnessFailure, match="It was recorded 2 times, and no recording of it is left"):
        converse(client, extra=1)


def test_a_repeated_request_is_counted_apart_from_others_to_its_endpoint(cassette):
    writer = Client(FakeAssistants())
    threads = [{"metadata": {"user": user}} for user in ("ada", "bob", "ada")]
    for body in threads:
        writer.ok("POST", "/threads", body)
    client = replaying(cassette(writer.recorded), mode="exact")
    for body in threads:
        client.ok("POST", "/threads", body)
    repeated = r"It was recorded 2 times, and no recording of it is left: the last is POST /threads \(.* \[2\]\)\."
    with pytest.raises(HarnessFailure, match=repeated):
        client.send("POST", "/threads", threads[0])
    with pytest.raises(HarnessFailure, match="It was recorded once, and no recording of it is left"):
        client.send("POST", "/threads", threads[1])


def test_one_poll_less_is_a_failure(cassette):
    recorded = record_session(say("Hello."))
    client = replaying(cassette(recorded), mode="exact")
    for exchange in recorded[:-1]:
        path = exchange.request.url.removeprefix(BASE)
        client.send(exchange.request.method, path, json.loads(exchange.request_body) if exchange.request_body else None)
    assert "/messages (" in str(client.fake.unused())


@pytest.mark.parametrize("mode", ["live", "exact"])
def test_each_request_gets_the_answer_to_its_own_body(cassette, mode):
    writer = Client(FakeAssistants())
    ids = {user: writer.ok("POST", "/threads", {"metadata": {"user": user}})["id"] for user in ("ada", "bob")}
    client = replaying(cassette(writer.recorded), mode=mode)
    assert client.ok("POST", "/threads", {"metadata": {"user": "bob"}})["id"] == ids["bob"]
    with pytest.raises(HarnessFailure, match="was not recorded like this"):
        client.send("POST", "/threads", {"metadata": {"user": "eve"}})
    assert client.ok("POST", "/threads", {"metadata": {"user": "ada"}})["id"] == ids["ada"]


def test_the_query_counts(cassette):
    client = replaying(cassette(record_session(say("Hello."))), mode="exact")
    thread = client.ok("POST", "/assistants", ADA) and client.ok("POST", "/threads", {})
    with pytest.raises(HarnessFailure, match="was not recorded like this") as raised:
        client.send("GET", f"/threads/{thread['id']}/messages?order=desc")
    assert re.search(r'- +"asc"\n +\+ +"desc"', str(raised.value))


# --- files, and what the fake cannot make again --------------------------------------------------------------


def upload(client, content, name="a.csv", boundary="one"):
    """A form as a client writes it, with a boundary of its own."""
    form = "".join(
        f"--{boundary}\r\nContent-Disposition: form-data; {about}\r\n\r\n{text}\r\n"
        for about, text in (('name="purpose"', "assistants"), (f'name="file"; filename="{name}"', content))
    )
    body = f"{form}--{boundary}--\r\n".encode()
    head = {**HEAD, "content-type": f"multipart/form-data; boundary={boundary}"}
    request = Request("POST", f"{BASE}/files", head, body, client=1)
    response = client.fake.answer(request)
    client.recorded.append(RecordedExchange(request, response, client.fake.clock.now, "made up"))
    return json.loads(response.body)


def test_an_upload_is_known_by_its_name_and_content(cassette):
    writer = Client(FakeAssistants())
    file = upload(writer, "1,2")
    client = replaying(cassette(writer.recorded))
    assert upload(client, "1,2", boundary="another") == file
    for other in ({"content": "1,3"}, {"content": "1,2", "name": "b.csv"}):
        with pytest.raises(HarnessFailure, match="POST /files was not recorded like this"):
            upload(client, **other)


def test_a_body_that_is_no_json_counts_as_a_whole(cassette):
    request = Request("POST", f"{BASE}/assistants", HEAD, b"not json")
    fake = FakeAssistants()
    recorded = RecordedExchange(request, fake.answer(request), None, "made up")
    client = replaying(cassette([recorded]))
    with pytest.raises(HarnessFailure, match="was not recorded like this"):
        client.fake.answer(replace(request, body=b"not json either"))
    assert client.fake.answer(request).status == 400


def test_an_upload_whose_form_was_not_kept_is_there_all_the_same(cassette):
    writer = Client(FakeAssistants())
    file = upload(writer, "1,2")
    recorded = writer.recorded[0]
    bare = replace(recorded, request=Request("POST", f"{BASE}/files", HEAD))
    client = replaying(cassette([bare, bare]))
    for _ in range(2):
        assert json.loads(client.fake.answer(bare.request).body) == file
    assert client.ok("GET", f"/files/{file['id']}")["filename"] == "a.csv"


def test_a_file_that_somebody_read_can_be_read_again(cassette):
    fake = FakeAssistants()
    fake.add_file(content=b"chart", filename="c.png", id="file-AbCdEfGhIjKlMnOpQrStUv", purpose="assistants_output")
    request = Request("GET", f"{BASE}/files/{FILE}/content", HEAD)
    recorded = [RecordedExchange(request, fake.answer(request), None, "made up")]
    client = replaying(cassette(recorded))
    assert client.fake.answer(request).body == b"chart"
    assert client.ok("GET", f"/files/{FILE}")["purpose"] == "assistants_output"


def test_what_was_not_found_is_not_found_again(cassette):
    writer = Client(FakeAssistants())
    path = "/assistants/asst_abcdefghijklmnopqrst"
    refused = writer.send("GET", path)
    client = replaying(cassette(writer.recorded))
    assert client.send("GET", path) == refused
    assert client.send("GET", path) == refused


@pytest.mark.parametrize("asked", [True, False], ids=["asked again", "not asked"])
def test_a_run_that_the_client_cancelled(cassette, asked):
    fake = FakeAssistants(make_options({"clock": "manual"}, where="test"))
    fake.next_run(say("never finished"))
    writer = Client(fake)
    body = {"assistant_id": fake.add_assistant("asst_abcdefghijklmnopqrst").id}
    body["thread"] = {"messages": [{"role": "user", "content": "Hi?"}]}
    run = writer.ok("POST", "/threads/runs", body)
    path = f"/threads/{run['thread_id']}/runs/{run['id']}"
    fake.clock.advance(1.5)
    writer.ok("POST", f"{path}/cancel")
    fake.clock.advance(5)
    assert writer.ok("GET", path)["status"] == "cancelled"
    client = replaying(cassette(writer.recorded))
    run = client.ok("POST", "/threads/runs", body)
    if asked:
        assert client.ok("POST", f"{path}/cancel")["status"] == "cancelling"
    client.fake.clock.advance(601)
    assert client.ok("GET", path)["status"] == ("cancelled" if asked else "expired")


@pytest.mark.parametrize("end", [say("done", beats_cancel=True), fail(beats_cancel=True)], ids=["done", "failed"])
def test_a_run_that_the_client_cancelled_too_late(cassette, end):
    fake = FakeAssistants()
    fake.next_run(end)
    writer = Client(fake)
    body = {"assistant_id": fake.add_assistant("asst_abcdefghijklmnopqrst").id}
    body["thread"] = {"messages": [{"role": "user", "content": "Hi?"}]}

    def cancelled(client):
        run = client.ok("POST", "/threads/runs", body)
        run = client.poll(client.ok("POST", f"/threads/{run['thread_id']}/runs/{run['id']}/cancel"))
        return run["status"], client.ok("GET", f"/threads/{run['thread_id']}/messages")["data"]

    ended = cancelled(writer)
    assert cancelled(replaying(cassette(writer.recorded))) == ended


def test_a_run_that_was_under_way_before_can_be_cancelled_again(cassette):
    fake = FakeAssistants(make_options({"clock": "manual"}, where="test"))
    writer = Client(fake)
    body = {"assistant_id": fake.add_assistant("asst_abcdefghijklmnopqrst").id}
    body["thread"] = {"messages": [{"role": "user", "content": "Hi?"}]}
    run = writer.ok("POST", "/threads/runs", body)
    path = f"/threads/{run['thread_id']}/runs/{run['id']}"
    fake.clock.advance(1.5)
    writer.recorded.clear()
    looked = writer.ok("GET", path)
    client = replaying(cassette(writer.recorded))
    assert client.ok("GET", path) == looked
    assert client.ok("POST", f"{path}/cancel")["status"] == "cancelling"
    writer.ok("POST", f"{path}/cancel")
    client = replaying(cassette(writer.recorded))
    assert client.ok("POST", f"{path}/cancel")["status"] == "cancelling"  # last seen so, and recorded


def test_an_answer_that_nobody_looked_at_says_so(cassette):
    recorded = record_session(say("Hello."))
    client = replaying(cassette([exchange for exchange in recorded if "order=asc" not in exchange.request.url]))
    assistant = client.ok("POST", "/assistants", ADA)
    thread = client.ok("POST", "/threads", {})
    client.ok("POST", f"/threads/{thread['id']}/messages", {"role": "user", "content": "Hi?"})
    client.poll(client.ok("POST", f"/threads/{thread['id']}/runs", {"assistant_id": assistant["id"]}))
    listed = client.ok("GET", f"/threads/{thread['id']}/messages")["data"]
    assert listed[0]["content"][0]["text"]["value"] == "(nothing of this answer was recorded)"


def test_a_thread_that_was_there_before_goes_on(cassette):
    fake = FakeAssistants()
    fake.every_run(say("Hello."))
    first = Client(fake)
    converse(first)
    later = Client(fake)
    thread, assistant = fake.threads[0].id, fake.runs[0].assistant_id

    def go_on(client):
        client.ok("POST", f"/threads/{thread}/messages", {"role": "user", "content": "And?"})
        run = client.poll(client.ok("POST", f"/threads/{thread}/runs", {"assistant_id": assistant}))
        listed = client.ok("GET", f"/threads/{thread}/messages")
        runs = client.ok("GET", f"/threads/{thread}/runs")
        return run["id"], [[item["id"] for item in answer["data"]] for answer in (listed, runs)]

    original = go_on(later)
    client = replaying(cassette(later.recorded))
    assert go_on(client) == original


def test_what_a_newer_service_took_is_taken_from_the_recording(cassette):
    """A parameter that the fake does not know is refused by it, and was not when it was recorded."""
    fake = FakeAssistants()
    writer = Client(fake)
    thread, assistant = (
        fake.add_thread("thread_abcdefghijklmnopqrst").id,
        fake.add_assistant("asst_abcdefghijklmnopqrst").id,
    )
    message = {"role": "user", "content": "Hi?"}
    run = {"assistant_id": assistant}
    paths = [f"/threads/{thread}/messages", f"/threads/{thread}/runs"]
    answers = [writer.ok("POST", path, body) for path, body in zip(paths, (message, run), strict=True)]
    answers[1] |= {"status": "completed", "expires_at": None}
    new = [json.dumps({**body, "novel": True}).encode() for body in (message, run)]
    recorded = [
        answered(replace(exchange, request=replace(exchange.request, body=body)), 200, answer)
        for exchange, body, answer in zip(writer.recorded, new, answers, strict=True)
    ]
    client = replaying(cassette(recorded))
    for path, body, answer in zip(paths, (message, run), answers, strict=True):
        assert client.ok("POST", path, {**body, "novel": True}) == answer
        assert client.ok("GET", f"{path}/{answer['id']}")["id"] == answer["id"]


class NewerClient(Client):
    """A client that creates runs with a parameter that the fake does not know."""

    def send(self, method, path, body=None, **headers):
        if method == "POST" and path.endswith("/runs"):
            body = {**body, "novel": True}
        return super().send(method, path, body, **headers)


@pytest.mark.parametrize("streamed", [False, True], ids=["polled", "streamed"])
def test_a_run_that_only_a_newer_service_could_create_does_again_what_it_did(cassette, streamed, story):
    acts, outputs = story
    fake = FakeAssistants()
    fake.next_run(*acts)
    older = Client(fake)
    original = converse(older, outputs=outputs, stream=streamed)
    [place] = [at for at, item in enumerate(older.recorded) if item.request.path.endswith("/runs")]
    request = older.recorded[place].request
    body = json.dumps({**request.json, "novel": True}).encode()
    older.recorded[place] = replace(older.recorded[place], request=replace(request, body=body))
    newer = NewerClient(replaying(cassette(older.recorded)).fake)
    assert converse(newer, outputs=outputs, stream=streamed) == original


@pytest.mark.parametrize("deleted", [False, True], ids=["the run is there", "its thread is gone"])
def test_a_run_that_was_written_down_twice_is_started_once(cassette, deleted):
    recorded = record_session(say("Hello."))
    [place] = [at for at, item in enumerate(recorded) if item.request.path.endswith("/runs")]
    client = replaying(cassette([*recorded, recorded[place]]))
    converse(client)
    [run] = client.fake.runs
    if deleted:
        client.ok("DELETE", f"/threads/{run.thread_id}")
    again = client.ok("POST", f"/threads/{run.thread_id}/runs", {"assistant_id": run.assistant_id})
    assert again["id"] == run.id
    assert [shown.id for shown in client.fake.runs] == ([] if deleted else [run.id])


def test_an_older_look_at_a_run_does_not_undo_its_end(cassette):
    recorded = record_session(say("Well"), fail())
    [look] = [
        exchange for exchange in recorded if b'"status": "in_progress",\n  "started_at"' in exchange.response_body
    ]
    client = replaying(cassette([*recorded, look]))
    assert converse(client)["run"]["status"] == "failed"


def test_one_text_in_parts_is_a_text():
    parts = [{"type": "text", "text": "Hi"}, {"type": "text", "text": "there"}]
    one, two = ({"content": [{"type": "text", "text": "Hi"}]}, {"content": parts})
    asked = [Request("POST", BASE, HEAD, json.dumps(body).encode()) for body in (one, two, {"content": "Hi"})]
    assert [normalized(request) for request in asked] == [
        {"content": "Hi"},
        {"content": ["Hi", "there"]},
        {"content": "Hi"},
    ]


# --- secrets ------------------------------------------------------------------------------------------------

MAIL, OTHER_MAIL = "joe" + "@" + "corp-one.com", "ann" + "@" + "corp-two.com"
A_KEY = "sk-" + "proj-" + "A1b2C3d4" * 6
SECRETS = {
    "address": MAIL,
    "key": f"key {A_KEY}, once more {A_KEY}",
    "telephone": "+82 10-9876-1234 or 010-9876-1234",
    "American telephone": "(415) 867-5309",
    "card": "4000 0566 5566 5556",
    "account": "DE89 3704 0044 0532 0130 00",
    "two": f"{MAIL} and {OTHER_MAIL}, not info@example.com",
    "two kinds of numbers": "010-9876-1234 or 4000 0566 5566 5556",
    "JSON in a text": json.dumps({"owner": MAIL, "password": "hunter2hunter2"}),
    "of the user": "Project Falcon",
}
REDACT = [r"Project \w+"]


def redacted(exchanges, **options):
    return Redactor(**{"patterns": REDACT, **options}).redact(exchanges)


def asking(question, **where):
    """A session in which one question was asked."""
    writer = Client(FakeAssistants())
    answer = ask_about(writer, question, **where)
    return writer.recorded, answer


def ask_about(client, question, route="/threads"):
    return client.ok("POST", route, {"messages": [{"role": "user", "content": question}]})["id"]


@pytest.mark.parametrize("mode", ["live", "exact"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_client_sends_again_what_was_redacted(cassette, secret, mode):
    recorded, answer = asking(f"Ask {secret}. Now!")
    path = cassette(redacted(recorded))
    assert secret not in path.read_text(encoding="utf-8")
    assert ask_about(replaying(path, mode=mode, redact=REDACT), f"Ask {secret}. Now!") == answer


@pytest.mark.parametrize(
    ("recorded_question", "question"),
    [
        (f"Ask {MAIL}.", f"Tell {MAIL}."),
        (f"Ask {MAIL} and {MAIL}.", f"Ask {MAIL} and {OTHER_MAIL}."),
        (f"Ask {MAIL} and {OTHER_MAIL}.", f"Ask {MAIL} and {MAIL}."),
        ("Ask ann@example.com.", "Ask joe@example.com."),
        ("Ask ann@example.com.", f"Ask {A_KEY}."),
        ("Call (415) 867-5309.", "Call 415-867-5309."),
        ("Pay 1000 0000 0000 9999.", "Pay 4000 0566 5566 5556."),
        ("Call 010-9876-1234 or 010-9876-1234.", "Call 010-9876-1234 or 010-9876-1235."),
    ],
    ids=lambda text: text.replace("/", " "),
)
def test_another_question_is_still_another_one(cassette, recorded_question, question):
    client = replaying(cassette(redacted(asking(recorded_question)[0])))
    with pytest.raises(HarnessFailure, match="was not recorded like this") as raised:
        ask_about(client, question)
    for secret in (MAIL, OTHER_MAIL, A_KEY, "867-5309", "5566", "9876"):
        assert secret not in str(raised.value)


def test_a_miss_shows_the_kinds_of_secrets_instead_of_the_secrets(cassette):
    client = replaying(cassette(redacted(asking("Hi?")[0])), redact=REDACT)
    with pytest.raises(HarnessFailure, match="was not recorded like this") as raised:
        ask_about(client, f"Mail {MAIL} of Project Falcon: {A_KEY}")
    assert "Mail <e-mail address> of <secret of yours>: <OpenAI API key>" in str(raised.value)


def test_what_was_kept_is_no_secret_when_it_is_replayed(cassette):
    path = cassette(redacted(asking(f"Ask {MAIL} and {OTHER_MAIL}.")[0], keep=[MAIL]))
    ask_about(replaying(path, keep=[MAIL]), f"Ask {MAIL} and {OTHER_MAIL}.")
    for keep, question in (([], f"Ask {MAIL} and {OTHER_MAIL}."), ([MAIL], f"Ask {OTHER_MAIL} and {OTHER_MAIL}.")):
        with pytest.raises(HarnessFailure, match="was not recorded like this"):
            ask_about(replaying(path, keep=keep), question)


def test_an_invalid_pattern_is_refused_before_anything_is_replayed(cassette):
    with pytest.raises(HarnessFailure, match="is not a regular expression"):
        replaying(cassette(record_session(say("Hello."))), redact=["("])


def test_an_invalid_pattern_is_refused_without_asserts_too(cassette):
    path = str(cassette(record_session(say("Hello."))))
    code = f"from harness import FakeAssistants; FakeAssistants().replay({path!r}, redact=['('])"
    done = subprocess.run([sys.executable, "-O", "-c", code], capture_output=True, text=True, check=False)
    assert "is not a regular expression" in done.stderr


def test_a_question_with_a_secret_that_was_asked_once_is_answered_once(cassette):
    client = replaying(cassette(redacted(asking(f"Ask {MAIL}.")[0])))
    ask_about(client, f"Ask {MAIL}.")
    with pytest.raises(HarnessFailure, match="It was recorded once, and no recording of it is left"):
        ask_about(client, f"Ask {MAIL}.")


@pytest.mark.parametrize("url", ["/users/{}?of=x", "/users?owner={}&of=x"], ids=["path", "query"])
@pytest.mark.parametrize("mode", ["live", "exact"])
def test_a_secret_in_the_url(cassette, url, mode):
    """Of an endpoint that the fake does not serve."""
    request = Request("GET", BASE + url.format(quote(MAIL)), HEAD)
    recorded = RecordedExchange(request, Response(200, {"content-type": "application/json"}, b"{}"), None, "made up")
    path = cassette(redacted([recorded]))
    assert MAIL not in path.read_text(encoding="utf-8")
    assert replaying(path, mode=mode).fake.answer(request).body == b"{}"
    with pytest.raises(HarnessFailure) as raised:
        replaying(path, mode="exact").send("POST", url.format(MAIL))
    assert MAIL not in str(raised.value)


def test_a_secret_in_an_upload(cassette):
    writer = Client(FakeAssistants())
    file = upload(writer, f"name,{MAIL}")
    path = cassette(redacted(writer.recorded))
    assert MAIL not in path.read_text(encoding="utf-8")
    assert upload(replaying(path), f"name,{MAIL}", boundary="another") == file
    with pytest.raises(HarnessFailure, match="POST /files was not recorded like this"):
        upload(replaying(path), f"name,{MAIL},")


def test_a_client_sees_its_own_words_and_the_service_s_stand_ins(cassette):
    fake = FakeAssistants()
    fake.next_run(say(f"Ask {OTHER_MAIL}."))
    writer = Client(fake)
    converse(writer, question=f"Ask {MAIL}?")
    came = converse(replaying(cassette(redacted(writer.recorded))), question=f"Ask {MAIL}?")
    texts = [parts[0]["text"]["value"] for _, parts in came["said"]]
    assert texts[0] == f"Ask {MAIL}?"
    assert re.fullmatch(r"Ask \S+@example\.\w+", texts[1].removesuffix("."))


def test_where_no_stand_in_was_recorded_no_table_of_secrets_is_loaded(cassette, monkeypatch):
    monkeypatch.setitem(sys.modules, "harness.recording.masking", None)
    client = replaying(cassette(record_session(say("Hello."))), on_miss="script")
    ask_about(client, f"Ask {MAIL}.")
    assert converse(client)["said"][-1][1][0]["text"]["value"] == "Hello."


def test_a_cassette_is_read_when_its_session_is_asked_for(cassette, tmp_path):
    recorded = record_session(say("Hello."))
    handle = Cassette(cassette(recorded))
    assert len(handle.session.exchanges) == len(recorded)
    assert handle.session is handle.session
    with pytest.raises(HarnessFailure, match=r"none\.yaml does not exist yet: it is written when"):
        assert Cassette(tmp_path / "none.yaml").session


# --- what it cost -------------------------------------------------------------------------------------------


def with_usage(exchange, prices):
    """The exchange with other usage in what it shows, wherever some is shown; None takes it out."""

    def priced(found):
        item = prices[found["object"]]
        if found["usage"] is not None:
            return {**found, "usage": item and dict(zip(("prompt_tokens", "completion_tokens"), item, strict=True))}
        return found

    def hook(found):
        return priced(found) if found.get("object") in prices else found

    def line(text):
        data = text.removeprefix("data: ")
        return text if data[:1] != "{" else text.removesuffix(data) + json.dumps(json.loads(data, object_hook=hook))

    body = exchange.response_body.decode()
    streamed = body.startswith("event: ")
    new = "\n".join(map(line, body.split("\n"))) if streamed else json.dumps(json.loads(body, object_hook=hook))
    return replace(exchange, response=replace(exchange.response, body=new.encode()))


PRICES = {"thread.run": (1234, 567), "thread.run.step": (890, 12)}


def costs(client, outputs=(), *, stream):
    """The usage of the run and of its steps, each time an answer shows them."""
    converse(client, outputs=outputs, stream=stream)
    found = {"thread.run": [], "thread.run.step": []}

    def note(item):
        if item.get("object") in found:
            usage = item["usage"] and (item["usage"]["prompt_tokens"], item["usage"]["completion_tokens"])
            found[item["object"]].append((item["status"], usage))
        return item

    for exchange in client.recorded:
        for text in exchange.response_body.decode().split("\n\n"):
            data = text.partition("\ndata: ")[2] if text.startswith("event: ") else text
            if data[:1] == "{":
                json.loads(data, object_hook=note)
    return found


@pytest.mark.parametrize("was_streamed", [False, True], ids=["polled", "streamed"])
@pytest.mark.parametrize("streams", [False, True], ids=["polls", "streams"])
def test_usage_is_what_was_recorded(cassette, was_streamed, streams):
    acts, outputs = STORIES["a call"]
    recorded = [
        with_usage(exchange, PRICES) for exchange in record_session(*acts, outputs=outputs, stream=was_streamed)
    ]
    found = costs(replaying(cassette(recorded)), outputs, stream=streams)
    for kind, shown in found.items():
        assert {usage for status, usage in shown if status == "completed"} == {PRICES[kind]}
        assert {usage for status, usage in shown if status != "completed"} <= {None}


@pytest.mark.parametrize("unknown", PRICES)
def test_usage_that_was_not_recorded_is_what_the_fake_counts(cassette, unknown):
    plain = costs(replaying(cassette(record_session(say("Hello.")))), stream=False)
    prices = {**PRICES, unknown: None}
    found = costs(
        replaying(cassette([with_usage(item, prices) for item in record_session(say("Hello."))])), stream=False
    )
    [known] = {*PRICES} - {unknown}
    assert found[unknown] == plain[unknown]
    assert found[known][-1] == ("completed", PRICES[known])
