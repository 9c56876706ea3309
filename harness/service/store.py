"""The data of the service: tables of records, deterministic ids, and pages.

This file also owns randomness: all ids of a fake come from its seed, with one stream for each kind of id, so that
an additional file does not change the id of a thread.
"""

from __future__ import annotations

import random
import string
from bisect import bisect_left
from collections import deque
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar, overload
from uuid import UUID

from harness.service.shapes import HEX_STORE_IDS, SHORT_FILE_IDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.service.records import Assistant, File, Thread, VectorStore
    from harness.service.shapes import Shapes


def _alphabet(alphabet: str) -> bytes:
    """A translation table from random bytes to characters, of which the first are slightly more frequent."""
    return bytes(ord(alphabet[byte % len(alphabet)]) for byte in range(256))


LETTERS = string.ascii_letters + string.digits
ALPHABET = _alphabet(LETTERS)
# Without characters that are easily confused, as in file ids since 2025 (CONTRACT §2, FACTS F).
SHORT_ALPHABET = _alphabet("".join(sorted(set(LETTERS) - set("0OIl"))))


def kind_of(record_id: str) -> str:
    """The kind of object that an id belongs to. Files have two prefixes (CONTRACT §1.8).

    >>> kind_of("thread_abc"), kind_of("file-abc"), kind_of("assistant-abc")
    ('thread', 'file', 'file')
    """
    kind = record_id.replace("-", "_").partition("_")[0]
    return "file" if kind == "assistant" else kind


class HasId(Protocol):
    id: str


R = TypeVar("R", bound=HasId)


class Ids:
    """Ids of the right shape and alphabet, the same for the same seed.

    >>> Ids("seed").make("thread_") == Ids("seed").make("thread_")
    True
    """

    def __init__(self, seed: object) -> None:
        self.planned: dict[str, deque[str]] = {}
        self._seed = seed
        self._streams: dict[str, random.Random] = {}

    def plan(self, record_id: str) -> None:
        """Use this id for the next object of its kind."""
        self.planned.setdefault(kind_of(record_id), deque()).append(record_id)

    def make(self, prefix: str, alphabet: bytes = ALPHABET, length: int = 24) -> str:
        if self.planned and (planned := self._planned(prefix)):
            return planned
        return prefix + self._stream(prefix).randbytes(length).translate(alphabet).decode()

    def file(self, shapes: Shapes, *, azure: bool, purpose: str) -> str:
        """A file id; Azure has a prefix of its own for files of assistants (CONTRACT §1.8)."""
        if azure and purpose.startswith("assistants"):
            return self.make("assistant-")
        if shapes.since(SHORT_FILE_IDS):
            return self.make("file-", SHORT_ALPHABET, 22)
        return self.make("file-")

    def vector_store(self, shapes: Shapes, now: int) -> str:
        """A store id; since HEX_STORE_IDS it begins with the second of its creation, as all recorded ones do."""
        if planned := self._planned("vs_"):
            return planned
        if not shapes.since(HEX_STORE_IDS):
            return self.make("vs_")
        digits = self._digits("vs_")
        return f"vs_{now:08x}{digits[:4]}8191{digits[4:20]}"

    def file_batch(self) -> str:
        return self._hex("vsfb_")

    def request(self) -> str:
        return self._hex("req_")

    def uuid(self) -> str:
        """A UUID of version 4, as in Azure's request ids."""
        return str(UUID(bytes=self._stream("uuid").randbytes(16), version=4))

    def drawing(self) -> str:
        """A file name for an image that the code interpreter drew: a UUID, as recorded."""
        return str(UUID(self._digits("")))

    def _hex(self, prefix: str) -> str:
        if self.planned and (planned := self._planned(prefix)):
            return planned
        return prefix + self._digits(prefix)

    def _planned(self, prefix: str) -> str | None:
        planned = self.planned.get(kind_of(prefix))
        return planned.popleft() if planned else None

    def _digits(self, prefix: str) -> str:
        """32 hexadecimal digits, from a single draw, because every answer needs them for its request id."""
        return self._stream(prefix).randbytes(16).hex()

    def _stream(self, prefix: str) -> random.Random:
        stream = self._streams.get(prefix)
        if stream is None:
            stream = self._streams[prefix] = random.Random(f"{self._seed}/{prefix}")  # noqa: S311 - not a secret
        return stream


