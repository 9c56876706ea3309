"""Recognizes formats: whether a text is JSON, and in which encodings bytes can be text."""

from __future__ import annotations

import codecs
import json
import re

from harness.recording.redacting.encodings import CONTROL

JSON_STARTS = tuple('{["')
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
NOT_ASCII = re.compile(r"\\u(?!00[0-7])")


def is_json(text: str) -> bool:
    """Whether a text is JSON that can contain strings, or JSON lines."""
    if text.lstrip()[:1] not in JSON_STARTS:
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return _is_json_lines(text)
    return True


def _is_json_lines(text: str) -> bool:
    if text[:1] != "{" or "}\n" not in text:
        return False
    try:
        return all(isinstance(json.loads(line), dict) for line in text.split("\n") if line.strip())
    except (ValueError, RecursionError):
        return False


def json_literal_like(raw: str, new: str) -> str:
    """A string as a JSON literal; what is not ASCII is escaped only if it was in the old literal."""
    escaped = NOT_ASCII.search(raw) is not None
    return json.dumps(new, ensure_ascii=escaped)


def codecs_of(data: bytes) -> tuple[str, ...]:
    """The encodings to try, none for binary data. Latin-1 only for data without control characters."""
    for mark, codec in BOMS:
        if data.startswith(mark):
            return (codec,)
    head = data[:4096]
    if b"\0" in head:
        return ()
    return ("utf-8",) if CONTROL.search(head.decode("latin-1")) else ("utf-8", "latin-1")
