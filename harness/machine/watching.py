"""A fake that checks the invariants after everything that happens."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.environment import placeholder_key
from harness.failures import HarnessFailure
from harness.installed import installed
from harness.machine.invariants import InvariantChecker
from harness.machine.journal import JournalingFake, StreamClosed
from harness.options import make_options
from harness.service.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.machine.journal import Entry


class WatchedFake(JournalingFake):
    """A fake that raises a `HarnessFailure` in the client whose request breaks an invariant."""

    def __init__(self, **options: Any) -> None:
        super().__init__(make_options(options, where="watched"), self._check)
        self.checker = InvariantChecker(self)

    def _check(self, entry: Entry) -> None:
        try:
            if isinstance(entry, Exchange):
                self.checker.check_exchange(entry)
            elif isinstance(entry, StreamClosed):
                self.checker.check_stream(entry.text, complete=entry.complete)
            self.checker.check_records()
        except HarnessFailure as failure:
            self.failures.append(failure)
            raise


@contextmanager
def watched(**options: Any) -> Iterator[WatchedFake]:
    """Like `harness.fake_assistants`, but checks the invariants of `AssistantsMachine`. The scripts of failures use it.

    >>> with watched() as assistants:
    ...     client = assistants.client()
    ...     run = client.beta.threads.create_and_run(assistant_id=assistants.add_assistant(instructions="Hi").id)
    >>> [moment.status for moment in assistants.runs[0].timeline]
    ['queued']

    Raises:
        HarnessFailure: at the end, the first failure of the fake, also if the client swallowed it.
    """
    fake = WatchedFake(**options)
    with placeholder_key(), installed(fake):
        yield fake
    for failure in fake.failures:
        raise failure
