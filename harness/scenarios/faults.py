"""What shall go wrong, as data: `{"status": 500, "on": "POST /threads/{thread_id}/runs"}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.scenarios.docstrings import descriptions
from harness.scenarios.places import shown
from harness.scenarios.verbs import Verb, chosen, verb
from harness.service.faults import Faults
from harness.service.faults.requests import RequestFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.scenarios.places import Place
    from harness.service.context import World

# What a user could paste; those that are not named here need nothing else.
EXAMPLES = {
    "status": '{"status": 500, "on": "POST /threads/{thread_id}/runs"}',
    "rate_limit": '{"rate_limit": 20}',
    "slow": '{"slow": 30, "on": "POST /threads/{thread_id}/messages"}',
    "lag": '{"lag": 2}',
    "lost_answer": '{"lost_answer": true, "by": "timeout"}',
    "cut": '{"cut": true, "after": "thread.message.delta"}',
    "stall": '{"stall": true, "after": "thread.message.delta"}',
    "malform": '{"malform": true, "event": "thread.run.completed"}',
    "error": '{"error": true, "after": "thread.run.in_progress"}',
    "event": '{"event": "thread.run.dreaming", "data": {}, "after": "thread.run.created"}',
    "comment": '{"comment": "ping", "before": "thread.message.delta"}',
    "chunks": '{"chunks": 7}',
}


def _methods() -> Iterator[Callable[..., Any]]:
    """What plans a fault and takes only data, in the order in which it stands in the source."""
    trial = Faults()
    for owner in Faults.__mro__:
        for name, member in vars(owner).items():
            annotations = getattr(member, "__annotations__", {}).values()
            if hasattr(member, "__wrapped__") and not any("Callable" in str(hint) for hint in annotations):
                yield getattr(trial, name)


TOLD = descriptions(RequestFaults)  # which says once what all of its methods take
VERBS: dict[str, Verb] = {
    method.__name__: verb(method, EXAMPLES.get(method.__name__, f'{{"{method.__name__}": true}}'), told=TOLD)
    for method in _methods()
}


def read(data: Any, place: Place) -> Callable[[World], object]:
    """A fault from data, tried, as what plans it.

    Raises:
        HarnessFailure: there is no such fault, or it cannot be.
    """
    if not isinstance(data, Mapping):
        raise place.failure(f"{shown(data)} is no fault.", do=f"- {EXAMPLES['status']}")
    found = chosen(VERBS, data, place, "fault")
    found.perform(data, place, getattr(Faults(), found.name))
    arguments, keywords = found.read(data, place)
    return lambda world: getattr(world.faults, found.name)(*arguments, **keywords)
