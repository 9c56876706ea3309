"""`pytest --assistants-explore` from outside."""

from __future__ import annotations

import pytest
from test_run_ending import APP

LENIENT = """
    import json

    def degrees(question):
        return json.loads(ask(question))["degrees"]

    def lenient(question):
        try:
            return ask(question)
        except NoAnswer:
            return "Sorry."

    async def lenient_async(question):
        return lenient(question)
"""

TEST = """
    import pytest
    import my_app

    @pytest.mark.assistants_explore{options}
    def test_app(assistants):
        {body}
"""
RETURNS = 'return my_app.lenient("Weather?")'


@pytest.fixture
def project(strict: pytest.Pytester) -> pytest.Pytester:
    strict.makepyfile(my_app=APP + LENIENT)
    return strict


def run(project: pytest.Pytester, test: str, *args: str) -> pytest.RunResult:
    project.makepyfile(test_it=test)
    return project.runpytest_subprocess("-p", "no:xdist", "-p", "no:randomly", *args)


def explore(project: pytest.Pytester, test: str, *args: str) -> pytest.RunResult:
    return run(project, test, "-p", "no:asyncio", "--assistants-explore", *args)


def test_without_the_option_a_test_runs_once_and_may_return_a_value(project):
    test = TEST.format(options="", body=f"print('HELLO'); {RETURNS}")
    result = run(project, test, "-p", "no:asyncio", "-s")
    result.assert_outcomes(passed=1)
    assert "\n".join(result.outlines).count("HELLO") == 1


def test_without_the_marker_the_option_changes_nothing(project):
    test = TEST.format(options="", body="print('HELLO'); my_app.lenient('Weather?')").replace(
        "@pytest.mark.assistants_explore", ""
    )
    result = explore(project, test, "-s")
    result.assert_outcomes(passed=1)
    assert "\n".join(result.outlines).count("HELLO") == 1


def test_bugs_fail_the_test_with_the_table_and_a_reproduction(project):
    result = explore(project, TEST.format(options="(budget=45)", body=RETURNS))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*test_app does not survive 24 of 45 situations.*",
            "*✗ completed-empty_text wrong success — 'Sorry.'*",
            "*import my_app*",
            "*def _test_app(assistants):*",
            '*return my_app.lenient("Weather?")*',
            "*def test_app_completed_empty_text(assistants):*",
            "*assert not _test_app(assistants)*",
            "*- assistants: explored -*",
            "test_app: 24 bugs in 45 situations",
            "✓ completed-one_message returned — 'The answer is 42.'",
            "✗ completed-empty_text wrong success — 'Sorry.'",
        ]
    )
    assert "Requests:" not in "\n".join(result.outlines)


def test_the_reproduction_fails_as_the_client_did(project):
    found = explore(project, TEST.format(options="(budget=45, endings=['expired-in_progress'])", body=RETURNS))
    lines = [line.removeprefix("E       ").rstrip() for line in found.outlines]
    begun = next(index for index, line in enumerate(lines) if "a test that reproduces" in line)
    ended = next(index for index, line in enumerate(lines) if "assert not _test_app" in line)
    script = "\n".join(lines[begun : ended + 1])
    project.makepyfile(test_again=script)
    result = project.runpytest_subprocess("-p", "no:xdist", "-p", "no:asyncio", "test_again.py")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E       AssertionError: assert not 'Sorry.'"])


def test_a_good_client_passes(project):
    test = TEST.format(options="", body='return my_app.ask("Weather?")')
    explore(project, test).assert_outcomes(passed=1)


def test_known_bugs_may_be_allowed_and_endings_chosen(project):
    options = "(budget=30, endings=['expired', 'cancelled'], allow=['expired', 'cancelled-*'])"
    explore(project, TEST.format(options=options, body=RETURNS)).assert_outcomes(passed=1)


def test_scripts_from_before_the_exploration_are_not_reported_as_unused(project):
    test = TEST.format(options="(budget=3)", body='return my_app.ask("Weather?")').replace(
        "    @pytest.mark",
        """    @pytest.fixture(autouse=True)
    def scripted(assistants):
        assistants.next_run("4 °C")

    @pytest.mark""",
        1,
    )
    explore(project, test).assert_outcomes(passed=1)


