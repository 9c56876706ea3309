"""A state machine in Mermaid's language, which GitHub, GitLab and many documentation tools draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.service.lifecycle import NEW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.report.diagrams.machines import Machine

OUTSIDE = "[*]"  # what Mermaid calls both the beginning and the end


def mermaid(machines: Iterable[Machine]) -> str:
    """One `stateDiagram-v2`; of several machines, each is a state with its own inside.

    >>> from harness.report.diagrams.machines import MACHINES
    >>> print(mermaid([MACHINES["batch"]]))
    stateDiagram-v2
        [*] --> in_progress: create (client)
        in_progress --> completed: finish (clock)
        in_progress --> failed: fail (clock)
        in_progress --> cancelled: cancel (client)
        completed --> [*]
        failed --> [*]
        cancelled --> [*]
    """
    first, *others = machines
    lines = [line for machine in (first, *others) for line in _inside(machine)] if others else _lines(first, "")
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in lines)])


def _inside(machine: Machine) -> list[str]:
    """Mermaid knows a status by its name throughout a diagram, so that of another machine needs another one."""
    prefix = f"{machine.name}_"
    named = [f'state "{status}" as {prefix}{status}' for status in machine.statuses]
    inner = [f"    {line}" for line in (*named, *_lines(machine, prefix))]
    return [f'state "{machine.title}" as {machine.name} {{', *inner, "}"]


def _lines(machine: Machine, prefix: str) -> list[str]:
    names = {status: prefix + status for status in machine.statuses} | {NEW: OUTSIDE}
    moves = [
        f"{names[source]} --> {names[to]}: {'<br/>'.join(f'{row.because} ({row.by})' for row in rows)}"
        for (source, to), rows in machine.moves.items()
    ]
    return [*moves, *(f"{names[status]} --> {OUTSIDE}" for status in machine.ends)]
