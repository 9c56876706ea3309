"""Files that come over a socket and are longer than a mebibyte lie on the disk, and behave as all others."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import tracemalloc
from contextlib import closing, contextmanager
from functools import partial
from itertools import chain

import httpx
import openai
import pytest

from harness import HarnessFailure, run_code, say, search
from harness.serving import serve, serve_one
from harness.serving.journal import Journal
from harness.serving.long_bodies import PIECE_SIZE
from harness.serving.persistent import PersistentWorlds
from harness.serving.worlds import Worlds
from harness.transports.asgi import asgi_app

for needed in ("filelock", "uvicorn"):
    pytest.importorskip(needed)

MEBIBYTE = 1 << 20
KEY = "sk-a"


# --- memory ---------------------------------------------------------------------------------------------------


LONG = 24 * MEBIBYTE
HEAD = (
    b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nvision\r\n'
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n'
)
TAIL = b"\r\n--x--\r\n"
HEADERS = [(b"authorization", b"Bearer " + KEY.encode()), (b"content-type", b"multipart/form-data; boundary=x")]


def blocks(size, block=1 << 16):
    """Bytes of which no two blocks are alike; each is made when it is asked for."""
    return (number.to_bytes(8, "big") * (block // 8) for number in range(size // block))


class Caller:
    """A client of an ASGI application that keeps nothing: of what it is answered, the status, the length and a hash."""

    def __init__(self, method, path, pieces=()):
        self.scope = {"type": "http", "method": method, "scheme": "http", "path": path, "query_string": b""}
        self.scope["headers"] = HEADERS
        self.coming = chain(({"body": piece, "more_body": True} for piece in pieces), [{}])
        self.status = self.length = 0
        self.hash = hashlib.sha256()
        self.last = b""

    async def receive(self):
        message = next(self.coming, None)
        if message is None:
            await asyncio.Event().wait()  # the client stays until it has its answer
        return {"type": "http.request", **message}

    async def send(self, message):
        self.status = message.get("status", self.status)
        self.last = message.get("body") or self.last
        self.length += len(message.get("body", b""))
        self.hash.update(message.get("body", b""))

    def call(self, app):
        asyncio.run(app(self.scope, self.receive, self.send))
        assert self.status == 200, self.last
        return self


@contextmanager
def little_memory(most=8 * MEBIBYTE):
    """What Python allocates stays below; a file that is mapped is not among it."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < most


@pytest.mark.parametrize("kept", [False, True], ids=["worlds", "lasting worlds"])
def test_a_long_file_is_never_in_memory(kept, tmp_path):
    """From the socket to the disk, through a snapshot and a restart, and back to the client."""
    begin = partial(PersistentWorlds, tmp_path / "state.jsonl") if kept else Worlds
    whole = hashlib.sha256()
    for block in blocks(LONG):
        whole.update(block)
    with little_memory():
        with closing(begin()) as worlds:
            app = asgi_app(worlds.answer)
            file = json.loads(Caller("POST", "/v1/files", chain([HEAD], blocks(LONG), [TAIL])).call(app).last)
            fake = worlds.for_key(KEY)
            fake.restore(fake.snapshot())
            got = Caller("GET", f"/v1/files/{file['id']}/content").call(app)
        assert (file["bytes"], got.length, got.hash.digest()) == (LONG, LONG, whole.digest())
        if kept:
            with closing(begin()) as worlds:
                again = Caller("GET", f"/v1/files/{file['id']}/content").call(asgi_app(worlds.answer))
            assert again.hash.digest() == whole.digest()


# --- over a socket --------------------------------------------------------------------------------------------


@pytest.fixture
def content():
    """Of another length than any number of pieces, and with what looks like a boundary."""
    return os.urandom(5 * PIECE_SIZE) + b"\r\n--x--\r\n" + bytes(12345)


@pytest.fixture
def served(assistants):
    """A client over a socket, of the fake that the test holds."""
    with serve_one(assistants) as server, openai.OpenAI(api_key=KEY, base_url=server.base_url) as client:
        yield client


@pytest.mark.parametrize("streamed", [False, True], ids=["whole", "streamed"])
def test_it_comes_back_as_it_went(streamed, served, content):
    file = served.files.create(file=("a.bin", content), purpose="vision")
    assert (file.bytes, file.filename) == (len(content), "a.bin")
    if streamed:
        with served.files.with_streaming_response.content(file.id) as answer:
            assert answer.headers["content-length"] == str(len(content))
            assert b"".join(answer.iter_bytes()) == content
    else:
        assert served.files.content(file.id).read() == content
    served.files.delete(file.id)
    with pytest.raises(openai.NotFoundError):
        served.files.content(file.id)


def test_who_is_in_the_same_process_gets_it_too(assistants, served, content):
    file = served.files.create(file=("a.bin", content), purpose="vision")
    assert assistants.client().files.content(file.id).read() == content

    async def fetched():
        async with assistants.async_client() as client:
            return (await client.files.content(file.id)).read()

    assert asyncio.run(fetched()) == content


