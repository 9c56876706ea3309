"""`run_ending` from outside: which tests there are, what chooses them, and what they skip."""

from __future__ import annotations

import re

import pytest

from harness.endings import endings

NAMES = [each.name for each in endings()]

APP = """
    import openai

    client = openai.OpenAI()
    CODE = {"type": "code_interpreter"}
    TOOLS = [{"type": "function", "function": {"name": "lookup"}}, CODE]

    class NoAnswer(Exception):
        pass

    def ask(question, tools=TOOLS):
        assistant = client.beta.assistants.create(model="gpt-4o", tools=tools)
        thread = client.beta.threads.create(messages=[{"role": "user", "content": question}])
        run = client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)
        while run.status in ("queued", "in_progress", "requires_action", "cancelling"):
            if run.status == "requires_action":
                calls = run.required_action.submit_tool_outputs.tool_calls
                outputs = [{"tool_call_id": one.id, "output": "42"} for one in calls]
                try:
                    client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=outputs)
                except openai.BadRequestError:
                    pass
            run = client.beta.threads.runs.retrieve(run.id, thread_id=thread.id)
        messages = client.beta.threads.messages.list(thread.id, run_id=run.id).data
        if run.status != "completed" or not messages:
            raise NoAnswer(run.status)
        parts = messages[0].content
        text = "".join(part.text.value if part.type == "text" else getattr(part, "refusal", "") for part in parts)
        if not text:
            raise NoAnswer("empty")
        return text
"""

TEST = """
    import pytest
    import my_app

    def check(run_ending):
        if run_ending.answer is None:
            with pytest.raises(my_app.NoAnswer):
                my_app.ask("Weather?")
        else:
            assert my_app.ask("Weather?") == run_ending.answer

    {marker}
    def test_app(run_ending):
        check(run_ending)
"""


@pytest.fixture
def project(strict: pytest.Pytester) -> pytest.Pytester:
    strict.makepyfile(my_app=APP)
    return strict


def run(project: pytest.Pytester, test: str, *args: str) -> pytest.RunResult:
    project.makepyfile(test_it=test)
    return project.runpytest_subprocess("-p", "no:asyncio", "-p", "no:randomly", *args)


def ids(result: pytest.RunResult) -> list[str]:
    """Of the tests that have run, or were collected."""
    found = [re.search(r"test_it\.py::(\S+)", line) for line in result.outlines]
    return list(dict.fromkeys(match[1] for match in found if match))


def named(result: pytest.RunResult) -> list[str]:
    return [each.partition("[")[2].rstrip("]") for each in ids(result)]


def test_a_test_runs_once_for_every_ending_and_a_right_client_passes(project):
    result = run(project, TEST.format(marker=""), "-v", "-p", "no:xdist")
    result.assert_outcomes(passed=len(NAMES))
    assert ids(result) == [f"test_app[{name}]" for name in NAMES]


@pytest.mark.parametrize(
    ("marker", "args", "chosen"),
    [
        ("", ["-k", "expired"], [name for name in NAMES if "expired" in name]),
        ("", ["--assistants-endings=expired"], [name for name in NAMES if name.startswith("expired-")]),
        (
            "",
            ["--assistants-endings=completed-refusal, failed-*-after_message"],
            [name for name in NAMES if name == "completed-refusal" or name.endswith("-after_message")],
        ),
        (
            '@pytest.mark.assistants_endings("cancelled", "*-refusal")',
            [],
            [name for name in NAMES if name.startswith("cancelled-") or name == "completed-refusal"],
        ),
        (
            '@pytest.mark.assistants_endings("cancelled", "expired")',
            ["--assistants-endings=failed,expired-in_progress,cancelled-s*"],
            ["expired-in_progress", "cancelled-slowly"],
        ),
    ],
    ids=["-k", "option", "option of patterns", "marker", "both"],
)
def test_some_endings_are_chosen(project, marker, args, chosen):
    result = run(project, TEST.format(marker=marker), "-v", "-p", "no:xdist", *args)
    result.assert_outcomes(passed=len(chosen), deselected=len(NAMES) - len(chosen) if "-k" in args else 0)
    assert named(result) == chosen


def test_where_marker_and_option_have_nothing_in_common_there_is_nothing_to_run(project):
    marker = '@pytest.mark.assistants_endings("expired")'
    result = run(project, TEST.format(marker=marker), "-p", "no:xdist", "--assistants-endings=failed")
    result.assert_outcomes(skipped=1)


