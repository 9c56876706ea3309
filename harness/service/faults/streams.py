"""Faults of streams, each at an event: `assistants.faults.cut(…)` and the like."""

from __future__ import annotations

import difflib
from collections import Counter, deque
from dataclasses import dataclass
from enum import Enum
from math import inf
from typing import TYPE_CHECKING, TypeAlias

from pydantic_core import to_json

from harness.failures import HarnessFailure
from harness.service.events import EVENTS, Comment, Frame
from harness.service.faults.planning import Plan, planning
from harness.service.http import INCOMPLETE, ConnectionLost

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.events import Feed


class End(Enum):
    """How a stream can end without its last event."""

    LOST = "the connection is lost"
    SILENT = "nothing comes until the client's read timeout"
    PLAIN = "the body ends"


Item: TypeAlias = "Frame | Comment | End"


@dataclass(eq=False, kw_only=True)
class StreamFault(Plan):
    """A fault of a stream; it happens once, in the first stream with such an event.

    Attributes:
        event: the name of the event at which it happens; `nth` counts the events of that name in a stream.
        change: makes what the client gets instead of that event.
    """

    event: str
    change: Callable[[Frame], list[Item]]

    def __post_init__(self) -> None:
        """Raises HarnessFailure if no stream has such an event."""
        if self.event not in EVENTS:
            [nearest] = difflib.get_close_matches(str(self.event), EVENTS, n=1, cutoff=0)
            raise HarnessFailure(
                f"faults: no event of a stream is called {self.event!r}.",
                there_was=f"The nearest: {nearest}",
                do=f'assistants.faults.cut(after="{nearest}")   # the same names are valid for event= and before=',
            )


