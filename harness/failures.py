"""Failures of the harness itself, as opposed to errors of the service it imitates."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

# Under pytest, a failure is one of its outcomes: its teardown continues after those, whereas any other `BaseException`
# would keep the remaining fixtures from being torn down.
if TYPE_CHECKING:
    from collections.abc import Iterator

    Outcome = BaseException
elif "pytest" in sys.modules:
    Outcome = sys.modules["pytest"].fail.Exception
else:
    Outcome = BaseException


def ends_the_test(error: BaseException) -> bool:
    """Whether an error has to end the test: Ctrl-C, or an outcome of pytest.

    That includes a `pytest.fail` in the code under test: pytest-timeout and stubs that must not be called use it. It
    does not include failures of the harness, although they derive from pytest's.
    """
    pytest = sys.modules.get("pytest")
    outcomes = () if pytest is None else (pytest.exit.Exception, pytest.fail.Exception, pytest.skip.Exception)
    return isinstance(error, (KeyboardInterrupt, *outcomes)) and not isinstance(error, HarnessFailure)


def chain(error: BaseException | None, *, suppressed: bool = True) -> Iterator[BaseException]:
    """An exception, its causes and contexts, and the members of exception groups, recursively.

    Args:
        suppressed: include contexts that `raise … from None` hides.
    """
    seen: set[int] = set()  # ids, as an exception may define its own equality
    pending = [error]
    while pending:
        current = pending.pop()
        if current is not None and id(current) not in seen:
            seen.add(id(current))
            yield current
            hidden = current.__suppress_context__ and not suppressed
            pending += [current.__cause__, None if hidden else current.__context__, *getattr(current, "exceptions", ())]


CLEAR_SWALLOWED = "assistants.failures.clear()   # in a test that expects this: the code under test has swallowed it"


class HarnessFailure(Outcome):
    """An error of the test, not of the service: an unserved route, an exhausted script, a client that is stuck.

    It derives from `BaseException`, as pytest's own `fail` does: openai 1.x and 2.x wrap any `Exception` of a
    transport as "Connection error." after 1.6 s of retries, whereas a `BaseException` passes through unchanged
    and at once on every version. The `assistants` fixture raises it again at teardown, because the code under
    test may swallow the first.

    The message has three parts: what happened, what there was, and what to do about it.
    """

    reported = False  # set once a test has failed with it: it was not swallowed

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

    def for_teardown(self) -> HarnessFailure:
        """Itself, with a note on why it is raised again at the end of a test."""
        self.do = f"{self.do}\n{CLEAR_SWALLOWED}".lstrip("\n")
        return self


class Stuck(HarnessFailure):
    """The client is stuck: no further request of it can make progress."""


class Inapplicable(HarnessFailure):
    """A run cannot end as `run_ending` says: it does not have the tools for it.

    It is not raised in a client, where it would end event loops, servers and threads that other tests still need. It is
    added to the fake's failures, and the run completes with the placeholder answer.
    """

    def for_teardown(self) -> HarnessFailure:
        return self


class MissingExtra(HarnessFailure, ModuleNotFoundError):  # noqa: N818 - a failure of the harness, like its base
    """A module needs a package that is not installed: `pytest.importorskip` skips, and `except ImportError` helps."""
