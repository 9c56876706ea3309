"""The rows of a diagram and the order within them: a layered layout, as described by Sugiyama in 1981.

Rows of statuses and of labels alternate, so that a label can overlap neither another label nor a line. A move across
several rows has a bend in each, which keeps its line clear of the other parts. Moves to the same status share bends,
and become one line.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from harness.service.lifecycle import NEW

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from harness.report.diagrams.machines import Machine
    from harness.service.lifecycle import Row

SWEEPS = 24


@dataclass(frozen=True)
class Part:
    """A node of the layout: a status, the label of a move with its table rows, or a bend, which has no size."""

    kind: Literal["status", "label", "bend"]
    name: str
    row: int
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Link:
    """A segment of a line, between adjacent rows, and the direction of its arrowhead, if it has one."""

    upper: Part
    lower: Part
    arrow: Literal["", "up", "down"] = ""


@dataclass
class Layers:
    rows: list[list[Part]]
    links: tuple[Link, ...]

    def above(self, part: Part) -> list[Link]:
        """The links to the row above, from left to right."""
        return sorted((link for link in self.links if link.lower is part), key=lambda link: self.place(link.upper))

    def below(self, part: Part) -> list[Link]:
        """The links to the row below, from left to right."""
        return sorted((link for link in self.links if link.upper is part), key=lambda link: self.place(link.lower))

    def place(self, part: Part) -> int:
        return self.rows[part.row].index(part)

    def chains(self) -> list[list[Part]]:
        """Each status alone; each label or bend with the parts below it on its line. No part is in two chains."""
        seen: set[Part] = set()
        found = []
        for part in (part for row in self.rows for part in row):
            chain = [part] if part.kind == "status" else []
            below = part
            while below.kind != "status" and below not in seen:
                seen.add(below)
                chain.append(below)
                below = self.below(below)[0].lower
            found.append(chain)
        return found

    def crossings(self) -> int:
        """The number of crossings of lines."""
        total = 0
        for upper, lower in pairwise(self.rows):
            left = {part: place for place, part in enumerate(upper)}
            right = {part: place for place, part in enumerate(lower)}
            ends = [(left[link.upper], right[link.lower]) for link in self.links if link.upper in left]
            total += sum(one[0] < other[0] and one[1] > other[1] for one in ends for other in ends)
        return total


def layers(machine: Machine) -> Layers:
    """The layout of a machine, with as few crossings as a deterministic search finds."""
    parts, links = _parts(machine)
    rows: list[list[Part]] = [[] for _ in range(max(part.row for part in parts) + 1)]
    for part in parts:
        rows[part.row].append(part)
    best = found = Layers(rows, tuple(links))
    fewest = best.crossings()
    for sweep in range(SWEEPS):
        found = _sweep(found, down=sweep % 2 == 0)
        crossings = found.crossings()
        if crossings < fewest:
            best, fewest = Layers([list(row) for row in found.rows], found.links), crossings
    return best


def ranks(machine: Machine) -> dict[str, int]:
    """The rank of each status: below all that lead to it, except by back edges; all terminal ones at the bottom.

    >>> from harness.report.diagrams.machines import MACHINES
    >>> ranks(MACHINES["step"])
    {'new': 0, 'in_progress': 1, 'completed': 2, 'failed': 2, 'cancelled': 2, 'expired': 2}
    """
    back = _back_edges(machine)
    onward = [move for move in machine.moves if move not in back]
    found = dict.fromkeys((NEW, *machine.statuses), 0)
    for _ in found:  # no path has more moves than there are statuses
        for source, to in onward:
            found[to] = max(found[to], found[source] + 1)
    lowest = max(found.values())
    return found | dict.fromkeys(machine.ends, lowest)


def _back_edges(machine: Machine) -> set[tuple[str, str]]:
    """The moves that lead back on a depth-first walk; without them, the graph has no cycles."""
    back: set[tuple[str, str]] = set()
    done: set[str] = set()

    def visit(status: str, path: tuple[str, ...]) -> None:
        for row in machine.leaving(status):
            if row.to in path:
                back.add((status, row.to))
            elif row.to not in done:
                visit(row.to, (*path, row.to))
        done.add(status)

    visit(NEW, (NEW,))
    return back


def _parts(machine: Machine) -> tuple[list[Part], list[Link]]:
    """All parts, and the links between them. Statuses are in even rows, labels in the odd rows next to their source."""
    rows = {status: 2 * rank for status, rank in ranks(machine).items()}
    statuses = {status: Part("status", status, row) for status, row in rows.items()}
    parts = dict.fromkeys(statuses.values())
    links: dict[Link, None] = {}
    for (source, to), because in machine.moves.items():
        down = rows[source] < rows[to]
        upper, lower = (source, to) if down else (to, source)
        at = rows[source] + (1 if down else -1)
        chain = [statuses[upper]]
        for row in range(rows[upper] + 1, rows[lower]):
            is_label = row == at
            # moves to the same status share bends; back edges have their own
            name = f"{source} {to}" if is_label or not down else to
            chain.append(Part("label" if is_label else "bend", name, row, tuple(because) if is_label else ()))
        chain.append(statuses[lower])
        parts |= dict.fromkeys(chain)
        last = (chain[-2], chain[-1]) if down else (chain[0], chain[1])
        for one, other in pairwise(chain):
            arrow: Literal["", "up", "down"] = ("down" if down else "up") if (one, other) == last else ""
            links[Link(one, other, arrow)] = None
    canonical = {part: part for part in parts}
    return list(parts), [Link(canonical[link.upper], canonical[link.lower], link.arrow) for link in links]


def _sweep(layers: Layers, *, down: bool) -> Layers:
    """The layout with each row sorted by barycenters, and then by transposing neighbours."""
    rows = [list(row) for row in layers.rows]
    places = {part: float(place) for row in rows for place, part in enumerate(row)}
    above: dict[Part, list[Part]] = {part: [] for part in places}
    below: dict[Part, list[Part]] = {part: [] for part in places}
    for link in layers.links:
        above[link.lower].append(link.upper)
        below[link.upper].append(link.lower)
    near = above if down else below
    for row in rows if down else reversed(rows):
        barycenters = {part: _barycenter(near[part], places) for part in row if near[part]}
        row.sort(key=lambda part: barycenters.get(part, places[part]))
        places |= {part: float(place) for place, part in enumerate(row)}
    while any(_transpose(row, places, (above, below)) for row in rows):
        pass
    return Layers(rows, layers.links)


def _transpose(row: list[Part], places: dict[Part, float], sides: Iterable[Mapping[Part, Sequence[Part]]]) -> bool:
    """Exchange neighbours where that removes crossings; returns whether any were exchanged."""
    exchanged = False
    for place in range(len(row) - 1):
        left, right = row[place], row[place + 1]
        pairs = [(places[one], places[other]) for near in sides for one in near[left] for other in near[right]]
        if sum(one > other for one, other in pairs) > sum(one < other for one, other in pairs):
            row[place], row[place + 1] = right, left
            places[left], places[right] = place + 1, place
            exchanged = True
    return exchanged


def _barycenter(parts: Iterable[Part], places: Mapping[Part, float]) -> float:
    known = [places[part] for part in parts]
    return sum(known) / len(known)
