"""Scenario files: what YAML and JSON mean, and where in the file a mistake stands."""

from __future__ import annotations

import builtins
import importlib
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import FakeAssistants, strategies
from harness.failures import HarnessFailure
from harness.scenarios import data, load, play
from harness.scenarios.loading import Document
from harness.yaml_limits import MAX_ALIASED_VALUES

SAME = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture
def written(tmp_path):
    def write(text: str | bytes, name: str = "weather.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


def short(text: str) -> str:
    return text.strip(":- \n")[:30]


def refused(path: Path) -> HarnessFailure:
    with pytest.raises(HarnessFailure) as failed:
        play(FakeAssistants(), load(path), where="test")
    assert failed.value.do
    return failed.value


@pytest.mark.usefixtures("yaml_parser")
@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("Off", "Off"),
        ("true", True),
        ("FALSE", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("NULL", None),
        ("nothing", "nothing"),
        ("3", 3),
        ("-007", -7),
        ("+3", 3),
        ("0x1F", 31),
        ("0o17", 15),
        ("017", 17),
        ("1_000", "1_000"),
        ("12:30", "12:30"),
        ("2024-05-07", "2024-05-07"),
        ("3.5", 3.5),
        ("-.5", -0.5),
        ("1e3", 1000.0),
        (".inf", ".inf"),
        ("3.5.1", "3.5.1"),
        ("'3'", "3"),
        ('"on"', "on"),
        ("!!str 3", "3"),
        ("!!int '3'", 3),
        ("!!binary AAE=", {"base64": "AAE="}),
        ("|\n  4 °C\n  and rain\n", "4 °C\nand rain\n"),
        ("[1, {on: off}]", [1, {"on": "off"}]),
        ("{1: 2, true: 3, ~: 4, 2024-05-07: 5}", {"1": 2, "true": 3, "~": 4, "2024-05-07": 5}),
    ],
)
def test_plain_values_are_those_of_yaml_1_2(written, text, value):
    """So `on: POST /threads` is a key, as in JSON, and `no` an answer."""
    read = load(written(f"value: {text}"))["value"]
    assert (read, type(read)) == (value, type(value))


def test_aliases_are_copies(written):
    scenario = load(written("when:\n- &a\n  message: x\n  run: y\n- *a\n"))
    first, second = scenario["when"]
    assert first == second == {"message": "x", "run": "y"}
    assert first is not second
    assert scenario.lines["when", 1, "message"] == 3


@pytest.mark.parametrize("name", ["greeting.json", "greeting.yaml"])
def test_json_is_read_as_it_is(written, name):
    text = '\ufeff{"next_run": [{"say": "값\\u0041", "pieces": ["값", "A"]}, {"wait": 1e0}]}'
    read = load(written(text, name))
    assert read == {"next_run": [{"say": "값A", "pieces": ["값", "A"]}, {"wait": 1.0}]}
    assert isinstance(read, Document)


@settings(SAME, max_examples=150)
@given(story=strategies.stories())
def test_a_story_survives_the_way_through_a_file(tmp_path, story):
    scenario = {"next_run": [[data(act) for act in story]]}
    path = tmp_path / "story.yaml"
    # in quotes, for PyYAML leaves plain what YAML 1.2 takes for numbers
    path.write_text(yaml.safe_dump(scenario, allow_unicode=True, default_style='"'), encoding="utf-8", newline="")
    assert load(path) == scenario
    path.write_text(json.dumps(scenario, ensure_ascii=False), encoding="utf-8", newline="")
    assert load(path.rename(tmp_path / "story.json")) == scenario


# --- what is wrong ------------------------------------------------------------------------------------------------

WEATHER = """\
# weather
assistants:
  - id: asst_weather
    tools:
      - {type: function}
next_run:
  - - say: Hello
    - call: get_weather
      arguments:
        city: Oslo
      arguments_json: "{}"
"""


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("next_run", "nextrun", ":6, nextrun: a scenario has no section"),
        ("say: Hello", "sya: Hello", ":7, next_run[0][0].sya: there is no act 'sya'"),
        ("say: Hello", "say: [1]", ":7, next_run[0][0].say: [1] should be a text"),
        ('      arguments_json: "{}"\n', '      args: "{}"\n', ":11, next_run[0][1].args: call knows no 'args'"),
        ("nothing", "nothing", ":9, next_run[0][1].arguments: the arguments are given twice"),
        ("        city: Oslo", "        []", ":9, next_run[0][1].arguments: [] should be an object"),
        ("- id:", "- odd:", ":3, assistants[0].odd: assistants know no 'odd'"),
        ('\n      arguments_json: "{}"', "", ":5, assistants[0].tools[0].function: the service would refuse"),
        ("asst_weather", "weather", ':3, assistants[0].id: "weather" cannot be its id'),
    ],
    ids=short,
)
def test_a_mistake_is_reported_with_its_line(written, old, new, place):
    path = written(WEATHER.replace(old, new))
    if "function" not in place:
        path.write_text(path.read_text(encoding="utf-8").replace("{type: function}", "{type: file_search}"), "utf-8")
    assert refused(path).happened.startswith(f"{path}{place}")


def test_a_mistake_in_json_is_reported_with_its_path(written):
    path = written('{"next_run": [\n[{"sya": "Hello"}]]}', "weather.json")
    assert refused(path).happened.startswith(f"{path}, next_run[0][0].sya: there is no act 'sya'")


