"""Chunks: overlapping parts of a text with a fixed number of tokens (CONTRACT §1.6, §8)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from harness.service import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

DEFAULT = (800, 400)  # what `auto` means: tokens in a chunk, and how many of them the next one repeats (CONTRACT §1.6)


class Span(NamedTuple):
    """Where a chunk begins and ends in its text, in characters."""

    start: int
    end: int


def spans(text: str, size: int, overlap: int) -> Iterator[Span]:
    """The chunks of a text: the last one ends where the text does, and an empty text has none.

    Tokens are those of `harness.service.tokens`. One match skips many of them, so that no token is ever made into a
    string: 10 MB take a fraction of a second.

    >>> text = "one two three four five"
    >>> [text[start:end] for start, end in spans(text, 3, 1)]
    ['one two three', ' three four five']
    """
    step = size - overlap
    start = end = 0
    while start < len(text) and end != len(text):
        halved = overlap == step and end > 0  # then the chunk before ends where the next one begins
        following = end if halved else _skip(text, start, step)
        end = _skip(text, following, overlap)
        yield Span(start, end)
        start = following


def is_longer(text: str, most: int) -> bool:
    """Whether a text has more than `most` tokens; a token is at least one character."""
    return len(text) > most and _skip(text, 0, most) < len(text)


def _skip(text: str, start: int, count: int) -> int:
    """The position `count` tokens after `start`, at most the end of the text."""
    for step in (_STRIDE,) * (count // _STRIDE) + (count % _STRIDE,):
        match = _up_to(step).match(text, start)
        assert match is not None  # it takes as few as there are, even none
        start = match.end()
    return start


_STRIDE = 4096  # tokens in one match: as many as the largest chunk has


@lru_cache(maxsize=64)
def _up_to(count: int) -> re.Pattern[str]:
    """A pattern for up to `count` tokens. It tries the same alternatives as for one token, so the borders agree."""
    return re.compile(f"(?:{tokens.PIECE}){{0,{count}}}", re.DOTALL)
