"""The two values that pass between the service and whatever carries them: a request and a response."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable
from urllib.parse import parse_qs

from pydantic_core import from_json

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from typing import TypeAlias

    Content: TypeAlias = bytes | memoryview
    """Bytes in memory, or a read-only view of them in a file on disk, where they are many."""


NO_QUERY: Mapping[str, list[str]] = {}


# Requests, responses and exchanges are values that nobody changes. They are not frozen: every request makes one of
# each, and a frozen one takes three times as long to make.


@dataclass(slots=True)
class Request:
    """One HTTP request as the service sees it.

    `path` and `query` come from `url`; header names are lower case. `client` identifies the client: the clock policy
    `on_poll` depends on what *this* client last saw of a run, so a transport passes one value per client. `patience`
    is the client's read timeout in seconds; None if it has none, or if it is not known. `body` is bytes; a long form
    that came over a socket is a read-only `memoryview` of a file on disk.

    >>> request = Request("GET", "https://api.openai.com/v1/assistants?limit=2")
    >>> request.path, request.query
    ('/v1/assistants', {'limit': ['2']})
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # not in the repr: they hold an API key
    body: Content = b""
    client: Hashable = None
    patience: float | None = None
    path: str = field(init=False)
    query: Mapping[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        # by hand, in a fifth of urlsplit's time, as every request needs it; a transport has checked the URL
        target, _, query = self.url.partition("#")[0].partition("?")
        path = target.partition("://")[2].partition("/")[2]
        self.path = f"/{path}"
        self.query = parse_qs(query, keep_blank_values=True) if query else NO_QUERY

    @property
    def json(self) -> Any:
        """The JSON body; None if there is none, or none that is JSON."""
        return json_of(self.body)


def json_of(body: Content) -> Any:
    """The parsed JSON; None if the body is not JSON."""
    try:
        return from_json(bytes(body))
    except ValueError:
        return None


@dataclass(slots=True)
class Response:
    """One HTTP answer: status, headers with lower-case names, and the body, whole or as a stream."""

    status: int
    headers: Mapping[str, str]
    body: bytes | Body


NO_ANSWER = Response(0, {}, b"")


@runtime_checkable
class Body(Protocol):
    """A streamed body: each chunk is made when the client reads it, and may take virtual time.

    Reading may raise a `WireFailure`, which a transport turns into its own library's errors.
    """

    @property
    def now(self) -> float:
        """The virtual time, to measure the pauses between chunks."""
        ...

    def wait(self) -> float:
        """Virtual seconds until the next chunk; 0 if it is there, or if none will come."""
        ...

    def read(self, patience: float | None = None) -> bytes | None:
        """The next chunk, or None at the end; `patience` is the client's read timeout."""
        ...

    def close(self) -> None:
        """The client stops reading."""


class WireFailure(Exception):  # noqa: N818 - what happened on the wire, not an error of this program
    """What a client gets instead of an answer, or of the rest of one; `answer` is the answer that was lost, if any."""

    def __init__(self, text: str, answer: Response = NO_ANSWER) -> None:
        super().__init__(text)
        self.answer = answer


class ConnectFailed(WireFailure):
    """No connection could be made, so the request was not sent."""


class ConnectionLost(WireFailure):
    """The connection broke off before the answer was complete."""


class ReadTimeout(WireFailure):
    """The client's read timeout passed before an answer, or its next chunk, came."""


# The messages of the HTTP libraries for these failures.
REFUSED = "[Errno 111] Connection refused"
DISCONNECTED = "Server disconnected without sending a response."
INCOMPLETE = "peer closed connection without sending complete message body (incomplete chunked read)"
SILENT = "The read operation timed out"
