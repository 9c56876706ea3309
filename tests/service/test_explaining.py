"""The pure functions that make the texts which users read."""

from __future__ import annotations

from pathlib import Path

import pytest

import harness
from harness.failures import chain
from harness.fake import FakeAssistants
from harness.report import text
from harness.service import explain
from harness.service.acts import say
from harness.service.exchange import Exchange
from harness.service.http import Request, Response
from harness.service.lifecycle import RUN, advance
from harness.service.routes import ROUTES
from harness.service.script import Script


class Record:
    status = "completed"

    def __init__(self):
        self.timeline = []


def test_a_move_that_is_not_in_the_table_names_those_that_are():
    with pytest.raises(LookupError, match="because of 'finish'; there are: none, it is terminal"):
        advance(Record(), RUN, "finish", now=0)
    record = Record()
    record.status = "queued"
    with pytest.raises(LookupError, match=r"there are: pick_up \(by clock\) → in_progress, expire"):
        advance(record, RUN, "finish", now=0)


def test_long_scripts_are_shortened():
    assert explain.describe(Script((say("x" * 300),), "here")).endswith("…")
    assert explain.describe(Script((), "here")) == "no acts"

    def weather(run):
        return "ok"

    assert explain.describe(Script(weather, "here")) == "model weather"


def test_a_folder_next_to_the_package_does_not_count_as_part_of_it():
    beside = f"{Path(harness.__file__).parent}_e2e"
    code = compile("def write(fake):\n    fake.next_run('Hi')", str(Path(beside, "test_app.py")), "exec")
    written = {}
    exec(code, written)
    fake = FakeAssistants()
    written["write"](fake)
    assert "next_run(…) at test_app.py:2: " in str(fake.unused())


@pytest.mark.parametrize("path", ["/v1files", "/v1threads/thread_1/runs", "/v1vector_stores"])
def test_a_base_url_without_a_slash_at_its_end(path):
    """As `openai.base_url = ".../v1"` and `openai -b .../v1` make it, without the slash that other clients add."""
    failure = str(explain.not_served("POST", path, (route.template for route in ROUTES)))
    assert f"POST {path} is not served" in failure
    assert 'openai.base_url = "…/v1/"' in failure
    assert "/v1/" not in str(explain.not_served("POST", "/v1completions", (route.template for route in ROUTES)))


@pytest.mark.parametrize("root", ["/v1", "/openai", "/openai/v1"])
def test_a_base_url_with_a_root_that_the_client_adds_itself(root):
    """Or an `azure_endpoint` with a slash at its end: older SDKs put another behind it."""
    failure = str(explain.not_served("GET", f"{root}/threads/thread_1", (route.template for route in ROUTES)))
    assert f"GET {root}/threads/thread_1 is not served" in failure
    assert f"no root like /v1 and no slash at its end, as this client adds {root}/ itself" in failure
    for path in (root, f"{root}/batches"):
        assert "no root" not in str(explain.not_served("GET", path, (route.template for route in ROUTES)))


def test_the_nearest_route_is_named():
    known = ["/assistants", "/threads", "/threads/{thread_id}/runs", "/models"]
    failure = explain.not_served("GET", "/asistants", known)
    assert "The nearest route it serves: /assistants\n" in str(failure)
    assert "it serves: /threads/{thread_id}/runs\n" in str(explain.not_served("GET", "/thread/thread_1/runs", known))


@pytest.mark.parametrize("path", ["/moderations", "/batches", "/chat/completions", "/", ""])
def test_a_route_that_is_not_near_is_not_named(path):
    assert "nearest" not in str(explain.not_served("POST", path, (route.template for route in ROUTES)))


def test_only_the_last_requests_are_listed():
    exchange = Exchange(Request("GET", "https://api.openai.com/v1/files"), Response(200, {}, b"{}"), 0)
    bad = Response(400, {}, b'{"error": {"message": "No."}}')
    lines = text.requests([*[exchange] * 11, Exchange(exchange.request, bad, 0)]).splitlines()
    assert lines[0] == "    … 2 earlier"
    assert lines[-1] == "    GET /v1/files → 400 No."
    assert text.failure_section([], []) == ""


def test_a_chain_of_exceptions_is_followed_to_its_end():
    inner, outer = ValueError("inner"), RuntimeError("outer")
    outer.__cause__ = outer.__context__ = inner
    inner.__context__ = outer
    assert list(chain(outer)) == [outer, inner]
    outer.exceptions = (KeyError("held"),)
    assert [type(error) for error in chain(outer)] == [RuntimeError, KeyError, ValueError]


def test_the_package_knows_its_names():
    assert "say" in dir(harness)
    with pytest.raises(AttributeError, match="has no attribute 'sya'"):
        harness.sya  # noqa: B018


@pytest.mark.parametrize(
    ("acts", "shown"),
    [
        ([harness.call("get_weather")], " — waits for get_weather"),
        ([harness.truncate()], " — max_completion_tokens"),
        ([harness.fail()], " — server_error: Sorry, something went wrong."),
        ([harness.say("x")], "completed 3s (model: finish)"),
    ],
)
def test_the_line_of_a_run_says_why(acts, shown):
    with harness.fake_assistants() as assistants:
        assistants.next_run(*acts)
        client = assistants.client()
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Hi")
        client.beta.threads.create_and_run(assistant_id=assistant.id)
        assistants.clock.advance(5)
        assert text.run_line(assistants.runs[0]).endswith(shown)


def test_a_run_that_is_older_than_the_recording_has_no_timeline():
    with harness.fake_assistants() as assistants:
        assistants.add_assistant("asst_app", instructions="Hi")
        assistants.client().beta.threads.create_and_run(assistant_id="asst_app")
        [run] = assistants.runs
        assert explain.timeline(run) == "queued 0s"
        run.timeline.clear()
        assert explain.timeline(run) == "queued (the run is older than the recording)"


class EqualError(Exception):
    """An exception that cannot be compared, like an array of numpy."""

    def __eq__(self, other):
        raise TypeError("not to be compared")

    __hash__ = None


def test_exceptions_of_a_chain_are_distinguished_by_identity():
    inner, outer = EqualError(), EqualError()
    outer.__cause__ = inner
    assert [id(error) for error in chain(outer)] == [id(outer), id(inner)]


def test_what_a_traceback_leaves_out_can_be_left_out_of_a_chain():
    outer, context, held = RuntimeError("outer"), ValueError("context"), KeyError("held")
    outer.__context__ = context
    outer.exceptions = (held,)
    assert list(chain(outer, suppressed=False)) == [outer, held, context]
    outer.__suppress_context__ = True
    assert list(chain(outer, suppressed=False)) == [outer, held]
    assert list(chain(outer)) == [outer, held, context]
    assert list(chain(None)) == []
