"""Who may touch a fake: one thread at a time, and what goes wrong meanwhile is remembered."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.service import explain
from harness.service.http import WireFailure

if TYPE_CHECKING:
    from harness.service.http import Body


class Turns:
    """A context in which one thread works on a fake; a failure that leaves it is kept in `failures`."""

    def __init__(self) -> None:
        self.failures: list[HarnessFailure] = []
        self._lock = RLock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, kind: object, raised: object, traceback: object) -> None:
        if isinstance(raised, HarnessFailure):
            self.failures.append(raised)
        self._lock.release()


class Reading:
    """A stream while a client reads it: each chunk is a turn of its own."""

    def __init__(self, body: Body, turns: Turns, what: tuple[str, str]) -> None:
        self._body = body
        self._turns = turns
        self._what = what

    @property
    def now(self) -> float:
        return self._body.now

    def wait(self) -> float:
        with self._turns:
            return self._body.wait()

    def read(self, patience: float | None = None) -> bytes | None:
        with self._turns:
            try:
                return self._body.read(patience)
            except WireFailure:
                raise
            except Exception as error:
                raise explain.broken(*self._what, error) from error

    def close(self) -> None:
        with self._turns:
            self._body.close()
