"""A check finds what is wrong with a cassette, and nothing in correct ones."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache

import pytest
from cassette_recordings import FOLDER, exchange, files, upload
from recorded_sessions import BASE, HEAD, record_session
from shipped_cassettes import PATHS

from harness import call, fail, refuse, say, truncate
from harness.recording.cassettes import write
from harness.recording.checking import Finding, check
from harness.recording.redaction import Redactor
from harness.service.http import Response

# --- the real recordings --------------------------------------------------------------------------------------------

# Why a recording has an error: which files, which rule, and how the finding begins.
KNOWN = {
    "the recorder kept the cookies of the service's gateway": ("raw/*/*", "secret", "secret field at response.headers"),
    "the recorder kept the cookies that a client sent back": ("raw/vcrpy/*", "secret", "secret field at request."),
    "the recorder put words of its own in the place of the key": ("raw/r-vcr/*", "secret", "credentials at request."),
    "a printed object shows fields that the SDK knows and the service did not send, as None": (
        "notebook.jsonl",
        "schema",
        "msg_",
    ),
}


@cache
def findings(path):
    return check(path)


def explains(reason, path, finding):
    pattern, rule, begins = KNOWN[reason]
    fits = path in FOLDER.glob(pattern) and finding.rule == rule and finding.what.startswith(begins)
    return fits and (rule != "schema" or finding.what.endswith("thread.message.status is not a string"))


@pytest.mark.parametrize("path", [*files("raw/*/*"), *files("*.jsonl")])
def test_the_errors_of_a_recording_are_true_oddities(path):
    errors = [finding for finding in findings(path) if finding.level == "error"]
    assert [str(error) for error in errors if not any(explains(reason, path, error) for reason in KNOWN)] == []


@pytest.mark.usefixtures("same_recordings")
@pytest.mark.parametrize("reason", KNOWN)
def test_each_reason_for_an_error_is_still_needed(reason):
    paths = [*FOLDER.glob("raw/*/*"), *FOLDER.glob("*.jsonl")]
    assert any(explains(reason, path, finding) for path in paths for finding in findings(path))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_what_this_project_ships_is_faultless_but_for_its_age(path):
    assert {(finding.level, finding.rule) for finding in check(path)} <= {("note", "age")}


# --- made-up cassettes ----------------------------------------------------------------------------------------------


def recorded(*acts, **more):
    """A conversation with a scripted fake, as a recorder would have it."""
    return Redactor().redact(record_session(*acts, **more))


BETA = {name: HEAD[name] for name in ("openai-beta", "content-type")}
V1 = {"openai-beta": "assistants=v1"}
POLLED = recorded(call("add", a=1), say("Two."), outputs=["2"])
SPOKEN = recorded(say("Two."), stream=True)
STREAMED = recorded(call("add", a=1), say("Two."), outputs=["2"], stream=True)
# The indexes in POLLED, which holds an assistant, a thread, a message, a run and its polls, outputs, steps, messages.
ASSISTANT, THREAD, MESSAGE, RUN = 0, 1, 2, 3
STEPS, SAID = -2, -1
SUBMITTED = next(at for at, item in enumerate(POLLED) if item.request.path.endswith("submit_tool_outputs"))
RUN_ID = json.loads(POLLED[RUN].response_body)["id"]


def found(tmp_path, exchanges, **options):
    path = tmp_path / "made-up.yaml"
    write(path, exchanges)
    return [(finding.level, finding.rule, finding.what) for finding in check(path, **options)]


def answering(exchanges, at, body, status=None):
    """The exchanges, one of which has another answer."""
    item = exchanges[at]
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    changed = list(exchanges)
    changed[at] = replace(item, response=Response(status or item.response.status, item.response.headers, raw))
    return changed


def asking(exchanges, at, raw, **headers):
    item = exchanges[at]
    changed = list(exchanges)
    changed[at] = replace(item, request=replace_request(item.request, raw, headers))
    return changed


def replace_request(request, raw, headers):
    return type(request)(request.method, request.url, {**request.headers, **headers}, raw)


def with_keys(exchanges, at, **keys):
    """One answer, or the first object of its list, has other values; `...` takes the key away."""
    body = json.loads(exchanges[at].response_body)
    item = body["data"][0] if "data" in body else body
    item.update(keys)
    for key in [key for key, value in keys.items() if value is ...]:
        del item[key]
    return answering(exchanges, at, body)


def in_stream(old, new, exchanges=STREAMED):
    """The first stream says something else."""
    at = next(at for at, item in enumerate(exchanges) if item.response_body.startswith(b"event: "))
    assert old in exchanges[at].response_body
    return answering(exchanges, at, exchanges[at].response_body.replace(old, new, 1))


def with_frames(change, exchanges=STREAMED):
    """The first stream has other frames."""
    at = next(at for at, item in enumerate(exchanges) if item.response_body.startswith(b"event: "))
    changed = change(exchanges[at].response_body.split(b"\n\n")[:-1])
    return answering(exchanges, at, b"".join(frame + b"\n\n" for frame in changed))


def without(event, exchanges=STREAMED):
    return with_frames(lambda frames: [frame for frame in frames if not is_of(frame, event)], exchanges)


def once_more(event, after, exchanges):
    """The exchanges; in their first stream, one event comes again after another."""

    def change(frames):
        again = next(frame for frame in frames if is_of(frame, event))
        return [each for frame in frames for each in ([frame, again] if is_of(frame, after) else [frame])]

    return with_frames(change, exchanges)


def is_of(frame, event):
    return frame.startswith(f"event: {event}\n".encode())


def another(method, path, body=None, got=b"", status=200):
    """An exchange beside the conversation."""
    sent = b"" if body is None else json.dumps(body).encode()
    return exchange(sent, got, at=1.8e9, method=method, url=BASE + path, status=status, sent_headers=BETA)


@pytest.mark.parametrize(
    "exchanges",
    [
        POLLED,
        STREAMED,
        recorded(say("Hello.")),
        recorded(refuse("No.")),
        recorded(fail("rate_limit_exceeded", "Slow down.")),
        recorded(say("Half a sen"), fail(), stream=True),
        in_stream(b"thread.run.incomplete", b"thread.run.completed", recorded(say("A"), truncate(), stream=True)),
        [*POLLED, another("GET", "/files/file-abc/content", got=b"\x89PNG")],
        [*POLLED, another("GET", "/vector_stores", got=b'{"object": "list", "data": []}')],
        [*POLLED, another("GET", "/files/file-abc/content", got=b'{"object": 5}')],
        [*POLLED, another("GET", "/files/file-abc/content", got=b'{"object": "thread.run", "status": "done"}')],
        [exchange(b'{"tool_resources": {}}', POLLED[THREAD].response_body, at=1.8e9, url=BASE + "/threads")],
        in_stream(b"event: done\ndata: [DONE]\n\n", b'event: error\ndata: {"error": {"message": "m"}}\n\n'),
        [*POLLED, another("GET", "/threads/nope", got=b'{"error": {"message": "m", "type": "t", "param": null, '
                          b'"code": null}}', status=404)],
    ],
    ids=["polled", "streamed", "said", "refused", "failed", "cut off", "broken off", "binary file", "vector stores",
         "JSON file", "JSON file like a run", "no version", "stream with an error",
         "refusal"],
)  # fmt: skip
def test_nothing_is_found_where_nothing_is_wrong(exchanges, tmp_path):
    assert found(tmp_path, exchanges) == []


UPLOADED = (
    b'{"object": "file", "id": "file-abc", "purpose": "assistants", "filename": "a.txt", "bytes": 4, '
    b'"created_at": 1800000000, "status": "processed", "status_details": null}'
)
ATTACHED = b'{"id": "file-abc", "object": "assistant.file", "created_at": 1800000000, "assistant_id": "asst_abc"}'
AZURE = "https://gateway.example/openai/threads/thread_abc?api-version={}"
GATEWAY = b'{"error": {"code": "404", "message": "Resource not found"}}'


def azure(version, got=GATEWAY):
    return [exchange(b"", got, at=1.8e9, method="GET", url=AZURE.format(version), status=404)]


FAULTS = {
    "schema: a key is missing": (
        lambda: with_keys(POLLED, RUN, model=...),
        ("error", "schema", f"{RUN_ID}: thread.run has no model"),
    ),
    "schema: a key nobody knows": (
        lambda: with_keys(POLLED, RUN, mood="fine"),
        ("note", "schema", f"{RUN_ID}: thread.run has the key mood, which the service never showed"),
    ),
    "schema: a run that names no thread": (
        lambda: [
            another(
                "POST",
                "/threads/runs",
                {"assistant_id": "a"},
                with_keys(POLLED, RUN, thread_id=...)[RUN].response_body,
            )
        ],
        ("error", "schema", f"{RUN_ID}: thread.run has no thread_id"),
    ),
    "schema: another type": (
        lambda: with_keys(POLLED, RUN, created_at="now"),
        ("error", "schema", f"{RUN_ID}: thread.run.created_at is not an integer"),
    ),
    "schema: true is no number": (
        lambda: with_keys(POLLED, THREAD, created_at=True),
        ("error", "schema", "thread.created_at is not an integer"),
    ),
    "schema: null where there is always something": (
        lambda: with_keys(POLLED, SAID, content=None),
        ("error", "schema", "thread.message.content is not an array"),
    ),
    "schema: an id that is none": (
        lambda: with_keys(POLLED, ASSISTANT, id=7),
        ("error", "schema", "an object of the kind 'assistant': assistant.id is not a string"),
    ),
    "schema: a status that is none": (
        lambda: with_keys(POLLED, RUN, status="pending"),
        ("error", "schema", f"{RUN_ID}: thread.run.status is 'pending', which is no status of it"),
    ),
    "schema: a part of a message without its value": (
        lambda: with_keys(POLLED, SAID, content=[{"type": "text", "txt": {}}]),
        ("error", "schema", "thread.message.content[0] is of the type text, and has nothing of that name"),
    ),
    "schema: an object of no kind": (
        lambda: with_keys(POLLED, THREAD, object="conversation"),
        ("error", "schema", "the API has no object of the kind 'conversation'"),
    ),
    "schema: a key of v1 in v2": (
        lambda: with_keys(POLLED, RUN, file_ids=[]),
        ("note", "schema", f"{RUN_ID}: thread.run has the key file_ids, which the service never showed"),
    ),
    "schema: a deleted file": (
        lambda: [*POLLED, another("DELETE", "/files/file-abc", got=b'{"object": "file", "deleted": true}')],
        ("error", "schema", "an object of the kind 'file': file has no id"),
    ),
    "schema: no object at all": (
        lambda: answering(POLLED, THREAD, [1]),
        ("error", "schema", "the answer is no object of the API"),
    ),
    "schema: a list of something else": (
        lambda: answering(POLLED, SAID, {"object": "list", "data": 5}),
        ("error", "schema", "an object of the kind 'list': list.data is not an array"),
    ),
    "schema: a body that is refused today": (
        lambda: asking(POLLED, ASSISTANT, b'{"name": "Ada"}'),
        ("error", "schema", "would be refused: Missing required parameter: 'model'."),
    ),
    "schema: a query that is refused today": (
        lambda: [*POLLED, another("GET", "/assistants?limit=0", got=b'{"object": "list", "data": []}')],
        ("error", "schema", "would be refused: Invalid 'limit'"),
    ),
    "schema: a body of an endpoint that v2 still served": (
        lambda: [another("POST", "/assistants/asst_abc/files", {"file": "file-abc"}, got=ATTACHED)],
        ("error", "schema", "would be refused: "),
    ),
    "schema: a body that was not kept": (
        lambda: asking(POLLED, ASSISTANT, b""),
        ("note", "schema", "the body that was sent was not kept, or not to its end"),
    ),
    "schema: an upload that was cut off": (
        lambda: asking([another("POST", "/files", got=UPLOADED)], 0, b"--x\r\n", **upload(b"").request.headers),
        ("note", "schema", "the body that was sent was not kept, or not to its end"),
    ),
    "schema: a refusal that lacks a key": (
        lambda: answering(POLLED, STEPS, {"error": {"message": "m", "type": "t", "param": None}}, 404),
        ("error", "schema", "the error of the refusal (404) has no code"),
    ),
    "schema: a refusal without words": (
        lambda: answering(POLLED, STEPS, {"error": {"message": None, "type": "t", "param": None, "code": None}}, 404),
        ("error", "schema", "the message of the refusal (404) is no string"),
    ),
    "schema: a gateway in between": (
        lambda: answering(POLLED, STEPS, b"<html>Bad gateway</html>", 502),
        ("note", "schema", "the refusal (502) is none of the API's"),
    ),
    "schema: an event of no name": (
        lambda: in_stream(b"event: thread.run.queued", b"event: thread.run.waiting"),
        ("error", "schema", "the stream has an event 'thread.run.waiting', which the API does not have"),
    ),
    "schema: an event of another object": (
        lambda: in_stream(b"event: thread.run.queued", b"event: thread.run.step.completed"),
        ("error", "schema", "the event thread.run.step.completed shows an object of the kind 'thread.run'"),
    ),
    "schema: an event without data": (
        lambda: in_stream(b'data: {"id"', b'data: {"id'),
        ("error", "schema", "the stream has an event without data that can be read"),
    ),
    "schema: a stream that breaks off": (
        lambda: in_stream(b"event: done\ndata: [DONE]\n\n", b""),
        ("error", "schema", "the stream breaks off: its last event is neither done nor error"),
    ),
    "schema: a delta that has no place": (
        lambda: in_stream(b'"delta":{"content":[{"index":0,', b'"delta":{"content":[{', SPOKEN),
        ("error", "schema", "thread.message.delta.delta.content[0] has no index"),
    ),
    "schema: a note in a delta that has no place": (
        lambda: in_stream(b'"annotations":[]', b'"annotations":[{"index":null}]', SPOKEN),
        ("error", "schema", "thread.message.delta.delta.content[0].text.annotations[0] has no index"),
    ),
    "schema: a delta of nothing": (
        lambda: in_stream(b'"delta":{"content":[{', b'"delta":{"content":[null,{', SPOKEN),
        ("error", "schema", "thread.message.delta.delta.content[0] has no index"),
    ),
    "schema: a message in a stream without its status": (
        lambda: in_stream(b'"status":"in_progress","incomplete_details"', b'"incomplete_details"', SPOKEN),
        ("error", "schema", "thread.message has no status"),
    ),
    "schema: an event of another status": (
        lambda: in_stream(b"event: thread.message.completed", b"event: thread.message.incomplete", SPOKEN),
        ("error", "schema", "the event thread.message.incomplete shows msg_"),
    ),
    "order: a stream that goes on after its end": (
        lambda: with_frames(lambda frames: [*frames, frames[-1]]),
        ("error", "order", "the stream goes on after done"),
    ),
    "order: a delta of nothing that was made": (
        lambda: without("thread.run.step.created", without("thread.run.step.in_progress")),
        ("error", "order", "comes before thread.run.step.created"),
    ),
    "order: a message that was not made": (
        lambda: without("thread.message.created", SPOKEN),
        ("error", "order", "comes before thread.message.created"),
    ),
    "order: made twice": (
        lambda: once_more("thread.run.created", "thread.run.queued", STREAMED),
        ("error", "order", " is created a second time"),
    ),
    "order: a delta of what is complete": (
        lambda: once_more("thread.message.delta", "thread.message.completed", SPOKEN),
        ("error", "order", "comes after thread.message.completed"),
    ),
    "order: a run that ends twice": (
        lambda: once_more("thread.run.completed", "thread.run.completed", SPOKEN),
        ("error", "order", "comes after thread.run.completed"),
    ),
    "order: a step of a run that has ended": (
        lambda: once_more(
            "thread.run.step.in_progress", "thread.run.completed", without("thread.run.step.completed", SPOKEN)
        ),
        ("error", "order", "comes after thread.run.completed"),
    ),
    "order: a run that waits for outputs goes on": (
        lambda: once_more("thread.run.step.in_progress", "thread.run.requires_action", STREAMED),
        ("error", "order", "comes after thread.run.requires_action"),
    ),
    "transition: a status that comes again": (
        lambda: [*POLLED, POLLED[RUN + 1]],
        ("error", "transition", f"{RUN_ID} went from completed back to "),
    ),
    "transition: another end": (
        lambda: [*POLLED, *with_keys(POLLED[SUBMITTED - 1 : SUBMITTED], 0, status="failed")],
        ("error", "transition", f"{RUN_ID} went from completed to failed"),
    ),
    "transition: a stream leaves a status out": (
        lambda: without("thread.run.in_progress", SPOKEN),
        ("error", "transition", "went from queued to completed"),
    ),
    "transition: a stream begins in the middle": (
        lambda: in_stream(b'"status":"queued"', b'"status":"completed"'),
        ("error", "transition", "went from new to completed"),
    ),
    "transition: made after its end": (
        lambda: with_keys(POLLED, STEPS, completed_at=5),
        ("error", "transition", "completed_at (5) is before created_at"),
    ),
    "transition: ended before its beginning": (
        lambda: with_keys(POLLED, RUN, started_at=9_000_000_000, completed_at=8_000_000_000),
        ("error", "transition", "completed_at (8000000000) is before started_at (9000000000)"),
    ),
    "secret: a key in a header": (
        lambda: asking(POLLED, THREAD, b"{}", authorization=f"Bearer {KEY}"),
        ("error", "secret", "at request.headers, header authorization, line 1 column 8: sk-p… (56 characters)"),
    ),
    "secret: a key in a URL": (
        lambda: [*POLLED, another("GET", f"/assistants?after={KEY}", got=b'{"object": "list", "data": []}')],
        ("error", "secret", "request.uri"),
    ),
    "secret: an address in a body": (
        lambda: with_keys(POLLED, ASSISTANT, name="joe@corp.com"),
        ("error", "secret", "e-mail address at response.body, $.name: joe… (12 characters)"),
    ),
    "secret: who recorded it": (
        lambda: asking(POLLED, THREAD, b"{}", **{"openai-organization": "acme-research"}),
        ("note", "secret", "organization at request.headers, header openai-organization: acm… (13 characters)"),
    ),
    "duplicate: written twice": (
        lambda: [*POLLED, POLLED[THREAD]],
        ("error", "duplicate", "this exchange is written a second time: see "),
    ),
    "duplicate: the same thing made twice": (
        lambda: [*POLLED, *asking([POLLED[THREAD]], 0, b'{"metadata": {"a": "b"}}')],
        ("error", "duplicate", "once more: see "),
    ),
    "dead: another API": (
        lambda: [*POLLED, another("POST", "/embeddings", got=b"{}")],
        ("note", "dead", "no endpoint of the Assistants API: POST /embeddings"),
    ),
    "dead: the root": (
        lambda: [*POLLED, another("GET", "", got=b"{}")],
        ("note", "dead", "no endpoint of the Assistants API: GET "),
    ),
    "dead: a preflight": (
        lambda: [*POLLED, another("OPTIONS", "/threads")],
        ("note", "dead", "a browser's preflight, which no client sends"),
    ),
    "dead: an answer that was lost": (
        lambda: [*POLLED, another("GET", "/threads/thread_abc")],
        ("error", "dead", "the answer to GET /threads/thread_abc has no body that can be used"),
    ),
    "age: v1": (
        lambda: azure("2024-02-15"),
        ("note", "age", "recorded under v1 of the API, which ended on 2024-12-18"),
    ),
    "age: no time": (
        lambda: [replace(azure("2024-05-01-preview")[0], at=None)],
        ("note", "age", "nothing tells when this was recorded"),
    ),
}  # fmt: skip
KEY = "sk-proj-" + "aB3dE5gH" * 6


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_found_and_nothing_else(fault, tmp_path):
    make, (level, rule, words) = FAULTS[fault]
    results = found(tmp_path, make())
    assert {(one, other) for one, other, _ in results} == {(level, rule)}
    assert any(words in what for _, _, what in results), results


# --- how findings are reported --------------------------------------------------------------------------------------


def test_a_gateway_of_azure_may_leave_out_the_type(tmp_path):
    assert found(tmp_path, azure("2024-05-01-preview")) == []
    lacks = azure("2024-05-01-preview", b'{"error": {"message": "Resource not found"}}')
    assert found(tmp_path, lacks) == [("error", "schema", "the error of the refusal (404) has no code")]


def test_a_request_to_azure_is_held_against_azures_own_bodies(tmp_path):
    """CONTRACT §1.8: a fourth type of tools."""
    body = {"model": "m", "tools": [{"type": "openapi", "openapi": {}}]}
    url = "https://gateway.example/openai/assistants?api-version=2024-05-01-preview"
    made = POLLED[ASSISTANT].response_body
    assert found(tmp_path, [exchange(json.dumps(body).encode(), made, at=1.8e9, url=url)]) == []
    [(*_, what)] = found(tmp_path, [another("POST", "/assistants", body, made)])
    assert "would be refused: Invalid value: 'openapi'." in what


def test_outputs_may_be_submitted_for_calls_that_nobody_looked_at(tmp_path):
    exchanges = [item for at, item in enumerate(POLLED) if at <= RUN or at >= SUBMITTED]
    assert found(tmp_path, with_keys(exchanges, RUN, status="in_progress")) == []


def test_a_run_does_not_go_back_without_them(tmp_path):
    looks = [*POLLED[: RUN + 1], POLLED[RUN + 1]]
    looks = [*with_keys(looks, RUN + 1, status="in_progress"), *with_keys([POLLED[RUN + 1]], 0, status="queued")]
    assert found(tmp_path, looks) == [("error", "transition", f"{RUN_ID} went from in_progress back to queued")]


def test_a_list_shows_what_other_runs_are_now(tmp_path):
    ended = json.loads(next(item for item in reversed(POLLED) if item.request.path.endswith(RUN_ID)).response_body)
    listed = {"object": "list", "data": [{**ended, "status": "queued"}], "first_id": None, "last_id": None}
    exchanges = [*POLLED, another("GET", f"/threads/{ended['thread_id']}/runs", got=json.dumps(listed).encode())]
    assert ("error", "transition", f"{RUN_ID} went from completed back to queued") in found(tmp_path, exchanges)


def test_what_a_user_calls_secret_is_found_and_what_a_user_keeps_is_not(tmp_path):
    exchanges = with_keys(POLLED, ASSISTANT, name="Falcon, joe@corp.com")
    redactor = Redactor(patterns=["Falcon"], keep=["joe@corp.com"])
    assert {what for _, _, what in found(tmp_path, exchanges, redactor=redactor)} == {
        "text like Falcon at response.body, $.name: F… (6 characters)"
    }


def test_no_finding_shows_a_secret(tmp_path):
    path = tmp_path / "made-up.yaml"
    write(path, asking(POLLED, THREAD, b"{}", authorization=f"Bearer {KEY}"))
    lines = [str(finding) for finding in check(path)]
    assert [line.partition(": ")[0] for line in lines] == [f"{path} [{THREAD}]"]
    assert "sk-p" in lines[0]
    assert KEY[:8] not in lines[0]


def test_equal_findings_are_reported_once_with_the_number_of_their_places(tmp_path):
    path = tmp_path / "made-up.yaml"
    write(path, [another("POST", "/embeddings", got=b"{}")] * 3)
    assert [str(finding) for finding in check(path)] == [
        f"{path} [0] and 2 more: dead: no endpoint of the Assistants API: POST /embeddings"
    ]


def test_an_exchange_that_says_the_same_twice_is_one_place(tmp_path):
    path = tmp_path / "made-up.yaml"
    write(path, in_stream(b'"model":"gpt-4o",', b"", in_stream(b'"model":"gpt-4o",', b"")))
    [finding] = check(path)
    assert finding.what.endswith("thread.run has no model")
    assert finding.where.endswith("]")


@pytest.mark.parametrize("purpose", [b"assistants", b"answers"], ids=["assistants", "before assistants"])
def test_a_file_that_is_attached_is_not_made_again(purpose, tmp_path):
    sent, headers = upload(b"text").request_body, upload(b"text").request.headers
    sent = sent.replace(b"assistants", purpose)
    exchanges = [
        *asking([another("POST", "/files", got=UPLOADED)], 0, sent, **headers),
        *asking([another("POST", "/assistants/asst_abc/files", got=ATTACHED)], 0, b'{"file_id": "file-abc"}', **V1),
    ]
    assert {rule for _, rule, _ in found(tmp_path, exchanges)} == {"age"}


def test_a_finding_is_one_line():
    assert str(Finding("error", "schema", "a.yaml [0]", "1 error\n  field required")) == (
        "a.yaml [0]: schema: 1 error field required"
    )


def test_a_file_that_cannot_be_read_is_a_finding(tmp_path):
    path = tmp_path / "broken.yaml"
    path.write_text("{")
    [broken] = check(path)
    [missing] = check(tmp_path / "missing.yaml")
    assert (broken.level, broken.rule, broken.where) == ("error", "unreadable", str(path))
    assert missing.level == "error"
    assert "\n" not in f"{broken}{missing}"


def test_an_empty_cassette_has_no_faults(tmp_path):
    assert found(tmp_path, []) == []


def log(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_a_record_that_is_no_exchange_is_a_note(tmp_path):
    path = log(
        tmp_path / "log.jsonl", {"cassette": "a", "response_body": {"object": "thread.deleted"}}, *two_threads("b")
    )
    [skipped] = [finding for finding in check(path) if finding.rule == "skipped"]
    assert (skipped.level, skipped.where) == ("note", f"{path} [0]")
    assert "only a body was kept" in skipped.what


def two_threads(*cassettes):
    """Rows of a log: in each conversation, the same thread is made."""
    thread = json.loads(POLLED[THREAD].response_body)
    for cassette in cassettes:
        yield {
            "cassette": cassette, "index": 0, "method": "POST", "url": f"{BASE}/threads", "request_headers": BETA,
            "request_body": {}, "status": 200, "response_headers": {}, "response_body": thread, "sse": False,
            "recorded_at": "2025-11-03T12:00:00+00:00",
        }  # fmt: skip


def test_each_conversation_of_a_log_is_checked_by_itself(tmp_path):
    assert check(log(tmp_path / "apart.jsonl", *two_threads("a", "b"))) == []
    [twice] = check(log(tmp_path / "together.jsonl", *two_threads("a", "a")))
    assert twice.rule == "duplicate"


# --- bodies of all kinds --------------------------------------------------------------------------------------------


def every_other_body(exchanges):
    """Each answer with each of its keys taken away, or with an odd value."""
    odd = (..., None, 1, [], {}, [{}], {"object": [1]}, {"object": "thread.run"}, [{"type": "text"}])
    for at, item in enumerate(exchanges):
        if not item.response_body.startswith(b"event: "):
            for key in ("data", *json.loads(item.response_body)):
                for value in odd:
                    body = {**json.loads(item.response_body), key: value}
                    yield at, {name: kept for name, kept in body.items() if kept is not ...}


def test_whatever_is_wrong_with_a_body_nothing_is_raised(tmp_path):
    rows = [
        {"cassette": f"{number}", "index": at, "method": item.request.method, "url": item.request.url,
         "request_headers": BETA, "request_body": json.loads(item.request_body or "null"), "status": 200,
         "response_headers": {}, "response_body": body if at == changed else json.loads(item.response_body),
         "recorded_at": None}
        for number, (changed, body) in enumerate(every_other_body(POLLED[:4]))
        for at, item in enumerate(POLLED[:4])
    ]  # fmt: skip
    found = check(log(tmp_path / "odd.jsonl", *rows))
    assert {finding.rule for finding in found if finding.level == "error"} == {"schema", "transition"}
