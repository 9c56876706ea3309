"""The stacks of tasks of asyncio that wait for a thread, or for another task, to make their request."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from harness import sleeping

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType


def waiting_stacks() -> Iterator[list[FrameType]]:
    """The frames of each task that waits for something else than a sleep, innermost first.

    Only of event loops on which something has slept virtually: those of tests, and no others.
    """
    for loop in list(sleeping.event_loops):
        for task in asyncio.all_tasks(loop):
            frames = list(_frames(task.get_coro()))
            if all(frame.f_globals is not vars(sleeping) for frame in frames):
                yield frames[::-1]


def _frames(coroutine: Any) -> Iterator[FrameType]:
    """The frames of a coroutine and of all those that it awaits, outermost first."""
    while (frame := getattr(coroutine, "cr_frame", None)) is not None:
        yield frame
        coroutine = coroutine.cr_await
