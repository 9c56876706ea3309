"""The horizontal coordinates of a layered diagram: each part is below what it is linked to, where there is room."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.report.diagrams.layers import Part

GAP = 22  # between neighbours
SWEEPS = 200
STRAIGHTENINGS = 4


class Preference(NamedTuple):
    """Where a link wants a part: `offset` to the right of the middle of another part, and how much that matters."""

    of: Part
    offset: float
    weight: float


def aligned(
    rows: Sequence[Sequence[Part]],
    chains: Sequence[Sequence[Part]],
    widths: Mapping[Part, float],
    preferences: Mapping[Part, Sequence[Preference]],
) -> dict[Part, float]:
    """The middle of each part. The order in each row is kept, and the distance between neighbours.

    The first passes minimize the deviation from all preferences, which leaves long lines a little crooked; then these
    are straightened: `chains` are the parts of each line.
    """
    aligner = _Aligner(rows, widths, preferences)
    for sweep in range(SWEEPS):
        aligner.settle(upwards=sweep % 2 == 0)
    for _ in range(STRAIGHTENINGS):
        aligner.straighten(chains)
    return aligner.middles


class _Aligner:
    def __init__(
        self,
        rows: Sequence[Sequence[Part]],
        widths: Mapping[Part, float],
        preferences: Mapping[Part, Sequence[Preference]],
    ) -> None:
        self._rows = rows
        self._widths = widths
        self._preferences = preferences
        self.middles: dict[Part, float] = {}
        for row in rows:  # at first side by side
            self._place(row, [0.0] * len(row), [1.0] * len(row))

    def settle(self, *, upwards: bool) -> None:
        """Move the parts, row by row, as near to their preferences as their neighbours allow."""
        for row in reversed(self._rows) if upwards else self._rows:
            weights = [sum(preference.weight for preference in self._preferences[part]) for part in row]
            preferred = [
                sum(
                    (self.middles[preference.of] + preference.offset) * preference.weight
                    for preference in self._preferences[part]
                )
                / weight
                for part, weight in zip(row, weights, strict=True)
            ]
            self._place(row, preferred, weights)

    def _place(self, row: Sequence[Part], preferred: Sequence[float], weights: Sequence[float]) -> None:
        """Place a row as near as possible to the preferred middles: least squares, by pooling adjacent violators."""
        starts = [0.0] * len(row)
        for place in range(1, len(row)):
            starts[place] = starts[place - 1] + self._distance(row[place - 1], row[place])
        pools: list[tuple[float, float, int]] = []  # where they begin, their weight, and how many parts they are
        for wanted, start, weight in zip(preferred, starts, weights, strict=True):
            x, total, size = wanted - start, weight, 1
            while pools and pools[-1][0] > x:
                other, its, count = pools.pop()
                x, total, size = (x * total + other * its) / (total + its), total + its, size + count
            pools.append((x, total, size))
        pooled = [x for x, _, size in pools for _ in range(size)]
        self.middles |= {part: x + start for part, x, start in zip(row, pooled, starts, strict=True)}

    def straighten(self, chains: Sequence[Sequence[Part]]) -> None:
        """Move the parts of each chain so that its line has as few bends as the room allows."""
        for chain in chains:
            rest = list(chain)
            while rest:
                straight, least, most = self._longest_straight(rest)
                piece, rest = rest[:straight], rest[straight:]
                self.middles |= dict.fromkeys(piece, self._nearest(piece, least, most))

    def _longest_straight(self, chain: Sequence[Part]) -> tuple[int, float, float]:
        """How many parts at the start of a chain have room for a common middle, and the least and greatest one."""
        least, most = self._room(chain[0])
        for number, part in enumerate(chain[1:], start=1):
            left, right = self._room(part)
            if max(least, left) > min(most, right):
                return number, least, most
            least, most = max(least, left), min(most, right)
        return len(chain), least, most

    def _room(self, part: Part) -> tuple[float, float]:
        """The least and the greatest middle of a part that keep the distance to its neighbours."""
        row = self._rows[part.row]
        place = row.index(part)
        left = self.middles[row[place - 1]] + self._distance(row[place - 1], part) if place else -inf
        is_last = place + 1 == len(row)
        right = inf if is_last else self.middles[row[place + 1]] - self._distance(part, row[place + 1])
        return left, right

    def _nearest(self, piece: Sequence[Part], least: float, most: float) -> float:
        """The middle with the shortest links to other parts; of several, the nearest to the current one."""
        ends = [
            self.middles[preference.of] + preference.offset
            for part in piece
            for preference in self._preferences[part]
            if preference.of not in piece
        ]
        now = self.middles[piece[0]]
        places = [min(max(end, least), most) for end in ends]
        return min(places, key=lambda x: (sum(abs(x - end) for end in ends), abs(x - now), x))

    def _distance(self, one: Part, other: Part) -> float:
        """How far apart the middles of two neighbours are at least."""
        return (self._widths[one] + self._widths[other]) / 2 + GAP
