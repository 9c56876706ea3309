"""The two values that pass between the service and whatever carries them: a request and a response."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping


NO_QUERY: Mapping[str, list[str]] = {}


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as the service sees it.

    `path` and `query` come from `url`; header names are lower case. `client` tells clients apart: the clock
    policy `on_poll` reacts to what *this* client last saw of a run, so a transport passes one value per client.

    >>> request = Request("GET", "https://api.openai.com/v1/assistants?limit=2")
    >>> request.path, request.query
    ('/v1/assistants', {'limit': ['2']})
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # a key stands among them
    body: bytes = b""
    client: Hashable = None
    path: str = field(init=False)
    query: Mapping[str, list[str]] = field(init=False)

    def __post_init__(self) -> None:
        # by hand, in a fifth of the time that urlsplit takes: a transport has checked the URL, and each request asks
        target, _, query = self.url.partition("#")[0].partition("?")
        path = target.partition("://")[2].partition("/")[2]
        object.__setattr__(self, "path", f"/{path}")
        object.__setattr__(self, "query", parse_qs(query, keep_blank_values=True) if query else NO_QUERY)


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer: status, headers with lower-case names, and the whole body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
