"""A test that is answered from a recording: the marker, its options, and what a mistake in it is answered with."""

from __future__ import annotations

import textwrap

import pytest

from harness import FakeAssistants, Request
from harness.recording.cassettes import write
from harness.recording.exchanges import RecordedExchange

QUIET = ("-p", "no:xdist", "-W", "ignore::DeprecationWarning")
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
    write(pytester.path / "cassettes" / "rain.yaml", [RecordedExchange(request, fake.answer(request), None, "made up")])
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
        [
            "*POST /threads was not recorded like this.*",
            '*"topic": "rain"*',
            '*"topic": "sun"*',
            '*@pytest.mark.assistants_cassette(…, on_miss="script")*',
        ]
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
        ("3", "It takes path, replay and on_miss*"),
        ('"rain.yaml", mode="exact"', "It takes path, replay and on_miss*"),
        ('"rain.yaml", "live", "fail", [], [], []', "It takes path, replay and on_miss*"),
        ('"rain.yaml", redact="Falcon"', "It takes path, replay and on_miss*"),
        ('"rain.yaml", "sometimes"', "The choices are 'live', 'exact'."),
        ('"rain.yaml", on_miss="shrug"', "The choices are 'fail', 'script'."),
    ],
)
def test_wrong_arguments_of_the_marker_are_an_error_of_the_collection(project, marker, told):
    result = run(project, marker)
    assert result.ret == pytest.ExitCode.INTERRUPTED
    result.stdout.fnmatch_lines(["*@pytest.mark.assistants_cassette*", f"*{told}*"])


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
    result.stdout.fnmatch_lines(["*Recorded exchanges were not requested*", "*POST /threads*"])


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


def test_a_failed_test_may_begin_with_a_run_that_is_older_than_its_recording(project):
    """Nobody saw how that run came to where it is; the report says so."""
    fake = FakeAssistants()
    fake.add_assistant("asst_app", instructions="Hi")
    fake.add_thread("thread_app")
    path = "/threads/thread_app/runs"
    fake.world.store.ids.plan("run_old")
    fake.answer(Request("POST", f"{BASE}{path}", HEAD, b'{"assistant_id": "asst_app"}'))
    fake.clock.advance(60)
    request = Request("GET", f"{BASE}{path}/run_old", HEAD)
    write(project.path / "cassettes" / "old.yaml", [RecordedExchange(request, fake.answer(request), None, "made up")])
    project.makepyfile(
        """
        import openai
        import pytest

        @pytest.mark.assistants_cassette("old.yaml")
        def test_it(assistants):
            run = openai.OpenAI().beta.threads.runs.retrieve("run_old", thread_id="thread_app")
            assert run.status == "failed"
        """
    )
    result = project.runpytest_subprocess(*QUIET, "--assistants-report=pages")
    result.assert_outcomes(failed=1)
    told = "*run_old: completed (the run is older than the recording)"
    result.stdout.fnmatch_lines(["*- assistants -*", told, "As a page: *"])


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
        # the client says Falcon again, and gets what was recorded for it
        project.runpytest_subprocess(*QUIET, *redact, *options).assert_outcomes(passed=1)
        # where nobody calls it a secret, it is just another word
        result = project.runpytest_subprocess(*QUIET, *options)
        result.stdout.fnmatch_lines(["*POST /threads was not recorded like this*"])
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


# --- cassettes that are named like the test -------------------------------------------------------------------

NAMED = """
    import os
    import openai
    import pytest
    from harness import FakeAssistants

    {marker}
    class TestRain:
        {parameters}
        def test_it(self, assistants{argument}):
            client = FakeAssistants().client() if "LIVE" in os.environ else openai.OpenAI()
            client.beta.threads.create(metadata={{"topic": "rain"}})
"""
FORMS = {
    "bare marker": {"marker": "@pytest.mark.assistants_cassette", "argument": ""},
    "marker without a path": {"marker": "@pytest.mark.assistants_cassette(replay='exact')", "argument": ""},
    "fixture": {"marker": "", "argument": "_cassette"},
    "both fixtures": {"marker": "", "argument": ", assistants_cassette"},
    "used fixture": {"marker": "@pytest.mark.usefixtures('assistants_cassette')", "argument": ""},
}


def named(project, folder="tests", parameters="", **form):
    (project.path / folder).mkdir(exist_ok=True)
    text = textwrap.dedent(NAMED).format(parameters=parameters, **form)
    (project.path / folder / "test_new.py").write_text(text, encoding="utf-8")


def cassettes(project):
    folder = project.path / "cassettes"
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.yaml") if path.name != "rain.yaml")


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_cassette_is_named_like_its_test(project, monkeypatch, form):
    named(project, **form)
    result = project.runpytest_subprocess(*QUIET)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*pytest --assistants-record=once "tests/test_new.py::TestRain::test_it"*'])
    monkeypatch.setenv("LIVE", "1")
    project.runpytest_subprocess(*QUIET, "--assistants-record=once").assert_outcomes(passed=1)
    assert cassettes(project) == ["tests/test_new/TestRain.test_it.yaml"]
    monkeypatch.delenv("LIVE")
    project.runpytest_subprocess(*QUIET).assert_outcomes(passed=1)


