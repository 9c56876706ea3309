"""`assistants.faults`: the methods that plan faults, and the plans with what has happened so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.service.faults.requests import RequestFaults
from harness.service.faults.streams import StreamFaults

if TYPE_CHECKING:
    from harness.service.faults.planning import Plan


class Faults(RequestFaults, StreamFaults):
    """The planned faults. Printed, it is the calls that planned them, one a line, with a mark at those that happened.

    >>> faults = Faults()
    >>> faults.status(429, on="POST /threads/{thread_id}/runs", retry_after=5)
    >>> faults.cut(after="thread.message.delta", nth=2)
    >>> print(faults)
    assistants.faults.status(429, on="POST /threads/{thread_id}/runs", retry_after=5)
    assistants.faults.cut(after="thread.message.delta", nth=2)
    """

    def __init__(self) -> None:
        self.planned: list[Plan] = []
        self.line_end = b"\n"
        self.chunk_size: int | None = None

    def __str__(self) -> str:
        return "\n".join(map(str, self.planned)) or "# no faults are planned"

    __repr__ = __str__

    def unused(self) -> list[str]:
        """The calls of plans that have not happened."""
        return [f"assistants.faults.{plan.call}" for plan in self.planned if plan.unused]
