"""The coordinates of a layered diagram in pixels: of its parts, and of the ends of its lines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from harness.report.diagrams.aligning import Preference, aligned
from harness.service.lifecycle import NEW

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.report.diagrams.layers import Layers, Link, Part

CHARACTER = 7.25  # the width of one, at 12 pixels, in the widest of the usual monospaced fonts
LINE = 18
STATUS_HEIGHT = 34
NEW_SIZE = 14
BETWEEN_ROWS = 34
PORTS = 22  # between neighbours: the points where lines meet a status
MARGIN = 24


@dataclass(frozen=True)
class Box:
    """The position of a part, its horizontal middle and its upper edge, and its size."""

    x: float
    y: float
    width: float
    height: float

    @property
    def bottom(self) -> float:
        return self.y + self.height


class Ends(NamedTuple):
    """The upper and the lower end of a link."""

    x: float
    y: float
    to_x: float
    to_y: float


class Placed:
    """The boxes of all parts. A bend is as high as its row, and has no width."""

    def __init__(self, layers: Layers) -> None:
        self.links = layers.links
        parts = [part for row in layers.rows for part in row]
        self._above = {part: layers.above(part) for part in parts}
        self._below = {part: layers.below(part) for part in parts}
        sizes = {part: self._size(part) for part in parts}
        widths = {part: width for part, (width, _) in sizes.items()}
        middles = aligned(layers.rows, layers.chains(), widths, {part: self._preferences(part) for part in parts})
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
        """The ends of a link."""
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

    def _preferences(self, part: Part) -> list[Preference]:
        """Where the links of a part want it."""
        found = []
        for link in (*self._above[part], *self._below[part]):
            from_above = link.lower is part
            other = link.upper if from_above else link.lower
            mine, theirs = (self._above, self._below) if from_above else (self._below, self._above)
            offset = _port(other, theirs[other], link) - _port(part, mine[part], link)
            # straight long lines matter most, then labels that are close to their status
            weight = (1.0, 2.0, 8.0)[(part.kind == "bend") + (other.kind == "bend")]
            found.append(Preference(other, offset, weight))
        return found


def _port(part: Part, side: Sequence[Link], link: Link) -> float:
    """The offset from the middle of a part at which a link meets it: links on one side of a status are spread out."""
    has_ports = part.kind == "status" and part.name != NEW
    return (side.index(link) - (len(side) - 1) / 2) * PORTS if has_ports else 0
