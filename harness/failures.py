"""Failures of the harness itself, as opposed to refusals of the service it plays."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

# Where pytest runs, a failure is one of its outcomes: pytest's teardown goes on after those, whereas any other
# `BaseException` would keep the fixtures that are still to be torn down from being so.
if TYPE_CHECKING:
    from collections.abc import Iterator

    Outcome = BaseException
elif "pytest" in sys.modules:
    Outcome = sys.modules["pytest"].fail.Exception
else:
    Outcome = BaseException


def ends_the_test(error: BaseException) -> bool:
    """Whether an error is about the test rather than about the code under test: Ctrl-C, or pytest's own outcome.

    `pytest.fail` in the code of an app is such, for pytest-timeout and stubs that must not be called speak by it. A
    failure of the harness, although it derives from pytest's, is not.
    """
    pytest = sys.modules.get("pytest")
    outcomes = () if pytest is None else (pytest.exit.Exception, pytest.fail.Exception, pytest.skip.Exception)
    return isinstance(error, (KeyboardInterrupt, *outcomes)) and not isinstance(error, HarnessFailure)


def chain(error: BaseException | None, *, suppressed: bool = True) -> Iterator[BaseException]:
    """An exception with all that it was raised from, and all that a group holds.

    Args:
        suppressed: also what `raise … from None` keeps out of a traceback.
    """
    seen: set[int] = set()  # by identity: an exception may compare as it likes
    pending = [error]
    while pending:
        current = pending.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            yield current
            hidden = current.__suppress_context__ and not suppressed
            pending += [current.__cause__, None if hidden else current.__context__, *getattr(current, "exceptions", ())]


SWALLOWED = "assistants.failures.clear()   # in a test that expects this: the code under test has swallowed it"


class HarnessFailure(Outcome):
    """The test, not the service, went wrong: an unserved route, an exhausted script, a client that is stuck.

    It derives from `BaseException`, as pytest's own `fail` does: openai 1.x and 2.x wrap any `Exception` that
    comes out of a transport as "Connection error." after 1.6 s of retries, whereas a `BaseException` comes out
    whole and at once on every version. The `assistants` fixture raises it again at teardown, because the code
    under test may swallow the first.

    The message has three parts: what happened, what there was, and what to do about it.
    """

    told = False  # by a test that has failed with it: whoever looks for swallowed ones at an end leaves it out

    def __init__(self, happened: str, *, there_was: str = "", do: str = "") -> None:
        self.happened = happened
        self.there_was = there_was
        self.do = do
        super().__init__(str(self))

    def __str__(self) -> str:
        lines = [self.happened]
        if self.there_was:
            lines += ["", self.there_was]
        if self.do:
            lines += ["", "What to do:", *(f"    {line}" for line in self.do.splitlines())]
        return "\n".join(lines)

    def at_the_end(self) -> HarnessFailure:
        """Itself, to be raised again when the test is over; it then says why it comes so late."""
        self.do = f"{self.do}\n{SWALLOWED}".lstrip("\n")
        return self


class Stuck(HarnessFailure):
    """The client makes no progress any more, and never will."""


class Inapplicable(HarnessFailure):
    """A run cannot end as it shall: it does not have the tools for it.

    No client meets it: it would end event loops, servers and threads that other tests still need. It is noted among the
    failures of the fake, and the run completes with the placeholder answer.
    """

    def at_the_end(self) -> HarnessFailure:
        return self


class MissingExtra(HarnessFailure, ModuleNotFoundError):  # noqa: N818 - a failure of the harness, like its base
    """A module needs a package that is not installed: `pytest.importorskip` skips, and `except ImportError` helps."""
