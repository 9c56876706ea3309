"""Acts as data: each parameter of each function is there, what is wrong is told with its place, and back again."""

from __future__ import annotations

import base64
import inspect
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from harness import call, calls, cancel, fail, hang, refuse, run_code, say, search, strategies, truncate, wait
from harness.failures import HarnessFailure
from harness.scenarios import act, data
from harness.scenarios.acts import VERBS
from harness.service import acts as script
from harness.service.acts import ACTS, Say
from harness.service.products import PIXEL

SAME = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
MARK = "【4:0†weather.txt】"

# As a user writes it, and what it is in Python.
WRITTEN = [
    ("4 °C", say("4 °C")),
    ({"say": "4 °C"}, say("4 °C")),
    ({"say": None, "pieces": ["4 ", "°C"]}, say(pieces=["4 ", "°C"])),
    ({"say": True, "images": ["file-a"]}, say(images=["file-a"])),
    ({"say": "", "images": []}, say("", images=[])),
    ({"say": f"Cold {MARK}", "citations": {MARK: "file-a"}}, say(f"Cold {MARK}", citations={MARK: "file-a"})),
    ({"say": "Cold 【】", "citations": "auto"}, say("Cold 【】", citations="auto")),
    ({"say": "sandbox:/a", "files": {"sandbox:/a": "file-a"}}, say("sandbox:/a", files={"sandbox:/a": "file-a"})),
    ({"say": "Hi", "beats_cancel": True}, say("Hi", beats_cancel=True)),
    ({"refuse": "No."}, refuse("No.")),
    ({"refuse": None, "pieces": ["N", "o."]}, refuse(pieces=["N", "o."])),
    ({"call": "f"}, call("f")),
    ({"call": "f", "arguments": {"city": "Ås", "n": 1.0}}, call("f", city="Ås", n=1.0)),
    # in Python these names stand for something else
    ({"call": "f", "arguments": {"call_id": 1, "name": 2}}, call("f", arguments_json='{"call_id":1,"name":2}')),
    ({"call": "f", "arguments_json": "{"}, call("f", arguments_json="{")),
    ({"call": "f", "arguments_pieces": ["{", "}"]}, call("f", arguments_pieces=["{", "}"])),
    ({"call": "f", "call_id": "call_a"}, call("f", call_id="call_a")),
    ({"calls": [{"call": "f"}, {"call": "g", "arguments": {"x": 1}}]}, calls(call("f"), call("g", x=1))),
    ({"run_code": "1", "logs": "1"}, run_code("1", logs="1")),
    ({"run_code": None, "pieces": ["1", "2"]}, run_code(pieces=["1", "2"])),
    ({"run_code": "1", "images": ["a.png", "file-a"]}, run_code("1", images=["a.png", "file-a"])),
    ({"run_code": "1", "images": [{"base64": "UE5H"}]}, run_code("1", images=[b"PNG"])),
    ({"run_code": "1", "files": {"a.csv": "1,2"}}, run_code("1", files={"a.csv": "1,2"})),
    ({"run_code": "1", "files": {"a": {"base64": "/w==\n"}}}, run_code("1", files={"a": b"\xff"})),
    ({"run_code": "1", "execute": True}, run_code("1", execute=True)),
    ({"search": True}, search()),
    ({"search": "hours"}, search("hours")),
    ({"search": None, "results": [{"file_id": "file-a"}]}, search(results=[{"file_id": "file-a"}])),
    ({"search": None, "results": []}, search(results=[])),
    ({"fail": True}, fail()),
    ({"fail": "rate_limit_exceeded"}, fail("rate_limit_exceeded")),
    ({"fail": "odd", "message": "", "beats_cancel": True}, fail("odd", "", beats_cancel=True)),
    ({"truncate": None}, truncate()),
    ({"truncate": "max_prompt_tokens"}, truncate("max_prompt_tokens")),
    ({"hang": True}, hang()),
    ({"cancel": True}, cancel()),
    ({"cancel": True, "takes": 0.5, "then": "failed"}, cancel(takes=0.5, then="failed")),
    ({"wait": 3}, wait(3)),
]


