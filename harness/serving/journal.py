"""The file behind `serve(state=…)`: what came in, one line each, written before it is acted upon."""

from __future__ import annotations

import json
import os
from shlex import quote
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeAlias, cast
from zlib import crc32

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import FileIO
    from pathlib import Path

    from filelock import BaseFileLock

Entry: TypeAlias = dict[str, Any]

FORMAT = 2
# What every journal begins with.
MARK = f'{{"journal": {FORMAT}, '.encode()
CHECKSUM = b', "crc": '
LONGEST_HEAD = 2**16


class Journal:
    """Entries are appended to a file, and can be read again by the next server, in their order.

    An entry is in the hands of the operating system when `write` returns: a process that is killed loses nothing. (A
    machine that loses its power may: nobody waits for the disk.) Every line ends with a checksum of itself and all
    before it, so nothing can be changed, left out or put in unnoticed. A last line that is not whole was being written
    when the server was killed; nobody had an answer to it, and it is dropped.

    Nothing is ever taken out of the file, so it grows with every request; delete it to begin anew.

    Args:
        path: the file, which begins now if there is none. Only its owner may read it.
        about: what has to be the same for the entries to mean the same.

    Raises:
        HarnessFailure: another server has this file, filelock is not installed, or there can be no such file.
    """

    def __init__(self, path: Path, about: Mapping[str, Any]) -> None:
        self.path = path
        self._about: Entry = json.loads(json.dumps({"journal": FORMAT, **about}))
        self._writing = Lock()
        self._lines = self._size = self._checksum = 0
        self._file: FileIO | None = None
        self._hold = _hold(path)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """The entries of before, each with its number; at their end, the journal is open for new ones.

        Raises:
            HarnessFailure: the file is damaged, or was begun by another version or with other options. It stays as it
                is.
        """
        try:
            if self._is_new():
                self._open()
                self.write(self._about)
                return
            with self.path.open("rb") as file:
                for line in file:
                    if self._lines and not line.endswith(b"\n"):
                        break
                    entry = self._read(line)
                    if self._lines == 1:
                        self._compare(entry)
                    else:
                        yield self._lines, entry
            self._open()
        except OSError as error:
            raise _unusable(self.path, error) from error

    def write(self, entry: Entry) -> int:
        """Append an entry; gives its number.

        Raises:
            HarnessFailure: it cannot be written; then nothing of it is in the file.
        """
        assert self._file is not None  # `entries` opens it at its end
        body = json.dumps(entry, ensure_ascii=False).removesuffix("}").encode()
        with self._writing:
            checksum = crc32(body, self._checksum)
            line = left = body + CHECKSUM + b"%d}\n" % checksum
            try:
                while left:
                    left = left[self._file.write(left) :]
            except OSError as error:
                self._file.truncate(self._size)
                raise _unusable(self.path, error) from error
            return self._passed(line, checksum)

    def close(self) -> None:
        """Let another server have the file."""
        if self._file is not None:
            self._file.close()
        self._hold.release()

    def _is_new(self) -> bool:
        """Whether nobody was answered yet: there is no file, or no more of it than half of a first line."""
        try:
            with self.path.open("rb") as file:
                line = file.readline(LONGEST_HEAD)
        except FileNotFoundError:
            return True
        return not line.endswith(b"\n") and MARK.startswith(line[: len(MARK)])

    def _open(self) -> None:
        self._file = open(self.path, "ab", buffering=0, opener=_for_the_owner)  # noqa: SIM115 - `close` ends it
        self._file.truncate(self._size)

    def _passed(self, line: bytes, checksum: int) -> int:
        self._checksum = checksum
        self._size += len(line)
        self._lines += 1
        return self._lines

    def _read(self, line: bytes) -> Entry:
        """
        Raises:
            HarnessFailure: it is not what was written.
        """
        body, _, rest = line.rpartition(CHECKSUM)
        checksum = crc32(body, self._checksum)
        if rest != b"%d}\n" % checksum or (self._lines == 0 and not body.startswith(MARK)):
            raise self._damaged()
        self._passed(line, checksum)
        return cast("Entry", json.loads(body + b"}"))

    def _damaged(self) -> HarnessFailure:
        name, kept = quote(str(self.path)), quote(f"{self.path}.whole")
        if self._lines == 0:
            return HarnessFailure(
                f"{self.path}:1: this is no state of a server of this version, or its first line is damaged.",
                there_was="The file was left as it is.",
                do="harness serve --state other.jsonl   # a file of its own",
            )
        return HarnessFailure(
            f"{self.path}:{self._lines + 1}: this line is not what was written here, or one before it is missing.",
            there_was=f"The {self._lines} before it are whole. The file was left as it is.",
            do=f"head -n {self._lines} {name} > {kept}   # what is whole, to go on with --state {kept}",
        )

    def _compare(self, before: Entry) -> None:
        """
        Raises:
            HarnessFailure: the entries were written under other conditions.
        """
        now = self._about
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if names:
            raise HarnessFailure(
                f"{self.path} was begun in another way, so what is in it would not come about again.",
                there_was="\n".join(f"{name} was {before.get(name)!r}, and is {now.get(name)!r}." for name in names),
                do=f"rm {quote(str(self.path))}   # to begin anew; or start the server as it was",
            )


def _for_the_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _hold(path: Path) -> BaseFileLock:
    """A lock of the operating system, so it goes with a process that is killed; its file, beside the other, stays.

    Raises:
        HarnessFailure: another server has it, or there can be none.
    """
    try:
        from filelock import FileLock, Timeout  # noqa: PLC0415 - belongs to an extra
    except ImportError as error:
        raise HarnessFailure(
            "Keeping the state of a server needs filelock, which is not installed.",
            do='pip install "pytest-assistants[recording]"',
        ) from error
    if path.exists() and not path.is_file():
        raise HarnessFailure(f"{path} is no file.", do="harness serve --state state.jsonl")
    where = path.resolve()
    # one thread may start a server, and another end it
    lock = FileLock(where.with_name(f".{where.name}.lock"), timeout=0, thread_local=False)
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout as error:
        raise HarnessFailure(
            f"Another server keeps its state in {path}.", do="harness serve --state other.jsonl   # a file of its own"
        ) from error
    except (OSError, NotImplementedError) as error:
        raise _unusable(path, error) from error
    return lock


def _unusable(path: Path, error: Exception) -> HarnessFailure:
    return HarnessFailure(
        f"The state of the server cannot be kept in {path}: {getattr(error, 'strerror', None) or error}.",
        do=f"ls -ld {quote(str(path.parent))} {quote(str(path))}   # is there room, and may it be written?",
    )
