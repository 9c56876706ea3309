"""Bodies that do not arrive as they were sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.service.bodies import Chunks
from harness.service.http import INCOMPLETE, ConnectionLost

if TYPE_CHECKING:
    from harness.service.http import Body, Response


class Torn:
    """The first chunk of a body; then the connection breaks off or, if it ends `properly`, there is no more."""

    def __init__(self, body: Body, *, properly: bool) -> None:
        self._body = body
        self._properly = properly
        self._read = False

    @property
    def now(self) -> float:
        return self._body.now

    def wait(self) -> float:
        return 0.0 if self._read else self._body.wait()

    def read(self, patience: float | None = None) -> bytes | None:
        """The first chunk, then None.

        Raises:
            ConnectionLost: instead of None, unless it ends properly.
        """
        if not self._read:
            self._read = True
            return self._body.read(patience)
        self.close()
        if self._properly:
            return None
        raise ConnectionLost(INCOMPLETE)

    def close(self) -> None:
        self._body.close()


def torn(response: Response, *, properly: bool) -> Response:
    """An answer of which the first half arrives; of a stream the first event, of a long download the first chunk."""
    if not isinstance(response.body, bytes):
        headers = dict(response.headers)
        if properly:
            headers.pop("content-length", None)
        return replace(response, headers=headers, body=Torn(response.body, properly=properly))
    half = response.body[: len(response.body) // 2]
    return with_body(response, half) if properly else replace(response, body=Torn(Chunks(half), properly=False))


def with_body(response: Response, body: bytes) -> Response:
    """The same answer with another body."""
    return replace(response, headers={**response.headers, "content-length": str(len(body))}, body=body)


def discard(response: Response) -> None:
    """Nobody reads this answer. If it is the stream of a run, the run goes on without its reader."""
    if not isinstance(response.body, bytes):
        response.body.close()
