"""Bodies as bytes again, which a recorder has kept parsed or as text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_AS_CHARACTERS = re.compile(r"multipart/|image/|application/octet-stream", re.IGNORECASE)
CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def dumped(value: object, indent: int | None = None, separators: tuple[str, str] | None = None) -> bytes:
    """JSON in UTF-8, with half a surrogate pair as the escape that it came from."""
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False)
    return text.encode(errors="backslashreplace")


def json_sent(value: object, among: Mapping[str, str]) -> bytes:
    """A parsed request as bytes again: compact, or as the declared length tells."""
    return _as_declared(among, dumped(value, separators=(",", ":")), dumped(value), json.dumps(value).encode())


def json_got(value: object, among: Mapping[str, str]) -> bytes:
    """A parsed answer as bytes again: the service indents by 2, and ends some bodies with a newline."""
    pretty = dumped(value, indent=2)
    return _as_declared(among, pretty, pretty + b"\n", dumped(value, separators=(",", ":")), dumped(value))


def text_bytes(text: str, among: Mapping[str, str]) -> bytes:
    """A body that was kept as text: UTF-8, unless it is binary with a character for each byte."""
    forms = [text.encode(errors="backslashreplace")]
    if all(ord(character) < 0x100 for character in text):
        raw = text.encode("latin-1")
        forms.insert(0 if BYTES_AS_CHARACTERS.match(among.get("content-type", "")) else 1, raw)
    return _as_declared(among, *forms)


def _as_declared(among: Mapping[str, str], *forms: bytes) -> bytes:
    """The form that has the length the headers declare, otherwise the first."""
    declared = among.get("content-length")
    return next((form for form in forms if str(len(form)) == declared), forms[0])


def with_length(among: Mapping[str, str], body: bytes) -> dict[str, str]:
    """These headers, with a declared length that is true for a body that was built anew."""
    return {**among, "content-length": str(len(body))} if "content-length" in among else dict(among)


def is_text(body: bytes) -> bool:
    r"""UTF-8 without control characters, except tabs and line ends.

    >>> is_text(b"1\r\n\xc2\xb0"), is_text(b"\x89PNG"), is_text(b"\0")
    (True, False, False)
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return not CONTROLS.search(body)
