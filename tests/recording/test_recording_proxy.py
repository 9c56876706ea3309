"""`record_command`: the exchanges of a program with a live endpoint become a cassette, in whatever language it is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from contextlib import contextmanager, suppress
from threading import Barrier, BrokenBarrierError

import openai
import pytest

from harness import FakeAssistants, HarnessFailure, Response, recording_proxy, say
from harness.recording.cassettes import read
from harness.recording.redaction import Redactor
from harness.recording_proxy import record_command
from harness.transports.server import serving

vcr = pytest.importorskip("vcr")
pytest.importorskip("uvicorn")

KEY = "sk-" + "proj-" + "A1b2" * 12
SDK = """
import openai, sys, warnings
warnings.simplefilter("ignore")
client = openai.OpenAI()
assistant = client.beta.assistants.create(model="gpt-4o", name="Ada")
thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hi?"}])
runs = client.beta.threads.runs
if "stream" in sys.argv:
    assert [event.event for event in runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True)]
else:
    run = runs.create(thread_id=thread.id, assistant_id=assistant.id)
    while run.status != "completed":
        run = runs.retrieve(run.id, thread_id=thread.id)
print(client.beta.threads.messages.list(thread.id).data[0].content[0].text.value)
"""
HTTP = """
import os, sys, urllib.request
head = {"authorization": "Bearer " + os.environ["OPENAI_API_KEY"], "openai-beta": "assistants=v2"}
def get(path, data=None, head=head):
    with urllib.request.urlopen(urllib.request.Request(os.environ["OPENAI_BASE_URL"] + path, data, head)) as got:
        return got.read()
"""
CURL = r"""
set -e
say() { curl -sS --fail "$OPENAI_BASE_URL$1" -H "Authorization: Bearer $OPENAI_API_KEY" \
    -H 'OpenAI-Beta: assistants=v2' -H 'Content-Type: application/json' "${@:2}"; }
id() { sed -n 's/.*"id": *"\('"$1"'_[^"]*\)".*/\1/p' | head -n 1; }
assistant=$(say /assistants -d '{"model": "gpt-4o", "name": "Ada"}' | id asst)
thread=$(say /threads -d '{"messages": [{"role": "user", "content": "Hi?"}]}' | id thread)
say "/threads/$thread/runs" -d '{"assistant_id": "'"$assistant"'", "stream": true}' | grep -q thread.run.completed
say "/threads/$thread/messages" | grep -o Hello. | head -n 1
"""
NODE = """
(async () => {
  const headers = {
    "authorization": "Bearer " + process.env.OPENAI_API_KEY,
    "openai-beta": "assistants=v2",
    "content-type": "application/json",
  };
  const ask = async (path, body) => {
    const how = body ? {method: "POST", headers, body: JSON.stringify(body)} : {headers};
    const got = await fetch(process.env.OPENAI_BASE_URL + path, how);
    if (!got.ok) throw new Error(await got.text());
    return got.json();
  };
  const assistant = await ask("/assistants", {model: "gpt-4o", name: "Ada"});
  const thread = await ask("/threads", {messages: [{role: "user", content: "Hi?"}]});
  let run = await ask(`/threads/${thread.id}/runs`, {assistant_id: assistant.id});
  while (run.status !== "completed") run = await ask(`/threads/${thread.id}/runs/${run.id}`);
  console.log((await ask(`/threads/${thread.id}/messages`)).data[0].content[0].text.value);
})();
"""


def python(code, *arguments):
    return [sys.executable, "-c", code, *arguments]


def tool(name, *arguments):
    """A program that may not be installed."""
    missing = pytest.mark.skipif(shutil.which(name) is None, reason=f"{name} is not installed")
    return pytest.param([name, *arguments], marks=missing, id=name)


PROGRAMS = [
    pytest.param(python(SDK), id="sdk"),
    pytest.param(python(SDK, "stream"), id="sdk-streaming"),
    pytest.param(
        ["bash", "-c", CURL],
        marks=pytest.mark.skipif(not (shutil.which("curl") and shutil.which("bash")), reason="curl is not installed"),
        id="curl",
    ),
    tool("node", "-e", NODE),
]


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", "http://elsewhere.test/v1")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cassettes" / "session.yaml"


@contextmanager
def live(*answers):
    """The project's own server as a live endpoint, and its fake."""
    fake = FakeAssistants()
    for answer in answers:
        fake.next_run(say(answer))
    with serving(fake.answer) as url:
        yield fake, f"{url}/v1"


def ask(client):
    assistant = client.beta.assistants.create(model="gpt-4o", name="Ada")
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Hi?"}])
    run = client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)
    while run.status != "completed":
        run = client.beta.threads.runs.retrieve(run.id, thread_id=thread.id)
    return client.beta.threads.messages.list(thread.id).data[0].content[0].text.value


def paths(path):
    return [item.request.path for item in read(path)]


