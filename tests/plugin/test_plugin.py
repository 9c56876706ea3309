"""The plugin from outside: whole pytest runs in a directory of their own."""

from __future__ import annotations

import ast
import inspect
import os
import textwrap

import pytest

from harness import plugin

APP = """
    import openai

    client = openai.OpenAI()          # built when imported, before any fixture

    def ask(question):
        assistant = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.")
        thread = client.beta.threads.create(messages=[{"role": "user", "content": question}])
        run = client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)
        while run.status in ("queued", "in_progress", "requires_action"):
            run = client.beta.threads.runs.retrieve(run_id=run.id, thread_id=thread.id)
            if run.status == "requires_action":
                calls = run.required_action.submit_tool_outputs.tool_calls
                run = client.beta.threads.runs.submit_tool_outputs(
                    run_id=run.id,
                    thread_id=thread.id,
                    tool_outputs=[{"tool_call_id": one.id, "output": "4 °C"} for one in calls],
                )
        return client.beta.threads.messages.list(thread.id).data[0].content[0].text.value
"""

WEATHER = """
    from harness import call, say
    import my_app

    def test_agent_asks_for_the_weather(assistants):
        assistants.next_run(call("get_weather", city="Oslo"), say("4 °C and rain"))
        assert my_app.ask("Weather in Oslo?") == "4 °C and rain"
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A project with an app that knows nothing of the harness, in an environment without keys."""
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    pytester.makepyfile(my_app=APP)
    pytester.makeini(
        "[pytest]\nfilterwarnings =\n    error\n    ignore:(The Assistants API is )?deprecated:DeprecationWarning\n"
    )
    return pytester


def run(project: pytest.Pytester, test: str, *args: str) -> pytest.RunResult:
    project.makepyfile(test)
    return project.runpytest_subprocess("-p", "no:asyncio", "-p", "no:xdist", *args)


def test_the_test_of_the_readme(project):
    run(project, WEATHER).assert_outcomes(passed=1)


MISSPELT = """
    import pytest

    @pytest.mark.assistants(clok="timed")
    def test_it(assistants):
        pass

    @pytest.mark.parametrize("n", [pytest.param(1, marks=pytest.mark.assistants_explore(budgt=3))])
    def test_other(assistants, n):
        pass
"""


@pytest.mark.parametrize("workers", [[], ["-p", "xdist", "-n", "1"]], ids=["alone", "xdist"])
def test_an_unknown_option_is_an_error_of_the_collection(project, workers):
    project.makepyfile(MISSPELT)
    result = project.runpytest_subprocess("-p", "no:asyncio", *(workers or ["-p", "no:xdist"]))
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        [
            "*ERROR collecting test_an_unknown_option*",
            "*test_an_unknown_option*.py:3: @pytest.mark.assistants has no option 'clok'.",
            "*@pytest.mark.assistants(clock='timed')*",
            "*test_an_unknown_option*.py:7: @pytest.mark.assistants_explore was given () and {'budgt': 3}.",
        ]
    )
    assert "INTERNALERROR" not in result.stdout.str()


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("clock='time'", "*clock='time'): clock takes 'on_poll' or 'timed' or 'manual'.*"),
        ("queued=-5", "*@pytest.mark.assistants(queued=-5): queued takes a number from 0 on.*"),
        ("'timed'", "*takes keywords, and was given ('timed',).*"),
    ],
)
def test_invalid_values_and_positional_arguments_are_errors(project, marker, message):
    result = run(project, f"import pytest\n\n@pytest.mark.assistants({marker})\ndef test_it(assistants):\n    pass\n")
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines([message])


def test_pyproject_gives_defaults_as_toml_writes_them(project):
    project.makepyprojecttoml(
        "[tool.pytest.ini_options]\nassistants_block_other_hosts = true\nassistants_base_url = ['http://a/v1']\n"
        "assistants_real_sleepers = ['app.worker']\n"
    )
    test = """
        def test_options(assistants):
            assert assistants.options.block_other_hosts is True
            assert assistants.options.base_url == ("http://a/v1",)
            assert assistants.options.real_sleepers == ("app.worker",)
    """
    run(project, test).assert_outcomes(passed=1)


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="TOML of its own has pytest from 9.0 on")
def test_toml_of_pytest_9_gives_numbers_and_lists(project):
    options = "block_other_hosts = false\nassistants_stuck_after = 7\nassistants_queued = 2.5\nassistants_seed = 'x'"
    project.makepyprojecttoml(f"[tool.pytest]\nassistants_base_url = ['http://a/v1']\nassistants_{options}\n")
    test = """
        def test_options(assistants):
            got = assistants.options
            assert (got.block_other_hosts, got.stuck_after, got.queued, got.seed) == (False, 7, 2.5, "x")
            assert got.base_url == ("http://a/v1",)
    """
    run(project, test).assert_outcomes(passed=1)


