"""What the events of a run hold: objects, deltas, and the pieces that a script chooses."""

from __future__ import annotations

import json

import openai
import pytest
from stream_clients import THREAD, named

from harness import HarnessFailure, call, calls, refuse, run_code, say, search

PLOT = "file-plot"


# --- objects -----------------------------------------------------------------------------------------------------


def test_objects_in_events_show_more_than_a_get(caller, assistants):
    """CONTRACT §2.3, §2.4, §2.5, §5.3: status fields, tool_resources, a step's expires_at."""
    assistants.next_run(say("Hello!"))
    events = caller.run().all()
    created, queued, started = (event.data for event in events[:3])
    assert created == queued
    assert (queued["status"], queued["started_at"]) == ("queued", None)
    assert started["started_at"] == queued["created_at"] + 1
    assert {json.dumps(event.data["tool_resources"]) for event in (*events[:3], events[-1])} == {
        '{"code_interpreter": {"file_ids": []}}'
    }
    message, writing = (named(events, f"thread.message.{name}")[0] for name in ("created", "in_progress"))
    assert message == writing
    assert (message["content"], message["status"], message["completed_at"]) == ([], "in_progress", None)
    message = named(events, "thread.message.completed")[0]
    assert message["status"] == "completed"
    assert message["completed_at"] == queued["created_at"] + 3
    assert message["incomplete_details"] is message["incomplete_at"] is None
    steps = [event.data for event in events if event.name.startswith("thread.run.step")]
    assert [step["status"] for step in steps] == ["in_progress", "in_progress", "completed"]
    assert {step["expires_at"] for step in steps} == {queued["expires_at"]}
    assert events[-1].data["expires_at"] is None


def test_a_get_shows_none_of_the_extras(raw, assistants):
    """CONTRACT §2.3, §2.5: outside streams a message has no status fields, and a finished step no expires_at."""
    assistants.next_run(say("Hello!"))
    run = raw.run().all()[-1].data
    threads = openai.OpenAI(api_key="sk-second").beta.threads
    (message,) = threads.messages.list(thread_id=THREAD).data
    assert not message.model_dump(exclude_unset=True).keys() & {"status", "completed_at", "incomplete_at"}
    (step,) = threads.runs.steps.list(run_id=run["id"], thread_id=THREAD).data
    assert step.model_dump(exclude_unset=True)["expires_at"] is None


def deltas(events):
    """The entries of all deltas."""
    found = []
    for event in events:
        delta = event.data.get("delta", {})
        found += delta.get("content", ())
        found += delta.get("step_details", {}).get("tool_calls", ())
    return found


def test_deltas_of_text(caller, assistants):
    """CONTRACT §5.3: only the first brings the list of annotations; an annotated mark comes in one piece."""
    mark = "【4:0†foods.txt】"
    assistants.next_run(say(f"Tacos{mark}.", citations={mark: "file-foods"}))
    events = caller.run().all()
    annotation = {"type": "file_citation", "text": mark, "start_index": 5, "end_index": 5 + len(mark)}
    cited = {"index": 0, **annotation, "file_citation": {"file_id": "file-foods", "quote": ""}}
    first, *middle, marked, last = deltas(events)
    assert first["text"]["annotations"] == []
    assert all("annotations" not in delta["text"] for delta in (*middle, last))
    assert marked == {"index": 0, "type": "text", "text": {"value": mark, "annotations": [cited]}}
    assert last == {"index": 0, "type": "text", "text": {"value": "."}}
    content = named(events, "thread.message.completed")[0]["content"]
    assert content[0]["text"] == {
        "value": f"Tacos{mark}.",
        "annotations": [{**annotation, "file_citation": {"file_id": "file-foods"}}],
    }


def test_deltas_of_images_and_refusals(raw, assistants):
    """CONTRACT §5.3, §2.3: an image comes whole, in front of the text."""
    assistants.next_run(say("See.", images=[PLOT, "file-other"]), refuse("No, never."))
    entries = deltas(raw.run().all())
    images = [entry for entry in entries if entry["type"] == "image_file"]
    assert [(entry["index"], entry["image_file"]["file_id"]) for entry in images] == [(0, PLOT), (1, "file-other")]
    assert {entry["index"] for entry in entries if entry["type"] == "text"} == {2}
    refusals = [entry for entry in entries if entry["type"] == "refusal"]
    assert "".join(entry["refusal"] for entry in refusals) == "No, never."
    assert len(refusals) > 1


def test_deltas_of_calls(caller, assistants):
    """CONTRACT §5.3: each call opens with id and name, then comes its arguments alone; parallel ones in turn."""
    assistants.next_run(calls(call("f", city="Oslo", call_id="call_1"), call("g", call_id="call_2")))
    events = caller.run().all()
    entries = deltas(events)
    opening = [entry for entry in entries if "id" in entry]
    assert opening == [
        {
            "index": index,
            "id": f"call_{index + 1}",
            "type": "function",
            "function": {"name": name, "arguments": "", "output": None},
        }
        for index, name in enumerate("fg")
    ]
    assert [entry["index"] for entry in entries] == sorted(entry["index"] for entry in entries)
    more = [entry for entry in entries if "id" not in entry]
    assert {tuple(entry) for entry in more} == {("index", "type", "function")}
    for index, arguments in enumerate(['{"city":"Oslo"}', "{}"]):
        assert "".join(entry["function"]["arguments"] for entry in more if entry["index"] == index) == arguments
    asked = events[-1].data["required_action"]["submit_tool_outputs"]["tool_calls"]
    assert [item["function"]["arguments"] for item in asked] == ['{"city":"Oslo"}', "{}"]


