"""The state diagrams say what the tables of `harness/service/lifecycle.py` say, all of it and nothing else, and can be
read: in a picture, no line goes through a box or a text, none ends in nothing, and nothing lies on anything."""

from __future__ import annotations

import json
import re
from collections import Counter
from itertools import combinations
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.report.diagrams import FORMS, MACHINES, Machine
from harness.report.diagrams.layers import layers, ranks
from harness.service import lifecycle
from harness.service.lifecycle import NEW, Row, terminal

PAGE = Path(__file__).parents[2] / "docs" / "lifecycle.md"
TABLES = [value for value in vars(lifecycle).values() if isinstance(value, tuple) and isinstance(value[0], Row)]

machines = pytest.mark.parametrize("machine", MACHINES.values(), ids=MACHINES)


def plain(row: Row) -> tuple[object, ...]:
    return row.source, row.by, row.because, row.to, row.stamps, row.clears


def test_every_table_has_its_diagram():
    assert [machine.rows for machine in MACHINES.values()] == TABLES != []


# --- text, Mermaid, JSON --------------------------------------------------------------------------------------

MOVE = re.compile(r"[├└]─ (\w+) +(\w+) +→ (\w+)(?P<end> \(end\))?(?P<writes>(?: +[+-]\w+)*)")


@machines
def test_the_text_is_the_table(machine):
    head, *blocks, legend = FORMS["text"]([machine]).split("\n\n")
    told, ends = [], set()
    for block in blocks:
        source, *lines = block.split("\n")
        assert [line[0] for line in lines] == ["├"] * (len(lines) - 1) + ["└"]
        for line in lines:
            found = MOVE.fullmatch(line)
            by, because, to = found.groups()[:3]
            writes = found["writes"].split()
            stamps, clears = (tuple(name[1:] for name in writes if name[0] == sign) for sign in "+-")
            told.append((source, by, because, to, stamps, clears))
            ends |= {to} if found["end"] else set()
    assert Counter(told) == Counter(map(plain, machine.rows))
    assert ends == terminal(machine.rows)
    assert head == f"{machine.title}: {len(machine.statuses)} statuses, {len(machine.rows)} moves"
    assert "client" in legend


@machines
def test_the_text_fits_into_a_terminal(machine):
    assert max(map(len, FORMS["text"]([machine]).split("\n"))) <= 110


def transitions(lines, prefix=""):
    """What Mermaid's lines say: the moves, and the ends."""
    moves, ends = Counter(), set()
    for line in lines:
        found = re.fullmatch(r"(\S+) --> (\S+?)(?:: (.+))?", line)
        source, to = (NEW if name == "[*]" else name.removeprefix(prefix) for name in found.groups()[:2])
        if found[3] is None:
            ends.add(source)
        for label in (found[3] or "").split("<br/>") if found[3] else ():
            because, by = re.fullmatch(r"(\w+) \((\w+)\)", label).groups()
            moves[source, by, because, to] += 1
    return moves, ends


@machines
def test_mermaid_is_the_table(machine):
    first, *lines = FORMS["mermaid"]([machine]).split("\n")
    assert first == "stateDiagram-v2"
    expected = Counter(plain(row)[:4] for row in machine.rows), set(terminal(machine.rows))
    assert transitions([line.strip() for line in lines]) == expected


def test_mermaid_tells_several_machines_apart():
    text = FORMS["mermaid"](MACHINES.values())
    insides = re.findall(r'^    state "([\w ]+)" as (\w+) \{\n(.*?)^    \}', text, re.MULTILINE | re.DOTALL)
    assert [(title, name) for title, name, _ in insides] == [(each.title, name) for name, each in MACHINES.items()]
    for _, name, inside in insides:
        lines = [line.strip() for line in inside.splitlines()]
        named = [re.fullmatch(r'state "(\w+)" as (\w+)', line) for line in lines]
        statuses = [found.groups() for found in named if found]
        assert statuses == [(status, f"{name}_{status}") for status in MACHINES[name].statuses]
        moves, ends = transitions(lines[len(statuses) :], f"{name}_")
        assert moves == Counter(plain(row)[:4] for row in MACHINES[name].rows)
        assert ends == terminal(MACHINES[name].rows)


def test_json_is_the_table():
    told = json.loads(FORMS["json"](MACHINES.values()))
    assert list(told) == list(MACHINES)
    for name, machine in told.items():
        rows = [
            (row["from"], row["by"], row["because"], row["to"], tuple(row["stamps"]), tuple(row["clears"]))
            for row in machine["moves"]
        ]
        assert rows == [plain(row) for row in MACHINES[name].rows]
        assert set(machine["ends"]) == terminal(MACHINES[name].rows)
        assert {NEW, *machine["statuses"]} == {status for row in rows for status in (row[0], row[3])}


