"""A tutorial as a notebook: its cells, run in order in one namespace, and what its document says they printed."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

CELL = re.compile(r"^# %% (.*)$", re.MULTILINE)
ID = re.compile(r"\b(asst|thread|msg|run|call|step|file)([-_])\w{20,}")


@dataclass(frozen=True)
class Cell:
    title: str
    source: str


def read_cells(path: Path) -> list[Cell]:
    _, *parts = CELL.split(path.read_text(encoding="utf-8", errors="replace"))
    return [Cell(title, source) for title, source in zip(parts[::2], parts[1::2], strict=True)]


@dataclass
class Notebook:
    """Runs cells as Jupyter does: an expression at the end of a cell is displayed too.

    `answers` are what the user types at `input`; `displayed` is what was displayed, in order.
    """

    answers: Iterable[str] = ()
    namespace: dict[str, Any] = field(default_factory=dict)
    displayed: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        typed: Iterator[str] = iter(self.answers)
        self.namespace |= {"display": self.displayed.append, "input": lambda prompt: next(typed)}

    def run(self, cell: Cell) -> None:
        tree = ast.parse(cell.source, cell.title)
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, cell.title, "exec"), self.namespace)
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), cell.title, "eval"), self.namespace)
            if value is not None:
                self.displayed.append(value)


class Document:
    """The text of a tutorial, with the outputs of its cells."""

    def __init__(self, path: Path) -> None:
        self.text = path.read_text(encoding="utf-8", errors="replace")

    def found(self, pattern: str) -> str:
        """The group of this pattern, which has to be in the document once or always the same."""
        [text] = set(re.findall(pattern, self.text, re.MULTILINE | re.DOTALL))
        return text

    def lacks(self, output: str) -> list[str]:
        """The lines of an output that the document does not show; ids and the space around a line do not count."""
        shown = {_comparable(line) for line in self.text.split("\n")}
        return [line for line in output.split("\n") if _comparable(line) not in shown]

    @property
    def objects(self) -> list[Any]:
        """The objects it shows, in order. Of one that is cut off, the names of its visible keys."""
        return [_parse(block) for block in re.findall(r"^\{'.*\n(?: .*\n)*", self.text, re.MULTILINE)]


def _parse(block: str) -> Any:
    try:
        return ast.literal_eval(block)
    except SyntaxError:
        return re.findall(r"^[{ ]'(\w+)':", block, re.MULTILINE)


def _comparable(line: str) -> str:
    return ID.sub(r"\1\2…", line).strip()


def shape(value: Any) -> Any:
    """An object without what differs from day to day: ids, and numbers, which are timestamps and token counts."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, str):
        return ID.sub(r"\1\2…", value)
    return int if type(value) is int else value
