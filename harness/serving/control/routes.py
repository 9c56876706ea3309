"""The routes of the control API, from which requests are dispatched and the OpenAPI document is generated."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from harness.failures import HarnessFailure
from harness.serving.control import handlers, openapi
from harness.serving.control.errors import ControlError
from harness.serving.control.request import as_json, exclusive
from harness.serving.control.shapes import (
    AddedObjects,
    AffectedWorld,
    CancelledRuns,
    ClockMove,
    ClockState,
    Failure,
    InspectedWorld,
    InspectorQuery,
    LoggedRequest,
    PlannedFaults,
    Query,
    RequestsQuery,
    Reset,
    ScenarioQuery,
    ShownRun,
    ShownThread,
    TakenSnapshot,
    ThreadQuery,
    Transcript,
    WorldSummary,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.http import Response
    from harness.serving.control.request import ControlRequest

ROOT = "/_harness"


@dataclass(frozen=True)
class Route:
    """One route.

    Attributes:
        path: below `/_harness`.
        summary: what it does, in a sentence.
        answer: the type of its answer, or the media type where that is not JSON.
        body, query: the types that it takes.
        example: a valid body.
        of_world: whether it concerns a single world.
    """

    method: str
    path: str
    handler: Callable[[ControlRequest], Response]
    summary: str
    answer: Any
    body: Any = None
    query: type[Query] = Query
    example: object = None
    of_world: bool = True

    @property
    def where(self) -> str:
        return f"{self.method} {ROOT}{self.path}"

    @property
    def name(self) -> str:
        """The name of its handler, which is its operationId."""
        return self.handler.__name__

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


def _world_route(method: str, path: str, handler: Callable[..., Any], summary: str, answer: Any, **more: Any) -> Route:
    return Route(method, path, exclusive(handler), summary, answer, **more)


def _server_route(path: str, handler: Callable[[ControlRequest], Response], summary: str, answer: Any) -> Route:
    return Route("GET", path, handler, summary, answer, of_world=False)


def document(request: ControlRequest) -> Response:
    return as_json(openapi.document(ROUTES, ROOT))


SCENARIO = {"next_run": [{"say": "4 °C and rain"}]}

ROUTES: tuple[Route, ...] = (
    _world_route(
        "POST",
        "/scenario",
        handlers.play,
        "Script runs, seed objects, plan faults. If any part is invalid, nothing of it takes effect.",
        AddedObjects,
        body=dict[str, Any],
        query=ScenarioQuery,
        example=SCENARIO,
    ),
    _world_route(
        "GET", "/faults", handlers.faults, "The faults that are planned, and which have happened.", PlannedFaults
    ),
    _world_route(
        "GET",
        "/unused",
        handlers.unused,
        "The failure that names scripts and faults which were not used, if there are any.",
        Failure | None,
    ),
    _world_route("GET", "/clock", handlers.clock, "The virtual time, and what moves it.", ClockState),
    _world_route(
        "POST",
        "/clock",
        handlers.move_clock,
        "Let virtual time pass, or choose what moves it.",
        ClockState,
        body=ClockMove,
        example={"advance": 30},
    ),
    _world_route(
        "GET",
        "/requests",
        handlers.requests,
        "The requests and their answers, oldest first.",
        list[LoggedRequest],
        query=RequestsQuery,
    ),
    _world_route(
        "GET", "/transcript", handlers.transcript, "The conversations as text.", Transcript, query=ThreadQuery
    ),
    _world_route(
        "GET",
        "/threads",
        handlers.threads,
        "The threads, with their messages and runs.",
        list[ShownThread],
        query=ThreadQuery,
    ),
    _world_route(
        "GET", "/runs", handlers.runs, "The runs, with their timelines and steps.", list[ShownRun], query=ThreadQuery
    ),
    _world_route(
        "POST", "/runs/cancel", handlers.cancel_runs, "Somebody else cancels every run that can be.", CancelledRuns
    ),
    _world_route("GET", "/failures", handlers.failures, "The failures that the harness has raised.", list[Failure]),
    _world_route(
        "POST", "/snapshots", handlers.take_snapshot, "Keep a copy of everything, to go back to.", TakenSnapshot
    ),
    _world_route(
        "POST",
        "/snapshots/{id}/restore",
        handlers.restore,
        "Go back: objects, clock, scripts and ids. The log of requests goes on.",
        AffectedWorld,
    ),
    Route(
        "POST",
        "/reset",
        handlers.reset,
        "Replace the world with a new one, with other options if any are given.",
        AffectedWorld,
        body=Reset,
        example={"api": "v2", "clock": "manual"},
    ),
    _world_route(
        "GET", "/world", handlers.inspect, "A world as the inspector shows it.", InspectedWorld, query=InspectorQuery
    ),
    _server_route("/worlds", handlers.list_worlds, "The worlds, oldest first.", list[WorldSummary]),
    _server_route("/", handlers.page, "The inspector, a page for browsers.", "text/html"),
    _server_route("", handlers.redirect_to_page, "Redirects a browser to the inspector.", "text/html"),
    _server_route("/openapi.json", document, "This API as an OpenAPI document.", dict[str, Any]),
)


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of a request, and the parameters in its path.

    Args:
        path: including the root.

    Raises:
        ControlError: there is no such path (404), or it takes other methods (405).
    """
    below = path.removeprefix(ROOT)
    found = {route.method: (route, match) for route in ROUTES if (match := route.pattern.fullmatch(below))}
    if method in found:
        route, match = found[method]
        return route, {name: unquote(value) for name, value in match.groupdict().items()}
    if found:
        allowed = ", ".join(found)
        failure = HarnessFailure(f"{method} {path}: it takes {allowed}.", do=next(iter(found.values()))[0].where)
        raise ControlError(405, failure, allow=allowed)
    nearest = difflib.get_close_matches(below, [route.path for route in ROUTES], n=1)
    raise ControlError(
        404,
        HarnessFailure(
            f"The control API has no {path}.",
            there_was="It has:\n" + "\n".join(f"    {route.where}" for route in ROUTES),
            do=next((route.where for route in ROUTES if route.path in nearest), f"GET {ROOT}/openapi.json"),
        ),
    )
