"""Sessions of the Azure SDK test proxy, which the OpenAI SDK for .NET uses too.

It keeps parsed JSON, not bytes; text as a list of lines with their ends; bytes as base64; in multipart, the content of
a file as `b64:…`. Keys, hosts and dates may read `Sanitized`.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from harness.recording.dialects.parts import headers, recorded, when
from harness.recording.dialects.texts import json_got, json_sent, text_bytes, with_length

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.dialects.parts import Place
    from harness.recording.exchanges import RecordedExchange

CODED_PART = re.compile(rb"(?<=\r\n\r\n)b64:([A-Za-z0-9+/]*={0,2})(?=\r\n--)")
TEXT = re.compile(r"text/|multipart/|.*\b(?:json|xml|x-www-form-urlencoded|event-stream)\b", re.IGNORECASE)


def rows(data: Any) -> list[Any] | None:
    found = data.get("Entries") if isinstance(data, dict) else None
    return found if isinstance(found, list) else None


def exchange(row: Any, place: Place) -> RecordedExchange:
    sent_headers = headers(row["RequestHeaders"].items())
    got_headers = headers(row["ResponseHeaders"].items())
    sent = _body(row.get("RequestBody"), sent_headers, json_sent)
    got = _body(row.get("ResponseBody"), got_headers, json_got)
    return recorded(
        place,
        (row["RequestMethod"], row["RequestUri"], *(_agreeing(sent_headers, sent))),
        (int(row["StatusCode"]), *(_agreeing(got_headers, got))),
        when(got_headers.get("date")),
    )


def _agreeing(among: dict[str, str], body: bytes | None) -> tuple[dict[str, str], bytes]:
    """A body that was not kept leaves its length as a trace."""
    return (among, b"") if body is None else (with_length(among, body), body)


def _body(kept: Any, among: dict[str, str], as_json: Callable[[object, dict[str, str]], bytes]) -> bytes | None:
    if kept is None:
        return None
    if isinstance(kept, list) and kept and all(isinstance(line, str) for line in kept):
        kept = "".join(kept)
    elif not isinstance(kept, str):
        return as_json(kept, among)
    if TEXT.match(among.get("content-type", "text/plain")):
        return decoded_parts(text_bytes(kept, among), among)
    return base64.b64decode(kept, validate=True)


def decoded_parts(body: bytes, among: dict[str, str]) -> bytes:
    """A multipart body with the contents of its files as bytes."""
    if not among.get("content-type", "").startswith("multipart/"):
        return body
    return CODED_PART.sub(lambda found: base64.b64decode(found[1]), body)
