"""`explore`: that good clients pass, that each kind of bug gets its verdict, and that the scripts reproduce it."""

from __future__ import annotations

import ast
import asyncio
import importlib
import io
import json
import os
import subprocess
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import explored_clients
import openai
import pytest
from explored_clients import NoAnswerError, apologizes, apologizes_async, finish_run, polls, start_run

from harness import Findings, HarnessFailure, call, explore, fake_assistants, say
from harness.endings import endings
from harness.exploring import expressions, verdicts
from harness.exploring.runner import MAX_REQUESTS
from harness.exploring.situations import BASELINE, EVENTS
from harness.exploring.verdicts import Verdict
from harness.failures import Stuck, ends_the_test
from harness.fake import FakeAssistants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.exploring.verdicts import Outcome

HERE = Path(__file__).parent
FEW: Any = {"endings": ["expired-in_progress"], "budget": 2}  # the usual, and one that gives no answer


def single(found: Findings, name: str) -> Outcome:
    return next(outcome for outcome in found.outcomes if outcome.situation.name == name)


# --- verdicts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("client", ["polls", "polls_async", "streams", "streams_async", "agent"])
def test_a_good_client_has_no_bugs(client):
    found = explore(getattr(explored_clients, client), budget=150)
    assert found.bugs == []
    found.check()
    assert found.played + len(found.left_out) == 150
    assert {outcome.verdict for outcome in found.outcomes} == {Verdict.RETURNED, Verdict.RAISED}
    assert "0 bugs" in str(found)


BUGS = {
    "waits_for_completed": "hung",
    "takes_the_first": "crashed",
    "looks_for_nothing_else": "wrong success",
    "apologizes": "wrong success",
    "apologizes_async": "wrong success",
    "polite": "wrong success",
    "gives_up": "returned, left the thread locked",
    "reads_deltas": "wrong success",
}


@pytest.fixture(scope="module")
def buggy() -> dict[str, Findings]:
    found = {name: explore(getattr(explored_clients, name)) for name in BUGS}
    found["timing"] = explore(sleeps_once, endings=[])
    return found


def sleeps_once(assistants: FakeAssistants) -> str:
    """Looks too early where a run takes long, and says so in an answer."""
    import time  # noqa: PLC0415 - as clients do

    client = assistants.client()
    _, run = start_run(client)
    time.sleep(60)
    run = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
    return f"It is {run.status}."


@pytest.mark.parametrize("client", BUGS)
def test_each_bug_gets_its_verdict(buggy, client):
    assert BUGS[client] in {bug.label for bug in buggy[client].bugs}
    assert f"✗ {buggy[client].bugs[0].situation.name} {buggy[client].bugs[0].label} — " in str(buggy[client])


def test_a_client_that_waits_for_one_status_hangs_at_all_others(buggy):
    bugs = buggy["waits_for_completed"].bugs
    assert {bug.label for bug in bugs} == {"hung"}
    # it submits outputs at once, so nothing befalls the run while it waits for them; but then it may take too long
    wait_for_outputs = {"expired-waiting_for_outputs", "cancelled-waiting_for_outputs"}
    not_completed = {ending.name for ending in endings() if ending.status != "completed"} - wait_for_outputs
    assert {bug.situation.name for bug in bugs} == {*not_completed, "requires_action-one_call, act=500s"}


def test_the_question_is_no_answer(buggy):
    """A list that lags shows the question last (eventual consistency, CONTRACT §2.3)."""
    [bug] = [bug for bug in buggy["looks_for_nothing_else"].bugs if bug.situation.name.startswith("list lags")]
    assert bug.verdict is Verdict.WRONG_SUCCESS
    assert f'!= "{explored_clients.QUESTION}"' in bug.script


def test_a_client_that_deletes_its_thread_is_judged_as_others_are():
    def tidy(assistants):
        client = assistants.client()
        thread, run = start_run(client)
        finish_run(client, run)
        [newest, *_] = client.beta.threads.messages.list(thread.id).data
        client.beta.threads.delete(thread.id)
        return explored_clients.message_text(newest)

    found = explore(tidy, **FEW)
    verdicts_by_name = {outcome.situation.name: outcome.verdict for outcome in found.outcomes}
    assert verdicts_by_name == {BASELINE: Verdict.RETURNED, "expired-in_progress": Verdict.WRONG_SUCCESS}
    assert all(outcome.timelines for outcome in found.outcomes)


def test_falsy_values_are_no_wrong_success():
    assert single(explore(lambda assistants: [polls(assistants)][1:], **FEW), BASELINE).verdict is Verdict.RETURNED


