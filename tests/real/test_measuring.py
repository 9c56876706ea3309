"""The measuring itself holds for other recordings, too: nothing in it needs what a recorder may have left out."""

from __future__ import annotations

from dataclasses import replace

import pytest
from differences import Difference, Known
from evidence import Evidence
from recorded_exchanges import Conversation, Exchange, conversations
from replay_outcomes import stale
from replayer import Outcome, replay
from test_deriving import record

from harness import say

DAY = "2025-10-30"
UPLOAD = Exchange(
    source="made up",
    cassette="upload",
    index=0,
    provenance="http",
    method="POST",
    url="https://api.openai.com/v1/files",
    route="/files",
    query={},
    request_headers={},
    request_body=None,
    status=200,
    response_headers={},
    response_body={
        "object": "file",
        "id": "file-" + "A" * 22,
        "purpose": "batch",
        "filename": "a.jsonl",
        "bytes": 3,
        "created_at": 1761825600,
        "expires_at": None,
        "status": "processed",
        "status_details": None,
    },
    sse=False,
    recorded_at=None,
    beta=None,
)


def refused(status, message, code=None, param=None):
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return replace(UPLOAD, status=status, response_body={"error": error})


@pytest.mark.parametrize(
    "upload",
    [
        UPLOAD,
        refused(
            400,
            "'x' is not one of ['fine-tune', 'assistants', 'batch', 'user_data', 'vision', 'evals'] - 'purpose'",
            param="purpose",
        ),
        refused(
            401,
            "Incorrect API key provided: <KEY>. You can find your API key at https://platform.openai.com/account/api-keys.",
            code="invalid_api_key",
        ),
    ],
    ids=["taken", "purpose", "key"],
)
def test_an_upload_whose_form_was_not_kept(upload):
    [outcome] = replay(Conversation([upload], DAY), Evidence([upload]))
    assert outcome.differences == []


@pytest.fixture
def streamed():
    """A conversation that ends with the stream of a run."""
    return record([say("Hi.")], "v2-of-2025", with_thread=False)


def test_a_stream_whose_request_was_not_kept(streamed):
    *before, run = streamed.exchanges
    lost = replace(run, request_body=None, request_headers={"openai-beta": "assistants=v2"})
    [*_, outcome] = replay(Conversation([*before, lost], streamed.day), Evidence([*before, lost]))
    assert outcome.differences == []


@pytest.mark.parametrize("data", [{"error": {"message": "m"}}, {"message": "m", "code": None}], ids=["nested", "flat"])
def test_a_stream_that_ends_in_an_error(streamed, data):
    *before, run = streamed.exchanges
    broken = replace(run, response_body=[*run.response_body[:4], ["error", data]])
    [*_, outcome] = replay(Conversation([*before, broken], streamed.day), Evidence([*before, broken]))
    assert [(difference.path, difference.kind) for difference in outcome.differences] == [("events", "order")]


def test_a_run_that_was_refused_and_whose_request_was_not_kept(streamed):
    *before, run = streamed.exchanges
    lost = replace(refused(500, "m"), url=run.url, route=run.route)
    [*_, outcome] = replay(Conversation([*before, lost], streamed.day), Evidence([*before, lost]))
    assert [difference.kind for difference in outcome.differences] == ["status"]


@pytest.mark.parametrize("other", ["another source", "made up"])
def test_a_recording_without_any_date_is_of_the_day_of_the_others(other):
    undated = replace(refused(404, "m"), cassette="undated")
    days = {conversation.day for conversation in conversations([undated, replace(UPLOAD, source=other)])}
    assert days == {DAY}


@pytest.mark.parametrize(
    ("kind", "gone"),
    [("value", []), ("type", ["* /files *: bytes: type"])],
    ids=["it is so", "it is not so any more"],
)
def test_a_known_difference_that_is_gone_is_told(kind, gone):
    known = [Known("* /files", {"bytes": kind}, "why")]
    assert stale([Outcome(UPLOAD, DAY, [Difference("bytes", "value", 1, 2)])], known) == gone
