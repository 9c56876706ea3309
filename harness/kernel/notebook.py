"""Cells, executed one after the other, and what a notebook shows of them."""

from __future__ import annotations

import ast
import builtins
import io
import linecache
import os
import sys
import traceback
from pprint import pformat
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = os.path.join(os.path.dirname(__file__), "")  # tracebacks do not show what lies here
WIDTH = 79
CONTEXT = 2  # lines shown around the one that failed
CUT = "\n[output cut off: more than {limit:,} characters]"


class Printed(io.TextIOBase):
    """What cells print, up to a limit; the rest is thrown away, however much it is."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.pieces: list[str] = []
        self.length = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        left = self.limit - self.length
        if left > 0 and text:
            self.pieces.append(text[:left])
        self.length += len(text)
        return len(text)

    def take(self) -> str:
        text = "".join(self.pieces) + (CUT.format(limit=self.limit) if self.length > self.limit else "")
        self.pieces, self.length = [], 0
        return text.encode(errors="replace").decode()  # half of a surrogate pair is no character


class Notebook:
    """Variables, and cells that are executed one after the other.

    `show` gets the bytes of what a cell draws.
    """

    def __init__(self, show: Callable[[bytes], None]) -> None:
        self.names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
        self._show = show
        self._number = 0

    def run(self, source: str) -> None:
        """Execute a cell and print what its last expression is; an exception is printed, too."""
        self._number += 1
        sys.stdin = io.StringIO()  # nobody answers; exit() closes it
        name = f"Cell In[{self._number}]"
        linecache.cache[name] = (len(source), None, source.splitlines(keepends=True), name)
        try:
            self._execute(source, name)
        except BaseException as error:  # noqa: BLE001 - also exit() and Ctrl-C end the cell, not the notebook
            sys.stdout.write(failure(error))
        self._draw_figures()

    def _execute(self, source: str, name: str) -> None:
        body = ast.parse(source, name).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";") else None
        exec(compile(ast.Module(body, []), name, "exec"), self.names)  # noqa: S102 - that is what it is for
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), name, "eval"), self.names)  # noqa: S307 - that is what it is for
            if value is not None:
                self.names["_"] = value
                self._display(value)

    def _display(self, value: object) -> None:
        """As a notebook: a picture if the value is one, else its text, long collections an item a line (recorded)."""
        as_png = getattr(type(value), "_repr_png_", None)
        picture = as_png(value) if as_png is not None else None
        if isinstance(picture, bytes):
            self._show(picture)
            return
        text = repr(value)
        if isinstance(value, (dict, list, set, tuple, frozenset)) and len(text) > WIDTH:
            text = pformat(value, width=WIDTH, sort_dicts=False)
        sys.stdout.write(text)

    def _draw_figures(self) -> None:
        plots: Any = sys.modules.get("matplotlib.pyplot")
        if plots is None:
            return
        for number in plots.get_fignums():
            drawn = io.BytesIO()
            try:
                plots.figure(number).savefig(drawn, format="png")
                self._show(drawn.getvalue())
            except Exception as error:  # noqa: BLE001 - the figure is the cell's: its error is, too
                sys.stdout.write(failure(error))
            plots.close(number)


def failure(error: BaseException) -> str:
    """An exception as notebooks show it. That the service did so is not recorded (a guess)."""
    name = type(error).__name__
    if isinstance(error, SyntaxError) and error.filename is not None and error.filename.startswith("Cell In["):
        shown = "".join(traceback.format_exception_only(type(error), error))
        return shown.replace(f'  File "{error.filename}", line', f"  {error.filename}, line", 1).rstrip("\n") + "\n"
    lines = ["-" * 75, name + "Traceback (most recent call last)".rjust(75 - len(name))]
    frames = traceback.extract_tb(error.__traceback__)
    for frame in (frame for frame in frames if not frame.filename.startswith((HERE, "<frozen"))):
        line = frame.lineno or 0
        inside = "" if frame.name == "<module>" else f", in {frame.name}"
        if not frame.filename.startswith("Cell In["):
            lines += [f"File {frame.filename}:{line}{inside}", ""]
            continue
        lines.append(f"{frame.filename}, line {line}{inside}")
        source = linecache.getlines(frame.filename)
        for number in range(max(1, line - CONTEXT), min(len(source), line + CONTEXT) + 1):
            left = 7 - len(str(number))
            mark = "-" * (left - 2) + "> " if number == line else " " * left
            lines.append(f"{mark}{number} {source[number - 1]}".rstrip())
        lines.append("")
    return "\n".join([*lines, f"{name}: {error}" if str(error) else name]) + "\n"
