"""The control API as a table, one row a route: requests find their handler here, and OpenAPI is made of it."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from harness.failures import HarnessFailure
from harness.serving.control import handlers, openapi
from harness.serving.control.asked import as_json, in_turn
from harness.serving.control.refusals import Refused
from harness.serving.control.shapes import (
    Added,
    After,
    Cancelled,
    ClockFace,
    ClockMove,
    Complaint,
    Done,
    Glance,
    Kept,
    Listed,
    Logged,
    OfThread,
    Planned,
    Query,
    Reset,
    Seen,
    ShownRun,
    ShownThread,
    Told,
    Where,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.http import Response
    from harness.serving.control.asked import Asked

ROOT = "/_harness"


@dataclass(frozen=True)
class Route:
    """One row.

    Attributes:
        path: below `/_harness`.
        summary: what it does.
        answer: the type of what it answers, or the media type of what is no JSON.
        body, query: the types of what it takes.
        example: a body.
        of_world: whether it concerns one world.
    """

    method: str
    path: str
    handler: Callable[[Asked], Response]
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
        """That of its handler."""
        return self.handler.__name__

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(self.path)))


def _row(method: str, path: str, handler: Callable[..., Any], summary: str, answer: Any, **more: Any) -> Route:
    return Route(method, path, in_turn(handler), summary, answer, **more)


def _of_server(path: str, handler: Callable[[Asked], Response], summary: str, answer: Any) -> Route:
    return Route("GET", path, handler, summary, answer, of_world=False)


def document(asked: Asked) -> Response:
    return as_json(openapi.document(ROUTES, ROOT))


SCENARIO = {"next_run": [{"say": "4 °C and rain"}]}

ROUTES: tuple[Route, ...] = (
    _row(
        "POST",
        "/scenario",
        handlers.play,
        "Script runs, seed objects, plan faults. If anything in it is wrong, nothing of it counts.",
        Added,
        body=dict[str, Any],
        query=Where,
        example=SCENARIO,
    ),
    _row("GET", "/faults", handlers.faults, "The faults that are planned, and which have happened.", Planned),
    _row(
        "GET",
        "/unused",
        handlers.unused,
        "The complaint about scripts and faults that nothing came to.",
        Complaint | None,
    ),
    _row("GET", "/clock", handlers.clock, "The virtual time, and what moves it.", ClockFace),
    _row(
        "POST",
        "/clock",
        handlers.move_clock,
        "Let virtual time pass, or choose what moves it.",
        ClockFace,
        body=ClockMove,
        example={"advance": 30},
    ),
    _row(
        "GET",
        "/requests",
        handlers.requests,
        "The requests and their answers, oldest first.",
        list[Logged],
        query=After,
    ),
    _row("GET", "/transcript", handlers.transcript, "The conversations as text.", Told, query=OfThread),
    _row(
        "GET",
        "/threads",
        handlers.threads,
        "The threads, with their messages and runs.",
        list[ShownThread],
        query=OfThread,
    ),
    _row("GET", "/runs", handlers.runs, "The runs, with their timelines and steps.", list[ShownRun], query=OfThread),
    _row("POST", "/runs/cancel", handlers.cancel_runs, "Somebody else cancels every run that can be.", Cancelled),
    _row("GET", "/failures", handlers.failures, "What the harness has complained about.", list[Complaint]),
    _row("POST", "/snapshots", handlers.take_snapshot, "Keep a copy of everything, to go back to.", Kept),
    _row(
        "POST",
        "/snapshots/{id}/restore",
        handlers.restore,
        "Go back: objects, clock, scripts and ids. The log of requests goes on.",
        Done,
    ),
    Route(
        "POST",
        "/reset",
        handlers.reset,
        "Let the world begin anew, if wanted with other options.",
        Done,
        body=Reset,
        example={"api": "v2", "clock": "manual"},
    ),
    _row("GET", "/world", handlers.glance, "A world as the inspector shows it.", Glance, query=Seen),
    _of_server("/worlds", handlers.list_worlds, "The worlds that have begun, oldest first.", list[Listed]),
    _of_server("/", handlers.page, "The inspector, a page for browsers.", "text/html"),
    _of_server("", handlers.to_page, "Sends a browser on to the inspector.", "text/html"),
    _of_server("/openapi.json", document, "This API as an OpenAPI document.", dict[str, Any]),
)


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The row for a request, and what its path names.

    Args:
        path: with the root.

    Raises:
        Refused: there is no such path (404), or it takes other methods (405).
    """
    below = path.removeprefix(ROOT)
    found = {route.method: (route, match) for route in ROUTES if (match := route.pattern.fullmatch(below))}
    if method in found:
        route, match = found[method]
        return route, {name: unquote(value) for name, value in match.groupdict().items()}
    if found:
        allowed = ", ".join(found)
        failure = HarnessFailure(f"{method} {path}: it takes {allowed}.", do=next(iter(found.values()))[0].where)
        raise Refused(405, failure, allow=allowed)
    nearest = difflib.get_close_matches(below, [route.path for route in ROUTES], n=1)
    raise Refused(
        404,
        HarnessFailure(
            f"The control API has no {path}.",
            there_was="It has:\n" + "\n".join(f"    {route.where}" for route in ROUTES),
            do=next((route.where for route in ROUTES if route.path in nearest), f"GET {ROOT}/openapi.json"),
        ),
    )