@pytest.mark.parametrize("mark", ["asyncio", "anyio"])
@pytest.mark.parametrize("on", [True, False], ids=["on", "off"])
def test_an_async_test(project, mark, on):
    pytest.importorskip("pytest_asyncio" if mark == "asyncio" else mark)
    project.makeini(
        "[pytest]\nasyncio_default_fixture_loop_scope = function\nfilterwarnings =\n"
        "    ignore:(The Assistants API is )?deprecated:DeprecationWarning\n"
    )
    project.makeconftest("import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    test = TEST.format(options="(budget=3, endings=['expired'])", body='return await my_app.lenient_async("Weather?")')
    test = test.replace("def test_app", "async def test_app").replace(
        "    @pytest.mark.assistants_explore", f"    @pytest.mark.{mark}\n    @pytest.mark.assistants_explore"
    )
    result = run(project, test, *(["--assistants-explore"] if on else []))
    result.assert_outcomes(failed=int(on), passed=int(not on))
    if on:
        result.stdout.fnmatch_lines(
            [
                "*import asyncio*",
                "*async def _test_app(assistants):*",
                "*assert not asyncio.run(_test_app(assistants))*",
            ]
        )


def test_without_the_fixture_there_is_nothing_to_explore(project):
    result = explore(project, TEST.format(options="", body="return 1").replace("(assistants)", "()"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*test_app is to be explored, but it does not use the fixture `assistants`.*"])
    result.stdout.fnmatch_lines(["*def test_app(assistants): ...*"])


def test_with_other_fixtures_defaults_and_in_a_class(project):
    result = explore(
        project,
        """
        import pytest
        import my_app

        @pytest.fixture
        def question():
            return "Weather?"

        class TestApp:
            @pytest.mark.usefixtures("assistants")
            @pytest.mark.parametrize("sorry", ["Sorry."])
            @pytest.mark.assistants_explore(budget=2, endings=["expired"])
            def test_app(self, question, sorry, other=my_app.NoAnswer):
                return my_app.lenient(question) or sorry
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*import test_it*",
            "*def test_app_expired_never_picked_up(question, sorry, assistants):*",
            "*assert not _test_app(test_it.TestApp(), question, sorry)*",
        ]
    )


NO_OPTION = (
    "@pytest.mark.assistants_explore was given *",
    "It takes the keywords budget, endings, answer, allow*",
)
NO_ENDING = ("No run ending is called 'expird'.", '    @pytest.mark.assistants_explore(endings=?"expired"?)')


@pytest.mark.parametrize(
    ("options", "told"),
    [("(60)", NO_OPTION), ("(buget=60)", NO_OPTION), ("(budget='60')", NO_OPTION), ("(endings=['expird'])", NO_ENDING)],
)
def test_wrong_arguments_of_the_marker_are_an_error_of_the_collection(project, options, told):
    result = run(project, TEST.format(options=options, body="pass"), "-p", "no:asyncio")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([f"*test_it.py:4: {told[0]}", f"*{told[1]}"])


def test_a_client_that_fails_when_all_goes_well_is_an_error(project):
    result = explore(project, TEST.format(options="", body="raise ValueError('broken')"))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*test_app does not return when all goes well*", "*Raised: ValueError: broken*"])


def test_the_model_answers_in_the_form_that_the_test_needs(project):
    test = TEST.format(
        options="""(answer='{"degrees": 4}', endings=["completed-several_messages"], budget=2)""",
        body='return my_app.degrees("Weather?")',
    )
    explore(project, test).assert_outcomes(passed=1)


def test_decorators_of_an_async_test_are_part_of_it(project):
    test = """
        import functools
        import inspect
        import pytest
        import my_app

        def with_question(test):
            @functools.wraps(test)
            async def decorated(assistants):
                return await test(assistants, "Weather?")
            decorated.__signature__ = inspect.signature(lambda assistants: None)
            return decorated

        @pytest.mark.assistants_explore(budget=2)
        @with_question
        async def test_app(assistants, question):
            return await my_app.lenient_async(question)
    """
    explore(project, test).assert_outcomes(passed=1)
