"""A state machine in Mermaid's language, which GitHub, GitLab and many documentation tools draw."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.service.lifecycle import NEW

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.report.diagrams.machines import Machine

START_OR_END = "[*]"  # as Mermaid calls both


def mermaid(machines: Iterable[Machine]) -> str:
    """One `stateDiagram-v2`; of several machines, each is a composite state.

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
    lines = (
        [line for machine in (first, *others) for line in _composite_state(machine)] if others else _lines(first, "")
    )
    return "\n".join(["stateDiagram-v2", *(f"    {line}" for line in lines)])


def _composite_state(machine: Machine) -> list[str]:
    """A machine as a composite state. Names are global in Mermaid, so each status gets a prefix."""
    prefix = f"{machine.name}_"
    named = [f'state "{status}" as {prefix}{status}' for status in machine.statuses]
    inner = [f"    {line}" for line in (*named, *_lines(machine, prefix))]
    return [f'state "{machine.title}" as {machine.name} {{', *inner, "}"]


def _lines(machine: Machine, prefix: str) -> list[str]:
    names = {status: prefix + status for status in machine.statuses} | {NEW: START_OR_END}
    moves = [
        f"{names[source]} --> {names[to]}: {'<br/>'.join(f'{row.because} ({row.by})' for row in rows)}"
        for (source, to), rows in machine.moves.items()
    ]
    return [*moves, *(f"{names[status]} --> {START_OR_END}" for status in machine.ends)]
