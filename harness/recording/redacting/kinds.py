"""What is known of one kind of secret: its name, how it is found, and what stands in for it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What stands in for a secret that has no disguise of its own, after what is kept of its beginning.
STAND_IN = re.compile(r"redacted-\d+")


def anything(_match: re.Match[str]) -> bool:
    return True


def as_it_is(secret: str) -> str:
    return secret


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of secret.

    Attributes:
        triggers: one of these stands, in lower case, in every text that holds such a secret; none: no telling.
        pattern: its group `secret`, or else the whole match, is the secret.
        disguise: what a stand-in keeps of the beginning, `sk-` for `sk-redacted-1`; or a function that makes the nth
            one to look like the secret; None where Faker does.
        accepts: whether a match is one after all.
        same: secrets that are alike in this form share a stand-in.
        needs: one of these stands there too.
        numeral: it has seven digits or more, with no letters among them.
        strong: no other bytes look like it by chance, so it is looked for in binary data too.
    """

    name: str
    triggers: tuple[str, ...]
    pattern: re.Pattern[str]
    disguise: str | Callable[[str, int], str] | None
    accepts: Callable[[re.Match[str]], bool] = anything
    same: Callable[[str], str] = as_it_is
    strong: bool = False
    needs: tuple[str, ...] = ()
    numeral: bool = False

    def may_be_in(self, lowered: str) -> bool:
        """Whether the text is worth a look; cheap. The text has to be in lower case."""
        for trigger in self.triggers:
            if trigger in lowered:
                break
        else:
            if self.triggers:
                return False
        return not self.needs or any(need in lowered for need in self.needs)

    def spans(self, text: str) -> Iterator[re.Match[str]]:
        """The matches of the pattern; a kind may know a faster way to find them."""
        return self.pattern.finditer(text)

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        """Where such secrets stand."""
        group = "secret" if "secret" in self.pattern.groupindex else 0
        for match in self.spans(text):
            start, end = match.span(group)
            if start < end and self.accepts(match):
                yield start, end
