"""Rewrites secrets in texts of any structure, and leaves every other character where it was.

JSON is not parsed and written again: its string literals are found, and those that hold a secret are replaced. What
is encoded (percent signs, escapes, base64, JSON in a string of JSON) is decoded, rewritten and encoded again, only if
there was a secret in it.
"""

from __future__ import annotations

import re
from bisect import bisect
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from harness.recording.redacting.encodings import BASE64, ESCAPES, Encoding, is_in_escape
from harness.recording.redacting.fields import FIELD, is_secret_field, may_be_secret_field
from harness.recording.redacting.formats import codecs_of, is_json, written_like
from harness.recording.redacting.numerals import CARD, RUN
from harness.recording.redacting.places import Lines, Paths, unquoted
from harness.recording.redacting.splicing import Edit, splice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from harness.recording.redacting.kinds import Kind

ROUNDS = 20  # what one replacement uncovers, another may need to replace
DEEP = 4  # base64 in JSON in a string of JSON …
REMEMBERED = 4096  # characters of the longest text that is worth remembering
NOTHING: Mapping[int, str] = {}
HIDING = re.compile(r"\\[u/]")  # escapes that may hide what is looked for
LITERAL = re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?', re.DOTALL)
LONG_NUMBER = re.compile(r"(?<![\w.+\"-])\d{14,19}(?![\w.\"])", re.ASCII)
AFTER_KEY = re.compile(r"\s*(?:(?P<number>-?\d[\d.eE+-]*)|(?P<literal>\")|(?P<list>\[[^\[\]{}]*\]))")
SHORTEST_IN_BINARY = 10


@dataclass(slots=True)
class Hit:
    """A secret that was found, and where, from the outermost place to the innermost."""

    kind: str
    secret: str
    where: list[str]


