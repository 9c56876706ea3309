"""A world as data: what a page gets to show, how much of it, and what it never gets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sample_conversations import CHART, WEATHER, Talk, endings, recorded

from harness import FakeAssistants, HarnessFailure, call, fake_assistants, say, search
from harness.recording.cassettes import write
from harness.report import bodies, limits, rows
from harness.report.contents import parts, tool_call
from harness.report.data import world

NOON = 1_762_171_200.0


def said(shown: dict[str, Any], kind: str, thread: int = 0) -> list[dict[str, Any]]:
    return [each[kind] for each in shown["threads"][thread]["said"] if kind in each]


def test_a_world_is_json(whole_day):
    assert json.loads(json.dumps(whole_day, allow_nan=False)) == whole_day


def test_no_header_is_in_it():
    with fake_assistants() as fake:
        client = fake.client(api_key="sk-do-not-show", default_headers={"x-mine": "my-header"})
        client.files.create(file=("a.txt", b"hello"), purpose="assistants")
        shown = json.dumps(world(fake))
    assert "sk-do-not-show" not in shown
    assert "my-header" not in shown
    assert "hello" in shown  # that of the body is


# --- runs -----------------------------------------------------------------------------------------------------------


def test_a_run_has_its_timeline_steps_and_cost(whole_day):
    run = said(whole_day, "run")[0]
    assert [(each["status"], each["at"] - NOON, each["by"], each["because"]) for each in run["moments"]] == [
        ("queued", 0, "client", "create"),
        ("in_progress", 1, "clock", "pick_up"),
        ("requires_action", 3, "model", "call"),
        ("queued", 3, "client", "submit_tool_outputs"),
        ("in_progress", 4, "clock", "pick_up"),
        ("completed", 6, "model", "finish"),
    ]
    asked, wrote = run["steps"]
    assert [each["name"] for each in asked["calls"]] == ["get_weather", "get_weather"]
    assert json.loads(asked["calls"][0]["output"])["sky"] == "맑음"
    assert (asked["at"] - NOON, asked["end"] - NOON) == (1, 3)
    assert wrote["message"] == said(whole_day, "message")[1]["id"]
    assert run["usage"].keys() == {"prompt", "completion"}
    assert run["script"].startswith("next_run(…) at sample_conversations.py:")


def test_a_run_says_why_it_ended(whole_day):
    failed, incomplete, expired, cancelled = said(whole_day, "run", 3)
    assert failed["error"]["code"] == "rate_limit_exceeded"
    assert incomplete["why"] == "max_completion_tokens"
    assert said(whole_day, "message", 3)[2]["why"] == "max_tokens"
    assert expired["moments"][-1]["because"] == "expire"
    assert cancelled["steps"][0]["status"] == "cancelled"
    assert cancelled["steps"][0]["end"] == cancelled["moments"][-1]["at"]
    [waiting] = said(whole_day, "run", 4)
    assert [each["name"] for each in waiting["waits_for"]] == ["get_weather"]
    assert waiting["steps"][0]["end"] is waiting["steps"][0]["usage"] is None


def test_a_conversation_is_in_order_even_if_nothing_takes_time():
    with fake_assistants(queued=0, act=0) as fake:
        talk = Talk(fake)
        thread = talk.thread()
        for text in ("one", "two"):
            talk.ask(thread, text, say(f"{text}!"))
        order = [*world(fake)["threads"][0]["said"]]
    assert [next(iter(each)) for each in order] == ["message", "run", "message"] * 2


def test_a_run_that_said_nothing_stands_where_it_happened():
    with fake_assistants() as fake:
        talk = Talk(fake)
        endings(talk)
        kinds = [next(iter(each)) for each in world(fake)["threads"][0]["said"]]
    assert kinds == ["message", "run", "message", "run", "message", "message", "run", "message", "run"]


def test_a_thread_that_the_client_deleted_is_shown_as_deleted():
    with fake_assistants() as fake:
        talk = Talk(fake)
        gone, there = talk.thread(), talk.thread()
        talk.ask(gone, "Are you there?", say("Not for long."))
        talk.api.delete(gone)
        shown = world(fake)
    assert [(each["id"], each["deleted"]) for each in shown["threads"]] == [(gone, True), (there, False)]
    assert [next(iter(each)) for each in shown["threads"][0]["said"]] == ["message", "run", "message"]


# --- messages -------------------------------------------------------------------------------------------------------


def text(value: str, *annotations: dict[str, Any]) -> dict[str, Any]:
    return {"type": "text", "text": {"value": value, "annotations": list(annotations)}}


def cites(mark: str, start: int | None, quote: str | None = None) -> dict[str, Any]:
    about = {"file_id": "file-abc", "quote": quote}
    return {"type": "file_citation", "text": mark, "start_index": start, "file_citation": about}


def test_marks_are_cut_out_of_a_text_by_its_characters():
    [part] = parts([text("😀 see 【1】 and 【2】.", cites("【2】", 14), cites("【1】", 6, "so"))])
    assert part["pieces"] == [
        {"text": "😀 see "},
        {"text": "【1】", "note": 2},
        {"text": " and "},
        {"text": "【2】", "note": 1},
        {"text": "."},
    ]
    assert part["notes"][1] == {
        "number": 2,
        "kind": "file_citation",
        "mark": "【1】",
        "file": "file-abc",
        "quote": "so",
    }


@pytest.mark.parametrize("start", [3, 99, None], ids=["elsewhere", "beyond", "nowhere"])
def test_a_mark_that_is_not_there_is_a_note_all_the_same(start):
    [part] = parts([text("see 【1】", cites("【1】", start))])
    assert part["pieces"] == [{"text": "see 【1】"}]
    assert len(part["notes"]) == 1


def test_marks_that_overlap_are_shown_once():
    [part] = parts([text("【1】", cites("【1】", 0), cites("【1】", 0))])
    assert part["pieces"] == [{"text": "【1】", "note": 1}]


def test_parts_of_every_kind():
    given = [
        {"type": "image_file", "image_file": {"file_id": "file-abc"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        {"type": "refusal", "refusal": "No."},
        {"type": "sound", "sound": 1},
    ]
    assert parts(given) == [
        {"type": "image", "file": "file-abc"},
        {"type": "image_url", "url": "https://example.com/a.png"},
        {"type": "refusal", "text": "No."},
        {"type": "other", "text": '{\n  "type": "sound",\n  "sound": 1\n}'},
    ]


def test_attachments_name_files_and_tools(whole_day):
    [attachment] = said(whole_day, "message", 1)[0]["attachments"]
    assert attachment["tools"] == ["code_interpreter"]
    assert attachment["file"] in {file["id"] for file in whole_day["files"]}
    old = rows.message({"id": "msg_1", "file_ids": ["file-abc"]})
    assert old["attachments"] == [{"file": "file-abc", "tools": []}]


# --- tools ----------------------------------------------------------------------------------------------------------


def test_a_cell_has_its_code_logs_and_images(whole_day):
    [cell] = said(whole_day, "run", 1)[0]["steps"][0]["calls"]
    assert "groupby" in cell["input"]
    assert cell["outputs"][0]["logs"].startswith("region")
    drawn = next(file for file in whole_day["files"] if file["id"] == cell["outputs"][1]["image"])
    assert drawn["image"].startswith("data:image/png;base64,iVBOR")


def test_a_search_has_its_results_however_it_is_written_down(whole_day):
    [searched] = said(whole_day, "run", 2)[0]["steps"][0]["calls"]
    [found] = searched["results"]
    assert (found["name"], found["score"]) == ("brief_ko.txt", 0.87)
    assert "2주" in found["text"]
    wire = {"id": "call_1", "type": "file_search", "file_search": {"results": [{"file_id": "file-abc", "score": 0.5}]}}
    assert tool_call(wire)["results"] == [{"file": "file-abc", "name": "", "score": 0.5, "text": ""}]
    assert tool_call({"id": "call_1", "type": "retrieval", "retrieval": {}})["results"] == []


def test_arguments_that_are_no_json_stand_as_they_are():
    asked = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": '{"city": ', "output": "4 °C"}}
    assert tool_call(asked) == {
        "id": "call_1",
        "type": "function",
        "name": "f",
        "arguments": '{"city": ',
        "output": "4 °C",
    }


def test_search_without_content_and_a_queue_without_steps():
    with fake_assistants() as fake:
        talk = Talk(fake, tools=[{"type": "file_search"}])
        talk.ask(talk.thread(), "What?", search(results=[]), say("Nothing."))
        [step, _] = said(world(fake), "run")[0]["steps"]
    assert step["calls"][0]["results"] == []


# --- files ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "kind", "beginning"),
    [
        (CHART, "image/png", None),
        (b"\xff\xd8\xff\xe0JFIF", "image/jpeg", None),
        (b"GIF89a\x01\0", "image/gif", None),
        (b"RIFF\x24\0\n\0WEBPVP8 ", "image/webp", None),
        (b"RIFF\n", None, "RIFF\n"),
        (b"a,b\n1,2\n", None, "a,b\n1,2\n"),
        ("바람\n".encode(), None, "바람\n"),
        (b"<svg onload='alert(1)'/>", None, "<svg onload='alert(1)'/>"),
        (b"%PDF-1.7\n\xe2\xe3\xcf\xd3", None, None),
        (b"\0\1\2", None, None),
        (b"", None, ""),
    ],
    ids=["png", "jpeg", "gif", "webp", "riff", "csv", "korean", "svg", "pdf", "bytes", "empty"],
)
def test_a_file_is_an_image_a_text_or_neither(content, kind, beginning):
    fake = FakeAssistants()
    fake.add_file(content=content, filename="a.bin")
    [file] = world(fake)["files"]
    assert (file["kind"], file["text"], file["bytes"]) == (kind, beginning, len(content))
    assert (file["image"] is not None) == (kind is not None)


def test_a_file_of_which_nobody_knows_the_content():
    with fake_assistants(adopt_unknown=True) as fake:
        fake.client().files.retrieve("file-abcdef")
        [file] = world(fake)["files"]
    assert (file["known"], file["text"], file["image"]) == (False, None, None)


def test_a_character_that_the_limit_cuts_through_is_left_out():
    fake = FakeAssistants()
    fake.add_file(content=b"x" + "한".encode() * 4000, filename="a.txt")
    [file] = world(fake)["files"]
    assert file["text"].endswith("한\n… 6,003 bytes more")


def test_stores_have_their_files(whole_day):
    [store] = whole_day["stores"]
    assert store["name"] == "Handbooks"
    assert [entry["status"] for entry in store["files"]] == ["completed"]


# --- limits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("count", "told"), [(1, "… 1 more character"), (2000, "… 2,000 more characters")])
def test_long_texts_say_how_much_is_missing(count, told):
    [part] = parts([text("x" * (limits.TEXT + count))])
    assert part["pieces"][0]["text"].splitlines() == ["x" * limits.TEXT, told]


def test_large_images_are_left_out_and_so_are_the_oldest_of_many():
    fake = FakeAssistants()
    for size in (limits.IMAGE + 1, *[limits.IMAGE] * 5):
        fake.add_file(content=CHART[:8] + b"x" * (size - 8), filename="a.png")
    shown = world(fake)["files"]
    assert [file["image"] is not None for file in shown] == [False, False, False, True, True, True]
    assert all(file["kind"] == "image/png" for file in shown)


def test_the_newest_of_each_kind_are_shown():
    fake = FakeAssistants()
    client = fake.client()
    for _ in range(limits.MAX_ROWS["requests"] + 2):
        client.models.list()
    for _ in range(limits.MAX_ROWS["threads"] + 3):
        fake.add_thread()
    shown = world(fake)
    assert shown["left_out"] == {"assistants": 0, "threads": 3, "files": 0, "stores": 0, "requests": 2}
    assert [shown["requests"][0]["number"], len(shown["threads"])] == [3, limits.MAX_ROWS["threads"]]


# --- requests -------------------------------------------------------------------------------------------------------


def test_requests_have_their_bodies_and_what_came_of_them(whole_day):
    first, *_ = whole_day["requests"]
    assert (first["method"], first["path"], first["outcome"]) == ("POST", "/v1/assistants", "200")
    assert json.loads(first["sent"]["text"])["name"] == "날씨 도우미"
    assert json.loads(first["got"]["text"])["object"] == "assistant"
    upload = next(each for each in whole_day["requests"] if each["path"] == "/v1/files")
    assert upload["sent"]["about"].startswith("form, ")
    assert sorted(upload["sent"]["text"].splitlines()) == ["file: sales_2023.csv, 650 bytes", "purpose: assistants"]
    [refused] = [each for each in whole_day["requests"] if each["status"] >= 400]
    assert "while a run" in refused["problem"]
    assert [each["number"] for each in whole_day["requests"]] == list(range(1, len(whole_day["requests"]) + 1))


def test_of_a_stream_nothing_is_kept():
    with fake_assistants() as fake:
        talk = Talk(fake)
        with talk.api.runs.create(talk.thread(), assistant_id=talk.assistant.id, stream=True) as stream:
            assert list(stream)
        *_, streamed = world(fake)["requests"]
    assert streamed["got"] == {"about": "a stream of events, which is not kept", "text": ""}


def test_a_request_that_got_no_answer():
    with fake_assistants() as fake:
        fake.faults.connect_error()
        with pytest.raises(Exception, match="Connection"):
            fake.client(max_retries=0).models.list()
        [lost] = world(fake)["requests"]
    assert (lost["status"], lost["got"]) == (0, None)
    assert "Connect" in lost["outcome"]


def test_failures_of_the_harness_are_shown():
    with fake_assistants() as fake:
        with pytest.raises(HarnessFailure, match="stuck"):
            stuck(Talk(fake))
        shown = world(fake)
        failures = [str(failure) for failure in fake.failures]
        fake.failures.clear()  # or they are raised again at the end
    assert shown["failures"] == failures != []


def stuck(talk: Talk) -> None:
    run = talk.ask(talk.thread(), "And?", call("get_weather", city="Oslo"))
    while True:
        talk.api.runs.retrieve(run.id, thread_id=run.thread_id)


@pytest.mark.parametrize(
    ("raw", "kind", "about", "told"),
    [
        (b"[1.0, 1e-07]", "application/json", "JSON, 12 bytes", "[\n  1.0,\n  1e-07\n]"),
        (b'{"a": NaN}', "application/json", "JSON, 10 bytes", '{\n  "a": NaN\n}'),
        (b"{broken", "application/json", "JSON, 7 bytes", "{broken"),
        (b"event: done\ndata: [DONE]\n\n", "text/event-stream; charset=utf-8", "events, 26 bytes", None),
        (b"plain", "text/plain", "text, 5 bytes", "plain"),
        (b"x" * (limits.BODY + 5), "", "text, 8,005 bytes", None),
        (b"x" * (limits.READABLE + 5), "", "text, 1,048,581 bytes", "x" * limits.BODY + "\n… 1,040,581 bytes more"),
        (CHART, "application/octet-stream", f"png image, {len(CHART)} bytes", ""),
        (b"\x00\xff", "", "2 bytes", ""),
        (b"--x", "multipart/form-data", "form, 3 bytes", ""),
    ],
    ids=["json", "nan", "broken", "events", "text", "long", "huge", "image", "bytes", "no-form"],
)
def test_bodies(raw, kind, about, told):
    body = bodies.body(raw, kind)
    assert body is not None
    assert body["about"] == about
    assert told is None or body["text"] == told


def test_an_upload_that_is_too_large_to_look_into(monkeypatch):
    monkeypatch.setattr(bodies, "FORM", 2)
    assert bodies.body(b"--x", "multipart/form-data; boundary=x") == {"about": "form, 3 bytes", "text": ""}


def test_json_of_a_clients_own_making_stands_as_text():
    shown = rows.assistant({"id": "asst_1", "metadata": {"a": float("nan")}, "tools": [WEATHER]})
    assert shown["metadata"] == '{\n  "a": NaN\n}'
    assert json.loads(shown["tools"])[0]["function"]["name"] == "get_weather"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"error": {"message": "No."}}, "No."),
        ({"error": "busy"}, "busy"),
        ({"error": {"message": 1}}, None),
        ([], None),
    ],
)
def test_what_a_refusal_says(answer, told):
    assert bodies.error_text(answer) == told


def test_runs_of_a_replayed_session_have_the_times_that_were_recorded(tmp_path):
    """Of those older than the recording nobody knows a timeline."""
    pytest.importorskip("yaml")
    with fake_assistants() as before:
        talk = Talk(before)
        run = talk.ask(talk.thread(), "Hi!", say("Hello!"))
        talk.api.runs.steps.list(run.id, thread_id=run.thread_id)
    write(tmp_path / "late.yaml", recorded(before)[-2:])
    fake = FakeAssistants()
    fake.replay(tmp_path / "late.yaml")
    [old] = said(world(fake), "run")
    assert (old["status"], old["moments"], old["at"]) == ("completed", [], run.created_at)
    [step] = old["steps"]
    assert (step["at"] - NOON, step["end"] - NOON) == (1, 3)
