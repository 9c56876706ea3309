"""Connections over TLS that end with the server. Needs uvicorn."""

from __future__ import annotations

from uvicorn.protocols.http.h11_impl import H11Protocol

# Seconds that a connection has to be closed by both sides when the server ends, before it is cut off.
CLOSING = 0.05


class TlsProtocol(H11Protocol):
    """Does not wait for clients when the server ends. TLS is closed by both sides, a client that is not reading takes
    no part in it, and asyncio would wait 30 seconds for it."""

    ends = False

    def shutdown(self) -> None:
        self.ends = True
        if not self.transport.is_closing():  # closed twice, it could not be cut off any more
            super().shutdown()
        self._cut_off()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._cut_off()

    def _cut_off(self) -> None:
        if self.ends and self.transport.is_closing():
            self.loop.call_later(CLOSING, self.transport.abort)
