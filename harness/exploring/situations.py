"""The situations of an exploration: endings, timings and faults, and pairs of them, always in the same order."""

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
ALWAYS = 20  # more often than clients retry


@dataclass(frozen=True)
class Fault:
    """A call of a method of `assistants.faults`, with a name for reports."""

    name: str
    method: str
    arguments: tuple[Any, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def plan(self, assistants: FakeAssistants) -> None:
        getattr(assistants.faults, self.method)(*self.arguments, **self.options)

    def at(self, **where: Any) -> Fault:
        """The same fault at one place, which its name then says."""
        [place] = where.values()
        return Fault(f"{self.name} at {place}", self.method, self.arguments, {**self.options, **where})


@dataclass(frozen=True)
class Situation:
    """A combination of an ending, a timing and faults. `timing` are options of the fake, in virtual seconds."""

    ending: RunEnding
    timing: Mapping[str, float] = field(default_factory=dict)
    faults: tuple[Fault, ...] = ()

    @property
    def name(self) -> str:
        timing = [f"{name}={seconds:g}s" for name, seconds in self.timing.items()]
        omit_ending = self.ending.name == BASELINE and (timing or self.faults)
        return ", ".join(
            [*([] if omit_ending else [self.ending.name]), *timing, *(fault.name for fault in self.faults)]
        )

    @property
    def parts(self) -> list[Situation]:
        """The single situations that this one combines; none if it is a single one itself."""
        baseline = ending(BASELINE)
        single = [Situation(self.ending)] if self.ending != baseline else []
        single += [Situation(baseline, {name: seconds}) for name, seconds in self.timing.items()]
        single += [Situation(baseline, faults=(fault,)) for fault in self.faults]
        return single if len(single) > 1 else []


TIMINGS: tuple[Mapping[str, float], ...] = (
    {"queued": 0.0},
    {"act": 0.0},
    {"queued": 90.0},
    {"act": 120.0},
    {"act": 500.0},
)

# Faults of the first request on each route that the client uses; "always" is more often than clients retry.
RESPONSE_FAULTS = (
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
LIST_FAULTS = (Fault("list lags", "lag"),)
MESSAGES_ROUTE = "GET /threads/{thread_id}/messages"
# Faults of a stream, at each of these events.
STREAM_FAULTS = (
    Fault("stream is cut", "cut"),
    Fault("stream stalls", "stall"),
    Fault("error event", "error"),
)
EVENTS = ("thread.run.created", "thread.message.created", "thread.message.delta", "thread.run.completed")


def situations(requests: Sequence[Exchange], roots: Any, endings: Iterable[RunEnding]) -> Iterator[Situation]:
    """All situations but the baseline, for a client that makes these requests there; single ones first.

    Pairs are each timing with a tool call, and each fault with each ending.
    """
    baseline = ending(BASELINE)
    other_endings = [each for each in endings if each != baseline]
    yield from (Situation(each) for each in other_endings)
    yield from (Situation(baseline, timing) for timing in TIMINGS)
    faults = list(_faults(requests, roots))
    yield from (Situation(baseline, faults=(fault,)) for fault in faults)
    with_tools = [each for each in other_endings if each.name == WITH_TOOLS]
    yield from (Situation(each, timing) for each, timing in product(with_tools, TIMINGS))
    for fault, each in product(faults, other_endings):
        yield Situation(each, faults=(fault,))


def _faults(requests: Sequence[Exchange], roots: Any) -> Iterator[Fault]:
    routes = _routes(requests, roots)
    for fault, route in product(RESPONSE_FAULTS, routes):
        yield fault.at(on=route)
    if MESSAGES_ROUTE in routes:
        yield from (fault.at(on=MESSAGES_ROUTE) for fault in LIST_FAULTS)
    if any(not isinstance(exchange.response.body, bytes) for exchange in requests):
        for fault, event in product(STREAM_FAULTS, EVENTS):
            yield fault.at(after=event)


def _routes(requests: Sequence[Exchange], roots: Any) -> list[str]:
    """The routes that the client used, in the order of their first requests."""
    matches = [ROUTER.match(exchange.method, below_root(exchange.request.path, roots)) for exchange in requests]
    by_name = {f"{match.route.method} {match.route.template}": None for match in matches if match is not None}
    return list(by_name)
