"""Who may use the control API: programs that reach it on purpose, and no page that a browser happens to show."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.failures import HarnessFailure
from harness.loopback import is_loopback
from harness.serving.control.refusals import Refused

if TYPE_CHECKING:
    from harness.service.http import Request

LARGEST = 16 * 2**20
TOKEN_HEADER = "x-harness-token"  # noqa: S105 - its name


def check(request: Request, token: str | None) -> None:
    """Let a request pass, or refuse it.

    Args:
        token: what the server asks for. Without one it is for this machine only.

    Raises:
        Refused: a page of another origin sent it (403); it came under a name that is not this machine's, as in an
            attack by DNS rebinding (403); the token is missing or wrong (401); the body is too large (413).
    """
    host = request.headers.get("host") or request.url.partition("://")[2].partition("/")[0]
    origin = request.headers.get("origin")
    if request.headers.get("sec-fetch-site") == "cross-site" or not (origin is None or _same(origin, host)):
        raise Refused(
            403,
            HarnessFailure(
                "The control API answers no page of another origin.",
                there_was=f"The page is of {origin or 'another site'}, the server is {host}.",
                do=f"open {_scheme(request)}://{host}/_harness/   # the page that may ask",
            ),
        )
    if token is None and not is_loopback(_name(host)):
        raise Refused(
            403,
            HarnessFailure(
                f"The control API of this server is for its own machine, and was asked as {host!r}.",
                do="harness serve --host 0.0.0.0   # for other machines: it then asks for a token",
            ),
        )
    if token is not None and not _knows(request, token):
        raise Refused(
            401,
            HarnessFailure(
                "The control API of this server asks for its token.",
                do=f'curl -H "{TOKEN_HEADER}: …" {_scheme(request)}://{host}{request.path}   # the server printed it',
            ),
        )
    if len(request.body) > LARGEST:
        raise Refused(
            413,
            HarnessFailure(
                f"The body has {len(request.body)} bytes, and the control API takes {LARGEST}.",
                do="client.files.create(file=…, purpose=…)   # the fake API takes larger files",
            ),
        )


def _scheme(request: Request) -> str:
    return request.url.partition("://")[0]


def _same(origin: str, host: str) -> bool:
    """Whether an `Origin` is the server itself; `null`, of sandboxed pages and files, is nobody."""
    return origin.partition("://")[2].lower() == host.lower()


def _name(host: str) -> str:
    """
    >>> [_name(host) for host in ("localhost:8000", "[::1]:8000", "127.0.0.1", "[")]
    ['localhost', '::1', '127.0.0.1', '']
    """
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _knows(request: Request, token: str) -> bool:
    """Whether the token came along: in a header or, as a browser opens a page and asks for its data, in the query."""
    given = request.headers.get(TOKEN_HEADER)
    if given is None and request.method == "GET":
        given = request.query.get("token", [""])[0]
    return hmac.compare_digest((given or "").encode(), token.encode())
