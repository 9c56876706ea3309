"""Streams through the SDK: a thousand deltas from the fake and from canned bytes, and the memory that they take."""

from __future__ import annotations

import asyncio
import tracemalloc
from typing import TYPE_CHECKING, Any

import openai
from flows import ASSISTANT, FAMILY, KEY
from measuring import Result, Times

from harness import FakeAssistants, fake_assistants, say

if TYPE_CHECKING:
    from collections.abc import Iterator

DELTAS = 1000


def prepared(deltas: int) -> FakeAssistants:
    fake = FakeAssistants()
    fake.add_assistant(ASSISTANT)
    fake.every_run(say(pieces=[f" word{number:04}" for number in range(deltas)]))
    return fake


def read(client: openai.OpenAI, thread: str) -> int:
    with client.beta.threads.runs.create(thread_id=thread, assistant_id=ASSISTANT, stream=True) as events:
        return sum(event.event == "thread.message.delta" for event in events)


def recorded(deltas: int) -> list[bytes]:
    """The chunks of one such stream."""
    fake = prepared(deltas)
    client = FAMILY.Client(transport=fake.client()._client._transport)
    head = {"authorization": f"Bearer {KEY}", "openai-beta": "assistants=v2"}
    body = {"assistant_id": ASSISTANT, "stream": True, "thread": {"messages": [{"role": "user", "content": "hi"}]}}
    with client.stream("POST", "https://api.openai.com/v1/threads/runs", headers=head, json=body) as response:
        return list(response.iter_raw())[1:]  # without thread.created


def canned(chunks: list[bytes]) -> Any:
    headers = {"content-type": "text/event-stream; charset=utf-8"}

    class Chunks(FAMILY.SyncByteStream, FAMILY.AsyncByteStream):  # type: ignore[name-defined, misc]
        def __iter__(self) -> Iterator[bytes]:
            return iter(chunks)

        async def __aiter__(self) -> Any:
            for chunk in chunks:
                yield chunk

    return FAMILY.MockTransport(lambda request: FAMILY.Response(200, headers=headers, stream=Chunks()))


def streaming(*, quick: bool) -> Iterator[Result]:
    fake = prepared(DELTAS)
    ours = fake.client()
    chunks = recorded(DELTAS)
    theirs = openai.OpenAI(api_key=KEY, http_client=FAMILY.Client(transport=canned(chunks)))
    in_one_chunk = openai.OpenAI(api_key=KEY, http_client=FAMILY.Client(transport=canned([b"".join(chunks)])))
    assert read(theirs, "thread_x") == DELTAS

    def on_the_fake() -> None:
        assert read(ours, ours.beta.threads.create(messages=[{"role": "user", "content": "hi"}]).id) == DELTAS

    times = Times(
        2 if quick else 15,
        fake=on_the_fake,
        canned=lambda: read(theirs, "thread_x"),
        in_one_chunk=lambda: read(in_one_chunk, "thread_x"),
    )
    yield Result("1,000 deltas / the same chunks from a MockTransport", times.ratio("fake", "canned"), 1.3, "x")
    yield Result("1,000 deltas / the same bytes in one chunk", times.ratio("fake", "in_one_chunk"), 1.3, "x")


def streaming_async(*, quick: bool) -> Iterator[Result]:
    """The same in an event loop, where a stream waits by sleeping virtually."""
    chunks = recorded(DELTAS)

    async def drain(client: openai.AsyncOpenAI, thread: str) -> int:
        events = await client.beta.threads.runs.create(thread_id=thread, assistant_id=ASSISTANT, stream=True)
        return sum([event.event == "thread.message.delta" async for event in events])

    async def theirs() -> None:
        transport = canned(chunks)
        async with openai.AsyncOpenAI(api_key=KEY, http_client=FAMILY.AsyncClient(transport=transport)) as client:
            assert await drain(client, "thread_x") == DELTAS

    async def ours() -> None:
        async with openai.AsyncOpenAI(api_key=KEY) as client:
            thread = await client.beta.threads.create(messages=[{"role": "user", "content": "hi"}])
            assert await drain(client, thread.id) == DELTAS

    with fake_assistants() as fake:
        fake.add_assistant(ASSISTANT)
        fake.every_run(say(pieces=[f" word{number:04}" for number in range(DELTAS)]))
        times = Times(2 if quick else 15, fake=lambda: asyncio.run(ours()), canned=lambda: asyncio.run(theirs()))
    yield Result("1,000 deltas, async / the same chunks", times.ratio("fake", "canned"), 1.3, "x")


def memory(*, quick: bool) -> Iterator[Result]:
    """The peak of memory while a stream is read, of a long and a short one; without the text of the script."""

    def peak(deltas: int) -> float:
        fake = prepared(deltas)
        client = fake.client()
        thread = client.beta.threads.create(messages=[{"role": "user", "content": "hi"}]).id
        read(client, thread)
        thread = client.beta.threads.create(messages=[{"role": "user", "content": "hi"}]).id
        tracemalloc.start()
        events = client.beta.threads.runs.create(thread_id=thread, assistant_id=ASSISTANT, stream=True)
        most = 0.0
        with events:
            for number, event in enumerate(events):
                if event.event == "thread.message.delta" and number % 100 == 0:
                    most = max(most, tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        return most

    yield Result("memory while streaming 4,000 deltas / 1,000", peak(4 * DELTAS) / peak(DELTAS), 1.3, "x")