def raises(error: BaseException) -> Any:
    def client(assistants: FakeAssistants) -> str:
        try:
            return polls(assistants)
        except NoAnswerError:
            raise error from None

    return client


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        (ValueError("no"), "raised"),
        (SystemExit(3), "raised"),
        (AssertionError(), "raised"),
        (KeyError("answer"), "crashed"),
        (TypeError("no"), "crashed"),
        (AttributeError("no"), "crashed"),
        (ZeroDivisionError("no"), "crashed"),
        (StopIteration(), "crashed"),
        (NameError("no"), "crashed"),
        (json.JSONDecodeError("no", "doc", 0), "crashed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else value,
)
def test_programming_errors_are_crashes(error, verdict):
    outcome = single(explore(raises(error), **FEW), "expired-in_progress")
    assert (outcome.verdict.value, outcome.is_bug) == (verdict, verdict == "crashed")
    assert outcome.detail.startswith(type(error).__name__)


def test_a_json_error_of_the_sdk_is_no_crash():
    found = explore(polls, endings=[])
    assert all(outcome.verdict is Verdict.RAISED for outcome in found.outcomes if "no JSON" in outcome.situation.name)


def test_a_json_error_of_the_client_is_a_crash(monkeypatch):
    monkeypatch.setattr(explored_clients, "lookup", json.loads)
    found = explore(polls, endings=["requires_action-malformed_arguments"], budget=2)
    assert [bug.label for bug in found.bugs] == ["crashed, left the thread locked"]


def test_an_error_without_frames_of_packages_is_the_clients_own():
    assert verdicts.of_error(json.JSONDecodeError("no", "doc", 0))[0] is Verdict.CRASHED


def test_ctrl_c_stops_the_exploration():
    with fake_assistants() as fake:
        with pytest.raises(KeyboardInterrupt):
            explore(raises(KeyboardInterrupt()), assistants=fake, **FEW)
        assert fake.threads == []


@pytest.mark.parametrize("outcome", [pytest.fail, pytest.exit, pytest.skip, pytest.xfail])
def test_outcomes_of_pytest_end_the_exploration_and_name_the_situation(outcome):
    """pytest-timeout fails a test from within the client that waits."""
    error = outcome.Exception("Timeout >4s")
    with pytest.raises(outcome.Exception, match="Timeout >4s") as caught:
        explore(raises(error), **FEW)
    assert caught.value.__notes__ == ["explore: this was raised while client was in the situation expired-in_progress."]


def test_without_pytest_only_ctrl_c_ends_the_test(monkeypatch):
    monkeypatch.delitem(sys.modules, "pytest")
    assert ends_the_test(KeyboardInterrupt())
    assert not ends_the_test(pytest.exit.Exception("enough"))


@pytest.mark.skipif(sys.version_info < (3, 11), reason="exception groups")
def test_a_hang_in_an_exception_group_is_a_hang():
    async def client(assistants: FakeAssistants) -> str:
        import asyncio  # noqa: PLC0415 - only here

        async def wait() -> str:
            beta = assistants.async_client().beta
            assistant = await beta.assistants.create(model="gpt-4o", instructions="Be brief.")
            run = await beta.threads.create_and_run(assistant_id=assistant.id)
            while run.status != "completed":
                run = await beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
            return "done"

        async with asyncio.TaskGroup() as group:
            task = group.create_task(wait())
        return task.result()

    assert single(explore(client, **FEW), "expired-in_progress").label == "hung"


def test_a_client_that_tries_for_ever_is_stopped(tmp_path):
    found = explore(explored_clients.tries_for_ever, **FEW)
    [bug] = found.bugs
    assert bug.label == "hung"
    assert bug.detail == f"The client has sent {MAX_REQUESTS} requests, and goes on."
    [message] = failures(tmp_path, {"test_endless.py": bug.script}).values()
    assert bug.detail in message


# --- the client's form --------------------------------------------------------------------------------------


def intercepted() -> str:
    return explored_clients.agent.ask() or "none"


async def intercepted_async() -> str:
    with fake_assistants(unused="ignore") as fake:  # one of its own, within
        return await apologizes_async(fake)


class Apologizer:
    def __call__(self, assistants: FakeAssistants) -> str:
        return apologizes(assistants)