@pytest.mark.parametrize(
    ("marker", "args", "nearest"),
    [
        ('@pytest.mark.assistants_endings("expird")', [], '@pytest.mark.assistants_endings("expired")'),
        ("", ["--assistants-endings=failed,complted-refusal"], "--assistants-endings=completed-refusal"),
    ],
)
def test_an_unknown_pattern_is_an_error_of_the_collection(project, marker, args, nearest):
    result = run(project, TEST.format(marker=marker), "-p", "no:xdist", *args)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*test_it.py::test_app: No run ending is called '*", f"*    {nearest}"])


def test_the_model_answers_in_the_form_that_the_app_needs(project):
    test = """
        import json
        import pytest
        import my_app

        @pytest.mark.assistants_endings("completed-*_message*", "requires_action", answer='{"degrees": 4}')
        def test_app(run_ending):
            if run_ending.answer is not None:
                assert json.loads(my_app.ask("Weather?")) == json.loads(run_ending.answer) == {"degrees": 4}
    """
    result = run(project, test, "-p", "no:xdist", "--assistants-endings=completed,requires_action-one_call")
    result.assert_outcomes(passed=4)


def test_a_keyword_that_the_marker_does_not_have_is_an_error_of_the_collection(project):
    result = run(project, TEST.format(marker='@pytest.mark.assistants_endings(anser="4")'), "-p", "no:xdist")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(
        ["*test_it.py::test_app: @pytest.mark.assistants_endings was given {'anser': '4'}.", "*the keyword answer.*"]
    )


@pytest.mark.parametrize(
    "parametrize",
    [
        '"run_ending", ["expired-in_progress", "completed-refusal"], indirect=True',
        'argnames="run_ending", argvalues=["expired-in_progress", "completed-refusal"], indirect=True',
        '("run_ending",), [("expired-in_progress",), ("completed-refusal",)], indirect=True',
        '"run_ending, more", [("expired-in_progress", 1), ("completed-refusal", 2)], indirect=["run_ending"]',
    ],
    ids=["text", "keywords", "tuple", "with another"],
)
def test_a_test_may_name_the_endings_itself(project, parametrize):
    test = TEST.format(marker=f"@pytest.mark.parametrize({parametrize})")
    if "more" in parametrize:
        test = test.replace("def test_app(run_ending)", "def test_app(run_ending, more)")
    result = run(project, test, "-v", "-p", "no:xdist")
    result.assert_outcomes(passed=2)
    assert [name.removesuffix("-1").removesuffix("-2") for name in named(result)] == [
        "expired-in_progress",
        "completed-refusal",
    ]


def test_a_name_that_does_not_exist_fails_the_test_that_gave_it(project):
    marker = '@pytest.mark.parametrize("run_ending", ["expired-on_progress"], indirect=True)'
    result = run(project, TEST.format(marker=marker), "-p", "no:xdist")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*@pytest.mark.assistants_endings("expired-in_progress")*'])


def test_endings_that_need_missing_tools_are_skipped(project):
    test = TEST.format(marker="").replace('"Weather?"', '"Weather?", []')
    result = run(project, test, "-rs", "-p", "no:xdist")
    skipped = [name for name in NAMES if name.startswith("requires_action-") or "waiting_for_outputs" in name]
    skipped.append("completed-image_first")
    result.assert_outcomes(passed=len(NAMES) - len(skipped), skipped=len(skipped))
    result.stdout.fnmatch_lines(
        [
            "SKIPPED*No run of asst_* ends as completed-image_first: that needs a tool of type code_interpreter.*",
            "SKIPPED*No run of asst_* ends as requires_action-one_call: that needs a tool of type function.*",
        ]
    )


WITHOUT_TOOLS = """
    import asyncio
    import threading

    import pytest
    import my_app

    pytestmark = pytest.mark.assistants_endings("completed-image_first")

    def ask():
        my_app.ask("Weather?", [])

    def in_a_thread():
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    async def gathered():
        await asyncio.gather(asyncio.to_thread(ask), return_exceptions=True)

    def test_that_passes(run_ending):
        ask()

    def test_that_fails(run_ending):
        ask()
        assert 1 == 2

    @pytest.mark.xfail
    def test_that_shall_fail(run_ending):
        ask()

    @pytest.mark.xfail
    def test_that_fails_as_it_shall(run_ending):
        ask()
        assert 1 == 2

    def test_in_a_thread(run_ending):
        in_a_thread()

    def test_among_tasks(run_ending):
        asyncio.run(gathered())

    def test_that_leaves_scripts_and_swallows_what_follows(assistants, run_ending):
        ask()
        assistants.next_run("never asked for")
        with pytest.raises(BaseException):
            assistants.client().chat.completions.create(model="gpt-4o", messages=[])

    @pytest.fixture
    def asked(run_ending):
        ask()

    def test_after_a_fixture(asked):
        pass

    @pytest.fixture
    def answered(run_ending):
        ask()
        assert 1 == 2

    def test_whose_fixture_fails(answered):
        pass
"""


