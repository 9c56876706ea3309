"""Tokens: a simple tokenizer.

It stands in for the service's, deterministic and without data files. A token is a word with the space in front of it
(long words in parts of five letters), up to three digits, two punctuation marks that are adjacent in JSON (as
recorded, CONTRACT §5.3), another single mark, or one or two characters of another script. The counts are plausible,
but not those of the service.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = r'[ ]?[A-Za-z]{1,5}|[ ]?[0-9]{1,3}|[ ]?[^\W\d_A-Za-z]{1,2}|\s+|\{["}]|":|,"|"\}|.'
_PIECE = re.compile(PIECE, re.DOTALL)
_PER_MESSAGE = 4


def pieces(text: str) -> list[str]:
    """The tokens of a text; joined they are the text again.

    >>> pieces("Hello, world 42")
    ['Hello', ',', ' world', ' 42']
    """
    return _PIECE.findall(text)


def iter_pieces(text: str) -> Iterator[str]:
    """The tokens of a text, one by one."""
    return (match[0] for match in _PIECE.finditer(text))


@lru_cache(maxsize=512)
def count(text: str) -> int:
    """How many tokens a text has.

    >>> count("Hello, world 42")
    4
    """
    return len(pieces(text))


def count_json(value: Any) -> int:
    return count(json.dumps(value, ensure_ascii=False)) if value else 0


def count_message(text: str) -> int:
    """A message costs a few tokens more than its text."""
    return count(text) + _PER_MESSAGE
