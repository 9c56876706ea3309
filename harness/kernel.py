"""The other side of `harness.sandbox`: the program of the child process, which executes cells as a notebook does.

It is started by its path, with nothing of this package importable but what is installed. One line of JSON is a cell,
one line of JSON its outcome. It limits itself before it reads the first: what is set up here keeps a cell that goes
astray from doing harm, and does not keep an attacker from anything.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import json
import linecache
import os
import sys
import traceback
import warnings
from collections.abc import Hashable
from itertools import chain
from pprint import pformat
from typing import TYPE_CHECKING, Any

if sys.version_info < (3, 11):
    import pathlib  # which there copies functions of `os` into an object: before `lead` replaces them

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FOLDER = "/mnt/data"
WIDTH = 79
CONTEXT = 2  # lines shown around the one that failed
CUT = "\n[output cut off: more than {limit:,} characters]"


# --- a cell ------------------------------------------------------------------------------------------------------


class Printed(io.TextIOBase):
    """What cells print, up to a limit; the rest is thrown away, however much it is."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.pieces: list[str] = []
        self.length = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        left = self.limit - self.length
        if left > 0 and text:
            self.pieces.append(text[:left])
        self.length += len(text)
        return len(text)

    def take(self) -> str:
        text = "".join(self.pieces) + (CUT.format(limit=self.limit) if self.length > self.limit else "")
        self.pieces, self.length = [], 0
        return text.encode(errors="replace").decode()  # half of a surrogate pair is no character


class Notebook:
    """Variables, and cells that are executed one after the other.

    `show` gets the bytes of what a cell draws.
    """

    def __init__(self, show: Callable[[bytes], None]) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
        self._show = show
        self._number = 0

    def run(self, source: str) -> None:
        """Execute a cell and print what its last expression is; an exception is printed, too."""
        self._number += 1
        sys.stdin = io.StringIO()  # nobody answers; exit() closes it
        name = f"Cell In[{self._number}]"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            self._execute(source, name)
        except BaseException as error:  # noqa: BLE001 - also exit() and Ctrl-C end the cell, not the notebook
            sys.stdout.write(failure(error))
        self._draw_figures()

    def _execute(self, source: str, name: str) -> None:
        body = ast.parse(source, name).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";") else None
        exec(compile(ast.Module(body, []), name, "exec"), self.names)  # noqa: S102 - that is what it is for
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval"), self.names)  # noqa: S307 - that is what it is for
            if value is not None:
                self.names["_"] = value
                self._display(value)

    def _display(self, value: object) -> None:
        """As a notebook: a picture if the value is one, else its text, long collections an item a line (recorded)."""
        as_png = getattr(type(value), "_repr_png_", None)
        picture = as_png(value) if as_png is not None else None
        if isinstance(picture, bytes):
            self._show(picture)
            return
        text = repr(value)
        if isinstance(value, (dict, list, set, tuple, frozenset)) and len(text) > WIDTH:
            text = pformat(value, width=WIDTH, sort_dicts=False)
        sys.stdout.write(text)

    def _draw_figures(self) -> None:
        plots: Any = sys.modules.get("matplotlib.pyplot")
        if plots is None:
            return
        for number in plots.get_fignums():
            drawn = io.BytesIO()
            try:
                plots.figure(number).savefig(drawn, format="png")
                self._show(drawn.getvalue())
            except Exception as error:  # noqa: BLE001 - the figure is the cell's: its error is, too
                sys.stdout.write(failure(error))
            plots.close(number)


def failure(error: BaseException) -> str:
    """An exception as notebooks show it. That the service did so is not recorded (a guess)."""
    name = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename is not None and error.filename.startswith("Cell In["):
        shown = "".join(traceback.format_exception_only(type(error), error))
        return shown.replace(f'  File "{error.filename}", line', f"  {error.filename}, line", 1).rstrip("\n") + "\n"
    lines = ["-" * 75, name + "Traceback (most recent call last)".rjust(75 - len(name))]
    frames = traceback.extract_tb(error.__traceback__)
    for frame in (frame for frame in frames if frame.filename != __file__ and not frame.filename.startswith("<frozen")):
        line = frame.lineno or 0
        inside = "" if frame.name == "<module>" else f", in {frame.name}"
        if not frame.filename.startswith("Cell In["):
            lines += [f"File {frame.filename}:{line}{inside}", ""]
            continue
        lines.append(f"{frame.filename}, line {line}{inside}")
        source = linecache.getlines(frame.filename)
        for number in range(max(1, line - CONTEXT), min(len(source), line + CONTEXT) + 1):
            left = 7 - len(str(number))
            mark = "-" * (left - 2) + "> " if number == line else " " * left
            lines.append(f"{mark}{number} {source[number - 1]}".rstrip())
        lines.append("")
    return "\n".join([*lines, f"{name}: {error}" if str(error) else name]) + "\n"


# --- /mnt/data ---------------------------------------------------------------------------------------------------


