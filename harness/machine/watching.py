"""A fake in force that complains as soon as an invariant breaks."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.environment import placeholder_key
from harness.failures import HarnessFailure
from harness.installed import installed
from harness.machine.journal import JournalingFake, Left
from harness.machine.witness import Witness
from harness.options import make_options
from harness.service.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.machine.journal import Entry


class WatchedFake(JournalingFake):
    """A fake with a witness: a broken invariant is a `HarnessFailure` in the client that saw it first."""

    def __init__(self, **options: Any) -> None:
        super().__init__(make_options(options, where="watched"), self._judge)
        self.witness = Witness(self)

    def _judge(self, entry: Entry) -> None:
        try:
            if isinstance(entry, Exchange):
                self.witness.answered(entry)
            elif isinstance(entry, Left):
                self.witness.streamed(entry.text, whole=entry.whole)
            self.witness.moved()
        except HarnessFailure as failure:
            self.failures.append(failure)
            raise


@contextmanager
def watched(**options: Any) -> Iterator[WatchedFake]:
    """Like `harness.fake_assistants`, with the invariants of `AssistantsMachine`. The scripts of failures use it.

    >>> with watched() as assistants:
    ...     client = assistants.client()
    ...     run = client.beta.threads.create_and_run(assistant_id=assistants.add_assistant(instructions="Hi").id)
    >>> [moment.status for moment in assistants.runs[0].timeline]
    ['queued']
    """
    fake = WatchedFake(**options)
    with placeholder_key(), installed(fake):
        yield fake
    for failure in fake.failures:
        raise failure
