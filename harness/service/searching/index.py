"""Ranking by words: BM25 of SQLite's FTS5, in memory. Deterministic, without a model and without a dependency.

English words are reduced to their stems (`kettles` finds `kettle`). Scripts without spaces or with particles (Hangul,
kana, Han) are indexed as words and as pairs of characters, so that `퀴즈를` finds `퀴즈`. Unlike the service's search,
this one never finds a chunk that shares no word with the query, however close its meaning.
"""

from __future__ import annotations

import re
import unicodedata
from operator import add
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MAX_TERMS = 64  # of a query; further words are ignored
MAX_CJK_WORD = 8  # a longer run of such characters is not indexed as a word, only as pairs
HASH_BYTES = 4 << 20  # buffered by SQLite before it writes to its index; with the default 1 MB it merges too often
_CJK_RUN = re.compile(
    "([\u1100-\u11ff\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u3130-\u318f\u3400-\u4dbf"
    "\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]+)"
)
_TERM = re.compile(r"[^\W_]+")
_LATIN_ACCENTS = re.compile("(?<=[a-z])[\u0300-\u036f]+")


def _missing(what: str, error: Exception) -> HarnessFailure:
    return HarnessFailure(
        f"search() needs {what}, and this Python was built without it: {error}.",
        do="search(results=[…])   # or another build of Python",
    )


class Index:
    """A full-text index of chunks, which are named by their number.

    Args:
        chunks: their texts; equal scores are ranked in this order.

    Raises:
        HarnessFailure: the SQLite of this Python was built without FTS5.
    """

    def __init__(self, chunks: Iterable[str]) -> None:
        try:
            import sqlite3  # noqa: PLC0415 - takes milliseconds, and most tests search nothing
        except ImportError as error:  # Python was built where SQLite's headers were missing
            raise _missing("SQLite", error) from error
        self._db = sqlite3.connect(":memory:", check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA temp_store = MEMORY")
        try:
            self._db.execute("CREATE VIRTUAL TABLE chunks USING fts5(words, content='', tokenize='porter ascii')")
        except sqlite3.OperationalError as error:
            self._db.close()
            raise _missing("SQLite with FTS5", error) from error
        self._db.execute("INSERT INTO chunks(chunks, rank) VALUES ('hashsize', ?)", (HASH_BYTES,))
        self._db.execute("BEGIN")
        words = _WordForms()
        rows = enumerate(normalize(chunk, words) for chunk in chunks)
        self._db.executemany("INSERT INTO chunks(rowid, words) VALUES (?, ?)", rows)
        self._pad(self._db.execute("SELECT count(*) FROM chunks_docsize").fetchone()[0])
        self._db.execute("COMMIT")

    def __del__(self) -> None:
        if hasattr(self, "_db"):
            self._db.close()

    def _pad(self, size: int) -> None:
        """Add empty rows, one more than there are chunks, which are never found.

        This BM25 gives no weight to a word that is in half of all rows, which with a single chunk is every word. With
        the empty rows every word keeps some weight, as in the common form of BM25 (`log(1 + …)`).
        """
        rows = ((row, "") for row in range(size, 2 * size + 1))
        self._db.executemany("INSERT INTO chunks(rowid, words) VALUES (?, ?)", rows)

    def ranked(self, query: str, most: int = -1) -> Iterator[tuple[int, float]]:
        """The chunks that contain a word of the query, best first, each with its score; at most `most`, or all for -1.

        The score is w / (1 + w), where w is BM25 (k1 = 1.2, b = 0.75): between 0 and 1, and in the same order.
        """
        expression = " OR ".join(_quoted(term) for term in terms(query))
        if not expression:
            return
        found = self._db.execute(
            "SELECT rowid, -bm25(chunks) FROM chunks WHERE chunks MATCH ? ORDER BY 2 DESC, 1 LIMIT ?",
            (expression, most),
        )
        for chunk, weight in found:
            yield chunk, weight / (1 + weight)


def normalize(text: str, words: _WordForms) -> str:
    """The text as it is given to FTS5, whose tokenizer splits it at ASCII characters other than letters and digits.

    >>> normalize("퀴즈를 3개, «Café»", _WordForms())
    '퀴즈를 퀴즈 즈를 3 개 cafe'
    """
    return text if text.isascii() else " ".join(map(words.__getitem__, text.split()))


class _WordForms(dict[str, str]):
    """A cache from words, as they stand between spaces, to their normalized form: chunks overlap, and words recur."""

    MAX_WORDS, MAX_LENGTH = 1 << 16, 40

    def __missing__(self, word: str) -> str:
        form = _normalize_word(word)
        if len(word) <= self.MAX_LENGTH:
            if len(self) == self.MAX_WORDS:
                self.clear()
            self[word] = form
        return form


def _normalize_word(word: str) -> str:
    """Hangul, kana and Han are split into pairs; the rest loses punctuation, case, and accents on Latin letters."""
    parts = _CJK_RUN.split(unicodedata.normalize("NFKC", word))
    parts[::2] = map(_fold, parts[::2])
    parts[1::2] = map(_pairs, parts[1::2])
    return " ".join(filter(None, parts))


def _fold(part: str) -> str:
    bare = _LATIN_ACCENTS.sub("", unicodedata.normalize("NFD", part).casefold())
    return " ".join(_TERM.findall(unicodedata.normalize("NFC", bare)))


def _pairs(run: str) -> str:
    pairs = list(map(add, run, run[1:]))
    return " ".join([run, *pairs] if len(run) != 2 and len(run) <= MAX_CJK_WORD else pairs)


def terms(query: str) -> list[str]:
    """The words of a query that are searched for, each once.

    >>> terms("Do kettles boil? Kettles do.")
    ['do', 'kettles', 'boil']
    """
    found: dict[str, None] = {}
    for match in _TERM.finditer(normalize(query, _WordForms())):
        found.setdefault(match[0].casefold())
        if len(found) == MAX_TERMS:
            break
    return list(found)


def _quoted(term: str) -> str:
    """A term of an FTS5 query. A single CJK character also matches the pairs that begin with it."""
    return f'"{term}"*' if len(term) == 1 and _CJK_RUN.match(term) else f'"{term}"'