@pytest.mark.usefixtures("yaml_parser")
@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ": a scenario is an object with sections, and this is null."),
        ("- say: Hello", ": a scenario is an object with sections, and this is [{"),
        ("\nnext_run: [}", ":2: "),
        ("a: b: c", ":1: "),
        ("next_run: *a", ":1: found undefined alias"),
        ("next_run: a\n---\nnext_run: b", ":2: but found another document"),
        ("next_run:\n- say: a\n  say: b", ":3: 'say' is there twice, in line 2 too."),
        ("next_run: a\n'next_run': b", ":2: 'next_run' is there twice, in line 1 too."),
        ("next_run:\n  [a]: b", ":2: a key that is not a text."),
        ("next_run: !!python/name:os.system ''", ":1: the tag !!python/name:os.system would make an object"),
        ("x: !Mine\n  a: b", ":1: the tag !Mine would make an object"),
        ("x: !!set {a}", ":1: the tag !!set would make an object"),
        ("\nx: !!int three", ":2: invalid literal for int()"),
        ("x: " + "[" * 2000 + "]" * 2000, ": it is nested too deeply."),
        ("x: &a [*a]", ": it is nested too deeply."),
        ("x: \x01", ": unacceptable character #x0001: "),
    ],
    ids=short,
)
def test_what_is_no_scenario_is_reported_with_its_line(written, text, says):
    path = written(text)
    assert refused(path).happened.startswith(f"{path}{says}")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"a": 1,\n"b"}', ":2: Expecting ':' delimiter."),
        ("[]", ": a scenario is an object with sections, and this is []."),
        ('{"a": NaN}', ": NaN is not JSON."),
        ('{"a": 1, "a": 2}', ": the key 'a' is there twice in one object."),
        ("[" * 100_000, ": it is nested too deeply."),
    ],
    ids=short,
)
def test_invalid_json_is_reported(written, text, says):
    path = written(text, "weather.json")
    assert refused(path).happened.startswith(f"{path}{says}")


def test_a_few_lines_cannot_stand_for_more_than_fits(written):
    """Aliases of aliases: 10 lines for a thousand million values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    failure = refused(written("\n".join(lines)))
    assert f"there are more than {MAX_ALIASED_VALUES} values" in failure.happened


def test_a_file_that_cannot_be_read_is_reported(tmp_path):
    with pytest.raises(HarnessFailure, match=r"nothing\.yaml cannot be read"):
        load(tmp_path / "nothing.yaml")


def test_a_file_in_another_encoding_is_reported(written):
    with pytest.raises(HarnessFailure, match=r"weather\.yaml is not a text in UTF-8"):
        load(written("next_run: 날씨".encode("euc-kr")))


def test_without_pyyaml_a_line_says_how_to_get_it(written, monkeypatch):
    monkeypatch.setattr(importlib, "import_module", missing("yaml"))
    with pytest.raises(HarnessFailure, match="PyYAML is not installed") as failed:
        load(written("next_run: a"))
    assert failed.value.do.startswith('pip install "pytest-assistants[')
    assert load(written('{"next_run": "a"}', "a.json")) == {"next_run": "a"}


def missing(name: str):
    whole = importlib.import_module

    def import_module(wanted: str) -> object:
        if wanted == name:
            raise ModuleNotFoundError(name)
        return whole(wanted)

    return import_module


# --- files that it names ------------------------------------------------------------------------------------------


def test_paths_are_relative_to_the_scenario(written, tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "값.csv").write_bytes(b"1,2")
    path = written("files: [data/값.csv, {path: data/값.csv, filename: a.csv, purpose: vision}]")
    monkeypatch.chdir("/")
    fake = FakeAssistants()
    play(fake, load(path), where="test")
    files = [(file.filename, file.purpose, file.content) for file in fake.world.store.files]
    assert files == [("값.csv", "assistants", b"1,2"), ("a.csv", "vision", b"1,2")]


def test_a_path_out_of_the_folder_is_refused_with_its_line(written, tmp_path):
    (tmp_path.parent / "secret").write_bytes(b"secret")
    path = written("next_run: a\nfiles:\n- ../secret\n")
    assert refused(path).happened.startswith(f"{path}:3, files[0].path: '../secret' is outside")


def test_only_the_scenario_and_what_it_names_are_opened(written, tmp_path, monkeypatch):
    (tmp_path / "a.csv").write_bytes(b"1,2")
    opened = []
    read = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: opened.append(path.name) or read(path))
    monkeypatch.setattr(builtins, "open", lambda *args, **kwargs: pytest.fail("open was called"))
    play(FakeAssistants(), load(written("files: [a.csv]")), where="test")
    assert opened == ["weather.yaml", "a.csv"]


@settings(SAME, max_examples=300)
@given(text=st.text("ab01:-[]{}&*!|>\"'#, \n~", max_size=30))
def test_any_text_is_a_scenario_or_refused(tmp_path, text):
    path = tmp_path / "any.yaml"
    path.write_text(text, encoding="utf-8")
    try:
        assert isinstance(load(path), dict)
    except HarnessFailure as failure:
        told = str(failure)
    else:
        told = ""
    assert not told or told.startswith(str(path))
