"""How the tutorials wait for a run, taken out of them when it is needed, as clients for `explore`.

Each client is a few cells of a tutorial, from the assistant's creation to the printed answer, executed as they are but
for their files: an upload waits for nothing, and what it is attached to has changed since.
"""

from __future__ import annotations

import ast
import io
import re
from contextlib import redirect_stdout
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING, Any

import openai
from notebook import Cell, Notebook
from tutorials import cells

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

V2 = tuple(int(part) for part in openai.__version__.split(".")[:2]) >= (1, 21)
SEARCHES_FILES = "file_search" if V2 else "retrieval"
DEFINITIONS = ast.FunctionDef | ast.Import | ast.ImportFrom
SPEAKER = re.compile(r"^(?:(assistant|user): |\[(ASSISTANT|USER)\]\n)", re.MULTILINE)


class WithoutFiles(ast.NodeTransformer):
    """A cell that uploads nothing and attaches nothing; and whose tool for files has the name of this SDK's days."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST | None:
        uploads = isinstance(node.value, ast.Call) and ast.unparse(node.value.func).endswith("files.create")
        return None if uploads else self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        node.keywords = [keyword for keyword in node.keywords if keyword.arg != "file_ids"]
        return self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> ast.AST:
        return ast.Constant(SEARCHES_FILES) if node.value == "retrieval" else node


@dataclass(frozen=True)
class Part:
    """Some of a tutorial's cell.

    Attributes:
        cell: its title; or its number, where titles are all the same.
        definitions: only its functions and imports, not what it does with them.
        waiting: only if the run waits for outputs, which the text around the cell says.
    """

    cell: str | int
    definitions: bool = False
    waiting: bool = False

    def of(self, number: str) -> Cell:
        found = cells(number)
        by_title = {cell.title: cell for cell in found}
        cell = found[self.cell] if isinstance(self.cell, int) else by_title[f"lines {self.cell}"]
        tree = WithoutFiles().visit(ast.parse(cell.source))
        if self.definitions:
            tree.body = [node for node in tree.body if isinstance(node, DEFINITIONS)]
        return Cell(cell.title, ast.unparse(ast.fix_missing_locations(tree)))


@dataclass(frozen=True)
class TutorialClient:
    """One way in which a tutorial waits for a run, and shows what has come of it."""

    name: str
    title: str
    parts: Sequence[Part]

    @property
    def number(self) -> str:
        return self.name.partition("-")[0]

    @property
    def source(self) -> str:
        """All that is executed."""
        return "\n".join(part.of(self.number).source for part in self.parts)

    @property
    def client(self) -> Callable[[], str]:
        """A function that does it, and returns the answer that the tutorial shows; nothing if it shows none."""
        program = [(part, part.of(self.number)) for part in self.parts]

        def client() -> str:
            notebook = Notebook(answers=repeat("1"), namespace={"api_key": None})
            with redirect_stdout(io.StringIO()) as printed:
                for part, cell in program:
                    if not part.waiting or notebook.namespace["run"].status == "requires_action":
                        notebook.run(cell)
            return shown(notebook.displayed) or said(printed.getvalue())

        client.__name__ = f"tutorial_{self.name.replace('-', '_')}"
        return client


def shown(displayed: Sequence[Any]) -> str:
    """The assistant's texts in the list of messages that was displayed last."""
    last = displayed[-1] if displayed else None
    messages = last["data"] if isinstance(last, dict) and "data" in last else []
    said = [message["content"] for message in messages if message["role"] == "assistant"]
    return "\n".join(part["text"]["value"] for content in said for part in content if part["type"] == "text")


def said(printed: str) -> str:
    """The assistant's lines in a printed dialogue; nothing if the program has printed that the run failed."""
    before, *turns = SPEAKER.split(printed)
    if before.strip() not in ("", "# Messages"):
        return ""
    dialogue = zip(turns[::3], turns[1::3], turns[2::3], strict=True)
    return "\n".join(text.strip() for lower, upper, text in dialogue if "assistant" in (lower, (upper or "").lower()))


TUTORIAL_CLIENTS = {
    client.name: client
    for client in (
        TutorialClient(
            "000-analyst", "waits for `completed` or `failed`", [Part(number) for number in (0, 2, 3, 4, 5)]
        ),
        TutorialClient("000-program", "the same, and reports an error", [Part(4, definitions=True), Part(0), Part(7)]),
        TutorialClient(
            "002-tutor",
            "`wait_on_run`, then the list of messages",
            [
                Part(lines)
                for lines in ("33-43", "62-72", "95-97", "106-112", "141-146", "171-181", "183-185", "211-213")
            ],
        ),
        TutorialClient(
            "002-functions",
            "`wait_on_run` with its functions around it",
            [
                *(Part(lines) for lines in ("33-43", "62-72", "297-315")),
                *(Part(lines, definitions=True) for lines in ("321-335", "339-377")),
                Part("436-442"),
            ],
        ),
        TutorialClient(
            "003-ask", "`wait_on_run` in `ask`", [Part(lines) for lines in ("74-80", "603-621", "638-651", "666-717")]
        ),
        TutorialClient(
            "003-quiz",
            "`ask`, and the user's answers are the function's output",
            [
                *(Part(lines, definitions=True) for lines in ("74-80", "603-621", "638-651", "666-717")),
                *(Part(lines) for lines in ("1415-1417", "1476-1515", "1546-1560", "1566-1602")),
                Part("1632-1651", waiting=True),
            ],
        ),
        TutorialClient(
            "004-create_and_poll",
            "`create_and_poll`, and a look at the status",
            [Part(lines) for lines in ("22-25", "42-44", "53-59", "73-76", "79-80", "86-91", "113-117", "168-174")],
        ),
    )
}
