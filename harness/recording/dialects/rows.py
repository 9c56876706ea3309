"""Logs of exchanges, one JSON object a line, and those of parsed or printed objects in the same form.

    {"method", "url", "request_headers", "request_body", "status", "response_headers", "response_body", "sse", …}

Bodies are parsed JSON or text; where `sse` is true, a list of `[event, data]`. `cassette` and `index` tell which
recorded conversation a line is from. A line without a status has only a body:
`bare.py` builds what it can of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.recording.dialects import bare
from harness.recording.dialects.parts import headers, recorded, when
from harness.recording.dialects.proxy import decoded_parts
from harness.recording.dialects.texts import dumped, json_got, json_sent, text_bytes, with_length

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.dialects.parts import Place
    from harness.recording.exchanges import RecordedExchange


def rows(data: Any) -> list[Any] | None:
    """One parsed line alone is a log, too; and of some lines only the body may have been kept."""
    found = data if isinstance(data, list) else [data]
    is_log = any(isinstance(row, dict) and row.keys() >= {"url", "response_body"} for row in found)
    return found if is_log else None


def exchange(row: Any, place: Place) -> RecordedExchange:
    told = row.get("response_body")
    is_stream = bool(row.get("sse"))
    conversation = str(row.get("cassette") or "")
    origin = f"{place.path}: {conversation} [{row.get('index', place.index)}]" if conversation else place
    if row.get("status") is None:
        request, content_type = bare.request(row)
        got_headers = {"content-type": content_type}
        got = frames(told) if is_stream else json_got(told, got_headers)
        return recorded(origin, request, (200, got_headers, got), None, conversation)
    sent_headers = headers((row.get("request_headers") or {}).items())
    got_headers = headers((row.get("response_headers") or {}).items())
    got = frames(told) if is_stream else _body(told, got_headers, json_got)
    sent = row.get("request_body")
    if sent is not None:
        sent = _body(sent, sent_headers, json_sent)
        sent_headers = with_length(sent_headers, sent)
    return recorded(
        origin,
        (row["method"], row["url"], sent_headers, sent or b""),
        (int(row["status"]), with_length(got_headers, got), got),
        when(got_headers.get("date"), row.get("recorded_at")),
        conversation,
    )


def frames(events: list[tuple[str, Any]]) -> bytes:
    r"""Server-sent events as the service writes them.

    >>> frames([("thread.created", {"id": "thread_x"}), ("done", "[DONE]")])
    b'event: thread.created\ndata: {"id":"thread_x"}\n\nevent: done\ndata: [DONE]\n\n'
    """
    return b"".join(f"event: {name}\ndata: ".encode() + _data(data) + b"\n\n" for name, data in events)


def _data(data: Any) -> bytes:
    return data.encode() if isinstance(data, str) else dumped(data, separators=(",", ":"))


def _body(kept: Any, among: dict[str, str], as_json: Callable[[object, dict[str, str]], bytes]) -> bytes:
    if kept is None:
        return b""
    if isinstance(kept, str):
        return decoded_parts(text_bytes(kept, among), among)
    return as_json(kept, among)
