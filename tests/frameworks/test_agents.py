"""The agent classes of the frameworks, as they are published, talk to the fake; and what `explore` finds in them.

`nox -s frameworks` installs each in an environment of its own; elsewhere these tests skip.
"""

from __future__ import annotations

import asyncio
import importlib
import inspect
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path

import pytest
from framework_agents import FRAMEWORKS

from harness import call, fail, say
from harness.exploring.situations import BASELINE

sys.path.append(str(Path(__file__).resolve().parents[2] / "docs"))
GENERATOR = importlib.import_module("generate_what_it_finds")

# What these libraries warn about is theirs to mend.
pytestmark = pytest.mark.filterwarnings("ignore")

explored = cache(GENERATOR.explored)


@pytest.fixture(params=FRAMEWORKS)
def framework(request):
    framework = FRAMEWORKS[request.param]
    if not framework.is_installed:
        pytest.skip(f"{framework.distributions[0]} is not installed here")
    return framework


def client(framework):
    return next(client for client in GENERATOR.clients() if client.name == framework.name)


def answer(framework) -> str:
    given = framework.ask()
    return asyncio.run(given) if inspect.iscoroutine(given) else given


def submitted(assistants) -> list[str]:
    """The outputs that the framework submitted."""
    bodies = [exchange.json for exchange in assistants.requests if exchange.path.endswith("/submit_tool_outputs")]
    return [output["output"] for body in bodies for output in body["tool_outputs"]]


def test_a_plain_answer(assistants, framework):
    assistants.next_run(say("Cold."))
    assert (answer(framework), submitted(assistants)) == ("Cold.", [])


def test_a_function_call(assistants, framework):
    assistants.next_run(call(framework.function, city="Oslo"), say("Cold."))
    assert (answer(framework), submitted(assistants)) == ("Cold.", ["4 °C in Oslo"])


def test_a_failed_run_is_an_error_in_every_framework(assistants, framework):
    assistants.every_run(fail("server_error"))
    with pytest.raises(Exception, match=r"Sorry, something went wrong|Unexpected run status: failed"):
        answer(framework)


# What `explore` saw of these versions; what it sees of others is for the next reader to add. Endings by what was done.
SEEN = {
    "semantic_kernel": (
        {"1.45.0"},
        {
            "raised": "failed incomplete expired cancelled-in_progress completed-no_message",
            "returned": "completed-image_first requires_action-one_call requires_action-malformed_arguments",
        },
    ),
    "langchain": (
        {"0.3.30"},
        {
            "raised": "failed incomplete expired",
            "raised, left the thread locked": "cancelled cancelling requires_action-malformed_arguments",
            "returned": "requires_action-one_call requires_action-unknown_function",
        },
    ),
    "autogen": (
        {"0.7.5"},
        {
            "raised": "failed",
            "hung": "incomplete expired-in_progress expired-never_picked_up cancelled-queued cancelled-in_progress",
            "wrong success": "completed-no_message",
        },
    ),
    "llama_index": (
        {"0.2.9"},
        {
            "raised": "failed",
            "wrong success": "incomplete expired-in_progress expired-never_picked_up completed-no_message",
            "wrong success, left the thread locked": "cancelled-queued cancelled-in_progress cancelling",
            "crashed, left the thread locked": "requires_action-malformed_arguments",
        },
    ),
    "agency_swarm": (
        {"0.7.2"},
        {
            "raised": "failed incomplete expired completed-no_message requires_action-unknown_function",
            "crashed": "completed-image_first completed-refusal",
            "wrong success": "cancelled-in_progress cancelled-slowly cancelling-expired_meanwhile",
        },
    ),
}


def test_what_explore_finds(framework):
    found = explored(client(framework))
    labels = {outcome.situation.name: outcome.label for outcome in found.outcomes}
    assert found.played > 100
    assert labels[BASELINE] == labels["queued=90s"] == "returned"
    assert {label for name, label in labels.items() if name.startswith("429, then well at ")} == {"returned"}
    versions, expected = SEEN[framework.name]
    if version(framework.distributions[0]) in versions:
        for label, endings in expected.items():
            some = [name for name in labels if ", " not in name and name.startswith(tuple(endings.split()))]
            assert len(some) >= len(endings.split())
            assert {name: labels[name] for name in some} == dict.fromkeys(some, label)


def test_the_page_says_what_explore_finds(framework):
    this = client(framework)
    told = GENERATOR.sections(GENERATOR.PAGE.read_text(encoding="utf-8"))[framework.name]
    if f"| {this.versions} |" not in told:
        pytest.skip(f"{GENERATOR.PAGE.name} is not of {this.versions}")
    assert GENERATOR.section(this, explored(this)) == told