@pytest.mark.skipif(pytest.version_tuple < (9,), reason="before, the plugin reads all options itself")
def test_an_option_that_pytest_cannot_read_is_named(project):
    project.makeini("[pytest]\nassistants_stuck_after = often\n")
    result = run(project, "def test_it(assistants): pass")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*The ini file's assistants_stuck_after: *'often'*", "*assistants_stuck_after = *"])


def test_markers_add_up_and_the_ini_file_gives_defaults(project):
    project.makeini("[pytest]\nassistants_clock = timed\nassistants_stuck_after = 7\nassistants_queued = 2.5\n")
    run(
        project,
        """
        import pytest

        pytestmark = pytest.mark.assistants(api="v2", stuck_after=8)

        @pytest.mark.assistants(stuck_after=9)
        def test_it(assistants):
            options = assistants.options
            assert (options.clock, options.queued, options.api, options.stuck_after) == ("timed", 2.5, "v2", 9)
            assert assistants.clock.policy == "timed"
        """,
    ).assert_outcomes(passed=1)


def test_a_failed_test_shows_what_happened(project):
    result = run(
        project,
        """
        from harness import fail
        import my_app

        def test_it(assistants):
            assistants.next_run(fail("rate_limit_exceeded", "Slow down."))
            assert my_app.ask("Hello?") == "Hi"
        """,
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*- assistants -*",
            "Most likely cause: run_* failed (rate_limit_exceeded) although every HTTP answer was 200, *",
            "Conversations:",
            "thread_*",
            "    user: Hello?",
            "Runs, in virtual seconds since each was created:",
            "    run_*: queued 0s (client: create) → * → failed 1s (model: fail) — rate_limit_exceeded: Slow down.",
            "Requests:",
            "    POST /v1/assistants → 200",
        ]
    )


def test_a_failed_test_tells_of_a_thread_that_the_app_has_deleted(project):
    result = run(
        project,
        """
        import time
        from harness import fail
        from openai import OpenAI

        def test_it(assistants):
            client = OpenAI()
            assistants.next_run(fail("server_error"))
            helper = client.beta.assistants.create(model="gpt-4o")
            thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hello?"}])
            run = client.beta.threads.runs.create(thread.id, assistant_id=helper.id)
            while run.status != "failed":
                time.sleep(1)
                run = client.beta.threads.runs.retrieve(run.id, thread_id=thread.id)
            [newest] = client.beta.threads.messages.list(thread.id).data
            client.beta.threads.delete(thread.id)
            assert newest.content[0].text.value == "Hi"
        """,
    )
    result.stdout.fnmatch_lines(
        [
            "Most likely cause: run_* failed (server_error) *, and the code took the newest message for the answer: *",
            "thread_* (deleted)",
            "    user: Hello?",
            "    run_*: queued 0s (client: create) → * → failed 1s (model: fail) — server_error: *",
        ]
    )


SWALLOWED = """
    import openai

    def test_it(assistants):
        try:
            openai.OpenAI().chat.completions.create(model="gpt-4o", messages=[])
        except BaseException:
            pass
"""


def test_a_failure_that_was_swallowed_comes_again_at_teardown(project):
    result = run(project, SWALLOWED)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*POST /chat/completions is not served: the fake serves the Assistants API only.*"])
    result.stdout.fnmatch_lines(
        ["E *assistants.failures.clear()   # in a test that expects this: the code under test has swallowed it"]
    )
    result.stdout.no_fnmatch_line("*the assistants fixture*")
    result.stdout.no_fnmatch_line("*harness?plugin*")


@pytest.mark.parametrize("caught", ["ZeroDivisionError", "BaseException"], ids=["seen", "swallowed"])
def test_the_traceback_of_a_failure_ends_in_the_users_code(project, caught):
    test = SWALLOWED.replace("BaseException", caught)
    result = run(project, test)
    result.stdout.fnmatch_lines(["> *chat.completions.create*", "E *POST /chat/completions*", "test_*.py:5: Harness*"])
    result.stdout.no_fnmatch_line("*harness?service*")
    result.stdout.no_fnmatch_line("*_base_client.py*")
    run(project, test, "--full-trace").stdout.fnmatch_lines(["*_base_client.py*", "*harness?service?service.py*"])


