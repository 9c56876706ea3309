"""Endpoints that a test answers itself: `assistants.on("GET", "/models", answer)`."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic_core import to_json

from harness.failures import HarnessFailure
from harness.service.http import Body, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.http import Request


PLACEHOLDER = re.compile(r"\{\w*\}")


@dataclass(frozen=True)
class OwnAnswer:
    """What answers one endpoint; `origin` is the user's own line. In a path `{…}` stands for any one part.

    Raises:
        HarnessFailure: no request can have this path, or what is to answer is no function.

    >>> own = OwnAnswer("GET", "/threads/{thread_id}/title", print, "test_app.py:3")
    >>> own.fits("GET", "/threads/thread_abc/title"), own.fits("GET", "/threads/title")
    (True, False)
    """

    method: str
    path: str
    function: Callable[[Request], Any]
    origin: str

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or "?" in self.path:
            path = "/" + urlsplit(self.path).path.lstrip("/")
            raise self._failure("no request has such a path.", do=f'assistants.on("{self.method}", "{path}", …)')
        given: Any = self.function
        if not callable(given):
            do = f'assistants.on("{self.method}", "{self.path}", lambda request: {given!r:.200})'
            raise self._failure("what answers is a function, which is given the request.", do=do)

    def fits(self, method: str, *paths: str) -> bool:
        """Whether it answers a request whose path may be written in these ways."""
        return method == self.method and any(map(_pattern(self.path).fullmatch, paths))

    def to(self, request: Request) -> Response:
        """The answer to a request.

        Raises:
            HarnessFailure: the function raised something, which must not look like a network error to the SDK; or it
                gave what cannot be sent.
        """
        try:
            given = self.function(request)
        except Exception as error:
            what = f"the function raised {type(error).__name__}: {error}"
            raise self._failure(what, do="Its traceback stands above this one.") from error
        if isinstance(given, Response):
            wrong = _unsendable(given)
            if wrong is None:
                return given
            what = f"the function gave a Response {wrong}."
            raise self._failure(what, do='Response(200, {"content-type": "application/json"}, b"{}")')
        if inspect.isawaitable(given):
            getattr(given, "close", lambda: None)()
            what = "the function is async, and nothing awaits it."
            raise self._failure(what, do="def answer(request): ...   # without async")
        try:
            body = given if isinstance(given, bytes) else to_json(given, indent=2)
        except Exception as error:
            what = f"the function gave something of the type {type(given).__name__}, which is no JSON: {error}"
            raise self._failure(what, do='lambda request: {"object": "…"}   # or bytes, or a Response') from error
        return Response(200, {"content-type": "application/json"}, body)

    def _failure(self, what: str, *, do: str) -> HarnessFailure:
        return HarnessFailure(f'assistants.on("{self.method}", "{self.path}", …) at {self.origin}: {what}', do=do)


def _unsendable(given: Response) -> str | None:
    """What of an answer no server could send; a test may put anything into it."""
    status: Any = given.status
    headers: Any = given.headers
    body: Any = given.body
    if not isinstance(status, int) or not 100 <= status <= 999:
        return f"whose status is {status!r}"
    if not isinstance(headers, Mapping):
        return f"whose headers are {headers!r}"
    for name, value in headers.items():
        if not (_is_line(name) and _is_line(value)):
            return f"with the header {name!r}: {value!r}, which is no line in ASCII"
    if not isinstance(body, (bytes, Body)):  # a file that is open may be read for ever: at its end it gives b""
        return f"whose body is of the type {type(body).__name__}, not bytes"
    return None


def _is_line(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and not set("\r\n\0") & set(text)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, PLACEHOLDER.split(path))))
