"""Fixtures of nock for Node: `nock.back`, or `nock.recorder` with `output_objects`.

A list of `{scope, method, path, body, status, response, rawHeaders, reqheaders, responseIsBinary}`. JSON is kept
parsed, bytes as hexadecimal, and an answer with a content encoding as a list of its chunks in hexadecimal
(nock/nock#1212, #1067). The headers of requests are recorded only on demand.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.recording.dialects.body_bytes import request_json_bytes, response_json_bytes, text_bytes, with_length
from harness.recording.dialects.common import build_exchange, first_date, header_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.dialects.common import Place
    from harness.recording.exchanges import RecordedExchange

DEFAULT_PORT = re.compile(r"\A(https(?=.*:443)|http(?=.*:80))(://[^/]*):(?:443|80)\Z")
# How an upload begins: nothing else tells that a body is one, or that it is hexadecimal because its file is binary.
FORM = re.compile(rb"--([^\r\n]{1,70})\r\ncontent-disposition:", re.IGNORECASE)
HEX_FORM = re.compile(r"2d2d(?:[0-9a-f]{2})+\Z")


def rows(data: Any) -> list[Any] | None:
    is_fixture = isinstance(data, list) and data and isinstance(data[0], dict) and data[0].keys() >= {"scope", "path"}
    return data if is_fixture else None


def exchange(row: Any, place: Place) -> RecordedExchange:
    sent_headers = header_map((row.get("reqheaders") or {}).items())
    body = row.get("body")
    if isinstance(body, str) and HEX_FORM.match(body):
        sent = bytes.fromhex(body)
    else:
        sent = _body(body, sent_headers, request_json_bytes)
    if form := FORM.match(sent):
        sent_headers.setdefault("content-type", f"multipart/form-data; boundary={form[1].decode('latin-1')}")
    got_headers = _headers(row.get("rawHeaders") or row.get("headers") or {})
    if "content-encoding" in got_headers and isinstance(row.get("response"), list):
        got = bytes.fromhex("".join(row["response"]))
    elif row.get("responseIsBinary"):
        got = bytes.fromhex(row["response"])
    else:
        got = _body(row.get("response"), got_headers, response_json_bytes)
        got_headers = with_length(got_headers, got)
    url = DEFAULT_PORT.sub(r"\1\2", row["scope"].rstrip("/")) + row["path"]
    return build_exchange(
        place,
        (row.get("method") or "GET", url, with_length(sent_headers, sent), sent),
        (int(row["status"]), got_headers, got),
        first_date(got_headers.get("date")),
    )


def _headers(kept: Any) -> dict[str, str]:
    """The headers of an answer: alternating names and values, or from version 14 on an object."""
    return header_map(kept.items() if isinstance(kept, dict) else zip(kept[::2], kept[1::2], strict=True))


def _body(kept: Any, headers: dict[str, str], as_json: Callable[[object, dict[str, str]], bytes]) -> bytes:
    return text_bytes(kept or "", headers) if kept is None or isinstance(kept, str) else as_json(kept, headers)
