"""Sleeping without waiting: `virtual_sleep` turns seconds slept into seconds reported.

Sleepers on an event loop are a discrete-event simulation: each has a due time, and when the loop has nothing
else to run, the time of the earliest has come.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import contextmanager
from functools import wraps
from heapq import heappop, heappush
from itertools import count
from math import inf
from threading import Lock, active_count
from typing import TYPE_CHECKING, Any, SupportsIndex
from weakref import WeakKeyDictionary

import anyio

from harness.patching import retire, unwrap_retired

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from types import FrameType

POLLS_THE_MACHINE = frozenset(
    {"filelock._api", "subprocess", "uvicorn.server", "gradio", "sse_starlette", "websockets"}
)
"""Modules, and packages, whose sleeps stay real: they watch a process, a socket or a file, or keep a connection awake,
which virtual time does not hurry."""

SHARE = 0.01
"""Real seconds, at most, that a virtual sleep takes while there are threads that began later than the fake: who looks a
hundred times whether such a thread is done, gives it a chance to be."""

BUSY_TURNS = 10_000
"""How many turns of a loop with other things to run a sleeper waits for them: not for ever, as they may be
running in circles around `sleep(0)` until that sleeper has done its work."""

BLIND_TURNS = 100
"""The same for a loop that does not show what it has to run, such as uvloop's."""


@contextmanager
def virtual_sleep(slept: Callable[[float], None]) -> Iterator[None]:
    """While active, `time.sleep`, `asyncio.sleep` and `anyio.sleep` take no time and report it to `slept`.

    Names imported earlier (`from time import sleep`) are replaced in every module that calls them `sleep`; a
    copy under another name or in a default argument keeps sleeping for real. Concurrent sleepers of one loop
    wake in the order of their due times, and what they report adds up to the time that has passed, not to the
    sum of their sleeps. A sleep that takes no time anyway, or never ends, stays real; so do the originals'
    errors for negative times and NaN.

    What surprises:

    - `asyncio.timeout`, `wait_for` and sockets live in real time. A loop that waits for them, or for a
      thread, has nothing to run, so its sleepers wake.
    - Between threads, hence between the loops of several threads, there is no order: a thread that does
      `sleep(1)` in circles drives the clock as fast as it can.
    - While there are threads that began later than this, a sleep takes a tenth of its time, and no more than `SHARE`.
    - Under trio there is no order either: a sleep through `anyio` reports and yields, `trio.sleep` is real.
    - Who still sleeps when this ends sleeps the rest for real.

    `slept` is called in the sleeper's thread and task. Raises, in the sleeper: what `slept` raises.
    """
    clock = _Clock(slept)
    replacements: dict[Any, Any] = {
        time.sleep: _thread_sleep(clock, time.sleep),
        asyncio.sleep: _asyncio_sleep(clock, asyncio.sleep),
        anyio.sleep: _anyio_sleep(clock, anyio.sleep),
    }
    _rename(replacements)
    try:
        yield
    finally:
        clock.live = False
        # by another scan: modules imported meanwhile have taken hold of a replacement
        _rename({replacement: unwrap_retired(original) for original, replacement in replacements.items()})
        for replacement in replacements.values():
            retire(replacement)


def _rename(replacements: dict[Any, Any]) -> None:
    """Replace functions in all loaded modules that call them `sleep`."""
    by_identity = {id(old): new for old, new in replacements.items()}
    for names in _namespaces.with_sleep():
        if (new := by_identity.get(id(names.get("sleep")))) is not None:
            names["sleep"] = new


class _Namespaces:
    """Those of the loaded modules that have a `sleep`, or may get one without another import.

    One module in a hundred has any, and a process has thousands: looking at all of them takes longer than the flow of
    many a test. So that is done only when others are loaded than at the last look; what was loaded then is kept for it.
    """

    def __init__(self) -> None:
        self._last_look: tuple[dict[str, Any], list[dict[str, Any]]] = {}, []  # as one, for threads that look at once

    def with_sleep(self) -> list[dict[str, Any]]:
        loaded, found = self._last_look
        if sys.modules != loaded:
            loaded = sys.modules.copy()
            found = [names for name, module in loaded.items() if (names := _names(module)) and _may_sleep(name, names)]
            self._last_look = loaded, found
        return found


_namespaces = _Namespaces()


def _names(module: Any) -> dict[str, Any]:
    try:
        # past the module's own __getattribute__, which in a lazy module would import it
        names: dict[str, Any] = object.__getattribute__(module, "__dict__")
    except AttributeError:  # sys.modules may hold anything, and does
        return {}
    return names


def _may_sleep(name: str, names: dict[str, Any]) -> bool:
    """Whether it has a `sleep`, or is still being written: by an import under way, or in a notebook."""
    return "sleep" in names or name == "__main__" or getattr(names.get("__spec__"), "_initializing", False)


async def pause(seconds: float) -> None:
    """Sleep on whichever loop runs, virtually while sleeping is virtual: those who sleep less wake first."""
    await (asyncio.sleep(seconds) if on_asyncio() else anyio.sleep(seconds))


