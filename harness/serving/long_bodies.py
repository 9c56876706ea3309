"""Long request bodies in a journal: one entry for each piece, so that no body is ever in memory as a whole."""

from __future__ import annotations

from base64 import b64decode, b64encode
from typing import TYPE_CHECKING

from harness.transports.spool import Spool

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.http import Content
    from harness.serving.journal import Entry

PIECE_SIZE = 1 << 18


def write(body: Content, journal: Callable[[Entry], int]) -> int | None:
    """Write a body that is on disk to the journal, piece by piece; a body in memory is left to its request's entry.

    Returns the entry number of the first piece, by which the other pieces and the request refer to it, or None.
    """
    if isinstance(body, bytes):
        return None
    first = 0
    for start in range(0, len(body), PIECE_SIZE):
        number = journal({"piece_of": first, "base64": b64encode(body[start : start + PIECE_SIZE]).decode()})
        first = first or number
    return first


class LongBodies:
    """Puts long bodies together while a journal is read. A body whose request is missing was never acted upon."""

    def __init__(self) -> None:
        self._spools: dict[int, Spool] = {}

    def __enter__(self) -> LongBodies:
        return self

    def __exit__(self, *raised: object) -> None:
        for spool in self._spools.values():
            spool.close()

    def collect(self, number: int, entry: Entry) -> bool:
        """Take in an entry if it is a piece of a body; returns whether it was.

        Raises:
            HarnessFailure: there is no room for it on the disk.
        """
        if "piece_of" not in entry:
            return False
        first = entry["piece_of"] or number
        if first == number:
            self._spools[first] = Spool()
        self._spools[first].write(b64decode(entry["base64"]))
        return True

    def of(self, entry: Entry) -> Content | None:
        """The body of a request's entry; None if it was not written in pieces."""
        if "pieces" not in entry:
            return None
        with self._spools.pop(entry["pieces"]) as spool:
            return spool.content()
