"""What `explore` finds in the tutorials' ways to wait for a run and in the SDK's helpers; and that the page says so."""

from __future__ import annotations

import ast
import importlib
import sys
from pathlib import Path

import pytest
from tutorial_clients import TUTORIAL_CLIENTS, said, shown
from tutorials import MARKS

from harness import explore

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "docs"))
GENERATOR = importlib.import_module("generate_what_it_finds")
PAGE = GENERATOR.PAGE.read_text(encoding="utf-8")
TOLD = GENERATOR.sections(PAGE)
HERE = [*GENERATOR.ORDER["sdk"], *GENERATOR.ORDER["seeds"]]

seeds = [*MARKS, pytest.mark.parametrize("name", TUTORIAL_CLIENTS)]


def marked(*marks):
    def with_marks(test):
        for mark in marks:
            test = mark(test)
        return test

    return with_marks


# CONTRACT §11: a loop that waits for completed or failed; one that waits for the end of queued and in_progress
HANGS = {"expired-in_progress": "hung", "cancelled-in_progress": "hung"}
GOES_ON = {"expired-in_progress": "returned", "cancelled-in_progress": "wrong success, left the thread locked"}
LOOKS = {"expired-in_progress": "returned", "cancelled-in_progress": "returned"}
SURVIVES = {
    "000-analyst": {**HANGS, "failed-server_error-after_message": "wrong success"},
    "000-program": {**HANGS, "failed-server_error-after_message": "returned"},
    "002-tutor": {**GOES_ON, "failed-server_error-after_message": "wrong success"},
    "002-functions": {**GOES_ON, "failed-server_error-after_message": "wrong success"},
    "003-ask": {**GOES_ON, "failed-server_error-after_message": "wrong success"},
    "003-quiz": {**GOES_ON, "requires_action-one_call": "returned"},
    "004-create_and_poll": {**LOOKS, "failed-server_error-after_message": "returned"},
}


@marked(*seeds)
def test_explore_tells_what_a_tutorial_survives(name):
    tutorial = TUTORIAL_CLIENTS[name]
    if "create_and_poll" in tutorial.source and not GENERATOR.HELPED:
        pytest.skip("this SDK has no create_and_poll yet")
    expected = {"completed-one_message": "returned", **SURVIVES[name]}
    found = explore(tutorial.client, endings=expected, budget=len(expected))
    assert {outcome.situation.name: outcome.label for outcome in found.outcomes} == expected


@marked(*seeds)
def test_the_way_to_wait_is_the_tutorials_own(name):
    source = TUTORIAL_CLIENTS[name].source
    loops = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.While)]
    assert all("status" in ast.unparse(loop) for loop in loops)
    assert len(loops) == (0 if "create_and_poll" in source else 1)
    assert not {"file_ids", "files.create"} & set(source.split())


@pytest.mark.parametrize("name", HERE)
def test_the_page_says_what_explore_finds(name):
    client = next((client for client in GENERATOR.clients() if client.name == name), None)
    if client is None:
        pytest.skip(f"{name} cannot run here: no tutorials, or an SDK without its helper")
    if f"| {client.versions} |" not in TOLD[name]:
        pytest.skip(f"{GENERATOR.PAGE.name} is not of {client.versions}")
    assert GENERATOR.section(client, GENERATOR.explored(client)) == TOLD[name]


def test_the_page_has_every_client_and_its_frame_is_the_generators():
    assert set(TOLD) == {name for names in GENERATOR.ORDER.values() for name in names}
    assert GENERATOR.page(TOLD, GENERATOR.ORDER) == PAGE
    here = [client.name for client in GENERATOR.clients()]
    assert here == [name for names in GENERATOR.ORDER.values() for name in names if name in here]


def test_generating_some_sections_leaves_the_others(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("\n| ✗ |", "\n| ? |"), encoding="utf-8")
    monkeypatch.setattr(GENERATOR, "PAGE", page)
    monkeypatch.setattr(GENERATOR, "clients", lambda: iter([GENERATOR.Client("autogen", "frameworks", "A", None, "1")]))
    found = explore(lambda fake: fake.client().models.list() and "", endings=["completed-one_message"])
    monkeypatch.setattr(GENERATOR, "explored", lambda client: found)
    GENERATOR.main(["autogen"])
    told = GENERATOR.sections(page.read_text(encoding="utf-8"))
    assert "\n1. 0 bugs in 16 situations.\n" in told.pop("autogen")
    assert told == {name: text.replace("\n| ✗ |", "\n| ? |") for name, text in TOLD.items() if name != "autogen"}


@pytest.mark.parametrize(
    ("names", "pattern"),
    [
        (["a-1", "a-2"], "`a-*` (2)"),
        (["a-1", "b-1-x"], "`a-1`, `b-1-x`"),
        (["b-1-x", "b-2-x"], "`b-*-x` (2)"),
        (["b-1-x", "b-1-y"], "`b-1-*` (2)"),
        (["c"], "`c`"),
    ],
)
def test_endings_are_summarized_by_patterns_that_match_no_others(names, pattern):
    universe = ["a-1", "a-2", "b-1-x", "b-1-y", "b-2-x", "b-3-z", "c"]
    assert GENERATOR.grouped(names, universe) == pattern


def test_what_a_tutorial_shows_as_the_answer():
    assert said("# Messages\nuser: 1 + 1?\nassistant: 2\nor 3\n\n") == "2\nor 3"
    assert said("[USER]\n1 + 1?\n\n[ASSISTANT]\n2\n\n") == "2"
    assert said("Error: no\nassistant: 2\n") == said("") == ""
    part = {"type": "text", "text": {"value": "2"}}
    messages = {"data": [{"role": "user", "content": [part]}, {"role": "assistant", "content": [part, {"type": "x"}]}]}
    assert (shown([{"status": "completed"}, messages]), shown([{"status": "failed"}]), shown([])) == ("2", "", "")
