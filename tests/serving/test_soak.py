"""Many clients that stream at once, for hours of virtual time: nothing is lost, nobody gets what is another's, and
memory holds what the worlds hold and no more.

With PYTEST_ASSISTANTS_SOAK=50 the conversations are fifty times as long; with -s it says what it measured.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import threading
import time
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest

from harness import FakeAssistants, say, wait
from harness.serving import serve

pytest.importorskip("uvicorn")

LONGER = int(os.environ.get("PYTEST_ASSISTANTS_SOAK", "1"))
KEYS = [f"sk-world-{number}" for number in range(20)]
CLIENTS = 10  # of each world: 200 in all
TURNS = LONGER  # of each client, in each third
PATIENCE = 100  # looks, a tenth of a second apart
PAUSE = 120  # virtual seconds that a user thinks; those of one world add up: 3 turns of 10 clients make an hour
EVENTS = [
    *("thread.run.created", "thread.run.queued", "thread.run.in_progress"),
    *("thread.run.step.created", "thread.run.step.in_progress"),
    *("thread.message.created", "thread.message.in_progress"),
    *("thread.message.delta",) * 4,
    *("thread.message.completed", "thread.run.step.completed", "thread.run.completed", "done"),
]


def model(key):
    """What is said in a world: the question again, after a while, in pieces."""

    def answer(run):
        return wait(30), say(pieces=[f"In {key}, ", "you said: ", run.message, "."])

    return answer


class Connection:
    """HTTP over one socket of its own, with no library in between that would take most of the time."""

    def __init__(self, key, reader, writer):
        self.head = f"host: localhost\r\nauthorization: Bearer {key}\r\nopenai-beta: assistants=v2\r\n"
        self.reader = reader
        self.writer = writer

    async def send(self, method, path, body):
        content = b"" if body is None else json.dumps(body).encode()
        length = f"content-length: {len(content)}\r\n\r\n"
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{self.head}{length}".encode() + content)
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        assert head.startswith("http/1.1 200 "), head + (await self.reader.read(2000)).decode()
        return dict(line.split(": ", 1) for line in head.splitlines()[1:-1])

    async def ask(self, method, path, body=None):
        headers = await self.send(method, path, body)
        return json.loads(await self.reader.readexactly(int(headers["content-length"])))

    async def stream(self, path, body):
        """The events, each with its data."""
        headers = await self.send("POST", path, body)
        assert headers["transfer-encoding"] == "chunked"
        told = b""
        while size := int(await self.reader.readline(), 16):
            told += (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()
        lines = told.decode().split("\n")
        return [
            (event.removeprefix("event: "), data.removeprefix("data: "))
            for event, data in zip(lines[::3], lines[1::3], strict=False)
        ]


@asynccontextmanager
async def connected(server, key):
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(server.url).port)
    try:
        yield Connection(key, reader, writer)
    finally:
        writer.close()
        await writer.wait_closed()


async def leave(server, key, assistant):
    """A client that asks, and does not listen to the end."""
    async with connected(server, key) as connection:
        thread = {"messages": [{"role": "user", "content": "And now?"}]}
        await connection.send("POST", "/v1/threads/runs", {"assistant_id": assistant, "thread": thread, "stream": True})


async def converse(server, key, number, turns):
    """One client: it asks, listens to the end, and at the end reads what was said all in all."""
    said = []
    async with connected(server, key) as connection:
        assistant = await connection.ask("POST", "/v1/assistants", {"model": "gpt-4o", "instructions": "Help."})
        thread = await connection.ask("POST", "/v1/threads", {})
        path = f"/v1/threads/{thread['id']}"
        for turn in range(turns):
            question = f"client {number}, turn {turn}"
            await connection.ask("POST", "/_harness/clock", {"advance": PAUSE})
            if number == 0:
                await leave(server, key, assistant["id"])
            asked = {"role": "user", "content": question}
            body = {"assistant_id": assistant["id"], "additional_messages": [asked], "stream": True}
            events = await connection.stream(f"{path}/runs", body)
            assert [event for event, _ in events] == EVENTS
            deltas = [json.loads(data)["delta"] for event, data in events if event == "thread.message.delta"]
            answer = "".join(delta["content"][0]["text"]["value"] for delta in deltas)
            assert answer == f"In {key}, you said: {question}."
            assert {json.loads(data).get("thread_id", thread["id"]) for _, data in events[:-1]} == {thread["id"]}
            said += [question, answer]
        there = await connection.ask("GET", f"{path}/messages?order=asc&limit=100")
        assert [message["content"][0]["text"]["value"] for message in there["data"]] == said[:100]


def hold_conversations(server, turns):
    async def all_at_once():
        await asyncio.gather(*(converse(server, key, number, turns) for key in KEYS for number in range(CLIENTS)))

    asyncio.run(all_at_once())


def begin(server):
    for key in KEYS:
        server.worlds.reset(server.worlds.name_of(key))
        server.worlds.for_key(key).model(model(key))


def held():
    """How many blocks of memory are in use: what a leak makes more, on every machine alike.

    Counted when the number stands still, as the server may be busy with connections that have just been closed.
    """
    blocks = [0, 0]
    while not blocks[-2] * 0.999 < blocks[-1] < blocks[-2] * 1.001 and len(blocks) < PATIENCE:
        time.sleep(0.1)
        gc.collect()
        blocks.append(sys.getallocatedblocks())
    return blocks[-1]


def test_two_hundred_clients_stream_for_an_hour():
    threads = threading.active_count()
    with serve() as server:
        begin(server)
        hold_conversations(server, 1)  # what is made once, is made
        begin(server)
        before, cpu = held(), time.process_time()
        grown = []
        for _ in range(3):
            hold_conversations(server, TURNS)
            grown.append(held() - before - sum(grown))
        runs = 3 * TURNS * (CLIENTS + 1)
        for key in KEYS:
            fake = server.worlds.for_key(key)
            assert fake.clock.now - FakeAssistants().clock.now >= 3600
            fake.clock.advance(PAUSE)  # runs go on whose clients have left
            assert [run.status for run in fake.runs] == ["completed"] * runs
            assert fake.failures == []
        del fake
        begin(server)
        left = held() - before
        print(f"\n{runs * len(KEYS)} streams, CPU {time.process_time() - cpu:.1f} s; blocks: {grown}, left {left}")
        # no thread for each client: that of the server, and the workers, of which anyio has 40
        assert threading.active_count() <= threads + 1 + 40
        # the conversations of each third are as long, so the worlds grow by as much, give or take what is cached
        assert grown[2] < grown[0] * 1.25
        # and with the worlds goes all that they held
        assert left < grown[0] * 0.05
