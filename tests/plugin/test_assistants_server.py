"""The fixture `assistants_server`, and the pages of failed tests: whole pytest runs in a directory of their own."""

from __future__ import annotations

import pytest

pytest.importorskip("uvicorn")

QUIET = ("-p", "no:cacheprovider", "-p", "no:asyncio")
APP = """
    import os, urllib.request

    def ask(path):
        headers = {"Authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "OpenAI-Beta": "assistants=v2"}
        headers["Content-Type"] = "application/json"
        return urllib.request.urlopen(urllib.request.Request(os.environ["OPENAI_BASE_URL"] + path, b"{}", headers))

    if __name__ == "__main__":
        print(ask("/threads").status)
"""


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    pytester.makepyfile(app=APP)
    return pytester


def test_another_program_talks_to_the_fake_of_the_test(project):
    project.makepyfile(
        """
        import os, subprocess, sys

        def test_it(assistants, assistants_server):
            environment = {**os.environ, **assistants_server.environment}
            assert subprocess.check_output([sys.executable, "app.py"], env=environment).strip() == b"200"
            assert [exchange.path for exchange in assistants.requests] == ["/v1/threads"]
            assert len(assistants.threads) == 1
        """
    )
    project.runpytest(*QUIET).assert_outcomes(passed=1)


def test_virtual_sleep_moves_the_clock_and_the_server_lives_in_real_time(project):
    """The server sleeps too, ten times a second: that must move no time and must not keep a core busy."""
    project.makepyfile(
        """
        import time

        def test_it(assistants, assistants_server):
            before = assistants.clock.now
            time.sleep(30)
            assert assistants.clock.now == before + 30
        """
    )
    project.runpytest(*QUIET).assert_outcomes(passed=1)


def test_unused_scripts_are_reported(project):
    project.makepyfile(
        """
        def test_it(assistants, assistants_server):
            assistants.next_run("Hello!")
        """
    )
    result = project.runpytest(*QUIET)
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*next_run(…) at test_unused_scripts_are_reported.py:2*"])


FAILING = """
    import pytest

    @pytest.mark.parametrize("what", ["plain", "a/b <script>"])
    def test_it(assistants, what):
        client = assistants.client()
        client.beta.threads.create(messages=[{"role": "user", "content": f"Tell me of {what}."}])
        assert False

    def test_good(assistants):
        assistants.client().beta.threads.create()

    def test_silent(assistants):
        assert False
"""


def test_a_page_for_each_failed_test(project):
    project.makepyfile(FAILING)
    result = project.runpytest(*QUIET, "--assistants-report=build/pages")
    result.assert_outcomes(passed=1, failed=3)
    pages = sorted((project.path / "build" / "pages").iterdir())
    assert [page.suffix for page in pages] == [".html", ".html"]
    texts = [page.read_text(encoding="utf-8") for page in pages]
    assert sum("Tell me of plain." in text for text in texts) == 1
    assert not any("<script>." in text for text in texts)
    for page in pages:
        result.stdout.fnmatch_lines([f"As a page: {str(page).replace('[', '[[]')}"])


def test_without_the_option_there_are_no_pages(project):
    project.makepyfile(FAILING)
    project.runpytest(*QUIET).stdout.no_fnmatch_line("*As a page*")
    assert not list(project.path.rglob("*.html"))


def test_a_page_that_cannot_be_written_fails_nothing_else(project):
    project.makefile(".txt", file="in the way")
    project.makepyfile(FAILING)
    result = project.runpytest_subprocess(*QUIET, "--assistants-report=file.txt/pages")
    result.assert_outcomes(passed=1, failed=3)
    result.stdout.fnmatch_lines(["Requests:", "", "There is no page of it: *file.txt*"])


def test_a_file_in_place_of_the_folder_of_pages_is_reported_at_once(project):
    project.makefile(".txt", file="in the way")
    project.makepyfile(FAILING)
    result = project.runpytest_subprocess(*QUIET, "--assistants-report=file.txt")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--assistants-report=file.txt: that is a file, and a folder is needed.*"])