@pytest.mark.parametrize(("written", "meant"), WRITTEN, ids=[json.dumps(written)[:50] for written, _ in WRITTEN])
def test_data_is_the_act_that_python_makes(written, meant):
    assert act(written, where="here") == meant
    assert repr(act(written, where="here")) == repr(meant)  # 3 stays 3


def test_every_act_and_every_parameter_can_be_said():
    """Nothing that Python can say is missing, also when somebody adds to it."""
    assert {type(meant) for _, meant in WRITTEN} == set(ACTS)
    assert len(VERBS) == len(ACTS)
    said = {name: set().union(*(written for written, _ in WRITTEN if name in written)) for name in VERBS}
    for name, verb in VERBS.items():
        parameters = inspect.signature(getattr(script, name)).parameters
        assert len(verb.keys) == max(1, len(parameters)) + (name == "cancel"), name
        assert said[name] == set(verb.keys), name
        assert set(list(parameters)[1:]) <= set(verb.keys), name


@pytest.mark.parametrize("name", VERBS)
def test_the_lines_that_users_are_told_to_paste_are_acts(name):
    assert type(act(json.loads(VERBS[name].example), where="here")).__name__.lower() == name.replace("_", "")


# --- what is wrong ------------------------------------------------------------------------------------------------

# The data, what the failure says of it, and the line to paste.
WRONG = [
    (3, "here: 3 is no act.", '- {"say": "4 °C and rain"}'),
    ([], "here: [] is no act.", '- {"say": "4 °C and rain"}'),
    ({}, "here: it is empty, and no act.", '- {"say": "4 °C and rain"}'),
    ({"cal": "f"}, "here, cal: there is no act 'cal', but 'call'.", '"call": "f"'),
    ({"zzz": 1}, "here, zzz: there is no act 'zzz'.", '- {"say": "4 °C and rain"}'),
    ({"say": "a", "wait": 1}, "here: it is say and wait at once.", '- {"say": "4 °C and rain"}'),
    ({"say": "a", "pices": ["a"]}, "here, pices: say knows no 'pices', but 'pieces'.", '"pieces": ["a"]'),
    ({"say": "a", "zzz": 1}, "here, zzz: say knows no 'zzz'.", '{"say": "4 °C and rain"}'),
    ({"call": "f", "city": "Oslo"}, "here, city: call knows no 'city'.", VERBS["call"].example),
    ({"say": 3}, "here, say: 3 should be a text or true.", '{"say": "4 °C and rain"}'),
    ({"say": "a", "pieces": "a"}, 'here, pieces: "a" should be a list.', '{"say": "4 °C and rain"}'),
    ({"say": "a", "pieces": [1]}, "here, pieces[0]: 1 should be a text.", '{"say": "4 °C and rain"}'),
    ({"say": "a", "citations": "all"}, "here, citations: \"all\" should be an object or 'auto'.", VERBS["say"].example),
    ({"say": "a", "citations": {"b": 1}}, "here, citations.b: 1 should be a text.", '{"say": "4 °C and rain"}'),
    ({"say": "a", "citations": {"b": "f"}}, "here: say(…): the mark 'b' is not in the text.", VERBS["say"].example),
    ({"say": None}, "here: say(…) takes a text, and was given None.", '{"say": "4 °C and rain"}'),
    ({"say": "a", "beats_cancel": 1}, "here, beats_cancel: 1 should be true or false.", '{"say": "4 °C and rain"}'),
    ({"call": None}, "here, call: null should be a text.", VERBS["call"].example),
    ({"call": "f", "arguments": "{}"}, 'here, arguments: "{}" should be an object.', VERBS["call"].example),
    (
        {"call": "f", "arguments": {}, "arguments_json": "{}"},
        "here, arguments: the arguments are given twice.",
        '{"call": "f", "arguments_json": "{"}   # for what is no valid JSON',
    ),
    ({"calls": []}, "here: calls(…) takes one or more call(…).", VERBS["calls"].example),
    ({"calls": ["f"]}, 'here, calls[0]: "f" should be an object.', VERBS["calls"].example),
    ({"calls": [{"say": "f"}]}, "here: calls(…) takes one or more call(…).", VERBS["calls"].example),
    ({"calls": [{"call": "f", "id": 1}]}, "here, calls[0].id: call knows no 'id'.", VERBS["call"].example),
    (
        {"run_code": "1", "files": {"a b": {"base64": "?"}}},
        'here, files["a b"].base64: "?" should be base64: ',
        VERBS["run_code"].example,
    ),
    (
        {"run_code": "1", "images": [{"base": 1}]},
        "here, images[0].base: 1 should be left out.",
        VERBS["run_code"].example,
    ),
    (
        {"run_code": "1", "files": {"a": {}}},
        "here, files.a: {} should be an object with 'base64' or a text or an object with 'path'.",
        VERBS["run_code"].example,
    ),
    ({"run_code": "1", "files": {"../a": ""}}, "here: run_code(…) cannot make a file called '../a'.", None),
    (
        {"run_code": "1", "files": {"a": {"path": "a"}}},
        "here, files.a.path: 'a' is a path, and only scenario files name files on this machine.",
        '{"base64": "…"}',
    ),
    ({"run_code": "1", "execute": True, "logs": ""}, "here: run_code(…, execute=True) was also given what", None),
    ({"search": "a", "results": []}, "here: search('a', results=…): given results", VERBS["search"].example),
    ({"search": None, "results": [1]}, "here, results[0]: 1 should be an object.", VERBS["search"].example),
    ({"fail": False}, "here, fail: false should be ", '{"fail": "rate_limit_exceeded"}'),
    ({"truncate": "tokens"}, "here, truncate: \"tokens\" should be 'max_completion_tokens' or", None),
    ({"hang": "no"}, 'here, hang: "no" should be true.', '{"hang": true}'),
    ({"hang": 1}, "here, hang: 1 should be true.", '{"hang": true}'),
    ({"cancel": []}, "here, cancel: [] should be true.", VERBS["cancel"].example),
    ({"cancel": True, "takes": -1}, "here: cancel(takes=-1): time only moves forward.", VERBS["cancel"].example),
    ({"cancel": True, "then": "expired"}, "here, then: \"expired\" should be 'cancelled', 'completed' or", None),
    ({"wait": "3"}, 'here, wait: "3" should be a number.', '{"wait": 30}'),
    ({"wait": True}, "here, wait: true should be a number.", '{"wait": 30}'),
    ({"wait": -3}, "here: wait(-3): time only moves forward.", '{"wait": 30}'),
    ({"wait": float("inf")}, "here, wait: Infinity should be a finite number.", '{"wait": 30}'),
    ({"wait": {1, 2}}, "here, wait: a set should be a number.", '{"wait": 30}'),
]


