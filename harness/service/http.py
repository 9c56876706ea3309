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

    `path` and `query` come from `url`; header names are lower case. `client` tells clients apart: the clock
    policy `on_poll` reacts to what *this* client last saw of a run, so a transport passes one value per client.
    `patience` is its read timeout: how many seconds it waits for an answer; None is for ever, or not known. `body` is
    bytes, but of a long form that came over a socket it is a read-only `memoryview` of a file on disk.

    >>> request = Request("GET", "https://api.openai.com/v1/assistants?limit=2")
    >>> request.path, request.query
    ('/v1/assistants', {'limit': ['2']})
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # a key stands among them
    body: Content = b""
    client: Hashable = None
    patience: float | None = None
    path: str = field(init=False)
    query: Mapping[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        # by hand, in a fifth of the time that urlsplit takes: a transport has checked the URL, and each request asks
        target, _, query = self.url.partition("#")[0].partition("?")
        path = target.partition("://")[2].partition("/")[2]
        self.path = f"/{path}"
        self.query = parse_qs(query, keep_blank_values=True) if query else NO_QUERY

    @property
    def json(self) -> Any:
        """The body, or None if there is none or it is no JSON."""
        return json_of(self.body)


def json_of(body: Content) -> Any:
    """What JSON says; None if it is none."""
    try:
        return from_json(bytes(body))
    except ValueError:
        return None


@dataclass(slots=True)
class Response:
    """One HTTP answer: status, headers with lower-case names, and the body, whole or as it comes."""

    status: int
    headers: Mapping[str, str]
    body: bytes | Body


NO_ANSWER = Response(0, {}, b"")


@runtime_checkable
class Body(Protocol):
    """A body that comes in chunks, each when the client reads it; every one may take virtual time.

    Reading may raise a `WireFailure`, which a transport turns into its own library's errors.
    """

    @property
    def now(self) -> float:
        """The virtual time, which tells how much of it a pause has taken."""
        ...

    def wait(self) -> float:
        """Virtual seconds until the next chunk; 0 if it is there, or if none will come."""
        ...

    def read(self, patience: float | None = None) -> bytes | None:
        """The next chunk, or None at the end; `patience` is how long the client would wait for it."""
        ...

    def close(self) -> None:
        """The client reads no more of it."""


class WireFailure(Exception):  # noqa: N818 - what happened on the wire, no mistake of this program
    """What a client gets in place of an answer, or of the rest of one; `answer` is what was lost, if there was one."""

    def __init__(self, text: str, answer: Response = NO_ANSWER) -> None:
        super().__init__(text)
        self.answer = answer


class ConnectFailed(WireFailure):
    """There was no connection, so the request was not sent."""


class ConnectionLost(WireFailure):
    """The connection broke off before the answer was complete."""


class ReadTimeout(WireFailure):
    """The client waited for an answer, or its next chunk, as long as it was willing to."""


# What the libraries say when it happens.
REFUSED = "[Errno 111] Connection refused"
DISCONNECTED = "Server disconnected without sending a response."
INCOMPLETE = "peer closed connection without sending complete message body (incomplete chunked read)"
SILENT = "The read operation timed out"
