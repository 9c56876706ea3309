"""pytest-recording beside this plugin: its option, its cassettes, its marker (issue: both plugins live together)."""

from __future__ import annotations

import pytest

pytest.importorskip("pytest_recording")

QUIET = ("-p", "no:xdist", "-W", "ignore::DeprecationWarning")
TEST = """
    import os
    import openai
    import pytest
    from harness import FakeAssistants

    ENDPOINT = FakeAssistants()

    def client():  # of an endpoint that speaks the API, or of whatever answers
        return ENDPOINT.client() if "LIVE" in os.environ else openai.OpenAI()

    @{mark}
    def test_it({fixtures}):
        assistant = client().beta.assistants.create(model="gpt-4o", name="Ada")
        assert client().beta.assistants.retrieve(assistant.id).name == "Ada"
"""
OURS = {"mark": "pytest.mark.assistants_cassette", "fixtures": "assistants"}
THEIRS = {"mark": "pytest.mark.vcr", "fixtures": ""}


@pytest.fixture
def run(pytester, monkeypatch):
    """Runs one test of the same name, in our way or in theirs; while it records, an endpoint answers."""

    def run(how, *options):
        pytester.makepyfile(test_it=TEST.format(**how))
        if options:
            monkeypatch.setenv("LIVE", "1")
        else:
            monkeypatch.delenv("LIVE", raising=False)
        return pytester.runpytest_subprocess(*QUIET, *options)

    return run


@pytest.mark.parametrize("option", ["--assistants-record=once", "--record-mode=once", "--record-mode=rewrite"])
def test_the_record_mode_of_pytest_recording_applies(run, pytester, option):
    run(OURS, option).assert_outcomes(passed=1)
    assert (pytester.path / "cassettes" / "test_it" / "test_it.yaml").exists()
    run(OURS).assert_outcomes(passed=1)


@pytest.mark.parametrize(("records", "replays"), [(OURS, THEIRS), (THEIRS, OURS)], ids=["ours", "theirs"])
def test_what_one_records_the_other_replays(run, records, replays):
    run(records, "--record-mode=once").assert_outcomes(passed=1)
    run(replays).assert_outcomes(passed=1)


def test_without_a_cassette_neither_sends_requests(run):
    run(OURS).assert_outcomes(errors=1)
    run(THEIRS).assert_outcomes(failed=1)
