"""Server-sent events: the stream of a run (CONTRACT §5).

A `Feed` is filled by the engine as things happen, and emptied by the client as it reads. Reading also drives the
clock: when a client waits for the next event, virtual time passes until there is one.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic_core import to_json

from harness.service import explain
from harness.service.http import SILENT, ReadTimeout
from harness.service.lifecycle import MESSAGE, RUN, STEP

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.service.clock import Clock
    from harness.service.drafts import Draft, Part, Piece
    from harness.service.records import Message, Run, Step, Thread

    Record = Thread | Run | Step | Message

MEDIA_TYPE = "text/event-stream; charset=utf-8"
EVENTS = (
    *("thread.created", "thread.message.delta", "thread.run.step.delta", "done"),
    *(f"thread.run.{what}" for what in dict.fromkeys(("created", *(row.to for row in RUN)))),
    *(f"thread.run.step.{what}" for what in dict.fromkeys(("created", *(row.to for row in STEP)))),
    *(f"thread.message.{what}" for what in dict.fromkeys(("created", *(row.to for row in MESSAGE)))),
)


class Frame(NamedTuple):
    """One event: its name, and its data as compact JSON in one line."""

    event: str
    data: bytes

    def encode(self, line_end: bytes = b"\n") -> bytes:
        return b"event: " + self.event.encode() + line_end + b"data: " + self.data + line_end + line_end


class Comment(NamedTuple):
    """A comment line, which clients skip."""

    text: str

    def encode(self, line_end: bytes = b"\n") -> bytes:
        return b": " + self.text.encode() + line_end * 2


DONE = Frame("done", b"[DONE]")


class Feed:
    """The events of one run for one client, from the request for the stream until the run ends or requires action.

    Args:
        clock: moved by reading.
        show: makes the event's name and object for a record and what happened to it.
        delta: makes the event's name and object for one piece of a draft, from its entries.
    """

    def __init__(
        self,
        clock: Clock,
        show: Callable[[Record, str], tuple[str, Part]],
        delta: Callable[[Draft, list[Part]], tuple[str, Part]],
    ) -> None:
        self._clock = clock
        self._show = show
        self._delta = delta
        self._queue: deque[Frame | Draft] = deque()
        self._pieces: Iterator[tuple[float, Piece]] | None = None  # of the draft at the head of the queue
        self._piece: tuple[float, Piece] | None = None  # the next of them
        self._ended = False
        self._detached = False

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """None: a copy of the world has no connections, so nobody reads the stream there."""
        return

    # --- the engine's side --------------------------------------------------------------------------------

    def emit(self, record: Record, what: str) -> None:
        """Add an event for a record, which shows it as it is now, whenever the event is read."""
        if not self._detached:
            name, shown = self._show(record, what)
            self._queue.append(Frame(name, to_json(shown)))

    def write(self, draft: Draft) -> None:
        """Add a draft that the model begins to write; its pieces become events as they fall due."""
        if not self._detached:
            self._queue.append(draft)

    def end(self) -> None:
        """End the stream, because the run has ended or waits for a client (CONTRACT §5)."""
        self._queue.append(DONE)
        self._ended = True

    # --- the client's side --------------------------------------------------------------------------------

    def detach(self) -> None:
        """The client stops reading: further events are dropped."""
        self._detached = True
        self._queue.clear()

    @property
    def now(self) -> float:
        return self._clock.now

    def wait(self) -> float:
        """Virtual seconds until the next event; 0 if there is one already, or none will come."""
        head = self._head()
        if self._ended or isinstance(head, Frame):
            return 0.0
        dues = (self._clock.next_due(), None if self._piece is None else self._piece[0])
        return max(0.0, min(due for due in dues if due is not None) - self._clock.now)

    def next(self, patience: float | None = None) -> Frame | None:
        """The next event, after the virtual time until it is due; None at the end.

        Raises:
            ReadTimeout: it is not due within `patience` seconds, which have passed then.
            HarnessFailure: it is not due yet, and the clock is `manual`.
        """
        left = float("inf") if patience is None else patience
        while (frame := self._ready()) is None and not self._ended:
            if self._clock.policy == "manual":
                raise explain.stream_waits()
            seconds = min(self.wait(), left)
            self._clock.advance(seconds)
            left -= seconds
            if left <= 0 and self.wait() > 0:
                raise ReadTimeout(SILENT)
        return frame

    def stall(self, patience: float | None) -> ReadTimeout:
        """The read timeout of a client for which no more events come; its time passes."""
        self._clock.slept(patience or 0)
        return ReadTimeout(SILENT)

    def _ready(self) -> Frame | None:
        head = self._head()
        if isinstance(head, Frame):
            self._queue.popleft()
            return head
        if head is None or self._piece is None or self._piece[0] > self._clock.now:
            return None
        _, piece = self._piece
        self._next_piece()
        name, shown = self._delta(head, piece.entries())
        return Frame(name, to_json(shown))

    def _head(self) -> Frame | Draft | None:
        """The next frame or unfinished draft; drafts that were read as far as they were written are removed."""
        while self._queue:
            head = self._queue[0]
            if isinstance(head, Frame):
                return head
            if self._pieces is None:
                self._pieces = head.pieces()
                self._next_piece()
            if head.stopped is None or (self._piece is not None and self._piece[0] <= head.stopped):
                return head
            self._queue.popleft()
            self._pieces = self._piece = None
        return None

    def _next_piece(self) -> None:
        self._piece = None if self._pieces is None else next(self._pieces, None)
