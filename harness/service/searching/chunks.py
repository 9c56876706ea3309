"""Chunks: stretches of a text of so many tokens, each beginning in the one before it (CONTRACT §1.6, §8)."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from harness.service import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator

USUAL = (800, 400)  # what `auto` means: tokens in a chunk, and how many of them the next one repeats (CONTRACT §1.6)


class Span(NamedTuple):
    """Where a chunk begins and ends in its text, in characters."""

    start: int
    end: int


def spans(text: str, size: int, overlap: int) -> Iterator[Span]:
    """The chunks of a text; the last one is the one that reaches its end, and an empty text has none.

    A token is what `harness.service.tokens` takes for one. Many are skipped in one match, so that no token is ever
    made: 10 MB take a fraction of a second.

    >>> text = "one two three four five"
    >>> [text[start:end] for start, end in spans(text, 3, 1)]
    ['one two three', ' three four five']
    """
    step = size - overlap
    start = end = 0
    while start < len(text) and end != len(text):
        halved = overlap == step and end > 0  # then a chunk ends where the next but one begins
        following = end if halved else _skip(text, start, step)
        end = _skip(text, following, overlap)
        yield Span(start, end)
        start = following


def is_longer(text: str, most: int) -> bool:
    """Whether a text has more tokens than that; a token is at least one character."""
    return len(text) > most and _skip(text, 0, most) < len(text)


def _skip(text: str, start: int, count: int) -> int:
    """Where the token begins that is so many tokens further on."""
    for step in (_STRIDE,) * (count // _STRIDE) + (count % _STRIDE,):
        match = _several(step).match(text, start)
        assert match is not None  # it takes as few as there are, even none
        start = match.end()
    return start


_STRIDE = 4096  # the largest chunk there is; longer ways are gone in such strides


@lru_cache(maxsize=64)
def _several(count: int) -> re.Pattern[str]:
    """Up to so many tokens in one match. Each alternative is tried as for one token, so the borders are the same."""
    return re.compile(f"(?:{tokens.PIECE}){{0,{count}}}", re.DOTALL)
