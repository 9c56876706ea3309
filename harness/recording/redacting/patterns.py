"""All kinds of secrets, in the order in which they are searched for."""

from __future__ import annotations

import re
from bisect import bisect
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.recording.redacting.assignments import ASSIGNMENT
from harness.recording.redacting.fields import AZURE_KINDS, FIELD_KINDS, MAIL, MASKED_KEY
from harness.recording.redacting.headers import HEADER_KINDS
from harness.recording.redacting.kinds import STAND_IN, Kind
from harness.recording.redacting.numerals import NUMERAL_KINDS
from harness.recording.redacting.secrets import PRIVATE_KEY, TOKEN_KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator

# The most specific kinds come first: a key in a field named `token` or as the password of a URL is a key.
KINDS = (PRIVATE_KEY, *TOKEN_KINDS, MASKED_KEY, *FIELD_KINDS, ASSIGNMENT, MAIL, *AZURE_KINDS, *NUMERAL_KINDS)
PREFIXES = frozenset(kind.disguise for kind in (*KINDS, *HEADER_KINDS) if isinstance(kind.disguise, str))
STAND_IN_WITH_PREFIX = re.compile(r"(.{0,60}?)redacted-\d+_*", re.DOTALL)
RESERVED_ADDRESS = re.compile(r"(?<![\w.%+-])[\w.%+-]{1,64}@example\.(?:com|net|org)", re.ASCII)


def is_stand_in(text: str) -> bool:
    """Whether a text is exactly what this project writes in place of a secret.

    >>> is_stand_in("sk-redacted-1"), is_stand_in("redacted-12"), is_stand_in("opensesame-redacted-1")
    (True, True, False)
    """
    match = STAND_IN_WITH_PREFIX.fullmatch(text)
    return match is not None and match[1] in PREFIXES


class UserKind(Kind):
    """A pattern of the user. It may match anything, so its matches must not touch stand-ins."""

    def find(self, text: str) -> Iterator[tuple[int, int]]:
        stand_ins = [match.span() for match in STAND_IN.finditer(text)]
        # an address is replaced as a whole or not at all: the rest of a stand-in would be a new address
        addresses = [match.span() for match in RESERVED_ADDRESS.finditer(text)]
        for start, end in super().find(text):
            if not _overlapping(stand_ins, start, end) and all(
                start <= first and last <= end for first, last in _overlapping(addresses, start, end)
            ):
                yield start, end


def _overlapping(spans: list[tuple[int, int]], start: int, end: int) -> list[tuple[int, int]]:
    """Those of the sorted spans that overlap with the one from start to end."""
    last = bisect(spans, (end,))
    first = bisect(spans, start, hi=last, key=lambda span: span[1])
    return spans[first:last]


def user_kind(pattern: str | re.Pattern[str]) -> UserKind:
    """A pattern of the user as a kind. Raises `HarnessFailure` if it is not a regular expression."""
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise HarnessFailure(
            f"{pattern!r} among the patterns for redaction is not a regular expression: {error}.",
            do=f"re.escape({pattern!r})   # if it is meant literally",
        ) from error
    return UserKind(f"text like {compiled.pattern}", (), compiled, "", strong=True)
