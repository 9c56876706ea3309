"""The loop that a client is in, and the statuses of a run that it waits for, read off the stack and the source.

`enclosing_loop` is called when a client seems to be stuck, and for no ordinary request. `enclosing.py` finds the loops
around a line of source, and `interpretation.py` says when they end.
"""

from __future__ import annotations

import linecache
import sys
from dataclasses import replace
from inspect import CO_COROUTINE
from pathlib import Path
from typing import TYPE_CHECKING

from harness.loops.enclosing import enclosing_loops

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from harness.service.stuck import Loop

# Packages between a client's own code and the fake: the SDK, HTTP libraries, this package, and wrappers of functions.
LIBRARIES = frozenset(
    {
        *("harness", "httpcore", "httpx", "httpx2", "openai", "vcr"),
        # `deprecated`, which decorates the SDK's methods, is in `_py_warnings` from Python 3.14 on
        *("contextlib", "functools", "typing_extensions", "warnings", "_py_warnings", "wrapt"),
    }
)
# Packages that call a client's code, besides the standard library (threads, event loops): their loops are not its own.
RUNNERS = frozenset(
    {"IPython", "_pytest", "anyio", "hypothesis", "ipykernel", "pluggy", "pytest", "trio", "uvicorn", "uvloop"}
)


def enclosing_loop() -> Loop | None:
    """The client's loop around the current request: the innermost that waits for a status, else the innermost.

    None if there is none on the stack of this thread, or its source cannot be read.
    """
    innermost = None
    for frame in _client_frames(sys._getframe(1)):
        lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
        if not lines:
            break
        for loop in enclosing_loops("".join(lines), frame.f_lineno, Path(frame.f_code.co_filename).name):
            if package_of(frame) == "openai":
                return _at_call_site(loop, frame)
            if loop.waits_for or loop.unknown:
                return loop
            innermost = innermost or loop
    return innermost


def _client_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of the client and of the SDK's own pollers, innermost first."""
    while frame is not None:
        package = package_of(frame)
        if package == "openai" and "poll" in frame.f_code.co_name:
            yield frame
        elif package not in LIBRARIES:
            # a coroutine of asyncio, such as `wait_for`, awaits the client; a plain function of it is the event loop
            if package in RUNNERS or (package in sys.stdlib_module_names and not frame.f_code.co_flags & CO_COROUTINE):
                return
            yield frame
        frame = frame.f_back


def _at_call_site(loop: Loop, frame: FrameType) -> Loop:
    """A loop of the SDK, with the client's line that called it, and the name of the function called."""
    name = frame.f_code.co_name
    caller = frame.f_back
    while caller is not None and package_of(caller) in LIBRARIES:
        name = caller.f_code.co_name if "poll" in caller.f_code.co_name else name
        caller = caller.f_back
    if caller is None:
        return replace(loop, sdk=name)
    file = caller.f_code.co_filename
    source = linecache.getline(file, caller.f_lineno, caller.f_globals).strip()
    return replace(loop, file=Path(file).name, line=caller.f_lineno, source=source, sdk=name)


def package_of(frame: FrameType) -> str:
    """The package whose code a frame executes; empty if its module has no name."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
