"""A client of the control API: sends requests, and reads answers into the types of `control/shapes.py`."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from pydantic_core import from_json, to_json

from harness.failures import HarnessFailure
from harness.serving.control.guard import TOKEN_HEADER
from harness.serving.control.routes import ROOT
from harness.serving.control.shapes import adapter_of
from harness.transports.certificates import default_trust
from harness.transports.httpx_family import sdk_http_library

# Seconds. A world is locked during each request, and a cell that another client executes may take half a minute.
TIMEOUT = 120.0


class ControlClient:
    """A client of the control API, for one world.

    Attributes:
        url: the URL of the server, without `/v1`.
        api_key: the API key of the world.
    """

    def __init__(self, url: str, *, api_key: str, token: str | None) -> None:
        self.url, self.api_key = _server_url(url), api_key
        headers = {"authorization": f"Bearer {api_key}"} | ({TOKEN_HEADER: token} if token else {})
        self._library = sdk_http_library()
        self._http = self._library.Client(
            headers=headers,
            timeout=TIMEOUT,
            # proxies in the environment are for other hosts: the server is on this machine, or beside it
            trust_env=False,
            verify=default_trust(),  # as without the environment, the library does not read SSL_CERT_FILE
            # a test may pause for longer than a server keeps an idle connection open, and then meet its closing
            limits=self._library.Limits(max_keepalive_connections=0),
        )

    def get(self, path: str, kind: Any, **query: object) -> Any:
        """The answer to a GET request, as `kind`.

        Raises:
            HarnessFailure: the server refuses the request, or does not answer.
        """
        return self._ask("GET", path, kind, None, query)

    def post(self, path: str, kind: Any, body: object = None, **query: object) -> Any:
        """The answer to a POST request, as `kind`; raises as `get` does."""
        return self._ask("POST", path, kind, {} if body is None else body, query)

    def close(self) -> None:
        self._http.close()

    def _ask(self, method: str, path: str, kind: Any, body: object, query: dict[str, object]) -> Any:
        given = {name: value for name, value in query.items() if value is not None}
        content = b"" if body is None else to_json(body)
        try:
            response = self._http.request(method, f"{self.url}{ROOT}{path}", params=given, content=content)
        except self._library.TransportError as error:
            raise self._not_reached(error) from error
        if response.status_code != 200:
            message = _failure_message(response.content)
            raise HarnessFailure(message) if message else self._not_our_server(response.status_code)
        try:
            return adapter_of(kind).validate_json(response.content)
        except ValueError as error:
            raise self._not_our_server(response.status_code) from error

    def _not_reached(self, error: Exception) -> HarnessFailure:
        what, do = f"There is no server of pytest-assistants at {self.url}.", "harness serve"
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            what = f"The certificate of the server at {self.url} is not trusted."
            do = "export SSL_CERT_FILE=client.pem   # the authority of its certificate"
        return HarnessFailure(what, there_was=f"{type(error).__name__}: {error}", do=do)

    def _not_our_server(self, status: int) -> HarnessFailure:
        return HarnessFailure(
            f"The server at {self.url} is not one of pytest-assistants, or has another version.",
            there_was=f"It answered {status}, but not in the form of the control API.",
            do="harness serve",
        )


def _server_url(url: str) -> str:
    """The URL without a `/v1` at its end; any other path stays, as that of a gateway.

    >>> _server_url("http://127.0.0.1:8000/v1/")
    'http://127.0.0.1:8000'
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise HarnessFailure(
            f"{url!r} is not the URL of a server.", do='harness.connect("http://127.0.0.1:8000")   # as it printed it'
        )
    path = parts.path.rstrip("/").removesuffix("/v1")
    return f"{parts.scheme}://{parts.netloc}{path}"


def _failure_message(body: bytes) -> str:
    """The message of a `HarnessFailure` in an error response; empty if it is another kind of response."""
    try:
        error = from_json(body)["error"]
        return str(error["message"]) if error["type"] == "harness_failure" else ""
    except (ValueError, KeyError, TypeError):
        return ""