def test_a_failure_that_no_code_of_the_user_led_to_shows_where_it_was(project):
    project.makeconftest("import sys\n\nsys.modules['uvicorn'] = None")
    test = "def test_it(assistants_server):\n    pass"
    result = run(project, test)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["> *with assistants.serve()*", "E *Serving needs uvicorn*", "*server.py:*: Harness*"])
    assert run(project, test, "-p", "no:terminal").ret == pytest.ExitCode.TESTS_FAILED  # which has the option for it


def test_a_test_that_expects_a_failure_says_so(project):
    expected = SWALLOWED.replace("    pass", "    assistants.failures.clear()")
    run(project, expected).assert_outcomes(passed=1)


def test_a_failure_at_teardown_does_not_disturb_the_next_test(project):
    """pytest breaks its teardown off at a `BaseException` that is none of its own outcomes."""
    result = run(
        project,
        """
        import pytest

        @pytest.fixture
        def agent(assistants):
            yield assistants.client()
            assistants.client().embeddings.create(model="m", input="x")

        def test_it(agent):
            pass

        def test_next(assistants):
            assert assistants.client().beta.threads.create().id
        """,
    )
    result.assert_outcomes(passed=2, errors=1)


IN_A_CLASS = """
    import unittest

    import openai
    import pytest

    class Tests(unittest.TestCase):
        @pytest.fixture(autouse=True)
        def fake(self, assistants):
            self.assistants = assistants

        def test_it(self):
            openai.OpenAI().chat.completions.create(model="gpt-4o", messages=[])
"""


@pytest.mark.parametrize(
    "test",
    [SWALLOWED.replace("except BaseException", "except ZeroDivisionError"), IN_A_CLASS],
    ids=["pytest", "unittest"],
)
def test_a_failure_that_was_seen_does_not_come_again(project, test):
    result = run(project, test)
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*_base_client.py*")


def test_a_failure_behind_another_does_not_come_again(project):
    result = run(project, SWALLOWED.replace("    pass", "    raise RuntimeError('app gave up')"))
    result.assert_outcomes(failed=1)


SHARED = """
    import openai
    import pytest
    from harness import fake_assistants, say

    @pytest.fixture(scope="module")
    def shared():
        with fake_assistants() as fake:
            fake.next_run(say("Nobody came that far."))
            yield fake

    def test_that_fails(shared):
        openai.OpenAI().embeddings.create(model="m", input="x")

    def test_after_it(shared):
        {then}
"""


@pytest.mark.parametrize(
    ("then", "outcome"),
    [
        ("pass", {"passed": 1, "failed": 1}),
        ("openai.OpenAI().embeddings.create(model='m', input='y')", {"failed": 2}),
        ("with pytest.raises(BaseException): shared.client().completions.create(model='m', prompt='z')",
         {"passed": 1, "failed": 1, "errors": 1}),
    ],
    ids=["seen", "seen twice", "another is swallowed"],
)  # fmt: skip
def test_a_fake_of_several_tests_raises_what_none_of_them_did(project, then, outcome):
    result = run(project, SHARED.format(then=then))
    result.assert_outcomes(**outcome)
    if "errors" in outcome:
        result.stdout.fnmatch_lines(["E *POST /completions is not served*", "E *assistants.failures.clear()*"])


@pytest.mark.parametrize(
    ("unused", "outcome"),
    [("fail", {"passed": 1, "errors": 1}), ("ignore", {"passed": 1}), ("warn", {"passed": 1, "warnings": 1})],
)
def test_unused_scripts(project, unused, outcome):
    project.makeini("[pytest]\n")
    result = run(
        project,
        f"""
        import pytest
        from harness import say

        @pytest.mark.assistants(unused="{unused}")
        def test_it(assistants):
            assistants.next_run(say("never said"))
        """,
    )
    result.assert_outcomes(**outcome)
    if unused != "ignore":
        result.stdout.fnmatch_lines(["*next_run(…) at test_unused_scripts.py:6: Say(text='never said'*"])
        result.stdout.no_fnmatch_line("*harness?plugin*")
        result.stdout.no_fnmatch_line(">*")
        result.stdout.no_fnmatch_line("*traceback*")
    if unused == "warn":
        result.stdout.fnmatch_lines(["*test_unused_scripts.py:4: PytestWarning: Scripts were not used*"])


def test_a_test_that_skips_itself_is_not_blamed_for_unused_scripts(project):
    run(
        project,
        """
        import pytest
        from harness import say

        def test_it(assistants):
            assistants.next_run(say("never said"))
            pytest.skip("not here")
        """,
    ).assert_outcomes(skipped=1)


def test_a_failed_test_is_not_also_blamed_for_unused_scripts(project):
    run(
        project,
        """
        from harness import say

        def test_it(assistants):
            assistants.next_run(say("never said"))
            assert False
        """,
    ).assert_outcomes(failed=1)