class Places:
    """Where paths below `/mnt/data` really lead: into the folder, and by a file's id to the file of that name."""

    def __init__(self, folder: str, names: Mapping[str, str]) -> None:
        self.folder = folder
        self.names = dict(names)

    def real(self, path: Any) -> Any:
        """The path to use for a path as code writes it; what is no path stays what it is."""
        try:
            text = os.fspath(path)
        except TypeError:
            return path
        if isinstance(text, bytes):
            return os.fsencode(self.real(os.fsdecode(text)))
        if text != FOLDER and not text.startswith(FOLDER + "/"):
            return path
        below = text[len(FOLDER) :].strip("/")
        return os.path.join(self.folder, self.names.get(below, below)) if below else self.folder


# Functions that take paths, by the names of those parameters, which come first. All of `pathlib`, `shutil`, `glob` and
# `os.path` ends in these.
PATHS = {
    **dict.fromkeys(("access", "chdir", "chflags", "chmod", "chown", "getxattr", "lchflags", "lchmod"), ("path",)),
    **dict.fromkeys(("lchown", "listdir", "listxattr", "lstat", "mkdir", "mkfifo", "open", "readlink"), ("path",)),
    **dict.fromkeys(("remove", "removexattr", "rmdir", "scandir", "setxattr", "stat", "statvfs"), ("path",)),
    **dict.fromkeys(("truncate", "unlink", "utime"), ("path",)),
    **dict.fromkeys(("link", "rename", "replace", "symlink"), ("src", "dst")),
}
# Of `os.path` these do not end there on Windows from Python 3.12 on, where they are written in C.
QUESTIONS = {**dict.fromkeys(("exists", "isfile", "isjunction", "islink", "lexists"), ("path",)), "isdir": ("s",)}


def lead(places: Places) -> None:
    """Let everything that opens or names a file find `/mnt/data` in the folder."""

    def led(function: Callable[..., Any], paths: tuple[str, ...]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            for name in paths:
                if name in keywords:
                    keywords[name] = places.real(keywords[name])
            real = map(places.real, arguments[: len(paths)])
            return function(*chain(real, arguments[len(paths) :]), **keywords)

        call.__name__ = function.__name__
        return call

    supporting = (os.supports_dir_fd, os.supports_effective_ids, os.supports_fd, os.supports_follow_symlinks)
    originals: dict[Any, Any] = {io.open: led(io.open, ("file",))}
    for module, functions in ((os, PATHS), (os.path, QUESTIONS)):
        for name, paths in functions.items():
            function = getattr(module, name, None)
            if function is not None:
                wrapped = originals[function] = led(function, paths)
                setattr(module, name, wrapped)
                for supported in supporting:  # in which `shutil` looks up what it may do
                    if function in supported:
                        supported.add(wrapped)
    if sys.version_info < (3, 11):
        accessor: Any = vars(pathlib)["_normal_accessor"]
        for name, function in vars(type(accessor)).items():
            if isinstance(function, Hashable) and function in originals:
                setattr(accessor, name, originals[function])
    builtins.open = io.open = originals[io.open]
    real_cwd = os.getcwd
    os.getcwd = lambda: real_cwd().replace(places.folder, FOLDER, 1)


# --- what a cell may not do --------------------------------------------------------------------------------------

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
        sizes = [os.lstat(os.path.join(at, name)).st_size for at, _, names in os.walk(self._root) for name in names]
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


# --- the program -------------------------------------------------------------------------------------------------


def main() -> None:
    """Serve cells from standard input until it ends, which it also does when the parent is gone."""
    cells, outcomes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    setup = json.loads(cells.readline())
    folder, drawings = os.path.realpath(setup["folder"]), os.path.realpath(setup["drawings"])
    limits = setup["limits"]
    printed = Printed(limits["output"])
    sys.stdout = sys.stderr = printed
    sys.argv = [""]
    warnings.filterwarnings("ignore", message=".*non-interactive.*")
    os.chdir(folder)
    leave_network()
    limit(limits)
    refuse_processes()
    shown: list[str] = []

    def show(picture: bytes) -> None:
        path = os.path.join(drawings, f"{len(os.listdir(drawings))}.png")
        with open(path, "wb") as file:
            file.write(picture)
        shown.append(os.path.basename(path))

    places = Places(folder, {})
    guard = Guard(places, os.path.realpath(setup["root"]), disk=limits["disk"], files=limits["files"])
    lead(places)
    sys.addaudithook(guard)
    notebook = Notebook(show)
    outcomes.write(b"{}\n")
    outcomes.flush()
    for line in cells:
        cell = json.loads(line)
        places.names.update(cell["names"])
        shown.clear()
        try:
            os.getcwd()
        except OSError:  # an earlier cell removed it, and the parent has made it anew
            os.chdir(folder)
        allow_cpu(limits["cpu"])
        notebook.run(cell["source"])
        logs = printed.take().replace(folder, FOLDER)
        outcomes.write(json.dumps({"logs": logs, "drawings": shown}).encode() + b"\n")
        outcomes.flush()


if __name__ == "__main__":
    main()