def test_the_page_shows_the_diagrams():
    page = PAGE.read_text(encoding="utf-8")
    shown = re.findall(r"^## ([^\n]+)\n\n```mermaid\n(.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    drawn = [(machine.title.capitalize(), FORMS["mermaid"]([machine])) for machine in MACHINES.values()]
    assert shown == drawn, "harness lifecycle --format mermaid --machine …"


# --- the picture ----------------------------------------------------------------------------------------------

SVG = "{http://www.w3.org/2000/svg}"


class Box(NamedTuple):
    name: str
    left: float
    top: float
    right: float
    bottom: float

    def has(self, x: float, y: float, *, inside: float = 1.0) -> bool:
        """Whether a point is in it, and not just on its border."""
        is_beside = self.left + inside < x < self.right - inside
        return is_beside and self.top + inside < y < self.bottom - inside


class Picture(NamedTuple):
    statuses: list[Box]
    labels: list[Box]
    lines: list[list[tuple[float, float]]]
    arrows: list[tuple[float, float]]


def number(element, name):
    return float(element.get(name))


def drawn(machine: Machine) -> Picture:
    """What is to be seen of one machine; lines as points that are close to each other."""
    root = ElementTree.fromstring(FORMS["svg"]([machine]))
    group = root.find(f"{SVG}g/{SVG}g")
    found = Picture([], [], [], [])
    for shape in group:
        kind = shape.get("class")
        if kind in ("box", "inner"):
            x, y = number(shape, "x"), number(shape, "y")
            box = Box("", x, y, x + number(shape, "width"), y + number(shape, "height"))
            found.statuses.extend([box] if kind == "box" else [])
        elif kind == "status":
            box = found.statuses[-1]
            width = len(shape.text) * 13 * 0.61
            assert box.left < number(shape, "x") - width / 2
            assert number(shape, "x") + width / 2 < box.right
            assert box.top < number(shape, "y") < box.bottom
            found.statuses[-1] = box._replace(name=shape.text)
        elif kind == "new":
            x, y, r = (number(shape, name) for name in ("cx", "cy", "r"))
            found.statuses.append(Box(NEW, x - r, y - r, x + r, y + r))
        elif shape.tag == f"{SVG}text":
            title = shape.find(f"{SVG}title")
            because = shape.text if title is None else title.tail
            name = because + shape.find(f"{SVG}tspan").text
            x, y, width = number(shape, "x"), number(shape, "y"), len(name) * 12 * 0.61
            found.labels.append(Box(name, x - width / 2, y - 8, x + width / 2, y + 8))
        elif kind == "line":
            found.lines.append(points(shape.get("d")))
        else:
            assert kind == "head"
            found.arrows.append(tuple(map(float, re.match(r"M(\S+) (\S+?)l", shape.get("d")).groups())))
    return found


def points(path: str) -> list[tuple[float, float]]:
    found = []
    for command, rest in re.findall(r"([MVC])([^MVC]*)", path):
        numbers = [float(text) for text in rest.split()]
        if command == "M":
            found.append(tuple(numbers))
            continue
        x, y = found[-1]
        x1, y1, x2, y2, to_x, to_y = [x, y, x, *numbers, x, *numbers] if command == "V" else numbers
        for step in range(1, 41):
            t = step / 40
            weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
            found.append(
                tuple(
                    sum(weight * part for weight, part in zip(weights, parts, strict=True))
                    for parts in ((x, x1, x2, to_x), (y, y1, y2, to_y))
                )
            )
    return found


def near(one, other, far=8.0):
    return abs(one[0] - other[0]) <= 1 and abs(one[1] - other[1]) <= far


def check(machine: Machine) -> None:
    """Everything is there, and nothing lies on anything."""
    picture = drawn(machine)
    assert Counter(box.name for box in picture.statuses) == Counter([NEW, *machine.statuses])
    assert Counter(box.name for box in picture.labels) == Counter(f"{row.because} {row.by}" for row in machine.rows)
    boxes = [*picture.statuses, *picture.labels]
    for one, other in combinations(boxes, 2):
        is_apart = one.right <= other.left or other.right <= one.left or one.bottom <= other.top + 1
        assert is_apart or other.bottom <= one.top + 1, (one, other)
    for line in picture.lines:
        assert [(box, point) for box in boxes for point in line if box.has(*point)] == []
    # every line begins and ends at a status, at a label, or at another line
    starts, ends = [line[0] for line in picture.lines], [line[-1] for line in picture.lines]
    for place, others in [*((start, ends) for start in starts), *((end, starts) for end in ends)]:
        touches = any(
            box.left <= place[0] <= box.right and min(abs(place[1] - box.top), abs(place[1] - box.bottom)) <= 8
            for box in boxes
        )
        assert touches or any(near(place, other, 1) for other in others), place
    # each arrow points at a status, and each status but the first has one
    pointed = [
        box.name
        for x, y in picture.arrows
        for box in picture.statuses
        if box.left < x < box.right and (abs(y - box.top) < 1 or abs(y - box.bottom) < 1)
    ]
    assert len(pointed) == len(picture.arrows)
    assert set(pointed) == {row.to for row in machine.rows}
    for label in picture.labels:
        x = (label.left + label.right) / 2
        assert any(abs(x - point[0]) <= 1 for line in picture.lines for point in (line[0], line[-1])), label


@machines
def test_the_picture_can_be_read(machine):
    check(machine)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Row, ...]:
    """Machines of any shape: with circles, several ways to the same status, and more than one row for a move."""
    names = [f"status_{number}" for number in range(draw(st.integers(1, 7)))]
    rows = [
        Row(draw(st.sampled_from([NEW, *names[:place]])), "client", "make", name) for place, name in enumerate(names)
    ]
    for _ in range(draw(st.integers(0, 12))):
        source, to = draw(st.sampled_from([NEW, *names])), draw(st.sampled_from(names))
        if source != to:
            by, because = draw(st.sampled_from(["client", "model", "clock"])), draw(st.sampled_from(["go", "give_up"]))
            rows.append(Row(source, by, because, to, draw(st.sampled_from([(), ("ended_at",)]))))
    return tuple({plain(row): row for row in rows}.values())


