"""Trims tracebacks of failures to the user's code, without the frames between that and the fake."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from harness.loops import LIBRARIES, RUNNERS, package_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType


@contextmanager
def trimmed_to_client(error: BaseException) -> Iterator[None]:
    """While active, the traceback of an error ends at the innermost line of the user's code, if there is one.

    The thirty frames below are those of the SDK, an HTTP library and this package, which tell the user nothing.
    Afterwards they are there again, for debuggers.
    """
    last = _last_client_frame(error.__traceback__)
    if last is None:
        yield
        return
    rest, last.tb_next = last.tb_next, None
    try:
        yield
    finally:
        last.tb_next = rest


def _last_client_frame(traceback: TracebackType | None) -> TracebackType | None:
    """The innermost frame of the client's own code; None if that is a test runner's."""
    last = None
    while traceback is not None:
        if package_of(traceback.tb_frame) not in LIBRARIES:
            last = traceback
        traceback = traceback.tb_next
    return None if last is None or package_of(last.tb_frame) in RUNNERS else last