class StreamFaults:
    """The faults that can be planned for streams. Each happens once, but `crlf` and `chunks` apply to all streams.

    Those that happen at an event raise `HarnessFailure` if the API has no such event.
    """

    planned: list[Plan]
    line_end: bytes
    chunk_size: int | None

    @property
    def stream_faults(self) -> list[StreamFault]:
        return [plan for plan in self.planned if isinstance(plan, StreamFault)]

    @planning
    def cut(self, *, after: str, nth: int = 1) -> Plan:
        """The connection is lost after the nth event of this name. The run goes on (CONTRACT §5.4, G).

        The client gets its library's error for an incomplete body (httpx: `RemoteProtocolError`).
        """
        return StreamFault(event=after, nth=nth, change=lambda frame: [frame, End.LOST])

    @planning
    def stall(self, *, after: str, nth: int = 1) -> Plan:
        """Nothing comes after the nth event of this name until the client's read timeout has passed, virtually.

        A client without a read timeout would wait for ever; it gets a timeout too.
        """
        return StreamFault(event=after, nth=nth, change=lambda frame: [frame, End.SILENT])

    @planning
    def malform(self, *, event: str, nth: int = 1) -> Plan:
        """The data of the nth event of this name is cut in half, so that it is no valid JSON."""
        return StreamFault(
            event=event, nth=nth, change=lambda frame: [frame._replace(data=frame.data[: len(frame.data) // 2])]
        )

    @planning
    def error(
        self,
        *,
        after: str,
        nth: int = 1,
        flat: bool = False,
        message: str = "The server had an error while processing your request. Sorry about that!",
        code: str | None = None,
    ) -> Plan:
        """After the nth event of this name comes an `error` event, and the stream ends without `done`.

        Args:
            flat: the data is the error itself, as in the specification; by default it is under the key `error`. Neither
                form was recorded (CONTRACT §5.4, G), and SDKs treat them differently.
            message, code: of the error.
        """
        data: dict[str, object] = {"message": message, "type": "server_error", "param": None, "code": code}
        frame = Frame("error", to_json(data if flat else {"error": data}))
        return StreamFault(event=after, nth=nth, change=lambda before: [before, frame, End.PLAIN])

    @planning
    def event(self, name: str, data: object, *, after: str, nth: int = 1) -> Plan:
        """After the nth event of this name comes one with a new name, which clients must ignore (CONTRACT §5.1)."""
        frame = Frame(name, to_json(data))
        return StreamFault(event=after, nth=nth, change=lambda before: [before, frame])

    @planning
    def comment(self, text: str = "ping", *, before: str, nth: int = 1) -> Plan:
        """A comment comes before the nth event of this name, such as proxies send to keep a connection alive."""
        return StreamFault(event=before, nth=nth, change=lambda frame: [Comment(text), frame])

    @planning
    def crlf(self) -> Plan:
        """All streams end their lines with CRLF, which server-sent events allow."""
        self.line_end = b"\r\n"
        return Plan(always=True)

    @planning
    def chunks(self, size: int) -> Plan:
        """All streams come in chunks of `size` bytes, which may cut through events and characters.

        Raises:
            HarnessFailure: the size is not positive.
        """
        if size < 1:
            raise HarnessFailure(f"faults.chunks({size!r}): a chunk has at least one byte.", do="faults.chunks(1)")
        self.chunk_size = size
        return Plan(always=True)

    def stream_body(self, feed: Feed) -> EventBody:
        """The body of a stream, with the planned faults."""
        return EventBody(feed, self)


class EventBody:
    """The events of a feed as bytes, with the planned faults: one event a chunk, unless `chunks` was planned."""

    def __init__(self, feed: Feed, faults: StreamFaults) -> None:
        self._feed = feed
        self._faults = faults
        self._counts: Counter[str] = Counter()
        self._pending: deque[Item] = deque()
        self._buffer = b""  # of a chunk that is not full yet
        self._ended = False

    @property
    def now(self) -> float:
        return self._feed.now

    def wait(self) -> float:
        return 0.0 if self._buffer else self._wait_for_more()

    def read(self, patience: float | None = None) -> bytes | None:
        """The next chunk; None at the end.

        Raises:
            ConnectionLost: planned.
            ReadTimeout: planned, or the next event comes later than the client's read timeout.
        """
        size = self._faults.chunk_size
        if size is None:
            return self._next(patience)
        while len(self._buffer) < size and not (self._buffer and self._must_wait()):
            more = self._next(patience)
            if more is None:
                break
            self._buffer += more
        chunk, self._buffer = self._buffer[:size], self._buffer[size:]
        return chunk or None

    def close(self) -> None:
        """The client stops reading; the run goes on (CONTRACT §4)."""
        self._ended = True
        self._pending.clear()
        self._feed.detach()

    def _must_wait(self) -> bool:
        """Whether the next bytes are not there yet, or the stream ends in front of them."""
        return self._wait_for_more() > 0 or (bool(self._pending) and isinstance(self._pending[0], End))

    def _wait_for_more(self) -> float:
        if self._pending:
            return inf if self._pending[0] is End.SILENT else 0.0
        return 0.0 if self._ended else self._feed.wait()

    def _next(self, patience: float | None) -> bytes | None:
        while not self._pending:
            if self._ended:
                return None
            frame = self._feed.next(patience)
            if frame is None:
                return None
            self._pending.extend(self._apply_faults(frame))
        item = self._pending.popleft()
        if not isinstance(item, End):
            return item.encode(self._faults.line_end)
        self.close()
        if item is End.LOST:
            raise ConnectionLost(INCOMPLETE)
        if item is End.SILENT:
            raise self._feed.stall(patience)
        return None

    def _apply_faults(self, frame: Frame) -> list[Item]:
        """What the client gets for an event: the event itself, unless a fault is planned for it."""
        if not self._faults.planned:
            return [frame]
        self._counts[frame.event] += 1
        for fault in self._faults.stream_faults:
            if not fault.occurrences and (fault.event, fault.nth) == (frame.event, self._counts[frame.event]):
                fault.occurrences += 1
                return fault.change(frame)
        return [frame]
