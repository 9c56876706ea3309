"""What the transports over sockets share: the hop-by-hop headers, and a failure as an HTTP response."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.service.http import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.failures import HarnessFailure

# RFC 9110 §7.6.1 and its predecessors, and the headers that each sender computes itself
HOP_BY_HOP = frozenset(
    {
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def end_to_end(headers: Mapping[str, str], *also_without: str) -> dict[str, str]:
    """The headers of a message without those of the connection that it came over; names are lower case.

    >>> end_to_end({"connection": "close, x-hop", "x-hop": "1", "accept": "*/*"})
    {'accept': '*/*'}
    """
    named = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    gone = HOP_BY_HOP | named | set(also_without)
    return {name: value for name, value in headers.items() if name not in gone}


def error_body(failure: HarnessFailure) -> bytes:
    """A failure as the body of an error response, in the form of the API."""
    error = {"message": str(failure), "type": "harness_failure", "param": None, "code": None}
    return json.dumps({"error": error}, ensure_ascii=False).encode()


def error_response(status: int, failure: HarnessFailure, **headers: str) -> Response:
    """A failure as a response; names of headers with underscores for hyphens."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "application/json", **names}, error_body(failure))
