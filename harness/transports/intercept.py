"""`intercept` is the border between this process's HTTP clients and the network, with the fake at the gate.

Clients of httpx and httpx2 meet it in their default transports, whoever built them and whenever. All other
libraries meet the `guards`, where a host of the fake is refused rather than called for real.
"""

from __future__ import annotations

import ssl
import sys
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial, wraps
from importlib import import_module
from inspect import signature
from typing import TYPE_CHECKING, Any

from harness.loopback import address_of, is_loopback
from harness.patching import retire, unwrap_retired
from harness.transports.guards import watched
from harness.transports.httpx_family import Reader, ask, identity, let_others_run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import ModuleType
    from typing import TypeAlias

    from harness.failures import HarnessFailure
    from harness.service.http import Request, Response
    from harness.transports.guards import Function, Patch

    Place: TypeAlias = Callable[[str, "int | None"], bool]
    """Whether a host and a port of it, None if that is not known, are meant."""

FAMILIES = ("httpx", "httpx2")
USUAL_PORTS = {"http": 80, "https": 443}


@contextmanager
def intercept(
    answer: Callable[[Request], Response],
    *,
    serves: Place,
    guards: Place,
    blocked: Callable[..., HarnessFailure],
    block_other_hosts: bool = False,
    pause: Callable[[float], Awaitable[None]] = let_others_run,
) -> Iterator[None]:
    """While active, requests to a host and port that `serves` accepts go to `answer` instead of the network.

    Served are all clients on httpx and httpx2, sync and async, built before or meanwhile, whose transport is
    the default one (`HTTPTransport`, `AsyncHTTPTransport`, with or without a proxy), one named after aiohttp, as that
    behind `openai.DefaultAioHttpClient` is, or a subclass or wrapper of these. A client with another transport,
    such as a `MockTransport`, has been told where to go and goes there.

    Nothing else reaches a host and port that `guards` accepts: whatever looks it up or connects to it by `socket`, or
    asks a proxy for it by `http.client` (requests, urllib), and aiohttp in any way gets `blocked("connect", host,
    ours=True)`. With `block_other_hosts` this holds for every host but this machine, and a client of httpx gets
    `blocked(method, url, ours=False)`. Out of the guards' sight are connections that uvloop makes for others than
    aiohttp, libraries in C such as curl, and other processes.

    What surprises:

    - A default transport built meanwhile makes its connection pool and TLS context at its first real request,
      be it after the end; so a bad certificate path is reported, and `SSL_CERT_FILE` read, only then.
    - vcrpy: whichever was entered last sees a request first. With the cassette outside, the fake answers its
      hosts and the cassette sees the others. With `use_cassette` inside, the cassette replays what it holds,
      and the fake's answers to the rest are recorded in it; only aiohttp transports go straight to the fake.
    - Interceptions nest, and the inner one is asked first. They may end in any order.

    `pause` is awaited while a stream has nothing for an async client, with the virtual seconds until it has.

    Imports openai, which takes a second the first time.

    Raises, in the client: what `answer` raises, and what `blocked` returns; from any thread.
    """
    border = _Border(answer, serves, guards, blocked, block_other_hosts, pause)
    with ExitStack() as restored:
        for owner, name, wrap in _patches(border):
            restored.enter_context(_replaced(owner, name, wrap))
        try:
            yield
        finally:
            # a function that somebody took hold of meanwhile, as vcrpy does on import, must turn transparent
            border.live = False


@dataclass(eq=False)
class _Border:
    """The rules of one interception, which all its patches ask."""

    answer: Callable[[Request], Response]
    serves: Place
    guards: Place
    blocked: Callable[..., HarnessFailure]
    block_other_hosts: bool
    pause: Callable[[float], Awaitable[None]]
    live: bool = True
    reader: Reader = field(default_factory=Reader)

    def takes(self, request: Any) -> bool:
        """Whether the fake answers this request; raises `blocked` if nobody may."""
        if not self.live:
            return False
        url = request.url
        if self.serves(url.host, url.port or USUAL_PORTS.get(url.scheme)):
            return True
        if self._bars(url.host):
            raise self.blocked(request.method, str(url), ours=False)
        return False

    def watch(self, host: str | bytes | bytearray, port: object) -> None:
        """Raise `blocked` if there must be no connection to this host, in whatever form a library names the two."""
        name = (host if isinstance(host, str) else host.decode("latin-1")).rstrip(".").lower()
        if self.live and ((ours := self.guards(name, _number(port))) or self._bars(name)):
            raise self.blocked("connect", name, ours=ours)

    def _bars(self, host: str) -> bool:
        return self.block_other_hosts and not _is_this_machine(host)


def _number(port: object) -> int | None:
    """A port as libraries name it: by a number, its digits, or the name of its service."""
    name = port.decode("latin-1") if isinstance(port, bytes) else port
    if isinstance(name, str):
        return int(name) if name.isdecimal() else USUAL_PORTS.get(name)
    return name if isinstance(name, int) else None


