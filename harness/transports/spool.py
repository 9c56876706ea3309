"""Bodies that come piece by piece: in memory while they are short, then in a temporary file."""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from tempfile import SpooledTemporaryFile, gettempdir
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from harness.service.http import Content

# Bytes of a body that are kept in memory; what is longer goes to the disk.
SHORT = 1 << 20


class Spool:
    """Collects the pieces of a body.

    The file lies in the folder for temporary files (`TMPDIR` names it) and has no name there. It is gone with the last
    view of it, and with this process.

    Args:
        short: how many bytes at most are kept in memory.

    >>> with Spool(short=4) as spool:
    ...     spool.write(b"four")
    ...     spool.content()
    ...     spool.write(b" and more")
    ...     spool.content().tobytes()
    b'four'
    b'four and more'
    """

    def __init__(self, short: int = SHORT) -> None:
        self.size = 0
        self._short = short
        self._file = SpooledTemporaryFile[bytes](max_size=short)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def is_long(self) -> bool:
        """Whether the body is on disk, so that writing may take its time."""
        return self.size > self._short

    def write(self, piece: bytes) -> None:
        """Append a piece.

        Raises:
            HarnessFailure: there is no room for it.
        """
        self.size += len(piece)
        try:
            self._file.write(piece)
        except OSError as error:
            raise HarnessFailure(
                f"A body of {self.size:,} bytes or more cannot be kept in {gettempdir()}: {error.strerror}.",
                do="TMPDIR=/a/larger/folder harness serve   # or wherever the server is started",
            ) from error

    def content(self) -> Content:
        """All that was written: bytes, or a view of the file, which outlasts this."""
        if not self.is_long:
            self._file.seek(0)
            return self._file.read()
        self._file.flush()
        return memoryview(mmap(self._file.fileno(), 0, access=ACCESS_READ))

    def close(self) -> None:
        """Collect no more; views stay."""
        self._file.close()
