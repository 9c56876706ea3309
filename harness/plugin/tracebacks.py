"""What a traceback shows of a failure: how the user's code came to it, and not what is between that and the fake."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.loops import BETWEEN, RUNNERS, package_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


@contextmanager
def ending_at_the_client(error: BaseException) -> Iterator[None]:
    """While active, the traceback of an error ends at the line of the user's code that led to it, if there is one.

    The error says what went wrong there. The thirty calls below are those of the SDK, an HTTP library and this package,
    which a debugger still finds afterwards.
    """
    last = _clients_last(error.__traceback__)
    if last is None:
        yield
        return
    rest, last.tb_next = last.tb_next, None
    try:
        yield
    finally:
        last.tb_next = rest


def _clients_last(traceback: TracebackType | None) -> TracebackType | None:
    """The innermost call that is no tool's between a client and the fake; None if that runs tests."""
    last = None
    while traceback is not None:
        if package_of(traceback.tb_frame) not in BETWEEN:
            last = traceback
        traceback = traceback.tb_next
    return None if last is None or package_of(last.tb_frame) in RUNNERS else last
