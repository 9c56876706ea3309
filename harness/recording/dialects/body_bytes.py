"""Restores the bytes of bodies that a recorder kept as parsed JSON or as text."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_AS_CHARACTERS = re.compile(r"multipart/|image/|application/octet-stream", re.IGNORECASE)
CONTROLS = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def json_bytes(value: object, indent: int | None = None, separators: tuple[str, str] | None = None) -> bytes:
    """A value as JSON in UTF-8; a lone surrogate is written as an escape."""
    text = json.dumps(value, indent=indent, separators=separators, ensure_ascii=False)
    return text.encode(errors="backslashreplace")


def request_json_bytes(value: object, headers: Mapping[str, str]) -> bytes:
    """The bytes of a parsed request body: compact, unless the declared length tells otherwise."""
    return _as_declared(
        headers, json_bytes(value, separators=(",", ":")), json_bytes(value), json.dumps(value).encode()
    )


def response_json_bytes(value: object, headers: Mapping[str, str]) -> bytes:
    """The bytes of a parsed answer: the service indents by 2, and ends some bodies with a newline."""
    pretty = json_bytes(value, indent=2)
    return _as_declared(headers, pretty, pretty + b"\n", json_bytes(value, separators=(",", ":")), json_bytes(value))


def text_bytes(text: str, headers: Mapping[str, str]) -> bytes:
    """The bytes of a body that was kept as text: UTF-8, unless each character stands for a byte of binary data."""
    forms = [text.encode(errors="backslashreplace")]
    if all(ord(character) < 0x100 for character in text):
        raw = text.encode("latin-1")
        forms.insert(0 if BYTES_AS_CHARACTERS.match(headers.get("content-type", "")) else 1, raw)
    return _as_declared(headers, *forms)


def _as_declared(headers: Mapping[str, str], *forms: bytes) -> bytes:
    """The form that has the declared content length, otherwise the first."""
    declared = headers.get("content-length")
    return next((form for form in forms if str(len(form)) == declared), forms[0])


def with_length(headers: Mapping[str, str], body: bytes) -> dict[str, str]:
    """The headers; if they declare a content length, with that of this body."""
    return {**headers, "content-length": str(len(body))} if "content-length" in headers else dict(headers)


def is_text(body: bytes) -> bool:
    r"""Whether a body is UTF-8 without control characters, except tabs and line ends.

    >>> is_text(b"1\r\n\xc2\xb0"), is_text(b"\x89PNG"), is_text(b"\0")
    (True, False, False)
    """
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return not CONTROLS.search(body)
