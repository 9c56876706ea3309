"""Lets pages in browsers use the fake API, as the real service did (CORS)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from harness.failures import HarnessFailure
from harness.loopback import is_loopback
from harness.service.http import Response
from harness.serving import control
from harness.transports.wire import error_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.http import Request
    from harness.serving.worlds import Worlds

# `*` is recorded (FACTS), with no more than a header of Cloudflare's exposed. All are exposed here, or the headers of
# `--spare-waiting` would not reach a page. That Azure answered pages, too, is a guess (G).
FOR_PAGES = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}


def with_cors(worlds: Worlds) -> Callable[[Request], Response]:
    """The function `worlds.answer`, for pages of this machine too; but to them the control API stays closed.

    The real service let pages of all origins in, as they had to know a key. Here this holds only if a certain key is
    required: else any website could look for a fake on its visitors' machines, and read what was uploaded to it.

    A page cannot read an answer without these headers, so failures of the harness have them, too. A browser asks
    beforehand whether a page may send a request (a preflight). The real service said yes (bricks-cloud/BricksLLM#45);
    the form of that answer is a guess (G). As it carries no key, it is no request to any world.
    """

    key_required = worlds.options.api_key is not None

    def answered(request: Request) -> Response:
        origin = request.headers.get("origin")
        if origin is None or control.is_ours(request) or not (key_required or _is_of_this_machine(origin)):
            return worlds.answer(request)
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            return _preflight(request)
        try:
            response = worlds.answer(request)
        except HarnessFailure as failure:
            response = error_response(400, failure, x_should_retry="false")
        return replace(response, headers={**response.headers, **FOR_PAGES})

    return answered


def _is_of_this_machine(origin: str) -> bool:
    """Whether a page was served here; `null`, of sandboxed pages and files, may be anybody's."""
    try:
        return is_loopback(urlsplit(origin).hostname or "")
    except ValueError:
        return False


def _preflight(request: Request) -> Response:
    """Yes to the method and the headers that are asked for; `*` would not stand for `authorization`."""
    wanted = request.headers
    allowed = {
        "access-control-allow-methods": wanted["access-control-request-method"],
        "access-control-allow-headers": wanted.get("access-control-request-headers", ""),
    }
    return Response(200, {**FOR_PAGES, **allowed}, b"")