callable_object = Apologizer()
global_lambda = lambda assistants: apologizes(assistants)  # noqa: E731, PLW0108 - that is what is tried
FORMS: dict[str, Any] = {
    "function": apologizes,
    "async function": apologizes_async,
    "object": callable_object,
    "bound method": callable_object.__call__,
    "lambda": lambda assistants: apologizes(assistants),  # noqa: PLW0108 - as above
    "lambda of another parameter": lambda fake: apologizes(fake) + "!",
    "lambda of lines": (
        lambda fake: apologizes(  # noqa: PLW0108 - as above
            fake,
        )
    ),
    "async lambda": lambda assistants: apologizes_async(assistants),  # noqa: PLW0108 - as above
    "named lambda": global_lambda,
    "partial": partial(explored_clients.with_prefix, "Oh: ", mark="!"),
    "partial that gives the fake": partial(explored_clients.with_prefix, "Oh: ", mark=explored_clients.QUESTION),
}


@pytest.fixture(scope="module")
def forms() -> dict[str, Findings]:
    return {form: explore(client, **FEW) for form, client in FORMS.items()}


@pytest.mark.parametrize("form", FORMS)
def test_a_client_may_have_any_form(forms, form):
    assert [bug.verdict for bug in forms[form].bugs] == [Verdict.WRONG_SUCCESS]


def test_a_client_may_take_nothing_and_be_intercepted():
    assert explore(explored_clients.agent.ask, **FEW).bugs == []
    assert explore(intercepted, **FEW).bugs == []


def test_a_client_takes_one_argument_at_most():
    with pytest.raises(HarnessFailure, match=r"explore\(start_run\) cannot call it: it takes client, other") as caught:
        explore(lambda_of_two)
    assert 'explore(lambda: start_run("…"))' in str(caught.value)


@pytest.mark.parametrize("given", ["4 °C", explored_clients.polls_async], ids=["text", "coroutine"])
def test_a_client_is_called(given):
    with pytest.raises(HarnessFailure, match=r"was given (.4 °C.|<coroutine)(?s:.*)explore\(lambda: my_app"):
        explore(given(None) if callable(given) else given)


def lambda_of_two(client: object, other: object) -> None: ...


lambda_of_two.__name__ = "start_run"


def test_the_answer_is_taken_out_of_what_is_returned(tmp_path):
    answers = {"text": "", "status": "expired"}

    def client(assistants: FakeAssistants) -> dict[str, str]:
        try:
            return {"text": polls(assistants), "status": "completed"}
        except NoAnswerError:
            return answers

    assert len(explore(client, **FEW).bugs) == 1
    assert explore(client, **FEW, answer_of=lambda value: value["text"]).bugs == []
    [bug] = explore(apologizes, **FEW, answer_of=lambda value: value[0]).bugs
    assert bug.detail == "'S'"
    assert "value = apologizes(assistants)\n    assert not value[0]" in bug.script


# --- scripts ------------------------------------------------------------------------------------------------


