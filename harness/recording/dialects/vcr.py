"""Cassettes of VCR for Ruby, vcr for R and Betamax for Python: `http_interactions`, each with a time.

They differ little: Ruby writes header values as lists and names the encoding of a body; R writes a status as
`status_code` (in version 2.0 as a number) and may keep a body in another file.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from harness.recording.dialects.common import Unusable, build_exchange, first_date, header_map

if TYPE_CHECKING:
    from harness.recording.dialects.common import Place
    from harness.recording.exchanges import RecordedExchange

# Ruby's names for bytes, which it writes as UTF-8 if they are valid as such.
BYTES_ENCODINGS = frozenset({"", "ASCII-8BIT", "BINARY"})
IN_A_FILE = frozenset({"yes", "true", "True"})


def rows(data: Any) -> list[Any] | None:
    found = data.get("http_interactions") if isinstance(data, dict) else None
    return found if isinstance(found, list) else None


def exchange(row: Any, place: Place) -> RecordedExchange:
    request, response = row["request"], row["response"]
    got_headers = header_map((response.get("headers") or {}).items())
    status = response["status"]
    if isinstance(status, dict):
        status = status["code"] if "code" in status else status["status_code"]
    return build_exchange(
        place,
        (request["method"], request["uri"], header_map((request.get("headers") or {}).items()), _body(request)),
        (int(status), got_headers, _body(response)),
        first_date(got_headers.get("date"), row.get("recorded_at")),
    )


def _body(half: dict[str, Any]) -> bytes:
    body = half.get("body") or {}
    if str(body.get("file")) in IN_A_FILE:
        raise Unusable(f"its body is in another file, {body.get('string')!r}, which is not read")
    if body.get("base64_string") is not None:
        return base64.b64decode(body["base64_string"])
    text = body.get("string")
    if isinstance(text, bytes):
        return text
    return _encoded(text or "", body.get("encoding") or "")


def _encoded(text: str, encoding: str) -> bytes:
    """The text in the encoding that the recorder names, otherwise in UTF-8: a label such as US-ASCII may be wrong."""
    if encoding.upper() not in BYTES_ENCODINGS:
        try:
            return text.encode(encoding)
        except (LookupError, UnicodeEncodeError):
            pass
    return text.encode()
