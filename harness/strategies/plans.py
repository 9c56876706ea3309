"""Fault plans: what goes wrong on the way, as values that can be applied and printed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from harness.source.values import Call, to_source
from harness.strategies.texts import texts

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

    from harness.service.faults import Faults


@dataclass(frozen=True)
class Plan:
    """Calls of methods of `assistants.faults`, in their order; `str(plan)` is the code that makes them."""

    calls: tuple[Call, ...] = ()

    def apply(self, faults: Faults) -> None:
        for call in self.calls:
            getattr(faults, call.function)(*call.arguments, **call.keywords)

    def __str__(self) -> str:
        """
        >>> print(Plan((Call("cut", (), {"after": "thread.run.created"}),)))
        assistants.faults.cut(after="thread.run.created")
        """
        lines = [Call(f"assistants.faults.{call.function}", call.arguments, call.keywords) for call in self.calls]
        return "\n".join(map(to_source, lines))


# --- streams ------------------------------------------------------------------------------------------------------

EVENTS = (
    *("thread.run.created", "thread.run.queued", "thread.run.in_progress", "thread.run.completed"),
    *("thread.run.step.created", "thread.run.step.in_progress", "thread.run.step.delta", "thread.run.step.completed"),
    *("thread.message.created", "thread.message.in_progress", "thread.message.delta", "thread.message.completed"),
    *("thread.run.requires_action", "done"),
)
event, nth = st.sampled_from(EVENTS), st.integers(1, 3)


def planned(name: str, *arguments: SearchStrategy[Any], **keywords: SearchStrategy[Any]) -> SearchStrategy[Call]:
    return st.builds(
        lambda given, named: Call(name, given, named), st.tuples(*arguments), st.fixed_dictionaries(keywords)
    )


STREAMS: tuple[SearchStrategy[Call], ...] = (
    planned("cut", after=event, nth=nth),
    planned("stall", after=event, nth=nth),
    planned("malform", event=event, nth=nth),
    planned("error", after=event, nth=nth, flat=st.booleans()),
    planned("event", st.just("thread.run.dreaming"), st.just({"id": "run_example"}), after=event, nth=nth),
    planned("comment", texts().map(lambda text: "ping" + "".join(filter(str.isalnum, text))), before=event, nth=nth),
    planned("crlf"),
    planned("chunks", st.integers(1, 64)),
)


# --- plain answers, and streams too ---------------------------------------------------------------------------------

# What clients mostly ask; None is any request.
ROUTES: SearchStrategy[str | None] = st.sampled_from(
    [
        *(None, "POST /threads/runs", "POST /threads/{thread_id}/runs", "GET /threads/{thread_id}/runs/{run_id}"),
        "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
        *("POST /threads/{thread_id}/messages", "GET /threads/{thread_id}/messages", "POST /threads"),
    ]
)
WHERE = {"on": ROUTES, "nth": nth}
OFTEN = {**WHERE, "times": st.integers(1, 3)}
STATUSES = st.sampled_from([500, 429, 400, 401, 403, 404, 408, 409, 502, 503])
SECONDS = st.sampled_from([1, 5, 30, 120, 700])

ANSWERS: tuple[SearchStrategy[Call], ...] = (
    planned("status", STATUSES, **OFTEN, retry_after=st.sampled_from([None, 1, 20])),
    planned("connect_error", **OFTEN),
    planned("read_timeout", **OFTEN),
    planned("lost_answer", **OFTEN, by=st.sampled_from(["disconnect", "timeout"])),
    planned("drop", **OFTEN),
    planned("malformed", **OFTEN),
    planned("slow", SECONDS, **OFTEN),
    planned("rate_limit", SECONDS, **WHERE),
    planned("lag", st.integers(1, 3)),
)


def fault_plans(*, streams: bool = True, max_faults: int = 3) -> SearchStrategy[Plan]:
    """What goes wrong on the way: a few faults, applied with `plan.apply(assistants.faults)`.

    A plan may name what never happens; a fake with `unused="ignore"` bears that. Plans shrink to fewer faults, on
    earlier calls.

    Args:
        streams: also faults of events, for clients that stream.
        max_faults: how many there are at most.
    """
    kinds = (*ANSWERS, *STREAMS) if streams else ANSWERS
    return st.lists(st.one_of(kinds), max_size=max_faults).map(lambda calls: Plan(tuple(calls)))
