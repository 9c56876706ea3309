"""HTTP archives (HAR 1.2), as browsers, proxies, Playwright and Polly.JS save them.

Polly.JS keeps bytes as base64, before its version 6 as hexadecimal; an answer with a content encoding is a JSON list of
its chunks.
"""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from harness.recording.dialects.body_bytes import text_bytes, with_length
from harness.recording.dialects.common import Unusable, build_exchange, first_date, header_map

if TYPE_CHECKING:
    from harness.recording.dialects.common import Place
    from harness.recording.exchanges import RecordedExchange

GZIP = b"\x1f\x8b"


def rows(data: Any) -> list[Any] | None:
    log = data.get("log") if isinstance(data, dict) else None
    found = log.get("entries") if isinstance(log, dict) else None
    return found if isinstance(found, list) else None


def exchange(row: Any, place: Place) -> RecordedExchange:
    request, response = row["request"], row["response"]
    if not response["status"]:
        raise Unusable("it was never answered (status 0)")
    sent_headers, got_headers = _headers(request), _headers(response)
    return build_exchange(
        place,
        (request["method"], request["url"], sent_headers, _body(request.get("postData") or {}, sent_headers)),
        (response["status"], *_got(response.get("content") or {}, got_headers)),
        first_date(got_headers.get("date"), row.get("startedDateTime")),
    )


def _headers(half: dict[str, Any]) -> dict[str, str]:
    return header_map((item["name"], item["value"]) for item in half["headers"])


def _got(content: dict[str, Any], headers: dict[str, str]) -> tuple[dict[str, str], bytes]:
    """The headers and the body of an answer: decoded, whatever the headers say, except for the chunks of Polly.JS."""
    text = content.get("text")
    if text is None and content.get("size", 0):
        raise Unusable(f"its answer is {_elsewhere(content)}")
    if text and text.startswith('["') and "content-encoding" in headers:
        chunks = ({**content, "_isBinary": True, "text": chunk} for chunk in json.loads(text))
        return headers, b"".join(_body(chunk, headers) for chunk in chunks)
    body = _body(content, headers)
    if body.startswith(GZIP) and "content-encoding" in headers:
        return headers, body  # still encoded
    return with_length({name: value for name, value in headers.items() if name != "content-encoding"}, body), body


def _elsewhere(content: dict[str, Any]) -> str:
    """Where Playwright or a browser left a body, and what to do."""
    if "_file" in content:
        return f"in another file, {content['_file']!r}, which is not read: record with the content embedded"
    return "not in the archive: save it with content"


def _body(content: dict[str, Any], headers: dict[str, str]) -> bytes:
    text = content.get("text") or ""
    if content.get("encoding") == "base64":
        return base64.b64decode(text)
    return bytes.fromhex(text) if content.get("_isBinary") else text_bytes(text, headers)
