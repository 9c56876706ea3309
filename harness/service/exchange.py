"""A request the fake got, with its answer: what `assistants.requests` holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

if TYPE_CHECKING:
    from harness.service.http import Request, Response


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request the fake got, and its answer. `path` lies below the host, with the query."""

    request: Request
    response: Response
    at: float

    @property
    def method(self) -> str:
        return self.request.method

    @property
    def path(self) -> str:
        return self.request.path

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def json(self) -> Any:
        """The body of the request, or None if it had none or was no JSON."""
        return _json(self.request.body)

    @property
    def answer(self) -> Any:
        """The body of the answer, or None if it was no JSON; of a stream nothing is kept."""
        return _json(self.response.body) if isinstance(self.response.body, bytes) else None


def _json(body: bytes) -> Any:
    try:
        return from_json(body)
    except ValueError:
        return None
