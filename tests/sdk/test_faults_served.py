"""Faults over a real socket, where a client gets what a server can do: a status, or a connection that is cut."""

from __future__ import annotations

import openai
import pytest

from harness import FakeAssistants
from harness.transports.server import serving

pytest.importorskip("uvicorn")

RUNS = "POST /threads/{thread_id}/runs"


@pytest.fixture
def fake():
    made = FakeAssistants()
    made.add_thread("thread_abc")
    made.add_assistant("asst_abc", instructions="Help.")
    return made


@pytest.fixture
def runs(fake):
    with serving(fake.answer) as url, openai.OpenAI(api_key="sk-test", base_url=f"{url}/v1", max_retries=0) as client:
        yield client.beta.threads.runs


def start(runs, **more):
    return runs.create(thread_id="thread_abc", assistant_id="asst_abc", **more)


def test_a_status(fake, runs):
    fake.faults.status(429, on=RUNS, retry_after=1)
    with pytest.raises(openai.RateLimitError, match="Rate limit reached") as raised:
        start(runs)
    assert raised.value.response.headers["retry-after"] == "1"
    assert start(runs).status == "queued"


@pytest.mark.parametrize(
    ("method", "made"),
    [("connect_error", 0), ("read_timeout", 0), ("lost_answer", 1), ("drop", 1)],
    ids=["connect_error", "read_timeout", "lost_answer", "drop"],
)
def test_what_breaks_is_a_connection_that_is_cut(fake, runs, method, made):
    """Whatever it was: the client had a connection, and nobody knows how patient it is."""
    getattr(fake.faults, method)(on=RUNS)
    with pytest.raises(openai.APIConnectionError) as raised:
        start(runs)
    assert type(raised.value.__cause__).__name__ == "RemoteProtocolError"
    assert len(fake.runs) == made
    assert fake.faults.unused() == []


def test_half_a_body(fake, runs):
    fake.faults.malformed(on=RUNS)
    with pytest.raises(ValueError, match=r"Unterminated string|Expecting"):
        start(runs)
    assert len(fake.runs) == 1


def test_a_client_of_a_server_is_as_patient_as_can_be(fake, runs):
    before = fake.clock.now
    fake.faults.slow(9000, on=RUNS)
    assert start(runs).created_at == before + 9000
