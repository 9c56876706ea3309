"""What the child process does: one line of JSON is a cell, one line of JSON its outcome."""

from __future__ import annotations

import json
import os
import sys
import warnings

from .guarding import Guard, allow_cpu, leave_network, limit, refuse_processes
from .notebook import Notebook, Printed
from .places import FOLDER, Places, lead


def main() -> None:
    """Serve cells from standard input until it ends, which it also does when the parent is gone."""
    cells, outcomes = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    setup = json.loads(cells.readline())
    folder, drawings = os.path.realpath(setup["folder"]), os.path.realpath(setup["drawings"])
    limits = setup["limits"]
    printed = Printed(limits["output"])
    sys.argv = [""]
    warnings.filterwarnings("ignore", message=".*non-interactive.*")
    os.chdir(folder)
    leave_network()
    limit(limits)
    refuse_processes()
    shown: list[str] = []

    def show(picture: bytes) -> None:
        path = os.path.join(drawings, f"{len(os.listdir(drawings))}.png")
        with open(path, "wb") as file:
            file.write(picture)
        shown.append(os.path.basename(path))

    places = Places(folder, {})
    guard = Guard(places, os.path.realpath(setup["root"]), disk=limits["disk"], files=limits["files"])
    lead(places)
    sys.addaudithook(guard)
    notebook = Notebook(printed, show)
    outcomes.write(b"{}\n")
    outcomes.flush()
    for line in cells:
        cell = json.loads(line)
        places.names.update(cell["names"])
        shown.clear()
        try:
            os.getcwd()
        except OSError:  # an earlier cell removed it, and the parent has made it anew
            os.chdir(folder)
        allow_cpu(limits["cpu"])
        notebook.run(cell["source"])
        logs = printed.take().replace(folder, FOLDER)
        outcomes.write(json.dumps({"logs": logs, "drawings": shown}).encode() + b"\n")
        outcomes.flush()
