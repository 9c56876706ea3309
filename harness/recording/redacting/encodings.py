"""How a secret may be written so that it does not look like one: percent signs, escapes, base64."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Callable

WRAP = re.compile(r"\s+")
HEXADECIMAL = re.compile("[0-9A-Fa-f]{2}")
ESCAPE = re.compile(r"\\u([0-9A-Fa-f]{4})|\\x([0-7][0-9A-Fa-f])")
NOT_ASCII = re.compile(r"[^\x00-\x7f]")
# Control characters do not stand in text, save tabs and line ends.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
SHORTEST_BINARY = 96  # of base64: anything shorter that is no text is no file either


@dataclass(frozen=True, slots=True)
class Encoding:
    """A way to write text.

    Attributes:
        needs: stands in every text that uses it; empty: no telling.
        run: finds what may be written this way; no character belongs to two runs, so that none is looked at twice.
        decode: what a run says; None where it is not written this way after all.
        encode: writes a text the way a run was written.
        within: what to look for in a run that says no text; one that does is not read in two ways, because a line of it
            may begin in the middle of a stand-in.
    """

    needs: str
    run: re.Pattern[str]
    decode: Callable[[str], str | bytes | None]
    encode: Callable[[str | bytes, str], str]
    within: Encoding | None = None


def is_in_escape(text: str, at: int) -> bool:
    """Whether a percent sign before it takes this character away: `%2Fabc` says `/abc`, and nothing begins at the 2."""
    percent = text.rfind("%", max(0, at - 2), at)
    return percent >= 0 and HEXADECIMAL.match(text, percent + 1) is not None


def _from_percent(run: str) -> str | None:
    text = unquote(run)
    return None if text == run else text


def _to_percent(text: str | bytes, run: str) -> str:
    return quote(text, safe="".join(sign for sign in "!'()*@+" if sign in run))


def _from_escapes(run: str) -> str | None:
    text = ESCAPE.sub(lambda match: chr(int(match[1] or match[2], 16)), run)
    return None if text == run else text


def _to_escapes(text: str | bytes, run: str) -> str:
    """What is not ASCII is escaped again, if it was; the rest reads better as it is."""
    assert isinstance(text, str)
    as_they_are = set(run)
    return NOT_ASCII.sub(lambda match: match[0] if match[0] in as_they_are else json.dumps(match[0])[1:-1], text)


def _from_base64(run: str) -> str | bytes | None:
    plain = WRAP.sub("", run).rstrip("=").replace("-", "+").replace("_", "/")
    if len(plain) % 4 == 1:
        return None
    data = b64decode(plain + "=" * (-len(plain) % 4))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return data if len(plain) >= SHORTEST_BINARY else None
    return None if CONTROL.search(text) and len(plain) < SHORTEST_BINARY else text


def _to_base64(text: str | bytes, run: str) -> str:
    """In the alphabet of the run, padded if it is, and in lines as long as its first."""
    new = b64encode(text.encode() if isinstance(text, str) else text).decode()
    if "-" in run or "_" in run:
        new = new.replace("+", "-").replace("/", "_")
    if len(WRAP.sub("", run)) % 4:
        new = new.rstrip("=")
    gap = WRAP.search(run)
    if gap:
        width = gap.start()
        new = gap[0].join(new[at : at + width] for at in range(0, len(new), width))
    return new


# Undone before anything is looked for: a piece of an escape would pass for the beginning of a word.
ESCAPES = (
    Encoding("%", re.compile(r"[\w.~%+!*'()@-]+", re.ASCII), _from_percent, _to_percent),
    Encoding("\\", re.compile(r"^[^\n]*\\[ux][^\n]*", re.MULTILINE), _from_escapes, _to_escapes),
)
# Looked into afterwards: a token that is base64 is replaced as a whole.
BASE64 = (
    Encoding(
        "",
        re.compile(r"[A-Za-z0-9+/_-]{12,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{4,})*={0,2}"),
        _from_base64,
        _to_base64,
        # the same, where a slash, a hyphen or a line divides it from what stands before
        within=Encoding("", re.compile(r"[A-Za-z0-9]{12,}={0,2}"), _from_base64, _to_base64),
    ),
)
