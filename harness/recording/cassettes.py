"""Cassettes on disk: files of recorded exchanges, read in any known dialect, and written in that of vcrpy.

The dialect is recognized by content, never by file name. Reading executes nothing, and opens no file but the cassette
and those in the folder beside it. Writing is all or nothing.
"""

from __future__ import annotations

import codecs
import itertools
import json
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

from harness.atomic_files import write_atomic
from harness.failures import HarnessFailure
from harness.recording.dialects import DIALECTS, vcrpy
from harness.recording.dialects.common import Place, Unusable, uploads_of
from harness.recording.dialects.unsupported import unsupported_format
from harness.recording.dialects.yaml_reader import NotPlainYaml, load
from harness.recording.dialects.yaml_writer import UNPRINTABLE

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.recording.dialects import Dialect
    from harness.recording.exchanges import RecordedExchange

COMMENT = re.compile(r"(?:#[^\n]*\n)+")
COMMENT_LINE = re.compile(r"^# ?([^\r\n]*)", re.MULTILINE)
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
UTF_16_BOMS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # as `>` writes in Windows PowerShell
EXCERPT_LENGTH = 80  # bytes of an unreadable file that a message shows


def read(path: str | os.PathLike[str], skipped: list[str] | None = None) -> list[RecordedExchange]:
    """The exchanges of a cassette, in its order; `conversation` tells them apart if a file holds several conversations.

    Records from which no exchange can be built are left out, and `skipped` gets a line for each: which one, and why.
    Raises `HarnessFailure` for a file that is missing, broken, or in no known dialect.
    """
    where = Path(path)
    text = _decoded(where)
    data, why = _parsed(text)
    for given, dialect in itertools.product((data, text), DIALECTS):
        rows = dialect.rows(given)
        if rows is not None:
            return _exchanges(where, dialect, rows, [] if skipped is None else skipped)
    raise _unreadable(where, why or "its content is in none of the dialects", text.encode())


def header_of(path: str | os.PathLike[str]) -> str:
    """The comment on top of a cassette, without the `#` of each line: the header that `write` was given."""
    comment = COMMENT.match(_decoded(Path(path)))
    return "\n".join(COMMENT_LINE.findall(comment[0])) if comment else ""


def write(
    path: str | os.PathLike[str],
    exchanges: Sequence[RecordedExchange],
    *,
    header: str = "",
    check: Callable[[bytes], None] | None = None,
) -> None:
    """Write a cassette that vcrpy and pytest-recording can replay; the same exchanges give the same bytes.

    Text bodies are written line by line, and `read` restores every byte. Binary bodies are written as base64, except in
    uploads: each binary content is a file in the folder `<cassette>.files`, named after its SHA-256, and replaced by
    `<bytes of NAME.bin>` in the body. vcrpy can replay that too, unless it is told to match by body. Nothing is deleted
    from that folder, because another process may be about to refer to it.

    The file is UTF-8. vcrpy reads it in the encoding of the locale: on Windows, set PYTHONUTF8=1 for it.

    Whatever happens, `path` holds either the old cassette or the new one (`harness.atomic_files`). `check` is called
    with the bytes of each file before any is written, and may raise.

    Raises `HarnessFailure` if the system refuses.
    """
    rendered(path, exchanges, header=header, check=check).write()


@dataclass(frozen=True)
class Rendered:
    """A cassette as it will be written, and the files beside it by their names."""

    path: Path
    content: bytes
    uploads: Mapping[str, bytes]

    def write(self) -> None:
        """Write all files. Raises `HarnessFailure` if the system refuses."""
        try:
            for name, upload in self.uploads.items():
                _write_upload(uploads_of(self.path) / name, upload)
            _write_file(self.path, self.content)
        except OSError as error:
            raise _unwritable(self.path, error) from error


def rendered(
    path: str | os.PathLike[str],
    exchanges: Sequence[RecordedExchange],
    *,
    header: str = "",
    check: Callable[[bytes], None] | None = None,
) -> Rendered:
    """What `write` would write: several cassettes can so be checked before the first is written."""
    text, uploads = vcrpy.text(exchanges)
    comment = "".join(f"# {UNPRINTABLE.sub(REPLACEMENT, line)}\n" if line else "#\n" for line in header.splitlines())
    content = (comment + text).encode()
    if check is not None:
        for each in (content, *uploads.values()):
            check(each)
    return Rendered(Path(path), content, uploads)


