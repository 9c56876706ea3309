"""Serves HTTP or HTTPS from a thread of this process."""

from __future__ import annotations

import errno
import socket
from contextlib import contextmanager
from threading import Thread
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.transports.asgi import asgi_app, never_inline
from harness.transports.certificates import speaks_tls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from harness.service.http import Request, Response
    from harness.transports.asgi import App

# Seconds that an idle connection stays open. With uvicorn's own 5, the poll of a client that looks every 5 seconds, as
# the SDK for Node does, often met a connection that was just being closed.
KEEP_ALIVE = 3600


@contextmanager
def serving(
    answer: Callable[[Request], Response],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    real_time: bool = False,
    inline: Callable[[Request], bool] = never_inline,
    grace: int | None = None,
    tls_cert: str | Path | None = None,
    tls_key: str | Path | None = None,
) -> Iterator[str]:
    """While active, `answer` answers requests over the network; yields the URL, without `/v1`.

    Args:
        answer: called in worker threads, for several requests at once.
        host, port, grace, tls_cert, tls_key: as `running` takes them.
        real_time, inline: as `asgi_app` takes them.

    Raises:
        HarnessFailure: as `running` raises it.
    """
    app = asgi_app(answer, real_time=real_time, inline=inline)
    with running(app, host=host, port=port, grace=grace, tls_cert=tls_cert, tls_key=tls_key) as url:
        yield url


@contextmanager
def running(
    app: App,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    grace: int | None = None,
    tls_cert: str | Path | None = None,
    tls_key: str | Path | None = None,
) -> Iterator[str]:
    """While active, a thread of this process serves an ASGI application; yields the URL.

    The port is open already when the URL is yielded. At the end, open requests are still answered. Nothing is logged,
    and no header is added to those of the application.

    Args:
        host: the address to listen on; by default only this machine reaches it.
        port: the port, or 0 for a free one.
        grace: seconds that open requests have at the end, before they are cut off; by default as many as they need.
        tls_cert: a certificate as PEM, with which the server speaks HTTPS.
        tls_key: its private key, unless that is in the same file.

    Raises:
        HarnessFailure: uvicorn is not installed, the address is not available, or the certificate cannot be used.
    """
    try:
        import uvicorn  # noqa: PLC0415 - belongs to an extra

        from harness.transports.tls import TlsProtocol  # noqa: PLC0415 - needs uvicorn
    except ImportError as error:
        raise HarnessFailure(
            "Serving needs uvicorn, which is not installed.", do='pip install "pytest-assistants[server]"'
        ) from error
    scheme = "https" if speaks_tls(tls_cert, tls_key) else "http"
    config = uvicorn.Config(
        app,
        # the plainest choices, whatever else is installed
        http=TlsProtocol if scheme == "https" else "h11",
        loop="asyncio",
        ws="none",
        lifespan="on",
        log_config=None,
        log_level="critical",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=grace,
        ssl_certfile=tls_cert,
        ssl_keyfile=tls_key,
    )
    with _listening(host, port) as listener:
        server = uvicorn.Server(config)
        thread = Thread(target=server.run, kwargs={"sockets": [listener]}, name="pytest-assistants server")
        thread.start()
        try:
            yield f"{scheme}://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def _listening(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise HarnessFailure(
            f"There can be no server at {host}, port {port}: {error.strerror or error}.",
            do='host="127.0.0.1"   # this machine: on the command line, leave out --host'
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL
            else "port=0   # a port that is free: on the command line, leave out --port",
        ) from error
    # connections inherit it; asyncio sets it only on sockets that it opened itself, and without it, a body that is sent
    # after its head is delayed by 40 ms
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
