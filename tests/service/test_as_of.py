"""The option `as_of`: which days it takes, and where it puts the clock."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from harness import HarnessFailure, Request, say, truncate
from harness.fake import FakeAssistants
from harness.options import make_options


def first_day(**options: object) -> str:
    fake = FakeAssistants(make_options(options, where="test"))
    return datetime.fromtimestamp(fake.clock.now, tz=timezone.utc).isoformat()


def test_time_starts_on_the_chosen_day():
    assert first_day(as_of="2023-12-24") == "2023-12-24T12:00:00+00:00"


def test_an_explicit_start_wins():
    assert first_day(as_of="2023-12-24", start=0) == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize("wrong", ["2024-5-1", "20240501", "2024-02-30", 2024])
def test_what_is_no_day_is_refused_with_one_that_is(wrong):
    with pytest.raises(HarnessFailure, match=r"as_of='2024-05-01'"):
        make_options({"as_of": wrong}, where="test")


@pytest.mark.parametrize(
    ("version", "day", "status"),
    [
        ("v1", "2024-04-27", "completed"),
        ("v1", "2024-05-28", "incomplete"),
        ("v2", "2024-04-29", "incomplete"),
        ("v2", "2024-05-28", "incomplete"),
    ],
)
def test_v1_called_a_truncated_run_completed_at_first(version, day, status):
    """FACTS 0: on 2024-04-27 v1 showed it so, with its incomplete_details; two days later v2 showed `incomplete`."""
    fake = FakeAssistants(make_options({"as_of": day, "clock": "timed"}, where="test"))
    fake.next_run(say("Rain is li"), truncate())
    assistant, thread = fake.add_assistant(), fake.add_thread()

    def ask(method, path, body=b""):
        headers = {"authorization": "Bearer sk-any", "openai-beta": f"assistants={version}"}
        return json.loads(fake.answer(Request(method, f"https://api.openai.com/v1{path}", headers, body)).body)

    ask("POST", f"/threads/{thread.id}/messages", b'{"role": "user", "content": "?"}')
    run = ask("POST", f"/threads/{thread.id}/runs", b'{"assistant_id": "%s"}' % assistant.id.encode())
    fake.clock.advance(60)
    shown = ask("GET", f"/threads/{thread.id}/runs/{run['id']}")
    assert (shown["status"], shown["incomplete_details"]) == (status, {"reason": "max_completion_tokens"})
