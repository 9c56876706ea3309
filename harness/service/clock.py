"""Virtual time: a number that changes only when it is moved, and timers that fire in time order."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from math import isinf
from typing import TYPE_CHECKING, get_args

from harness.failures import HarnessFailure
from harness.service.settings import ClockPolicy

if TYPE_CHECKING:
    from collections.abc import Callable

POLICIES: tuple[str, ...] = get_args(ClockPolicy)

# Monday 3 November 2025, 12:00 UTC. A fixed start makes timestamps the same on every machine; the newest shapes of
# objects were recorded in that autumn.
EPOCH = 1_762_171_200.0


@dataclass(slots=True)
class Timer:
    """A call that is due at a point in time."""

    due: float
    action: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


class Clock:
    """The time of one fake.

    `policy` says what moves it besides `advance`: `on_poll`, retrieving an unchanged run, and sleeping; `timed`,
    sleeping; `manual`, nothing.

    >>> clock = Clock()
    >>> timer = clock.call_at(clock.now + 5, lambda: print("due"))
    >>> clock.advance(4)
    >>> clock.advance(1)
    due
    >>> clock.now - EPOCH
    5.0
    """

    def __init__(self, start: float = EPOCH, policy: ClockPolicy = "on_poll") -> None:
        if policy not in POLICIES:
            raise ValueError(f"unknown clock policy {policy!r}: choose one of {', '.join(POLICIES)}")
        self.now = float(start)
        self.policy: ClockPolicy = policy
        # a heap; timers that are due at the same time fire in the order in which they were set
        self._timers: list[tuple[float, int, Timer]] = []
        self._set = 0

    def call_at(self, due: float, action: Callable[[], None]) -> Timer:
        """Call `action` when the clock reaches `due`."""
        self._set += 1
        timer = Timer(max(due, self.now), action)
        heapq.heappush(self._timers, (timer.due, self._set, timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let virtual time pass; timers that fall due meanwhile fire at their own time.

        Raises:
            ValueError: `seconds` is negative; time does not run backwards.
            HarnessFailure: `seconds` is infinite.
        """
        if not seconds >= 0:
            raise ValueError(f"cannot advance the clock by {seconds!r} seconds: time only moves forward")
        if isinf(seconds):  # timestamps are integers, which have no infinity
            raise HarnessFailure("The clock cannot advance by infinite time.", do="assistants.clock.advance(600)")
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            self.fire_next(until=end)
        self.now = max(self.now, end)  # a timer whose action slept may have moved it further

    def next_due(self) -> float | None:
        """When the next timer fires, if there is one."""
        while self._timers and self._timers[0][2].cancelled:
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def slept(self, seconds: float) -> None:
        """Move the clock because the code under test slept, unless the policy is `manual`."""
        if self.policy != "manual":
            self.advance(seconds)

    def fire_next(self, until: float = float("inf")) -> bool:
        """Move to the next timer that is due by `until` and fire it; False when there is none."""
        while self._timers and self._timers[0][0] <= until:
            due, _, timer = heapq.heappop(self._timers)
            if not timer.cancelled:
                self.now = max(self.now, due)
                timer.action()
                return True
        return False
