"""What the control API remembers of a world: its snapshots, and how much of it the inspector has seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from harness.fake import FakeAssistants
    from harness.service.context import World

MOST_SNAPSHOTS = 100  # of a world, the newest

# Process-wide, so that no two states of any world have the same number, whatever was reset in between.
_numbers = count(1)


@dataclass
class Memory:
    """
    Attributes:
        written: how often the control API may have changed the world.
        seen: the number of the state that was looked at last, and what that state was.
    """

    snapshots: dict[str, World] = field(default_factory=dict)
    taken: int = 0
    written: int = 0
    state: tuple[float, ...] = ()
    seen: int = 0

    def keep(self, snapshot: World) -> str:
        """The id under which it can be had again; the oldest goes when there are too many."""
        self.taken += 1
        self.snapshots[str(self.taken)] = snapshot
        if len(self.snapshots) > MOST_SNAPSHOTS:
            del self.snapshots[next(iter(self.snapshots))]
        return str(self.taken)

    def look(self, fake: FakeAssistants) -> int:
        """A number for the world as it is now: another one whenever something has happened since the last look."""
        moments = sum(len(run.timeline) for run in fake.runs)
        state = (len(fake.requests), len(fake.failures), fake.clock.now, moments, self.written)
        if state != self.state:
            self.state, self.seen = state, next(_numbers)
        return self.seen


_memories: WeakKeyDictionary[FakeAssistants, Memory] = WeakKeyDictionary()


def memory_of(fake: FakeAssistants) -> Memory:
    """It lasts as long as the fake does, so a reset ends it; who asks for it has the fake to itself."""
    return _memories.setdefault(fake, Memory())
