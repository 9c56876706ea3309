"""Whether what was seen of runs, steps and messages can have happened, by the tables of the lifecycle."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from harness.recording.checking.findings import shown
from harness.service.lifecycle import MESSAGE, NEW, RUN, STEP, Row, reachable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.recording.checking.findings import Found, Json
    from harness.recording.session import ParsedExchange

Table = tuple[Row, ...]
TABLES: dict[str, Table] = {"thread.run": RUN, "thread.run.step": STEP, "thread.message": MESSAGE}
# No moment of the second kind lies before one of the first.
EARLIER = (
    ("created_at", ("started_at", "completed_at", "failed_at", "cancelled_at", "incomplete_at", "expires_at")),
    ("started_at", ("completed_at", "failed_at", "cancelled_at")),
)
SUBMIT, WAITING = "submit_tool_outputs", "requires_action"


def transition(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """Each status that was seen of an object against the one seen before.

    Polling skips statuses, so any that can be reached will do. A stream shows every one, so that it takes single
    moves. Lists show other objects too, and these were seen then.
    """
    last: dict[str, str] = {}
    for seen in exchanges:
        told: set[str] = set()  # of which this stream has told something
        for event, item in shown(seen):
            table = TABLES.get(str(item.get("object")), ())
            status, known = str(item.get("status")), str(item.get("id"))
            for what in backwards(item):
                yield "error", seen, what
            if status not in statuses(table):
                continue  # a message says its status only in streams; what is no status, another rule tells
            before = NEW if event.endswith(".created") else last.get(known, status)
            if seen.path.endswith(SUBMIT) and known not in told and WAITING in unseen(table, before):
                before = WAITING  # nobody needs to have looked
            there = moves(table, before) if known in told or before == NEW else unseen(table, before)
            if status not in (before, *there):
                back = "back to" if before in unseen(table, status) else "to"
                yield "error", seen, f"{known} went from {before} {back} {status}"
            last[known] = status
            if event:
                told.add(known)


def backwards(item: Json) -> Iterator[str]:
    """Moments of an object that lie before others that have to be earlier."""
    for first, others in EARLIER:
        for then in others:
            one, other = item.get(first), item.get(then)
            if isinstance(one, int) and isinstance(other, int) and other < one:
                yield f"{item.get('id')}: {then} ({other}) is before {first} ({one})"


@cache
def statuses(table: Table) -> frozenset[str]:
    return frozenset(row.to for row in table)


@cache
def moves(table: Table, status: str) -> frozenset[str]:
    """Where one row leads from a status."""
    return frozenset(row.to for row in table if row.source == status)


@cache
def unseen(table: Table, status: str) -> frozenset[str]:
    """Where rows lead from a status, unseen; but nobody submits outputs for calls that were not seen.

    >>> sorted(unseen(RUN, "cancelling")), "queued" in unseen(RUN, "in_progress")
    (['cancelled', 'completed', 'expired', 'failed'], False)
    """
    nearest = moves(table, status)
    others = tuple(row for row in table if row.because != SUBMIT)
    return nearest.union(*(reachable(others, to) for to in nearest))
