"""Texts, with many that programs tend to mishandle, and small helpers of the other strategies."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

from hypothesis import strategies as st

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

T = TypeVar("T")

ATOMS = (
    *("안녕", "하세요 ", "값", "\u1112\u1161\u11ab"),  # the last in conjoining letters
    *("👨\u200d👩\u200d👧\u200d👦", "🇰🇷", "👍🏽", "❤\ufe0f"),  # joined, paired and modified emoji
    *("é", "n\u0303", "नि", "\u200d", "\u0301"),  # combining marks, also without anything to combine with
    *("𝒳", "𠮷", "\U0010ffff", "\uffff", "\ufeff"),
    *('"', "\\", '\\"', "\\u0041", "{", "}", "[", ",", "</script>"),
    *("\n", "\r\n", "\r", "\t", "\x00", "\x1c", "\x85", "\u2028", "\u2029"),  # some readers take these for line ends
    *("data: ", "\n\nevent: done\ndata: [DONE]\n\n", ": ping", "[DONE]"),
    *("Hello", ", ", "world", " 42", " ", "."),
)


def texts(*, max_size: int | None = None, min_size: int = 0) -> SearchStrategy[str]:
    """A text of a few words: Korean, emoji, combining marks, quotes, unusual line ends, frames of a stream.

    Lone surrogates, which JSON in UTF-8 cannot carry, are not among them.

    Args:
        max_size: characters at most; longer texts are cut off.
        min_size: characters at least; 0 or 1.
    """
    atoms = st.sampled_from(ATOMS) | st.characters(exclude_categories=["Cs"])
    return st.lists(atoms, min_size=min_size, max_size=7).map(lambda words: "".join(words)[:max_size])


def sometimes(strategy: SearchStrategy[T]) -> SearchStrategy[T | None]:
    """A value in one case of four, else None: for what would otherwise cut most stories short."""
    return st.integers(0, 3).flatmap(lambda number: strategy if number == 3 else st.none())


def split_at(text: str, positions: list[int] | None) -> list[str] | None:
    """The text in pieces that end at these positions, modulo its length; a repeated one gives an empty piece.

    >>> split_at("Hello", [2, 2]), split_at("Hello", None)
    (['He', '', 'llo'], None)
    """
    if positions is None:
        return None
    ends = sorted(position % (len(text) + 1) for position in positions)
    return [text[begin:end] for begin, end in pairwise([0, *ends, len(text)])]


def by_validity(valid: bool | None, good: SearchStrategy[Any], bad: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Good values, bad ones, or for None either."""
    return st.one_of(good, bad) if valid is None else good if valid else bad
