"""What happened to a fake, in its order, and the script that makes it happen again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

from harness.fake import FakeAssistants
from harness.machine.telling import acts_told
from harness.source.values import Call, Code

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.options import Options
    from harness.service.exchange import Exchange
    from harness.service.http import Body, Request, Response


@dataclass(frozen=True)
class Read:
    """A client read so many events of a stream, one after the other."""

    exchange: Exchange
    events: int = 1


@dataclass(frozen=True)
class Left:
    """A client has read a stream to its end or closed it; `text` is what it had read, `whole` whether it is all."""

    exchange: Exchange
    text: bytes
    whole: bool


Entry: TypeAlias = "Exchange | Call | Code | Read | Left"


class JournalingFake(FakeAssistants):
    """A fake that writes down what happens to it: requests, scripts, sleeping, and what is read of streams."""

    def __init__(self, options: Options, seen: Callable[[Entry], None]) -> None:
        super().__init__(options)
        self.journal: list[Entry] = []
        self._seen = seen
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
        return replace(response, body=Overheard(response.body, exchange, self.note))

    def slept(self, seconds: float) -> None:
        super().slept(seconds)
        self.note(Call("assistants.slept", (seconds,)))

    def advance(self, seconds: float) -> None:
        """Let virtual time pass, whatever the policy of the clock."""
        self.clock.advance(seconds)
        self.note(Call("assistants.clock.advance", (seconds,)))

    def next_run(self, *acts: object) -> None:
        super().next_run(*acts)
        self.note(Call("assistants.next_run", acts_told(acts)))

    def every_run(self, *acts: object) -> None:
        super().every_run(*acts)
        self.note(Call("assistants.every_run", acts_told(acts)))

    def _note_faults(self) -> None:
        """Faults that were planned since the last request."""
        planned = self.faults.planned
        self.journal += [Code(f"assistants.faults.{plan.call}") for plan in planned[self._faults :]]
        self._faults = len(planned)

    def note(self, entry: Entry) -> None:
        last = self.journal[-1] if self.journal else None
        if isinstance(entry, Read) and isinstance(last, Read) and last.exchange is entry.exchange:
            self.journal[-1] = replace(last, events=last.events + 1)
        else:
            self.journal.append(entry)
        self._seen(entry)


class Overheard:
    """A stream while a client reads it, told to somebody else too."""

    def __init__(self, body: Body, exchange: Exchange, note: Callable[[Entry], None]) -> None:
        self._body = body
        self._exchange = exchange
        self._note = note
        self._come: list[bytes] = []
        self._left = False

    @property
    def now(self) -> float:
        return self._body.now

    def wait(self) -> float:
        return self._body.wait()

    def read(self, patience: float | None = None) -> bytes | None:
        chunk = self._body.read(patience)
        if chunk is None:
            self._leave(whole=True)
        else:
            self._come.append(chunk)
            self._note(Read(self._exchange))
        return chunk

    def close(self) -> None:
        self._body.close()
        self._leave(whole=False)

    def _leave(self, *, whole: bool) -> None:
        if not self._left:
            self._left = True
            self._note(Left(self._exchange, b"".join(self._come), whole))
