"""The pitfalls of CONTRACT §11: a client that falls into one is caught, and its repaired version passes.

`pitfalls/` has the clients, by theme. Where the data tell why the buggy one failed, the report says so in one line, and
for no other reason: neither of the repaired client nor of a failure that has nothing to do with it.
"""

from __future__ import annotations

import re

import openai
import pytest
from pitfalls import files, messages, runs, streams, tools
from pitfalls.row import NEEDS, QUESTION, App, Raises

from harness.report.causes import most_likely_cause

THEMES = {"runs": runs, "messages": messages, "tools": tools, "files": files, "streams": streams}
PITFALLS = {f"{theme}: {name}": row for theme, module in THEMES.items() for name, row in module.PITFALLS.items()}
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"type": "function", "function": {"name": "get_weather", "parameters": SCHEMA}}


def param(name, row):
    return pytest.param(row, id=name, marks=pytest.mark.assistants(**row.options) if row.options else ())


@pytest.fixture(params=[param(name, row) for name, row in PITFALLS.items()])
def pitfall(request, assistants):
    row = request.param
    if not NEEDS.get(row.needs, True):
        pytest.skip(f"openai {openai.__version__} does not know {row.needs}")
    assistants.add_assistant("asst_app", instructions="Help.", tools=[WEATHER])
    assistants.add_thread("thread_app")
    for script in row.scripts:
        assistants.next_run(*script)
    row.fault(assistants.faults)
    return row


@pytest.fixture
def app(pitfall):
    app = App()
    app.say(QUESTION)
    return app


def caught(pitfall, app):
    """In which way the buggy client fails: with its own error, or with that of a test that compares."""
    if isinstance(pitfall.fails, Raises):
        with pytest.raises(pitfall.fails.error, match=pitfall.fails.match) as raised:
            pitfall.buggy(app)
        return raised.value
    result = pitfall.buggy(app)
    assert result == pitfall.fails
    with pytest.raises(AssertionError) as raised:
        assert result == pitfall.right
    return raised.value


def unrelated():
    with pytest.raises(AssertionError) as raised:
        assert "another" == "reason"  # noqa: PLR0133 - a failure as a test has them
    return raised.value


@pytest.mark.assistants(unused="ignore")  # many a buggy client does not come to the end of its story
def test_the_buggy_client_is_caught(pitfall, app, assistants):
    error = caught(pitfall, app)
    assistants.failures.clear()  # they were seen
    cause = most_likely_cause(assistants.threads, assistants.requests, error)
    if pitfall.cause is None:
        assert cause is None
    else:
        assert re.search(pitfall.cause, cause or "no cause")
    assert most_likely_cause(assistants.threads, assistants.requests, unrelated()) is None


@pytest.mark.assistants(unused="ignore")
def test_the_fixed_client_passes(pitfall, app, assistants):
    assert pitfall.fixed(app) == pitfall.right
    assert most_likely_cause(assistants.threads, assistants.requests, unrelated()) is None
    assert most_likely_cause(assistants.threads, assistants.requests, None) is None