@pytest.mark.parametrize("command", PROGRAMS)
def test_any_program_is_recorded_and_replayed(command, path, capfd):
    with live("Hello.") as (fake, url):
        assert record_command(command, path, upstream=url) == 0
    assert capfd.readouterr().out.strip() == "Hello."
    assert paths(path) == [exchange.request.path for exchange in fake.requests]
    again = FakeAssistants()
    again.replay(path)
    assert ask(again.client()) == "Hello."
    assert KEY not in path.read_text(encoding="utf-8")
    assert KEY in fake.requests[0].request.headers["authorization"]


def test_vcrpy_replays_it(path, capfd):
    with live("Hello.") as (_, url):
        record_command(python(SDK), path, upstream=url)
    with vcr.use_cassette(str(path), record_mode="none") as cassette:
        assert ask(openai.OpenAI(api_key="sk-other", base_url=url)) == "Hello."
        assert cassette.all_played


def test_azure_is_recorded(path, capfd):
    program = (
        "import openai, os, warnings; warnings.simplefilter('ignore')\n"
        "assert os.environ['OPENAI_BASE_URL'] == 'http://elsewhere.test/v1'\n"
        "client = openai.AzureOpenAI(api_key='0123456789abcdef' * 2, api_version='2024-05-01-preview')\n"
        "print(client.beta.threads.create().object)"
    )
    with live() as (_, url):
        upstream = url.removesuffix("/v1")
        assert record_command(python(program), path, upstream=upstream, azure=True) == 0
    assert capfd.readouterr().out == "thread\n"
    assert paths(path) == ["/openai/threads"]
    assert "0123456789abcdef" not in path.read_text(encoding="utf-8")


def test_the_path_of_a_gateway_is_kept(path, capfd):
    asked = []

    def answer(request):
        asked.append((request.path, request.query))
        return Response(200, {"content-type": "application/json"}, b'{"object": "list", "data": []}')

    with serving(answer) as url:
        code = record_command(python(HTTP + "get('/models?after=a%2Fb')"), path, upstream=f"{url}/llm/v1/")
    assert code == 0
    assert asked == [("/llm/v1/models", {"after": ["a/b"]})]


HALF = """
import http.client, urllib.parse
get('/models')
half = http.client.HTTPConnection(urllib.parse.urlsplit(os.environ['OPENAI_BASE_URL']).netloc)
half.putrequest('POST', '/v1/threads')
half.putheader('content-length', '99')
half.endheaders(b'{')
os.kill(os.getpid(), 9)
"""
FAILING = {
    "exit": ("get('/models'); sys.exit(3)", 3),
    "killed": ("get('/models'); os.kill(os.getpid(), 9)", 137),
    "killed in the middle of a request": (HALF, 137),
}


@pytest.mark.parametrize(("end", "code"), FAILING.values(), ids=FAILING)
def test_a_program_that_fails_harms_no_cassette(end, code, path):
    with live() as (fake, url):
        fake.on("GET", "/models", lambda request: {"object": "list", "data": []})
        assert record_command(python(HTTP + end), path, upstream=url) == code
        assert not path.exists()
        assert record_command(python(HTTP + "get('/models?first')"), path, upstream=url) == 0
        before = path.read_bytes()
        assert record_command(python(HTTP + end), path, upstream=url, mode="rewrite") == code
        assert path.read_bytes() == before
        assert record_command(python(HTTP + end), path, upstream=url, mode="rewrite", keep_failed=True) == code
        assert path.read_bytes() != before


def test_ctrl_c_writes_nothing(path, monkeypatch):
    """The interrupt comes when the program has asked, while it is being waited for."""
    with live() as (fake, url):
        fake.on("GET", "/models", lambda request: {})

        def interrupted(command, env):
            assert subprocess.run(command, env=env, check=False).returncode == 0
            raise KeyboardInterrupt

        monkeypatch.setattr(recording_proxy.subprocess, "call", interrupted)
        with pytest.raises(KeyboardInterrupt):
            record_command(python(HTTP + "get('/models')"), path, upstream=url)
        assert len(fake.requests) == 1
    assert not path.exists()


def test_what_would_be_written_with_a_secret_is_not(path, monkeypatch, capfd):
    program = python(HTTP + "print(get('/models').decode())")
    with live() as (fake, url):
        fake.on("GET", "/models", lambda request: {"owner": "joe@corp-example.com"})
        record_command(program, path, upstream=url)
        before = path.read_bytes()
        monkeypatch.setattr(Redactor, "redact", lambda redactor, exchanges: list(exchanges))
        with pytest.raises(HarnessFailure):
            record_command(program, path, upstream=url, mode="rewrite")
    assert path.read_bytes() == before
    assert KEY not in "".join(capfd.readouterr())


def test_what_the_redactor_of_the_user_finds_is_not_written(path):
    with live() as (fake, url):
        fake.on("GET", "/models", lambda request: {"project": "Falcon"})
        record_command(python(HTTP + "get('/models')"), path, upstream=url, redactor=Redactor(patterns=["Falcon"]))
    assert "Falcon" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("mode", ["once", "all"])
