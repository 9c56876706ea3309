"""Rules for recorded streams: framing, and the order of events."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.recording.checking.findings import is_stream, named, payloads
from harness.recording.checking.histories import TABLES
from harness.recording.session import SSE_FRAME
from harness.service import events
from harness.service.lifecycle import terminal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.recording.checking.findings import Found, Json
    from harness.recording.session import ParsedExchange

EVENTS = {*events.EVENTS, "error"}
EVENT = re.compile(r"^event:", re.MULTILINE)
# An object has no events after one of these, and a stream none after one of a run (CONTRACT §5).
FINAL_EVENTS = {f"{kind}.{status}" for kind, table in TABLES.items() for status in terminal(table)}
PAUSED = "thread.run.requires_action"


def framing(exchange: ParsedExchange) -> Iterator[Found]:
    """Every event has a known name and data, and the last one is `done` or `error`."""
    if not exchange.ok or not is_stream(exchange):
        return
    names = _names(exchange)
    for name in dict.fromkeys(name for name in names if name not in EVENTS):
        yield "error", exchange, f"the stream has an event {name!r}, which the API does not have"
    if broken := _unreadable(exchange):
        which = "an event" if broken == 1 else f"{broken} events"
        yield "error", exchange, f"the stream has {which} without data that can be read"
    if not names or names[-1] not in ("done", "error"):
        yield "error", exchange, "the stream breaks off: its last event is neither done nor error"


def order(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """No event of an object comes before its creation or after its end. Streams with unreadable events are skipped."""
    for exchange in exchanges:
        if exchange.route is None or not exchange.ok or not is_stream(exchange) or _unreadable(exchange):
            continue
        if "done" in _names(exchange)[:-1]:
            yield "error", exchange, "the stream goes on after done"
        resumed = exchange.path.endswith("/submit_tool_outputs")
        for what in dict.fromkeys(_out_of_order(payloads(exchange), resumed=resumed)):
            yield "error", exchange, what


def _out_of_order(sequence: list[tuple[str, Json]], *, resumed: bool) -> Iterator[str]:
    """What is out of order. A `resumed` stream continues the run of an earlier one, and may end a step from there."""
    created: set[str] = set()
    ended: dict[str, str] = {}  # the event that ended each object
    ended_run = ""
    for event, item in sequence:
        kind, _, what = event.rpartition(".")
        if item.get("object") not in (event, kind) or kind == "thread":
            continue
        name = named(item)
        if what == "created":
            if name in created:
                yield f"{name} is created a second time"
            created.add(name)
        elif name not in created and not (resumed and what != "delta" and kind != "thread.message"):
            yield f"{event} of {name} comes before {kind}.created"
        if end := ended.get(name, ended_run):
            yield f"{event} of {name} comes after {end}"
        if event in FINAL_EVENTS:
            ended[name] = event
        if event == PAUSED or (event in FINAL_EVENTS and kind == "thread.run"):
            ended_run = event


def _names(exchange: ParsedExchange) -> list[str]:
    return [name for name, _ in SSE_FRAME.findall(_text(exchange) + "\n\n")]


def _unreadable(exchange: ParsedExchange) -> int:
    """The number of events without readable data."""
    return max(0, len(EVENT.findall(_text(exchange))) - len(exchange.events) - _names(exchange).count("done"))


def _text(exchange: ParsedExchange) -> str:
    return exchange.recorded.response_body.decode("utf-8", "replace")
