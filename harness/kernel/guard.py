"""What a cell may not do: refused by an audit hook, or enforced by the operating system."""

from __future__ import annotations

import contextlib
import os
import sys
from typing import TYPE_CHECKING, Any

from .redirect import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .redirect import PathRedirect

NETWORK_EVENTS = ("socket.",)
PROCESS_EVENTS = (
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "pty.spawn",
    "subprocess.Popen",
)
SIGNAL_EVENTS = ("os.kill", "os.killpg")
# Audit events of changes to files, with the positions of the paths among their arguments.
CHANGING_EVENTS = {
    **dict.fromkeys(("os.chflags", "os.chmod", "os.chown", "os.mkdir", "os.remove", "os.removexattr"), (0,)),
    **dict.fromkeys(("os.rmdir", "os.setxattr", "os.truncate", "os.utime", "shutil.rmtree", "sqlite3.connect"), (0,)),
    **dict.fromkeys(("os.link", "os.symlink"), (1,)),
    "os.rename": (0, 1),
}
WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Guard:
    """An audit hook that refuses the network, other processes, and changes outside of `root`.

    Args:
        redirect: resolves the cell's paths.
        root: the real path of the folder that the cell may change.
        disk: how many bytes may lie there when a file is opened for writing.
        files: how many files may.
    """

    def __init__(self, redirect: PathRedirect, root: str, *, disk: int, files: int) -> None:
        self._redirect = redirect
        self._root = root
        self._working_directory = os.getcwd
        self._pid = os.getpid()  # and the number of its process group
        self._disk = disk
        self._files = files

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event.startswith(NETWORK_EVENTS):
            if event not in ("socket.__new__", "socket.gethostname"):  # asyncio's own pair of sockets is made so
                raise PermissionError(f"The code interpreter has no network ({event}).")
        elif event.startswith(PROCESS_EVENTS):
            raise PermissionError(f"The code interpreter starts no other processes ({event}).")
        elif event in SIGNAL_EVENTS:
            if arguments[0] not in (0, self._pid):
                raise PermissionError(f"The code interpreter signals no other processes ({event}).")
        elif event == "open":
            path, _, flags = arguments
            if flags & WRITE_FLAGS and isinstance(path, (str, bytes)) and self._check_writable(path):
                self._check_quota()
        elif event in CHANGING_EVENTS:
            for position in CHANGING_EVENTS[event]:
                self._check_writable(arguments[position])

    def _check_writable(self, path: Any) -> bool:
        """Whether a path lies in `root`; False for what is no file.

        Raises:
            PermissionError: it lies elsewhere.
        """
        if isinstance(path, int):
            return False
        if path in (os.devnull, ":memory:"):  # the latter is sqlite3's
            return False
        real = self._redirect.resolve(os.fsdecode(path))
        if not os.path.isabs(real):  # only then: the cell may have removed the working directory
            real = os.path.join(self._working_directory(), real)
        real = os.path.realpath(real)
        if real != self._root and not real.startswith(self._root + os.sep):
            raise PermissionError(f"The code interpreter writes only below {FOLDER}, not to {os.fsdecode(path)!r}.")
        return True

    def _check_quota(self) -> None:
        """
        Raises:
            OSError: the limit of bytes or files is reached.
        """
        sizes = []
        for path in [os.path.join(at, name) for at, _, names in os.walk(self._root) for name in names]:
            with contextlib.suppress(OSError):  # another thread may have removed it
                sizes.append(os.lstat(path).st_size)
        if sum(sizes) >= self._disk or len(sizes) >= self._files:
            raise OSError(28, f"No space left: {sum(sizes):,} bytes in {len(sizes)} files")


def set_limits(limits: Mapping[str, int]) -> None:
    """Set what the operating system enforces; Windows has no `resource`, and macOS ignores the limit of memory."""
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


def extend_cpu_limit(seconds: int) -> None:
    """Allow so many seconds of CPU time from now on, after which the system ends the process."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource  # noqa: PLC0415 - is not everywhere

        used = resource.getrusage(resource.RUSAGE_SELF)
        hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
        resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


def isolate_network() -> None:
    """Enter an empty network namespace, on Linux and where the system lets a user do so."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(ImportError, OSError, AttributeError):
        import ctypes  # noqa: PLC0415 - only here

        new_user, new_network = 0x10000000, 0x40000000
        ctypes.CDLL(None).unshare(new_user | new_network)


def refuse_fork_exec() -> None:
    """Refuse the call by which `multiprocessing` starts processes, for which there is no audit event."""
    with contextlib.suppress(ImportError):
        import _posixsubprocess  # noqa: PLC0415 - is not everywhere

        def refused(*_: object) -> None:
            raise PermissionError("The code interpreter starts no other processes.")

        module: Any = _posixsubprocess
        module.fork_exec = refused
