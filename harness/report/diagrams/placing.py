"""Where each part of a diagram is, in pixels, and where the lines between them begin and end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness.report.diagrams.aligning import Wish, aligned
from harness.service.lifecycle import NEW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.diagrams.layers import Layers, Link, Part

CHARACTER = 7.25  # the width of one, at 12 pixels, in the widest of the usual monospaced fonts
LINE = 18
STATUS_HEIGHT = 34
NEW_SIZE = 14
BETWEEN_ROWS = 34
PORTS = 22  # apart from each other: where the lines of a status leave it
MARGIN = 24


@dataclass(frozen=True)
class Box:
    """Where a part is: its middle from the left, its upper edge from above, and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.y + self.height


class Ends(NamedTuple):
    """Where a piece of line begins above, and ends below."""

    x: float
    y: float
    to_x: float
    to_y: float


class Placed:
    """The boxes of all parts. A bend goes all the way through its row, and has no width."""

    def __init__(self, layers: Layers) -> None:
        self.links = layers.links
        parts = [part for row in layers.rows for part in row]
        self._above = {part: layers.above(part) for part in parts}
        self._below = {part: layers.below(part) for part in parts}
        sizes = {part: self._size(part) for part in parts}
        widths = {part: width for part, (width, _) in sizes.items()}
        middles = aligned(layers.rows, layers.ways(), widths, {part: self._wishes(part) for part in parts})
        left = min(middles[part] - widths[part] / 2 for part in parts)
        self.boxes: dict[Part, Box] = {}
        y = float(MARGIN)
        for row in layers.rows:
            tallest = max(sizes[part][1] for part in row)
            for part in row:
                width, height = sizes[part][0], tallest if part.kind == "bend" else sizes[part][1]
                self.boxes[part] = Box(round(middles[part] - left) + MARGIN, y + (tallest - height) / 2, width, height)
            y += tallest + BETWEEN_ROWS
        self.height = y - BETWEEN_ROWS + MARGIN
        self.width = max(box.x + box.width / 2 for box in self.boxes.values()) + MARGIN

    def ends(self, link: Link) -> Ends:
        upper, lower = self.boxes[link.upper], self.boxes[link.lower]
        above = _port(link.upper, self._below[link.upper], link)
        below = _port(link.lower, self._above[link.lower], link)
        return Ends(upper.x + above, upper.bottom, lower.x + below, lower.y)

    def _size(self, part: Part) -> tuple[float, float]:
        if part.kind == "bend":
            return 0, 0
        if part.kind == "label":
            longest = max(len(f"{row.because} {row.by}") for row in part.rows)
            return longest * CHARACTER + 4, len(part.rows) * LINE + 6
        if part.name == NEW:
            return NEW_SIZE, NEW_SIZE
        ports = max(len(self._above[part]), len(self._below[part]))
        return max(len(part.name) * CHARACTER * 13 / 12 + 32, ports * PORTS + 12), STATUS_HEIGHT

    def _wishes(self, part: Part) -> list[Wish]:
        """Where the other ends of its lines want it."""
        found = []
        for link in (*self._above[part], *self._below[part]):
            from_above = link.lower is part
            other = link.upper if from_above else link.lower
            mine, theirs = (self._above, self._below) if from_above else (self._below, self._above)
            beside = _port(other, theirs[other], link) - _port(part, mine[part], link)
            # a long line is straight before all else, and a label is close to its status
            weight = (1.0, 2.0, 8.0)[(part.kind == "bend") + (other.kind == "bend")]
            found.append(Wish(other, beside, weight))
        return found


def _port(part: Part, side: Sequence[Link], link: Link) -> float:
    """How far from the middle of a part a line meets it: the lines on one side of a status stand side by side."""
    has_ports = part.kind == "status" and part.name != NEW
    return (side.index(link) - (len(side) - 1) / 2) * PORTS if has_ports else 0
