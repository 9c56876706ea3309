"""A test that is answered from a recording: the marker, its options, and what a mistake in it is answered with."""

from __future__ import annotations

import pytest

from harness import FakeAssistants, Request
from harness.recording.cassettes import write
from harness.recording.exchanges import Recorded

BASE = "https://api.openai.com/v1"
HEAD = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2", "content-type": "application/json"}
TEST = """
    import openai
    import pytest

    @pytest.mark.assistants_cassette({marker})
    def test_it(assistants):
        client = openai.OpenAI()
        thread = client.beta.threads.create(metadata={{"topic": "{topic}"}})
        assert thread.id == "thread_recorded"
"""


@pytest.fixture
def project(pytester):
    """A project with one cassette, in which a thread was made."""
    fake = FakeAssistants()
    fake.world.store.ids.plan("thread_recorded")
    request = Request("POST", f"{BASE}/threads", HEAD, b'{"metadata": {"topic": "rain"}}')
    (pytester.path / "cassettes").mkdir()
    write(pytester.path / "cassettes" / "rain.yaml", [Recorded(request, fake.answer(request), None, "made up")])
    return pytester


def run(project, marker, topic="rain", *options):
    project.makepyfile(TEST.format(marker=marker, topic=topic))
    return project.runpytest_subprocess("-p", "no:xdist", "-W", "ignore::DeprecationWarning", *options)


@pytest.mark.parametrize("marker", ['"rain.yaml"', 'path="rain.yaml", replay="exact"', '"rain.yaml", "live"'])
def test_a_cassette_answers(project, marker):
    run(project, marker).assert_outcomes(passed=1)


def test_the_folder_can_be_chosen(project):
    (project.path / "cassettes").rename(project.path / "recorded")
    run(project, '"rain.yaml"', "rain", "-o", "assistants_cassettes=recorded").assert_outcomes(passed=1)


def test_a_cassette_may_lie_beside_the_test(project):
    (project.path / "cassettes" / "rain.yaml").rename(project.path / "beside.yaml")
    run(project, '"beside.yaml"').assert_outcomes(passed=1)


def test_another_prompt_fails_with_the_difference(project):
    result = run(project, '"rain.yaml"', "sun")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*POST /threads was not recorded like this.*", '*"topic": "rain"*', '*"topic": "sun"*']
    )


def test_a_miss_may_be_left_to_scripts(project):
    result = run(project, '"rain.yaml", on_miss="script"', "sun")
    result.stdout.fnmatch_lines(["*assert 'thread_* == 'thread_recorded'*"])


def test_a_cassette_that_is_not_there_is_an_error_and_no_call(project):
    result = run(project, '"snow.yaml"')
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*snow.yaml*"])


@pytest.mark.parametrize(
    ("marker", "told"),
    [
        ("", "It takes path, and if wanted replay and on_miss."),
        ('"rain.yaml", mode="exact"', "It takes path, and if wanted replay and on_miss."),
        ('"rain.yaml", "sometimes"', "The choices are 'live', 'exact'."),
        ('"rain.yaml", on_miss="shrug"', "The choices are 'fail', 'script'."),
    ],
)
def test_a_mistake_in_the_marker_is_found_when_tests_are_collected(project, marker, told):
    result = run(project, marker)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*@pytest.mark.assistants_cassette*", f"*{told}*"])


def test_exchanges_that_nobody_asked_for_fail_the_test(project):
    project.makepyfile(
        """
        import pytest

        @pytest.mark.assistants_cassette("rain.yaml")
        def test_it(assistants):
            pass
        """
    )
    result = project.runpytest_subprocess("-p", "no:xdist")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*Recorded exchanges were not asked for*", "*POST /threads*"])


def test_the_marker_stands_for_say(project):
    """Scripts and a recording go together where misses are left to scripts."""
    project.makepyfile(
        """
        import openai
        import pytest
        from harness import say

        @pytest.mark.assistants_cassette("rain.yaml", on_miss="script")
        def test_it(assistants):
            assistants.next_run(say("Made up."))
            client = openai.OpenAI()
            assert client.beta.threads.create(metadata={"topic": "rain"}).id == "thread_recorded"
            assistant = client.beta.assistants.create(model="gpt-4o", instructions="Help.")
            client.beta.threads.runs.create_and_poll(thread_id="thread_recorded", assistant_id=assistant.id)
            said = client.beta.threads.messages.list("thread_recorded").data
            assert said[0].content[0].text.value == "Made up."
        """
    )
    project.runpytest_subprocess("-p", "no:xdist", "-W", "ignore::DeprecationWarning").assert_outcomes(passed=1)


RECORDING = """
    import os
    import openai
    import pytest
    from harness import FakeAssistants

    @pytest.mark.assistants_cassette("new.yaml")
    def test_it(assistants):
        # an endpoint that speaks the API, or whatever answers
        client = FakeAssistants().client() if "LIVE" in os.environ else openai.OpenAI()
        thread = client.beta.threads.create(metadata={"topic": os.environ.get("TOPIC", "rain"), "by": "Falcon"})
        assert thread.metadata["topic"] == os.environ.get("TOPIC", "rain")
"""
QUIET = ("-p", "no:xdist", "-W", "ignore::DeprecationWarning")


def test_recorded_once_and_replayed_ever_after(project, monkeypatch):
    project.makepyfile(test_new=RECORDING)
    result = project.runpytest_subprocess(*QUIET)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(
        ["*There is no cassette *new.yaml*", '*pytest --assistants-record=once "test_new.py::test_it"*']
    )
    monkeypatch.setenv("LIVE", "1")
    redact = ("-o", "assistants_redact=Falcon", "-o", "assistants_keep=rain")
    project.runpytest_subprocess(*QUIET, "--assistants-record=once", *redact).assert_outcomes(passed=1)
    cassette = project.path / "cassettes" / "new.yaml"
    recorded = cassette.read_bytes()
    assert b"rain" in recorded
    assert b"Falcon" not in recorded
    monkeypatch.delenv("LIVE")
    for options in ((), ("--assistants-record=once",), ("--assistants-record=none",)):
        result = project.runpytest_subprocess(*QUIET, *options)
        result.stdout.fnmatch_lines(["*POST /threads was not recorded like this*"])  # Falcon was redacted
    assert cassette.read_bytes() == recorded


def test_a_test_that_fails_while_it_is_recorded_leaves_the_cassette_alone(project, monkeypatch):
    project.makepyfile(test_new=RECORDING + "        assert os.environ.get('TOPIC') != 'snow'")
    monkeypatch.setenv("LIVE", "1")
    project.runpytest_subprocess(*QUIET, "--assistants-record=rewrite").assert_outcomes(passed=1)
    cassette = project.path / "cassettes" / "new.yaml"
    recorded = cassette.read_bytes()
    for topic, outcome in (("snow", {"failed": 1}), ("sun", {"passed": 1})):
        assert cassette.read_bytes() == recorded
        monkeypatch.setenv("TOPIC", topic)
        project.runpytest_subprocess(*QUIET, "--assistants-record=rewrite").assert_outcomes(**outcome)
    assert b"sun" in cassette.read_bytes()


def test_pytest_recording_s_option_counts_where_it_is_installed(project, monkeypatch):
    project.makepyfile(test_new=RECORDING)
    project.makeconftest("def pytest_addoption(parser): parser.addoption('--record-mode', default=None)")
    monkeypatch.setenv("LIVE", "1")
    project.runpytest_subprocess(*QUIET, "--record-mode=rewrite").assert_outcomes(passed=1)
    assert (project.path / "cassettes" / "new.yaml").exists()