def test_deltas_of_code(caller, assistants):
    """CONTRACT §5.3: the cell opens empty, its source follows in pieces, then its outputs."""
    assistants.next_run(run_code("print(6 * 7)", logs="42", images=[PLOT]))
    events = caller.run().all()
    opening, *source, outputs = deltas(events)
    assert opening["code_interpreter"] == {"input": "", "outputs": []}
    assert "".join(entry["code_interpreter"]["input"] for entry in source) == "print(6 * 7)"
    assert outputs["code_interpreter"]["outputs"] == [
        {"index": 0, "type": "logs", "logs": "42"},
        {"index": 1, "type": "image", "image": {"file_id": PLOT}},
    ]
    (step,) = named(events, "thread.run.step.completed")
    (done,) = step["step_details"]["tool_calls"]
    assert done["id"] == opening["id"]
    assert done["code_interpreter"]["input"] == "print(6 * 7)"
    assert [output["type"] for output in done["code_interpreter"]["outputs"]] == ["logs", "image"]


def test_deltas_of_a_search(raw, assistants):
    """CONTRACT §5.2, §13.5: one delta without results, which show when the step is completed."""
    result = {"file_id": "file-foods", "file_name": "foods.txt", "score": 0.68, "attributes": {}}
    assistants.next_run(search(results=[result]), say("Tacos."))
    events = raw.run().all()
    ((searched,),) = [data["delta"]["step_details"]["tool_calls"] for data in named(events, "thread.run.step.delta")]
    assert searched["file_search"]["results"] == []
    completed = named(events, "thread.run.step.completed")[0]
    assert completed["step_details"]["tool_calls"][0]["file_search"]["results"] == [result]


# --- pieces ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "pieces",
    [
        ["날씨", "는 ", "맑음"],
        ["cafe", "\u0301"],
        ["👩", "\u200d", "🚀"],
        ["\U0001f1f3", "\U0001f1f4 ", "\U0001f44d", "\U0001f3fd"],
        ["", "a", "", "b"],
        ["line\r\n", "\u2028", "\x00"],
    ],
    ids=["multi-byte", "combining mark", "joined emoji", "flag and skin tone", "empty", "line ends"],
)
def test_text_in_chosen_pieces(caller, assistants, pieces):
    assistants.next_run(say(pieces=pieces))
    events = caller.run().all()
    assert [delta["text"]["value"] for delta in deltas(events)] == pieces
    assert named(events, "thread.message.completed")[0]["content"][0]["text"]["value"] == "".join(pieces)


def test_pieces_end_where_a_token_limit_cuts_their_text(raw, assistants):
    assistants.next_run(say(pieces=["one tw", "o three", " four", " five"]))
    events = raw.run(max_completion_tokens=2).all()
    assert [delta["text"]["value"] for delta in deltas(events)] == ["one tw", "o"]


def test_an_annotation_comes_with_the_piece_in_which_its_mark_ends(caller, assistants):
    pieces = ["😀 Cold 【1", "†a.txt", "】 【1†a.t", "xt】", "."]
    assistants.next_run(say(pieces=pieces, citations={"【1†a.txt】": "file-a"}))
    events = caller.run().all()
    texts = [delta["text"] for delta in deltas(events)]
    assert [text["value"] for text in texts] == pieces
    marks = [[(mark["index"], mark["start_index"]) for mark in text.get("annotations", ())] for text in texts]
    # offsets count characters, also behind one that UTF-16 writes as two
    assert marks == [[], [], [(0, 7)], [(1, 17)], []]
    content = named(events, "thread.message.completed")[0]["content"][0]["text"]
    for annotation in content["annotations"]:
        assert content["value"][annotation["start_index"] : annotation["end_index"]] == "【1†a.txt】"


ARGUMENTS = r'{"path":"C:\\tmp","text":"\u00e9\n","n":-1.5e3}'


@pytest.mark.parametrize("size", [1, 3, 7])
def test_arguments_cut_anywhere(caller, assistants, size):
    """Inside escapes and numbers: only what is joined is JSON (CONTRACT §5.3)."""
    pieces = [ARGUMENTS[start : start + size] for start in range(0, len(ARGUMENTS), size)]
    assistants.next_run(call("f", arguments_pieces=pieces))
    events = caller.run().all()
    assert [delta["function"]["arguments"] for delta in deltas(events)] == ["", *pieces]
    asked = events[-1].data["required_action"]["submit_tool_outputs"]["tool_calls"][0]
    assert asked["function"]["arguments"] == ARGUMENTS


def test_refusals_and_code_in_chosen_pieces(raw, assistants):
    assistants.next_run(run_code(pieces=["print", "(1)"]), refuse(pieces=["No, ", "never"]))
    opening, *entries = deltas(raw.run().all())
    assert opening["code_interpreter"]["input"] == ""
    assert [entry["code_interpreter"]["input"] for entry in entries[:2]] == ["print", "(1)"]
    assert [entry["refusal"] for entry in entries[2:]] == ["No, ", "never"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: say("Hello", pieces=["Hel", "o"]), "the pieces do not add up to the text"),
        (lambda: refuse("No", pieces=["Yes"]), "the pieces do not add up to the text"),
        (lambda: run_code("1", pieces=["2"]), "the pieces do not add up to the text"),
        (lambda: call("f", arguments_json="{}", arguments_pieces=["{"]), "the pieces do not add up to the text"),
        (lambda: call("f", arguments_pieces=["{}"], city="Oslo"), "arguments twice"),
        (lambda: say(pieces=["\ud83d", "\ude00"]), "half of a surrogate pair"),
        (lambda: say(pieces=["a", 1]), "takes a text"),
        (say, "takes a text"),
    ],
)
def test_pieces_that_cannot_be_are_refused(make, message):
    with pytest.raises(HarnessFailure, match=message):
        make()
