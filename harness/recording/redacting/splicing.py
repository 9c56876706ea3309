"""Replaces parts of a text."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Edit = tuple[int, int, str]  # start, end, and the replacement


def splice(text: str, edits: Sequence[Edit], cuts: Sequence[int] = ()) -> tuple[str, list[int]]:
    """The text with its edits made, and the new indexes of the cuts. Edits have to be sorted and must not overlap.

    A cut within a replaced part keeps its distance from the start, or moves to the end if that is nearer.

    >>> splice("my key abcdef ends", [(7, 13, "KEY")], [3, 9, 12, 18])
    ('my key KEY ends', [3, 9, 10, 15])
    """
    pieces: list[str] = []
    moved: list[int] = []
    waiting = iter([*cuts, len(text) + 1])
    cut = next(waiting)
    at = grown = 0
    for start, end, new in edits:
        assert at <= start <= end, "where edits overlap, the text between them would be written twice"
        while cut <= start:
            moved.append(cut + grown)
            cut = next(waiting)
        while cut < end:
            moved.append(start + grown + min(cut - start, len(new)))
            cut = next(waiting)
        pieces += text[at:start], new
        at, grown = end, grown + len(new) - (end - start)
    pieces.append(text[at:])
    while cut <= len(text):
        moved.append(cut + grown)
        cut = next(waiting)
    return "".join(pieces), moved


def cut_up(text: str, cuts: Sequence[int]) -> list[str]:
    """The pieces of a text between its cuts."""
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
