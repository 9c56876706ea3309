"""Files that are written whole or not at all: nobody ever sees half of one, whatever happens on the way."""

from __future__ import annotations

import itertools
import os
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_attempts = itertools.count()


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place of the one that is there, if there is one, when it is on the disk.

    It is written beside it, as `.<name>.<process>-<n>.tmp`. Only a process that is killed leaves that file behind.

    Raises:
        OSError: the system refuses; then `path` is as it was.
    """
    handle, new = _beside(path)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    with suppress(OSError):  # Windows opens no folders, and needs none of this
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _beside(path: Path) -> tuple[int, Path]:
    """A new file in the same folder; another process may have left one of that name when it was killed."""
    while True:
        new = path.with_name(f".{path.name}.{os.getpid()}-{next(_attempts)}.tmp")
        with suppress(FileExistsError):
            return os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), new
