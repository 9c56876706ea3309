"""The child process: reads cells and writes their outcomes, each as one line of JSON."""

from __future__ import annotations

import json
import os
import sys
import warnings
from typing import TYPE_CHECKING

from .guard import Guard, extend_cpu_limit, isolate_network, refuse_fork_exec, set_limits
from .notebook import Notebook, OutputBuffer
from .redirect import FOLDER, PathRedirect, redirect_paths

if TYPE_CHECKING:
    from typing import BinaryIO


def _take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The pipes to the parent; in their place, cells get the null device as standard input and output."""
    cells, outcomes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    return cells, outcomes


def main() -> None:
    """Execute cells from standard input until that ends, as it does when the parent is gone."""
    cells, outcomes = _take_pipes()
    setup = json.loads(cells.readline())
    folder, drawings = os.path.realpath(setup["folder"]), os.path.realpath(setup["drawings"])
    limits = setup["limits"]
    output = OutputBuffer(limits["output"])
    sys.argv = [""]
    warnings.filterwarnings("ignore", message=".*non-interactive.*")
    os.chdir(folder)
    isolate_network()
    set_limits(limits)
    refuse_fork_exec()
    shown: list[str] = []

    def show_image(picture: bytes) -> None:
        path = os.path.join(drawings, f"{len(os.listdir(drawings))}.png")
        with open(path, "wb") as file:
            file.write(picture)
        shown.append(os.path.basename(path))

    redirect = PathRedirect(folder, {})
    guard = Guard(redirect, os.path.realpath(setup["root"]), disk=limits["disk"], files=limits["files"])
    redirect_paths(redirect)
    sys.addaudithook(guard)
    notebook = Notebook(output, show_image)
    outcomes.write(b"{}\n")
    outcomes.flush()
    for line in cells:
        cell = json.loads(line)
        redirect.names.update(cell["names"])
        shown.clear()
        try:
            os.getcwd()
        except OSError:  # an earlier cell removed the folder, and the parent has created it again
            os.chdir(folder)
        extend_cpu_limit(limits["cpu"])
        notebook.run(cell["source"])
        logs = output.take().replace(folder, FOLDER)
        outcomes.write(json.dumps({"logs": logs, "drawings": shown}).encode() + b"\n")
        outcomes.flush()
