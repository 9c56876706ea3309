"""httpx and httpx2 are one family, the same classes under two names: code here is handed the module to serve.

Start at `transport`. The two conversions below it are all that is known of the family's own values.
"""

from __future__ import annotations

from importlib import import_module
from itertools import count
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from harness.service.http import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType

    from harness.service.http import Response

MOST_HEADERS = 256  # sets of headers that a reader keeps, for clients that send another one with every request

_numbers = count(1)
_identities: WeakKeyDictionary[object, int] = WeakKeyDictionary()


def transport(module: ModuleType, answer: Callable[[Request], Response]) -> Any:
    """A `MockTransport` of `module` that asks `answer`; it serves `Client` and `AsyncClient` alike.

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
        return to_response(module, answer(reader.read(request, client)))

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
        return Request(request.method, str(request.url), headers, request.content, client)


def to_response(module: ModuleType, response: Response) -> Any:
    """The answer as `module` receives it from a socket: unread, with no header that the service did not send.

    Given as `content=` the body would count as read already, and a content-length would be made up.
    """
    return module.Response(
        response.status, headers=list(response.headers.items()), stream=module.ByteStream(response.body)
    )
