"""Replaces secrets in texts of any structure, and changes no other character.

JSON is not parsed and written again: its string literals are found, and those that contain a secret are replaced. What
is encoded (percent-encoding, escapes, base64, JSON in a string of JSON) is decoded, rewritten and encoded again, only
if it contained a secret.
"""

from __future__ import annotations

import re
from bisect import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.recording.redacting.encodings import BASE64, ESCAPES, Encoding, is_in_escape
from harness.recording.redacting.fields import FIELD, is_secret_field, may_be_secret_field
from harness.recording.redacting.formats import codecs_of, is_json, json_literal_like
from harness.recording.redacting.numerals import CARD, RUN
from harness.recording.redacting.places import JsonPaths, LinePositions, unquoted
from harness.recording.redacting.splicing import Edit, splice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.recording.redacting.kinds import Kind

MAX_ROUNDS = 20  # a replacement may reveal another secret
MAX_DEPTH = 4  # levels of encodings: base64 in JSON in a string of JSON …
MAX_CACHED = 4096  # characters of a text whose result is cached
NO_STRINGS: Mapping[int, str] = {}
HIDING_ESCAPE = re.compile(r"\\[u/]")  # escapes that may hide a trigger
LITERAL = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?', re.DOTALL)
LONG_NUMBER = re.compile(r"(?<![\w.+\"-])\d{14,19}(?![\w.\"])", re.ASCII)
AFTER_KEY = re.compile(r"\s*(?:(?P<number>-?\d[\d.eE+-]*)|(?P<literal>\")|(?P<list>\[[^\[\]{}]*\]))")
MIN_BINARY_LENGTH = 10


@dataclass(slots=True)
class Hit:
    """A secret that was found, and its place, from the outermost to the innermost structure."""

    kind: str
    secret: str
    where: list[str]


