"""Acts: what a user may write, and the failures for mistakes."""

from __future__ import annotations

import pytest

from harness import FakeAssistants, HarnessFailure, Request, cancel, fail, run_code, say

HEADERS = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2", "content-type": "application/json"}
BODY = b'{"assistant_id": "asst_1", "stream": true, "thread": {"messages": [{"role": "user", "content": "hi"}]}}'


def stream(fake):
    fake.add_assistant("asst_1")
    return fake.answer(Request("POST", "https://api.openai.com/v1/threads/runs", HEADERS, BODY)).body


def test_every_place_of_a_mark_is_annotated():
    act = say("a【1】b【1】", citations={"【1】": "file-a"}, files={"b": "file-b"})
    places = [(item["type"], item["start_index"], item["end_index"]) for item in act.annotations]
    assert places == [("file_citation", 1, 4), ("file_path", 4, 5), ("file_citation", 5, 8)]


@pytest.mark.parametrize("mark", ["【2】", ""])
def test_a_mark_that_is_not_in_the_text_is_a_mistake(mark):
    with pytest.raises(HarnessFailure, match=r"the mark .* is not in the text") as raised:
        say("a【1】", citations={mark: "file-a"})
    assert "The text: 'a【1】'" in str(raised.value)


@pytest.mark.parametrize(
    "shown", [{"citations": {"here": "a.csv"}}, {"files": {"here": "out/a.csv"}}, {"images": ["a.csv"]}]
)
def test_a_file_name_is_not_accepted_as_a_file_id(shown):
    with pytest.raises(HarnessFailure, match=r"a\.csv' is the name of a file") as raised:
        say("here", **shown)
    assert 'say("sandbox:/mnt/data/a.csv")' in str(raised.value)


@pytest.mark.parametrize(
    ("act", "argument", "given", "written"),
    [
        (say, "citations", ["file-abc"], 'citations={"【4:0†name.txt】": "file-abc"}'),
        (say, "files", "file-abc", 'files={"sandbox:/mnt/data/a.csv": "file-abc"}'),
        (say, "images", "file-abc", 'images=["file-abc"]'),  # not eight files, one for each character
        (run_code, "files", ["mean.csv"], 'files={"mean.csv": b'),
        (run_code, "images", "plot.png", 'images=["plot.png"]'),
        (run_code, "images", b"PNG", 'images=["plot.png"]'),
        (run_code, "images", 1, 'images=["plot.png"]'),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_an_argument_of_another_shape_is_shown_how_it_is_written(act, argument, given, written):
    with pytest.raises(HarnessFailure) as raised:
        act("here", **{argument: given})
    assert repr(given) in raised.value.happened
    assert written in raised.value.do


def test_a_misspelt_code_of_a_failure_is_refused_and_another_passed_on():
    assert fail("token_rate_limit_exceeded").code == "token_rate_limit_exceeded"
    with pytest.raises(HarnessFailure, match=r"a misspelt 'rate_limit_exceeded'"):
        fail("rate_limit_exceded")
    others = ["content_filter", "rate_limit_error"]
    assert [fail(code).code for code in others] == others


def test_a_stream_that_breaks_inside_says_so_and_is_remembered(monkeypatch):
    fake = FakeAssistants()
    body = stream(fake)
    monkeypatch.setattr("harness.service.events.Feed.next", lambda feed, patience: 1 / 0)
    with pytest.raises(HarnessFailure, match=r"The fake broke on POST /v1/threads/runs: ZeroDivisionError"):
        body.read()
    assert len(fake.failures) == 1


def test_a_closed_stream_has_no_more_events():
    body = stream(FakeAssistants())
    assert body.read().startswith(b"event: thread.created")
    body.close()
    assert body.read() is None


def test_pieces_after_a_token_limit_are_not_streamed():
    fake = FakeAssistants()
    fake.next_run(say(pieces=["Hello, ", "wor", "ld", " and", " more"]))
    fake.add_assistant("asst_1")
    limited = BODY.replace(b'"stream": true', b'"stream": true, "max_completion_tokens": 2')
    body = fake.answer(Request("POST", "https://api.openai.com/v1/threads/runs", HEADERS, limited)).body
    streamed = b"".join(iter(body.read, None))
    assert streamed.count(b"event: thread.message.delta") == 1
    assert b'"value":"Hello,"' in streamed
    assert b"wor" not in streamed


def test_of_marks_that_overlap_the_first_comes_in_one_piece():
    fake = FakeAssistants()
    fake.next_run(say("abcd", citations={"abc": "file-a", "bcd": "file-b"}))
    streamed = b"".join(iter(stream(fake).read, None))
    assert streamed.count(b"event: thread.message.delta") == 2
    assert b'"value":"abc"' in streamed
    assert b'"value":"d"' in streamed


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"then": "expired"}, r"cancel\(then='expired'\)"), ({"takes": -1}, r"cancel\(takes=-1\): time only")],
    ids=["then", "takes"],
)
def test_an_impossible_cancellation_is_refused(wrong, message):
    with pytest.raises(HarnessFailure, match=message):
        cancel(**wrong)
