"""Executing cells in a process of their own, for `run_code(…, execute=True)`.

The child is another Python of the same installation, so it has its libraries, but nothing of this process. Around it:

- a temporary folder, which stands for `/mnt/data`: paths that begin so lead there, where Python itself opens them (a
  library in C that opens files by itself needs a relative path). It is the working directory. What the child tries to
  change elsewhere is refused; reading is not.
- an environment that has a home in that folder and the few variables a Python needs, so no keys.
- no network and no other processes: an audit hook refuses both, and on Linux, where the system lets a user do that,
  the child is in a network namespace with nothing in it.
- limits (`Limits`), most of them by `resource`. A platform without it (Windows) has those of output, disk and
  wall-clock time; macOS does not enforce the limit of memory.

This is isolation against accidents: code of a test that loops, or writes where it should not. It is no isolation
against an attacker: `ctypes` goes past the audit hook, and what the child may read it can print. Execute nothing with
it that you would not run in the test itself.
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
PATIENCE = 60.0  # seconds until a child that does not even begin is given up
MEBIBYTE = 1024 * 1024
LONGEST_NAME = 200  # bytes; file systems take 255


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a cell may use.

    Attributes:
        seconds: wall-clock time; then the child and everything it started is killed.
        cpu: seconds of the processor.
        memory: bytes of address space, including what the interpreter and its libraries take.
        file: bytes in one file.
        disk, files: bytes and files in the folder, counted when a file is opened for writing.
        processes: of this user, the child's and all others; the child itself may start none.
        open_files: open at a time.
        output: characters that are kept of what it prints.
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
class Ran:
    """What a cell has done: printed, drawn, and written or changed, by the name below the folder."""

    logs: str
    drawings: tuple[bytes, ...] = ()
    files: tuple[tuple[str, bytes], ...] = ()


class Sandbox:
    """An interpreter whose cells see each other's variables, in a folder of its own.

    It is started by its first cell. `close` ends it; so does the garbage collector, and the end of this process.

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
        self._names: dict[str, str] = {}  # of the files that were put there, by id
        self._busy = RLock()
        self._closing = False

    @property
    def running(self) -> bool:
        return self._child is not None

    def run(self, source: str, files: Iterable[tuple[str, str, bytes | memoryview]] = ()) -> Ran:
        """Execute a cell; a limit that is met ends the interpreter, and its variables and files are gone.

        So does whatever interrupts it, such as Ctrl-C: the next cell must not get the answer to this one.

        Args:
            source: Python.
            files: id, name and bytes of files that are to lie in the folder. They are put there once; only the last
                part of a path counts, and a name that is taken gets the id in front. They can be opened by id, too.

        Raises:
            HarnessFailure: there is no interpreter to start, or it does not start.
        """
        with self._busy:
            try:
                return self._run(source, files)
            except BaseException:
                self.close()
                raise

    def _run(self, source: str, files: Iterable[tuple[str, str, bytes | memoryview]]) -> Ran:
        child = self._child = self._child or _Child(self.limits, self._environment)
        if self._closing:
            child.kill()  # it was not there yet when another thread closed this
        child.folder.mkdir(exist_ok=True)  # a cell may have removed it
        for file_id, name, content in files:
            if file_id not in self._names:
                self._names[file_id] = _free_name(child.folder, file_id, name)
                child.folder.joinpath(self._names[file_id]).write_bytes(content)
        before = _listing(child.folder)
        answer = child.ask({"source": source, "names": self._names}, within=self.limits.seconds)
        if answer is None:
            cause = child.cause(self.limits)
            self.close()
            return Ran(f"{cause} Its variables and files are gone.\n")
        drawings = tuple(child.drawings.joinpath(name).read_bytes() for name in answer["drawings"])
        changed = [name for name, state in _listing(child.folder).items() if before.get(name) != state]
        return Ran(answer["logs"], drawings, tuple(_read(child.folder, changed)))

    def close(self) -> None:
        """End the interpreter, also while another thread waits for a cell, and remove its folder.

        The next cell starts another.
        """
        self._closing = True
        if self._child is not None:
            self._child.kill()
        with self._busy:  # whoever waited for a cell has heard by now
            self._closing = False
            if self._child is not None:
                self._child.end()
                self._child = None
                self._names.clear()


