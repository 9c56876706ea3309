"""Endpoints that a test answers itself: `assistants.on("GET", "/models", answer)`."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic_core import to_json

from harness.failures import HarnessFailure
from harness.service.http import Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.http import Request


PLACEHOLDER = re.compile(r"\{\w*\}")


@dataclass(frozen=True)
class OwnAnswer:
    """What answers one endpoint; `origin` is the user's own line. In a path `{…}` stands for any one part.

    Raises:
        HarnessFailure: no request can have this path.

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
            if isinstance(given.body, bytes) or hasattr(given.body, "read"):
                return given
            what = f"the function gave a Response whose body is of the type {type(given.body).__name__}, not bytes."
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


@cache
def _pattern(path: str) -> re.Pattern[str]:
    return re.compile("[^/]+".join(map(re.escape, PLACEHOLDER.split(path))))
