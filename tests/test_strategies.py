"""Strategies for users: what they draw is what they say it is, held against the service itself."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import find as found
from hypothesis import strategies as st
from hypothesis.errors import NoSuchExample

from harness import FakeAssistants, HarnessFailure, Request, strategies
from harness.options import make_options
from harness.recording import cassettes
from harness.recording.session import Session
from harness.service import acts
from harness.strategies.bodies import TOOLS
from harness.strategies.plans import Plan
from harness.strategies.sending import ENDPOINTS, UPLOAD
from harness.strategies.sessions import MUTATIONS, drop, repeat, swap_reads, truncate
from harness.strategies.texts import sometimes, split_at

# the same in every run; and how long drawing takes is no finding
SAME = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
SOME, MANY = settings(SAME, max_examples=60), settings(SAME, max_examples=300)
ANYTHING = {"adopt_unknown": True, "unused": "ignore"}
TUTORIALS = sorted((Path(__file__).resolve().parents[1] / "cassettes").rglob("*.yaml"))


def find(strategy, condition=lambda drawn: True):
    """The simplest that fits, the same in every run."""
    return found(strategy, condition, settings=SAME)


def fake() -> FakeAssistants:
    return FakeAssistants(make_options(ANYTHING, where="test"))


# --- requests -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("on", ENDPOINTS)
def test_valid_requests_are_accepted(on):
    """CONTRACT §1, §8."""

    @SOME
    @given(strategies.requests(on=on))
    def check(request):
        answer = fake().answer(request)
        assert answer.status == 200, (request.body, answer.body)

    check()


@SOME
@given(st.data())
def test_valid_modifications_and_runs_fit_every_drawn_assistant(data):
    """What goes together is looked at with what was there before (openai/openai-python#2112)."""
    assistants = fake()

    def ask(on, **ids):
        answer = assistants.answer(data.draw(strategies.requests(on=on, **ids)))
        assert answer.status == 200, answer.body
        return json.loads(answer.body)["id"]

    known = (ask("POST /assistants"),)
    ask("POST /assistants/{assistant_id}", assistants=known)
    ask("POST /threads/{thread_id}/runs", assistants=known)


def test_no_two_functions_of_valid_tools_have_the_same_name():
    """dotnet/extensions#6743."""

    def names(tools):
        return [tool["function"]["name"] for tool in tools if tool["type"] == "function"]

    with pytest.raises(NoSuchExample):
        find(TOOLS.good, lambda tools: len(names(tools)) > len(set(names(tools))))
    find(TOOLS.good, lambda tools: len(names(tools)) > 1)


@pytest.mark.parametrize("on", ENDPOINTS)
def test_invalid_requests_are_refused_in_the_words_of_the_service(on):
    """CONTRACT §7.1: 400, before anything changes."""

    @SOME
    @given(strategies.requests(on=on, valid=False))
    def check(request):
        assistants = fake()
        answer = assistants.answer(request)
        assert answer.status == 400, (request.body, answer.body)
        assert json.loads(answer.body)["error"]["type"] == "invalid_request_error"
        assert not assistants.threads
        assert not len(assistants.world.store.assistants)

    check()


@pytest.mark.parametrize("on", ENDPOINTS)
def test_both_kinds_are_drawn_where_either_is_asked_for(on):
    statuses = Counter()

    @SOME
    @given(strategies.requests(on=on, valid=None))
    def check(request):
        statuses[fake().answer(request).status] += 1

    check()
    assert set(statuses) == {200, 400}


def test_requests_are_for_every_endpoint_by_default():
    seen = set()

    @MANY
    @given(strategies.requests())
    def check(request):
        seen.add((request.method, request.path.count("/")))

    check()
    assert {("GET", 2), ("GET", 4), ("POST", 2), ("POST", 3), ("POST", 4)} <= seen


def test_an_endpoint_that_is_not_drawn_is_explained():
    with pytest.raises(HarnessFailure, match=r"on='POST /nothing'"):
        strategies.requests(on="POST /nothing")


def test_requests_name_the_ids_that_they_are_given_and_no_files_where_there_are_none():
    @SOME
    @given(
        strategies.requests(assistants=["asst_mine"], threads=["thread_mine"], files=[]).filter(
            lambda request: request.path != "/v1/files"
        )
    )
    def check(request):
        assert b"file-" not in request.body
        assert "example" not in request.path
        assert b"asst_example" not in request.body

    check()


def test_the_simplest_upload_is_one_that_the_service_keeps():
    assistants = fake()
    assert assistants.answer(find(strategies.requests(on=UPLOAD))).status == 200
    [file] = assistants.world.store.files
    assert (file.filename, file.purpose, len(file.content)) == ("notes.txt", "fine-tune", 1)


# --- parts of bodies ----------------------------------------------------------------------------------------------


def sent(path: str, body: object) -> int:
    headers = {"authorization": "Bearer sk", "openai-beta": "assistants=v2"}
    raw = json.dumps(body).encode()
    return fake().answer(Request("POST", f"https://api.openai.com/v1{path}", headers, raw)).status


@pytest.mark.parametrize(
    ("valid", "status"), [(True, {200}), (False, {400}), (None, {200, 400})], ids=["valid", "invalid", "either"]
)
@pytest.mark.parametrize(
    ("path", "drawn", "body"),
    [
        ("/threads", "metadata", lambda value: {"metadata": value}),
        ("/assistants", "tools", lambda value: {"model": "gpt-4o", "tools": [value]}),
        ("/assistants", "functions", lambda value: {"model": "gpt-4o", "tools": [value]}),
        ("/threads/thread_abc/messages", "messages", lambda value: value),
    ],
    ids=["metadata", "tools", "functions", "messages"],
)
def test_parts_of_bodies_are_valid_or_not_as_asked(path, drawn, body, valid, status):
    """CONTRACT §1.1, §1.3, §8."""

    statuses = set()

    @MANY
    @given(getattr(strategies, drawn)(valid=valid))
    def check(value):
        statuses.add(answered := sent(path, body(value)))
        assert answered in status, value

    check()
    assert statuses == status


def test_the_limits_themselves_are_among_what_is_drawn():
    """CONTRACT §8: 16 pairs; keys of 64, values of 512 characters."""
    find(strategies.metadata(), lambda pairs: len(pairs) == 16)
    find(strategies.metadata(), lambda pairs: any(len(key) == 64 for key in pairs))
    find(strategies.metadata(), lambda pairs: any(len(value) == 512 for value in pairs.values()))


def test_function_parameters_are_schemas_of_objects():
    @MANY
    @given(strategies.functions())
    def check(tool):
        parameters = tool["function"].get("parameters", {"type": "object", "properties": {}})
        assert parameters["type"] == "object"
        assert set(parameters.get("required", ())) <= set(parameters["properties"])

    check()


# --- texts and stories --------------------------------------------------------------------------------------------


@MANY
@given(strategies.texts(max_size=5), strategies.texts(min_size=1))
def test_texts_keep_their_sizes_and_can_be_sent(short, some):
    assert len(short) <= 5
    assert some
    (short + some).encode()


@MANY
@given(strategies.texts(), st.lists(st.integers(0, 40), max_size=6))
def test_pieces_make_the_text(text, places):
    assert "".join(split_at(text, places)) == text


def test_sometimes_is_none_in_three_cases_of_four():
    counted = Counter()

    @settings(SAME, max_examples=400)
    @given(sometimes(st.just(1)))
    def check(value):
        counted[value] += 1

    check()
    assert counted[None] > counted[1] > 0


@SOME
@given(strategies.stories())
def test_every_story_ends_within_the_life_of_a_run(story):
    """CONTRACT §3.2: 600 seconds from creation."""
    assistants = fake()
    assistants.next_run(*story)
    headers = {"authorization": "Bearer sk", "openai-beta": "assistants=v2"}
    body = json.dumps({"assistant_id": "asst_abc", "instructions": "Hi"}).encode()
    assistants.answer(Request("POST", "https://api.openai.com/v1/threads/runs", headers, body))
    assistants.clock.advance(601)
    [run] = assistants.runs
    assert run.status in statuses_after(story)


def statuses_after(story: tuple[acts.Act, ...]) -> set[str]:
    """What a run can have come to, by its acts alone. Nobody submits outputs, so that calls wait until it expires."""
    if any(isinstance(act, acts.Call | acts.Calls) for act in story):
        return {"expired"}
    late = any(isinstance(act, acts.Wait) and act.seconds >= 598 for act in story)
    return {ended_by(story[-1]), *(["expired"] if late else [])}


def ended_by(act: acts.Act) -> str:
    match act:
        case acts.Fail():
            return "failed"
        case acts.Truncate():
            return "incomplete"
        case acts.Hang():
            return "expired"
        case acts.Cancel(takes=takes, then=then):
            return "expired" if (takes or 0) > 600 else then
    return "completed"


def test_stories_hold_every_act_and_every_ending():
    seen = set()

    @settings(SAME, max_examples=500)
    @given(strategies.stories())
    def check(story):
        seen.update(map(type, story))

    check()
    assert seen == set(acts.ACTS)


@SOME
@given(strategies.stories(functions=[], max_acts=2))
def test_stories_without_functions_call_none(story):
    assert not any(isinstance(act, acts.Call | acts.Calls) for act in story)
    assert len(story) <= 3


def test_stories_call_the_functions_that_they_are_given():
    drawn = find(strategies.stories(functions=["lookup"]), lambda story: isinstance(story[0], acts.Call))
    assert drawn[0].name == "lookup"


def test_the_simplest_story_is_one_act_without_an_ending():
    [act] = find(strategies.stories())
    assert not isinstance(act, acts.ENDS)


# --- fault plans --------------------------------------------------------------------------------------------------


@MANY
@given(strategies.fault_plans())
def test_a_plan_prints_what_it_does(plan):
    """The printed code plans the same."""
    applied, executed = fake(), fake()
    plan.apply(applied.faults)
    exec(str(plan), {"assistants": executed})
    assert str(applied.faults) == str(executed.faults)


def test_plans_hold_every_fault():
    seen = set()

    @settings(SAME, max_examples=500)
    @given(strategies.fault_plans())
    def check(plan):
        seen.update(call.function for call in plan.calls)

    check()
    faults = type(fake().faults)
    known = {name for name in dir(faults) if not name.startswith("_") and callable(getattr(faults, name))}
    assert known - seen == {"handle", "meanwhile", "stream_body", "unused"}  # `meanwhile` takes a function
    assert seen <= known


@MANY
@given(strategies.fault_plans(streams=False, max_faults=2))
def test_plans_for_clients_that_do_not_stream_have_no_events(plan):
    assert len(plan.calls) <= 2
    assert not {"cut", "stall", "malform", "error", "event", "comment", "crlf", "chunks"} & {
        call.function for call in plan.calls
    }


def test_the_simplest_plan_is_none():
    assert find(strategies.fault_plans()) == Plan()
    assert str(Plan()) == ""


# --- recorded sessions --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def recorded():
    return cassettes.read(TUTORIALS[0])


def paths(session: Session) -> list[str]:
    return [seen.path for seen in session.exchanges]


def test_sessions_are_the_recorded_one_with_a_few_changes(recorded):
    whole = Session.of(recorded)
    assert paths(find(strategies.sessions(recorded))) == paths(whole)

    @SOME
    @given(strategies.sessions(whole))
    def check(session):
        assert all(seen.recorded in recorded for seen in session.exchanges)
        assert len(session.exchanges) <= len(recorded) + 3

    check()


@pytest.mark.parametrize(
    "lost", [lambda now, then: now < then, lambda now, then: now > then], ids=["something", "nothing"]
)
def test_sessions_lose_exchanges_and_have_some_twice(recorded, lost):
    find(strategies.sessions(recorded), lambda session: lost(len(session.exchanges), len(recorded)))


def test_a_session_can_be_lost_altogether(recorded):
    assert paths(find(strategies.sessions(recorded[:1]), lambda session: not session.exchanges)) == []

    @SOME
    @given(strategies.sessions(recorded[:1]))
    def check(session):
        assert len(session.exchanges) <= 8

    check()


def test_no_changes_are_made_where_none_are_allowed(recorded):
    with pytest.raises(NoSuchExample):
        find(strategies.sessions(recorded, max_changes=0), lambda session: len(session.exchanges) != len(recorded))


def test_each_mutation_does_what_its_name_says(recorded):
    class Asked:
        def __init__(self, method, name):
            self.request, self.name = Request(method, "https://h/x"), name

    story = [Asked("POST", "a"), Asked("GET", "b"), Asked("GET", "c")]
    told = {mutate.__name__: "".join(item.name for item in mutate(story, 1)) for mutate in MUTATIONS}
    assert told == {"drop": "ac", "repeat": "abbc", "swap_reads": "acb", "truncate": "ab"}
    assert {drop, repeat, swap_reads, truncate} == set(MUTATIONS)
    assert swap_reads(story, 0) == swap_reads(story, 2) == story


# --- without Hypothesis -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("module", ["harness.strategies", "harness.machine"])
def test_a_missing_hypothesis_is_explained(module):
    code = f"import sys\nsys.modules['hypothesis'] = None\nimport {module}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "MissingExtra: harness.strategies and harness.machine need Hypothesis" in done.stderr
    assert 'pip install "pytest-assistants[hypothesis]"' in done.stderr


def test_tests_that_need_a_missing_hypothesis_can_be_skipped(tmp_path):
    test = "import sys\nsys.modules['hypothesis'] = None\nimport pytest\npytest.importorskip('harness.strategies')\n"
    (tmp_path / "test_it.py").write_text(test, encoding="utf-8")
    options = ["-rs", "-W", "error", "-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:asyncio"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert "1 skipped" in done.stdout
    assert "need Hypothesis, which is not installed." in done.stdout
