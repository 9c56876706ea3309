"""Planned misbehaviour of streams: what goes wrong, at which event."""

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

    LOST = "the connection breaks off"
    SILENT = "nothing comes any more"
    PLAIN = "the body ends"


Item: TypeAlias = "Frame | Comment | End"


@dataclass(eq=False, kw_only=True)
class StreamFault(Plan):
    """One thing that goes wrong once, in the first stream that gets so far.

    Attributes:
        event: the event it happens at, and `nth`, at which one of that name in a stream.
        change: what the client gets in place of that event.
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
                do=f'assistants.faults.cut(after="{nearest}")   # and likewise behind event= and before=',
            )


class StreamFaults:
    """What can be planned for streams. Each plan happens once; the last two methods are for all streams.

    Those that happen at an event raise `HarnessFailure` if the API has no such event.
    """

    planned: list[Plan]
    line_end: bytes
    chunk_size: int | None

    @property
    def of_streams(self) -> list[StreamFault]:
        return [plan for plan in self.planned if isinstance(plan, StreamFault)]

    @planning
    def cut(self, *, after: str, nth: int = 1) -> Plan:
        """The connection breaks off behind the nth event of this name. The run goes on (CONTRACT §5.4, G).

        The client gets its library's error for a body that is not complete (httpx: `RemoteProtocolError`).
        """
        return StreamFault(event=after, nth=nth, change=lambda frame: [frame, End.LOST])

    @planning
    def stall(self, *, after: str, nth: int = 1) -> Plan:
        """Nothing comes behind the nth event of this name until the client's read timeout has passed, virtually.

        A client without a timeout would wait for ever; it gets the timeout too.
        """
        return StreamFault(event=after, nth=nth, change=lambda frame: [frame, End.SILENT])

    @planning
    def malform(self, *, event: str, nth: int = 1) -> Plan:
        """The data of the nth event of this name is cut in half: no JSON any more."""
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
        """Behind the nth event of this name comes an `error` event, and the stream ends without `done`.

        Args:
            flat: the data is the error itself, as the specification has it; by default it lies under `error`. The
                wire was never recorded (CONTRACT §5.4, G), and SDKs treat the two differently.
            message, code: what the error says.
        """
        data: dict[str, object] = {"message": message, "type": "server_error", "param": None, "code": code}
        frame = Frame("error", to_json(data if flat else {"error": data}))
        return StreamFault(event=after, nth=nth, change=lambda before: [before, frame, End.PLAIN])

    @planning
    def event(self, name: str, data: object, *, after: str, nth: int = 1) -> Plan:
        """Behind the nth event of this name comes one that no client can know; all must bear that (CONTRACT §5.1)."""
        frame = Frame(name, to_json(data))
        return StreamFault(event=after, nth=nth, change=lambda before: [before, frame])

    @planning
    def comment(self, text: str = "ping", *, before: str, nth: int = 1) -> Plan:
        """A comment line stands in front of the nth event of this name, as proxies send them to keep alive."""
        return StreamFault(event=before, nth=nth, change=lambda frame: [Comment(text), frame])

    @planning
    def crlf(self) -> Plan:
        """All streams end their lines with carriage return and line feed, which server-sent events allow."""
        self.line_end = b"\r\n"
        return Plan(always=True)

    @planning
    def chunks(self, size: int) -> Plan:
        """All streams come in chunks of so many bytes, wherever that cuts events and characters.

        Raises:
            HarnessFailure: the size is not positive.
        """
        if size < 1:
            raise HarnessFailure(f"faults.chunks({size!r}): a chunk has at least one byte.", do="faults.chunks(1)")
        self.chunk_size = size
        return Plan(always=True)

    def bend(self, feed: Feed) -> EventBody:
        """The body of a stream, with what was planned for it."""
        return EventBody(feed, self)


class EventBody:
    """The events of a feed as bytes, with what goes wrong on their way: one event a chunk, unless told otherwise."""

    def __init__(self, feed: Feed, faults: StreamFaults) -> None:
        self._feed = feed
        self._faults = faults
        self._seen: Counter[str] = Counter()
        self._coming: deque[Item] = deque()
        self._rest = b""  # of a chunk that is not full yet
        self._over = False

    @property
    def now(self) -> float:
        return self._feed.now

    def wait(self) -> float:
        return 0.0 if self._rest else self._wait_for_more()

    def read(self, patience: float | None = None) -> bytes | None:
        """The next chunk; None at the end.

        Raises:
            ConnectionLost: planned.
            ReadTimeout: planned, or the next event is further away than the client is patient.
        """
        size = self._faults.chunk_size
        if size is None:
            return self._next(patience)
        while len(self._rest) < size and not (self._rest and self._pauses()):
            more = self._next(patience)
            if more is None:
                break
            self._rest += more
        chunk, self._rest = self._rest[:size], self._rest[size:]
        return chunk or None

    def close(self) -> None:
        """The client leaves; the run goes on (CONTRACT §4)."""
        self._over = True
        self._coming.clear()
        self._feed.leave()

    def _pauses(self) -> bool:
        """Whether what comes next is not there yet, or is no more bytes."""
        return self._wait_for_more() > 0 or (bool(self._coming) and isinstance(self._coming[0], End))

    def _wait_for_more(self) -> float:
        if self._coming:
            return inf if self._coming[0] is End.SILENT else 0.0
        return 0.0 if self._over else self._feed.wait()

    def _next(self, patience: float | None) -> bytes | None:
        while not self._coming:
            if self._over:
                return None
            frame = self._feed.next(patience)
            if frame is None:
                return None
            self._coming.extend(self._changed(frame))
        item = self._coming.popleft()
        if not isinstance(item, End):
            return item.encode(self._faults.line_end)
        self.close()
        if item is End.LOST:
            raise ConnectionLost(INCOMPLETE)
        if item is End.SILENT:
            raise self._feed.stall(patience)
        return None

    def _changed(self, frame: Frame) -> list[Item]:
        """What the client gets for an event: mostly the event."""
        if not self._faults.planned:
            return [frame]
        self._seen[frame.event] += 1
        for fault in self._faults.of_streams:
            if not fault.struck and (fault.event, fault.nth) == (frame.event, self._seen[frame.event]):
                fault.struck += 1
                return fault.change(frame)
        return [frame]
