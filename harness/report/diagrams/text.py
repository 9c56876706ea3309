"""A state machine for a terminal: each status with the moves that leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.service.lifecycle import NEW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.report.diagrams.machines import Machine
    from harness.service.lifecycle import Row

LEGEND = "client: a request; model: an act of the script; clock: a timer.  + is set to the present second, - to null."


def text(machines: Iterable[Machine]) -> str:
    """All machines, one below the other.

    >>> from harness.report.diagrams.machines import MACHINES
    >>> print(text([MACHINES["batch"]]))
    file batch of a vector store: 4 statuses, 4 moves
    <BLANKLINE>
    new
    └─ client create → in_progress     +created_at
    <BLANKLINE>
    in_progress
    ├─ clock  finish → completed (end)
    ├─ clock  fail   → failed (end)
    └─ client cancel → cancelled (end)
    <BLANKLINE>
    client: a request; model: an act of the script; clock: a timer.  + is set to the present second, - to null.
    """
    return "\n\n\n".join(_machine(machine) for machine in machines) + f"\n\n{LEGEND}"


def _machine(machine: Machine) -> str:
    blocks = [f"{machine.title}: {len(machine.statuses)} statuses, {len(machine.rows)} moves"]
    for status in (NEW, *machine.statuses):
        leaving = machine.leaving(status)
        if leaving:
            marks = ["├─"] * (len(leaving) - 1) + ["└─"]
            lines = (f"{mark} {_move(machine, row)}" for mark, row in zip(marks, leaving, strict=True))
            blocks.append("\n".join((status, *lines)))
    return "\n\n".join(blocks)


def _move(machine: Machine, row: Row) -> str:
    by = max(len(each.by) for each in machine.rows)
    because = max(len(each.because) for each in machine.rows)
    to = row.to + (" (end)" if row.to in machine.ends else "")
    writes = " ".join([*(f"+{name}" for name in row.stamps), *(f"-{name}" for name in row.clears)])
    widest = max(len(each) + len(" (end)") * (each in machine.ends) for each in machine.statuses)
    return f"{row.by:<{by}} {row.because:<{because}} → {to:<{widest}} {writes}".rstrip()
