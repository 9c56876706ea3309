"""The control API of a server, under `/_harness/`: tests in any language script and inspect a fake with it.

Start at `routes.py`: one row a route.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.service import explain
from harness.service.http import Response
from harness.serving.control import guard
from harness.serving.control.errors import ControlError
from harness.serving.control.request import ControlRequest, read_body, read_query
from harness.serving.control.routes import ROOT, find
from harness.transports.wire import error_response

if TYPE_CHECKING:
    from harness.service.http import Request
    from harness.serving.worlds import Worlds

HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",  # the URL may contain a token
}


def is_ours(request: Request) -> bool:
    """Whether a request is to the control API."""
    return request.path == ROOT or request.path.startswith(f"{ROOT}/")


def world_of(worlds: Worlds, request: Request) -> str | None:
    """The name of the world that a control request concerns; a new world is created if it names a new key.

    None if there is no such route, if the request is refused, or if it concerns no world.
    """
    try:
        guard.check(request, worlds.token)
        route, ids = find(request.method, request.path)
        return ControlRequest(worlds, request, "", ids).world[0] if route.of_world else None
    except ControlError:
        return None


def answer(worlds: Worlds, request: Request) -> Response:
    """Answer a request to the control API; from any thread.

    An error has the form of a `HarnessFailure` over the wire, with a more specific status than 400 where there is one.
    """
    try:
        response = _answer(worlds, request)
    except ControlError as error:
        response = error_response(error.status, error.failure, x_should_retry="false", **error.headers)
    except HarnessFailure as failure:
        response = error_response(400, failure, x_should_retry="false")
    return Response(response.status, {**HEADERS, **response.headers}, response.body)


def _answer(worlds: Worlds, request: Request) -> Response:
    """The response of the request's route.

    Raises:
        ControlError, HarnessFailure: it is refused.
    """
    guard.check(request, worlds.token)
    route, ids = find(request.method, request.path)
    where = f"{request.method} {request.path}"
    body = None if route.body is None else read_body(request, route.body, where=where, example=route.example)
    query = read_query(request, route.query, where=where)
    try:
        return route.handler(ControlRequest(worlds, request, where, ids, body, query))
    except ControlError:
        raise
    except Exception as error:
        raise ControlError(500, explain.internal_error(request.method, request.path, error)) from error