def failures(folder: Path, scripts: dict[str, str]) -> dict[str, str]:
    """How each script fails that is run by pytest, all at once; those that pass are missing."""
    for name, script in scripts.items():
        folder.joinpath(name).write_text(script, encoding="utf-8")
    folder.joinpath("pytest.ini").write_text(
        "[pytest]\nfilterwarnings =\n    error\n    ignore:(The Assistants API is )?deprecated:DeprecationWarning\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)])}
    command = [
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
        "-p",
        "no:asyncio",
        "--junitxml=report.xml",
    ]
    done = subprocess.run(
        [sys.executable, *command, *scripts], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == pytest.ExitCode.TESTS_FAILED, done.stdout + done.stderr
    cases = list(ET.parse(folder / "report.xml").iter("testcase"))
    assert len(cases) == len(scripts)
    assert [case for case in cases if case.find("error") is not None] == [], done.stdout
    found = {case.get("classname"): case.find("failure") for case in cases}
    return {f"{name}.py": failure.get("message") for name, failure in found.items() if failure is not None}


def as_the_client_did(bug: Outcome, message: str) -> bool:
    if bug.verdict is Verdict.HUNG:
        return bug.detail[:40] in message
    if bug.locked or bug.verdict is Verdict.WRONG_SUCCESS:
        return message.startswith("AssertionError: assert ")
    return message.startswith(bug.detail.partition(":")[0])


def all_bugs(*found: Findings) -> dict[str, Outcome]:
    bugs = [bug for each in found for bug in each.bugs]
    return {f"test_{number:03}.py": bug for number, bug in enumerate(bugs)}


@pytest.fixture(scope="module")
def bugs(buggy, forms) -> dict[str, Outcome]:
    return all_bugs(*buggy.values(), *forms.values())


def test_each_script_fails_as_the_client_did(bugs, tmp_path):
    assert len(bugs) > 100
    every = "\n".join(bug.script for bug in bugs.values())
    for part in (
        "@pytest.mark.assistants(act=500.0)",
        "assistants.cancel_runs()",
        "assistants.clock.advance(601)",
        "assistants.faults.lost_answer(",
        "assistants.faults.cut(",
        "asyncio.run(",
        "finally:",
    ):
        assert part in every
    messages = failures(tmp_path, {name: bug.script for name, bug in bugs.items()})
    assert {str(bug): messages.get(name) for name, bug in bugs.items() if name not in messages} == {}
    assert {str(bug): messages[name] for name, bug in bugs.items() if not as_the_client_did(bug, messages[name])} == {}


def test_scripts_are_formatted_like_ruff(bugs, tmp_path):
    for name, bug in bugs.items():
        tmp_path.joinpath(name).write_text(bug.script, encoding="utf-8")
    for name in ("explored_clients", "test_exploring"):
        tmp_path.joinpath(f"{name}.py").touch()
    ruff = [sys.executable, "-m", "ruff"]
    for command in (["format", "--diff"], ["check", "--select=B,E,F,I,PT,UP,W"]):
        done = subprocess.run(
            [*ruff, *command, "--isolated", "--no-cache", "--line-length=320", *bugs],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_script_reads_like_a_test(buggy):
    bug = single(buggy["takes_the_first"], "completed-image_first")
    assert bug.script == dedent(
        '''\
        from harness import run_code, say

        from explored_clients import takes_the_first


        def test_takes_the_first_completed_image_first(assistants):
            """Crashed: AttributeError: 'ImageFileContentBlock' object has no attribute 'text'"""
            assistants.every_run(
                run_code("plt.plot(x)", images=["plot.png"]),
                say("The answer is 42."),
            )
            takes_the_first(assistants)
        '''
    )


def test_the_options_of_the_fake_stand_in_the_script():
    [bug] = explore(apologizes, **FEW, api="v2", act=3.0, seed=4).bugs
    assert '@pytest.mark.assistants(api="v2", act=3.0)\ndef ' in bug.script


def script_of(client: Any) -> str:
    [bug] = explore(client, **FEW).bugs
    ast.parse(bug.script)
    return bug.script


def test_a_function_within_a_function_is_copied_with_what_it_needs(tmp_path):
    mark = "!"

    def helper(text: str) -> str:
        return text + mark if text else str(local)

    def local(assistants: FakeAssistants) -> str:
        for _ in range(1):
            text = Verdict.RETURNED.value
        return helper(apologizes(assistants) + text)

    script = script_of(local)
    assert 'mark = "!"' in script
    assert "def helper(text: str) -> str:" in script
    [message] = failures(tmp_path, {"test_local.py": script}).values()
    assert message.startswith("AssertionError: assert not")


def test_a_value_without_an_expression_is_left_to_the_reader():
    thing = object()

    def client(assistants: FakeAssistants) -> str:
        assert thing
        return apologizes(assistants)

    assert "thing = ...  # as it was where this was found" in script_of(client)
    assert "client = ...  # as it" in script_of(Apologizer()).replace("Apologizer =", "client =")
    namespace: dict[str, Any] = {"apologizes": apologizes, "__name__": "nowhere"}
    exec("def made(assistants):\n    return apologizes(assistants)\nother = lambda fake: made(fake)", namespace)
    assert "made = ...  # as it was" in script_of(namespace["made"])
    assert "lambda = ..." not in script_of(namespace["other"])
    [bug] = explore(Apologizer(), endings=["completed-no_message"], budget=2).bugs
    assert bug.script.startswith("client = ...")


def test_names_of_other_modules_and_closures():
    own_explored, verdict = explored_clients, Verdict.RETURNED

    def client(assistants: FakeAssistants) -> str:
        import json as other  # noqa: PLC0415 - binds a name

        def inner() -> str:
            return own_explored.apologizes(assistants)

        class Inner:
            pass

        try:
            return inner() + other.dumps(1) + ET.__name__ + verdict.value + str(say("x"))
        except ValueError as error:
            return str(error)

    script = script_of(client)
    assert "import explored_clients as own_explored\n" in script
    assert "import xml.etree.ElementTree as ET\n" in script
    assert "from harness import hang, say\n" in script
    assert "verdict = ..." in script


def test_two_lambdas_of_one_line_cannot_be_distinguished():
    first, _ = (lambda fake: apologizes(fake), lambda fake: polls(fake))  # noqa: PLW0108 - that is what is tried
    assert "lambda = ..." not in script_of(first)
    ast.parse(script_of(first))


def test_scripts_name_a_program_by_its_file(monkeypatch):
    monkeypatch.setitem(sys.modules, "__main__", explored_clients)
    monkeypatch.setattr(apologizes, "__module__", "__main__")
    assert expressions.import_location(apologizes) == ("explored_clients", "apologizes")


# --- situations ---------------------------------------------------------------------------------------------


def test_the_budget_is_the_number_of_situations():
    for budget, played in ((1, 1), (7, 7), (0, 1)):
        calls: list[object] = []
        found = explore(lambda fake, calls=calls: calls.append(fake) or polls(fake), budget=budget)
        assert found.played == len(calls) == played


def test_single_situations_come_before_pairs_and_all_have_names_of_their_own():
    names: list[str] = []
    found = explore(lambda assistants: polls(assistants) and "x", budget=400)
    names = [outcome.situation.name for outcome in found.outcomes] + list(found.left_out)
    assert len(set(names)) == len(names)
    parts = [len(outcome.situation.parts) for outcome in found.outcomes]
    assert parts == sorted(parts)


def test_an_unknown_ending_is_reported_as_it_was_written():
    with pytest.raises(HarnessFailure, match=r"'expird'(?s:.*)    explore\(…, endings=\[\"expired\"\]\)"):
        explore(polls, endings="expird")


def test_only_the_endings_that_were_chosen():
    found = explore(polls, endings="expired", budget=400)
    endings = {outcome.situation.ending.name for outcome in found.outcomes}
    assert endings == {BASELINE, "expired-never_picked_up", "expired-in_progress", "expired-waiting_for_outputs"}


def test_faults_are_planned_for_what_the_client_asks_for():
    def places(client: Any) -> set[str]:
        found = explore(client, endings=[], budget=400)
        faults = [fault for outcome in found.outcomes for fault in outcome.situation.faults]
        return {str(value) for fault in faults for value in fault.options.values() if isinstance(value, str)}

    assert places(polls) == {
        "POST /assistants",
        "POST /threads",
        "POST /threads/{thread_id}/runs",
        "GET /threads/{thread_id}/runs/{run_id}",
        "GET /threads/{thread_id}/messages",
    }
    streamed = places(explored_clients.streams)
    assert set(EVENTS) <= streamed
    assert "GET /threads/{thread_id}/messages" not in streamed


def test_a_pair_is_reported_only_if_it_shows_more_than_its_parts():
    """The first look that fails, and a run that fails: each alone is survived."""

    def client(assistants: FakeAssistants) -> str:
        sdk = assistants.client(max_retries=0)
        _, run = start_run(sdk)
        failed = earlier = False
        while run.status not in explored_clients.ENDED:
            failed = True
            with suppress(openai.OpenAIError, json.JSONDecodeError):
                run = sdk.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
                failed = earlier
            earlier = failed
        if run.status == "completed":
            return "done"
        if failed:
            return "done, nearly"
        raise NoAnswerError(run.status)

    found = explore(client, endings=["failed-server_error-before_message"], budget=400)
    pairs = [outcome for outcome in found.outcomes if outcome.situation.parts]
    look = "GET /threads/{thread_id}/runs/{run_id}"
    assert {str(bug.situation.faults[0].name).partition(" at ")[2] for bug in pairs} == {look}
    assert pairs == found.bugs
    assert {part.name for part in pairs[0].situation.parts} == {
        "failed-server_error-before_message",
        f"lost answer at {look}",
    }
    assert f"failed-server_error-before_message, lost answer at {look}" in [bug.situation.name for bug in pairs]


def test_situations_that_did_not_occur_are_left_out():
    def without_tools(assistants: FakeAssistants) -> str:
        client = assistants.client()
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.")
        run = client.beta.threads.create_and_run(assistant_id=assistant.id)
        run = finish_run(client, run)
        if run.status != "completed":
            raise NoAnswerError(run.status)
        if len(client.beta.threads.messages.list(run.thread_id).data) > 1:
            return client.beta.models.list()
        return "yes"

    found = explore(without_tools, endings=["completed-image_first", "requires_action", "expired"], budget=12)
    assert list(found.left_out) == [
        "completed-image_first",
        *(f"requires_action-{form}" for form in ("one_call", "parallel_calls", "twice_in_a_row")),
        *(f"requires_action-{form}_arguments" for form in ("malformed", "empty")),
        "requires_action-unknown_function",
        "expired-waiting_for_outputs",
    ]


def test_a_fault_that_the_client_never_reaches_is_left_out():
    found = explore(explored_clients.streams, endings=["completed-no_message"], budget=400)
    assert any("thread.message.delta" in name for name in found.left_out)


def test_runs_that_are_scripted_already_have_no_endings():
    with fake_assistants(unused="ignore") as fake:
        fake.next_run(call("lookup", query="Oslo"), say("4 °C"))
        found = explore(polls, assistants=fake, endings=["expired"], budget=4)
    assert (found.played, len(found.left_out)) == (1, 3)


# --- the fake -----------------------------------------------------------------------------------------------


def test_what_was_added_to_a_fake_stays_and_afterwards_it_is_as_before():
    with fake_assistants() as fake:
        fake.add_assistant("asst_written_down", instructions="Be brief.", tools=explored_clients.TOOLS)
        fake.every_run(say("as ever"))
        fake.client().beta.threads.create()
        fake.clock.advance(5)
        with pytest.raises(HarnessFailure, match="is not served"):
            fake.client().embeddings.create(model="m", input="x")
        before = (fake.clock.now, [thread.id for thread in fake.threads], list(fake.requests), list(fake.failures))

        def client() -> str:
            sdk = fake.client()
            run = sdk.beta.threads.create_and_run(assistant_id="asst_written_down")
            run = finish_run(sdk, run)
            return explored_clients.message_text(sdk.beta.threads.messages.list(run.thread_id).data[0])

        found = explore(client, assistants=fake, **FEW)
        assert [bug.label for bug in found.bugs] == ["crashed"]
        after = (fake.clock.now, [thread.id for thread in fake.threads], list(fake.requests), list(fake.failures))
        assert after == before
        assert client() == "as ever"
        assert str(fake.faults) == "# no faults are planned"
        fake.failures.clear()


def test_a_plan_of_the_users_own_stays_in_force():
    with fake_assistants(unused="ignore") as fake:
        fake.faults.status(500, on="GET /files")
        assert explore(polls, assistants=fake, **FEW).played == 2


def test_a_fake_that_is_there_has_its_own_options():
    with pytest.raises(HarnessFailure, match="takes no options: it was given act") as caught:
        explore(polls, assistants=FakeAssistants(), act=3)
    assert "@pytest.mark.assistants(act=3)" in str(caught.value)


def fails() -> None:
    raise ValueError("not even then")


def test_a_client_that_fails_when_all_goes_well_is_not_explored():
    with pytest.raises(HarnessFailure) as caught:
        explore(fails)
    assert "fails does not return when all goes well" in str(caught.value)
    assert "Raised: ValueError: not even then" in str(caught.value)
    assert isinstance(caught.value.__cause__, ValueError)


def reads_json(assistants: FakeAssistants) -> int:
    try:
        return json.loads(polls(assistants))["degrees"]
    except ValueError as error:
        raise NoAnswerError from error


def test_a_client_that_needs_answers_of_a_certain_form_is_given_some():
    with pytest.raises(HarnessFailure, match="does not return when all goes well") as caught:
        explore(reads_json)
    assert 'say("The answer is 42.")' in caught.value.do
    assert "explore(…, answer='" in caught.value.do
    assert explore(reads_json, answer='{"degrees": 4}', budget=150).bugs == []
    with pytest.raises(HarnessFailure, match="does not return when all goes well") as caught:
        explore(reads_json, answer="four")
    assert caught.value.do == 'reads_json   # has to work with assistants.every_run(say("four")) first'


def test_the_test_for_a_bug_has_the_answer_too():
    found = explore(explored_clients.takes_the_first, answer="4 °C", endings=["completed-image_first"], budget=2)
    assert [bug.label for bug in found.bugs] == ["crashed"]
    assert 'say("4 °C")' in found.bugs[0].script


@pytest.mark.parametrize("returned", [None, "hi"])
def test_a_client_that_asks_for_nothing_is_not_explored(returned):
    with pytest.raises(HarnessFailure, match="<lambda> sends the fake no requests") as caught:
        explore(lambda: returned)
    assert f"Returned: {returned!r}, without one request." in str(caught.value)


def test_a_client_that_gives_no_answer_when_all_goes_well_is_not_explored():
    def client(assistants: FakeAssistants) -> str:
        return assistants.client().beta.threads.create().id

    with pytest.raises(HarnessFailure, match="client returns what is no answer even when all goes well") as caught:
        explore(client)
    assert "Wrong success: 'thread_" in str(caught.value)


def test_the_headline_warns_of_a_client_that_returns_nothing():
    def client(assistants: FakeAssistants) -> None:
        polls(assistants)

    headline, usual, *_ = str(explore(client, **FEW)).splitlines()
    assert headline.startswith("client: 0 bugs in 2 situations (it returns None when all goes well, so wrong")
    assert usual == "✓ completed-one_message returned — None"


def test_the_headline_warns_of_a_client_with_falsy_answers():
    def client(assistants: FakeAssistants) -> str:
        polls(assistants)
        return ""

    assert " (it returns '' when all goes well, so wrong" in str(explore(client, **FEW))


def loses_its_way(when: Callable[[Exception | Stuck], bool]) -> Callable[[FakeAssistants], str]:
    """A client that lives on from call to call, as a server does, until it has met something; then it is dead."""
    dead = False

    def client(assistants: FakeAssistants) -> str:
        nonlocal dead
        if dead:
            raise RuntimeError("This portal is not running")
        try:
            return explored_clients.waits_for_completed(assistants)
        except (Exception, Stuck) as error:
            dead = when(error)
            raise

    return client


def test_a_client_broken_by_a_hang_is_reported():
    hangs = ["failed-server_error-before_message", "expired-in_progress"]
    with pytest.raises(HarnessFailure) as caught:
        explore(loses_its_way(lambda error: isinstance(error, Stuck)), endings=["completed-refusal", *hangs])
    happened, there_was = caught.value.happened, caught.value.there_was
    assert happened.startswith("client no longer works after failed-server_error-before_message, ")
    assert there_was.splitlines()[0].startswith("    ✗ failed-server_error-before_message hung — ")
    assert there_was.splitlines()[1] == "    Raised when all goes well: RuntimeError: This portal is not running"
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_client_broken_otherwise_is_reported_at_the_end():
    with pytest.raises(HarnessFailure, match="client no longer works after lost answer at POST "):
        explore(loses_its_way(lambda error: isinstance(error, openai.APIError)), endings=[], budget=30)


def test_a_broken_client_that_hides_it_is_reported_too():
    asked = 0

    def client(assistants: FakeAssistants) -> str | None:
        nonlocal asked
        asked += 1
        return polls(assistants) if asked == 1 else None

    with pytest.raises(HarnessFailure, match="client no longer works after completed-one_message, "):
        explore(client, endings=["completed-several_messages"], budget=2)


def test_a_client_that_keeps_its_assistant_is_called_once_before(assistants: FakeAssistants) -> None:
    kept: list[str] = []

    def client() -> str | None:
        api = assistants.client()
        if not kept:
            kept.append(api.beta.assistants.create(model="gpt-4o").id)
        asked = {"messages": [{"role": "user", "content": "Hi"}]}
        run = api.beta.threads.create_and_run_poll(assistant_id=kept[0], thread=asked)
        return "well" if run.status == "completed" else None

    with pytest.raises(HarnessFailure, match=r"no longer works(?s:.*)No assistant found(?s:.*) call it once before"):
        explore(client, endings=["failed-*"], budget=4, assistants=assistants)
    kept.clear()
    client()
    assert explore(client, endings=["failed-*"], budget=4, assistants=assistants).bugs == []


def test_an_async_client_in_a_running_loop_is_refused():
    async def client(assistants: FakeAssistants) -> str:
        raise AssertionError("never awaited")

    async def test() -> None:
        explore(client, **FEW)

    with pytest.raises(HarnessFailure, match=r"in event loops of its own(?s:.*)without async"):
        asyncio.run(test())


def test_what_the_fake_does_not_serve_is_no_verdict():
    def client(assistants: FakeAssistants) -> str:
        try:
            return polls(assistants)
        except NoAnswerError:
            return str(assistants.client().embeddings.create(model="m", input="x"))

    with fake_assistants() as fake:
        with pytest.raises(HarnessFailure, match="POST /embeddings is not served"):
            explore(client, assistants=fake, **FEW)
        assert fake.threads == []
        assert fake.failures == []


def test_a_failure_of_the_harness_that_no_request_met_comes_out_too():
    def client() -> str:
        raise HarnessFailure("of the client's own")

    with pytest.raises(HarnessFailure, match="of the client's own"):
        explore(client)


# --- findings -----------------------------------------------------------------------------------------------


def test_two_explorations_find_the_same():
    assert explore(explored_clients.reads_deltas, budget=90) == explore(explored_clients.reads_deltas, budget=90)


def test_another_process_finds_the_same(buggy):
    code = (
        "import explored_clients, json, sys; from harness import explore; "
        "json.dump([explore(getattr(explored_clients, name)).as_json() for name in sys.argv[1:]], sys.stdout)"
    )
    names = ["reads_deltas", "gives_up", "apologizes_async"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HERE), str(HERE.parent)]), "PYTHONHASHSEED": "7"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *names], env=environment, capture_output=True, check=True
    )
    assert json.loads(done.stdout) == [json.loads(json.dumps(buggy[name].as_json())) for name in names]


