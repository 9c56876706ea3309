"""A request the fake got, with its answer: what `assistants.requests` holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.service.http import json_of

if TYPE_CHECKING:
    from harness.service.http import Request, Response, WireFailure


@dataclass(slots=True)
class Exchange:
    """One request of a client, and its answer. `path` lies below the host.

    Attributes:
        response: what was answered; an empty one of status 0 if the request did not arrive while the client waited, or
            ended in a `HarnessFailure`.
        at: the virtual time by then.
        failure: what the client got in place of the answer: what `assistants.faults` planned, or a `HarnessFailure`.
    """

    request: Request
    response: Response
    at: float
    failure: WireFailure | HarnessFailure | None = None

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def status(self) -> int:
        """Of the answer that the client got; 0 if it got none, as browsers have it."""
        return self.response.status if self.failure is None else 0

    @property
    def outcome(self) -> str:
        """The status, or what the client got in place of the answer, in words."""
        if self.failure is None:
            return str(self.status)
        lost = f" (the answer {self.response.status} was lost)" if self.response.status else ""
        said = self.failure.happened if isinstance(self.failure, HarnessFailure) else self.failure
        return f"{type(self.failure).__name__}: {said}{lost}"

    @property
    def json(self) -> Any:
        """The body of the request, or None if it had none or was no JSON."""
        return self.request.json

    @property
    def answer(self) -> Any:
        """The body of the answer, be it one that was lost; None if it was no JSON. Of a stream nothing is kept."""
        return json_of(self.response.body) if isinstance(self.response.body, bytes) else None
