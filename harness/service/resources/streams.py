"""A run as a stream: the objects in its events, which show a little more than a GET does (CONTRACT §2, §5)."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from harness.service.events import MEDIA_TYPE, Feed
from harness.service.http import Response
from harness.service.records import Message, Step, Thread
from harness.service.resources import messages, runs, steps, threads
from harness.service.shapes import INCOMPLETE_EVENT

if TYPE_CHECKING:
    from harness.service.context import Call
    from harness.service.drafts import Draft, Part
    from harness.service.events import Record
    from harness.service.records import Run


def open_feed(call: Call, run: Run) -> Feed:
    """Start a feed for this client, with all that happens in the run from now on."""
    run.feed = Feed(call.world.clock, partial(_show, call, run), partial(_delta, call, run))
    return run.feed


def response(call: Call, feed: Feed) -> Response:
    return Response(200, {"content-type": MEDIA_TYPE}, call.world.faults.stream_body(feed))


def _show(call: Call, run: Run, record: Record, what: str) -> tuple[str, Part]:
    """The name of an event and its object, for what happened to a record."""
    if isinstance(record, Thread):
        return "thread.created", threads.wire(call, record, read_back=True)
    if isinstance(record, Message):
        return f"thread.message.{what}", messages.wire(call, record, shape="thread.message in events")
    if isinstance(record, Step):
        # the event comes before the run ends, so `expires_at` is still set
        return f"thread.run.step.{what}", steps.wire(call, record, run, run.include)
    shown = runs.wire(call, record)
    if "tool_resources" in shown:
        shown["tool_resources"] = {"code_interpreter": {"file_ids": []}}
    if what == "incomplete" and not call.world.shapes.since(INCOMPLETE_EVENT):
        what = "completed"
    return f"thread.run.{what}", shown


def _delta(call: Call, run: Run, draft: Draft, entries: list[Part]) -> tuple[str, Part]:
    """The name of an event and its object, for a piece of a message or of tool calls."""
    record = draft.record
    if isinstance(record, Message):
        name = "thread.message.delta"
        delta: Part = {"content": messages.quoted(entries)}
    else:
        calls = [{"index": entry["index"], **steps.tool_call(call, entry, run, run.include)} for entry in entries]
        name = "thread.run.step.delta"
        delta = {"step_details": {"type": "tool_calls", "tool_calls": calls}}
    return name, {"id": record.id, "object": name, "delta": delta}
