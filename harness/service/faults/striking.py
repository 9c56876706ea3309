"""When a fault of requests strikes, and what it does then."""

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
from harness.service.faults.matching import checked
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
    """How far from the service a fault is: those further away strike first, and may keep the others from striking."""

    SERVICE = 1  # what it shows
    ANSWER = 2  # what the client gets; one of these strikes a request
    WAY = 3  # before it arrives


@dataclass(eq=False, kw_only=True)
class RequestFault(Plan, ABC):
    """One thing that goes wrong with requests that `on` names."""

    layer: Layer = Layer.ANSWER
    on: str | None
    seen: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.on = checked(self.on)

    def comes(self, arrival: Arrival) -> bool:
        """Whether it wants this request; ask once for each, for that is how they are counted."""
        if self.on is not None and self.on not in arrival.names:
            return False
        self.seen += 1
        return self.seen >= self.nth

    @abstractmethod
    def strike(self, serve: Serve, arrival: Arrival) -> Response:
        """What the client gets."""


@dataclass(eq=False, kw_only=True)
class Once(RequestFault):
    """One that strikes `times` times; `act` says how."""

    act: Callable[[Serve, Arrival], Response]

    def comes(self, arrival: Arrival) -> bool:
        return super().comes(arrival) and self.struck < self.times

    def strike(self, serve: Serve, arrival: Arrival) -> Response:
        self.struck += 1
        return self.act(serve, arrival)


@dataclass(eq=False, kw_only=True)
class RateLimit(RequestFault):
    """One that strikes until its time is over, which begins with the first request that it wants."""

    seconds: float
    until: float | None = None

    def comes(self, arrival: Arrival) -> bool:
        if not super().comes(arrival):
            return False
        now = arrival.world.clock.now
        self.until = now + self.seconds if self.until is None else self.until
        return now < self.until

    def strike(self, serve: Serve, arrival: Arrival) -> Response:
        assert self.until is not None  # `comes` has set it
        self.struck += 1
        return statuses.answer(arrival, 429, retry_after=ceil(self.until - arrival.world.clock.now))


@dataclass(eq=False, kw_only=True)
class Lag(RequestFault):
    """One that keeps the newest object out of the first `looks` answers that would have shown it."""

    layer: Layer = Layer.SERVICE
    looks: int
    looked: dict[str, int] = field(default_factory=dict)

    def strike(self, serve: Serve, arrival: Arrival) -> Response:
        response = serve(arrival)
        query = arrival.request.query
        page = _page(response)
        ascending = query.get("order") == ["asc"]
        if not page or not page["data"] or CURSORS & query.keys() or (ascending and page["has_more"]):
            return response  # the newest object is not on this page
        newest = page["data"][-1 if ascending else 0]["id"]
        self.looked[newest] = self.looked.get(newest, 0) + 1
        if self.looked[newest] > self.looks:
            return response
        self.struck += 1
        return _without_last(response, page) if ascending else serve(_behind(arrival, newest))


def _page(response: Response) -> dict[str, Any] | None:
    if response.status != 200 or not isinstance(response.body, bytes):
        return None
    page: dict[str, Any] = from_json(response.body)
    return page


def _without_last(response: Response, page: dict[str, Any]) -> Response:
    data = page["data"][:-1]
    ends = {"first_id": data[0]["id"], "last_id": data[-1]["id"]} if data else {"first_id": None, "last_id": None}
    return with_body(response, to_json({**page, "data": data, **ends}, indent=2))


def _behind(arrival: Arrival, cursor: str) -> Arrival:
    """The same list, newest first, from behind an object: what it was before that object was made."""
    url = arrival.request.url
    return replace(arrival, request=replace(arrival.request, url=f"{url}{'&' if '?' in url else '?'}after={cursor}"))


def wait_in_vain(arrival: Arrival) -> ReadTimeout:
    """The client waits as long as it is willing to; one that would wait for ever gives up at once."""
    arrival.world.clock.advance(arrival.request.patience or 0)
    return ReadTimeout(SILENT)


def arrive_late(serve: Serve, arrival: Arrival, seconds: float) -> Response:
    """Serve a request so many virtual seconds later, also where the client has given up by then.

    Raises:
        ReadTimeout: it has.
    """
    clock, patience = arrival.world.clock, arrival.request.patience
    if patience is None or patience >= seconds:
        clock.advance(seconds)
        return serve(arrival)

    # a function, which a copy of the world shares: what it calls asks for the world that there is then
    def served_all_the_same() -> None:
        with suppress(WireFailure):
            discard(serve(arrival))

    clock.call_at(clock.now + seconds, served_all_the_same)
    raise wait_in_vain(arrival)
