"""A request that the fake received, with its answer: the items of `assistants.requests`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.service.http import json_of

if TYPE_CHECKING:
    from harness.service.http import Request, Response, WireFailure


@dataclass(slots=True)
class Exchange:
    """One request of a client, and its answer.

    Attributes:
        response: the answer; an empty one of status 0 if the request did not arrive while the client waited, or ended
            in a `HarnessFailure`.
        at: the virtual time after the answer.
        failure: what the client got instead of the answer: a fault that was planned, or a `HarnessFailure`.
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
        """The status of the answer that the client got; 0 if it got none, as in browsers."""
        return self.response.status if self.failure is None else 0

    @property
    def outcome(self) -> str:
        """The status, or what the client got instead of the answer, in words."""
        if self.failure is None:
            return str(self.status)
        lost = f" (the answer {self.response.status} was lost)" if self.response.status else ""
        said = self.failure.happened if isinstance(self.failure, HarnessFailure) else self.failure
        return f"{type(self.failure).__name__}: {said}{lost}"

    @property
    def json(self) -> Any:
        """The JSON body of the request; None if it had none, or none that is JSON."""
        return self.request.json

    @property
    def answer(self) -> Any:
        """The JSON body of the answer, even of one that was lost; None if it was not JSON, or a stream."""
        return json_of(self.response.body) if isinstance(self.response.body, bytes) else None
