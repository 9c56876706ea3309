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
    """A context in which one thread works on a fake; a failure that leaves it is kept in `failures`, once.

    `lock` alone is for what a test does itself: it hears of a failure at once, and nothing is kept.
    """

    def __init__(self) -> None:
        self.failures: list[HarnessFailure] = []
        self.lock = RLock()

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, kind: object, raised: object, traceback: object) -> None:
        # one turn may be part of another: what the model does may send a request
        if isinstance(raised, HarnessFailure) and all(raised is not kept for kept in self.failures):
            self.failures.append(raised)
        self.lock.release()


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