@contextmanager
def locked(path: str | os.PathLike[str]) -> Iterator[None]:
    """While active, holds a lock on the cassette, so that no other process changes it between reading and writing.

    The operating system releases the lock of a process that is killed. Its file, `.<name>.lock` beside the cassette, is
    empty and stays: if it were deleted, two processes could each hold a lock of that name.

    Raises `HarnessFailure` if the system refuses.
    """
    from filelock import FileLock  # noqa: PLC0415 - belongs to an extra, which `recording` asks for

    where = Path(path)
    lock = FileLock(where.with_name(f".{where.name}.lock"))
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except (OSError, NotImplementedError) as error:
        raise _unwritable(where, error) from error
    try:
        yield
    finally:
        lock.release()


# --- reading ------------------------------------------------------------------------------------------------------


def _decoded(path: Path) -> str:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise HarnessFailure(
            f"The cassette {path} could not be read: {error}", do=f"ls -l {quote(str(path))}"
        ) from error
    try:
        return content.decode("utf-16" if content.startswith(UTF_16_BOMS) else "utf-8-sig")
    except UnicodeDecodeError:
        raise _unreadable(path, "it is not text in UTF-8", content) from None


def _parsed(text: str) -> tuple[Any, str]:
    """A file parsed as JSON, JSON lines or YAML, depending on its beginning; or None and the reason it cannot be."""
    if not text.strip():
        return None, "it is empty"
    try:
        if text.lstrip()[0] not in "{[":
            return load(text), ""
        first, _, others = text.partition("\n")
        if others.strip() and (row := _json_or_none(first)) is not None:
            return [row, *_json_lines(others)], ""
        return json.loads(text), ""
    except (NotPlainYaml, ValueError, RecursionError) as error:
        return None, str(error)


def _json_or_none(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def _json_lines(text: str) -> list[Any]:
    """The values of JSON lines from the second on. Only `\\n` ends a line: JSON strings may hold other line ends."""
    found = []
    for number, line in enumerate(text.split("\n"), 2):
        if line.strip():
            try:
                found.append(json.loads(line))
            except ValueError as error:
                raise ValueError(f"line {number} is no JSON: {error}") from error
    return found


def _exchanges(path: Path, dialect: Dialect, rows: list[Any], skipped: list[str]) -> list[RecordedExchange]:
    found = []
    for index, row in enumerate(rows):
        place = Place(path, index)
        try:
            found.append(dialect.exchange(row, place))
        except Unusable as reason:
            skipped.append(f"{place}: {reason}")
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            raise HarnessFailure(
                f"Record {index} of {path} could not be read: {_reason(error)}.",
                there_was=f"The file is in the dialect: {dialect.name}. Records are counted from 0.",
                do=f"git diff -- {quote(str(path))}   # or leave that record out",
            ) from error
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, KeyError):
        return f"it has no {error}"
    return str(error) if isinstance(error, ValueError) else f"it has another shape than a record: {error}"


def _unreadable(path: Path, why: str, content: bytes) -> HarnessFailure:
    shown = f"It begins with {content[:EXCERPT_LENGTH]!r}.\n" if content else ""
    known = "\n".join(f"    {dialect.name}" for dialect in DIALECTS)
    other = unsupported_format(content.decode("latin-1"))
    do = other.do if other else "git log --oneline -- {file}   # was it ever one of these? If not, record it again"
    return HarnessFailure(
        f"{path} cannot be read as a cassette: {f'it is {other.name}' if other else why}.",
        there_was=f"{shown}These are read, whatever the file is called:\n{known}",
        do=do.replace("{file}", quote(str(path))),
    )


# --- writing ------------------------------------------------------------------------------------------------------


def _unwritable(path: Path, error: Exception) -> HarnessFailure:
    folder = quote(str(path.parent))
    return HarnessFailure(
        f"The cassette {path} could not be written: {error}",
        there_was="What was there before is unchanged.",
        do=f"ls -ld {folder}; df -h {folder}   # is it writable? is there room?",
    )


def _write_upload(path: Path, content: bytes) -> None:
    """Write a file that is named after its content, unless it exists with that content."""
    with suppress(FileNotFoundError):
        if path.read_bytes() == content:
            return
    _write_file(path, content)


def _write_file(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, content)
