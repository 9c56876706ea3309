"""Files that are written whole or not at all: nobody ever sees half of one, whatever happens on the way."""

from __future__ import annotations

import itertools
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

# What stands for a file that this process, or another, has open.
HANDLE = re.compile(r"/dev/(?:stdin|stdout|stderr|fd/\d+)|/proc/\w+/fd/\d+")
NEW = 0o666  # less what the umask takes
_attempts = itertools.count()


def write_whole(path: Path, content: bytes) -> None:
    """Put a file in place of the one that is there, if there is one, when it is on the disk.

    It is written beside it, as `.<name>.<process>-<n>.tmp`. Only a process that is killed leaves that file behind. A
    link stays one: what it points to is replaced. A file keeps its mode. A device or a pipe is written to, and so is
    what `/dev/stdout` stands for: others may have written to it before, and do so afterwards.

    Raises:
        OSError: the system refuses; then `path` is as it was.
    """
    if is_stream(path):
        with path.open("ab") as stream:
            stream.write(content)
        return
    mode = _mode(path)
    file = Path(os.path.realpath(path)) if path.is_symlink() else path
    _replace(file, content, mode)
    with suppress(OSError):  # Windows opens no folders, and needs none of this
        folder = os.open(file.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def is_stream(path: Path) -> bool:
    """Whether it is written to, and there is nothing to replace.

    >>> is_stream(Path("/dev/stdout")), is_stream(Path("/dev/fd/3")), is_stream(Path("/dev/shm/file.txt"))
    (True, True, False)
    """
    if HANDLE.fullmatch(os.path.abspath(path)):
        return True
    mode = _mode(path)
    return not (mode is None or stat.S_ISREG(mode))


def _mode(path: Path) -> int | None:
    """Of what is there, at the end of all links."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _replace(path: Path, content: bytes, mode: int | None) -> None:
    handle, new = _beside(path, NEW if mode is None else stat.S_IMODE(mode) | stat.S_IWUSR)
    try:
        with open(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            new.chmod(stat.S_IMODE(mode))  # the umask took some of it
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise


def _beside(path: Path, mode: int) -> tuple[int, Path]:
    """A new file in the same folder; another process may have left one of that name when it was killed.

    Its mode is that of the file it replaces from the first: nobody else reads meanwhile what is private.
    """
    while True:
        new = path.with_name(f".{path.name}.{os.getpid()}-{next(_attempts)}.tmp")
        with suppress(FileExistsError):
            return os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode), new