def test_tools_read_it(assistants, served):
    lines = "\n".join(f"Line {number}: the {number}th tea is green." for number in range(40_000))
    text = lines + "\nThe teapot is in the attic."
    assert len(text) > MEBIBYTE
    file = served.files.create(file=("teas.txt", text.encode()), purpose="assistants")
    store = served.vector_stores.create(file_ids=[file.id])
    tools = [{"type": "file_search"}, {"type": "code_interpreter"}]
    resources = {"file_search": {"vector_store_ids": [store.id]}, "code_interpreter": {"file_ids": [file.id]}}
    assistant = served.beta.assistants.create(model="gpt-4o", tools=tools, tool_resources=resources)
    assistants.next_run(
        search("teapot attic"), run_code("print(len(open('teas.txt').read()))", execute=True), say("There.")
    )
    thread = served.beta.threads.create(messages=[{"role": "user", "content": "Where is the teapot?"}])
    run = served.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    found, ran = served.beta.threads.runs.steps.list(
        run.id, thread_id=thread.id, order="asc", include=["step_details.tool_calls[*].file_search.results[*].content"]
    ).data[:2]
    assert "The teapot is in the attic." in found.step_details.tool_calls[0].file_search.results[0].content[0].text
    assert ran.step_details.tool_calls[0].code_interpreter.outputs[0].logs.strip() == str(len(text))


def test_it_is_shown_by_what_begins_it(assistants, served):
    file = served.files.create(file=("a.txt", b"Tea and milk. " * 100_000), purpose="vision")
    served.files.content(file.id)
    with serve_one(assistants) as server:
        page = httpx.get(f"{server.url}/_harness/world").json()["world"]
    [shown] = page["files"]
    assert (shown["name"], shown["bytes"], shown["text"][:13]) == ("a.txt", 1_400_000, "Tea and milk.")
    upload, download = (request for request in page["requests"] if request["path"].startswith("/v1/files"))
    assert upload["sent"]["about"].startswith("form, 1,400,")
    assert "a.txt, 1,400,000 bytes" in upload["sent"]["text"]
    assert download["got"]["about"] == "1,400,000 bytes, which are not kept"
    assert [exchange.json for exchange in assistants.requests[:1]] == [None]


@pytest.mark.parametrize("plan", ["drop", "malformed"])
def test_a_download_may_go_wrong(plan, assistants, served, content):
    """The first chunk arrives; then the connection is gone, or it was all."""
    file = served.files.create(file=("a.bin", content), purpose="vision")
    getattr(assistants.faults, plan)(on="GET /files/{file_id}/content")
    if plan == "drop":
        with pytest.raises(openai.APIConnectionError):
            served.with_options(max_retries=0).files.content(file.id)
    else:
        got = served.files.content(file.id).read()
        assert 0 < len(got) < len(content)
        assert content.startswith(got)
    assert served.files.content(file.id).read() == content


# --- in a journal ---------------------------------------------------------------------------------------------


def test_each_restart_has_it(content, tmp_path):
    state = tmp_path / "state.jsonl"
    ids = []
    for number in range(3):
        with serve(state=state) as server, openai.OpenAI(api_key=KEY, base_url=server.base_url) as client:
            assert [client.files.content(file_id).read() for file_id in ids] == [content] * number
            ids.append(client.files.create(file=("a.bin", content), purpose="vision").id)
    assert all(len(line) < 2 * PIECE_SIZE for line in state.read_bytes().splitlines())


def test_an_upload_that_was_cut_off_by_a_kill_was_none(content, tmp_path):
    """Its pieces stay behind, and those of the next one are not taken for them."""
    state = tmp_path / "state.jsonl"
    with serve(state=state) as server, openai.OpenAI(api_key=KEY, base_url=server.base_url) as client:
        client.files.create(file=("a.bin", content), purpose="vision")
    whole = state.read_bytes().splitlines(keepends=True)
    for kept in range(1, len(whole)):
        state.write_bytes(b"".join(whole[:kept]))
        with serve(state=state) as server, openai.OpenAI(api_key=KEY, base_url=server.base_url) as client:
            assert client.files.list().data == []
            again = client.files.create(file=("b.bin", content[::-1]), purpose="vision")
        with serve(state=state) as server, openai.OpenAI(api_key=KEY, base_url=server.base_url) as client:
            assert [file.id for file in client.files.list().data] == [again.id]
            assert client.files.content(again.id).read() == content[::-1]


def test_where_the_journal_is_full_nothing_was_uploaded(content, tmp_path, monkeypatch):
    def failing(journal, entry):
        raise HarnessFailure("There is no room.")

    state = tmp_path / "state.jsonl"
    with serve(state=state) as server, openai.OpenAI(api_key=KEY, base_url=server.base_url) as client:
        with monkeypatch.context() as patch:
            patch.setattr(Journal, "write", failing)
            with pytest.raises(openai.BadRequestError, match="no room"):
                client.files.create(file=("a.bin", content), purpose="vision")
        assert client.files.list().data == []
