"""Who moved the clock by sleeping: the code that talks to the fake, or a thread that has nothing to do with it."""

from __future__ import annotations

from dataclasses import dataclass
from threading import current_thread, local, main_thread


@dataclass
class Nap:
    """What one thread slept, virtually: how often, and how many seconds in all; and whether it made a request."""

    thread: str
    times: int = 0
    seconds: float = 0.0
    asked: bool = False


class Naps:
    """The sleeping of all threads of one fake's time."""

    def __init__(self) -> None:
        self._local = local()  # not by the threads' numbers: one that begins has that of one that has ended
        self._naps: list[Nap] = []

    def asked(self) -> None:
        """This thread made a request."""
        self._own().asked = True

    def slept(self, seconds: float) -> None:
        """This thread slept."""
        nap = self._own()
        if not nap.times:
            self._naps.append(nap)
        nap.times += 1
        nap.seconds += seconds

    def of_bystanders(self) -> list[Nap]:
        """Those of threads that made no request, the longest first; the main thread is no bystander."""
        naps = [nap for nap in list(self._naps) if not nap.asked]
        return sorted(naps, key=lambda nap: nap.seconds, reverse=True)

    def _own(self) -> Nap:
        try:
            nap: Nap = self._local.nap
        except AttributeError:
            thread = current_thread()
            nap = self._local.nap = Nap(thread.name, asked=thread is main_thread())
        return nap
