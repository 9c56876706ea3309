"""The state machines of `harness/service/lifecycle.py`, for drawing: statuses, and moves between them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from harness.service import lifecycle
from harness.service.lifecycle import NEW

if TYPE_CHECKING:
    from harness.service.lifecycle import Row


class Machine:
    """One table. `moves` groups its rows by source and target, as a drawing has one line for each group."""

    def __init__(self, name: str, title: str, rows: tuple[Row, ...]) -> None:
        self.name = name
        self.title = title
        self.rows = rows

    @cached_property
    def statuses(self) -> tuple[str, ...]:
        """All but `new`, in the order in which the table first names them."""
        named = (status for row in self.rows for status in (row.source, row.to))
        return tuple(status for status in dict.fromkeys(named) if status != NEW)

    @cached_property
    def ends(self) -> tuple[str, ...]:
        """The terminal statuses."""
        terminal = lifecycle.terminal(self.rows)
        return tuple(status for status in self.statuses if status in terminal)

    @cached_property
    def moves(self) -> dict[tuple[str, str], list[Row]]:
        """The rows by source and target, in the order of the table."""
        found: dict[tuple[str, str], list[Row]] = {}
        for row in self.rows:
            found.setdefault((row.source, row.to), []).append(row)
        return found

    def leaving(self, status: str) -> list[Row]:
        """The rows with this source."""
        return [row for row in self.rows if row.source == status]

    def data(self) -> dict[str, Any]:
        """The table as JSON values."""
        moves = [
            {
                "from": row.source,
                "by": row.by,
                "because": row.because,
                "to": row.to,
                "stamps": list(row.stamps),
                "clears": list(row.clears),
            }
            for row in self.rows
        ]
        return {"title": self.title, "statuses": list(self.statuses), "ends": list(self.ends), "moves": moves}


MACHINES = {
    machine.name: machine
    for machine in (
        Machine("run", "run", lifecycle.RUN),
        Machine("step", "run step", lifecycle.STEP),
        Machine("message", "message", lifecycle.MESSAGE),
        Machine("file", "file of a vector store", lifecycle.STORE_FILE),
        Machine("batch", "file batch of a vector store", lifecycle.BATCH),
    )
}
