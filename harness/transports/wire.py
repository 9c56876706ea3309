"""What the transports over sockets share: which headers belong to a connection, and a failure as an HTTP answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from harness.service.http import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.failures import HarnessFailure

# RFC 9110 §7.6.1 and its predecessors, and what whoever sends the message works out anew
OF_A_CONNECTION = frozenset(
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
    """The headers that mean the message, without those that mean the connection it came by; names are lower case.

    >>> end_to_end({"connection": "close, x-hop", "x-hop": "1", "accept": "*/*"})
    {'accept': '*/*'}
    """
    named = {name.strip().lower() for name in headers.get("connection", "").split(",")}
    gone = OF_A_CONNECTION | named | set(also_without)
    return {name: value for name, value in headers.items() if name not in gone}


def complaint(failure: HarnessFailure) -> bytes:
    """A failure as the body of an error, in the form that the clients of the API know."""
    error = {"message": str(failure), "type": "harness_failure", "param": None, "code": None}
    return json.dumps({"error": error}, ensure_ascii=False).encode()


def refusal(status: int, failure: HarnessFailure, **headers: str) -> Response:
    """A failure as an answer."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(status, {"content-type": "application/json", **names}, complaint(failure))
