"""Transports for httpx and httpx2, which have the same classes under two names: functions here take the module.

Start at `transport`. `RequestReader` and `library_response` convert between their values and the service's.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import anyio

from harness.service.http import ConnectFailed, ConnectionLost, ReadTimeout, Request, WireFailure

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
    from types import ModuleType

    from harness.service.http import Body, Response

ERRORS = {ConnectFailed: "ConnectError", ConnectionLost: "RemoteProtocolError", ReadTimeout: "ReadTimeout"}
"""The name of the libraries' exception for each wire failure."""

MAX_HEADERS = 256  # that a reader caches: some clients send other headers with every request

NO_TIMEOUT: Mapping[str, float | None] = {}

_numbers = count(1)
_client_numbers: WeakKeyDictionary[object, int] = WeakKeyDictionary()


async def yield_to_loop(seconds: float) -> None:
    """Let other tasks of the event loop run once, however many `seconds` a stream has no chunk for."""
    await anyio.sleep(0)


def transport(
    module: ModuleType,
    answer: Callable[[Request], Response],
    pause: Callable[[float], Awaitable[None]] = yield_to_loop,
) -> Any:
    """A `MockTransport` of `module` that calls `answer`; for `Client` and `AsyncClient` alike.

    `pause` is awaited by an `AsyncClient` while a stream has no chunk for it.

    It is a plain `MockTransport`, because vcrpy patches that class's methods by name: it records nothing of a
    `BaseTransport`, nor of a subclass with methods of its own, and says nothing about it.

    >>> import httpx
    >>> from harness.service.http import Response
    >>> teapot = transport(httpx, lambda request: Response(418, {}, request.path.encode()))
    >>> with httpx.Client(transport=teapot) as client:
    ...     client.get("http://kitchen/tea").text
    '/tea'
    """
    client = next(_numbers)
    reader = RequestReader()

    def handle(request: Any) -> Any:
        return ask(module, answer, reader.read(request, client), pause)

    return module.MockTransport(handle)


def sdk_http_library() -> ModuleType:
    """The HTTP library that the installed openai uses: httpx up to 2.x, httpx2 from 3.0 on."""
    major = int(import_module("openai").__version__.split(".")[0])
    return import_module("httpx2" if major >= 3 else "httpx")


def client_number(transport: object) -> int:
    """A number that identifies an intercepted transport, and so a client; it is never reused.

    An `id()` would be reused, and a reference to the object would not survive a copy of what holds it.
    """
    number = _client_numbers.get(transport)
    # setdefault: two threads may send their first request through one client at the same moment
    return number or _client_numbers.setdefault(transport, next(_numbers))


class RequestReader:
    """Converts requests of the libraries into the service's own.

    Most requests of a client have the same headers, so decoded headers are cached. They contain an API key, which
    is why the cache belongs to the reader and not to the module.
    """

    def __init__(self) -> None:
        self._headers: dict[tuple[tuple[bytes, bytes], ...], Mapping[str, str]] = {}

    def read(self, request: Any, client: int) -> Request:
        """The service's form of a request whose body has been read: call `read()` or `await aread()` first.

        The values of a header that was sent twice are joined by a comma, as in HTTP.
        """
        raw = tuple(request.headers.raw)
        headers = self._headers.get(raw)
        if headers is None:
            if len(self._headers) >= MAX_HEADERS:
                self._headers.clear()
            names = dict.fromkeys(name.decode("latin-1").lower() for name, _ in raw)
            headers = self._headers[raw] = {name: request.headers[name] for name in names}
        patience = request.extensions.get("timeout", NO_TIMEOUT).get("read")
        return Request(request.method, str(request.url), headers, request.content, client, patience)


def ask(
    module: ModuleType,
    answer: Callable[[Request], Response],
    request: Request,
    pause: Callable[[float], Awaitable[None]],
) -> Any:
    """The answer to a request, as a response of `module`.

    Raises:
        An exception of `module`: for a failure on the wire.
    """
    try:
        response = answer(request)
    except WireFailure as failure:
        raise library_error(module, failure) from failure
    return library_response(module, response, request.patience, pause)


def library_error(module: ModuleType, failure: WireFailure) -> Exception:
    """The exception of `module` for a wire failure."""
    error: Exception = getattr(module, ERRORS[type(failure)])(str(failure))
    return error


def library_response(
    module: ModuleType, response: Response, patience: float | None, pause: Callable[[float], Awaitable[None]]
) -> Any:
    """The response of `module`, as if it came from a socket: unread, and with only the headers that the service sent.

    With `content=`, the body would count as read already, and a content-length would be added.
    """
    if isinstance(response.body, bytes):
        stream = module.ByteStream(response.body)
    else:
        stream = _live_stream(module)(response.body, patience, pause)
    return module.Response(response.status, headers=list(response.headers.items()), stream=stream)


@cache
def _live_stream(module: ModuleType) -> Any:
    """The class of streams of `module`, sync and async, whose chunks are made when they are read."""

    class LiveStream(module.SyncByteStream, module.AsyncByteStream):  # type: ignore[name-defined, misc]
        def __init__(self, body: Body, patience: float | None, pause: Callable[[float], Awaitable[None]]) -> None:
            self._body = body
            self._patience = patience
            self._pause = pause

        def _read(self, patience: float | None) -> bytes | None:
            try:
                return self._body.read(patience)
            except WireFailure as failure:
                raise library_error(module, failure) from failure

        def __iter__(self) -> Iterator[bytes]:
            while (chunk := self._read(self._patience)) is not None:
                yield chunk

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while (chunk := self._read(await self._pause_until_due())) is not None:
                yield chunk

        async def _pause_until_due(self) -> float | None:
            """Let other tasks run until a chunk is due; returns what is left of the client's read timeout."""
            left = self._patience
            while left != 0 and 0 < (seconds := min(self._body.wait(), inf if left is None else left)) < inf:
                before = self._body.now
                await self._pause(seconds)
                passed = self._body.now - before
                if not passed:  # pausing moves no time here: reading will
                    break
                left = None if left is None else max(0.0, left - passed)
            return left

        def close(self) -> None:
            self._body.close()

        async def aclose(self) -> None:
            self._body.close()

    return LiveStream
