"""Fixtures of nock for Node: `nock.back`, or `nock.recorder` with `output_objects`.

A list of `{scope, method, path, body, status, response, rawHeaders, reqheaders, responseIsBinary}`. What is JSON is
kept parsed; bytes are hexadecimal, and an answer with a content encoding is a list of its chunks, each like that
(nock/nock#1212, #1067). The headers of requests are there only if the test asked for them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.recording.dialects.parts import headers, recorded, when
from harness.recording.dialects.texts import json_got, json_sent, text_bytes, with_length

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.dialects.parts import Place
    from harness.recording.exchanges import RecordedExchange

USUAL_PORT = re.compile(r"\A(https(?=.*:443)|http(?=.*:80))(://[^/]*):(?:443|80)\Z")

# The form of an upload: nothing else tells that it is one, or that it is hexadecimal as its file is binary.
FORM = re.compile(rb"--([^\r\n]{1,70})\r\ncontent-disposition:", re.IGNORECASE)
HEX_FORM = re.compile(r"2d2d(?:[0-9a-f]{2})+\Z")


def rows(data: Any) -> list[Any] | None:
    is_fixture = isinstance(data, list) and data and isinstance(data[0], dict) and data[0].keys() >= {"scope", "path"}
    return data if is_fixture else None


def exchange(row: Any, place: Place) -> RecordedExchange:
    sent_headers = headers((row.get("reqheaders") or {}).items())
    asked = row.get("body")
    if isinstance(asked, str) and HEX_FORM.match(asked):
        sent = bytes.fromhex(asked)
    else:
        sent = _body(asked, sent_headers, json_sent)
    if form := FORM.match(sent):
        sent_headers.setdefault("content-type", f"multipart/form-data; boundary={form[1].decode('latin-1')}")
    got_headers = _headers(row.get("rawHeaders") or row.get("headers") or {})
    if "content-encoding" in got_headers and isinstance(row.get("response"), list):
        got = bytes.fromhex("".join(row["response"]))
    elif row.get("responseIsBinary"):
        got = bytes.fromhex(row["response"])
    else:
        got = _body(row.get("response"), got_headers, json_got)
        got_headers = with_length(got_headers, got)
    url = USUAL_PORT.sub(r"\1\2", row["scope"].rstrip("/")) + row["path"]
    return recorded(
        place,
        (row.get("method") or "GET", url, with_length(sent_headers, sent), sent),
        (int(row["status"]), got_headers, got),
        when(got_headers.get("date")),
    )


def _headers(kept: Any) -> dict[str, str]:
    """Names and values in turns, or from version 14 on as an object."""
    return headers(kept.items() if isinstance(kept, dict) else zip(kept[::2], kept[1::2], strict=True))


def _body(kept: Any, among: dict[str, str], as_json: Callable[[object, dict[str, str]], bytes]) -> bytes:
    return text_bytes(kept or "", among) if kept is None or isinstance(kept, str) else as_json(kept, among)
