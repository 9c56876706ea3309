"""Sends requests on to a live endpoint, with a client of httpx or httpx2 in this process, which vcrpy can watch."""

from __future__ import annotations

from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.failures import HarnessFailure
from harness.service.http import Request, Response
from harness.transports.intercept import FAMILIES
from harness.transports.wire import end_to_end, refusal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import ModuleType

CONNECTING, READING = 30.0, 600.0  # seconds; the SDK waits ten minutes for an answer too


@contextmanager
def forwarding(upstream: str) -> Iterator[Callable[[Request], Response]]:
    """While active, the function it gives sends a request to the host of `upstream` and gives what that answers.

    Path, query, body and headers are sent as they came, so a request meant for `…/v1/threads` has `/v1` in its path
    already. It may be called from several threads at once.

    What surprises:

    - Answers are asked for uncompressed: whoever compressed what this process cannot read would make it useless.
    - Cookies go neither way back nor into the next request: they are for the host that set them.
    - Redirects are not followed but given to the client.
    - An endpoint that cannot be reached, or breaks off, is an answer 502 that names it; clients may try again.

    Raises:
        HarnessFailure: `upstream` is no URL of HTTP.
    """
    parts = urlsplit(upstream)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise HarnessFailure(
            f"{upstream!r} is no base URL of an endpoint.", do="https://api.openai.com/v1   # for example"
        )
    origin = f"{parts.scheme}://{parts.netloc}"
    family = _family()
    with family.Client(timeout=family.Timeout(READING, connect=CONNECTING)) as client:

        def forward(request: Request) -> Response:
            target = request.url.partition("://")[2].partition("/")[2]
            headers = {**end_to_end(request.headers), "accept-encoding": "identity"}
            raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
            # not `client.request`, which adds headers and cookies of its own
            asked = family.Request(request.method, f"{origin}/{target}", headers=raw, content=bytes(request.body))
            try:
                got = client.send(asked, follow_redirects=False)
            except family.TransportError as error:
                return refusal(502, _unreachable(origin, error))
            return Response(
                got.status_code, end_to_end(dict(got.headers), "content-encoding", "set-cookie"), got.content
            )

        yield forward


def _family() -> ModuleType:
    """httpx if it is there, for every vcrpy watches it; else httpx2. The SDK brings one of them along."""
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
