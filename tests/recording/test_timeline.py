"""A recorded session as a timeline in plain text."""

from __future__ import annotations

from dataclasses import replace

import pytest
from cassette_recordings import exchange, files
from recorded_sessions import record_session

from harness import call, fail, run_code, say, truncate
from harness.recording.cassettes import read
from harness.recording.exchanges import by_conversation
from harness.recording.session import Session
from harness.recording.timeline import timeline
from harness.service.lifecycle import RUN, terminal


def timeline_of(exchanges) -> list[str]:
    return timeline(Session.of(exchanges)).splitlines()


def test_a_session_is_shown_in_order_and_by_thread():
    lines = timeline_of(record_session(call("get_weather", city="Oslo"), say("4 °C\nand rain"), outputs=["4 °C"]))
    assert lines[0] == "11 exchanges, from 2025-11-03 12:00:00 UTC, v2"
    assert [line.split()[2:4] for line in lines[2:4]] == [["POST", "/assistants"], ["POST", "/threads"]]
    assert lines[4].split()[-3].startswith("msg_")
    assert lines[4].endswith(" user: Hi?")
    thread = lines[len(lines) - lines[::-1].index("") :]
    assert thread[0].startswith("thread_")
    assert thread[1] == "    user: Hi?"
    assert thread[2].endswith(": queued → in_progress → requires_action → queued → in_progress → completed")
    assert thread[3:] == ['        call("get_weather", city="Oslo")', '        say("4 °C\\nand rain")']


def test_a_status_is_named_once_however_often_it_was_seen():
    once = record_session(call("f"), say("4 °C"), outputs=["4"])
    often = [item for item in once for _ in range(3 if item.request.method == "GET" else 1)]
    runs = [[line for line in timeline_of(items) if line.startswith("    run_")] for items in (once, often)]
    assert runs[0] == runs[1] != []


@pytest.mark.parametrize(
    ("acts", "ends"),
    [
        ((say("Well"), fail("rate_limit_exceeded", "Too fast.")), "failed — rate_limit_exceeded: Too fast."),
        ((say("It is"), truncate("max_prompt_tokens")), "incomplete — max_prompt_tokens"),
    ],
)
def test_a_run_says_why_it_ended(acts, ends):
    assert any(line.endswith(ends) for line in timeline_of(record_session(*acts)))


def test_a_stream_says_how_it_ended():
    [line] = [line for line in timeline_of(record_session(say("Hello."), stream=True)) if " events, " in line]
    assert line.endswith(" events, the last thread.run.completed")


def test_polls_with_the_same_outcome_are_one_line():
    start, look = exchange(got=b'{"id": "file-abc"}'), exchange(got=b'{"id": "file-abc", "status": "processed"}')
    lines = timeline_of([start, look, look, look, start])
    assert [line.partition("file-abc")[2] for line in lines[2:]] == ["", " processed   (3 times)", ""]


@pytest.mark.parametrize(
    ("item", "came"),
    [
        (exchange(got=b'{"error": {"message": "No such\\n file."}}', status=404), "404 No such file."),
        (exchange(got=b"oops", status=502), "502"),
        (exchange(got=b'{"error": "busy"}', status=503), "503"),
        (exchange(got=b"a,b\n1,2\n", method="GET"), "200, 8 bytes"),
        (exchange(got=b'{"object": "list", "data": []}', method="GET"), "0 listed"),
        (exchange(got=b'{"id": "file-abc", "object": "file", "filename": "a.csv"}'), "file-abc a.csv"),
    ],
)
def test_outcomes(item, came):
    assert timeline_of([item])[2].partition("/files")[2].strip() == came


def test_ids_are_shortened_where_the_answer_shows_them():
    url = "https://api.openai.com/v1/threads/thread_abcdefgh"
    found = exchange(got=b'{"id": "thread_abcdefgh", "object": "thread"}', url=url)
    assert timeline_of([found])[2].split() == ["POST", "/threads/thread_abcd…", "thread_abcdefgh"]
    missing = exchange(got=b"{}", url=url, status=404)
    assert "/threads/thread_abcdefgh" in timeline_of([missing])[2]


def test_a_message_of_a_run_that_was_not_shown_is_listed_in_the_thread():
    whole = record_session(run_code("plot()", images=["file-abcdefgh"]), say("See.", images=["file-abcdefgh"]))
    [listing] = [item for item in whole if item.request.path.endswith("/messages")][-1:]
    lines = timeline_of([listing])
    assert any(line.startswith("    assistant: (image_file: file-abcdefgh) See.") for line in lines)


def test_without_times_there_are_none():
    lines = timeline_of([replace(exchange(got=b"{}"), at=None)])
    assert lines[0] == "1 exchange"
    assert lines[2].startswith("           POST")


@pytest.mark.parametrize("path", [*files("raw/*/*"), *files("*.jsonl")])
def test_every_recording_has_a_timeline(path):
    """Each run is in the timeline, with the status it was last seen in."""
    for exchanges in by_conversation(read(path)).values():
        session = Session.of(exchanges)
        text = timeline(session)
        for run_id, story in session.stories.items():
            if story.run:
                [line] = [line for line in text.splitlines() if line.startswith(f"    {run_id}: ")]
                if story.run["status"] in terminal(RUN):
                    assert line.partition(" — ")[0].endswith(story.run["status"])
