"""What a cell may not do: refused by an audit hook, or enforced by the operating system."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

from .places import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .places import Places

NETWORK = ("socket.",)
PROCESSES = (
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "pty.spawn",
    "subprocess.Popen",
)
SIGNALS = ("os.kill", "os.killpg")
# Events of what changes files, with the places of the paths among their arguments.
CHANGES = {
    **dict.fromkeys(("os.chflags", "os.chmod", "os.chown", "os.mkdir", "os.remove", "os.removexattr"), (0,)),
    **dict.fromkeys(("os.rmdir", "os.setxattr", "os.truncate", "os.utime", "shutil.rmtree", "sqlite3.connect"), (0,)),
    **dict.fromkeys(("os.link", "os.symlink"), (1,)),
    "os.rename": (0, 1),
}
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Guard:
    """An audit hook that refuses the network, other processes, and changes outside of `root`.

    Args:
        places: where its paths lead.
        root: the real path of what the cell may change.
        disk: how many bytes may lie there when a file is opened for writing.
        files: how many files may.
    """

    def __init__(self, places: Places, root: str, *, disk: int, files: int) -> None:
        self._places = places
        self._root = root
        self._working_directory = os.getcwd
        self._pid = os.getpid()  # and the number of its process group
        self._disk = disk
        self._files = files

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(NETWORK):
            if event not in ("socket.__new__", "socket.gethostname"):  # asyncio's own pair of sockets is made so
                raise PermissionError(f"The code interpreter has no network ({event}).")
        elif event.startswith(PROCESSES):
            raise PermissionError(f"The code interpreter starts no other processes ({event}).")
        elif event in SIGNALS:
            if arguments[0] not in (0, self._pid):
                raise PermissionError(f"The code interpreter signals no other processes ({event}).")
        elif event == "open":
            path, _, flags = arguments
            if flags & WRITES and isinstance(path, (str, bytes)) and self._inside(path):
                self._leave_room()
        elif event in CHANGES:
            for place in CHANGES[event]:
                self._inside(arguments[place])

    def _inside(self, path: Any) -> bool:
        if isinstance(path, int):
            return False
        if path in (os.devnull, ":memory:"):  # the latter of sqlite3
            return False
        real = self._places.real(os.fsdecode(path))
        if not os.path.isabs(real):  # only then: the working directory may be one that the cell has removed
            real = os.path.join(self._working_directory(), real)
        text = os.path.realpath(real)
        if text != self._root and not text.startswith(self._root + os.sep):
            raise PermissionError(f"The code interpreter writes only below {FOLDER}, not to {os.fsdecode(path)!r}.")
        return True

    def _leave_room(self) -> None:
        sizes = []
        for path in [os.path.join(at, name) for at, _, names in os.walk(self._root) for name in names]:
            with contextlib.suppress(OSError):  # another thread may have removed it
                sizes.append(os.lstat(path).st_size)
        if sum(sizes) >= self._disk or len(sizes) >= self._files:
            raise OSError(28, f"No space left: {sum(sizes):,} bytes in {len(sizes)} files")


def limit(limits: Mapping[str, int]) -> None:
    """What the operating system enforces; Windows has no `resource`, and macOS ignores the limit of memory."""
    try:
        import resource  # noqa: PLC0415 - is not everywhere
    except ImportError:
        return
    kinds = {"memory": "RLIMIT_AS", "file": "RLIMIT_FSIZE", "processes": "RLIMIT_NPROC", "open_files": "RLIMIT_NOFILE"}
    for name, kind in {**kinds, "": "RLIMIT_CORE"}.items():
        number = getattr(resource, kind, None)
        if number is not None:
            with contextlib.suppress(ValueError, OSError):
                hard = resource.getrlimit(number)[1]
                wanted = limits.get(name, 0)
                most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
                resource.setrlimit(number, (most, most))


def allow_cpu(seconds: int) -> None:
    """So many seconds of the processor from now on; then the system ends the process."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - is not everywhere

        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


def leave_network() -> None:
    """On Linux, where a user may: a network namespace of its own, with nothing in it."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - only here

        new_user, new_network = 0x10000000, 0x40000000
        ctypes.CDLL(None).unshare(new_user | new_network)


def refuse_processes() -> None:
    """Of `multiprocessing`, which no audit event tells."""
    with contextlib.suppress(ImportError):
        import _posixsubprocess  # noqa: PLC0415 - is not everywhere

        def refused(*_: object) -> None:
            raise PermissionError("The code interpreter starts no other processes.")

        module: Any = _posixsubprocess
        module.fork_exec = refused
