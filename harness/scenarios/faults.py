"""Planned faults as data: `{"status": 500, "on": "POST /threads/{thread_id}/runs"}`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from harness.scenarios.docstrings import descriptions
from harness.scenarios.places import preview
from harness.scenarios.verbs import Verb, select_verb, verb
from harness.service.faults import Faults
from harness.service.faults.requests import RequestFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.scenarios.places import Place
    from harness.service.context import World

# For messages; a fault that is not listed here needs no arguments.
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
    """The methods that plan a fault and take no functions, in the order of the source."""
    faults = Faults()
    for owner in Faults.__mro__:
        for name, member in vars(owner).items():
            annotations = getattr(member, "__annotations__", {}).values()
            if hasattr(member, "__wrapped__") and not any("Callable" in str(hint) for hint in annotations):
                yield getattr(faults, name)


COMMON_ARGUMENTS = descriptions(RequestFaults)  # documented once, in the docstring of the class
VERBS: dict[str, Verb] = {
    method.__name__: verb(
        method, EXAMPLES.get(method.__name__, f'{{"{method.__name__}": true}}'), more_descriptions=COMMON_ARGUMENTS
    )
    for method in _methods()
}


def read(data: Any, place: Place) -> Callable[[World], object]:
    """The fault that data describes, as a function that plans it; its arguments have been validated.

    Raises:
        HarnessFailure: there is no such fault, or its arguments are invalid.
    """
    if not isinstance(data, Mapping):
        raise place.failure(f"{preview(data)} is no fault.", do=f"- {EXAMPLES['status']}")
    found = select_verb(VERBS, data, place, "fault")
    found.perform(data, place, getattr(Faults(), found.name))
    arguments, keywords = found.read(data, place)
    return lambda world: getattr(world.faults, found.name)(*arguments, **keywords)
