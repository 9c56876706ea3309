"""The kinds of request faults: for which requests each is due, and what it does to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import suppress
from dataclasses import dataclass, field, replace
from enum import IntEnum
from math import ceil
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_core import from_json, to_json

from harness.service.faults import statuses
from harness.service.faults.bodies import discard, with_body
from harness.service.faults.matching import check_on
from harness.service.faults.planning import Plan
from harness.service.http import SILENT, ReadTimeout, WireFailure

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.faults.matching import Arrival
    from harness.service.http import Response

    Serve: TypeAlias = Callable[[Arrival], Response]
    """Gives the answer: the service, or the next fault in front of it."""

CURSORS = frozenset({"after", "before"})


class Layer(IntEnum):
    """How far from the service a fault acts: outer layers apply first, and may keep inner ones from applying."""

    SERVICE = 1  # changes what the service shows
    ANSWER = 2  # decides what the client gets; at most one of these applies to a request
    TRANSIT = 3  # happens before the request arrives


@dataclass(eq=False, kw_only=True)
class RequestFault(Plan, ABC):
    """A fault of the requests that `on` names."""

    layer: Layer = Layer.ANSWER
    on: str | None
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.on = check_on(self.on)

    def claims(self, arrival: Arrival) -> bool:
        """Whether the fault is due for this request; called once per request, because it counts them."""
        if self.on is not None and self.on not in arrival.names:
            return False
        self.seen += 1
        return self.seen >= self.nth

    @abstractmethod
    def apply(self, serve: Serve, arrival: Arrival) -> Response:
        """Answer the request with this fault."""


@dataclass(eq=False, kw_only=True)
class Once(RequestFault):
    """A fault that happens `times` times; `act` makes the answer."""

    act: Callable[[Serve, Arrival], Response]

    def claims(self, arrival: Arrival) -> bool:
        return super().claims(arrival) and self.occurrences < self.times

    def apply(self, serve: Serve, arrival: Arrival) -> Response:
        self.occurrences += 1
        return self.act(serve, arrival)


@dataclass(eq=False, kw_only=True)
class RateLimit(RequestFault):
    """A fault that refuses requests for `seconds`, from the first request that it is due for."""

    seconds: float
    until: float | None = None

    def claims(self, arrival: Arrival) -> bool:
        if not super().claims(arrival):
            return False
        now = arrival.world.clock.now
        self.until = now + self.seconds if self.until is None else self.until
        return now < self.until

    def apply(self, serve: Serve, arrival: Arrival) -> Response:
        assert self.until is not None  # `claims` has set it
        self.occurrences += 1
        return statuses.answer(arrival, 429, retry_after=ceil(self.until - arrival.world.clock.now))


@dataclass(eq=False, kw_only=True)
class Lag(RequestFault):
    """A fault that leaves the newest object out of the first `looks` answers that would have shown it."""

    layer: Layer = Layer.SERVICE
    looks: int
    hidden: dict[str, int] = field(default_factory=dict)

    def apply(self, serve: Serve, arrival: Arrival) -> Response:
        response = serve(arrival)
        query = arrival.request.query
        page = _page(response)
        ascending = query.get("order") == ["asc"]
        if not page or not page["data"] or CURSORS & query.keys() or (ascending and page["has_more"]):
            return response  # the newest object is not on this page
        newest = page["data"][-1 if ascending else 0]["id"]
        self.hidden[newest] = self.hidden.get(newest, 0) + 1
        if self.hidden[newest] > self.looks:
            return response
        self.occurrences += 1
        return _without_last(response, page) if ascending else serve(_page_after(arrival, newest))


def _page(response: Response) -> dict[str, Any] | None:
    if response.status != 200 or not isinstance(response.body, bytes):
        return None
    page: dict[str, Any] = from_json(response.body)
    return page


def _without_last(response: Response, page: dict[str, Any]) -> Response:
    data = page["data"][:-1]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return with_body(response, to_json({**page, "data": data, **ends}, indent=2))


def _page_after(arrival: Arrival, cursor: str) -> Arrival:
    """A request for the same list, newest first, after this object: as it was before the object was made."""
    url = arrival.request.url
    return replace(arrival, request=replace(arrival.request, url=f"{url}{'&' if '?' in url else '?'}after={cursor}"))


def time_out(arrival: Arrival) -> ReadTimeout:
    """Let the client's read timeout pass, if it has one; returns the failure to raise."""
    arrival.world.clock.advance(arrival.request.patience or 0)
    return ReadTimeout(SILENT)


def arrive_late(serve: Serve, arrival: Arrival, seconds: float) -> Response:
    """Serve a request `seconds` of virtual time later, even if the client has given up by then.

    Raises:
        ReadTimeout: the client has given up.
    """
    clock, patience = arrival.world.clock, arrival.request.patience
    if patience is None or patience >= seconds:
        clock.advance(seconds)
        return serve(arrival)

    # a function is not copied with the world: it serves the request in whichever world is current then
    def served_all_the_same() -> None:
        with suppress(WireFailure):
            discard(serve(arrival))

    clock.call_at(clock.now + seconds, served_all_the_same)
    raise time_out(arrival)
