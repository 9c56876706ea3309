"""Where libraries that the fake does not answer say which host they want, in a way that it can hear before they get it.

Each guard wraps a function of a library and calls `watch(host, port)` first, which raises if nobody may.
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
    """An owner, a name in it, and what to make of the function it names."""

LOCAL_CONNECTORS = ("UnixConnector", "NamedPipeConnector")
WITH_PORTS = (socket.AF_INET, socket.AF_INET6)


def watched(watch: Watch) -> Iterator[Patch]:
    """All that is wrapped."""
    yield socket, "getaddrinfo", partial(_look_up, watch)
    for name in ("connect", "connect_ex"):
        yield socket.socket, name, partial(_connection, watch)
    # the name of a host behind a proxy is for the proxy to look up; a cassette of vcrpy has put its own class there
    connection = getattr(http.client.HTTPConnection, "_baseclass", http.client.HTTPConnection)
    yield connection, "set_tunnel", partial(_tunnel, watch)
    yield connection, "putrequest", partial(_proxied, watch)
    aiohttp = sys.modules.get("aiohttp")
    if aiohttp is not None:
        yield aiohttp.BaseConnector, "connect", partial(_connector, watch)


def _look_up(watch: Watch, original: Function) -> Function:
    @wraps(original)
    def getaddrinfo(host: str | bytes | None, port: Any, *args: Any, **kwargs: Any) -> Any:
        watch(host or "", port)
        return original(host, port, *args, **kwargs)

    return getaddrinfo


def _connection(watch: Watch, original: Function) -> Function:
    """An address in numbers is not looked up, and a name may be looked up out of sight."""

    @wraps(original)
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in WITH_PORTS and self.type != socket.SOCK_DGRAM and _is_address(address):
            watch(*address[:2])
        return original(self, address)

    return connect


def _is_address(given: Any) -> bool:
    """Of what is none, the original complains."""
    return isinstance(given, tuple) and len(given) > 1 and isinstance(given[0], (str, bytes, bytearray))


def _tunnel(watch: Watch, original: Function) -> Function:
    @wraps(original)
    def set_tunnel(self: http.client.HTTPConnection, host: str, port: int | None = None, *args: Any, **kw: Any) -> Any:
        target = urlsplit(f"//{host}")  # as there, the port may stand in the host
        watch(target.hostname or "", port or _port_of(target) or self.default_port)
        return original(self, host, port, *args, **kw)

    return set_tunnel


def _proxied(watch: Watch, original: Function) -> Function:
    """A request in plain text has its whole URL in the first line if it is for a proxy."""

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
    except ValueError:  # the library may make something of it, or complains in its own words
        return None


def _connector(watch: Watch, original: Function) -> Function:
    """aiohttp speaks to proxies itself, and may look up names without `socket`: by c-ares, or by uvloop.

    A name behind a Unix socket or a Windows pipe is none of a host.
    """

    @wraps(original)
    async def connect(self: Any, req: Any, *args: Any, **kwargs: Any) -> Any:
        if type(self).__name__ not in LOCAL_CONNECTORS:
            watch(req.url.host or "", req.url.port)
        return await original(self, req, *args, **kwargs)

    return connect
