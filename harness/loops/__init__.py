"""The loop that a client is in, and the statuses of a run that it waits for, read off the stack and the source.

`enclosing_loop` is called when a client seems to be stuck, and for no ordinary request. `enclosing.py` finds the loops
around a line of source, and `interpretation.py` says when they end.
"""

from __future__ import annotations

import linecache
import sys
from dataclasses import replace
from inspect import CO_COROUTINE
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from harness.loops.enclosing import enclosing_loops, enclosing_timeouts
from harness.loops.tasks import waiting_stacks
from harness.service.deadlines import TIMEOUTS, Deadline

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
    {
        *("IPython", "_pytest", "anyio", "apscheduler", "hypothesis", "ipykernel", "pluggy", "pytest", "trio"),
        *("uvicorn", "uvloop"),
    }
)
TENACITY = Deadline("time.monotonic", "time.monotonic", "tenacity")
# Packages that repeat what a client tells them to, in loops of their own, most often only so many times; and the clocks
# that they read outside of those loops.
REPEATERS = {
    **dict.fromkeys(("backoff", "polling", "polling2", "retry", "retrying"), ()),
    **dict.fromkeys(("stamina", "tenacity"), (TENACITY,)),
}


def enclosing_loop() -> Loop | None:
    """The client's loop around the current request: the innermost that waits for a status, else the innermost.

    If there is none on the stack of this thread, a task may wait for what this thread or task does, as after
    `asyncio.to_thread`: then the only loop of tasks that waits for a status. None if there are several such loops, or
    none, or the source cannot be read.
    """
    return _loop_on(list(_client_frames(sys._getframe(1)))) or _only_loop_of_tasks()


def _only_loop_of_tasks() -> Loop | None:
    """That loop; that it never ends is not for sure, as it might not be what waits for this request."""
    others = {*LIBRARIES, *RUNNERS, *sys.stdlib_module_names}
    found = {_loop_on([frame for frame in stack if package_of(frame) not in others]) for stack in waiting_stacks()}
    waiting = [loop for loop in found if loop is not None and (loop.waits_for or loop.unknown)]
    return replace(waiting[0], stays_on=frozenset()) if len(waiting) == 1 else None


def _loop_on(stack: list[FrameType]) -> Loop | None:
    """The loop that is asked for on a stack, with the timeouts around it."""
    loop, frames = _loop_among(stack)
    if loop is None:
        return None
    # most functions name no timeout, and to parse the files of a deep stack takes seconds
    limited = [frame for frame in frames[1:] if not TIMEOUTS.isdisjoint(frame.f_code.co_names)]
    outside = (timeout for frame in limited for timeout in enclosing_timeouts(*_place(frame)))
    return replace(loop, timeouts=(*loop.timeouts, *outside))


def _loop_among(frames: list[FrameType]) -> tuple[Loop | None, list[FrameType]]:
    """The loop that is asked for, and the frames from that with the loop outwards."""
    innermost: tuple[Loop | None, list[FrameType]] = None, []
    while frames:
        source, line, module = _place(frames[0])
        if not source:
            break
        package = package_of(frames[0])
        for loop in enclosing_loops(source, line, Path(frames[0].f_code.co_filename).name, module):
            if package == "openai":
                return _at_call_site(loop, frames), frames
            if loop.waits_for or loop.unknown:
                return loop, frames
            if innermost[0] is None:
                innermost = _of_repeater(loop, frames) if package in REPEATERS else loop, frames
        frames = frames[1:]
    return innermost


def _place(frame: FrameType) -> tuple[str, int, str]:
    """The source that a frame executes, the line where it is, and the name of its module."""
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    return "".join(lines), frame.f_lineno, str(frame.f_globals.get("__name__", ""))


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


def _of_repeater(loop: Loop, frames: list[FrameType]) -> Loop:
    clocks = REPEATERS[package_of(frames[0])]
    return replace(_at_call_site(loop, frames), counts=True, clocks=(*loop.clocks, *clocks))


def _at_call_site(loop: Loop, frames: list[FrameType]) -> Loop:
    """A loop of a library, with the client's line that called it, and the name to give it.

    Args:
        frames: from that with the loop outwards.
    """
    package = package_of(frames[0])
    inside = list(takewhile(lambda frame: package_of(frame) == package, frames))
    loop = replace(loop, helper=package if package in REPEATERS else inside[-1].f_code.co_name)
    if len(inside) == len(frames):
        return loop
    caller = frames[len(inside)]
    file = caller.f_code.co_filename
    source = linecache.getline(file, caller.f_lineno, caller.f_globals).strip()
    return replace(loop, file=Path(file).name, line=caller.f_lineno, source=source)


def package_of(frame: FrameType) -> str:
    """The package whose code a frame executes; empty if its module has no name."""
    return str(frame.f_globals.get("__name__", "")).partition(".")[0]
