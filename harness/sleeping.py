"""Virtual sleep: `virtual_sleep` reports the seconds that are slept instead of waiting for them.

Sleeps on an event loop are a discrete-event simulation: each has a due time, and when the loop has nothing else to
run, the earliest is woken.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import contextmanager
from functools import wraps
from heapq import heappop, heappush
from itertools import accumulate, count
from math import inf
from threading import Lock
from threading import enumerate as enumerate_threads
from types import coroutine
from typing import TYPE_CHECKING, Any, SupportsIndex
from weakref import WeakKeyDictionary, WeakSet

import anyio

from harness.patching import retire, unwrap_retired

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Iterator
    from types import FrameType

REAL_SLEEPERS = frozenset(
    {
        "celery",
        "engineio",
        "filelock._api",
        "gradio",
        "kombu",
        "lunary",
        "newrelic",
        "opentelemetry",
        "opik",
        "pymongo",
        "selenium",
        "sentry_sdk",
        "sse_starlette",
        "subprocess",
        "uvicorn.server",
        "weave",
        "websockets",
    }
)
"""Modules and packages whose sleeps stay real: they poll a process, a socket, a queue or a file, keep a connection
alive, or report to their own service, mostly for ever and in threads of their own. Virtual time speeds up none of it,
and their threads would drive the clock as fast as they can. The option `real_sleepers` adds to them."""

MAX_REAL_SLEEP = 0.01
"""Real seconds, at most, that a virtual sleep takes while threads work that began later than the fake: a client that
polls such a thread gives it time to finish."""

WORKERS = frozenset({"concurrent.futures.thread", "anyio._backends._asyncio"})
"""Modules whose threads wait for work and are never over: each async client of the SDK starts one to ask for the
platform, and has no use for it afterwards."""

WAITING = frozenset({"queue", "threading"})
"""Modules in which a thread waits for another."""

event_loops: WeakSet[asyncio.AbstractEventLoop] = WeakSet()
"""The event loops on which something has slept virtually."""

BUSY_TURNS = 10_000
"""How many iterations of a loop a sleep lets pass while other callbacks are ready: not without end, as those may loop
around `sleep(0)` until the sleeper has done its work."""

BLIND_TURNS = 100
"""The same for a loop that does not show its ready callbacks, such as uvloop's."""


@contextmanager
def virtual_sleep(slept: Callable[[float], None], real: Iterable[str] = ()) -> Iterator[None]:
    """While active, `time.sleep`, `asyncio.sleep` and `anyio.sleep` report their seconds to `slept` and do not wait.

    Names imported earlier (`from time import sleep`) are patched in every module that calls them `sleep`; a
    copy under another name or in a default argument stays real. Concurrent sleeps on one loop wake in the
    order of their due times, and what they report adds up to the time that has passed, not to the sum of the
    sleeps. A sleep of no or of infinite length stays real, and so do the originals' errors for negative times
    and NaN, and the sleeps of `REAL_SLEEPERS` and of the modules and packages that `real` names.

    What may surprise:

    - `asyncio.timeout`, `wait_for` and sockets use real time. A loop that waits for them, or for a thread, has
      nothing to run, so its sleeps wake.
    - Threads, and so the loops of several threads, are not ordered: a thread that loops around `sleep(1)` drives
      the clock as fast as it can.
    - While threads work that began later than this, a sleep takes a tenth of its time, at most `MAX_REAL_SLEEP`.
    - Under trio there is no order either: a sleep through `anyio` reports and yields, `trio.sleep` is real.
    - Sleeps that are not over when this ends take the rest of their time for real.

    `slept` is called in the sleeper's thread and task. Raises, in the sleeper: what `slept` raises.
    """
    clock = _Clock(slept, REAL_SLEEPERS.union(real))
    replacements: dict[Any, Any] = {
        time.sleep: _thread_sleep(clock, time.sleep),
        asyncio.sleep: _asyncio_sleep(clock, asyncio.sleep),
        anyio.sleep: _anyio_sleep(clock, anyio.sleep),
    }
    _patch_modules(replacements)
    try:
        yield
    finally:
        clock.live = False
        # by another scan, as modules imported meanwhile have imported a replacement
        _patch_modules({replacement: unwrap_retired(original) for original, replacement in replacements.items()})
        for replacement in replacements.values():
            retire(replacement)


