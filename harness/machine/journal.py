"""A journal of everything that happens to a fake, in order, from which a script can reproduce it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from harness.fake import FakeAssistants
from harness.machine.script import act_calls
from harness.source.values import Call, Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.options import Options
    from harness.service.exchange import Exchange
    from harness.service.http import Body, Request, Response


@dataclass(frozen=True)
class StreamRead:
    """A client read so many events of a stream, one after the other."""

    exchange: Exchange
    events: int = 1


@dataclass(frozen=True)
class StreamClosed:
    """A client read a stream to its end, or closed it; `text` is what it had read."""

    exchange: Exchange
    text: bytes
    complete: bool


Entry: TypeAlias = "Exchange | Call | Code | StreamRead | StreamClosed"


class JournalingFake(FakeAssistants):
    """A fake that keeps a journal of requests, scripts, sleep, and reads of streams."""

    def __init__(self, options: Options, on_entry: Callable[[Entry], None]) -> None:
        super().__init__(options)
        self.journal: list[Entry] = []
        self._on_entry = on_entry
        self._faults = 0

    def answer(self, request: Request) -> Response:
        known = len(self.requests)
        try:
            response = super().answer(request)
        finally:
            self._note_faults()
            for exchange in self.requests[known:]:
                self.note(exchange)
        exchange = self.requests[-1]
        if isinstance(response.body, bytes):
            return response
        return replace(response, body=JournaledStream(response.body, exchange, self.note))

    def slept(self, seconds: float) -> None:
        super().slept(seconds)
        self.note(Call("assistants.slept", (seconds,)))

    def advance(self, seconds: float) -> None:
        """Let virtual time pass, whatever the policy of the clock."""
        self.clock.advance(seconds)
        self.note(Call("assistants.clock.advance", (seconds,)))

    def next_run(self, *acts: object) -> None:
        super().next_run(*acts)
        self.note(Call("assistants.next_run", act_calls(acts)))

    def every_run(self, *acts: object) -> None:
        super().every_run(*acts)
        self.note(Call("assistants.every_run", act_calls(acts)))

    def _note_faults(self) -> None:
        """Journal the faults that were planned since the last request."""
        planned = self.faults.planned
        self.journal += [Code(f"assistants.faults.{plan.call}") for plan in planned[self._faults :]]
        self._faults = len(planned)

    def note(self, entry: Entry) -> None:
        """Add an entry to the journal; consecutive reads of a stream are one."""
        last = self.journal[-1] if self.journal else None
        if isinstance(entry, StreamRead) and isinstance(last, StreamRead) and last.exchange is entry.exchange:
            self.journal[-1] = replace(last, events=last.events + 1)
        else:
            self.journal.append(entry)
        self._on_entry(entry)


class JournaledStream:
    """A streamed body whose reads are noted in the journal."""

    def __init__(self, body: Body, exchange: Exchange, note: Callable[[Entry], None]) -> None:
        self._body = body
        self._exchange = exchange
        self._note = note
        self._chunks: list[bytes] = []
        self._closed = False

    @property
    def now(self) -> float:
        return self._body.now

    def wait(self) -> float:
        return self._body.wait()

    def read(self, patience: float | None = None) -> bytes | None:
        chunk = self._body.read(patience)
        if chunk is None:
            self._note_closed(complete=True)
        else:
            self._chunks.append(chunk)
            self._note(StreamRead(self._exchange))
        return chunk

    def close(self) -> None:
        self._body.close()
        self._note_closed(complete=False)

    def _note_closed(self, *, complete: bool) -> None:
        if not self._closed:
            self._closed = True
            self._note(StreamClosed(self._exchange, b"".join(self._chunks), complete))
