"""Encodings in which a secret does not look like one: percent-encoding, escapes, base64."""

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
# Control characters that text does not contain: all but tabs and line ends.
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f]")
MIN_BINARY_LENGTH = 96  # characters of base64: shorter ones that do not decode to text are not base64 of a file


@dataclass(frozen=True, slots=True)
class Encoding:
    """An encoding of text.

    Attributes:
        needs: what every text with this encoding contains; empty if there is no such thing.
        run: finds runs that may be encoded. They do not overlap, so that no character is decoded twice.
        decode: the decoded run; None if it is not encoded after all.
        encode: encodes a text in the style of a run.
        within: tried on parts of a run that does not decode to text. One that does is not read in two ways, because a
            line of it may begin in the middle of a stand-in.
    """

    needs: str
    run: re.Pattern[str]
    decode: Callable[[str], str | bytes | None]
    encode: Callable[[str | bytes, str], str]
    within: Encoding | None = None


def is_in_escape(text: str, at: int) -> bool:
    """Whether the character at this index belongs to a percent-escape: in `%2Fabc`, which is `/abc`, 2 and F do."""
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
    """A text in which characters that are not ASCII are escaped, unless the run contains them unescaped."""
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
        return data if len(plain) >= MIN_BINARY_LENGTH else None
    return None if CONTROL.search(text) and len(plain) < MIN_BINARY_LENGTH else text


def _to_base64(text: str | bytes, run: str) -> str:
    """Base64 with the alphabet, padding and line length of the run."""
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


# Decoded before anything is searched for: the end of an escape would look like the beginning of a word.
ESCAPES = (
    Encoding("%", re.compile(r"[\w.~%+!*'()@-]+", re.ASCII), _from_percent, _to_percent),
    Encoding("\\", re.compile(r"^[^\n]*\\[ux][^\n]*", re.MULTILINE), _from_escapes, _to_escapes),
)
# Decoded afterwards: a token that is base64 itself is replaced as a whole.
BASE64 = (
    Encoding(
        "",
        re.compile(r"[A-Za-z0-9+/_-]{12,}(?:\r?\n[ \t]*[A-Za-z0-9+/_-]{4,})*={0,2}"),
        _from_base64,
        _to_base64,
        # base64 after other text that ends with a slash, a hyphen or a line end
        within=Encoding("", re.compile(r"[A-Za-z0-9]{12,}={0,2}"), _from_base64, _to_base64),
    ),
)
