"""Content that is complete already, as a streamed body."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.service.http import Content

CHUNK = 1 << 18


class Chunks:
    """Bytes as a `Body` in chunks without pauses, so that no more than one chunk of a file on disk is in memory.

    >>> body = Chunks(memoryview(b"tea and milk"), size=7)
    >>> body.read(), body.read(), body.read()
    (b'tea and', b' milk', None)
    """

    now = 0.0

    def __init__(self, content: Content, size: int = CHUNK) -> None:
        self._left = content
        self._size = size

    def wait(self) -> float:
        return 0.0

    def read(self, patience: float | None = None) -> bytes | None:
        chunk, self._left = bytes(self._left[: self._size]), self._left[self._size :]
        return chunk or None

    def close(self) -> None:
        self._left = b""
