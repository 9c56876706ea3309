"""Places in texts, described for messages.

A text may contain thousands of secrets, so each search for a place continues from the previous one.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\]:,]', re.DOTALL)


def unquoted(literal: str) -> str:
    """The value of a JSON string literal."""
    return literal[1:-1] if "\\" not in literal else str(json.loads(literal, strict=False))


def json_tokens(text: str) -> Iterator[tuple[re.Match[str], list[str | int]]]:
    """The tokens of a JSON text with their paths; that of a key ends with "". Paths are reused: copy one to keep it."""
    path: list[str | int] = []
    literal = ""
    for match in TOKEN.finditer(text):
        yield match, path
        sign = match[0]
        if sign in "{[":
            path.append("" if sign == "{" else 0)
        elif sign in "}]":
            path.pop()
        elif sign == ":":
            path[-1] = unquoted(literal)
        elif sign == ",":
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else ""
        else:
            literal = sign


class LinePositions:
    """Describes places in a text by line and column, both counted from 1. They have to be asked for in order.

    >>> lines = LinePositions("one\\ntwo\\nthree")
    >>> lines(0), lines(5), lines(8)
    ('line 1 column 1', 'line 2 column 2', 'line 3 column 1')
    """

    def __init__(self, text: str) -> None:
        self._text, self._at, self._line, self._start = text, 0, 1, 0

    def __call__(self, at: int) -> str:
        new = self._text.count("\n", self._at, at)
        if new:
            self._line, self._start = self._line + new, self._text.rindex("\n", self._at, at) + 1
        self._at = at
        return f"line {self._line} column {at - self._start + 1}"


class JsonPaths:
    """Describes places in a JSON text by the path of the value or key there. They have to be asked for in order.

    >>> text = '{"data": [{"id": 1}, {"name": "x"}]}'
    >>> paths = JsonPaths(text)
    >>> paths(text.index('"name"')), paths(text.index('"x"'))
    ('$.data[1] key', '$.data[1].name')
    """

    def __init__(self, text: str) -> None:
        self._tokens = json_tokens(text)
        self._next, self._path = 0, list[str | int]()

    def __call__(self, at: int) -> str:
        while self._next < at:
            match, self._path = next(self._tokens)
            self._next = match.start()
        steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in self._path if step != "")
        return "$" + "".join(steps) + " key" * (self._path[-1:] == [""])
