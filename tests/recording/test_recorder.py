"""Recording: what a client sends and receives becomes a redacted cassette, or nothing changes."""

from __future__ import annotations

import asyncio
import gzip
import inspect
import io
import re
import urllib.request

import openai
import pytest

from harness import FakeAssistants, HarnessFailure, Response, say
from harness.recording.cassettes import header_of, read, write
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
        if "stream" not in inspect.signature(runs.create).parameters:
            pytest.skip("this SDK cannot stream")
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
    assert b'"owner": "' in exchange.response_body
    assert b"joe@corp-example.com" not in exchange.response_body
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


def test_what_is_recorded_now_is_not_played_back(path):
    """Or a client that polls would see each status twice, and the endpoint would not be asked."""
    with recording(path):
        endpoint().models.list()
    asked = []
    fake = FakeAssistants()
    fake.on("GET", "/files", lambda request: asked.append(request) or {"object": "list", "data": []})
    client = fake.client()
    with recording(path, mode="new_episodes"):
        for _ in range(5):
            client.files.list()
    assert len(asked) == 5
    assert [exchange.request.path for exchange in read(path)] == ["/v1/models", *["/v1/files"] * 5]


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


@pytest.mark.parametrize("library", ["vcr", "filelock"])
def test_without_a_library_the_error_names_what_to_install(path, library, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, library, None)
    with pytest.raises(HarnessFailure, match=r"pytest-assistants\[recording\]"), recording(path):
        pytest.fail("should have been noticed before anything was recorded")


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


# --- bodies as libraries are given them -----------------------------------------------------------------------

SENT = b'{"metadata": {"a": "b"}}'
NOT_KEPT = r"1 of the 2 recorded exchanges could not be written to .*session\.yaml"


def with_requests(url, **body):
    pytest.importorskip("requests").post(url, **body, timeout=10)


def with_httpx(url, **body):
    pytest.importorskip("httpx").post(url, **body)


def with_urllib3(url, **body):
    pytest.importorskip("urllib3").request("POST", url, **body)


def with_urllib(url, **body):
    """Without the length, urllib and vcrpy do not agree on how much is sent."""
    urllib.request.urlopen(urllib.request.Request(url, **body, headers={"content-length": str(len(SENT))}))


def with_aiohttp(url, headers=None, **body):
    aiohttp = pytest.importorskip("aiohttp")

    async def post():
        async with aiohttp.ClientSession() as session, session.post(url, headers=headers, **body) as answer:
            await answer.read()

    asyncio.run(post())


async def in_pieces():
    yield SENT[:5]
    yield SENT[5:]


def form():
    made = pytest.importorskip("aiohttp").FormData()
    made.add_field("file", b"x", filename="a.txt")
    return {"data": made}


@pytest.fixture
def served():
    """An endpoint that takes any body, so that the client libraries need no header of the API."""
    fake = FakeAssistants()
    fake.on("POST", "/bodies", lambda request: {"object": "body"})
    with fake.serve() as server:
        yield f"{server.base_url}/bodies"


@pytest.mark.parametrize(
    ("post", "body"),
    [
        (with_requests, lambda: {"data": SENT}),
        (with_requests, lambda: {"data": SENT.decode()}),
        (with_requests, lambda: {"json": {"metadata": {"a": "b"}}}),
        (with_requests, lambda: {"data": io.BytesIO(SENT)}),
        (with_requests, lambda: {"data": iter([SENT[:5], SENT[5:]])}),
        (with_httpx, lambda: {"content": iter([SENT[:5], SENT[5:]])}),
        (with_urllib3, lambda: {"body": [SENT[:5], SENT[5:]]}),
        (with_urllib3, lambda: {"body": bytearray(SENT)}),
        (with_urllib, lambda: {"data": io.BytesIO(SENT)}),
        (with_aiohttp, lambda: {"json": {"metadata": {"a": "b"}}}),
        (with_aiohttp, lambda: {"data": SENT.decode()}),
        (with_aiohttp, lambda: {"data": io.BytesIO(SENT)}),
        (with_aiohttp, lambda: {"data": io.StringIO(SENT.decode())}),
        (with_aiohttp, lambda: {"data": in_pieces()}),
    ],
)
def test_what_a_library_was_given_is_written_as_it_was_sent(path, served, post, body):
    with recording(path):
        post(served, **body())
    assert [item.request_body for item in read(path)] == [SENT]


@pytest.mark.parametrize(
    ("body", "sent"),
    [
        ({"json": {}}, b"{}"),
        ({}, b""),
        ({"data": {"a": "b"}, "headers": {"content-type": "application/x-www-form-urlencoded"}}, b"a=b"),
    ],
    ids=["empty", "none", "form"],
)
def test_what_aiohttp_sends_without_content_or_as_a_form(path, served, body, sent):
    with recording(path):
        with_aiohttp(served, **body)
    assert [item.request_body for item in read(path)] == [sent]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (form, "given as FormData,"),
        (lambda: {"data": [("a", "b")]}, "given as list of tuple,"),
        (lambda: {"data": {"file": io.BytesIO(b"x")}}, "given as a form with files"),
    ],
)
def test_what_tells_no_bytes_is_a_failure_that_loses_no_other(path, served, body, reason):
    with pytest.raises(HarnessFailure, match=NOT_KEPT) as raised, recording(path):
        with_aiohttp(served, json={"metadata": {"a": "b"}})
        with_aiohttp(served, **body())
    assert f"POST /v1/bodies: its body was {reason}" in raised.value.there_was
    assert [item.request_body for item in read(path)] == [SENT]


