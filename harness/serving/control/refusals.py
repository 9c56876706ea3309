"""A request of the control API that is refused, with its status."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.failures import HarnessFailure


class Refused(Exception):  # noqa: N818 - an answer, as the service's own `Refusal` is
    """What a client is told, and the status and headers that say it to programs."""

    def __init__(self, status: int, failure: HarnessFailure, **headers: str) -> None:
        super().__init__(str(failure))
        self.status = status
        self.failure = failure
        self.headers = headers
