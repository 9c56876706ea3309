"""A recorded exchange, whatever wrote it down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.service.http import Request, Response


@dataclass(frozen=True, slots=True)
class Recorded:
    """One request and its answer, both with whole bodies, decoded: no gzip, no chunks.

    Attributes:
        at: when it was answered, in Unix seconds; None where the record does not say.
        origin: where it stands, for messages: the file, and the place in it.
        conversation: which of a file's conversations it is part of; empty where the file holds one.
    """

    request: Request
    response: Response
    at: float | None
    origin: str
    conversation: str = ""

    @property
    def sent(self) -> bytes:
        return bytes(self.request.body)

    @property
    def got(self) -> bytes:
        body = self.response.body
        assert isinstance(body, bytes)  # recorded bodies are whole
        return body


def by_conversation(exchanges: Iterable[Recorded]) -> dict[str, list[Recorded]]:
    """The exchanges of each conversation, in the order in which the conversations begin."""
    found: dict[str, list[Recorded]] = {}
    for item in exchanges:
        found.setdefault(item.conversation, []).append(item)
    return found