class _Clock:
    """How much time has been slept away, by whichever thread, and who is still asleep on which loop."""

    def __init__(self, slept: Callable[[float], None]) -> None:
        self.live = True
        self.now = 0.0
        self._slept = slept
        self._threads = active_count()
        self._lock = Lock()
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _Sleepers] = WeakKeyDictionary()

    def governs(self, seconds: object) -> bool:
        """Whether this sleep is virtual; whatever the originals would refuse is left to them."""
        is_time = isinstance(seconds, (float, SupportsIndex)) and 0 < float(seconds) < inf
        return self.live and is_time and not _polls_the_machine(_caller())

    def share(self, seconds: float) -> float:
        """Of a sleep, the real seconds that are left to other threads."""
        return min(seconds / 10, SHARE) if active_count() > self._threads else 0

    def sleepers(self) -> _Sleepers:
        """Those of the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            for other in list(self._loops):
                if other.is_closed():  # who was asleep there still holds it, cancelled or not
                    self._loops.pop(other, None)
            self._loops[loop] = _Sleepers(self)
        return self._loops[loop]

    def pass_by(self, seconds: float) -> None:
        with self._lock:
            self.now += seconds
        self._slept(float(seconds))

    def reach(self, due: float) -> None:
        """Let pass what is missing until `due`, which may be nothing if others have slept meanwhile."""
        with self._lock:
            seconds = round(due - self.now, 9)  # three sleeps of 0.1 are to be reported as 0.1 each
            self.now = max(self.now, due)
        if self.live and seconds > 0:
            self._slept(seconds)


def _caller() -> str:
    """The module that wants to sleep: the nearest frame outside this file, as interceptions may be nested."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return frame.f_globals.get("__name__", "") if frame is not None else ""


def _polls_the_machine(module: str) -> bool:
    return module in POLLS_THE_MACHINE or module.partition(".")[0] in POLLS_THE_MACHINE


class _Sleepers:
    """Who is asleep on one event loop, and the callback that wakes them in order."""

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock
        self._queue: list[tuple[float, int, asyncio.Future[None]]] = []
        self._arrivals = count()  # equal due times: first come, first woken
        self._driven = False
        self._shared = False
        self._turns = 0

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        due = self._clock.now + seconds
        awake: asyncio.Future[None] = loop.create_future()
        heappush(self._queue, (due, next(self._arrivals), awake))
        if not self._driven:
            self._driven = True
            loop.call_soon(self._drive, loop)
        await awake
        # by the sleeper, not by the callback: what `slept` raises has to come out here
        self._clock.reach(due)

    def _drive(self, loop: asyncio.AbstractEventLoop) -> None:
        """Runs once a turn of the loop until nobody is asleep."""
        if not self._clock.live:
            self._wake_in_real_time(loop)
        elif not self._others_run(loop):
            if not self._shared and (share := self._clock.share(self._queue[0][0] - self._clock.now)) > 0:
                self._shared = True
                loop.call_later(share, self._drive, loop)
                return
            self._shared = False
            self._wake_next()
        self._driven = bool(self._queue)
        if self._driven:
            loop.call_soon(self._drive, loop)

    def _others_run(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether the loop has other things to run, within the limits of patience."""
        ready = getattr(loop, "_ready", None)
        patience = BLIND_TURNS if ready is None else BUSY_TURNS if ready else 0
        self._turns = self._turns + 1 if self._turns < patience else 0
        return self._turns > 0

    def _wake_next(self) -> None:
        due = self._queue[0][0]
        while self._queue and self._queue[0][0] == due:
            _wake(heappop(self._queue)[2])

    def _wake_in_real_time(self, loop: asyncio.AbstractEventLoop) -> None:
        for due, _, awake in self._queue:
            loop.call_later(due - self._clock.now, _wake, awake)
        self._queue.clear()


def _wake(awake: asyncio.Future[None]) -> None:
    if not awake.done():  # a sleep that was cancelled is
        awake.set_result(None)


def _thread_sleep(clock: _Clock, original: Callable[[float], None]) -> Callable[[float], None]:
    @wraps(original)
    def sleep(seconds: float, /) -> None:
        if not clock.governs(seconds):
            return original(seconds)
        clock.pass_by(seconds)
        return original(clock.share(seconds))

    return sleep


def _asyncio_sleep(clock: _Clock, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(original)
    async def sleep(delay: float, result: Any = None) -> Any:
        if not clock.governs(delay):
            return await original(delay, result)
        await clock.sleepers().sleep(delay)
        return result

    return sleep


def _anyio_sleep(clock: _Clock, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @wraps(original)
    async def sleep(delay: float) -> None:
        if on_asyncio() or not clock.governs(delay):
            return await original(delay)  # on asyncio this ends in asyncio's sleep
        clock.pass_by(delay)
        return await original(0)

    return sleep


def on_asyncio() -> bool:
    """Whether a loop of asyncio runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
