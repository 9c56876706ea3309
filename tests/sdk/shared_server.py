"""A fake at an address, for tests that go through a real socket: one server a process, as starting takes its time."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from harness.transports.server import serving

if TYPE_CHECKING:
    from harness import FakeAssistants, Request, Response

OVER_A_SOCKET = " over a socket"


class SharedServer:
    """The one server of this process; it answers for the fake that was handed over last."""

    url: str
    fake: FakeAssistants | None = None

    def answer(self, request: Request) -> Response:
        assert self.fake is not None, "no fake was handed over"
        return self.fake.answer(request)


_servers: list[SharedServer] = []
_running = ExitStack()
close = _running.close


def base_url(fake: FakeAssistants) -> str:
    """The URL at which clients reach this fake from now on, until another is handed over."""
    pytest.importorskip("uvicorn", reason="uvicorn, which serves, is not installed here")
    if not _servers:
        server = SharedServer()
        server.url = _running.enter_context(serving(server.answer))
        _servers.append(server)
    _servers[0].fake = fake
    return f"{_servers[0].url}/v1"
