"""The lock by which one thread at a time works on a fake, and which remembers the failures it sees."""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.service import explain
from harness.service.http import WireFailure

if TYPE_CHECKING:
    from harness.service.http import Body


class Turns:
    """A re-entrant lock that, as a context, adds each failure that is raised in it to `failures`, once.

    `lock` alone is for calls of the test itself, in which a failure is raised anyway.
    """

    def __init__(self) -> None:
        self.failures: list[HarnessFailure] = []
        self.lock = RLock()

    def __enter__(self) -> None:
        self.lock.acquire()

    def __exit__(self, kind: object, raised: object, traceback: object) -> None:
        # the same failure may leave nested contexts: a model function may send a request
        if isinstance(raised, HarnessFailure) and all(raised is not kept for kept in self.failures):
            self.failures.append(raised)
        self.lock.release()


class LockedBody:
    """A streamed body that takes the lock for each chunk, so that others are answered in between."""

    def __init__(self, body: Body, turns: Turns, endpoint: tuple[str, str]) -> None:
        self._body = body
        self._turns = turns
        self._endpoint = endpoint

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
                raise explain.internal_error(*self._endpoint, error) from error

    def close(self) -> None:
        with self._turns:
            self._body.close()
