"""What the control API keeps for a world: its snapshots, and the version of its state for the inspector."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from harness.fake import FakeAssistants
    from harness.service.context import World

MAX_SNAPSHOTS = 100  # of a world, the newest

# Process-wide, so that a version is never reused, not even by a world that replaces another one.
_versions = count(1)


@dataclass
class ControlState:
    """
    Attributes:
        snapshots: by their ids, oldest first.
        snapshots_taken: how many there have been, dropped ones included.
        writes: how many control requests may have changed the world.
        fingerprint: what identified the state at the last call of `version_of`.
        version: the number of that state.
    """

    snapshots: dict[str, World] = field(default_factory=dict)
    snapshots_taken: int = 0
    writes: int = 0
    fingerprint: tuple[float, ...] = ()
    version: int = 0

    def add_snapshot(self, snapshot: World) -> str:
        """Keep a snapshot and return its id; the oldest is dropped when there are too many."""
        self.snapshots_taken += 1
        self.snapshots[str(self.snapshots_taken)] = snapshot
        if len(self.snapshots) > MAX_SNAPSHOTS:
            del self.snapshots[next(iter(self.snapshots))]
        return str(self.snapshots_taken)

    def version_of(self, fake: FakeAssistants) -> int:
        """The version of a fake's state: another number whenever something has happened since the last call."""
        moments = sum(len(run.timeline) for run in fake.runs)
        fingerprint = (len(fake.requests), len(fake.failures), fake.clock.now, moments, self.writes)
        if fingerprint != self.fingerprint:
            self.fingerprint, self.version = fingerprint, next(_versions)
        return self.version


_states: WeakKeyDictionary[FakeAssistants, ControlState] = WeakKeyDictionary()


def state_of(fake: FakeAssistants) -> ControlState:
    """The state kept for a fake, as long as that exists; call it only while the fake's lock is held."""
    return _states.setdefault(fake, ControlState())
