"""Executes cells in a process of their own, for `run_code(…, execute=True)`.

The child is a Python of the same installation, with its libraries but nothing of this process. It has

- a temporary folder that stands for `/mnt/data`: Python resolves such paths to it (a library in C that opens files
  itself needs a relative path). It is the working directory. Changing files elsewhere is refused; reading is not.
- an environment with a home in that folder and the few variables that a Python needs, so no keys.
- no network and no other processes: an audit hook refuses both, and on Linux, where the system lets a user do so, the
  child is in an empty network namespace.
- limits (`Limits`), most of them by `resource`. Without that module (on Windows) only those of output, disk and
  wall-clock time are enforced; macOS does not enforce that of memory.

This protects against accidents: a cell that loops, or writes where it should not. It does not protect against an
attacker: `ctypes` bypasses the audit hook, and the child can print whatever it can read. Execute nothing with it that
you would not run in the test itself.
"""

from __future__ import annotations

import json
import os
import re
import signal
import stat
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import RLock, Timer
from typing import IO, TYPE_CHECKING, Any
from weakref import finalize

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

KERNEL = Path(__file__).with_name("kernel") / "__main__.py"
STARTUP_TIMEOUT = 60.0  # seconds
MEBIBYTE = 1024 * 1024
MAX_NAME_BYTES = 200  # file systems take 255


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a cell may use.

    Attributes:
        seconds: wall-clock time, after which the child and everything it started is killed.
        cpu: seconds of CPU time.
        memory: bytes of address space, including those of the interpreter and its libraries.
        file: bytes in one file.
        disk, files: bytes and files in the folder, checked when a file is opened for writing.
        processes: all those of this user; the child itself may start none.
        open_files: open at the same time.
        output: printed characters that are kept.
    """

    seconds: float = 30.0
    cpu: int = 30
    memory: int = 2048 * MEBIBYTE
    file: int = 64 * MEBIBYTE
    disk: int = 128 * MEBIBYTE
    files: int = 1000
    processes: int = 4096
    open_files: int = 256
    output: int = 100_000


@dataclass(frozen=True)
class CellResult:
    """What a cell printed and drew, and the files it wrote, as their paths in the folder and contents."""

    logs: str
    drawings: tuple[bytes, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()


class Sandbox:
    """An interpreter whose cells share variables and a folder.

    The first cell starts it. `close` ends it; so do the garbage collector and the end of this process.

    >>> sandbox = Sandbox()
    >>> sandbox.run("x = 6").logs, sandbox.run("x * 7").logs
    ('', '42')
    >>> sandbox.run("open('/mnt/data/x.txt', 'w').write('7')").files
    (('x.txt', b'7'),)
    >>> sandbox.close()
    """

    def __init__(self, limits: Limits | None = None, *, environment: Mapping[str, str] | None = None) -> None:
        self.limits = limits or Limits()
        self._environment = dict(environment or {})
        self._child: _Child | None = None
        self._names: dict[str, str] = {}  # names of the files placed in the folder, by their ids
        self._busy = RLock()
        self._closing = False

    @property
    def running(self) -> bool:
        return self._child is not None

    def run(self, source: str, files: Iterable[tuple[str, str, bytes | memoryview]] = ()) -> CellResult:
        """Execute a cell.

        Exceeding a limit ends the interpreter, whose variables and files are lost. So does an exception here, such as
        Ctrl-C: the next cell must not get the answer to this one.

        Args:
            source: Python.
            files: id, name and bytes of files to place in the folder, once each. Of a path only the last part is used,
                and a name that is taken is prefixed with the id. Cells can open a file by its id, too.

        Raises:
            HarnessFailure: the interpreter does not start.
        """
        with self._busy:
            try:
                return self._run(source, files)
            except BaseException:
                self.close()
                raise

    def _run(self, source: str, files: Iterable[tuple[str, str, bytes | memoryview]]) -> CellResult:
        child = self._child = self._child or _Child(self.limits, self._environment)
        if self._closing:
            child.kill()  # another thread called `close` before there was a child to kill
        child.folder.mkdir(exist_ok=True)  # a cell may have removed it
        for file_id, name, content in files:
            if file_id not in self._names:
                self._names[file_id] = _file_name(child.folder, file_id, name)
                child.folder.joinpath(self._names[file_id]).write_bytes(content)
        before = _file_states(child.folder)
        answer = child.ask({"source": source, "names": self._names}, within=self.limits.seconds)
        if answer is None:
            exit_reason = child.exit_reason(self.limits)
            self.close()
            return CellResult(f"{exit_reason} Its variables and files are gone.\n")
        drawings = tuple(child.drawings.joinpath(name).read_bytes() for name in answer["drawings"])
        changed = [name for name, state in _file_states(child.folder).items() if before.get(name) != state]
        return CellResult(answer["logs"], drawings, tuple(_read_files(child.folder, changed)))

    def close(self) -> None:
        """End the interpreter, also while another thread waits for a cell, and remove its folder.

        The next cell starts another.
        """
        self._closing = True
        if self._child is not None:
            self._child.kill()
        with self._busy:  # free as soon as the killed child's cell has returned
            self._closing = False
            if self._child is not None:
                self._child.end()
                self._child = None
                self._names.clear()


class _Child:
    """The process, its folder, and the two pipes between it and us."""

    def __init__(self, limits: Limits, environment: Mapping[str, str]) -> None:
        temporary = TemporaryDirectory(prefix="code-interpreter-", ignore_cleanup_errors=True)
        root = Path(temporary.name)
        self.folder, self.drawings, home = (root / name for name in ("data", "drawings", "home"))
        for folder in (self.folder, self.drawings, home):
            folder.mkdir()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                [sys.executable, "-I", "-B", "-X", "utf8", str(KERNEL)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                cwd=self.folder,
                env={**_environment(home), **environment},
                start_new_session=True,
            )
        except OSError as error:
            temporary.cleanup()
            raise HarnessFailure(
                f"The code interpreter cannot be started: {error}",
                there_was=f"sys.executable is {sys.executable!r}.",
                do='run_code("…", logs="…")   # without execute=True',
            ) from error
        self._timed_out = False
        self.end = finalize(self, _clean_up, self._process, temporary)
        setup = {"root": str(root), "folder": str(self.folder), "drawings": str(self.drawings)}
        if self.ask({**setup, "limits": asdict(limits)}, within=STARTUP_TIMEOUT) is None:
            self.end()
            raise HarnessFailure(
                f"The code interpreter has ended before its first cell (exit code {self._process.returncode}).",
                there_was=f"{sys.executable} with {limits}.",
                do="assistants(code_memory=4096)   # more memory is what it most likely needs",
            )

    def ask(self, question: Mapping[str, Any], *, within: float) -> dict[str, Any] | None:
        """The child's answer to a question; None if the child died, or was killed when its time was up.

        An interrupt ends the child: its late answer would be taken for that to the next question.
        """
        try:
            line = self._exchange(json.dumps(question).encode() + b"\n", within)
        except OSError:  # the child is dead already
            line = b""
        except BaseException:
            self.end()
            raise
        answer: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
        return answer

    def _exchange(self, line: bytes, within: float) -> bytes:
        pipes = _pipes(self._process)
        watchdog = Timer(within, self._time_out)
        watchdog.daemon = True
        watchdog.start()
        try:
            pipes[0].write(line)
            pipes[0].flush()
            return pipes[1].readline()
        finally:
            watchdog.cancel()
            watchdog.join()

    def exit_reason(self, limits: Limits) -> str:
        """End the child, and say why it died."""
        self.end()
        code = self._process.returncode
        if self._timed_out:
            return f"The cell was stopped: it ran longer than {limits.seconds:g} seconds."
        if hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU:
            return f"The cell was stopped: it used more than {limits.cpu} seconds of CPU time."
        return f"The interpreter has ended while it ran the cell (exit code {code})."

    def kill(self) -> None:
        """Kill the process, and leave the cleaning up to `end`."""
        if self._process.returncode is None:
            _kill(self._process)

    def _time_out(self) -> None:
        self._timed_out = True
        self.kill()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None  # both are pipes
    assert process.stdout is not None
    return process.stdin, process.stdout


def _kill(process: subprocess.Popen[bytes]) -> None:
    """Kill the child and what it started; it was not waited for yet, so its id cannot have been reused."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _clean_up(process: subprocess.Popen[bytes], temporary: TemporaryDirectory[str]) -> None:
    """Kill the process, and remove its folder whatever it did there."""
    _kill(process)
    process.wait()
    for pipe in _pipes(process):
        with suppress(OSError):  # unflushed bytes have no reader any more
            pipe.close()
    temporary.cleanup()


