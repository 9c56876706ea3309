"""The schema says what the parser does: the fixtures fit, acts fit, and what is wrong in form does not."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings

from harness import FakeAssistants, strategies
from harness.failures import HarnessFailure
from harness.scenarios import data, load, play, schema
from harness.scenarios.acts import VERBS
from harness.scenarios.faults import VERBS as FAULTS
from harness.scenarios.playing import SECTIONS

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "scenarios"
SCENARIOS = sorted(path for path in FIXTURES.iterdir() if path.suffix in (".yaml", ".json"))
SAME = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def validator():
    return jsonschema.Draft202012Validator(schema())


def fits(validator, scenario) -> bool:
    return validator.is_valid(json.loads(json.dumps(scenario)))


def test_it_is_a_schema_that_needs_nothing_else():
    made = schema()
    jsonschema.Draft202012Validator.check_schema(made)
    text = json.dumps(made)
    names = {name for name in made["$defs"] if f'"#/$defs/{name}"' in text}
    assert names == set(made["$defs"])  # each is referred to
    assert schema() is not made


def test_there_are_fixtures():
    assert len(SCENARIOS) >= 5


@pytest.mark.usefixtures("yaml_parser")
@pytest.mark.parametrize("path", SCENARIOS, ids=[path.name for path in SCENARIOS])
def test_the_fixtures_fit(validator, path):
    validator.validate(json.loads(json.dumps(load(path))))


@pytest.mark.parametrize("example", [verb.example for verb in VERBS.values()])
def test_the_examples_of_acts_fit(validator, example):
    assert fits(validator, {"next_run": json.loads(example)})
    assert fits(validator, {"when": [{"run": [json.loads(example)]}], "every_run": [json.loads(example)]})


@pytest.mark.parametrize("example", [verb.example for verb in FAULTS.values()])
def test_the_examples_of_faults_fit(validator, example):
    assert fits(validator, {"faults": json.loads(example)})


@settings(SAME, max_examples=100)
@given(story=strategies.stories())
def test_every_story_fits(validator, story):
    assert fits(validator, {"next_run": [[data(act) for act in story]]})


BOTH = [
    {},
    {"next_run": [["a"], ["b"]]},
    {"next_run": []},
    {"files": ["a.txt"]},
    {"assistants": {"tools": [{"type": "file_search"}, {"type": "code_interpreter"}]}},
    {"assistants": {"tools": [{"type": "file_search", "file_search": {"max_num_results": 3}}]}},
    {"assistants": {"tools": [{"type": "retrieval"}], "file_ids": []}},
    {"threads": {"messages": [{"id": "msg_a", "role": "user", "content": "a"}]}},
    {"vector_stores": {"id": "vs_a", "expires_after": {"anchor": "last_active_at", "days": 1}}},
    {"faults": {"malform": True, "event": "done"}},
]
NEITHER = [
    {"asistants": []},
    {"next_run": {"sya": "a"}},
    {"next_run": {"say": 3}},
    {"next_run": {"say": "a", "pices": []}},
    {"next_run": [["a"], "b"]},
    {"next_run": {"calls": [{"say": "a"}]}},
    {"next_run": {"logs": "1"}},
    {"next_run": {"fail": False}},
    {"every_run": [["a"]]},
    {"when": [{"message": "a"}]},
    {"when": [{"message": 3, "run": "a"}]},
    {"when": [{"run": [{"cal": "f"}]}]},
    {"faults": {"status": "500"}},
    {"faults": {"cut": True}},
    {"faults": {"meanwhile": True}},
    {"assistants": {"id": "a"}},
    {"assistants": {"id": "asst_a.b"}},
    {"assistants": {"modle": "a"}},
    {"threads": {"messages": [{"id": "a", "role": "user", "content": "a"}]}},
    {"threads": {"messages": [{"role": "usr", "content": "a"}]}},
    {"vector_stores": {"file_ids": "file-a"}},
    {"files": [3]},
    {"files": [{"purpose": "asistants", "path": "a"}]},
]


@pytest.mark.parametrize("scenario", BOTH, ids=json.dumps)
def test_what_fits_is_played(validator, scenario, tmp_path):
    (tmp_path / "a.txt").write_bytes(b"a")
    validator.validate(scenario)
    play(FakeAssistants(), scenario, where="test", folder=tmp_path)


@pytest.mark.parametrize("scenario", NEITHER, ids=json.dumps)
def test_what_does_not_fit_is_not_played(validator, scenario):
    assert not fits(validator, scenario)
    with pytest.raises(HarnessFailure):
        play(FakeAssistants(), scenario, where="test")


def test_it_describes_what_it_can():
    made = schema()
    assert list(made["properties"]) == list(SECTIONS)
    assert all(section["description"] for section in made["properties"].values())
    for name in (*VERBS, *FAULTS):
        assert made["$defs"][name]["description"].endswith((".", ")")), name
    of_say, of_status = made["$defs"]["say"]["properties"], made["$defs"]["status"]["properties"]
    assert of_say["pieces"]["description"].startswith("how a stream cuts the text")
    assert of_status["on"]["description"].startswith("for which requests")  # which all faults of requests share
    assert of_status["message"]["description"] == of_status["code"]["description"]
    assert "retry_after" in of_status
