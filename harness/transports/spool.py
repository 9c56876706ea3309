"""Bodies that arrive in pieces: in memory while they are short, then in a temporary file."""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from tempfile import SpooledTemporaryFile, gettempdir
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from harness.service.http import Content

# Bytes of a body that are kept in memory; a longer one goes to the disk.
IN_MEMORY = 1 << 20


class Spool:
    """Collects the pieces of a body.

    The temporary file has no name and lies in the folder that `TMPDIR` names. It is deleted with the last view of it,
    and with this process.

    Args:
        in_memory: how many bytes are kept in memory at most.

    >>> with Spool(in_memory=4) as spool:
    ...     spool.write(b"four")
    ...     spool.content()
    ...     spool.write(b" and more")
    ...     spool.content().tobytes()
    b'four'
    b'four and more'
    """

    def __init__(self, in_memory: int = IN_MEMORY) -> None:
        self.size = 0
        self._in_memory = in_memory
        self._file = SpooledTemporaryFile[bytes](max_size=in_memory)

    def __enter__(self) -> Spool:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    @property
    def is_long(self) -> bool:
        """Whether the body is on disk, where writing may block."""
        return self.size > self._in_memory

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
        """The body so far: bytes, or a view of the file, which remains valid after `close`."""
        if not self.is_long:
            self._file.seek(0)
            return self._file.read()
        self._file.flush()
        return memoryview(mmap(self._file.fileno(), 0, access=ACCESS_READ))

    def close(self) -> None:
        """Close the file; views of it remain valid."""
        self._file.close()
