"""Lets pages in browsers use the fake API, as the real service did (CORS)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.service.http import Response
from harness.serving import control
from harness.transports.wire import error_response

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.http import Request

# The origin is recorded (CONTRACT, FACTS), with no more than a header of Cloudflare's exposed. All are exposed here,
# or `--spare-waiting` would not reach a page. That Azure answered pages, too, is a guess (G).
FOR_PAGES = {"access-control-allow-origin": "*", "access-control-expose-headers": "*"}


def with_cors(answer: Callable[[Request], Response]) -> Callable[[Request], Response]:
    """The function `answer`, for pages of all origins; but to them the control API stays closed.

    A page cannot read an answer without these headers, so failures of the harness have them, too. A browser asks
    beforehand whether a page may send a request (a preflight). The real service said yes (bricks-cloud/BricksLLM#45);
    the form of that answer is a guess (G). As it carries no key, it is no request to any world.
    """

    def answered(request: Request) -> Response:
        if "origin" not in request.headers or control.is_ours(request):
            return answer(request)
        if request.method == "OPTIONS" and "access-control-request-method" in request.headers:
            return _preflight(request)
        try:
            response = answer(request)
        except HarnessFailure as failure:
            response = error_response(400, failure, x_should_retry="false")
        return replace(response, headers={**response.headers, **FOR_PAGES})

    return answered


def _preflight(request: Request) -> Response:
    """Yes to the method and the headers that are asked for; `*` would not stand for `authorization`."""
    wanted = request.headers
    allowed = {
        "access-control-allow-methods": wanted["access-control-request-method"],
        "access-control-allow-headers": wanted.get("access-control-request-headers", ""),
    }
    return Response(200, {**FOR_PAGES, **allowed}, b"")
