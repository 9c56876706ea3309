"""Tests that another plugin runs again when they fail: every attempt begins anew."""

from __future__ import annotations

import pytest

# what pytest-rerunfailures does
AGAIN = """
    import pytest
    from _pytest.runner import runtestprotocol

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_protocol(item, nextitem):
        item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
        for attempt in (1, 2):
            item._initrequest()
            reports = runtestprotocol(item, nextitem=nextitem, log=False)
            if all(report.passed for report in reports):
                break
        for report in reports:
            item.ihook.pytest_runtest_logreport(report=report)
        item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
        return True
"""


@pytest.fixture
def run(strict: pytest.Pytester):
    strict.makeconftest(AGAIN)

    def run(test: str, *args: str) -> pytest.RunResult:
        strict.makepyfile(test_it=test)
        return strict.runpytest_subprocess("-p", "no:xdist", "-p", "no:randomly", *args)

    return run


def test_an_earlier_attempt_does_not_affect_the_next(run):
    """Neither that it failed, nor what was found or asked in it."""
    result = run(
        """
        import pytest
        from harness import say

        attempts = []

        @pytest.fixture
        def once(request):
            assert request.node.name not in attempts, "not the second time"
            attempts.append(request.node.name)

        def test_unused(assistants):
            assistants.next_run(say("never used"))
            attempts.append("unused")
            assert attempts.count("unused") > 1

        @pytest.mark.assistants_explore(budget=1)
        def test_explored(once, assistants):
            raise ValueError

        def test_asking(once, assistants):
            assistants.client().beta.threads.create()
            raise ValueError
        """,
        "--assistants-explore",
    )
    result.assert_outcomes(passed=1, errors=3)
    result.stdout.fnmatch_lines(["*Scripts were not used*"])
    result.stdout.no_fnmatch_line("*assistants: explored*")
    result.stdout.no_fnmatch_line("*POST /v1/threads*")


def test_the_attempt_that_passes_is_recorded(run, pytester):
    pytest.importorskip("vcr", reason="vcrpy is not installed here")
    result = run(
        """
        import httpx
        import pytest
        from harness import FakeAssistants

        attempts = []
        HEADERS = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}

        @pytest.fixture
        def server():
            with FakeAssistants().serve() as server:
                yield server.base_url

        @pytest.mark.assistants_cassette("recorded.yaml")
        def test_it(assistants, server):
            attempts.append(httpx.post(f"{server}/threads", json={}, headers=HEADERS))
            assert len(attempts) > 1
        """,
        "--assistants-record=once",
    )
    result.assert_outcomes(passed=1)
    recorded = (pytester.path / "cassettes" / "recorded.yaml").read_text(encoding="utf-8")
    assert recorded.count("uri:") == 1
