"""Deadlines of a client that virtual sleep brings no nearer, and the line that lets the client reach each of them."""

from __future__ import annotations

from dataclasses import dataclass

NOW = "lambda: assistants.clock.now"
VIRTUAL = {
    "time.time": NOW,
    "time.monotonic": NOW,
    "time.perf_counter": NOW,
    "datetime.datetime.now": "lambda tz=None: datetime.datetime.fromtimestamp(assistants.clock.now, tz)",
    "datetime.datetime.utcnow": (
        "lambda: datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=assistants.clock.now)"
    ),
}
"""Functions that tell the time, each with one that tells the time of the fake's clock."""

CLASSES = frozenset({"datetime.datetime"})
CLASS = 'type("{owner}", ({owner},), {{"{name}": {given}}})'
MODULE = 'SimpleNamespace(**{{**vars({owner}), "{name}": {given}}})'
"""Copies of what has such a function, with one that is virtual: only the client's own module is to see it."""

EVENT_LOOP = "asyncio.loop.time"
EVENT_LOOPS = frozenset({EVENT_LOOP, "anyio.current_time", "trio.current_time"})
"""Functions that tell the time of an event loop, which would stand still if that were virtual."""

TIMEOUTS = frozenset({"timeout", "timeout_at", "move_on_after", "move_on_at", "fail_after", "fail_at"})
"""Context managers, by their last name, that end what takes too long by the time of an event loop."""

SAFE_FOR_ALL = "time.time"
"""The function that may be virtual in the whole process. Event loops and threads wait by `time.monotonic`."""

REAL_SLEEP = '@pytest.mark.assistants(sleep="real", stuck_after=1000)'


@dataclass(frozen=True)
class Deadline:
    """A call in a loop that tells the time, or a timeout around the loop.

    Attributes:
        call: what is called, as the client writes it.
        function: what that is.
        module: where it is called; empty if the first name in the call is not imported there.
    """

    call: str
    function: str
    module: str = ""

    @property
    def fix(self) -> str:
        """The line that lets it pass.

        >>> Deadline("now", "time.monotonic", "app").fix
        'monkeypatch.setattr("app.now", lambda: assistants.clock.now)   # if it gives up by now(): that stays real'
        """
        return f"{self._patch() or REAL_SLEEP}   # if it gives up by {self.call}(): that stays real"

    def _patch(self) -> str | None:
        """What makes the call tell the time of the fake's clock, if that is possible."""
        name, *rest = self.call.split(".")
        if rest and self.function == SAFE_FOR_ALL:
            return f'monkeypatch.setattr("{self.function}", {NOW})'
        given, owner = VIRTUAL.get(self.function), self.function
        if given is None or not self.module:
            return None
        for part in reversed(rest):
            owner = owner.removesuffix(f".{part}")
            given = (CLASS if owner in CLASSES else MODULE).format(owner=owner, name=part, given=given)
        return f'monkeypatch.setattr("{self.module}.{name}", {given})'
