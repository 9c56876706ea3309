"""Recording: what a client sends and gets becomes a cassette, redacted, or nothing changes (issue: recording)."""

from __future__ import annotations

import gzip

import openai
import pytest

from harness import FakeAssistants, HarnessFailure, Response, say
from harness.recording.cassettes import header_of, read
from harness.recording.recorder import MODES, recording
from harness.recording.redaction import Redactor

KEY = "sk-" + "proj-" + "A1b2" * 12
vcr = pytest.importorskip("vcr")


def endpoint(*answers):
    """A live endpoint that speaks the API, and a client of it; vcrpy sees its requests like any other."""
    fake = FakeAssistants()
    for answer in answers:
        fake.next_run(say(answer))
    return fake.client(api_key=KEY, organization="org-" + "x" * 24)


def ask(client, question="Hi?", stream=False):
    assistant = client.beta.assistants.create(model="gpt-4o", name="Ada")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": question}])
    runs = client.beta.threads.runs
    if stream:
        assert list(runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True))
    else:
        run = runs.create(thread_id=thread.id, assistant_id=assistant.id)
        while run.status != "completed":
            run = runs.retrieve(run.id, thread_id=thread.id)
    return client.beta.threads.messages.list(thread.id).data[0].content[0].text.value


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cassettes" / "session.yaml"


def replayed(path, *question, **how):
    fake = FakeAssistants()
    fake.replay(path)
    return ask(fake.client(), *question, **how)


@pytest.mark.parametrize("stream", [False, True], ids=["polled", "streamed"])
def test_what_is_recorded_can_be_replayed(path, stream):
    with recording(path, header="Made up."):
        assert ask(endpoint("Hello."), stream=stream) == "Hello."
    assert header_of(path) == "Made up."
    assert replayed(path, stream=not stream) == "Hello."


def test_vcrpy_replays_it_as_it_is(path):
    with recording(path):
        ask(endpoint("Hello."))
    with vcr.use_cassette(str(path), record_mode="none") as cassette:
        assert ask(openai.OpenAI(api_key="sk-other")) == "Hello."
        assert cassette.all_played


def test_what_vcrpy_recorded_is_replayed_here(tmp_path):
    path = tmp_path / "theirs.yaml"
    with vcr.use_cassette(str(path)):
        ask(endpoint("Hello."))
    assert replayed(path) == "Hello."


def test_no_secret_is_written(path):
    with recording(path, redactor=Redactor(patterns=["Falcon"])):
        ask(endpoint("Ask joe@corp-example.com of project Falcon."), "My key is " + KEY)
    written = path.read_text(encoding="utf-8")
    for secret in (KEY, "org-" + "x" * 24, "joe@corp-example.com", "Falcon"):
        assert secret not in written


def test_what_came_compressed_is_written_readable_and_redacted(path):
    """vcrpy keeps the bytes of the wire; a secret in them is found all the same."""
    answer = gzip.compress(b'{"object": "list", "data": [], "owner": "joe@corp-example.com"}')
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    fake = FakeAssistants()
    fake.on("GET", "/models", lambda request: Response(200, headers, answer))
    with recording(path):
        fake.client().models.list()
    [exchange] = read(path)
    assert b'"owner": "' in exchange.got
    assert b"joe@corp-example.com" not in exchange.got
    assert "content-encoding" not in exchange.response.headers


def test_what_the_user_keeps_is_written(path):
    fake = FakeAssistants()
    with fake.record(path, keep=["joe@corp-example.com"]):
        ask(endpoint("Ask joe@corp-example.com, not ann@corp-example.com."))
    written = path.read_text(encoding="utf-8")
    assert "joe@corp-example.com" in written
    assert "ann@corp-example.com" not in written


def test_what_would_be_written_with_a_secret_is_not(path, monkeypatch):
    """The last look, should redaction have missed something."""
    with recording(path):
        ask(endpoint("Hello."))
    before = path.read_bytes()
    monkeypatch.setattr(Redactor, "redact", lambda redactor, exchanges: list(exchanges))
    with pytest.raises(HarnessFailure), recording(path, mode="rewrite"):
        ask(endpoint("Hello again."))
    assert path.read_bytes() == before


def test_a_recording_that_fails_harms_no_cassette(path):
    with recording(path):
        ask(endpoint("Hello."))
    before = path.read_bytes()
    with pytest.raises(ZeroDivisionError), recording(path, mode="rewrite"):
        ask(endpoint("Hello again."))
        raise ZeroDivisionError
    assert path.read_bytes() == before


def test_once_answers_from_what_is_there_and_refuses_the_rest(path):
    for _ in range(2):
        with recording(path, mode="once"):
            assert ask(openai.OpenAI(api_key=KEY) if path.exists() else endpoint("Hello.")) == "Hello."
    before = path.read_bytes()
    client = endpoint()
    with recording(path, mode="once"), pytest.raises(Exception) as raised:  # noqa: PT011 - as the SDK wraps vcrpy's own
        client.models.list()
    assert "once" in str(raised.value.__cause__ or raised.value)
    assert path.read_bytes() == before


def test_new_episodes_are_added(path):
    with recording(path):
        ask(endpoint("Hello."))
    count = len(read(path))
    client = endpoint()
    with recording(path, mode="new_episodes"):
        client.models.list()
    assert len(read(path)) == count + 1
    assert read(path)[-1].request.path == "/v1/models"


@pytest.mark.parametrize(("mode", "kept"), [("all", True), ("rewrite", False)])
def test_all_keeps_what_was_not_asked_and_rewrite_does_not(path, mode, kept):
    with recording(path, header="Kept."):
        client = endpoint()
        client.models.list()
        client.beta.threads.create()
    with recording(path, mode=mode):
        endpoint().models.list()
    paths = [exchange.request.path for exchange in read(path)]
    assert paths.count("/v1/models") == 1
    assert ("/v1/threads" in paths) == kept
    assert header_of(path) == "Kept."


def test_a_mode_that_does_not_exist_is_refused(path):
    with pytest.raises(HarnessFailure, match="no recording mode 'always'"), recording(path, mode="always"):
        pass
    assert MODES == ("once", "new_episodes", "all", "rewrite")


def test_without_vcrpy_the_error_names_what_to_install(path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "vcr", None)
    with pytest.raises(HarnessFailure, match=r"pytest-assistants\[recording\]"), recording(path):
        pass


@pytest.mark.parametrize(("date", "at"), [("Mon, 03 Nov 2025 12:00:00 GMT", 1762171200.0), ("yesterday", None)])
def test_the_time_of_an_exchange_is_that_of_its_answer(path, date, at):
    fake = FakeAssistants()
    fake.on("GET", "/models", lambda request: Response(200, {"date": date, "content-type": "application/json"}, b"{}"))
    with recording(path):
        fake.client().models.list()
    assert [exchange.at for exchange in read(path)] == [at]


def test_what_was_recorded_can_be_discarded(path):
    with recording(path) as tape:
        ask(endpoint("Hello."))
        tape.discard()
    assert not path.exists()
