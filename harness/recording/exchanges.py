"""A recorded exchange, whatever wrote it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.service.http import Request, Response


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request and its answer, both with whole bodies, decoded: no gzip, no chunks.

    Attributes:
        at: when it was answered, in Unix seconds; None where the record does not say.
        origin: where it stands, for messages: the file, and the place in it.
    """

    request: Request
    response: Response
    at: float | None
    origin: str

    @property
    def sent(self) -> bytes:
        return self.request.body

    @property
    def got(self) -> bytes:
        body = self.response.body
        assert isinstance(body, bytes)  # recorded bodies are whole
        return body
