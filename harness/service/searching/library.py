"""Searching documents: texts and indexes are made when they are first needed, and kept while they are in use."""

from __future__ import annotations

from bisect import bisect_right
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from harness.service.searching import chunks, filters
from harness.service.searching.index import Index

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping, Sequence

    from harness.service.records import File

KEPT_CHARACTERS = 20_000_000  # of texts, and again of indexes
V = TypeVar("V")


@dataclass(frozen=True)
class Document:
    """A file as a store holds it. The same file may be there twice, if two stores hold it."""

    file: File
    attributes: Mapping[str, Any]
    chunking: tuple[int, int] = chunks.USUAL


@dataclass(frozen=True)
class Found:
    """A chunk that was found: `start` and `end` are where its text lies in the text of the file."""

    file_id: str
    file_name: str
    score: float
    attributes: Mapping[str, Any]
    text: str
    start: int
    end: int

    @property
    def content(self) -> list[dict[str, str]]:
        return [{"type": "text", "text": self.text}]


class Library:
    """Finds chunks of documents.

    It is a cache by content and by nothing else, so a copy of the world shares it: what it answers depends only on
    what it is asked. It has no lock; whoever calls it holds that of the fake.
    """

    def __init__(self) -> None:
        self._texts: _Kept[str] = _Kept()
        self._shelves: _Kept[_Shelf] = _Kept()

    def __deepcopy__(self, memo: dict[int, object]) -> Library:
        return self

    def search(
        self,
        documents: Sequence[Document],
        *queries: str,
        max_num_results: int = 10,
        score_threshold: float = 0.0,
        filter_by: Mapping[str, Any] | None = None,
    ) -> list[Found]:
        """The best chunks, best first; equal ones in the order of the files, then in that of the text.

        A file that cannot be read has none. Several queries are one with the words of all.

        Raises:
            HarnessFailure: a library that reads one of the files is not installed, or SQLite has no FTS5.
        """
        allowed = [filters.matches(filter_by, document.attributes) for document in documents]
        if not any(allowed):
            return []
        shelf = self._shelf(documents)
        found: list[Found] = []
        limit = max_num_results if all(allowed) else -1
        for chunk, score in shelf.index.ranked(" ".join(queries), limit):
            if score < score_threshold or len(found) == max_num_results:
                break
            place = bisect_right(shelf.firsts, chunk) - 1
            if allowed[place]:
                document, (start, end) = documents[place], shelf.spans[chunk]
                text = self._text(document.file)[start:end]
                name = document.file.filename
                found.append(Found(document.file.id, name, score, document.attributes, text, start, end))
        return found

    def _shelf(self, documents: Sequence[Document]) -> _Shelf:
        key = tuple((*_key(document.file), document.chunking) for document in documents)
        return self._shelves.get(key, lambda: self._make(documents), lambda shelf: shelf.characters)

    def _make(self, documents: Sequence[Document]) -> _Shelf:
        contents = [self._text(document.file) for document in documents]
        firsts: list[int] = []
        spans: list[chunks.Span] = []
        for document, text in zip(documents, contents, strict=True):
            firsts.append(len(spans))
            spans += chunks.spans(text, *document.chunking)
        owners = zip(firsts, [*firsts[1:], len(spans)], contents, strict=True)
        index = Index(text[start:end] for first, last, text in owners for start, end in spans[first:last])
        return _Shelf(index, firsts, spans, sum(map(len, contents)))

    def _text(self, file: File) -> str:
        return self._texts.get(_key(file), lambda: _readable(file), len)


@dataclass(frozen=True)
class _Shelf:
    """The chunks of some documents, and for each document the number of its first."""

    index: Index
    firsts: list[int]
    spans: list[chunks.Span]
    characters: int


class _Kept(Generic[V]):
    """Values that were asked for last, up to a sum of characters; the newest is kept whatever its size."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable, make: Callable[[], V], weigh: Callable[[V], int]) -> V:
        if key not in self._values:
            value = make()
            self._values[key] = value, weigh(value)
            self._size += weigh(value)
        self._values.move_to_end(key)
        while self._size > KEPT_CHARACTERS and len(self._values) > 1:
            self._size -= self._values.popitem(last=False)[1][1]
        return self._values[key][0]


def _key(file: File) -> tuple[Hashable, ...]:
    """What decides the text of a file. The hash of bytes is made once and kept in them."""
    return file.filename.rpartition(".")[2], file.content, file.content_known


def _readable(file: File) -> str:
    from harness.service.searching import texts  # noqa: PLC0415 - takes milliseconds, and most tests search nothing

    try:
        return texts.text_of(file)
    except texts.Unreadable:
        return ""