@dataclass(frozen=True, slots=True)
class Page(Generic[R]):
    """Part of a table, and whether more records follow."""

    items: list[R]
    has_more: bool


class Table(Generic[R]):
    """Records in the order in which they were added.

    That is also the order of `created_at`, and it breaks ties within one second, as the service's lists do (CONTRACT
    §6). Finding a record's position is logarithmic, a page linear in its length. Tests can read it like a list.
    """

    __slots__ = ("_added", "_by_id", "_numbers", "_records")

    def __init__(self) -> None:
        self._by_id: dict[str, R] = {}
        self._records: list[R] = []
        self._numbers: dict[str, int] = {}  # of each record, counted over all that were ever added
        self._added = 0

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[R]:
        return iter(self._records)

    def __contains__(self, record_id: object) -> bool:
        return record_id in self._by_id

    def __reversed__(self) -> Iterator[R]:
        return reversed(self._records)

    @overload
    def __getitem__(self, place: int) -> R: ...
    @overload
    def __getitem__(self, place: slice) -> list[R]: ...
    def __getitem__(self, place: int | slice) -> R | list[R]:
        """By position, oldest first, for tests that read for example the last message of a thread."""
        return self._records[place]

    def __repr__(self) -> str:
        return repr(self._records)

    def get(self, record_id: str) -> R | None:
        return self._by_id.get(record_id)

    def add(self, record: R) -> R:
        if record.id in self._by_id:
            raise KeyError(record.id)
        self._by_id[record.id] = record
        self._records.append(record)
        self._numbers[record.id] = self._added
        self._added += 1
        return record

    def remove(self, record_id: str) -> None:
        del self._records[self._index(record_id)], self._by_id[record_id], self._numbers[record_id]

    def page(
        self,
        *,
        limit: int,
        descending: bool = True,
        after: str | None = None,
        before: str | None = None,
        where: Callable[[R], bool] | None = None,
    ) -> Page[R]:
        """At most `limit` records between two cursors, in the given direction.

        With `after` the page begins after that record; with only `before` it ends just before that one.

        Raises:
            KeyError: a cursor is not the id of a record in this table.
        """
        low, high = 0, len(self._records)
        for cursor, in_front in ((after, False), (before, True)):
            if cursor is None:
                continue
            index = self._index(cursor)
            if in_front != descending:
                high = min(high, index)
            else:
                low = max(low, index + 1)
        from_the_end = descending != (before is not None and after is None)
        walk = range(high - 1, low - 1, -1) if from_the_end else range(low, high)
        found: list[R] = []
        has_more = False
        for index in walk:
            record = self._records[index]
            if where is not None and not where(record):
                continue
            if len(found) == limit:
                has_more = True
                break
            found.append(record)
        return Page(found if from_the_end == descending else found[::-1], has_more)

    def _index(self, record_id: str) -> int:
        return bisect_left(self._records, self._numbers[record_id], key=lambda record: self._numbers[record.id])


# How many deleted threads are kept for reports.
DELETED_KEPT = 100


class Store:
    """All tables of one fake. Threads hold their own messages and runs, runs their steps."""

    def __init__(self, seed: object) -> None:
        self.ids = Ids(seed)
        self.assistants: Table[Assistant] = Table()
        self.threads: Table[Thread] = Table()
        self._deleted: deque[Thread] = deque(maxlen=DELETED_KEPT)
        self.files: Table[File] = Table()
        self.vector_stores: Table[VectorStore] = Table()

    def delete_thread(self, thread: Thread) -> None:
        self.threads.remove(thread.id)
        thread.is_deleted = True
        self._deleted.append(thread)

    @property
    def all_threads(self) -> list[Thread]:
        """All threads, oldest first, with the deleted ones, which only reports show."""
        return sorted([*self._deleted, *self.threads], key=attrgetter("created_at"))

    @property
    def empty(self) -> bool:
        return not (len(self.assistants) or len(self.threads) or len(self.files) or len(self.vector_stores))
