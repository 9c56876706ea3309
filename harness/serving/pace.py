"""Real time for a served fake: as many virtual seconds pass as real ones do."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.fake import FakeAssistants
    from harness.service.http import Body, Response

# Time passes in units that a float adds exactly, so it is all the same in how many steps.
TICK = 2.0**-10


class Pace:
    """What couples clocks to real time.

    Args:
        now: the real time in seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: WeakKeyDictionary[FakeAssistants, float] = WeakKeyDictionary()

    def keep(self, fake: FakeAssistants) -> float:
        """Let pass on a fake's clock what has passed since the last time; the first time, that is nothing.

        Gives the seconds.
        """
        with fake.turns:
            now = self._now()
            kept = self._kept.setdefault(fake, now)
            passed = (now - kept) // TICK * TICK
            self._kept[fake] = kept + passed
            if passed > 0:
                fake.slept(passed)
        return passed

    def paced(self, fake: FakeAssistants, response: Response) -> Response:
        """The answer whose stream comes in real time."""
        if isinstance(response.body, bytes):
            return response
        return replace(response, body=Paced(response.body, fake, self))


@dataclass(frozen=True)
class Paced:
    """A stream that has its next chunk only when the time for it has come: `wait()` says in how many real seconds."""

    body: Body
    fake: FakeAssistants
    pace: Pace

    @property
    def now(self) -> float:
        return self.body.now

    def wait(self) -> float:
        self.pace.keep(self.fake)
        return self.body.wait()

    def read(self, patience: float | None = None) -> bytes | None:
        self.pace.keep(self.fake)
        return self.body.read(patience)

    def close(self) -> None:
        self.body.close()
