"""Sessions of the Azure SDK test proxy, which the OpenAI SDK for .NET uses too.

JSON is kept parsed, text as a list of lines with their ends, bytes as base64, and the files of multipart bodies as
`b64:…`. Keys, hosts and dates may read `Sanitized`.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

from harness.recording.dialects.body_bytes import request_json_bytes, response_json_bytes, text_bytes, with_length
from harness.recording.dialects.common import build_exchange, first_date, header_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.dialects.common import Place
    from harness.recording.exchanges import RecordedExchange

BASE64_PART = re.compile(rb"(?<=\r\n\r\n)b64:([A-Za-z0-9+/]*={0,2})(?=\r\n--)")
TEXT = re.compile(r"text/|multipart/|.*\b(?:json|xml|x-www-form-urlencoded|event-stream)\b", re.IGNORECASE)


def rows(data: Any) -> list[Any] | None:
    found = data.get("Entries") if isinstance(data, dict) else None
    return found if isinstance(found, list) else None


def exchange(row: Any, place: Place) -> RecordedExchange:
    sent_headers = header_map(row["RequestHeaders"].items())
    got_headers = header_map(row["ResponseHeaders"].items())
    sent = _body(row.get("RequestBody"), sent_headers, request_json_bytes)
    got = _body(row.get("ResponseBody"), got_headers, response_json_bytes)
    return build_exchange(
        place,
        (row["RequestMethod"], row["RequestUri"], *_with_length(sent_headers, sent)),
        (int(row["StatusCode"]), *_with_length(got_headers, got)),
        first_date(got_headers.get("date")),
    )


def _with_length(headers: dict[str, str], body: bytes | None) -> tuple[dict[str, str], bytes]:
    """The headers with the length of the body, and the body; if that was not kept, the declared length stays."""
    return (headers, b"") if body is None else (with_length(headers, body), body)


def _body(kept: Any, headers: dict[str, str], as_json: Callable[[object, dict[str, str]], bytes]) -> bytes | None:
    if kept is None:
        return None
    if isinstance(kept, list) and kept and all(isinstance(line, str) for line in kept):
        kept = "".join(kept)
    elif not isinstance(kept, str):
        return as_json(kept, headers)
    if TEXT.match(headers.get("content-type", "text/plain")):
        return decoded_parts(text_bytes(kept, headers), headers)
    return base64.b64decode(kept, validate=True)


def decoded_parts(body: bytes, headers: dict[str, str]) -> bytes:
    """A body; if it is multipart, with the contents of its files decoded."""
    if not headers.get("content-type", "").startswith("multipart/"):
        return body
    return BASE64_PART.sub(lambda found: base64.b64decode(found[1]), body)