def test_requests_at_the_same_time_are_all_recorded(mode, path):
    """None is answered before all have come, so they do overlap."""
    together = Barrier(8)

    def answer(request):
        together.wait(60)
        return Response(200, {"content-type": "application/json"}, json.dumps({"id": request.url[-1]}).encode())

    program = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(8) as pool:\n"
        "    assert list(pool.map(get, [f'/models/{n}' for n in range(8)])) == "
        '[b\'{"id": "%d"}\' % n for n in range(8)]'
    )
    with serving(answer) as url:
        assert record_command(python(HTTP + program), path, upstream=f"{url}/v1", mode=mode) == 0
    assert sorted(paths(path)) == [f"/v1/models/{number}" for number in range(8)]


def test_a_cassette_gives_each_answer_once_and_offline(path, capfd, monkeypatch):
    """Where vcrpy has found an answer, the second thread would find the same one, were it let in by then."""
    program = (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(2) as pool:\n"
        "    print(sorted(map(bytes.decode, pool.map(get, ['/models'] * 2))))"
    )
    with live() as (fake, url):
        fake.on("GET", "/models", lambda request: len(fake.requests))
        assert record_command(python(HTTP + program), path, upstream=url) == 0
    before = path.read_bytes()
    together, start = Barrier(2), vcr.cassette.Cassette.__init__

    class Counts(Counter):
        def __getitem__(self, key):
            count = super().__getitem__(key)
            with suppress(BrokenBarrierError):
                together.wait(0.5)  # for the other thread, which does not come if it has to wait its turn
            return count

    def start_counting(cassette, *arguments, **options):
        start(cassette, *arguments, **options)
        cassette.play_counts = Counts()

    monkeypatch.setattr(vcr.cassette.Cassette, "__init__", start_counting)
    assert record_command(python(HTTP + program), path, upstream=url) == 0
    assert capfd.readouterr().out.splitlines() == ["['0', '1']"] * 2
    assert path.read_bytes() == before


def test_once_refuses_what_the_cassette_lacks(path, capfd):
    program = python(SDK.replace("gpt-4o", "gpt-4o-mini") + "client.models.list()")
    with live("Hello.") as (_, url):
        record_command(python(SDK), path, upstream=url)
        before = path.read_bytes()
        assert record_command(program, path, upstream=url) == 1
    errors = capfd.readouterr().err
    assert "BadRequestError" in errors
    assert "GET /v1/models could not be recorded" in errors
    assert path.read_bytes() == before


def test_a_large_upload_arrives_and_is_recorded_whole(path, capfd):
    program = (
        "import hashlib, io, openai, random\n"
        "content = random.Random(1).randbytes(5_000_000)\n"
        "openai.OpenAI().files.create(file=('data.pkl', io.BytesIO(content)), purpose='assistants')\n"
        "print(hashlib.sha256(content).hexdigest())"
    )
    with live() as (fake, url):
        assert record_command(python(program), path, upstream=url) == 0
    [file] = fake.world.store.files
    [wanted] = capfd.readouterr().out.split()
    assert hashlib.sha256(file.content).hexdigest() == wanted
    [recorded] = read(path)
    boundary = recorded.request.headers["content-type"].partition("boundary=")[2].strip('"').encode()
    parts = recorded.request_body.split(b"--" + boundary)
    assert wanted in [hashlib.sha256(part.partition(b"\r\n\r\n")[2][:-2]).hexdigest() for part in parts]


@pytest.mark.parametrize("command", ["no-such-program", "."])
def test_what_is_no_program_cannot_be_recorded(command, path):
    with pytest.raises(HarnessFailure, match="cannot be started"):
        record_command([command], path, upstream="http://127.0.0.1:9/v1")
    assert not path.exists()


@pytest.mark.parametrize("upstream", ["api.openai.com/v1", "ftp://api.openai.com", "https:///v1", ""])
def test_the_endpoint_must_be_a_url(upstream, path):
    with pytest.raises(HarnessFailure, match="not the base URL"):
        record_command(python(""), path, upstream=upstream)


def test_a_program_that_says_nothing_leaves_no_cassette(path):
    assert record_command(python(""), path, upstream="http://127.0.0.1:9/v1") == 0
    assert not path.exists()


@pytest.mark.parametrize(
    ("given", "spared"),
    [
        ({}, "127.0.0.1"),
        ({"NO_PROXY": "corp.test"}, "corp.test,127.0.0.1"),
        ({"no_proxy": "lower.test", "NO_PROXY": "upper.test"}, "lower.test,127.0.0.1"),
        ({"no_proxy": "*"}, "*"),
    ],
)
def test_the_program_reaches_the_server_past_proxies(given, spared, path, monkeypatch, capfd):
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(os.environ, "MY_OWN", "kept")
    program = "import os; print(*map(os.environ.get, ['no_proxy', 'NO_PROXY', 'MY_OWN']))"
    assert record_command(python(program), path, upstream="http://127.0.0.1:9/v1") == 0
    assert capfd.readouterr().out.split() == [spared, spared, "kept"]
