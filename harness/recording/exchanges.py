"""A recorded exchange, whatever wrote it down."""

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


@contextmanager
def understanding(what: object) -> Iterator[None]:
    """While active, what cannot be understood of a recording is told of as such: files are edited, and not all is ours.

    `what` is a file, or a part of one that tells its place.

    Raises:
        HarnessFailure: an object has another shape than those of the service.
    """
    try:
        yield
    except (LookupError, TypeError, ValueError, AttributeError) as error:
        path = quote(str(what)) if isinstance(what, Path) else "…"
        raise HarnessFailure(
            f"{what} cannot be understood: an object in it is none as the service showed them.",
            there_was=f"{type(error).__name__}: {error}",
            do=f"harness check {path}; git diff -- {path}   # what is wrong with it? Or leave it out",
        ) from error
