"""Real time for a served fake: its virtual clock advances with the real one."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.fake import FakeAssistants
    from harness.service.http import Body, Response

# Clocks advance in multiples of this, which floats add exactly: the sum does not depend on the number of steps.
TICK = 2.0**-10


class RealTime:
    """Advances the virtual clocks of fakes with real time.

    Args:
        now: gives the real time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._caught_up: WeakKeyDictionary[FakeAssistants, float] = WeakKeyDictionary()

    def catch_up(self, fake: FakeAssistants) -> float:
        """Advance a fake's clock by the real time since the last call, if there was one; returns the seconds."""
        with fake.turns:
            now = self._now()
            last = self._caught_up.setdefault(fake, now)
            passed = (now - last) // TICK * TICK
            self._caught_up[fake] = last + passed
            if passed > 0:
                fake.slept(passed)
        return passed

    def streamed(self, fake: FakeAssistants, response: Response) -> Response:
        """The response, with its body in real time if it is a stream."""
        if isinstance(response.body, bytes):
            return response
        return replace(response, body=RealTimeBody(response.body, fake, self))


@dataclass(frozen=True)
class RealTimeBody:
    """A stream whose next chunk is due in as many real seconds as `wait()` returns."""

    body: Body
    fake: FakeAssistants
    real_time: RealTime

    @property
    def now(self) -> float:
        return self.body.now

    def wait(self) -> float:
        self.real_time.catch_up(self.fake)
        return self.body.wait()

    def read(self, patience: float | None = None) -> bytes | None:
        self.real_time.catch_up(self.fake)
        return self.body.read(patience)

    def close(self) -> None:
        self.body.close()
