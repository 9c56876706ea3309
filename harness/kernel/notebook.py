"""Executes cells one after the other, and shows their results as a notebook does."""

from __future__ import annotations

import ast
import builtins
import io
import linecache
import os
import sys
import traceback
from functools import partial
from pprint import pformat
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = os.path.join(os.path.dirname(__file__), "")  # frames of files in this folder are left out of tracebacks
WIDTH = 79
CONTEXT = 2  # lines shown around the one that failed
CUT = "\n[output cut off: more than {limit:,} characters]"


class OutputBuffer(io.TextIOBase):
    """Collects what cells print, up to a limit; the rest is discarded, however much it is."""

    encoding = "utf-8"

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.pieces: list[str] = []
        self.length = 0

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text).__name__}")
        left = self.limit - self.length
        if left > 0 and text:
            self.pieces.append(text[:left])
        self.length += len(text)
        return len(text)

    def close(self) -> None:
        """Does nothing, as later cells print, too."""

    def take(self) -> str:
        """The text collected since the last call."""
        text = "".join(self.pieces) + (CUT.format(limit=self.limit) if self.length > self.limit else "")
        self.pieces, self.length = [], 0
        return text.encode(errors="replace").decode()  # half of a surrogate pair is no character


class Notebook:
    """A namespace in which cells are executed.

    Args:
        output: collects what they print.
        show_image: is called with each image that they draw, as PNG.
    """

    def __init__(self, output: OutputBuffer, show_image: Callable[[bytes], None]) -> None:
        module = ModuleType("__main__")  # where `pickle` and `typing` look up what a cell defines
        module.__dict__["__builtins__"] = builtins
        sys.modules["__main__"] = module
        self.names: dict[str, Any] = module.__dict__
        self._output = output
        self._show_image = show_image
        self._number = 0

    def run(self, source: str) -> None:
        """Execute a cell and print the value of its last expression, or the exception it raises."""
        self._number += 1
        sys.stdout = sys.stderr = self._output  # an earlier cell may have put something else there
        sys.stdin = io.StringIO()  # empty, and new each time: exit() closes it
        name = f"Cell In[{self._number}]"
        # not `splitlines`: in Python's grammar a form feed ends no line
        lines = list(io.StringIO(source, newline=None))
        linecache.cache[name] = (len(source), None, lines, name)
        self._attempt(self._execute, source, name)
        self._attempt(self._draw_figures)

    def _attempt(self, step: Callable[..., None], *arguments: Any) -> None:
        try:
            step(*arguments)
        except BaseException as error:  # noqa: BLE001 - also exit() and Ctrl-C end the cell, not the notebook
            self._output.write(failure(error))

    def _execute(self, source: str, name: str) -> None:
        body = ast.parse(source, name).body
        last = body.pop() if body and isinstance(body[-1], ast.Expr) and not source.rstrip().endswith(";") else None
        compiled = partial(compile, filename=name, dont_inherit=True)  # this file's `from __future__` is not the cell's
        exec(compiled(ast.Module(body, []), mode="exec"), self.names)  # noqa: S102 - that is what it is for
        if isinstance(last, ast.Expr):
            value = eval(compiled(ast.Expression(last.value), mode="eval"), self.names)  # noqa: S307 - that is what it is for
            if value is not None:
                self.names["_"] = value
                self._display(value)

    def _display(self, value: object) -> None:
        """Show a value as its image, if it has one, or its `repr`: long collections with one item a line (recorded)."""
        as_png = getattr(type(value), "_repr_png_", None)
        picture = as_png(value) if as_png is not None else None
        if isinstance(picture, bytes):
            self._show_image(picture)
            return
        text = repr(value)
        if isinstance(value, (dict, list, set, tuple, frozenset)) and len(text) > WIDTH:
            text = pformat(value, width=WIDTH, sort_dicts=False)
        self._output.write(text)

    def _draw_figures(self) -> None:
        plots: Any = sys.modules.get("matplotlib.pyplot")
        if plots is None:
            return
        for number in plots.get_fignums():
            self._attempt(self._draw, plots, number)
            plots.close(number)

    def _draw(self, plots: Any, number: int) -> None:
        drawn = io.BytesIO()
        plots.figure(number).savefig(drawn, format="png")
        self._show_image(drawn.getvalue())


def failure(error: BaseException) -> str:
    """An exception as notebooks show it. That the service did the same is a guess, not recorded."""
    name = type(error).__name__
    if isinstance(error, SyntaxError) and isinstance(error.filename, str) and error.filename.startswith("Cell In["):
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
    try:
        said = str(error)
    except BaseException:  # noqa: BLE001 - the exception's `__str__` is the cell's code
        said = "<exception str() failed>"  # as Python itself puts it
    return "\n".join([*lines, f"{name}: {said}" if said else name]) + "\n"
