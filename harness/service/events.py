"""Server-sent events: how a run is told to the client that streams it (CONTRACT §5).

A `Feed` is filled by the engine as things happen and emptied by the client as it reads. Reading is one more way
to drive the clock: a client that waits for the next event lets the time pass until there is one.
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
    """A line that clients skip."""

    text: str

    def encode(self, line_end: bytes = b"\n") -> bytes:
        return b": " + self.text.encode() + line_end * 2


DONE = Frame("done", b"[DONE]")


class Feed:
    """The events of one run for one client, from the request that asked for them until the run rests.

    Args:
        clock: what reading moves.
        show: the name and the object for a record of which something is told.
        delta: the name and the object for one piece of a draft; its entries are given.
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
        self._left = False

    def __deepcopy__(self, memo: dict[int, Any]) -> None:
        """A snapshot holds no connections: in a copy of the world nobody reads this stream."""
        return

    # --- the engine's side --------------------------------------------------------------------------------

    def tell(self, record: Record, what: str) -> None:
        """Something happened to a record; it is written down as it looks now, whenever it is read."""
        if not self._left:
            name, shown = self._show(record, what)
            self._queue.append(Frame(name, to_json(shown)))

    def write(self, draft: Draft) -> None:
        """The model begins to write; its pieces are read as they fall due."""
        if not self._left:
            self._queue.append(draft)

    def end(self) -> None:
        """The run has ended or waits for a client, and so has the stream (CONTRACT §5)."""
        self._queue.append(DONE)
        self._ended = True

    # --- the client's side --------------------------------------------------------------------------------

    def leave(self) -> None:
        """The client reads no more: nothing is kept for it any longer."""
        self._left = True
        self._queue.clear()

    @property
    def now(self) -> float:
        return self._clock.now

    def wait(self) -> float:
        """Virtual seconds until there is something to read; 0 if there is already, or never will be."""
        head = self._head()
        if self._ended or isinstance(head, Frame):
            return 0.0
        dues = (self._clock.next_due(), None if self._piece is None else self._piece[0])
        return max(0.0, min(due for due in dues if due is not None) - self._clock.now)

    def next(self, patience: float | None = None) -> Frame | None:
        """The next event, for which virtual time passes if need be; None at the end.

        Raises:
            ReadTimeout: it is further away than the client is patient; so much time has passed then.
            HarnessFailure: nothing moves the time, because the clock is `manual`.
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
        """The client waits in vain, as long as it is willing to."""
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
        self._turn_page()
        name, shown = self._delta(head, piece.entries())
        return Frame(name, to_json(shown))

    def _head(self) -> Frame | Draft | None:
        """What comes next; a draft that has been read as far as it was written is behind us."""
        while self._queue:
            head = self._queue[0]
            if isinstance(head, Frame):
                return head
            if self._pieces is None:
                self._pieces = head.pieces()
                self._turn_page()
            if head.stopped is None or (self._piece is not None and self._piece[0] <= head.stopped):
                return head
            self._queue.popleft()
            self._pieces = self._piece = None
        return None

    def _turn_page(self) -> None:
        self._piece = None if self._pieces is None else next(self._pieces, None)
