"""A kind of secret: its name, how it is found, and what replaces it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# The stand-in for a secret, after the prefix of its kind.
STAND_IN = re.compile(r"redacted-\d+")


def accept_any(_match: re.Match[str]) -> bool:
    return True


def unchanged(secret: str) -> str:
    return secret


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of secret.

    Attributes:
        triggers: texts in lower case, one of which every text with such a secret contains; empty if there are none.
        pattern: its group `secret`, or else the whole match, is the secret.
        disguise: the prefix of stand-ins, `sk-` for `sk-redacted-1`; or a function that makes the nth stand-in, similar
            to the secret; None if Faker makes them.
        accepts: decides whether a match is such a secret.
        same: normalizes a secret; secrets with the same normal form share a stand-in.
        needs: more texts, one of which has to be present.
        numeral: whether it has at least seven digits, with no letters among them.
        strong: whether no other bytes look like it by chance, so that it is searched for in binary data too.
    """

    name: str
    triggers: tuple[str, ...]
    pattern: re.Pattern[str]
    disguise: str | Callable[[str, int], str] | None
    accepts: Callable[[re.Match[str]], bool] = accept_any
    same: Callable[[str], str] = unchanged
    strong: bool = False
    needs: tuple[str, ...] = ()
    numeral: bool = False

    def may_be_in(self, lowered: str) -> bool:
        """Whether a text, given in lower case, may contain such a secret; a cheap test."""
        for trigger in self.triggers:
            if trigger in lowered:
                break
        else:
            if self.triggers:
                return False
        return not self.needs or any(need in lowered for need in self.needs)

    def spans(self, text: str) -> Iterator[re.Match[str]]:
        """The matches of the pattern; subclasses may find them faster."""
        return self.pattern.finditer(text)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """The start and end of each such secret in a text."""
        group = "secret" if "secret" in self.pattern.groupindex else 0
        for match in self.spans(text):
            start, end = match.span(group)
            if start < end and self.accepts(match):
                yield start, end
