"""The error that refuses a request to the control API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.failures import HarnessFailure


class ControlError(Exception):
    """A failure to answer with, and the status and headers of that answer."""

    def __init__(self, status: int, failure: HarnessFailure, **headers: str) -> None:
        super().__init__(str(failure))
        self.status = status
        self.failure = failure
        self.headers = headers