@pytest.mark.parametrize(("written", "says", "do"), WRONG, ids=[str(written)[:50] for written, _, _ in WRONG])
def test_a_mistake_is_reported_with_its_place_and_a_line_to_paste(written, says, do):
    with pytest.raises(HarnessFailure) as failed:
        act(written, where="here")
    assert failed.value.happened.startswith(says)
    assert failed.value.do.startswith(do or "{"), failed.value.do


def test_arguments_may_not_be_nested_without_end():
    deep: dict[str, object] = {}
    for _ in range(100_000):
        deep = {"deeper": deep}
    with pytest.raises(HarnessFailure, match="here: it is nested too deeply"):
        act({"call": "f", "arguments": deep}, where="here")
    while deep:  # taking it apart all at once would be as deep
        deep = deep.pop("deeper")


def test_code_is_executed_only_where_that_is_allowed():
    asked = {"run_code": "1", "execute": True}
    assert act(asked, where="here", execute=True).execute
    with pytest.raises(HarnessFailure, match="here, execute: code from this source is not executed") as failed:
        act(asked, where="here", execute=False)
    assert act(json.loads(failed.value.do.partition("   #")[0]), where="here", execute=False).logs == "42"
    assert not act({"run_code": "1", "execute": False}, where="here", execute=False).execute