def _patch_modules(replacements: dict[Any, Any]) -> None:
    """Replace these functions in all loaded modules that have them under the name `sleep`."""
    by_identity = {id(old): new for old, new in replacements.items()}
    for names in _modules_with_sleep.namespaces():
        if (new := by_identity.get(id(names.get("sleep")))) is not None:
            names["sleep"] = new


class _ModulesWithSleep:
    """The namespaces of loaded modules that have a `sleep`, or may get one without another import.

    One module in a hundred has one, and scanning the thousands that are loaded takes longer than many a test. So the
    result is cached until `sys.modules` changes.
    """

    def __init__(self) -> None:
        self._last_scan: tuple[dict[str, Any], list[dict[str, Any]]] = {}, []  # replaced as one, as threads may race

    def namespaces(self) -> list[dict[str, Any]]:
        loaded, found = self._last_scan
        if sys.modules != loaded:
            loaded = sys.modules.copy()
            found = [
                names for name, module in loaded.items() if (names := _namespace(module)) and _may_sleep(name, names)
            ]
            self._last_scan = loaded, found
        return found


_modules_with_sleep = _ModulesWithSleep()


def _namespace(module: Any) -> dict[str, Any]:
    """The names of a module; none for what else is in `sys.modules`."""
    try:
        # past the module's own __getattribute__, which in a lazy module would import it
        names: dict[str, Any] = object.__getattribute__(module, "__dict__")
    except AttributeError:  # some packages put other objects into sys.modules
        return {}
    return names


def _may_sleep(name: str, names: dict[str, Any]) -> bool:
    """Whether a module has a `sleep` or may still define one: during its import, or in a notebook."""
    return "sleep" in names or name == "__main__" or getattr(names.get("__spec__"), "_initializing", False)


async def pause(seconds: float) -> None:
    """Sleep on the running event loop of any library, virtually while sleep is virtual."""
    await (asyncio.sleep(seconds) if on_asyncio() else anyio.sleep(seconds))


class _Clock:
    """The time slept by all threads, and the sleeps under way on each event loop."""

    def __init__(self, slept: Callable[[float], None], real_sleepers: frozenset[str]) -> None:
        self.live = True
        self.now = 0.0
        self._slept = slept
        self._real_sleepers = real_sleepers
        self._earlier_threads = frozenset(enumerate_threads())
        self._lock = Lock()
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _SleepQueue] = WeakKeyDictionary()

    def is_virtual(self, seconds: object) -> bool:
        """Whether a sleep is virtual; what the originals would refuse is left to them."""
        is_time = isinstance(seconds, (float, SupportsIndex)) and 0 < float(seconds) < inf
        return self.live and is_time and self._real_sleepers.isdisjoint(_with_packages(_caller()))

    def real_part(self, seconds: float) -> float:
        """The real seconds that a sleep takes, for other threads to run."""
        frames = sys._current_frames()
        for thread in set(enumerate_threads()) - self._earlier_threads:
            if not _is_idle(frames.get(thread.ident or 0)):
                return min(seconds / 10, MAX_REAL_SLEEP)
        return 0

    def queue(self) -> _SleepQueue:
        """The sleeps under way on the running loop."""
        loop = asyncio.get_running_loop()
        if loop not in self._loops:
            for other in list(self._loops):
                if other.is_closed():  # its sleeps, cancelled or not, keep it alive
                    self._loops.pop(other, None)
            self._loops[loop] = _SleepQueue(self)
            event_loops.add(loop)
        return self._loops[loop]

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass, and report them."""
        with self._lock:
            self.now += seconds
        self._slept(float(seconds))

    def advance_to(self, due: float) -> None:
        """Let the seconds until `due` pass, and report them: none if others have slept meanwhile."""
        with self._lock:
            seconds = round(due - self.now, 9)  # three sleeps of 0.1 are to be reported as 0.1 each
            self.now = max(self.now, due)
        if self.live and seconds > 0:
            self._slept(seconds)


def _caller() -> str:
    """The module that called a sleep: that of the nearest frame outside this file, as patches may be nested."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__") == __name__:
        frame = frame.f_back
    return frame.f_globals.get("__name__", "") if frame is not None else ""


