"""Intercepts the HTTP requests of this process: those to the fake's hosts are answered by the fake.

Clients of httpx and httpx2 are intercepted in their default transports, whoever built them and whenever. Other
libraries cannot be answered: the `guards` block their connections to the fake's hosts.
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
from harness.transports.guards import guard_patches
from harness.transports.httpx_family import RequestReader, ask, client_number, yield_to_loop

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import ModuleType
    from typing import TypeAlias

    from harness.failures import HarnessFailure
    from harness.service.http import Request, Response
    from harness.transports.guards import Function, Patch

    HostMatcher: TypeAlias = Callable[[str, "int | None"], bool]
    """Whether it accepts a host and a port, which is None where it is not known."""

FAMILIES = ("httpx", "httpx2")
USUAL_PORTS = {"http": 80, "https": 443}


@contextmanager
def intercept(
    answer: Callable[[Request], Response],
    *,
    serves: HostMatcher,
    guards: HostMatcher,
    blocked: Callable[..., HarnessFailure],
    block_other_hosts: bool = False,
    pause: Callable[[float], Awaitable[None]] = yield_to_loop,
) -> Iterator[None]:
    """While active, requests to a host and port that `serves` accepts go to `answer` instead of the network.

    Answered are all clients of httpx and httpx2, sync and async, built before or meanwhile, whose transport is
    the default one (`HTTPTransport`, `AsyncHTTPTransport`, with or without a proxy), one named after aiohttp, as that
    behind `openai.DefaultAioHttpClient` is, or a subclass or wrapper of these. A client with another transport,
    such as a `MockTransport`, is left alone.

    Nothing else reaches a host and port that `guards` accepts: `blocked("connect", host, ours=True)` is raised in
    whatever looks it up or connects to it by `socket`, or asks a proxy for it by `http.client` (requests, urllib), and
    in aiohttp. With `block_other_hosts` this holds for every host but this machine, and a client of httpx gets
    `blocked(method, url, ours=False)`. Not guarded are connections that uvloop makes for other libraries than aiohttp,
    libraries in C such as curl, and other processes.

    What surprises:

    - A default transport built meanwhile makes its connection pool and TLS context at its first real request,
      be it after the end; so a bad certificate path is reported, and `SSL_CERT_FILE` read, only then.
    - vcrpy: whichever was entered last sees a request first. With the cassette outside, the fake answers its
      hosts and the cassette sees the others. With `use_cassette` inside, the cassette replays what it holds,
      and the fake's answers to the rest are recorded in it; only aiohttp transports go straight to the fake.
    - Instrumentations by wrapt, as OpenTelemetry's, see the requests, whenever they began.
    - Interceptions nest, and the inner one is asked first. They may end in any order.

    `pause` is awaited while a stream has no chunk for an async client, with the virtual seconds until it has.

    Imports openai, which takes a second the first time.

    Raises, in the client: what `answer` raises, and what `blocked` returns; from any thread.
    """
    interception = _Interception(answer, serves, guards, blocked, block_other_hosts, pause)
    with ExitStack() as restored:
        for owner, name, wrap in _patches(interception):
            restored.enter_context(_replaced(owner, name, wrap))
        try:
            yield
        finally:
            # whoever kept a reference to a patched function, as vcrpy does on import, calls the original from now on
            interception.live = False


@dataclass(eq=False)
class _Interception:
    """The rules of one interception, shared by all its patches."""

    answer: Callable[[Request], Response]
    serves: HostMatcher
    guards: HostMatcher
    blocked: Callable[..., HarnessFailure]
    block_other_hosts: bool
    pause: Callable[[float], Awaitable[None]]
    live: bool = True
    reader: RequestReader = field(default_factory=RequestReader)

    def answers(self, request: Any) -> bool:
        """Whether the fake answers this request; raises `blocked` if it must not be sent at all."""
        if not self.live:
            return False
        url = request.url
        if self.serves(url.host, url.port or USUAL_PORTS.get(url.scheme)):
            return True
        if self._is_blocked(url.host):
            raise self.blocked(request.method, str(url), ours=False)
        return False

    def watch(self, host: str | bytes | bytearray, port: object) -> None:
        """Raise `blocked` if this host must not be connected to; libraries pass host and port in various forms."""
        name = (host if isinstance(host, str) else host.decode("latin-1")).rstrip(".").lower()
        if self.live and ((ours := self.guards(name, _port_number(port))) or self._is_blocked(name)):
            raise self.blocked("connect", name, ours=ours)

    def _is_blocked(self, host: str) -> bool:
        return self.block_other_hosts and not _is_local(host)


def _port_number(port: object) -> int | None:
    """The number of a port that is given as a number, as digits, or as the name of a service."""
    name = port.decode("latin-1") if isinstance(port, bytes) else port
    if isinstance(name, str):
        return int(name) if name.isdecimal() else USUAL_PORTS.get(name)
    return name if isinstance(name, int) else None


def _is_local(host: str) -> bool:
    address = address_of(host)  # a connection to an unspecified one reaches this machine, too
    return host == "" or is_loopback(host) or (address is not None and address.is_unspecified)


@contextmanager
def _replaced(owner: Any, name: str, wrap: Callable[[Function], Function]) -> Iterator[None]:
    owner, name = _beneath_proxies(owner, name)
    original = getattr(owner, name)
    replacement = wrap(original)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        retire(replacement)
        if getattr(owner, name) is replacement:  # else somebody has patched it since, and will restore it
            setattr(owner, name, unwrap_retired(original))
            if any(vars(base).get(name) is unwrap_retired(original) for base in getattr(owner, "__mro__", ())[1:]):
                delattr(owner, name)  # it was inherited


def _beneath_proxies(owner: Any, name: str) -> tuple[Any, str]:
    """Where a function itself is, beneath the proxies of wrapt by which OpenTelemetry makes spans of its calls."""
    function = vars(owner).get(name)
    while hasattr(function, "_self_wrapper"):
        owner, name, function = function, "__wrapped__", function.__wrapped__
    return owner, name


def _patches(interception: _Interception) -> Iterator[Patch]:
    """The patches of an interception."""
    import_module("openai")  # imports its HTTP library and its aiohttp transport
    for family in _import_installed(FAMILIES):
        serve, serve_async = partial(_answering, interception, family), partial(_answering_async, interception, family)
        for owner, name, wrap in (
            (family.HTTPTransport, "handle_request", serve),
            (family.AsyncHTTPTransport, "handle_async_request", serve_async),
        ):
            yield owner, name, wrap
            yield owner, "__init__", partial(_deferring_pool, owner)
            yield from _vcr_copies(f"_{family.__name__.title()}{owner.__name__}_{name}", wrap)
        for transport in _aiohttp_transports(family.AsyncBaseTransport):
            yield transport, "handle_async_request", serve_async
            if {"verify", "cert", "client"} <= signature(transport).parameters.keys():
                yield transport, "__init__", partial(_deferring_session, transport)
    yield from guard_patches(interception.watch)


def _import_installed(names: tuple[str, ...]) -> Iterator[ModuleType]:
    for name in names:
        with suppress(ImportError):
            yield import_module(name)


def _aiohttp_transports(base: type[Any]) -> Iterator[type[Any]]:
    """Transport classes that pass requests to aiohttp: httpx-aiohttp's, and subclasses with aiohttp in their name.

    The SDK has a copy of its own, and so has litellm, whose async clients for Azure are the SDK's on that transport.
    """
    for transport in base.__subclasses__():
        if "handle_async_request" not in vars(transport):
            yield from _aiohttp_transports(transport)
        elif "aiohttp" in transport.__name__.lower():
            yield transport


def _vcr_copies(name: str, wrap: Callable[[Function], Function]) -> Iterator[Patch]:
    """The patch of vcrpy's own copy of a method, made on import, by which it sends what a cassette lacks."""
    patch = sys.modules.get("vcr.patch")
    name = name.replace("HTTPTransport", "HttpTransport")
    if hasattr(patch, name):
        yield patch, name, wrap