def test_back_off_at_random_is_the_same_every_time():
    import random  # noqa: PLC0415 - only here

    drawn: list[float] = []
    explore(polls, **FEW)  # what is imported on first use may draw, too
    before = random.getstate()
    explore(lambda assistants: drawn.append(random.random()) or polls(assistants), **FEW)
    assert len(drawn) == 3  # the last to see that the client still works
    assert set(drawn) == {random.Random(0).random()}
    assert random.getstate() == before


def test_json_is_json(buggy):
    told = json.loads(json.dumps(buggy["gives_up"].as_json()))
    assert told.keys() == {"client", "played", "verdicts", "bugs", "outcomes", "left_out"}
    assert told["client"] == "gives_up"
    assert told["bugs"] == sum(outcome["bug"] for outcome in told["outcomes"]) == 8
    assert sum(told["verdicts"].values()) == len(told["outcomes"])
    bug = next(outcome for outcome in told["outcomes"] if outcome["bug"])
    assert bug.keys() == {"situation", "verdict", "locked", "bug", "detail", "runs", "script"}
    assert bug["locked"]
    assert bug["runs"][0].startswith("run_")


def test_rich_prints_a_table(buggy):
    rich = pytest.importorskip("rich.console")
    console = rich.Console(width=200, record=True, file=io.StringIO())
    with console.file:
        console.print(buggy["takes_the_first"])
        shown = console.export_text()
    assert "takes_the_first: 5 bugs in 120 situations" in shown
    assert "✗" in shown
    assert "lost answer at GET /threads/{thread_id}/runs/{run_id}" in shown