@dataclass
class Rewriter:
    """Finds secrets and replaces them by what `replace` returns.

    Attributes:
        kinds: the kinds that are searched for, in this order.
        replace: gives the stand-in for a secret of a kind.
        is_kept: whether a secret may stay.
        hits: what was found, in a scan; otherwise None.
    """

    kinds: Sequence[Kind]
    replace: Callable[[Kind, str], str]
    is_kept: Callable[[str], bool]
    hits: list[Hit] | None = None
    _cache: dict[str, str] = field(default_factory=dict)
    _fields: dict[str, bool] = field(default_factory=dict)

    # --- text ------------------------------------------------------------------------------------------------

    def text(self, text: str, kinds: Sequence[Kind] | None = None, depth: int = 0) -> str:
        """The text without its secrets. `kinds` are those that it can contain, if that is known."""
        new = self._cache.get(text)
        if new is None:
            new, _ = self.pieces(text, (), kinds, depth)
            # at a greater depth less is decoded, so the result may differ
            if depth == 0 and len(text) <= MAX_CACHED and (self.hits is None or new == text):
                self._cache[text] = new
        return new

    def pieces(
        self, text: str, cuts: Sequence[int], kinds: Sequence[Kind] | None = None, depth: int = 0
    ) -> tuple[str, Sequence[int]]:
        """The text without its secrets, and the new indexes of its cuts."""
        for _ in range(MAX_ROUNDS):
            before = text
            text, cuts = self._rewrite_once(text, cuts, kinds, depth)
            if text == before:
                break
            kinds = None
        return text, cuts

    def _rewrite_once(
        self, text: str, cuts: Sequence[int], kinds: Sequence[Kind] | None, depth: int
    ) -> tuple[str, Sequence[int]]:
        if is_json(text):
            return splice(text, self.in_json(text, kinds, depth), cuts)
        text, cuts = self._rewrite_encoded(ESCAPES, text, cuts, depth)
        for kind in self.possible(text, kinds):
            text, cuts = splice(text, self._edits(kind, text), cuts)
        return self._rewrite_encoded(BASE64, text, cuts, depth)

    def _rewrite_encoded(
        self, encodings: Sequence[Encoding], text: str, cuts: Sequence[int], depth: int
    ) -> tuple[str, Sequence[int]]:
        for encoding in encodings if depth < MAX_DEPTH else ():
            if encoding.needs in text:
                text, cuts = splice(text, self._encoded_edits(encoding, text, depth), cuts)
        return text, cuts

    def possible(self, text: str, kinds: Sequence[Kind] | None = None) -> list[Kind]:
        """The kinds that a text can contain, by a cheap test."""
        lowered, numbers = text.lower(), RUN.search(text) is not None
        return [
            kind
            for kind in (self.kinds if kinds is None else kinds)
            if (numbers or not kind.numeral) and kind.may_be_in(lowered)
        ]

    def replace_kind(self, kind: Kind, text: str) -> str:
        return splice(text, self._edits(kind, text))[0]

    def _edits(self, kind: Kind, text: str, shortest: int = 1) -> list[Edit]:
        lines = LinePositions(text)
        return [
            (start, end, self.stand_in_for(kind, text[start:end], lines, start))
            for start, end in self._spans(kind, text)
            if end - start >= shortest
        ]

    def _spans(self, kind: Kind, text: str) -> list[tuple[int, int]]:
        return [
            (start, end)
            for start, end in kind.find(text)
            if not self.is_kept(text[start:end]) and not is_in_escape(text, start)
        ]

    def stand_in_for(self, kind: Kind, secret: str, where: Callable[..., str], *of: object) -> str:
        """The stand-in for a secret; `where(*of)` describes its place, and is called only in a scan."""
        if self.hits is not None:
            self.hits.append(Hit(kind.name, secret, [where(*of)]))
        return self.replace(kind, secret)

    def locate(self, since: int, where: Callable[..., str], *of: object) -> None:
        """Prefix the places of all hits since a count with an outer place: `where(*of)`."""
        if self.hits is not None and len(self.hits) > since:
            place = where(*of)
            for hit in self.hits[since:]:
                hit.where.insert(0, place)

    @property
    def count(self) -> int:
        return len(self.hits or ())

    # --- encodings ---------------------------------------------------------------------------------------------

    def _encoded_edits(self, encoding: Encoding, text: str, depth: int) -> list[Edit]:
        return self._edits_in_runs(encoding, encoding.run.finditer(text), LinePositions(text), depth)

    def _edits_in_runs(
        self, encoding: Encoding, runs: Iterator[re.Match[str]], lines: LinePositions, depth: int
    ) -> list[Edit]:
        edits: list[Edit] = []
        for match in runs:
            decoded = encoding.decode(match[0])
            since = self.count
            if isinstance(decoded, str):
                new: str | bytes | None = self.text(decoded, None, depth + 1)
            else:
                new = decoded and self.binary(decoded)
            if new is not None and new != decoded:
                self.locate(since, lines, match.start())
                edits.append((*match.span(), encoding.encode(new, match[0])))
            elif encoding.within and not isinstance(decoded, str):
                runs_within = encoding.within.run.finditer(match.string, *match.span())
                edits += self._edits_in_runs(encoding.within, runs_within, lines, depth)
        return edits

    def data(self, data: bytes, rewrite: Callable[[str], str] | None = None) -> bytes:
        """A file without its secrets: text in any encoding, or binary. `rewrite` is for text, by default `text`."""
        for codec in codecs_of(data):
            try:
                text = data.decode(codec)
            except UnicodeDecodeError:
                continue
            new = rewrite(text) if rewrite else self.text(text, self.possible(text))
            return data if new == text else new.encode(codec)
        return self.binary(data)

    def binary(self, data: bytes) -> bytes:
        """Binary data without its secrets: only those of strong kinds are replaced, with their length unchanged."""
        text = data.decode("latin-1")
        for _ in range(MAX_ROUNDS):
            before = text
            for kind in self.possible(text):
                if kind.strong:
                    edits = self._edits(kind, text, MIN_BINARY_LENGTH)
                    text = splice(text, [_with_same_length(edit) for edit in edits])[0]
            if text == before:
                break
        return text.encode("latin-1")

    # --- JSON ------------------------------------------------------------------------------------------------

    def in_json(
        self, text: str, kinds: Sequence[Kind] | None, depth: int = 0, fixed: Mapping[int, str] = NO_STRINGS
    ) -> list[Edit]:
        """The edits that remove the secrets of a JSON text. `fixed` are strings already rewritten, by index."""
        kinds = self.possible(text, kinds)
        edits, done, paths = [], [], JsonPaths(text)
        secret_until, name = 0, ""
        for match in LITERAL.finditer(text):
            raw, start = match[1], match.start()
            plain = "\\" not in raw
            value: str = raw if plain else unquoted(f'"{raw}"')
            done.append((start, start + len(raw) + 2))
            if start < secret_until and match[2] is None and is_secret_field(name, value):
                new = self.field(value, paths, start)
            elif start in fixed:
                new = fixed[start]
            else:
                since = self.count
                new = self.text(value, None if HIDING_ESCAPE.search(raw) else kinds, depth)
                self.locate(since, paths, start)
            if new != value:
                edits.append((*done[-1], json_literal_like(raw, new)))
            if match[2] is not None and self._is_secret_name(value):
                after = AFTER_KEY.match(text, match.end())
                secret_until, name = (after.end() if after else 0), value
                number = after["number"] if after else None
                # 0 is what stands in for a number
                if after and number and number != "0" and is_secret_field(name, number):
                    new = self.field(number, paths, after.start("number"))
                    edits.append((*after.span("number"), number if new == number else "0"))
                    done.append(after.span("number"))
        numbers = self._card_edits(text, done) if LONG_NUMBER.search(text) else []
        return sorted(edits + numbers) if numbers else edits

    def field(self, value: str, where: Callable[..., str], *of: object) -> str:
        """The stand-in for the value of a field that is secret by its name; the value itself if it is kept."""
        if self.is_kept(value):
            return value
        return self.stand_in_for(FIELD, value, where, *of)

    def _is_secret_name(self, key: str) -> bool:
        known = self._fields.get(key)
        if known is None:
            known = self._fields[key] = may_be_secret_field(key)
        return known

    def _card_edits(self, text: str, done: list[tuple[int, int]]) -> list[Edit]:
        """The edits for cards that are JSON numbers, which stay numbers. `done` are the spans already rewritten."""
        edits, paths = [], JsonPaths(text)
        for match in LONG_NUMBER.finditer(text):
            start, end = match.span()
            before = bisect(done, (start, end))
            if before and done[before - 1][1] > start:
                continue  # digits of a string, or a number that is secret by its name
            if self._spans(CARD, match[0]):
                new = self.stand_in_for(CARD, match[0], paths, start)
                edits.append((start, end, new if new.isdecimal() else "1" + "0" * (end - start - 1)))
        return edits


def _with_same_length(edit: Edit) -> Edit:
    """The edit with a replacement of the same length as what it replaces."""
    start, end, new = edit
    length = end - start
    return start, end, new.ljust(length, "_") if len(new) <= length else "x" * length
