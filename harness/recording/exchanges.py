"""A recorded exchange, whichever recorder wrote it."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.service.http import Request, Response


@dataclass(frozen=True, slots=True)
class RecordedExchange:
    """One request and its answer, both with whole bodies, decoded: no gzip, no chunks.

    Attributes:
        at: when it was answered, in Unix seconds; None where the record does not say.
        origin: where it was read from, for messages: the file, and the place in it.
        conversation: the name of its conversation, in a file that holds several; otherwise empty.
    """

    request: Request
    response: Response
    at: float | None
    origin: str
    conversation: str = ""

    @property
    def request_body(self) -> bytes:
        return bytes(self.request.body)

    @property
    def response_body(self) -> bytes:
        body = self.response.body
        assert isinstance(body, bytes)  # recorded bodies are whole
        return body


def by_conversation(exchanges: Iterable[RecordedExchange]) -> dict[str, list[RecordedExchange]]:
    """The exchanges of each conversation, in the order in which the conversations begin."""
    found: dict[str, list[RecordedExchange]] = {}
    for item in exchanges:
        found.setdefault(item.conversation, []).append(item)
    return found


@contextmanager
def malformed_as_failure(what: object) -> Iterator[None]:
    """While active, an error while interpreting a recording becomes a failure that names it: recordings get edited.

    `what` is a file, or an exchange, whose text names its place.

    Raises:
        HarnessFailure: an object does not have the shape that the service gives it.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        path = quote(str(what)) if isinstance(what, Path) else "…"
        raise HarnessFailure(
            f"{what} cannot be understood: an object in it does not have the shape that the service gives it.",
            there_was=f"{type(error).__name__}: {error}",
            do=f"harness check {path}; git diff -- {path}   # what is wrong with it? Or leave it out",
        ) from error