class _Child:
    """The process, its folder, and the two pipes between it and us."""

    def __init__(self, limits: Limits, environment: Mapping[str, str]) -> None:
        place = TemporaryDirectory(prefix="code-interpreter-", ignore_cleanup_errors=True)
        root = Path(place.name)
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
            place.cleanup()
            raise HarnessFailure(
                f"The code interpreter cannot be started: {error}",
                there_was=f"sys.executable is {sys.executable!r}.",
                do='run_code("…", logs="…")   # without execute=True',
            ) from error
        self._timed_out = False
        self.end = finalize(self, _end, self._process, place)
        setup = {"root": str(root), "folder": str(self.folder), "drawings": str(self.drawings)}
        if self.ask({**setup, "limits": asdict(limits)}, within=PATIENCE) is None:
            self.end()
            raise HarnessFailure(
                f"The code interpreter has ended before its first cell (exit code {self._process.returncode}).",
                there_was=f"{sys.executable} with {limits}.",
                do="assistants(code_memory=4096)   # more memory is what it most likely needs",
            )

    def ask(self, question: Mapping[str, Any], *, within: float) -> dict[str, Any] | None:
        """The answer to one line; None if the child has died over it, or was killed when its time was up.

        Interrupted, it ends the child, whose answer would be taken for that to the next line.
        """
        try:
            line = self._answered(json.dumps(question).encode() + b"\n", within)
        except OSError:  # it is dead already
            line = b""
        except BaseException:
            self.end()
            raise
        answer: dict[str, Any] | None = json.loads(line) if line.endswith(b"\n") else None
        return answer

    def _answered(self, line: bytes, within: float) -> bytes:
        pipes = _pipes(self._process)
        watchdog = Timer(within, self._give_up)
        watchdog.daemon = True
        watchdog.start()
        try:
            pipes[0].write(line)
            pipes[0].flush()
            return pipes[1].readline()
        finally:
            watchdog.cancel()
            watchdog.join()

    def cause(self, limits: Limits) -> str:
        """Why it has died."""
        self.end()
        code = self._process.returncode
        if self._timed_out:
            return f"The cell was stopped: it ran longer than {limits.seconds:g} seconds."
        if hasattr(signal, "SIGXCPU") and code == -signal.SIGXCPU:
            return f"The cell was stopped: it used the processor for more than {limits.cpu} seconds."
        return f"The interpreter has ended while it ran the cell (exit code {code})."

    def kill(self) -> None:
        """End the process; what it leaves is for `end`."""
        if self._process.returncode is None:
            _kill(self._process)

    def _give_up(self) -> None:
        self._timed_out = True
        self.kill()


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    assert process.stdin is not None  # both are pipes
    assert process.stdout is not None
    return process.stdin, process.stdout


def _kill(process: subprocess.Popen[bytes]) -> None:
    """The child and what it started; it was not waited for yet, so its number is nobody else's."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def _end(process: subprocess.Popen[bytes], place: TemporaryDirectory[str]) -> None:
    """Without a chance to object. Whatever it did to the folder, it is removed."""
    _kill(process)
    process.wait()
    for pipe in _pipes(process):
        with suppress(OSError):  # what was not flushed has no reader any more
            pipe.close()
    place.cleanup()


def _environment(home: Path) -> dict[str, str]:
    """A home in the folder, a backend that needs no screen, and one thread for numerical libraries."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    places = dict.fromkeys(("HOME", "TMPDIR", "TEMP", "TMP", "MPLCONFIGDIR"), str(home))
    return {"LANG": "C.UTF-8", "MPLBACKEND": "Agg", **threads, **places}


def _listing(folder: Path) -> dict[str, tuple[int, int, int]]:
    """The regular files of a folder, by their path below it, each with what changes when it is written."""
    found = {}
    for at, _, names in os.walk(folder):
        for name in names:
            path = Path(at, name)
            with suppress(OSError):  # a thread that a cell has left may have removed it
                state = path.lstat()
                if stat.S_ISREG(state.st_mode):
                    found[path.relative_to(folder).as_posix()] = (state.st_ino, state.st_size, state.st_mtime_ns)
    return dict(sorted(found.items()))


def _read(folder: Path, names: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """What can be read of these files; in its name, a `?` stands for each byte that is part of no character."""
    for name in names:
        with suppress(OSError):
            yield name.encode(errors="replace").decode(), folder.joinpath(name).read_bytes()


def _free_name(folder: Path, file_id: str, name: str) -> str:
    """The name under which a file lies in the folder, whatever a client called it.

    >>> _free_name(Path("/nowhere"), "file-abc", "../../.ssh/config")
    'config'
    """
    plain_id = re.sub(r"[^\w-]", "_", file_id)[:LONGEST_NAME]
    last = re.split(r"[/\\]", name)[-1]
    last = "".join(character if character.isprintable() and character not in ':*?"<>|' else "_" for character in last)
    if last.strip(". ") == "" or len(last.encode()) > LONGEST_NAME:
        last = plain_id
    return f"{plain_id}-{last}" if os.path.lexists(folder / last) else last
