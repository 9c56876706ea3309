"""Which loop a client is in, and for which statuses of a run it waits: read off its stack and its source.

`loop_around` is asked when a client seems to be stuck, and for no ordinary request. `around.py` finds the loops
around a line of a source, and `passes.py` says when they end.
"""

from __future__ import annotations

import linecache
import sys
from dataclasses import replace
from inspect import CO_COROUTINE
from pathlib import Path
from typing import TYPE_CHECKING

from harness.loops.around import loops_in

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from harness.service.stuck import Loop

# What stands between a client's own code and the fake: the SDK, HTTP libraries, this package, and what wraps functions.
BETWEEN = frozenset(
    {
        *("harness", "httpcore", "httpx", "httpx2", "openai", "vcr"),
        *("contextlib", "functools", "typing_extensions", "warnings", "wrapt"),
    }
)
# What calls a client's code, besides the standard library (threads, event loops): loops there are not the client's.
RUNNERS = frozenset(
    {"IPython", "_pytest", "anyio", "hypothesis", "ipykernel", "pluggy", "pytest", "trio", "uvicorn", "uvloop"}
)


def loop_around() -> Loop | None:
    """The client's loop around the request that is being answered: the innermost that waits for a status, or else the
    innermost of all.

    None if there is none on the stack of this thread, or its source is not known.
    """
    innermost = None
    for frame in _clients_frames(sys._getframe(1)):
        lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
        if not lines:
            break
        for loop in loops_in("".join(lines), frame.f_lineno, Path(frame.f_code.co_filename).name):
            if package_of(frame) == "openai":
                return _called(loop, frame)
            if loop.waits_for or loop.unknown:
                return loop
            innermost = innermost or loop
    return innermost


def _clients_frames(frame: FrameType | None) -> Iterator[FrameType]:
    """The frames of the client from the inside out, and those of the SDK's own pollers."""
    while frame is not None:
        package = package_of(frame)
        if package == "openai" and "poll" in frame.f_code.co_name:
            yield frame
        elif package not in BETWEEN:
            # a coroutine of asyncio, such as `wait_for`, awaits the client's; a plain function is the event loop
            if package in RUNNERS or (package in sys.stdlib_module_names and not frame.f_code.co_flags & CO_COROUTINE):
                return
            yield frame
        frame = frame.f_back


def _called(loop: Loop, frame: FrameType) -> Loop:
    """A loop of the SDK, with the line of the client that called it, and the name that was called."""
    name = frame.f_code.co_name
    caller = frame.f_back
    while caller is not None and package_of(caller) in BETWEEN:
        name = caller.f_code.co_name if "poll" in caller.f_code.co_name else name
        caller = caller.f_back
    if caller is None:
        return replace(loop, sdk=name)
    file = caller.f_code.co_filename
    source = linecache.getline(file, caller.f_lineno, caller.f_globals).strip()
    return replace(loop, file=Path(file).name, line=caller.f_lineno, source=source, sdk=name)


def package_of(frame: FrameType) -> str:
    """The package whose code a frame executes; empty if that has no name."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
