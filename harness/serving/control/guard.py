"""Access to the control API: for programs that mean to use it, and not for any page that a browser happens to show."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.failures import HarnessFailure
from harness.loopback import is_loopback
from harness.serving.control.errors import ControlError

if TYPE_CHECKING:
    from harness.service.http import Request

MAX_BYTES = 16 * 2**20
TOKEN_HEADER = "x-harness-token"  # noqa: S105 - the name of a header


def check(request: Request, token: str | None) -> None:
    """Check that a request is allowed.

    Args:
        token: the token that the server requires. Without one, only this machine has access.

    Raises:
        ControlError: a page of another origin sent it (403); its `Host` is not this machine, as in an attack by DNS
            rebinding (403); the token is missing or wrong (401); the body is too large (413).
    """
    host = request.headers.get("host") or request.url.partition("://")[2].partition("/")[0]
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site") == "cross-site" or not (origin is None or _is_same_origin(origin, host)):
        raise ControlError(
            403,
            HarnessFailure(
                "The control API does not answer pages of another origin.",
                there_was=f"The page is from {origin or 'another site'}, the server is {host}.",
                do=f"open {_scheme(request)}://{host}/_harness/   # the page that has access",
            ),
        )
    if token is None and not is_loopback(_hostname(host)):
        raise ControlError(
            403,
            HarnessFailure(
                f"The control API of this server is for its own machine, and was asked as {host!r}.",
                do="harness serve --host 0.0.0.0   # for other machines: it then requires a token",
            ),
        )
    if token is not None and not _has_token(request, token):
        raise ControlError(
            401,
            HarnessFailure(
                "The control API of this server requires its token.",
                do=f'curl -H "{TOKEN_HEADER}: …" {_scheme(request)}://{host}{request.path}   # the server printed it',
            ),
        )
    if len(request.body) > MAX_BYTES:
        raise ControlError(
            413,
            HarnessFailure(
                f"The body has {len(request.body)} bytes, and the control API takes {MAX_BYTES}.",
                do="client.files.create(file=…, purpose=…)   # the fake API takes larger files",
            ),
        )


def _scheme(request: Request) -> str:
    return request.url.partition("://")[0]


def _is_same_origin(origin: str, host: str) -> bool:
    """Whether an `Origin` is the server itself; `null`, of sandboxed pages and files, is not."""
    return origin.partition("://")[2].lower() == host.lower()


def _hostname(host: str) -> str:
    """The host of a `Host` header, without its port; empty if it is malformed.

    >>> [_hostname(host) for host in ("localhost:8000", "[::1]:8000", "127.0.0.1", "[")]
    ['localhost', '::1', '127.0.0.1', '']
    """
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _has_token(request: Request, token: str) -> bool:
    """Whether a request has the token: in a header, or in the query, as for a page that a browser opens."""
    given = request.headers.get(TOKEN_HEADER)
    if given is None and request.method == "GET":
        given = request.query.get("token", [""])[0]
    return hmac.compare_digest((given or "").encode(), token.encode())