def test_files_of_the_folder_are_read(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "plot.gif").write_bytes(b"GIF")
    made = act(
        {"run_code": "1", "images": [{"path": "in/plot.gif"}], "files": {"a": {"path": "in/plot.gif"}}},
        where="here",
        folder=tmp_path,
    )
    assert made == run_code("1", images=[tmp_path / "in" / "plot.gif"], files={"a": b"GIF"})


@pytest.mark.parametrize("path", ["../secret", "/etc/passwd", "in/../../secret", "link/secret"])
def test_no_path_leads_out_of_the_folder(path, tmp_path):
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (folder / "link").symlink_to(tmp_path)
    with pytest.raises(HarnessFailure, match="is outside the scenario's own folder"):
        act({"run_code": "1", "files": {"a": {"path": path}}}, where="here", folder=folder)


@pytest.mark.parametrize("path", ["nothing", "", "null\0"])
def test_a_file_that_cannot_be_read_is_reported(path, tmp_path):
    with pytest.raises(HarnessFailure, match="cannot be read"):
        act({"run_code": "1", "files": {"a": {"path": path}}}, where="here", folder=tmp_path)


# --- and back -----------------------------------------------------------------------------------------------------


class OnDisk:
    """A picture with a name, as a path gives it."""

    def __init__(self, name: str, content: bytes) -> None:
        self.name = name
        self._content = content

    def read_bytes(self) -> bytes:
        return self._content


TOLD = [
    (say("4 °C", pieces=["4 ", "°C"]), {"say": "4 °C", "pieces": ["4 ", "°C"]}),
    (say(images=["file-a"]), {"say": "", "images": ["file-a"]}),
    (call("f"), {"call": "f"}),
    (call("f", city="Ås", n=1.0), {"call": "f", "arguments": {"city": "Ås", "n": 1.0}}),
    (call("f", arguments_json='{"x": 1}'), {"call": "f", "arguments_json": '{"x": 1}'}),  # its space is kept
    (call("f", arguments_json="{"), {"call": "f", "arguments_json": "{"}),
    (call("f", arguments_pieces=["{", "}"]), {"call": "f", "arguments_pieces": ["{", "}"]}),
    (calls(call("f"), call("g", x=1)), {"calls": [{"call": "f"}, {"call": "g", "arguments": {"x": 1}}]}),
    (run_code("1", images=["a.png", b"PNG"]), {"run_code": "1", "images": ["a.png", {"base64": "UE5H"}]}),
    (run_code("1", files={"a": "값", "b": b"\xff"}), {"run_code": "1", "files": {"a": "값", "b": {"base64": "/w=="}}}),
    (
        run_code("1", images=[OnDisk("a.png", PIXEL), OnDisk("b.png", b"PNG"), OnDisk("c.gif", PIXEL)]),
        {
            "run_code": "1",
            "images": [
                "a.png",
                {"name": "b.png", "base64": "UE5H"},
                {"name": "c.gif", "base64": base64.b64encode(PIXEL).decode()},
            ],
        },
    ),
    (search(), {"search": True}),
    (fail("server_error", "No."), {"fail": "server_error", "message": "No."}),
    (truncate(), {"truncate": True}),
    (hang(), {"hang": True}),
    (cancel(takes=0), {"cancel": True, "takes": 0}),
    (wait(3), {"wait": 3}),
]


@pytest.mark.parametrize(("made", "told"), TOLD, ids=[json.dumps(told)[:50] for _, told in TOLD])
def test_an_act_is_dumped_as_a_user_would_write_it(made, told):
    assert data(made) == told
    assert act(told, where="here") == made


