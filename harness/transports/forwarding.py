"""Forwards requests to a live endpoint, with a client of httpx or httpx2 in this process, which vcrpy can record."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.failures import HarnessFailure
from harness.service.http import Request, Response
from harness.transports.intercept import FAMILIES
from harness.transports.wire import end_to_end, error_response

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

CONNECTING, READING = 30.0, 600.0  # seconds; the SDK waits ten minutes for an answer too


@contextmanager
def forwarding(upstream: str) -> Iterator[Callable[[Request], Response]]:
    """Yields a function that sends a request to the host of `upstream` and returns the response.

    Path, query, body and headers are sent as they came, so `/v1` has to be in the path of the request already. The
    function may be called from several threads at once.

    What surprises:

    - Responses are requested uncompressed: this process might not know the compression.
    - Cookies are neither returned nor sent with the next request: they are for the host that set them.
    - Redirects are not followed but returned.
    - An endpoint that cannot be reached, or breaks off, is a response 502 that names it; clients may retry.

    Raises:
        HarnessFailure: `upstream` is not an HTTP URL.
    """
    parts = urlsplit(upstream)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HarnessFailure(
            f"{upstream!r} is not the base URL of an endpoint.", do="https://api.openai.com/v1   # for example"
        )
    origin = f"{parts.scheme}://{parts.netloc}"
    library = _http_library()
    with library.Client(timeout=library.Timeout(READING, connect=CONNECTING)) as client:

        def forward(request: Request) -> Response:
            target = request.url.partition("://")[2].partition("/")[2]
            headers = {**end_to_end(request.headers), "accept-encoding": "identity"}
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
            # not `client.request`, which adds headers and cookies of its own
            forwarded = library.Request(request.method, f"{origin}/{target}", headers=raw, content=bytes(request.body))
            try:
                got = client.send(forwarded, follow_redirects=False)
            except library.TransportError as error:
                return error_response(502, _unreachable(origin, error))
            return Response(
                got.status_code, end_to_end(dict(got.headers), "content-encoding", "set-cookie"), got.content
            )

        yield forward


def _http_library() -> ModuleType:
    """httpx if it is installed, as every version of vcrpy records it; else httpx2. The SDK depends on one of them."""
    preferred, other = FAMILIES
    try:
        return import_module(preferred)
    except ImportError:
        return import_module(other)


def _unreachable(origin: str, error: Exception) -> HarnessFailure:
    return HarnessFailure(
        f"{origin} did not answer.",
        there_was=f"{type(error).__name__}: {error}",
        do=f"curl -i {origin}   # is it there, and is it the endpoint that you mean?",
    )
