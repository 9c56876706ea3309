"""Whether the recorded states of runs, steps and messages follow each other as the lifecycle tables allow."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from harness.recording.checking.findings import objects
from harness.service.lifecycle import MESSAGE, NEW, RUN, STEP, Row, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.recording.checking.findings import Found, Json
    from harness.recording.session import ParsedExchange

Table = tuple[Row, ...]
TABLES: dict[str, Table] = {"thread.run": RUN, "thread.run.step": STEP, "thread.message": MESSAGE}
# None of the timestamps on the right is earlier than the one on the left.
CHRONOLOGY = (
    ("created_at", ("started_at", "completed_at", "failed_at", "cancelled_at", "incomplete_at", "expires_at")),
    ("started_at", ("completed_at", "failed_at", "cancelled_at")),
)
SUBMIT, WAITING = "submit_tool_outputs", "requires_action"


def transition(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """Each recorded status of an object must be reachable from the one recorded before it.

    Polling misses statuses, so several moves may lie between two answers. A stream shows every status, so there each
    must be a single move away. Objects in lists count like those retrieved by themselves.
    """
    last: dict[str, str] = {}
    for exchange in exchanges:
        streamed: set[str] = set()  # ids of objects that this stream has shown
        for event, item in objects(exchange):
            table = TABLES.get(str(item.get("object")), ())
            status, object_id = str(item.get("status")), str(item.get("id"))
            for what in backwards(item):
                yield "error", exchange, what
            if status not in statuses(table):
                continue  # messages have a status in streams only; unknown statuses are found by `schema`
            before = NEW if event.endswith(".created") else last.get(object_id, status)
            if (
                exchange.path.endswith(SUBMIT)
                and object_id not in streamed
                and WAITING in reachable_unobserved(table, before)
            ):
                before = WAITING  # between two polls
            following = moves if object_id in streamed or before == NEW else reachable_unobserved
            if status not in (before, *following(table, before)):
                back = "back to" if before in reachable_unobserved(table, status) else "to"
                yield "error", exchange, f"{object_id} went from {before} {back} {status}"
            last[object_id] = status
            if event:
                streamed.add(object_id)


def backwards(item: Json) -> Iterator[str]:
    """Timestamps of an object that contradict their order."""
    for first, others in CHRONOLOGY:
        for then in others:
            one, other = item.get(first), item.get(then)
            if isinstance(one, int) and isinstance(other, int) and other < one:
                yield f"{item.get('id')}: {then} ({other}) is before {first} ({one})"


@cache
def statuses(table: Table) -> frozenset[str]:
    return frozenset(row.to for row in table)


@cache
def moves(table: Table, status: str) -> frozenset[str]:
    """The statuses that one move leads to."""
    return frozenset(row.to for row in table if row.source == status)


@cache
def reachable_unobserved(table: Table, status: str) -> frozenset[str]:
    """The statuses that can be reached between two answers: by a move, and more that are no submission of outputs.

    For those, the client has to see the tool calls first.

    >>> sorted(reachable_unobserved(RUN, "cancelling")), "queued" in reachable_unobserved(RUN, "in_progress")
    (['cancelled', 'completed', 'expired', 'failed'], False)
    """
    nearest = moves(table, status)
    others = tuple(row for row in table if row.because != SUBMIT)
    return nearest.union(*(reachable(others, to) for to in nearest))
