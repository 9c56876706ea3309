"""Long bodies as entries of a journal, a piece each, so that none is ever in memory whole."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from harness.transports.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.http import Content
    from harness.serving.journal import Entry

PIECE = 1 << 18


def write(body: Content, journal: Callable[[Entry], int]) -> int | None:
    """Write a body that is on disk, if it is.

    Gives the number of its first piece, by which the others and the request name it; None if the body is in memory.
    """
    if isinstance(body, bytes):
        return None
    first = 0
    for start in range(0, len(body), PIECE):
        number = journal({"piece_of": first, "base64": b64encode(body[start : start + PIECE]).decode()})
        first = first or number
    return first


class Pieces:
    """Long bodies, put together while a journal is read. One whose request is missing was never acted upon."""

    def __init__(self) -> None:
        self._spools: dict[int, Spool] = {}

    def __enter__(self) -> Pieces:
        return self

    def __exit__(self, *raised: object) -> None:
        for spool in self._spools.values():
            spool.close()

    def collect(self, number: int, entry: Entry) -> bool:
        """Whether this entry was a piece of one.

        Raises:
            HarnessFailure: there is no room for it.
        """
        if "piece_of" not in entry:
            return False
        first = entry["piece_of"] or number
        if first == number:
            self._spools[first] = Spool()
        self._spools[first].write(b64decode(entry["base64"]))
        return True

    def of(self, entry: Entry) -> Content | None:
        """The body of a request, if it came in pieces."""
        if "pieces" not in entry:
            return None
        with self._spools.pop(entry["pieces"]) as spool:
            return spool.content()
