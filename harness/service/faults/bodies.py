"""Bodies that arrive incomplete."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.service.bodies import Chunks
from harness.service.http import INCOMPLETE, ConnectionLost

if TYPE_CHECKING:
    from harness.service.http import Body, Response


class PartialBody:
    """The first chunk of a body; then the connection is lost or, with `clean_end`, the body ends."""

    def __init__(self, body: Body, *, clean_end: bool) -> None:
        self._body = body
        self._clean_end = clean_end
        self._read = False

    @property
    def now(self) -> float:
        return self._body.now

    def wait(self) -> float:
        return 0.0 if self._read else self._body.wait()

    def read(self, patience: float | None = None) -> bytes | None:
        """The first chunk, then None.

        Raises:
            ConnectionLost: instead of None, unless `clean_end`.
        """
        if not self._read:
            self._read = True
            return self._body.read(patience)
        self.close()
        if self._clean_end:
            return None
        raise ConnectionLost(INCOMPLETE)

    def close(self) -> None:
        self._body.close()


def cut_in_half(response: Response, *, clean_end: bool) -> Response:
    """The answer with the first half of its body; of a stream the first event, of a long download the first chunk."""
    if not isinstance(response.body, bytes):
        headers = dict(response.headers)
        if clean_end:
            headers.pop("content-length", None)
        return replace(response, headers=headers, body=PartialBody(response.body, clean_end=clean_end))
    half = response.body[: len(response.body) // 2]
    if clean_end:
        return with_body(response, half)
    return replace(response, body=PartialBody(Chunks(half), clean_end=False))


def with_body(response: Response, body: bytes) -> Response:
    """The same answer with another body."""
    return replace(response, headers={**response.headers, "content-length": str(len(body))}, body=body)


def discard(response: Response) -> None:
    """Close an answer that nobody will read. If it is the stream of a run, the run goes on."""
    if not isinstance(response.body, bytes):
        response.body.close()