@given(tables())
@settings(max_examples=40, deadline=None)
def test_a_picture_of_any_machine_can_be_read(rows):
    check(Machine("any", "any", rows))


def test_the_run_is_drawn_with_few_crossings():
    assert layers(MACHINES["run"]).crossings() <= 8


def test_a_move_back_does_not_put_a_status_below_another():
    found = ranks(MACHINES["run"])
    assert found["queued"] < found["in_progress"] < found["requires_action"] < found["cancelling"]
    assert {found[status] for status in terminal(lifecycle.RUN)} == {max(found.values())}


def test_the_picture_stands_alone_in_light_and_dark():
    text = FORMS["svg"](MACHINES.values())
    root = ElementTree.fromstring(text)
    assert "prefers-color-scheme: dark" in text
    assert not re.search(r"href|url\(|@import|<script|<image|http(?!://www\.w3\.org/2000/svg\")", text)
    variables = [set(re.findall(r"--(\w+):", block)) for block in re.findall(r"svg \{(.*?)\}", text, re.DOTALL)]
    assert variables[0] == variables[1] == set(re.findall(r"var\(--(\w+)\)", text))
    titles = [shape.text for shape in root.iter(f"{SVG}text") if shape.get("class") == "title"]
    assert titles == [machine.title for machine in MACHINES.values()]
    assert root.find(f"{SVG}title").text == f"What becomes of a {', '.join(titles)}"


@pytest.mark.parametrize(
    "chosen", [*([machine] for machine in MACHINES.values()), MACHINES.values()], ids=[*MACHINES, "all"]
)
def test_nothing_is_cut_off(chosen):
    root = ElementTree.fromstring(FORMS["svg"](chosen))
    width, height = number(root, "width"), number(root, "height")
    bottoms = [height]
    for group in root.findall(f"{SVG}g"):
        y = float(re.search(r"translate\(0 (\S+)\)", group.get("transform"))[1])
        inner = float(re.search(r"translate\(0 (\S+)\)", group.find(f"{SVG}g").get("transform"))[1])
        boxes = list(group.iter(f"{SVG}rect"))
        assert all(number(box, "x") > 0 and number(box, "x") + number(box, "width") < width for box in boxes)
        bottoms += [y + inner + number(box, "y") + number(box, "height") for box in boxes]
    for shape in root.iter(f"{SVG}text"):
        text = "".join(shape.itertext())
        x, size = number(shape, "x"), 15 if shape.get("class") == "title" else 12
        assert shape.get("class") not in ("title", "legend") or x + len(text) * size * 0.605 < width, text
    [legend] = [shape for shape in root.iter(f"{SVG}text") if shape.get("class") == "legend"]
    assert max(bottoms[1:]) < number(legend, "y") - 8 < height - 16


def test_what_a_move_writes_is_a_hint():
    root = ElementTree.fromstring(FORMS["svg"]([MACHINES["run"]]))
    hints = [title.text for shape in root.iter(f"{SVG}text") for title in shape.iter(f"{SVG}title")]
    written = [row for row in lifecycle.RUN if row.stamps or row.clears]
    assert Counter(hints) == Counter(
        ", ".join([*(f"sets {name}" for name in row.stamps), *(f"clears {name}" for name in row.clears)])
        for row in written
    )
