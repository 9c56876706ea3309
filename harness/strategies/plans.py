"""Fault plans: faults of requests and streams, as values that can be applied and printed."""

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
    """Calls of methods of `assistants.faults`, in their order; `str(plan)` is their source."""

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


def fault(name: str, *arguments: SearchStrategy[Any], **keywords: SearchStrategy[Any]) -> SearchStrategy[Call]:
    return st.builds(
        lambda given, named: Call(name, given, named), st.tuples(*arguments), st.fixed_dictionaries(keywords)
    )


STREAM_FAULTS: tuple[SearchStrategy[Call], ...] = (
    fault("cut", after=event, nth=nth),
    fault("stall", after=event, nth=nth),
    fault("malform", event=event, nth=nth),
    fault("error", after=event, nth=nth, flat=st.booleans()),
    fault("event", st.just("thread.run.dreaming"), st.just({"id": "run_example"}), after=event, nth=nth),
    fault("comment", texts().map(lambda text: "ping" + "".join(filter(str.isalnum, text))), before=event, nth=nth),
    fault("crlf"),
    fault("chunks", st.integers(1, 64)),
)


# --- plain answers, and streams too ---------------------------------------------------------------------------------

# Routes that clients use most; None is any request.
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

RESPONSE_FAULTS: tuple[SearchStrategy[Call], ...] = (
    fault("status", STATUSES, **OFTEN, retry_after=st.sampled_from([None, 1, 20])),
    fault("connect_error", **OFTEN),
    fault("read_timeout", **OFTEN),
    fault("lost_answer", **OFTEN, by=st.sampled_from(["disconnect", "timeout"])),
    fault("drop", **OFTEN),
    fault("malformed", **OFTEN),
    fault("slow", SECONDS, **OFTEN),
    fault("rate_limit", SECONDS, **WHERE),
    fault("lag", st.integers(1, 3)),
)


def fault_plans(*, streams: bool = True, max_faults: int = 3) -> SearchStrategy[Plan]:
    """A few faults, applied with `plan.apply(assistants.faults)`.

    Some may never happen, for which the fake needs `unused="ignore"`. Plans shrink to fewer faults, on earlier calls.

    Args:
        streams: include faults of events, for clients that stream.
        max_faults: the highest number of faults.
    """
    kinds = (*RESPONSE_FAULTS, *STREAM_FAULTS) if streams else RESPONSE_FAULTS
    return st.lists(st.one_of(kinds), max_size=max_faults).map(lambda calls: Plan(tuple(calls)))
