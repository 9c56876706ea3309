"""The line to the control API of a server: what is asked in Python goes out as HTTP, and what comes back is read."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic_core import from_json, to_json

from harness.failures import HarnessFailure
from harness.serving.control.guard import TOKEN_HEADER
from harness.serving.control.routes import ROOT
from harness.serving.control.shapes import adapter_of
from harness.transports.httpx_family import sdk_http_library

# Seconds. A world is one thread's at a time, and a cell that another client lets run may take half a minute.
PATIENCE = 120.0


class Link:
    """A client of one world at a server.

    Attributes:
        url: of the server, without a path.
        api_key: of the world.
    """

    def __init__(self, url: str, *, api_key: str, token: str | None) -> None:
        self.url, self.api_key = _server(url), api_key
        headers = {"authorization": f"Bearer {api_key}"} | ({TOKEN_HEADER: token} if token else {})
        self._library = sdk_http_library()
        self._http = self._library.Client(
            headers=headers,
            timeout=PATIENCE,
            # a proxy in the environment is not for this: the server is on this machine, or beside it
            trust_env=False,
            # a test may pause for longer than a server keeps a connection, and its next request would fall into the end
            limits=self._library.Limits(max_keepalive_connections=0),
        )

    def get(self, path: str, kind: Any, **query: object) -> Any:
        """What the server says, read as `kind`.

        Raises:
            HarnessFailure: the server refuses, in its words; or there is none.
        """
        return self._ask("GET", path, kind, None, query)

    def post(self, path: str, kind: Any, body: object = None, **query: object) -> Any:
        """The same of a route that changes something."""
        return self._ask("POST", path, kind, {} if body is None else body, query)

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, kind: Any, body: object, query: dict[str, object]) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        content = b"" if body is None else to_json(body)
        try:
            got = self._http.request(method, f"{self.url}{ROOT}{path}", params=given, content=content)
        except self._library.TransportError as error:
            raise HarnessFailure(
                f"There is no server of pytest-assistants at {self.url}.",
                there_was=f"{type(error).__name__}: {error}",
                do="harness serve",
            ) from error
        if got.status_code != 200:
            raise HarnessFailure(_words(got.content)) if _words(got.content) else self._stranger(got.status_code)
        try:
            return adapter_of(kind).validate_json(got.content)
        except ValueError as error:
            raise self._stranger(got.status_code) from error

    def _stranger(self, status: int) -> HarnessFailure:
        return HarnessFailure(
            f"What answers at {self.url} is no server of pytest-assistants, or one of another version.",
            there_was=f"It answered {status}, and not in the form of the control API.",
            do="harness serve",
        )


def _server(url: str) -> str:
    """
    >>> _server("http://127.0.0.1:8000/v1/")
    'http://127.0.0.1:8000'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise HarnessFailure(
            f"{url!r} is no address of a server.", do='harness.connect("http://127.0.0.1:8000")   # as it printed it'
        )
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _words(body: bytes) -> str:
    """The message of a refusal of the harness; nothing if it is none."""
    try:
        error = from_json(body)["error"]
        return str(error["message"]) if error["type"] == "harness_failure" else ""
    except (ValueError, KeyError, TypeError):
        return ""