def test_without_rich_only_the_table_is_missing(buggy, monkeypatch):
    monkeypatch.setitem(sys.modules, "rich", None)
    monkeypatch.setitem(sys.modules, "rich.table", None)
    found = explore(apologizes, **FEW)
    assert str(found).splitlines()[0] == "apologizes: 1 bug in 2 situations"
    with pytest.raises(ImportError):
        found.__rich__()


def test_a_failure_lists_the_bugs_and_reproduces_the_first(buggy):
    found = buggy["apologizes"]
    with pytest.raises(HarnessFailure) as caught:
        found.check()
    message = str(caught.value)
    assert f"apologizes does not survive {len(found.bugs)} of 120 situations." in message
    assert message.count("✗") == 8
    assert f"… and {len(found.bugs) - 8} more" in message
    assert "    def test_apologizes_completed_empty_text(assistants):\n" in message


@pytest.mark.parametrize(
    "allow", [["*"], "*", ["completed", "failed", "incomplete", "expired", "cancel*", "*act=500s"]]
)
def test_known_bugs_may_be_allowed(buggy, allow: Iterable[str]):
    buggy["apologizes"].check(allow=allow)


def test_what_is_not_allowed_fails_all_the_same(buggy):
    with pytest.raises(HarnessFailure, match="does not survive 3 of"):
        buggy["apologizes"].check(allow=["completed", "failed", "incomplete", "cancel*"])
    with pytest.raises(HarnessFailure):
        buggy["apologizes"].check(allow="expired*")


def test_details_have_one_line_and_no_addresses():
    assert verdicts.detail_line("a\n  b <x at 0x7f00ab>") == "a b <x>"
    assert len(verdicts.detail_line("word " * 100)) == 100


def test_the_copy_of_a_function_has_all_its_lines(tmp_path, monkeypatch):
    """A form feed in a text ends no line of the source."""
    tmp_path.joinpath("with_a_feed.py").write_text('def page():\n    text = "a\f b"\n    return text\n')
    monkeypatch.syspath_prepend(tmp_path)
    copy = expressions.function_copy(importlib.import_module("with_a_feed").page, "_page")
    assert copy.above[-3:] == ("def _page():", '    text = "a\f b"', "    return text")