def _environment(home: Path) -> dict[str, str]:
    """The child's variables: a home in the folder, a backend without a screen, one thread for numerical libraries."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    places = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR"), str(home))
    return {"LANG": "C.UTF-8", "MPLBACKEND": "Agg", **threads, **places}


def _file_states(folder: Path) -> dict[str, tuple[int, int, int]]:
    """Inode, size and time of change of each regular file in a folder, by its path there."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = Path(at, name)
            with suppress(OSError):  # a thread of an earlier cell may have removed it
                state = path.lstat()
                if stat.S_ISREG(state.st_mode):
                    found[path.relative_to(folder).as_posix()] = (state.st_ino, state.st_size, state.st_mtime_ns)
    return dict(sorted(found.items()))


def _read_files(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Name and content of the readable files; bytes of a name that are no text become `?`."""
    for name in names:
        with suppress(OSError):
            yield name.encode(errors="replace").decode(), folder.joinpath(name).read_bytes()


def _file_name(folder: Path, file_id: str, name: str) -> str:
    """A name for a file that is safe and free in the folder, whatever a client called it.

    >>> _file_name(Path("/nowhere"), "file-abc", "../../.ssh/config")
    'config'
    """
    plain_id = re.sub(r"[^\w-]", "_", file_id)[:MAX_NAME_BYTES]
    base = re.split(r"[/\\]", name)[-1]
    base = "".join(character if character.isprintable() and character not in ':*?"<>|' else "_" for character in base)
    if base.strip(". ") == "" or len(base.encode()) > MAX_NAME_BYTES:
        base = plain_id
    return f"{plain_id}-{base}" if os.path.lexists(folder / base) else base
