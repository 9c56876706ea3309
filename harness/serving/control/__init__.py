"""The control API of a server, under `/_harness/`: what tests in any language tell a fake, and ask it.

Start at `routes.py`: one row a route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.service import explain
from harness.service.http import Response
from harness.serving.control import guard
from harness.serving.control.asked import Asked, read_body, read_query
from harness.serving.control.refusals import Refused
from harness.serving.control.routes import ROOT, find
from harness.transports.wire import error_response

if TYPE_CHECKING:
    from harness.service.http import Request
    from harness.serving.worlds import Worlds

HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # a token may stand in the address
}


def is_ours(request: Request) -> bool:
    """Whether the control API answers it."""
    return request.path == ROOT or request.path.startswith(f"{ROOT}/")


def world_of(worlds: Worlds, request: Request) -> str | None:
    """The name of the world that a request concerns, which begins with it if need be.

    None if there is no such request, if it is refused, or concerns no world.
    """
    try:
        guard.check(request, worlds.token)
        route, ids = find(request.method, request.path)
        return Asked(worlds, request, "", ids).world[0] if route.of_world else None
    except Refused:
        return None


def answer(worlds: Worlds, request: Request) -> Response:
    """Answer a request of the control API; from any thread.

    A refusal has the form that the harness's failures have over the wire, with a status of its own where there is one
    that says more than 400.
    """
    try:
        made = _answer(worlds, request)
    except Refused as refused:
        made = error_response(refused.status, refused.failure, x_should_retry="false", **refused.headers)
    except HarnessFailure as failure:
        made = error_response(400, failure, x_should_retry="false")
    return Response(made.status, {**HEADERS, **made.headers}, made.body)


def _answer(worlds: Worlds, request: Request) -> Response:
    """
    Raises:
        Refused, HarnessFailure: it is refused.
    """
    guard.check(request, worlds.token)
    route, ids = find(request.method, request.path)
    where = f"{request.method} {request.path}"
    body = None if route.body is None else read_body(request, route.body, where=where, example=route.example)
    query = read_query(request, route.query, where=where)
    try:
        return route.handler(Asked(worlds, request, where, ids, body, query))
    except Refused:
        raise
    except Exception as error:
        raise Refused(500, explain.broken(request.method, request.path, error)) from error
