"""Atomic writes: a file holds the old content or the new, and never a part of it, whatever happens meanwhile."""

from __future__ import annotations

import itertools
import os
import re
import stat
from contextlib import suppress
from pathlib import Path

# Paths that stand for open file descriptors, of this process or another.
DESCRIPTOR = re.compile(r"/dev/(?:stdin|stdout|stderr|fd/\d+)|/proc/\w+/fd/\d+")
DEFAULT_MODE = 0o666  # before the umask
_attempts = itertools.count()


def write_atomic(path: Path, content: bytes) -> None:
    """Create or replace a file in one step, once its content is on the disk.

    It is written beside the old one, as `.<name>.<process>-<n>.tmp`, which only a killed process leaves behind. A
    symbolic link stays one: its target is replaced. A file keeps its mode. Devices, pipes and what `/dev/stdout` stands
    for are appended to instead: others may write to them, too.

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
    """Whether a path is a device, a pipe or an open descriptor, which cannot be replaced.

    >>> is_stream(Path("/dev/stdout")), is_stream(Path("/dev/fd/3")), is_stream(Path("/dev/shm/file.txt"))
    (True, True, False)
    """
    if DESCRIPTOR.fullmatch(os.path.abspath(path)):
        return True
    mode = _mode(path)
    return not (mode is None or stat.S_ISREG(mode))


def _mode(path: Path) -> int | None:
    """The mode of a file, with all links followed; None if there is none."""
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        return None


def _replace(path: Path, content: bytes, mode: int | None) -> None:
    descriptor, new = _temporary_beside(path, DEFAULT_MODE if mode is None else stat.S_IMODE(mode) | stat.S_IWUSR)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if mode is not None:
            new.chmod(stat.S_IMODE(mode))  # the umask may have removed some of it
        os.replace(new, path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise


def _temporary_beside(path: Path, mode: int) -> tuple[int, Path]:
    """Create a file in the same folder, under a name that no killed process has left behind.

    It has the final mode from the start, so that nobody can read private content meanwhile.
    """
    while True:
        new = path.with_name(f".{path.name}.{os.getpid()}-{next(_attempts)}.tmp")
        with suppress(FileExistsError):
            return os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), mode), new
