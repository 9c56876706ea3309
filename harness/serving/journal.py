"""The file behind `serve(state=…)`: a write-ahead log of requests, one JSON object a line."""

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
# How the first line of every journal begins.
HEADER_START = f'{{"journal": {FORMAT}, '.encode()
CHECKSUM = b', "crc": '
MAX_HEADER_LENGTH = 2**16


class Journal:
    """An append-only file of entries, which the next server reads again in order.

    The operating system has an entry when `write` returns: a process that is killed loses nothing. (A machine that
    loses power may: there is no fsync.) Every line ends with a checksum of itself and all lines before it, so no
    change, omission or insertion goes unnoticed. An incomplete last line was being written when the server was killed;
    no client has an answer to it, and it is dropped.

    Nothing is ever removed from the file, so it grows with every request; delete it to start over.

    Args:
        path: the file, which is created if it does not exist. Only its owner may read it.
        conditions: what must be equal for the entries to have the same effect; kept in the first line.

    Raises:
        HarnessFailure: another server uses this file, filelock is not installed, or the file cannot be created.
    """

    def __init__(self, path: Path, conditions: Mapping[str, Any]) -> None:
        self.path = path
        self._header: Entry = json.loads(json.dumps({"journal": FORMAT, **conditions}))
        self._write_lock = Lock()
        self._lines = self._size = self._checksum = 0
        self._file: FileIO | None = None
        self._file_lock = _locked(path)

    def entries(self) -> Iterator[tuple[int, Entry]]:
        """Yield the existing entries, each with its number; after the last one, the journal accepts new ones.

        Raises:
            HarnessFailure: the file is damaged, or was begun by another version or with other options. It is not
                changed.
        """
        try:
            if self._is_new():
                self._open()
                self.write(self._header)
                return
            with self.path.open("rb") as file:
                for line in file:
                    if self._lines and not line.endswith(b"\n"):
                        break
                    entry = self._read(line)
                    if self._lines == 1:
                        self._check_conditions(entry)
                    else:
                        yield self._lines, entry
            self._open()
        except OSError as error:
            raise _unusable(self.path, error) from error

    def write(self, entry: Entry) -> int:
        """Append an entry and return its number.

        Raises:
            HarnessFailure: it cannot be written; then the file is as it was before.
        """
        assert self._file is not None  # `entries` opens it after the last entry
        body = json.dumps(entry, ensure_ascii=False).removesuffix("}").encode()
        with self._write_lock:
            checksum = crc32(body, self._checksum)
            line = left = body + CHECKSUM + b"%d}\n" % checksum
            try:
                while left:
                    left = left[self._file.write(left) :]
            except OSError as error:
                self._file.truncate(self._size)
                raise _unusable(self.path, error) from error
            return self._count(line, checksum)

    def close(self) -> None:
        """Close the file, and let another server use it."""
        if self._file is not None:
            self._file.close()
        self._file_lock.release()

    def _is_new(self) -> bool:
        """Whether the file is missing, or ends within its first line, as when a server was killed at its start."""
        try:
            with self.path.open("rb") as file:
                line = file.readline(MAX_HEADER_LENGTH)
        except FileNotFoundError:
            return True
        return not line.endswith(b"\n") and HEADER_START.startswith(line[: len(HEADER_START)])

    def _open(self) -> None:
        self._file = open(self.path, "ab", buffering=0, opener=_for_owner_only)  # noqa: SIM115 - `close` ends it
        self._file.truncate(self._size)

    def _count(self, line: bytes, checksum: int) -> int:
        """Move past a line that was read or written; returns its number."""
        self._checksum = checksum
        self._size += len(line)
        self._lines += 1
        return self._lines

    def _read(self, line: bytes) -> Entry:
        """The entry of a line.

        Raises:
            HarnessFailure: its checksum is wrong.
        """
        body, _, rest = line.rpartition(CHECKSUM)
        checksum = crc32(body, self._checksum)
        if rest != b"%d}\n" % checksum or (self._lines == 0 and not body.startswith(HEADER_START)):
            raise self._damaged()
        self._count(line, checksum)
        return cast("Entry", json.loads(body + b"}"))

    def _damaged(self) -> HarnessFailure:
        name, kept = quote(str(self.path)), quote(f"{self.path}.whole")
        if self._lines == 0:
            return HarnessFailure(
                f"{self.path}:1: this is not a state file of this version, or its first line is damaged.",
                there_was="The file was left as it is.",
                do="harness serve --state other.jsonl   # a file of its own",
            )
        return HarnessFailure(
            f"{self.path}:{self._lines + 1}: this line was changed, or one before it is missing.",
            there_was=f"The {self._lines} lines before it are intact. The file was left as it is.",
            do=f"head -n {self._lines} {name} > {kept}   # the intact lines, to continue with --state {kept}",
        )

    def _check_conditions(self, before: Entry) -> None:
        """Compare the first line of the file with the conditions of this server.

        Raises:
            HarnessFailure: they differ.
        """
        now = self._header
        names = [name for name in {**before, **now} if before.get(name) != now.get(name)]
        if names:
            raise HarnessFailure(
                f"{self.path} was begun with other options, so replaying it would not give the same state.",
                there_was="\n".join(f"{name} was {before.get(name)!r}, and is {now.get(name)!r}." for name in names),
                do=f"rm {quote(str(self.path))}   # to start over; or start the server as it was",
            )


def _for_owner_only(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _locked(path: Path) -> BaseFileLock:
    """Lock the journal. The lock is the operating system's, so it ends with a killed process; the lock file stays.

    Raises:
        HarnessFailure: another server holds the lock, or it cannot be created.
    """
    try:
        from filelock import FileLock, Timeout  # noqa: PLC0415 - belongs to an extra
    except ImportError as error:
        raise HarnessFailure(
            "Keeping the state of a server needs filelock, which is not installed.",
            do='pip install "pytest-assistants[recording]"',
        ) from error
    if path.exists() and not path.is_file():
        raise HarnessFailure(f"{path} is not a file.", do="harness serve --state state.jsonl")
    where = path.resolve()
    # one thread may start a server, and another stop it
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
