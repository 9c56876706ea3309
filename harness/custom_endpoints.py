"""Endpoints that a test implements itself: `assistants.on("GET", "/models", answer)`."""

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
class CustomEndpoint:
    """An endpoint and the function that answers it.

    Attributes:
        path: below the API's root or as sent; `{…}` stands for any one segment.
        origin: file and line of the user's call.

    Raises:
        HarnessFailure: no request can have this path, or `function` is not callable.

    >>> endpoint = CustomEndpoint("GET", "/threads/{thread_id}/title", print, "test_app.py:3")
    >>> endpoint.matches("GET", "/threads/thread_abc/title"), endpoint.matches("GET", "/threads/title")
    (True, False)
    """

    method: str
    path: str
    function: Callable[[Request], Any]
    origin: str

    def __post_init__(self) -> None:
        if not self.path.startswith("/") or "?" in self.path:
            path = "/" + urlsplit(self.path).path.lstrip("/")
            raise self._failure("no request can have this path.", do=f'assistants.on("{self.method}", "{path}", …)')
        given: Any = self.function
        if not callable(given):
            do = f'assistants.on("{self.method}", "{self.path}", lambda request: {given!r:.200})'
            raise self._failure("the answer has to be a function that takes the request.", do=do)

    def matches(self, method: str, *paths: str) -> bool:
        """Whether it answers requests with this method and any of these paths."""
        return method == self.method and any(map(_pattern(self.path).fullmatch, paths))

    def respond(self, request: Request) -> Response:
        """The response to a request.

        Raises:
            HarnessFailure: the function raised something, which must not look like a network error to the SDK; or it
                returned what cannot be sent.
        """
        try:
            given = self.function(request)
        except Exception as error:
            what = f"the function raised {type(error).__name__}: {error}"
            raise self._failure(what, do="Its traceback stands above this one.") from error
        if isinstance(given, Response):
            problem = _send_problem(given)
            if problem is None:
                return given
            what = f"the function returned a Response {problem}."
            raise self._failure(what, do='Response(200, {"content-type": "application/json"}, b"{}")')
        if inspect.isawaitable(given):
            getattr(given, "close", lambda: None)()
            what = "the function is async, and nothing awaits it."
            raise self._failure(what, do="def answer(request): ...   # without async")
        try:
            body = given if isinstance(given, bytes) else to_json(given, indent=2)
        except Exception as error:
            kind = type(given).__name__
            what = f"the function returned a value of type {kind}, which is not JSON-serializable: {error}"
            raise self._failure(what, do='lambda request: {"object": "…"}   # or bytes, or a Response') from error
        return Response(200, {"content-type": "application/json"}, body)

    def _failure(self, what: str, *, do: str) -> HarnessFailure:
        return HarnessFailure(f'assistants.on("{self.method}", "{self.path}", …) at {self.origin}: {what}', do=do)


def _send_problem(given: Response) -> str | None:
    """Why no server could send this response, or None; a test may put anything into one."""
    status: Any = given.status
    headers: Any = given.headers
    body: Any = given.body
    if not isinstance(status, int) or not 100 <= status <= 999:
        return f"whose status is {status!r}"
    if not isinstance(headers, Mapping):
        return f"whose headers are {headers!r}"
    for name, value in headers.items():
        if not (_is_header_text(name) and _is_header_text(value)):
            return f"with the header {name!r}: {value!r}, which is not one line of ASCII"
    if not isinstance(body, (bytes, Body)):  # an open file, taken for a stream, would never end: at EOF it gives b""
        return f"whose body is of the type {type(body).__name__}, not bytes"
    return None


def _is_header_text(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and not set("\r\n\0") & set(text)


@cache
def _pattern(path: str) -> re.Pattern[str]:
    """A path with placeholders as a regular expression."""
    return re.compile("[^/]+".join(map(re.escape, PLACEHOLDER.split(path))))
