"""Logs of exchanges: one JSON object a line, also of answers alone in the same form.

    {"method", "url", "request_headers", "request_body", "status", "response_headers", "response_body", "sse", …}

Bodies are parsed JSON or text; where `sse` is true, a list of `[event, data]`. `cassette` and `index` tell which
recorded conversation a line is from. A line without a status has only a body: its request is built by
`response_only.py`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.recording.dialects import response_only
from harness.recording.dialects.azure_test_proxy import decoded_parts
from harness.recording.dialects.body_bytes import (
    json_bytes,
    request_json_bytes,
    response_json_bytes,
    text_bytes,
    with_length,
)
from harness.recording.dialects.common import build_exchange, first_date, header_map

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.dialects.common import Place
    from harness.recording.exchanges import RecordedExchange


def rows(data: Any) -> list[Any] | None:
    """The lines of a log; a file with a single line is one too, and some lines may have only a body."""
    found = data if isinstance(data, list) else [data]
    is_log = any(isinstance(row, dict) and row.keys() >= {"url", "response_body"} for row in found)
    return found if is_log else None


def exchange(row: Any, place: Place) -> RecordedExchange:
    answer = row.get("response_body")
    is_stream = bool(row.get("sse"))
    conversation = str(row.get("cassette") or "")
    origin = f"{place.path}: {conversation} [{row.get('index', place.index)}]" if conversation else place
    if row.get("status") is None:
        request, content_type = response_only.implied_request(row)
        got_headers = {"content-type": content_type}
        got = sse_frames(answer) if is_stream else response_json_bytes(answer, got_headers)
        return build_exchange(origin, request, (200, got_headers, got), None, conversation)
    sent_headers = header_map((row.get("request_headers") or {}).items())
    got_headers = header_map((row.get("response_headers") or {}).items())
    got = sse_frames(answer) if is_stream else _body(answer, got_headers, response_json_bytes)
    sent = row.get("request_body")
    if sent is not None:
        sent = _body(sent, sent_headers, request_json_bytes)
        sent_headers = with_length(sent_headers, sent)
    return build_exchange(
        origin,
        (row["method"], row["url"], sent_headers, sent or b""),
        (int(row["status"]), with_length(got_headers, got), got),
        first_date(got_headers.get("date"), row.get("recorded_at")),
        conversation,
    )


def sse_frames(events: list[tuple[str, Any]]) -> bytes:
    r"""Server-sent events in bytes, as the service writes them.

    >>> sse_frames([("thread.created", {"id": "thread_x"}), ("done", "[DONE]")])
    b'event: thread.created\ndata: {"id":"thread_x"}\n\nevent: done\ndata: [DONE]\n\n'
    """
    return b"".join(f"event: {name}\ndata: ".encode() + _data(data) + b"\n\n" for name, data in events)


def _data(data: Any) -> bytes:
    return data.encode() if isinstance(data, str) else json_bytes(data, separators=(",", ":"))


def _body(kept: Any, headers: dict[str, str], as_json: Callable[[object, dict[str, str]], bytes]) -> bytes:
    if kept is None:
        return b""
    if isinstance(kept, str):
        return decoded_parts(text_bytes(kept, headers), headers)
    return as_json(kept, headers)
