"""Texts, with a liking for those that programs stumble over, and small helpers of the other strategies."""

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
    *("\n", "\r\n", "\r", "\t", "\x00", "\x1c", "\x85", "\u2028", "\u2029"),  # what some readers take for line ends
    *("data: ", "\n\nevent: done\ndata: [DONE]\n\n", ": ping", "[DONE]"),
    *("Hello", ", ", "world", " 42", " ", "."),
)


def texts(*, max_size: int | None = None, min_size: int = 0) -> SearchStrategy[str]:
    """A text of a few words: Korean, emoji, combining marks, quotes, odd line ends, frames of a stream.

    Half surrogates, which no JSON can carry, are not among them.

    Args:
        max_size: characters at most; what is longer is cut.
        min_size: characters at least; 0 or 1.
    """
    atoms = st.sampled_from(ATOMS) | st.characters(exclude_categories=["Cs"])
    return st.lists(atoms, min_size=min_size, max_size=7).map(lambda words: "".join(words)[:max_size])


def seldom(strategy: SearchStrategy[T]) -> SearchStrategy[T | None]:
    """None three times out of four: what cuts stories short must leave most of them whole."""
    return st.integers(0, 3).flatmap(lambda chosen: strategy if chosen == 3 else st.none())


def cut(text: str, places: list[int] | None) -> list[str] | None:
    """The text in pieces that end at these places; some of them empty, where a place comes twice.

    >>> cut("Hello", [2, 2]), cut("Hello", None)
    (['He', '', 'llo'], None)
    """
    if places is None:
        return None
    ends = sorted(place % (len(text) + 1) for place in places)
    return [text[begin:end] for begin, end in pairwise([0, *ends, len(text)])]


def chosen(valid: bool | None, good: SearchStrategy[Any], bad: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """What `valid` asks for."""
    return st.one_of(good, bad) if valid is None else good if valid else bad
