"""Reads streams event by event, whatever the client: plain httpx or the SDK, sync or async."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Dict, NamedTuple  # noqa: UP035 - see JSON

import openai
import pytest
from shared_server import OVER_A_SOCKET, base_url

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness import FakeAssistants

# The oldest SDKs read nothing into a bare `object`; on Python 3.10 they take `dict[…]` for a class, and choke on `Any`.
JSON = Dict[str, object]  # noqa: UP006
ASSISTANT, THREAD = "asst_listening", "thread_listening"
AZURE = {"api_version": "2024-05-01-preview", "azure_endpoint": "https://mine.openai.azure.com"}

RAW = ("httpx", "async httpx", "httpx2", "async httpx2")
OWN = "httpx2" if int(openai.__version__.split(".")[0]) >= 3 else "httpx"  # what this SDK itself is built on
SOCKET = ("OpenAI over a socket", "AsyncOpenAI over a socket")
SDK = ("OpenAI", "AsyncOpenAI", "AsyncOpenAI on aiohttp", *SOCKET)
OTHERS = ("AzureOpenAI", "client()", "async_client()")
ASYNC = tuple(way for way in (*RAW, *SDK, *OTHERS) if "async" in way.lower())

# Parts of the orders of CONTRACT §5.2, in short names.
START = "run.created run.queued run.in_progress"
WRITING = "step.created step.in_progress message.created message.in_progress message.delta"
MESSAGE = f"{WRITING} message.completed step.completed"
CALLING = "step.created step.in_progress step.delta"
PLAIN = f"{START} {MESSAGE} run.completed"


class Event(NamedTuple):
    name: str
    data: Any


def story(events: list[Event]) -> str:
    """The names of events in short, repeated deltas as one."""
    names = [event.name.replace("thread.run.step", "step").replace("thread.run", "run") for event in events]
    names = [name.replace("thread.message", "message") for name in names]
    return " ".join(
        name for name, before in zip(names, ["", *names], strict=False) if name != before or "delta" not in name
    )


def named(events: list[Event], name: str) -> list[Any]:
    """The data of the events of this name."""
    return [event.data for event in events if event.name == name]


def text(events: list[Event]) -> str:
    """What the deltas of text say together."""
    parts = [part for data in named(events, "thread.message.delta") for part in data["delta"]["content"]]
    return "".join(part["text"]["value"] for part in parts if part["type"] == "text")


def available(way: str) -> str:
    """The same way to stream, or the test is skipped: ask before anything is scripted."""
    if way in RAW:
        name = way.removeprefix("async ")
        pytest.importorskip(name, reason=f"{name} is not installed with this SDK")
        return way
    runs = openai.OpenAI(api_key="sk-test").beta.threads.runs
    if "stream" not in inspect.signature(runs.create).parameters:
        pytest.skip(f"openai {openai.__version__} cannot stream runs")
    if "aiohttp" in way and not hasattr(openai, "DefaultAioHttpClient"):
        pytest.skip(f"openai {openai.__version__} has no aiohttp client")
    if "aiohttp" in way:
        pytest.importorskip("aiohttp", reason="aiohttp is not installed here")
    return way


@contextmanager
def calling(way: str, fake: FakeAssistants) -> Iterator[Caller]:
    """An available client, with an assistant and a thread to run on."""
    if all(thread.id != THREAD for thread in fake.threads):
        fake.add_assistant(ASSISTANT, instructions="Help.")
        fake.add_thread(THREAD)
    caller = (RawCaller if way in RAW else SdkCaller)(way, fake)
    try:
        yield caller
    finally:
        caller.close()


class Caller:
    """One client; an asynchronous one is driven on a loop of its own, so that a test reads like any other."""

    client: Any

    def __init__(self, way: str) -> None:
        self.asynchronous = "async" in way.lower()
        self.loop = asyncio.new_event_loop()
        self._streams: list[Stream] = []

    def wait(self, value: Any) -> Any:
        """The value, for which an asynchronous client makes us wait."""

        async def awaited() -> Any:
            return await value

        return self.loop.run_until_complete(awaited()) if inspect.isawaitable(value) else value

    def opened(self, events: Any, close: Any) -> Stream:
        self._streams.append(Stream(self, events, close))
        return self._streams[-1]

    def close(self) -> None:
        for stream in self._streams:
            stream.close()
        self.wait(self.client.aclose() if hasattr(self.client, "aclose") else self.client.close())
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        self.loop.close()


class Stream:
    """An open stream.

    Attributes:
        events: what an asynchronous test may iterate itself.
    """

    def __init__(self, caller: Caller, events: Any, close: Any) -> None:
        self.events = events
        self._caller = caller
        self._close = close

    def next(self) -> Event | None:
        end: Any = None
        if self._caller.asynchronous:
            return self._caller.wait(anext(self.events, end))
        return next(self.events, end)

    def __iter__(self) -> Iterator[Event]:
        return iter(self.next, None)

    def all(self) -> list[Event]:
        return list(self)

    def until(self, name: str, nth: int = 1) -> list[Event]:
        """The events as far as the nth of this name."""
        read = []
        while nth:
            event = self.next()
            assert event is not None, f"the stream ended before {name}: {story(read)}"
            read.append(event)
            nth -= event.name == name
        return read

    def close(self) -> None:
        self._caller.wait(self._close())


class SdkCaller(Caller):
    def __init__(self, way: str, fake: FakeAssistants) -> None:
        if way in ("client()", "async_client()"):
            self.client = getattr(fake, way.removesuffix("()"))()
        else:
            name, _, aiohttp = way.removesuffix(OVER_A_SOCKET).partition(" on ")
            options: dict[str, Any] = dict(AZURE) if name == "AzureOpenAI" else {}
            if way in SOCKET:
                options["base_url"] = base_url(fake)
            if aiohttp:
                options["http_client"] = openai.DefaultAioHttpClient()
            self.client = getattr(openai, name)(api_key="sk-test", **options)
        super().__init__(way)  # last, as a test is skipped where there is no server, and nobody closes its loop then

    def run(self, **body: Any) -> Stream:
        return self._open(self.client.beta.threads.runs.create, thread_id=THREAD, assistant_id=ASSISTANT, **body)

    def thread_and_run(self, **body: Any) -> Stream:
        return self._open(self.client.beta.threads.create_and_run, assistant_id=ASSISTANT, **body)

    def submit(self, run: Any, outputs: dict[str, str], **body: Any) -> Stream:
        return self._open(
            self.client.beta.threads.runs.submit_tool_outputs,
            thread_id=run["thread_id"],
            run_id=run["id"],
            tool_outputs=_listed(outputs),
            **body,
        )

    def _open(self, method: Any, **body: Any) -> Stream:
        stream = self.wait(method(stream=True, **body))
        return self.opened((_aevents if self.asynchronous else _events)(stream), stream.close)


def _event(event: Any) -> Event:
    """What the SDK hands over; of events whose name is not `thread.…` some versions show the data alone."""
    if getattr(event, "data", None) is None:
        return Event("", event.model_dump(exclude_unset=True, warnings=False))
    data = event.data
    return Event(event.event, data if isinstance(data, dict) else data.model_dump(exclude_unset=True, warnings=False))


def _events(stream: Any) -> Iterator[Event]:
    for event in stream:
        yield _event(event)


async def _aevents(stream: Any) -> Any:
    async for event in stream:
        yield _event(event)


class RawCaller(Caller):
    def __init__(self, way: str, fake: FakeAssistants) -> None:
        super().__init__(way)
        self.module = importlib.import_module(way.removeprefix("async "))
        self.client = self.module.AsyncClient() if self.asynchronous else self.module.Client()

    def run(self, **body: Any) -> Stream:
        return self._open(f"/threads/{THREAD}/runs", assistant_id=ASSISTANT, **body)

    def thread_and_run(self, **body: Any) -> Stream:
        return self._open("/threads/runs", assistant_id=ASSISTANT, **body)

    def submit(self, run: Any, outputs: dict[str, str], **body: Any) -> Stream:
        path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
        return self._open(path, tool_outputs=_listed(outputs), **body)

    def respond(self, path: str, *, api: str = "v2", timeout: float | None = None, **body: Any) -> Any:
        """The response to a request for a stream, not read yet."""
        request = self.client.build_request(
            "POST",
            f"https://api.openai.com/v1{path}",
            headers={"authorization": "Bearer sk-test", "openai-beta": f"assistants={api}"},
            json={"stream": True, **body},
            timeout=timeout,
        )
        return self.wait(self.client.send(request, stream=True))

    def chunks(self, response: Any) -> Stream:
        """The chunks of a response, as they come."""
        if self.asynchronous:
            return self.opened(response.aiter_raw(), response.aclose)
        return self.opened(response.iter_raw(), response.close)

    def _open(self, path: str, **body: Any) -> Stream:
        response = self.respond(path, **body)
        assert response.status_code == 200
        assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
        if self.asynchronous:
            return self.opened(_aparsed(response.aiter_raw()), response.aclose)
        return self.opened(_parsed(response.iter_raw()), response.close)


class Parser:
    """Makes events of bytes, strictly: an `event` line, a `data` line and a blank one each; `done` is the last."""

    def __init__(self) -> None:
        self._rest = b""
        self._open: list[str] = []
        self._done = False

    def add(self, chunk: bytes) -> list[Event]:
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        events = [self._line(line.removesuffix(b"\r").decode()) for line in lines]
        return [event for event in events if event is not None]

    def _line(self, line: str) -> Event | None:
        if line.startswith(":"):
            return None
        if line:
            self._open.append(line)
            return None
        read, self._open = self._open, []
        if not read:  # the blank line behind a comment
            return None
        assert not self._done, f"{read} comes after done"
        event, data = read
        self._done = (event, data) == ("event: done", "data: [DONE]")
        if self._done:
            return None
        assert (event[:7], data[:6]) == ("event: ", "data: ")
        return Event(event[7:], json.loads(data[6:]))

    def end(self) -> None:
        assert self._done, "the stream ended without done"


def _parsed(chunks: Any) -> Iterator[Event]:
    parser = Parser()
    for chunk in chunks:
        yield from parser.add(chunk)
    parser.end()


async def _aparsed(chunks: Any) -> Any:
    parser = Parser()
    async for chunk in chunks:
        for event in parser.add(chunk):
            yield event
    parser.end()


def _listed(outputs: dict[str, str]) -> list[dict[str, str]]:
    return [{"tool_call_id": call, "output": output} for call, output in outputs.items()]