def _answering(interception: _Interception, family: ModuleType, original: Function) -> Function:
    @wraps(original)
    def handle_request(self: Any, request: Any) -> Any:
        if not interception.answers(request):
            return original(self, request)
        request.read()
        sent = interception.reader.read(request, client_number(self))
        return ask(family, interception.answer, sent, interception.pause)

    return handle_request


def _answering_async(interception: _Interception, family: ModuleType, original: Function) -> Function:
    @wraps(original)
    async def handle_async_request(self: Any, request: Any) -> Any:
        if not interception.answers(request):
            return await original(self, request)
        await yield_to_loop(0)  # as during a real request: else races between tasks would stay hidden
        await request.aread()
        sent = interception.reader.read(request, client_number(self))
        return ask(family, interception.answer, sent, interception.pause)

    return handle_async_request


def _deferring_pool(owner: type[Any], original: Function) -> Function:
    """An `__init__` that builds the pool, and its TLS context of 30 ms, only at the first real request."""

    @wraps(original)
    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        def build() -> Any:
            # on an instance of its own, so that a client and its pool do not keep each other alive
            bare = object.__new__(owner)
            original(bare, *args, **kwargs)
            return bare._pool

        signature(original).bind(self, *args, **kwargs)  # a wrong argument is still a TypeError at once
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
        # never used: it is for the session that `build` makes in the transport's place
        cheap_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client = given.arguments.get("client") or build
        given.arguments.update(verify=cheap_context, cert=None, client=client)
        original(*given.args, **given.kwargs)

    return init


class _DeferredPool:
    """In place of a transport's connection pool: builds the real one on first use.

    Opening and closing are no use: a pool that was never used has nothing to open or to close.
    """

    def __init__(self, build: Callable[[], Any]) -> None:
        self._build = build
        self._built: list[Any] = []

    def __getattr__(self, name: str) -> Any:
        if not self._built:
            self._built.append(self._build())
        return getattr(self._built[0], name)  # if two threads build one at once, both use the first

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