def _is_this_machine(host: str) -> bool:
    address = address_of(host)  # who connects to an unspecified one reaches this machine, too
    return host == "" or is_loopback(host) or (address is not None and address.is_unspecified)


@contextmanager
def _replaced(owner: Any, name: str, wrap: Callable[[Function], Function]) -> Iterator[None]:
    original = getattr(owner, name)
    replacement = wrap(original)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        retire(replacement)
        if getattr(owner, name) is replacement:  # else somebody has replaced it in turn, and restores it in turn
            setattr(owner, name, unwrap_retired(original))
            if any(vars(base).get(name) is unwrap_retired(original) for base in getattr(owner, "__mro__", ())[1:]):
                delattr(owner, name)  # it was inherited


def _patches(border: _Border) -> Iterator[Patch]:
    """All that an interception replaces."""
    import_module("openai")  # brings its family and its aiohttp transport into sys.modules
    for family in _installed(FAMILIES):
        serve, serve_async = partial(_serving, border, family), partial(_serving_async, border, family)
        for owner, name, wrap in (
            (family.HTTPTransport, "handle_request", serve),
            (family.AsyncHTTPTransport, "handle_async_request", serve_async),
        ):
            yield owner, name, wrap
            yield owner, "__init__", partial(_deferring_pool, owner)
            yield from _vcr_copies(f"_{family.__name__.title()}{owner.__name__}_{name}", wrap)
        for transport in _over_aiohttp(family.AsyncBaseTransport):
            yield transport, "handle_async_request", serve_async
            if {"verify", "cert", "client"} <= signature(transport).parameters.keys():
                yield transport, "__init__", partial(_deferring_session, transport)
    yield from watched(border.watch)


def _installed(names: tuple[str, ...]) -> Iterator[ModuleType]:
    for name in names:
        with suppress(ImportError):
            yield import_module(name)


def _over_aiohttp(base: type[Any]) -> Iterator[type[Any]]:
    """Transports that hand requests to aiohttp: httpx-aiohttp's, and its descendants under the same name.

    The SDK has a copy of its own, and so has litellm, whose async clients for Azure are the SDK's on that transport.
    """
    for transport in base.__subclasses__():
        if "handle_async_request" not in vars(transport):
            yield from _over_aiohttp(transport)
        elif "aiohttp" in transport.__name__.lower():
            yield transport


def _vcr_copies(name: str, wrap: Callable[[Function], Function]) -> Iterator[Patch]:
    """vcrpy asks for what a cassette lacks not the class but its own copy of the method, made on import."""
    patch = sys.modules.get("vcr.patch")
    name = name.replace("HTTPTransport", "HttpTransport")
    if hasattr(patch, name):
        yield patch, name, wrap


def _serving(border: _Border, family: ModuleType, original: Function) -> Function:
    @wraps(original)
    def handle_request(self: Any, request: Any) -> Any:
        if not border.takes(request):
            return original(self, request)
        request.read()
        return ask(family, border.answer, border.reader.read(request, identity(self)), border.pause)

    return handle_request


def _serving_async(border: _Border, family: ModuleType, original: Function) -> Function:
    @wraps(original)
    async def handle_async_request(self: Any, request: Any) -> Any:
        if not border.takes(request):
            return await original(self, request)
        await let_others_run(0)  # as they run while a real request is under way: else their races would not show
        await request.aread()
        return ask(family, border.answer, border.reader.read(request, identity(self)), border.pause)

    return handle_async_request


def _deferring_pool(owner: type[Any], original: Function) -> Function:
    """An `__init__` that leaves the pool, and with it 30 ms of TLS context, to the first real request."""

    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        def build() -> Any:
            # on an instance of its own, so that a client and its pool do not keep each other alive
            bare = object.__new__(owner)
            original(bare, *args, **kwargs)
            return bare._pool

        signature(original).bind(self, *args, **kwargs)  # a wrong argument is a TypeError at once, as ever
        self._pool = _DeferredPool(build)

    return init


def _deferring_session(owner: type[Any], original: Function) -> Function:
    """The same for an aiohttp transport, which makes the context at once but takes a factory of sessions."""

    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        def build() -> Any:
            bare = object.__new__(owner)
            original(bare, *args, **kwargs)
            return bare.get_client()

        given = signature(original).bind(self, *args, **kwargs)
        # never used: it is for a session that the transport makes itself, and `build` makes that one instead
        cheap_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client = given.arguments.get("client") or build
        given.arguments.update(verify=cheap_context, cert=None, client=client)
        original(*given.args, **given.kwargs)

    return init


class _DeferredPool:
    """Stands where a transport keeps its connection pool; builds the real one when anything is asked of it.

    Opening and closing is not asking: a pool that was never used has nothing to open or to close.
    """

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._built: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        if not self._built:
            self._built.append(self._build())
        return getattr(self._built[0], name)  # of two threads that built at once, both go on with the first

    def __enter__(self) -> _DeferredPool:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def close(self) -> None:
        for pool in self._built:
            pool.close()

    async def __aenter__(self) -> _DeferredPool:
        return self

    async def __aexit__(self, *raised: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        for pool in self._built:
            await pool.aclose()