@pytest.mark.parametrize(
    ("environment", "ini", "key"),
    [
        ({}, "", "sk-pytest-assistants-placeholder"),
        ({}, "assistants_placeholder_key = false", None),
        ({"OPENAI_API_KEY": "sk-own"}, "", "sk-own"),
        ({"AZURE_OPENAI_API_KEY": "own"}, "", None),
    ],
)
def test_placeholder_key(project, monkeypatch, environment, ini, key):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    project.makeini(f"[pytest]\n{ini}\n")
    run(
        project, f"import os\nKEY = os.environ.get('OPENAI_API_KEY')\n\ndef test_it():\n    assert KEY == {key!r}\n"
    ).assert_outcomes(passed=1)
    assert os.environ.get("OPENAI_API_KEY") == environment.get("OPENAI_API_KEY")


def test_ids_are_the_same_for_the_same_test_and_others_for_another(project):
    test = """
        import pytest

        @pytest.mark.parametrize("n", [1, 2])
        def test_it(assistants, n):
            print("ID", n, assistants.client().beta.threads.create().id)
    """
    first, second = ([line for line in run(project, test, "-s").outlines if "ID" in line] for _ in range(2))
    assert first == second
    assert first[0].split()[-1] != first[1].split()[-1]


def test_a_base_url_of_the_environment_is_served(project, monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway.test:8080/llm/v1")
    run(project, WEATHER).assert_outcomes(passed=1)


def test_everything_about_the_fixture_is_gone_afterwards(project):
    run(
        project,
        """
        import socket, time, httpx

        before = time.sleep, socket.getaddrinfo, httpx.HTTPTransport.handle_request, httpx.HTTPTransport.__init__

        def test_with(assistants):
            assert time.sleep is not before[0]

        def test_without():
            after = time.sleep, socket.getaddrinfo, httpx.HTTPTransport.handle_request, httpx.HTTPTransport.__init__
            assert after == before
        """,
    ).assert_outcomes(passed=2)


def test_a_fake_and_what_it_was_sent_are_not_kept_after_the_test(project):
    """pytest keeps each test to the end of the session."""
    result = run(
        project,
        """
        import gc
        import weakref

        fakes = []

        def test_it(assistants):
            assistants.add_file(content=b"x" * 1000)
            fakes.append(weakref.ref(assistants))

        def test_other():
            gc.collect()
            assert [fake() for fake in fakes] == [None]
        """,
    )
    result.assert_outcomes(passed=2)


@pytest.mark.parametrize("fixture", [plugin.assistants_server, plugin.run_ending], ids=["server", "ending"])
def test_the_example_of_a_fixture_is_python(fixture):
    """`pytest --fixtures -v` shows it."""
    [example] = [part for part in inspect.getdoc(fixture).split("\n\n") if part.startswith("    def test_")]
    assert ast.parse(textwrap.dedent(example))


def test_a_failed_test_without_requests_or_without_an_exception(project):
    result = run(
        project,
        """
        import pytest

        def test_it(assistants):
            assert False

        @pytest.mark.xfail(strict=True)
        def test_unexpectedly_passing(assistants):
            assistants.client().beta.threads.create()
        """,
    )
    result.assert_outcomes(failed=2)
    assert result.stdout.str().count("- assistants -") == 1


ASYNC = """
    import asyncio, openai, pytest
    from harness import say

    {mark}
    async def test_it(assistants):
        assistants.next_run(say("Hi"))
        async with openai.AsyncOpenAI() as client:
            assistant = await client.beta.assistants.create(model="gpt-4o", instructions="Be brief.")
            run = await client.beta.threads.create_and_run(assistant_id=assistant.id)
            while run.status != "completed":
                await asyncio.sleep(60)
                run = await client.beta.threads.runs.retrieve(run_id=run.id, thread_id=run.thread_id)
"""


@pytest.mark.parametrize(
    ("plugin", "mark"), [("anyio", "pytest.mark.anyio"), ("pytest_asyncio", "pytest.mark.asyncio")]
)
def test_async_tests(project, plugin, mark):
    pytest.importorskip(plugin, reason=f"{plugin} is not installed here")
    other = "asyncio" if plugin == "anyio" else "anyio"
    ini = "asyncio_default_fixture_loop_scope = function" if plugin == "pytest_asyncio" else ""
    project.makeini(f"[pytest]\n{ini}\n")
    project.makeconftest("import pytest\n\n@pytest.fixture\ndef anyio_backend():\n    return 'asyncio'\n")
    project.makepyfile(ASYNC.format(mark=f"@{mark}"))
    project.runpytest_subprocess("-p", f"no:{other}", "-p", "no:xdist").assert_outcomes(passed=1)
