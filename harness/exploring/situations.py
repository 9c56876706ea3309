"""What a client is taken through: endings, timings and faults, and some of them together, in an order that stays."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

from harness.endings import RunEnding, ending
from harness.service.paths import below_root
from harness.service.routes import ROUTER

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from harness.fake import FakeAssistants
    from harness.service.exchange import Exchange

BASELINE = "completed-one_message"
WITH_TOOLS = "requires_action-one_call"
ALWAYS = 20  # more often than clients try again


@dataclass(frozen=True)
class Fault:
    """A call of `assistants.faults`: the method, its arguments, and what to call it."""

    name: str
    method: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def plan(self, assistants: FakeAssistants) -> None:
        getattr(assistants.faults, self.method)(*self.arguments, **self.options)

    def at(self, **where: Any) -> Fault:
        [place] = where.values()
        return Fault(f"{self.name} at {place}", self.method, self.arguments, {**self.options, **where})


@dataclass(frozen=True)
class Situation:
    """One thing that can happen to a client. `timing` are options of the fake, in virtual seconds."""

    ending: RunEnding
    timing: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def name(self) -> str:
        timing = [f"{name}={seconds:g}s" for name, seconds in self.timing.items()]
        usual = self.ending.name == BASELINE and (timing or self.faults)
        return ", ".join([*([] if usual else [self.ending.name]), *timing, *(fault.name for fault in self.faults)])

    @property
    def parts(self) -> list[Situation]:
        """The situations that this one puts together; none if it is a single one."""
        usual = ending(BASELINE)
        single = [Situation(self.ending)] if self.ending != usual else []
        single += [Situation(usual, {name: seconds}) for name, seconds in self.timing.items()]
        single += [Situation(usual, faults=(fault,)) for fault in self.faults]
        return single if len(single) > 1 else []


TIMINGS: tuple[Mapping[str, float], ...] = (
    {"queued": 0.0},
    {"act": 0.0},
    {"queued": 90.0},
    {"act": 120.0},
    {"act": 500.0},
)

# Of each route that the client uses, the first request; "always" is more than clients try again.
ANSWERS = (
    Fault("lost answer", "lost_answer"),
    Fault("connection refused", "connect_error"),
    Fault("timeout", "read_timeout"),
    Fault("429, then well", "status", (429,), {"retry_after": 20}),
    Fault("always 429", "status", (429,), {"times": ALWAYS}),
    Fault("500, then well", "status", (500,)),
    Fault("always 500", "status", (500,), {"times": ALWAYS}),
    Fault("no JSON", "malformed"),
    Fault("always 404", "status", (404,), {"times": ALWAYS}),
    Fault("200 s late", "slow", (200,)),
)
LISTS = (Fault("list lags", "lag"),)
LAGGING = "GET /threads/{thread_id}/messages"
# Of a stream, by the event it happens at.
STREAMS = (
    Fault("stream is cut", "cut"),
    Fault("stream stalls", "stall"),
    Fault("error event", "error"),
)
EVENTS = ("thread.run.created", "thread.message.created", "thread.message.delta", "thread.run.completed")


def situations(requests: Sequence[Exchange], roots: Any, chosen: Iterable[RunEnding]) -> Iterator[Situation]:
    """All but the usual one, for a client that makes these requests when all goes well; first the single ones.

    Pairs are each timing with a tool call, and each fault with each ending.
    """
    usual = ending(BASELINE)
    others = [each for each in chosen if each != usual]
    yield from (Situation(each) for each in others)
    yield from (Situation(usual, timing) for timing in TIMINGS)
    faults = list(_faults(requests, roots))
    yield from (Situation(usual, faults=(fault,)) for fault in faults)
    with_tools = [each for each in others if each.name == WITH_TOOLS]
    yield from (Situation(each, timing) for each, timing in product(with_tools, TIMINGS))
    for fault, each in product(faults, others):
        yield Situation(each, faults=(fault,))


def _faults(requests: Sequence[Exchange], roots: Any) -> Iterator[Fault]:
    routes = _routes(requests, roots)
    for fault, route in product(ANSWERS, routes):
        yield fault.at(on=route)
    if LAGGING in routes:
        yield from (fault.at(on=LAGGING) for fault in LISTS)
    if any(not isinstance(exchange.response.body, bytes) for exchange in requests):
        for fault, event in product(STREAMS, EVENTS):
            yield fault.at(after=event)


def _routes(requests: Sequence[Exchange], roots: Any) -> list[str]:
    """The routes that the client used, in that order."""
    matches = [ROUTER.match(exchange.method, below_root(exchange.request.path, roots)) for exchange in requests]
    by_name = {f"{match.route.method} {match.route.template}": None for match in matches if match is not None}
    return list(by_name)
