"""Which threads moved the virtual clock by sleeping, and whether they also made requests."""

from __future__ import annotations

from dataclasses import dataclass
from threading import current_thread, local, main_thread


@dataclass
class ThreadSleep:
    """How often one thread slept virtually, for how many seconds in all, and whether it made a request."""

    thread: str
    times: int = 0
    seconds: float = 0.0
    made_request: bool = False


class SleepLog:
    """The virtual sleep of each thread, for one fake."""

    def __init__(self) -> None:
        self._local = local()  # not keyed by thread ids, which are reused when a thread has ended
        self._threads: list[ThreadSleep] = []

    def note_request(self) -> None:
        """The current thread made a request."""
        self._own().made_request = True

    def note_sleep(self, seconds: float) -> None:
        """The current thread slept."""
        own = self._own()
        if not own.times:
            self._threads.append(own)
        own.times += 1
        own.seconds += seconds

    def bystanders(self) -> list[ThreadSleep]:
        """The threads that slept and made no request, the longest sleeper first; never the main thread."""
        found = [each for each in list(self._threads) if not each.made_request]
        return sorted(found, key=lambda each: each.seconds, reverse=True)

    def _own(self) -> ThreadSleep:
        try:
            own: ThreadSleep = self._local.own
        except AttributeError:
            thread = current_thread()
            own = self._local.own = ThreadSleep(thread.name, made_request=thread is main_thread())
        return own
