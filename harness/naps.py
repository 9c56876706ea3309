"""Who moved the clock by sleeping: the code that talks to the fake, or a thread that has nothing to do with it."""

from __future__ import annotations

from threading import current_thread, get_ident, main_thread
from typing import NamedTuple


class Nap(NamedTuple):
    """What one thread slept, virtually: how often, and how many seconds in all."""

    thread: str
    times: int
    seconds: float


class Naps:
    """The sleeping of all threads of one fake's time."""

    def __init__(self) -> None:
        self._asked = {main_thread().ident}
        self._naps: dict[int, Nap] = {}

    def asked(self) -> None:
        """This thread made a request."""
        self._asked.add(get_ident())

    def slept(self, seconds: float) -> None:
        """This thread slept."""
        thread = get_ident()
        _, times, before = self._naps.get(thread) or Nap("", 0, 0.0)
        self._naps[thread] = Nap(current_thread().name, times + 1, before + seconds)

    def of_bystanders(self) -> list[Nap]:
        """Those of threads that made no request, the longest first; the main thread is no bystander."""
        naps = [nap for thread, nap in list(self._naps.items()) if thread not in self._asked]
        return sorted(naps, key=lambda nap: nap.seconds, reverse=True)