def test_inapplicable_endings_skip_a_test_whatever_its_outcome(project):
    result = run(project, WITHOUT_TOOLS, "-rs", "-p", "no:xdist")
    result.assert_outcomes(skipped=9)
    result.stdout.fnmatch_lines(["SKIPPED ?1? test_it.py:*: No run of asst_* ends as completed-image_first: *"])


def test_a_run_that_begins_when_the_test_is_over_skips_it_too(project):
    late = """
        from contextlib import suppress
        import pytest
        import my_app

        @pytest.fixture
        def late(run_ending):
            yield
            with suppress(BaseException):
                my_app.ask("Weather?", [])

        @pytest.mark.assistants_endings("completed-image_first")
        def test_it(late):
            pass
    """
    result = run(project, late, "-rs", "-p", "no:xdist")
    result.assert_outcomes(passed=1, skipped=1)
    result.stdout.fnmatch_lines(["SKIPPED*ends as completed-image_first*"])


def test_a_portal_of_a_module_survives_endings_that_do_not_apply(project):
    """What is raised in a request and is no `Exception` ends the loop of a TestClient: later tests met a dead one."""
    pytest.importorskip("anyio")
    portal = """
        import pytest
        from anyio.from_thread import start_blocking_portal
        import my_app

        @pytest.fixture(scope="module")
        def portal():
            with start_blocking_portal() as portal:
                yield portal

        async def answer():
            return my_app.ask("Weather?", [])

        @pytest.mark.assistants_endings("completed-image_first", "completed-one_message")
        def test_ending(portal, run_ending):
            assert portal.call(answer) == run_ending.answer

        def test_later(portal, assistants):
            assistants.next_run("4 °C")
            assert portal.call(answer) == "4 °C"
    """
    run(project, portal, "-p", "no:xdist").assert_outcomes(passed=2, skipped=1)


def test_in_classes_with_other_parameters_and_by_another_fixture(project):
    result = run(
        project,
        """
        import pytest
        import my_app

        @pytest.fixture
        def status(run_ending):
            return run_ending.status

        @pytest.mark.assistants_endings("expired")
        class TestApp:
            @pytest.mark.parametrize("question", ["One?", "Two?"])
            def test_app(self, run_ending, question, assistants):
                with pytest.raises(my_app.NoAnswer, match="expired"):
                    my_app.ask(question)
                assert assistants.runs[0].status == run_ending.status

            def test_by_a_fixture(self, status):
                assert status == "expired"
        """,
        "-v",
        "-p",
        "no:xdist",
    )
    result.assert_outcomes(passed=9)
    assert ids(result)[0].startswith("TestApp::test_app[")
    assert "expired-in_progress" in ids(result)[-1] or "expired-" in ids(result)[-1]


def test_what_the_test_scripts_itself_takes_precedence(project):
    result = run(
        project,
        """
        import pytest
        import my_app
        from harness import say

        @pytest.mark.assistants_endings("failed-server_error-before_message", "expired-waiting_for_outputs")
        def test_app(assistants, run_ending):
            assistants.next_run(say("4 °C"))
            assert my_app.ask("Weather?") == "4 °C"
            with pytest.raises(my_app.NoAnswer, match=run_ending.status):
                my_app.ask("And now?")
        """,
        "-p",
        "no:xdist",
    )
    result.assert_outcomes(passed=2)


def test_a_test_that_submits_nothing_has_no_unused_fault(project):
    """What happens before outputs arrive is planned as a fault, and faults that nothing met are a failure."""
    result = run(
        project,
        """
        import pytest

        @pytest.mark.assistants_endings("expired-waiting_for_outputs", "cancelled-waiting_for_outputs")
        def test_app(run_ending):
            pass
        """,
        "-p",
        "no:xdist",
    )
    result.assert_outcomes(passed=2)


def test_the_names_are_the_same_in_every_worker(project):
    pytest.importorskip("xdist")
    result = run(project, TEST.format(marker=""), "-n2", "-v")
    result.assert_outcomes(passed=len(NAMES))
    found = {match[1] for match in re.finditer(r"test_app\[([^\]]+)\]", "\n".join(result.outlines))}
    assert found == set(NAMES)


def test_a_failed_test_tells_the_ending_and_the_run(project):
    result = run(
        project,
        """
        import my_app

        def test_app(run_ending):
            my_app.ask("Weather?")
        """,
        "--assistants-endings=expired-in_progress",
        "-p",
        "no:xdist",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*test_app?expired-in_progress?*", "*- assistants -*", "*run_*expired 600s*"])
