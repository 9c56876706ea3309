"""What a look at a run does: it may move the clock, and it may show that the client is stuck."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.service import explain
from harness.service.records import Looks

if TYPE_CHECKING:
    from collections.abc import Hashable

    from harness.service.clock import Clock
    from harness.service.engine import Engine
    from harness.service.records import Run


class Watch:
    """Follows what each client has seen of each run.

    Args:
        stuck_after: looks at a run that did not move, before the client counts as stuck. They need not follow
            each other: a loop that also lists messages is a loop. While a run can still move by itself, only
            looks at the same moment count.
    """

    def __init__(self, clock: Clock, engine: Engine, *, stuck_after: int) -> None:
        self._clock = clock
        self._engine = engine
        self._stuck_after = stuck_after

    def told(self, run: Run, client: Hashable) -> None:
        """An answer to something else, such as the creation of the run, showed it to the client."""
        run.looks[client] = Looks(moments=len(run.timeline))

    def look(self, run: Run, client: Hashable) -> None:
        """The client retrieves the run. Under `on_poll` an unchanged run moves on before it is shown.

        Raises:
            HarnessFailure: the client has looked too often at a run that it cannot see moving.
        """
        seen = run.looks.setdefault(client, Looks())
        if seen.moments == len(run.timeline) and self._clock.policy == "on_poll":
            self._engine.let_move(run)
        if seen.moments != len(run.timeline):
            run.looks[client] = Looks(moments=len(run.timeline))
            return
        waits_for_time = run.active and run.status != "requires_action"
        if waits_for_time and seen.at != self._clock.now:
            seen.since_it_moved = 0
        seen.at = self._clock.now
        seen.since_it_moved += 1
        if seen.since_it_moved >= self._stuck_after:
            raise explain.stuck(run, seen.since_it_moved, self._clock.policy)
