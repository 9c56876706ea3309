"""HTTP archives (HAR 1.2), as browsers and proxies save them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from harness.recording.dialects.parts import Unusable, headers, recorded, when
from harness.recording.dialects.texts import text_bytes, with_length

if TYPE_CHECKING:
    from harness.recording.dialects.parts import Place
    from harness.recording.exchanges import Recorded


def rows(data: Any) -> list[Any] | None:
    log = data.get("log") if isinstance(data, dict) else None
    found = log.get("entries") if isinstance(log, dict) else None
    return found if isinstance(found, list) else None


def exchange(row: Any, place: Place) -> Recorded:
    request, response = row["request"], row["response"]
    if not response["status"]:
        raise Unusable("it was never answered (status 0)")
    sent_headers, got_headers = _headers(request), _headers(response)
    content = response.get("content") or {}
    return recorded(
        place,
        (request["method"], request["url"], sent_headers, _body(request.get("postData") or {}, sent_headers)),
        (response["status"], *_whole(got_headers, _body(content, got_headers))),
        when(got_headers.get("date"), row.get("startedDateTime")),
    )


def _headers(half: dict[str, Any]) -> dict[str, str]:
    return headers((item["name"], item["value"]) for item in half["headers"])


def _body(content: dict[str, Any], among: dict[str, str]) -> bytes:
    text = content.get("text") or ""
    return base64.b64decode(text) if content.get("encoding") == "base64" else text_bytes(text, among)


def _whole(among: dict[str, str], body: bytes) -> tuple[dict[str, str], bytes]:
    """The text of an archive is decoded already, whatever the headers say."""
    return with_length({name: value for name, value in among.items() if name != "content-encoding"}, body), body