COMPRESS = {"content-encoding": "compress", "content-type": "text/plain"}


def test_what_came_in_an_unknown_coding_is_a_failure_that_loses_no_other(path):
    fake = FakeAssistants()
    fake.on("GET", "/models", lambda request: Response(200, COMPRESS, b"\x1f\x9d\x90\xff"))
    client = fake.client()
    with pytest.raises(HarnessFailure, match=NOT_KEPT) as raised, recording(path):
        client.files.list()
        client.get("/models", cast_to=openai.types.Model)
    assert "GET /v1/models: its body has a content encoding other than" in raised.value.there_was
    assert [item.request.path for item in read(path)] == ["/v1/files"]


def test_where_nothing_can_be_kept_nothing_is_written(path, served):
    with pytest.raises(HarnessFailure, match="1 of the 1 recorded exchanges"), recording(path):
        with_aiohttp(served, **form())
    assert not path.exists()


def test_an_answer_of_which_vcrpy_kept_no_body_is_empty(path):
    """As it keeps those of aiohttp that were closed before they had one."""
    with recording(path) as tape:
        tape.save_cassette("", taped(body={}), None)
    assert [item.response_body for item in read(path)] == [b""]


def taped(**changed):
    asked = vcr.request.Request("GET", "https://api.openai.com/v1/models", None, {})
    return {"requests": [asked], "responses": [{"status": {"code": 200}, "headers": {}, **changed}]}


# --- several at a time, in one process: what each has loaded, and what is there when it writes ----------------


def listed(path, mode, **meanwhile):
    """One client lists models while others record; what is there at the end, by path."""
    client = endpoint()
    with recording(path, mode=mode):
        client.models.list()
        for other_mode, question in meanwhile.items():
            with recording(path, mode=other_mode):
                ask(endpoint("Hello."), question)
    return [exchange.request.path for exchange in read(path)]


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all"])
def test_what_others_wrote_meanwhile_stays(path, mode):
    paths = listed(path, mode, new_episodes="Mine?")
    assert paths.count("/v1/models") == 1
    assert paths[-1] == "/v1/models"
    assert replayed(path, "Mine?") == "Hello."


def test_rewrite_wins_as_a_whole(path):
    assert listed(path, "rewrite", new_episodes="Mine?") == ["/v1/models"]


def test_all_replaces_what_it_loaded_once_and_no_more(path):
    """Two same exchanges, of which another process has recorded one anew meanwhile: that one is not mine to replace."""
    fake = FakeAssistants()
    fake.on("GET", "/models", lambda request: {"object": "list", "data": []})
    with recording(path):
        fake.client().models.list()
        fake.client().models.list()
    assert listed(path, "all", new_episodes="Mine?").count("/v1/models") == 1
    [*_, exchange] = read(path)
    write(path, [exchange, exchange])
    with recording(path, mode="all"):
        fake.client().models.list()
        write(path, [exchange, exchange, exchange])
    assert [item.request.path for item in read(path)] == ["/v1/models"] * 2


def test_what_is_kept_is_the_same_bytes_and_shares_no_stand_in(path):
    """Two recorders that know nothing of each other number their stand-ins alike."""
    client, mine = endpoint("Hello."), "Mail joe@corp-one.com, key sk-" + "proj-" + "Zz9y" * 12
    with recording(path, mode="new_episodes"):
        client.beta.threads.create(messages=[{"role": "user", "content": mine}])
        with recording(path, mode="new_episodes"):
            ask(endpoint("Hello."), "Mail ann@corp-two.com, key " + KEY)
        others = path.read_text(encoding="utf-8")
    after = path.read_text(encoding="utf-8")
    assert after.startswith(others.removesuffix("version: 1\n"))
    sent = [item.request_body.decode() for item in read(path) if b"Mail " in item.request_body]
    assert len(sent) == 2
    for stand_in in (r"Mail (\S+@example\.\w+),", r"key (sk-redacted-\d+)"):
        [one], [other] = (re.findall(stand_in, text) for text in sent)
        assert one != other


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), NotImplementedError("no flock here")])
def test_a_lock_that_the_system_refuses_is_a_failure(path, error, monkeypatch):
    import filelock  # noqa: PLC0415 - patched

    def refuse(lock):
        raise error

    monkeypatch.setattr(filelock.FileLock, "acquire", refuse)
    with pytest.raises(HarnessFailure, match="could not be written"), recording(path):
        ask(endpoint("Hello."))
    assert not path.exists()
