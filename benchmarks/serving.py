"""A served fake over loopback: polls a second, and how soon a stream begins. The server is a process of its own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from measuring import Result, Times

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
CONNECTIONS = 8
HEADERS = (
    "Host: here\r\nAuthorization: Bearer sk-benchmark\r\nOpenAI-Beta: assistants=v2\r\n"
    "Content-Type: application/json\r\n"
)


async def hello(scope: Any, receive: Any, send: Any) -> None:
    """A minimal ASGI application."""
    if scope["type"] == "lifespan":
        for moment in ("startup", "shutdown"):
            await receive()
            await send({"type": f"lifespan.{moment}.complete"})
        return
    await receive()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


def main(what: str) -> None:
    """Serve until the standard input ends."""
    from harness.options import Options  # noqa: PLC0415 - in the process of the server only
    from harness.serving import serve  # noqa: PLC0415 - as above
    from harness.transports.server import running  # noqa: PLC0415 - as above

    with ExitStack() as stack:
        if what == "hello":
            url = stack.enter_context(running(hello))
        else:  # a client that polls as often as this one would count as stuck
            url = stack.enter_context(serve(Options(stuck_after=10**9))).url
        print(url, flush=True)
        sys.stdin.read()


@contextmanager
def served(what: str) -> Iterator[tuple[str, int]]:
    """The address of a process that serves."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, what]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        url = urlsplit(child.stdout.readline().strip())
        yield url.hostname or "", url.port or 0
        assert child.stdin is not None
        child.stdin.close()


class Connection:
    """A persistent connection, with just enough HTTP for these answers."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.socket = socket.create_connection(address)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, method: str, path: str, body: bytes = b"") -> None:
        head = f"{method} {path} HTTP/1.1\r\n{HEADERS}Content-Length: {len(body)}\r\n\r\n"
        self.socket.sendall(head.encode() + body)

    def receive(self) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._some()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self._some()
        assert head.startswith(b"HTTP/1.1 200"), head + body
        return body

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        self.send(method, path, json.dumps(body or {}).encode())
        return json.loads(self.receive())

    def first_byte(self, path: str, body: Any) -> float:
        """Seconds from the last byte of a request to the first of its answer, which is read to its end."""
        self.send("POST", path, json.dumps(body).encode())
        started = perf_counter()
        data = self._some()
        seconds = perf_counter() - started
        while not data.endswith(b"0\r\n\r\n"):
            data += self._some()
        return seconds

    def _some(self) -> bytes:
        data = self.socket.recv(65536)
        assert data, "the server has closed the connection"
        return data


def start_run(connection: Connection) -> tuple[str, str, str]:
    assistant = connection.ask("POST", "/v1/assistants", {"model": "gpt-4o", "instructions": "Help."})["id"]
    thread = connection.ask("POST", "/v1/threads")["id"]
    run = connection.ask("POST", f"/v1/threads/{thread}/runs", {"assistant_id": assistant})["id"]
    return assistant, thread, run


def serving(*, quick: bool) -> Iterator[Result]:
    rounds = 3 if quick else 60
    with served("fake") as fake, served("hello") as bare, ExitStack() as stack:
        ours = [Connection(fake) for _ in range(CONNECTIONS)]
        theirs = [Connection(bare) for _ in range(CONNECTIONS)]
        for connection in (*ours, *theirs):
            stack.callback(connection.socket.close)
        assistant, thread, run = start_run(ours[0])

        def all_ask(connections: list[Connection], path: str) -> None:
            for connection in connections:
                connection.send("GET", path)
            for connection in connections:
                connection.receive()

        polled = f"/v1/threads/{thread}/runs/{run}"
        times = Times(rounds, turn=10, fake=lambda: all_ask(ours, polled), hello=lambda: all_ask(theirs, "/"))
        yield Result("a poll over loopback / the same server's hello", times.ratio("fake", "hello"), 2.0, "x")

        body = {"assistant_id": assistant, "stream": True}
        seconds = sorted(ours[0].first_byte(f"/v1/threads/{thread}/runs", body) for _ in range(rounds))
        yield Result("first byte of a stream over loopback", seconds[len(seconds) // 2] * 1000, 5, "ms")


if __name__ == "__main__":
    main(sys.argv[1])
