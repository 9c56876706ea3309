"""How far to the right each part of a diagram is: straight below what it is linked to, where its neighbours let it."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from harness.report.diagrams.layers import Part

BESIDE = 22  # between neighbours
SWEEPS = 200
STRAIGHTENINGS = 4


class Wish(NamedTuple):
    """A part would be so far beside the middle of another one, and how much that matters."""

    of: Part
    beside: float
    weight: float


def aligned(
    rows: Sequence[Sequence[Part]],
    ways: Sequence[Sequence[Part]],
    widths: Mapping[Part, float],
    wishes: Mapping[Part, Sequence[Wish]],
) -> dict[Part, float]:
    """The middles of all parts. Their order in each row stays, and they keep their distance.

    First as near to all wishes as it goes, which leaves long lines a little crooked; then these are made straight:
    `ways` are the parts that each goes through.
    """
    aligner = _Aligner(rows, widths, wishes)
    for sweep in range(SWEEPS):
        aligner.settle(upwards=sweep % 2 == 0)
    for _ in range(STRAIGHTENINGS):
        aligner.straighten(ways)
    return aligner.middles


class _Aligner:
    def __init__(
        self, rows: Sequence[Sequence[Part]], widths: Mapping[Part, float], wishes: Mapping[Part, Sequence[Wish]]
    ) -> None:
        self._rows = rows
        self._widths = widths
        self._wishes = wishes
        self.middles: dict[Part, float] = {}
        for row in rows:  # to begin with, side by side
            self._place(row, [0.0] * len(row), [1.0] * len(row))

    def settle(self, *, upwards: bool) -> None:
        """Row by row, each part goes as near to what it is linked to as its neighbours let it."""
        for row in reversed(self._rows) if upwards else self._rows:
            weights = [sum(wish.weight for wish in self._wishes[part]) for part in row]
            wished = [
                sum((self.middles[wish.of] + wish.beside) * wish.weight for wish in self._wishes[part]) / weight
                for part, weight in zip(row, weights, strict=True)
            ]
            self._place(row, wished, weights)

    def _place(self, row: Sequence[Part], wished: Sequence[float], weights: Sequence[float]) -> None:
        """The places nearest to the wished ones that leave room for all: least squares, by pooling neighbours."""
        starts = [0.0] * len(row)
        for place in range(1, len(row)):
            starts[place] = starts[place - 1] + self._distance(row[place - 1], row[place])
        pools: list[tuple[float, float, int]] = []  # where they begin, their weight, and how many parts they are
        for wish, start, weight in zip(wished, starts, weights, strict=True):
            x, total, size = wish - start, weight, 1
            while pools and pools[-1][0] > x:
                other, its, count = pools.pop()
                x, total, size = (x * total + other * its) / (total + its), total + its, size + count
            pools.append((x, total, size))
        pooled = [x for x, _, size in pools for _ in range(size)]
        self.middles |= {part: x + start for part, x, start in zip(row, pooled, starts, strict=True)}

    def straighten(self, ways: Sequence[Sequence[Part]]) -> None:
        """What a line winds through comes to lie in as few straight pieces as there is room for."""
        for way in ways:
            rest = list(way)
            while rest:
                straight, least, most = self._straight(rest)
                piece, rest = rest[:straight], rest[straight:]
                self.middles |= dict.fromkeys(piece, self._nearest(piece, least, most))

    def _straight(self, way: Sequence[Part]) -> tuple[int, float, float]:
        """How many parts of a way, from its beginning, fit below each other, and between which places."""
        least, most = self._room(way[0])
        for number, part in enumerate(way[1:], start=1):
            left, right = self._room(part)
            if max(least, left) > min(most, right):
                return number, least, most
            least, most = max(least, left), min(most, right)
        return len(way), least, most

    def _room(self, part: Part) -> tuple[float, float]:
        """How far to the left and to the right a part may go before it comes too near to its neighbours."""
        row = self._rows[part.row]
        place = row.index(part)
        left = self.middles[row[place - 1]] + self._distance(row[place - 1], part) if place else -inf
        is_last = place + 1 == len(row)
        right = inf if is_last else self.middles[row[place + 1]] - self._distance(part, row[place + 1])
        return left, right

    def _nearest(self, piece: Sequence[Part], least: float, most: float) -> float:
        """The place with the shortest ways to what is linked to these parts; of several, the nearest to the present."""
        ends = [
            self.middles[wish.of] + wish.beside for part in piece for wish in self._wishes[part] if wish.of not in piece
        ]
        now = self.middles[piece[0]]
        places = [min(max(end, least), most) for end in ends]
        return min(places, key=lambda x: (sum(abs(x - end) for end in ends), abs(x - now), x))

    def _distance(self, one: Part, other: Part) -> float:
        """How far apart the middles of two neighbours are at least."""
        return (self._widths[one] + self._widths[other]) / 2 + BESIDE
