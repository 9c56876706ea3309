"""Replacing pieces of a text and nothing else of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Edit = tuple[int, int, str]  # from where, to where, and what stands there now


def splice(text: str, edits: Sequence[Edit], cuts: Sequence[int] = ()) -> tuple[str, list[int]]:
    """The text with its edits made, and where the cuts lie in it now. Edits come in order and do not overlap.

    A cut in what was replaced stays as far from its beginning as it was, or moves to its end if that is nearer.

    >>> splice("my key abcdef ends", [(7, 13, "KEY")], [3, 9, 12, 18])
    ('my key KEY ends', [3, 9, 10, 15])
    """
    pieces: list[str] = []
    moved: list[int] = []
    waiting = iter([*cuts, len(text) + 1])
    cut = next(waiting)
    at = grown = 0
    for start, end, new in edits:
        assert at <= start <= end, "where edits overlap, what is between them would be written twice"
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
    return [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
