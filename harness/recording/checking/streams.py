"""Whether a stream is one: events with data, the last of them `done`, in an order in which things can have happened."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.recording.checking.findings import is_stream, named, told
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
# Behind these nothing more is told of an object, and behind those of a run nothing more at all (CONTRACT §5).
LAST = {f"{kind}.{status}" for kind, table in TABLES.items() for status in terminal(table)}
RESTS = "thread.run.requires_action"


def frames(seen: ParsedExchange) -> Iterator[Found]:
    """Events with known names and with data, the last of them `done` or `error`."""
    if not seen.ok or not is_stream(seen):
        return
    names = _names(seen)
    for name in dict.fromkeys(name for name in names if name not in EVENTS):
        yield "error", seen, f"the stream has an event {name!r}, which the API has not"
    if broken := _unreadable(seen):
        yield "error", seen, f"of the stream, {broken} events have no data that can be read"
    if not names or names[-1] not in ("done", "error"):
        yield "error", seen, "the stream breaks off: its last event is neither done nor error"


def order(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """Whether events come behind what they presuppose, and none behind an end. What is not known is not guessed: a
    stream of which some events cannot be read has no order."""
    for seen in exchanges:
        if seen.route is None or not seen.ok or not is_stream(seen) or _unreadable(seen):
            continue
        if "done" in _names(seen)[:-1]:
            yield "error", seen, "the stream goes on after done"
        resumed = seen.path.endswith("/submit_tool_outputs")
        for what in dict.fromkeys(_misplaced(told(seen), resumed=resumed)):
            yield "error", seen, what


def _misplaced(happened: list[tuple[str, Json]], *, resumed: bool) -> Iterator[str]:
    """`resumed`: the stream goes on with a run of another, and may end its open step."""
    made: set[str] = set()
    ended: dict[str, str] = {}  # with which event
    rested = ""
    for event, item in happened:
        kind, _, what = event.rpartition(".")
        if item.get("object") not in (event, kind) or kind == "thread":
            continue
        name = named(item)
        if what == "created":
            if name in made:
                yield f"{name} is created a second time"
            made.add(name)
        elif name not in made and not (resumed and what != "delta" and kind != "thread.message"):
            yield f"{event} of {name} comes before {kind}.created"
        if end := ended.get(name, rested):
            yield f"{event} of {name} comes after {end}"
        if event in LAST:
            ended[name] = event
        if event == RESTS or (event in LAST and kind == "thread.run"):
            rested = event


def _names(seen: ParsedExchange) -> list[str]:
    return [name for name, _ in SSE_FRAME.findall(_text(seen) + "\n\n")]


def _unreadable(seen: ParsedExchange) -> int:
    """How many events have no data."""
    return max(0, len(EVENT.findall(_text(seen))) - len(seen.events) - _names(seen).count("done"))


def _text(seen: ParsedExchange) -> str:
    return seen.recorded.response_body.decode("utf-8", "replace")