def test_no_two_tests_share_a_name_and_none_leaves_the_folder(project, monkeypatch):
    """Modules of one name in two folders, and parameters that no file name can hold."""
    ids = ["../../up", "..\\\\up", "a:b", "a/b", "plain", "PLAIN", "long" * 100, "비"]
    parameters = f"@pytest.mark.parametrize('n', range({len(ids)}), ids={ids!r})"
    for folder in ("one", "two"):
        named(project, folder, parameters, marker="@pytest.mark.assistants_cassette", argument=", n")
        (project.path / folder / "__init__.py").touch()
    monkeypatch.setenv("LIVE", "1")
    project.runpytest_subprocess(*QUIET, "--assistants-record=once").assert_outcomes(passed=2 * len(ids))
    assert len(cassettes(project)) == 2 * len(ids)
    assert len({path.casefold() for path in cassettes(project)}) == 2 * len(ids)
    assert {path.rpartition("/")[0] for path in cassettes(project)} == {"one/test_new", "two/test_new"}
    assert "one/test_new/TestRain.test_it[plain].yaml" in cassettes(project)
    assert not list(project.path.parent.glob("*up*"))
    monkeypatch.delenv("LIVE")
    project.runpytest_subprocess(*QUIET).assert_outcomes(passed=2 * len(ids))


def test_a_module_outside_the_root_has_its_cassettes_in_the_folder_all_the_same(project, monkeypatch):
    named(project, **FORMS["bare marker"])
    root = project.mkdir("root")
    (root / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.setenv("LIVE", "1")
    project.runpytest_subprocess(
        *QUIET, "--rootdir=root", "--assistants-record=once", "tests/test_new.py"
    ).assert_outcomes(passed=1)
    assert (root / "cassettes" / "test_new" / "TestRain.test_it.yaml").exists()


def test_the_cassette_that_pytest_recording_wrote_is_found(project):
    named(project, **FORMS["bare marker"])
    beside = project.path / "tests" / "cassettes" / "test_new"
    beside.mkdir(parents=True)
    (project.path / "cassettes" / "rain.yaml").rename(beside / "TestRain.test_it.yaml")
    project.runpytest_subprocess(*QUIET).assert_outcomes(passed=1)


def test_the_fixture_knows_path_and_session(project):
    project.makepyfile(
        """
        import openai
        import pytest

        @pytest.mark.assistants_cassette("rain.yaml")
        def test_it(assistants_cassette):
            assert assistants_cassette.path.name == "rain.yaml"
            [seen] = assistants_cassette.session.exchanges
            assert openai.OpenAI().beta.threads.create(metadata={"topic": "rain"}).id in seen.response_json["id"]
            assert assistants_cassette.session is assistants_cassette.session
        """
    )
    project.runpytest_subprocess(*QUIET).assert_outcomes(passed=1)


def test_requesting_the_fixture_too_late_fails(project):
    project.makepyfile(
        """
        def test_it(assistants, request):
            request.getfixturevalue("assistants_cassette")
        """
    )
    result = project.runpytest_subprocess(*QUIET)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*usefixtures('assistants_cassette')*"])


def test_redact_of_the_marker_applies_to_replay_too(project, monkeypatch):
    secrets = '@pytest.mark.assistants_cassette("new.yaml", redact=["Falcon"], keep=["joe@corp-one.com"])'
    text = RECORDING.replace('@pytest.mark.assistants_cassette("new.yaml")', secrets)
    project.makepyfile(test_new=text.replace('"Falcon"}', '"Falcon, joe@corp-one.com, ann@corp-two.com"}'))
    monkeypatch.setenv("LIVE", "1")
    project.runpytest_subprocess(*QUIET, "--assistants-record=once").assert_outcomes(passed=1)
    recorded = (project.path / "cassettes" / "new.yaml").read_text(encoding="utf-8")
    assert [name in recorded for name in ("Falcon", "joe@", "ann@")] == [False, True, False]
    monkeypatch.delenv("LIVE")
    project.runpytest_subprocess(*QUIET).assert_outcomes(passed=1)


def test_an_error_while_reporting_is_part_of_the_report(project):
    """The failure of the test is what counts; an INTERNALERROR would hide it, and end the session."""
    project.makeconftest(
        """
        import harness.report.text

        def broken(*args):
            raise LookupError("no such moment")

        harness.report.text.failure_section = broken
        """
    )
    project.makepyfile("def test_it(assistants): assert 1 == 2\ndef test_more(assistants): pass")
    result = project.runpytest_subprocess(*QUIET)
    result.assert_outcomes(failed=1, passed=1)
    result.stdout.fnmatch_lines(
        ["E*assert 1 == 2", "*- assistants -*", "The report broke: *", "*LookupError: no such moment"]
    )