NAMES = st.sampled_from(["a.csv", "plots/값.png", "x"])
BYTES = st.binary(max_size=8) | st.just(PIXEL)
MARKS = st.lists(st.sampled_from(["a", "aa", "aab", "ab", "b"]), unique=True, max_size=4)


@st.composite
def marked(draw) -> Say:
    """A message with marks that overlap each other, and the same ones in both kinds."""
    text = draw(st.text("ab", min_size=1, max_size=12))
    cited, made = draw(MARKS), draw(MARKS)
    return say(
        text,
        citations={mark: f"file-{mark}" for mark in cited if mark in text},
        files={mark: f"file-{mark}" for mark in made if mark in text},
    )


PICTURES = st.lists(
    st.sampled_from(["file-a", "a.png", "B.PNG"]) | BYTES | st.builds(OnDisk, NAMES | st.just("c.gif"), BYTES),
    max_size=3,
)
ANY_ACT = st.one_of(
    strategies.stories().flatmap(st.sampled_from),
    marked(),
    st.builds(lambda source, files, drawn: run_code(source, files=files, images=drawn), strategies.texts(),
              st.dictionaries(NAMES, BYTES | strategies.texts(), max_size=2), PICTURES),
    st.builds(lambda text, late: say(text, citations="auto", beats_cancel=late), strategies.texts(), st.booleans()),
    st.builds(lambda text, ids: say(text, images=ids), strategies.texts(), st.sampled_from([None, [], ["file-a"]])),
    st.builds(search, st.none() | strategies.texts()),
    st.builds(lambda source: run_code(source, execute=True), strategies.texts()),
    st.builds(lambda text: call("f", arguments_json=text), st.sampled_from(
        ["", "null", "[]", "{}", '{"a":1}', '{"a": 1}', '{"a":NaN}', '{"a":1e400}', '{"a":1,"a":2}', '{"a":"\\ud800"}',
         '{"a":' + "9" * 5000 + "}", "[" * 100_000, '{"값":"\\u0041"}'])),
)  # fmt: skip


@settings(SAME, max_examples=400)
@given(ANY_ACT)
@example(say("a b a b", citations={"a b": "file-1", "a": "file-2"}))
@example(say("a aab", citations={"aab": "file-1", "a": "file-2"}))  # the later one comes first where both begin
def test_every_act_survives_the_way_through_json(meant):
    assert act(json.loads(json.dumps(data(meant), allow_nan=False)), where="here") == meant


def test_what_no_function_makes_cannot_be_dumped():
    """A recorded message may cite two files with one mark; `say` cannot."""
    once = say("a b", citations={"a": "file-1"})
    twice = Say("a a", annotations=(*once.annotations, {**once.annotations[0], "start_index": 2, "end_index": 3}))
    assert act(data(twice), where="here") == twice  # that one is fine
    other = {**twice.annotations[1], "file_citation": {"file_id": "file-2"}}
    with pytest.raises(HarnessFailure, match="cannot be described as data"):
        data(Say("a a", annotations=(twice.annotations[0], other)))


# --- anything at all ----------------------------------------------------------------------------------------------

KEYS = st.sampled_from(sorted({key for verb in VERBS.values() for key in verb.keys} | {"base64", "path", "name", "x"}))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["", "a", "auto", "YQ==", "cancelled"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)


@settings(SAME, max_examples=500)
@given(JSON | st.tuples(st.sampled_from(sorted(VERBS)), JSON, st.dictionaries(KEYS, JSON, max_size=2)).map(
    lambda drawn: {drawn[0]: drawn[1], **drawn[2]}))  # fmt: skip
def test_anything_is_an_act_or_refused(written):
    made = attempted(written)
    if isinstance(made, HarnessFailure):
        assert made.happened.startswith("here")
        assert made.do
    else:
        assert isinstance(made, ACTS)
        assert act(data(made), where="here") == made


def attempted(written):
    try:
        return act(written, where="here", folder=Path(__file__).parent)
    except HarnessFailure as failure:
        return failure
