"""Searching documents: their texts and indexes are made when first needed, and cached."""

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

MAX_CHARACTERS = 20_000_000  # in each of the two caches, of texts and of indexes
V = TypeVar("V")


@dataclass(frozen=True)
class Document:
    """A file to search, as a vector store has it. The same file may come twice, if it is in two stores."""

    file: File
    attributes: Mapping[str, Any]
    chunking: tuple[int, int] = chunks.DEFAULT


@dataclass(frozen=True)
class Found:
    """A chunk that was found; `start` and `end` are its position in the text of the file."""

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


class Searcher:
    """Finds chunks of documents, with caches for their texts and indexes.

    The caches are keyed by content, so results depend on the arguments only, and copies of the world share one
    searcher. It has no lock of its own: callers hold the fake's.
    """

    def __init__(self) -> None:
        self._texts: _LruCache[str] = _LruCache()
        self._indexes: _LruCache[_DocumentIndex] = _LruCache()

    def __deepcopy__(self, memo: dict[int, object]) -> Searcher:
        return self

    def search(
        self,
        documents: Sequence[Document],
        *queries: str,
        max_num_results: int = 10,
        score_threshold: float = 0.0,
        filter_by: Mapping[str, Any] | None = None,
    ) -> list[Found]:
        """The best chunks, best first; equal ones in the order of the files, then of the text.

        A file that cannot be read has no chunks. Several queries count as one with the words of all.

        Raises:
            HarnessFailure: a library that reads one of the files is not installed, or SQLite has no FTS5.
        """
        allowed = [filters.matches(filter_by, document.attributes) for document in documents]
        if not any(allowed):
            return []
        indexed = self._index_of(documents)
        found: list[Found] = []
        limit = max_num_results if all(allowed) else -1
        for chunk, score in indexed.index.ranked(" ".join(queries), limit):
            if score < score_threshold or len(found) == max_num_results:
                break
            place = bisect_right(indexed.firsts, chunk) - 1
            if allowed[place]:
                document, (start, end) = documents[place], indexed.spans[chunk]
                text = self._text(document.file)[start:end]
                name = document.file.filename
                found.append(Found(document.file.id, name, score, document.attributes, text, start, end))
        return found

    def _index_of(self, documents: Sequence[Document]) -> _DocumentIndex:
        key = tuple((*_key(document.file), document.chunking) for document in documents)
        return self._indexes.get(key, lambda: self._build(documents), lambda indexed: indexed.characters)

    def _build(self, documents: Sequence[Document]) -> _DocumentIndex:
        contents = [self._text(document.file) for document in documents]
        firsts: list[int] = []
        spans: list[chunks.Span] = []
        for document, text in zip(documents, contents, strict=True):
            firsts.append(len(spans))
            spans += chunks.spans(text, *document.chunking)
        owners = zip(firsts, [*firsts[1:], len(spans)], contents, strict=True)
        index = Index(text[start:end] for first, last, text in owners for start, end in spans[first:last])
        return _DocumentIndex(index, firsts, spans, sum(map(len, contents)))

    def _text(self, file: File) -> str:
        return self._texts.get(_key(file), lambda: _text_or_empty(file), len)


@dataclass(frozen=True)
class _DocumentIndex:
    """The index of some documents: the spans of all chunks, and for each document the number of its first chunk."""

    index: Index
    firsts: list[int]
    spans: list[chunks.Span]
    characters: int


class _LruCache(Generic[V]):
    """The most recently used values, up to a total size in characters; the newest is kept whatever its size."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, tuple[V, int]] = OrderedDict()
        self._size = 0

    def get(self, key: Hashable, make: Callable[[], V], weigh: Callable[[V], int]) -> V:
        if key not in self._values:
            value = make()
            self._values[key] = value, weigh(value)
            self._size += weigh(value)
        self._values.move_to_end(key)
        while self._size > MAX_CHARACTERS and len(self._values) > 1:
            self._size -= self._values.popitem(last=False)[1][1]
        return self._values[key][0]


def _key(file: File) -> tuple[Hashable, ...]:
    """All that determines the text of a file. Python computes the hash of `bytes` only once."""
    return file.filename.rpartition(".")[2], file.content, file.content_known


def _text_or_empty(file: File) -> str:
    from harness.service.searching import extraction  # noqa: PLC0415 - takes milliseconds, and most tests search nothing

    try:
        return extraction.text_of(file)
    except extraction.Unreadable:
        return ""