def _with_packages(module: str) -> Iterable[str]:
    """The names of a module and of all packages that it is in."""
    return accumulate(module.split("."), "{}.{}".format)


class _SleepQueue:
    """The sleeps under way on one event loop, and the callback that wakes them in order."""

    def __init__(self, clock: _Clock) -> None:
        self._clock = clock
        self._queue: list[tuple[float, int, asyncio.Future[None]]] = []
        self._order = count()  # among equal due times, the first to come is the first woken
        self._scheduled = False
        self._gave_way = False
        self._turns = 0

    async def sleep(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        due = self._clock.now + seconds
        await _one_turn()
        # alone, as between two events of a stream, there is nobody to queue behind
        if not self._is_alone(loop) or not self._clock.live or self._clock.real_part(seconds) > 0:
            await self._wait_in_line(loop, due)
        # here and not in a callback, so that what `slept` raises comes out of the sleep
        self._clock.advance_to(due)

    async def _wait_in_line(self, loop: asyncio.AbstractEventLoop, due: float) -> None:
        awake: asyncio.Future[None] = loop.create_future()
        heappush(self._queue, (due, next(self._order), awake))
        if not self._scheduled:
            self._scheduled = True
            loop.call_soon(self._step, loop)
        await awake

    def _is_alone(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether nothing else sleeps, and nothing else is to run now; no, on a loop that does not show the latter."""
        return not self._queue and not getattr(loop, "_ready", True)

    def _step(self, loop: asyncio.AbstractEventLoop) -> None:
        """Wake what is due; called in each iteration of the loop while there are sleeps."""
        if not self._clock.live:
            self._wake_in_real_time(loop)
        elif not self._others_run(loop):
            if not self._gave_way and (real_part := self._clock.real_part(self._queue[0][0] - self._clock.now)) > 0:
                self._gave_way = True
                loop.call_later(real_part, self._step, loop)
                return
            self._gave_way = False
            self._wake_next()
        self._scheduled = bool(self._queue)
        if self._scheduled:
            loop.call_soon(self._step, loop)

    def _others_run(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether the loop has other callbacks to run first, for `BUSY_TURNS` in a row at most."""
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


@coroutine
def _one_turn() -> Generator[None]:
    """Let the loop run once."""
    yield


def _wake(awake: asyncio.Future[None]) -> None:
    if not awake.done():  # as a cancelled sleep is
        awake.set_result(None)


def _is_idle(frame: FrameType | None) -> bool:
    """Whether a thread with this stack is a worker that waits for work."""
    while frame is not None and frame.f_globals.get("__name__") in WAITING:
        frame = frame.f_back
    return frame is not None and frame.f_globals.get("__name__") in WORKERS


def _thread_sleep(clock: _Clock, original: Callable[[float], None]) -> Callable[[float], None]:
    @wraps(original)
    def sleep(seconds: float, /) -> None:
        if not clock.is_virtual(seconds):
            return original(seconds)
        clock.advance(seconds)
        return original(clock.real_part(seconds))

    return sleep


def _asyncio_sleep(clock: _Clock, original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    @wraps(original)
    async def sleep(delay: float, result: Any = None) -> Any:
        if not clock.is_virtual(delay):
            return await original(delay, result)
        await clock.queue().sleep(delay)
        return result

    return sleep


def _anyio_sleep(clock: _Clock, original: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @wraps(original)
    async def sleep(delay: float) -> None:
        if on_asyncio() or not clock.is_virtual(delay):
            return await original(delay)  # on asyncio this ends in asyncio's sleep
        clock.advance(delay)
        return await original(0)

    return sleep


def on_asyncio() -> bool:
    """Whether a loop of asyncio runs in this thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
