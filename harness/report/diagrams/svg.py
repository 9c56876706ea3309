"""State machines as a self-contained SVG, for light and dark pages."""

from __future__ import annotations

from collections import Counter
from html import escape
from typing import TYPE_CHECKING

from harness.report.diagrams.layers import layers
from harness.report.diagrams.placing import CHARACTER, LINE, MARGIN, Placed
from harness.service.lifecycle import NEW

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.report.diagrams.layers import Link, Part
    from harness.report.diagrams.machines import Machine
    from harness.report.diagrams.placing import Box
    from harness.service.lifecycle import Row

STYLE = """\
svg { --page: #ffffff; --ink: #1f2328; --quiet: #59636e; --box: #f3f5f8; --line: #7a8490;
      --client: #0a58b8; --model: #1a7038; --clock: #a04a00; }
@media (prefers-color-scheme: dark) {
  svg { --page: #0d1117; --ink: #e6edf3; --quiet: #9aa5b1; --box: #1c232d; --line: #808b98;
        --client: #79b8ff; --model: #6fd68a; --clock: #f0a860; }
}
.page { fill: var(--page); }
text { font: 12px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: var(--ink);
       dominant-baseline: central; text-anchor: middle; }
.title { font-size: 15px; font-weight: 600; text-anchor: start; }
.status { font-size: 13px; font-weight: 600; }
.legend { fill: var(--quiet); text-anchor: start; }
.box { fill: var(--box); stroke: var(--ink); stroke-width: 1.3; }
.inner { fill: none; stroke: var(--ink); stroke-width: 0.8; }
.new, .head { fill: var(--line); }
.line { fill: none; stroke: var(--line); stroke-width: 1.5; stroke-linecap: round; }
.client { fill: var(--client); } .model { fill: var(--model); } .clock { fill: var(--clock); }
.client, .model, .clock { font-style: italic; }"""
LEGEND = (
    ("client", ": a request, "),
    ("model", ": an act of the script, "),
    ("clock", ": a timer; a double frame: an end"),
)
TITLE_HEIGHT = 40
LEGEND_HEIGHT = 34
ARROW = 7  # from the point of an arrowhead to the end of its line


def svg(machines: Iterable[Machine]) -> str:
    """All machines in one picture, one below the other."""
    drawn, y, width = [], 0.0, sum(len(by + what) for by, what in LEGEND) * CHARACTER + 2 * MARGIN
    all_ = list(machines)
    for machine in all_:
        placed = Placed(layers(machine))
        drawn += [f'<g transform="translate(0 {_number(y)})">', *_machine(machine, placed), "</g>"]
        y += TITLE_HEIGHT + placed.height
        width = max(width, placed.width)
    height = y + LEGEND_HEIGHT
    name = ", ".join(machine.title for machine in all_)
    size = f'width="{_number(width)}" height="{_number(height)}" viewBox="0 0 {_number(width)} {_number(height)}"'
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{escape(f'What becomes of a {name}')}</title>",
            f"<style>\n{STYLE}\n</style>",
            f'<rect class="page" width="{_number(width)}" height="{_number(height)}"/>',
            *drawn,
            _legend(y),
            "</svg>",
        ]
    )


def _machine(machine: Machine, placed: Placed) -> list[str]:
    parts = [drawn for part, box in placed.boxes.items() for drawn in _part(machine, part, box)]
    title = f'<text class="title" x="{MARGIN}" y="{TITLE_HEIGHT / 2 + 6:g}">{escape(machine.title)}</text>'
    return [title, f'<g transform="translate(0 {TITLE_HEIGHT})">', *_lines(placed), *parts, "</g>"]


def _lines(placed: Placed) -> list[str]:
    """Each line as one path, from a status, a label or a junction, through its bends."""
    meeting = Counter(link.lower for link in placed.links)
    leaving = {link.upper: link for link in placed.links}
    drawn = []
    for link in placed.links:
        if link.upper.kind == "bend" and meeting[link.upper] == 1:
            continue  # continues a line
        line = [link]
        while line[-1].lower.kind == "bend" and meeting[line[-1].lower] == 1:
            line.append(leaving[line[-1].lower])
        drawn += _line(placed, line)
    return drawn


def _line(placed: Placed, links: Sequence[Link]) -> list[str]:
    """A line with its arrowhead, at the back of which the path begins or ends."""
    first_x, first_y, _, _ = placed.ends(links[0])
    _, _, last_x, last_y = placed.ends(links[-1])
    up, down = links[0].arrow == "up", links[-1].arrow == "down"
    start = placed.boxes[links[0].upper].y if links[0].upper.kind == "bend" else first_y + ARROW * up
    path = [f"M{_number(first_x)} {_number(start)}"]
    for link in links:
        x, y, to_x, to_y = placed.ends(link)
        middle = (y + to_y) / 2
        if link.upper.kind == "bend":
            path.append(f"V{_number(y)}")
        end = to_y - ARROW * (down and link is links[-1])
        curve = f"C{_number(x)} {_number(middle)} {_number(to_x)} {_number(middle)} {_number(to_x)} {_number(end)}"
        path.append(f"V{_number(end)}" if x == to_x else curve)
    drawn = [f'<path class="line" d="{"".join(path)}"/>']
    if down:
        drawn.append(f'<path class="head" d="M{_number(last_x)} {_number(last_y)}l-4.5 -9h9z"/>')
    if up:
        drawn.append(f'<path class="head" d="M{_number(first_x)} {_number(first_y)}l-4.5 9h9z"/>')
    return drawn


def _part(machine: Machine, part: Part, box: Box) -> list[str]:
    if part.kind == "bend":
        return []
    if part.kind == "label":
        return [_label(row, box, number) for number, row in enumerate(part.rows)]
    y = _number(box.y + box.height / 2)
    if part.name == NEW:
        return [f'<circle class="new" cx="{_number(box.x)}" cy="{y}" r="7"><title>new</title></circle>']
    rings = [("box", 0.0, 8)] + ([("inner", 3.0, 5)] if part.name in machine.ends else [])
    drawn = [
        f'<rect class="{name}" x="{_number(box.x - box.width / 2 + inset)}" y="{_number(box.y + inset)}" '
        f'width="{_number(box.width - 2 * inset)}" height="{_number(box.height - 2 * inset)}" rx="{round_}"/>'
        for name, inset, round_ in rings
    ]
    return [*drawn, f'<text class="status" x="{_number(box.x)}" y="{y}">{escape(part.name)}</text>']


def _label(row: Row, box: Box, number: int) -> str:
    """A line of a label: the cause of a move and who makes it; a tooltip shows the fields that it writes."""
    writes = [*(f"sets {name}" for name in row.stamps), *(f"clears {name}" for name in row.clears)]
    hint = f"<title>{escape(', '.join(writes))}</title>" if writes else ""
    at = f'x="{_number(box.x)}" y="{_number(box.y + 3 + LINE * (number + 0.5))}"'
    return f'<text {at}>{hint}{escape(row.because)} <tspan class="{row.by}">{row.by}</tspan></text>'


def _legend(y: float) -> str:
    legend = "".join(f'<tspan class="{by}">{by}</tspan>{what}' for by, what in LEGEND)
    at = f'x="{MARGIN}" y="{_number(y + LEGEND_HEIGHT / 2 - 6)}"'
    return f'<text class="legend" {at}>{legend}</text>'


def _number(value: float) -> str:
    """A number in few digits, the same on every machine."""
    return f"{round(value, 1):g}"
