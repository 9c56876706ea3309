"""httpx and httpx2 are one family, the same classes under two names: code here is handed the module to serve.

Start at `transport`. The two conversions below it are all that is known of the family's own values.
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
"""What the libraries call what happened on the wire."""

MOST_HEADERS = 256  # sets of headers that a reader keeps, for clients that send another one with every request

NO_TIMEOUT: Mapping[str, float | None] = {}

_numbers = count(1)
_identities: WeakKeyDictionary[object, int] = WeakKeyDictionary()


async def let_others_run(seconds: float) -> None:
    """What an async client does while a stream has nothing for it: the rest of the loop gets a turn."""
    await anyio.sleep(0)


def transport(
    module: ModuleType,
    answer: Callable[[Request], Response],
    pause: Callable[[float], Awaitable[None]] = let_others_run,
) -> Any:
    """A `MockTransport` of `module` that asks `answer`; it serves `Client` and `AsyncClient` alike.

    `pause` is what an `AsyncClient` does while a stream has nothing for it.

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
    reader = Reader()

    def handle(request: Any) -> Any:
        return ask(module, answer, reader.read(request, client), pause)

    return module.MockTransport(handle)


def of_the_sdk() -> ModuleType:
    """The module that the installed openai is built on: httpx up to 2.x, httpx2 from 3.0 on."""
    major = int(import_module("openai").__version__.split(".")[0])
    return import_module("httpx2" if major >= 3 else "httpx")


def identity(transport: object) -> int:
    """A number that stays with one intercepted transport, hence with one client, and is never used again.

    An `id()` would be used again; the object itself would not survive a copy of whatever has noted it. The
    value means nothing.
    """
    number = _identities.get(transport)
    # setdefault: two threads may send their first request through one client at the same moment
    return number or _identities.setdefault(transport, next(_numbers))


class Reader:
    """Turns requests into the service's own.

    Most requests of a client carry the very same headers, so those are decoded and kept once. They hold a key,
    which is why the memory belongs to a reader and goes with it.
    """

    def __init__(self) -> None:
        self._headers: dict[tuple[tuple[bytes, bytes], ...], Mapping[str, str]] = {}

    def read(self, request: Any, client: int) -> Request:
        """The service's view of a request whose body has been read: call `read()` or `await aread()` first.

        A header that was sent twice has its values joined by a comma, as HTTP has it.
        """
        raw = tuple(request.headers.raw)
        headers = self._headers.get(raw)
        if headers is None:
            if len(self._headers) >= MOST_HEADERS:
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
    """What `answer` has to say to a request, as `module` receives it.

    Raises:
        An error of `module`: what happened on the wire.
    """
    try:
        response = answer(request)
    except WireFailure as failure:
        raise of_the_library(module, failure) from failure
    return to_response(module, response, request.patience, pause)


def of_the_library(module: ModuleType, failure: WireFailure) -> Exception:
    """What a client of `module` raises for it."""
    error: Exception = getattr(module, ERRORS[type(failure)])(str(failure))
    return error


def to_response(
    module: ModuleType, response: Response, patience: float | None, pause: Callable[[float], Awaitable[None]]
) -> Any:
    """The answer as `module` receives it from a socket: unread, with no header that the service did not send.

    Given as `content=` the body would count as read already, and a content-length would be made up.
    """
    if isinstance(response.body, bytes):
        stream = module.ByteStream(response.body)
    else:
        stream = _live_stream(module)(response.body, patience, pause)
    return module.Response(response.status, headers=list(response.headers.items()), stream=stream)


@cache
def _live_stream(module: ModuleType) -> Any:
    """A stream of `module`, sync and async, whose chunks are made when they are read."""

    class LiveStream(module.SyncByteStream, module.AsyncByteStream):  # type: ignore[name-defined, misc]
        def __init__(self, body: Body, patience: float | None, pause: Callable[[float], Awaitable[None]]) -> None:
            self._body = body
            self._patience = patience
            self._pause = pause

        def _read(self, patience: float | None) -> bytes | None:
            try:
                return self._body.read(patience)
            except WireFailure as failure:
                raise of_the_library(module, failure) from failure

        def __iter__(self) -> Iterator[bytes]:
            while (chunk := self._read(self._patience)) is not None:
                yield chunk

        async def __aiter__(self) -> AsyncIterator[bytes]:
            while (chunk := self._read(await self._sit_out())) is not None:
                yield chunk

        async def _sit_out(self) -> float | None:
            """Let others run until there is something to read; how patient the client is by then."""
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