@dataclass
class Rewriter:
    """Finds secrets and puts in their places what `replace` says.

    Attributes:
        kinds: what is looked for, in this order.
        replace: the stand-in for a secret of a kind.
        spares: which secrets may stay.
        hits: what was found, kept only where somebody wants to know (a scan).
    """

    kinds: Sequence[Kind]
    replace: Callable[[Kind, str], str]
    spares: Callable[[str], bool]
    hits: list[Hit] | None = None
    _seen: dict[str, str] = field(default_factory=dict)
    _fields: dict[str, bool] = field(default_factory=dict)

    # --- text ------------------------------------------------------------------------------------------------

    def text(self, text: str, kinds: Sequence[Kind] | None = None, depth: int = 0) -> str:
        """The text without its secrets. `kinds` are those that can be in it, if that is known."""
        new = self._seen.get(text)
        if new is None:
            new, _ = self.pieces(text, (), kinds, depth)
            # deep down less is decoded
            if depth == 0 and len(text) <= REMEMBERED and (self.hits is None or new == text):
                self._seen[text] = new
        return new

    def pieces(
        self, text: str, cuts: Sequence[int], kinds: Sequence[Kind] | None = None, depth: int = 0
    ) -> tuple[str, Sequence[int]]:
        """The text without its secrets, and where the places at which it had been cut are now."""
        for _ in range(ROUNDS):
            before = text
            text, cuts = self._round(text, cuts, kinds, depth)
            if text == before:
                break
            kinds = None
        return text, cuts

    def _round(
        self, text: str, cuts: Sequence[int], kinds: Sequence[Kind] | None, depth: int
    ) -> tuple[str, Sequence[int]]:
        if is_json(text):
            return splice(text, self.in_json(text, kinds, depth), cuts)
        text, cuts = self._decoded(ESCAPES, text, cuts, depth)
        for kind in self.possible(text, kinds):
            text, cuts = splice(text, self._edits(kind, text), cuts)
        return self._decoded(BASE64, text, cuts, depth)

    def _decoded(
        self, encodings: Sequence[Encoding], text: str, cuts: Sequence[int], depth: int
    ) -> tuple[str, Sequence[int]]:
        for encoding in encodings if depth < DEEP else ():
            if encoding.needs in text:
                text, cuts = splice(text, self._encoded(encoding, text, depth), cuts)
        return text, cuts

    def possible(self, text: str, kinds: Sequence[Kind] | None = None) -> list[Kind]:
        """The kinds that can be in a text, by a cheap look at it."""
        lowered, numbers = text.lower(), RUN.search(text) is not None
        return [
            kind
            for kind in (self.kinds if kinds is None else kinds)
            if (numbers or not kind.numeral) and kind.may_be_in(lowered)
        ]

    def replaced(self, kind: Kind, text: str) -> str:
        return splice(text, self._edits(kind, text))[0]

    def _edits(self, kind: Kind, text: str, shortest: int = 1) -> list[Edit]:
        lines = Lines(text)
        return [
            (start, end, self.found(kind, text[start:end], lines, start))
            for start, end in self._finds(kind, text)
            if end - start >= shortest
        ]

    def _finds(self, kind: Kind, text: str) -> list[tuple[int, int]]:
        return [
            (start, end)
            for start, end in kind.find(text)
            if not self.spares(text[start:end]) and not is_in_escape(text, start)
        ]

    def found(self, kind: Kind, secret: str, where: Callable[..., str], *of: object) -> str:
        """The stand-in for a secret; `where(*of)` says where it stands, and is asked only in a scan."""
        if self.hits is not None:
            self.hits.append(Hit(kind.name, secret, [where(*of)]))
        return self.replace(kind, secret)

    def placed(self, since: int, where: Callable[..., str], *of: object) -> None:
        """What was found since, if anything was, lies within something: `where(*of)`."""
        if self.hits is not None and len(self.hits) > since:
            place = where(*of)
            for hit in self.hits[since:]:
                hit.where.insert(0, place)

    @property
    def count(self) -> int:
        return len(self.hits or ())

    # --- encodings ---------------------------------------------------------------------------------------------

    def _encoded(self, encoding: Encoding, text: str, depth: int) -> list[Edit]:
        return self._in_runs(encoding, encoding.run.finditer(text), Lines(text), depth)

    def _in_runs(self, encoding: Encoding, runs: Iterator[re.Match[str]], lines: Lines, depth: int) -> list[Edit]:
        edits: list[Edit] = []
        for match in runs:
            decoded = encoding.decode(match[0])
            since = self.count
            if isinstance(decoded, str):
                new: str | bytes | None = self.text(decoded, None, depth + 1)
            else:
                new = decoded and self.binary(decoded)
            if new is not None and new != decoded:
                self.placed(since, lines, match.start())
                edits.append((*match.span(), encoding.encode(new, match[0])))
            elif encoding.within and not isinstance(decoded, str):
                runs_within = encoding.within.run.finditer(match.string, *match.span())
                edits += self._in_runs(encoding.within, runs_within, lines, depth)
        return edits

    def data(self, data: bytes, rewrite: Callable[[str], str] | None = None) -> bytes:
        """A whole file: text in whatever encoding, or binary. `rewrite` is what to do with its text, if not `text`."""
        for codec in codecs_of(data):
            try:
                text = data.decode(codec)
            except UnicodeDecodeError:
                continue
            new = rewrite(text) if rewrite else self.text(text, self.possible(text))
            return data if new == text else new.encode(codec)
        return self.binary(data)

    def binary(self, data: bytes) -> bytes:
        """Data that is no text: only what cannot be there by chance is replaced, by as many bytes as it had."""
        text = data.decode("latin-1")
        for _ in range(ROUNDS):
            before = text
            for kind in self.possible(text):
                if kind.strong:
                    edits = self._edits(kind, text, SHORTEST_IN_BINARY)
                    text = splice(text, [_fitted(edit) for edit in edits])[0]
            if text == before:
                break
        return text.encode("latin-1")

    # --- JSON ------------------------------------------------------------------------------------------------

    def in_json(
        self, text: str, kinds: Sequence[Kind] | None, depth: int = 0, fixed: Mapping[int, str] = NOTHING
    ) -> list[Edit]:
        """What has to change in a JSON text. `fixed` are strings that somebody has rewritten, by their places."""
        kinds = self.possible(text, kinds)
        edits, done, paths = [], [], Paths(text)
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
                new = self.text(value, None if HIDING.search(raw) else kinds, depth)
                self.placed(since, paths, start)
            if new != value:
                edits.append((*done[-1], written_like(raw, new)))
            if match[2] is not None and self._names_a_secret(value):
                after = AFTER_KEY.match(text, match.end())
                secret_until, name = (after.end() if after else 0), value
                number = after["number"] if after else None
                # 0 is what stands in for a number
                if after and number and number != "0" and is_secret_field(name, number):
                    new = self.field(number, paths, after.start("number"))
                    edits.append((*after.span("number"), number if new == number else "0"))
                    done.append(after.span("number"))
        numbers = self._cards(text, done) if LONG_NUMBER.search(text) else []
        return sorted(edits + numbers) if numbers else edits

    def field(self, value: str, where: Callable[..., str], *of: object) -> str:
        """The stand-in for the value of a field that is secret by its name."""
        if self.spares(value):
            return value
        return self.found(FIELD, value, where, *of)

    def _names_a_secret(self, key: str) -> bool:
        known = self._fields.get(key)
        if known is None:
            known = self._fields[key] = may_be_secret_field(key)
        return known

    def _cards(self, text: str, done: list[tuple[int, int]]) -> list[Edit]:
        """Cards that a careless client wrote as numbers: these stay numbers. `done` is what was looked at already."""
        edits, paths = [], Paths(text)
        for match in LONG_NUMBER.finditer(text):
            start, end = match.span()
            before = bisect(done, (start, end))
            if before and done[before - 1][1] > start:
                continue  # digits of a string, or a number that is secret by its name
            if self._finds(CARD, match[0]):
                new = self.found(CARD, match[0], paths, start)
                edits.append((start, end, new if new.isdecimal() else "1" + "0" * (end - start - 1)))
        return edits


def _fitted(edit: Edit) -> Edit:
    """The edit with as many characters as it replaces."""
    start, end, new = edit
    length = end - start
    return start, end, new.ljust(length, "_") if len(new) <= length else "x" * length
