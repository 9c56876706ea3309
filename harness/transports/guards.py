"""Guards on the connections of libraries that the fake does not answer: they learn of a host before it is contacted.

Each guard wraps a function of a library and first calls `watch(host, port)`, which raises if that host is blocked.
"""

from __future__ import annotations

import http.client
import socket
import sys
from functools import partial, wraps
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias
    from urllib.parse import SplitResult

    Function: TypeAlias = Callable[..., Any]
    Watch: TypeAlias = Callable[[str | bytes | bytearray, object], None]
    Patch: TypeAlias = tuple[Any, str, Callable[[Function], Function]]
    """An owner, the name of a function in it, and what wraps that function."""

LOCAL_CONNECTORS = ("UnixConnector", "NamedPipeConnector")
WITH_PORTS = (socket.AF_INET, socket.AF_INET6)


def guard_patches(watch: Watch) -> Iterator[Patch]:
    """The patches of all guarded functions."""
    yield socket, "getaddrinfo", partial(_guard_getaddrinfo, watch)
    for name in ("connect", "connect_ex"):
        yield socket.socket, name, partial(_guard_connect, watch)
    # host names behind a proxy are resolved by the proxy; within a cassette of vcrpy, the name stands for vcrpy's class
    connection = getattr(http.client.HTTPConnection, "_baseclass", http.client.HTTPConnection)
    yield connection, "set_tunnel", partial(_guard_set_tunnel, watch)
    yield connection, "putrequest", partial(_guard_putrequest, watch)
    aiohttp = sys.modules.get("aiohttp")
    if aiohttp is not None:
        yield aiohttp.BaseConnector, "connect", partial(_guard_aiohttp, watch)


def _guard_getaddrinfo(watch: Watch, original: Function) -> Function:
    @wraps(original)
    def getaddrinfo(host: str | bytes | None, port: Any, *args: Any, **kwargs: Any) -> Any:
        watch(host or "", port)
        return original(host, port, *args, **kwargs)

    return getaddrinfo


def _guard_connect(watch: Watch, original: Function) -> Function:
    """For numeric addresses, which are not looked up, and for names that were looked up without `getaddrinfo`."""

    @wraps(original)
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in WITH_PORTS and self.type != socket.SOCK_DGRAM and _is_host_and_port(address):
            watch(*address[:2])
        return original(self, address)

    return connect


def _is_host_and_port(given: Any) -> bool:
    """Whether an address is of that form; of any other, the original function complains."""
    return isinstance(given, tuple) and len(given) > 1 and isinstance(given[0], (str, bytes, bytearray))


def _guard_set_tunnel(watch: Watch, original: Function) -> Function:
    @wraps(original)
    def set_tunnel(self: http.client.HTTPConnection, host: str, port: int | None = None, *args: Any, **kw: Any) -> Any:
        target = urlsplit(f"//{host}")  # as in the original, the host may include the port
        watch(target.hostname or "", port or _port_of(target) or self.default_port)
        return original(self, host, port, *args, **kw)

    return set_tunnel


def _guard_putrequest(watch: Watch, original: Function) -> Function:
    """A plain HTTP request through a proxy has its whole URL in the request line."""

    @wraps(original)
    def putrequest(self: http.client.HTTPConnection, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        if not url.startswith("/"):
            target = urlsplit(url)
            watch(target.hostname or "", _port_of(target) or target.scheme)
        return original(self, method, url, *args, **kwargs)

    return putrequest


def _port_of(target: SplitResult) -> int | None:
    try:
        return target.port
    except ValueError:  # the library may accept it, or raises its own error
        return None


def _guard_aiohttp(watch: Watch, original: Function) -> Function:
    """aiohttp talks to proxies itself, and may look up names without `socket`: by c-ares, or by uvloop.

    With a Unix socket or a Windows pipe, the name in the URL is not that of a host.
    """

    @wraps(original)
    async def connect(self: Any, req: Any, *args: Any, **kwargs: Any) -> Any:
        if type(self).__name__ not in LOCAL_CONNECTORS:
            watch(req.url.host or "", req.url.port)
        return await original(self, req, *args, **kwargs)

    return connect
