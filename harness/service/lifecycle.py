"""The state machines of the service, as tables. Read this file first.

Two rules hold everywhere:

1. A status changes through `advance` and through nothing else.
2. A terminal status is one that no row starts from.

A row says: from which status, moved by whom, because of what, to which status, and which fields that sets on the
record. `by` is one of `client` (a request: the cause names its route), `model` (an act of the script) and
`clock` (a timer). The diagram, the documentation and the tests are derived from the rows.

>>> [row.to for row in RUN if row.source == "requires_action"]
['queued', 'expired', 'cancelling']
>>> sorted(terminal(RUN))
['cancelled', 'completed', 'expired', 'failed', 'incomplete']
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable

By = Literal["client", "model", "clock"]
NEW = "new"


@dataclass(frozen=True, eq=False)  # a row equals only itself, so that `find` hashes no fields
class Row:
    """One allowed move. `stamps` are set to the present second, `clears` to None."""

    source: str
    by: By
    because: str
    to: str
    stamps: tuple[str, ...] = ()
    clears: tuple[str, ...] = ()


class Ending(NamedTuple):
    """What the open step and the open message of a run become when the run ends (CONTRACT §3.8)."""

    step: str
    message: str
    reason: str | None


class Moment(NamedTuple):
    """One entry of a timeline: who moved the record to which status, when, and because of what."""

    at: float
    by: By
    because: str
    status: str


class HasStatus(Protocol):
    status: str
    timeline: list[Moment]


# CONTRACT §3.1; what a row stamps and clears is FACTS D, "Field state by status". `expired` is recorded once
# (FACTS D: completed_at set, expires_at null), which is all the evidence there is about its fields.
RUN: tuple[Row, ...] = (
    Row(NEW, "client", "create", "queued", ("created_at",)),
    Row("queued", "clock", "pick_up", "in_progress", ("started_at",)),
    Row("in_progress", "model", "call", "requires_action"),
    Row("requires_action", "client", "submit_tool_outputs", "queued", clears=("required_action",)),
    Row("in_progress", "model", "finish", "completed", ("completed_at",), ("expires_at",)),
    Row("in_progress", "model", "truncate", "incomplete", ("completed_at",), ("expires_at",)),
    Row("in_progress", "model", "fail", "failed", ("failed_at",), ("expires_at",)),
    Row("queued", "clock", "expire", "expired", ("completed_at",), ("expires_at",)),
    Row("in_progress", "clock", "expire", "expired", ("completed_at",), ("expires_at",)),
    Row("requires_action", "clock", "expire", "expired", ("completed_at",), ("expires_at", "required_action")),
    Row("queued", "client", "cancel", "cancelling"),
    Row("in_progress", "client", "cancel", "cancelling"),
    Row("requires_action", "client", "cancel", "cancelling", clears=("required_action",)),
    Row("cancelling", "clock", "stop", "cancelled", ("cancelled_at",), ("expires_at",)),
    Row("cancelling", "model", "finish", "completed", ("completed_at",), ("expires_at",)),
    Row("cancelling", "model", "fail", "failed", ("failed_at",), ("expires_at",)),
    Row("cancelling", "clock", "expire", "expired", ("completed_at",), ("expires_at",)),
)

STEP: tuple[Row, ...] = (
    Row(NEW, "model", "begin", "in_progress", ("created_at",)),
    Row("in_progress", "model", "finish", "completed", ("completed_at",)),
    Row("in_progress", "client", "submit_tool_outputs", "completed", ("completed_at",)),
    Row("in_progress", "model", "fail", "failed", ("failed_at",)),
    Row("in_progress", "clock", "stop", "cancelled", ("cancelled_at",)),
    Row("in_progress", "clock", "expire", "expired"),
)

MESSAGE: tuple[Row, ...] = (
    Row(NEW, "client", "create", "completed", ("created_at", "completed_at")),
    Row(NEW, "model", "begin", "in_progress", ("created_at",)),
    Row("in_progress", "model", "finish", "completed", ("completed_at",)),
    Row("in_progress", "model", "truncate", "incomplete", ("incomplete_at",)),
    Row("in_progress", "model", "fail", "incomplete", ("incomplete_at",)),
    Row("in_progress", "clock", "stop", "incomplete", ("incomplete_at",)),
    Row("in_progress", "clock", "expire", "incomplete", ("incomplete_at",)),
)

# CONTRACT §2.8. The status of a store is derived from its files (CONTRACT §2.7); a batch ends once the last of its
# files is done, failed or not. Cancelling is immediate (G: the recorded one came too late). A batch has `failed` if
# none of its files could be indexed (G: the specification has the status and does not say when).
STORE_FILE: tuple[Row, ...] = (
    Row(NEW, "client", "create", "in_progress", ("created_at",)),
    Row("in_progress", "clock", "index", "completed"),
    Row("in_progress", "clock", "fail", "failed"),
    Row("in_progress", "client", "cancel", "cancelled"),
)

BATCH: tuple[Row, ...] = (
    Row(NEW, "client", "create", "in_progress", ("created_at",)),
    Row("in_progress", "clock", "finish", "completed"),
    Row("in_progress", "clock", "fail", "failed"),
    Row("in_progress", "client", "cancel", "cancelled"),
)

ENDINGS: dict[str, Ending] = {
    "completed": Ending("completed", "completed", None),
    "incomplete": Ending("completed", "incomplete", "max_tokens"),
    "cancelled": Ending("cancelled", "incomplete", "run_cancelled"),
    "failed": Ending("failed", "incomplete", "run_failed"),
    "expired": Ending("expired", "incomplete", "run_expired"),
}

# The cause that closes an open step when its run ends; the truncated run is the exception of CONTRACT §3.6: its
# step completes.
STEP_CAUSE = {"truncate": "finish"}

# In a stream a message ends before its step, but after it if the run fails (CONTRACT §5.2, where all but `truncate`
# and `finish` is a guess).
STEP_ENDS_FIRST = frozenset({"fail"})

# A run with one of these statuses locks its thread (CONTRACT §4).
ACTIVE = frozenset({"queued", "in_progress", "requires_action", "cancelling"})


def terminal(table: Iterable[Row]) -> frozenset[str]:
    """The statuses that no row leaves.

    >>> sorted(terminal(STEP))
    ['cancelled', 'completed', 'expired', 'failed']
    """
    rows = tuple(table)
    return frozenset(row.to for row in rows) - frozenset(row.source for row in rows)


@cache
def reachable(table: tuple[Row, ...], source: str) -> frozenset[str]:
    """All statuses that moves can lead to from this one; itself only if a way leads back to it.

    >>> sorted(reachable(RUN, "cancelling"))
    ['cancelled', 'completed', 'expired', 'failed']
    """
    found: set[str] = set()
    ahead = [source]
    while ahead:
        source = ahead.pop()
        nearest = {row.to for row in table if row.source == source} - found
        ahead += nearest
        found |= nearest
    return frozenset(found)


@cache
def find(table: tuple[Row, ...], source: str, because: str) -> Row | None:
    """The row that allows this move, or None: handlers ask before they refuse."""
    for row in table:
        if row.source == source and row.because == because:
            return row
    return None


def advance(record: HasStatus, table: tuple[Row, ...], because: str, *, now: float) -> Row:
    """Move `record` along the row for `because`, set its timestamps, and add the move to its timeline.

    Raises:
        LookupError: the table has no such row; the message lists those that leave the present status.
    """
    row = find(table, record.status, because)
    if row is None:
        leaving = [f"{r.because} (by {r.by}) → {r.to}" for r in table if r.source == record.status]
        raise LookupError(
            f"no row leads on from {record.status!r} because of {because!r}; "
            f"there are: {', '.join(leaving) or 'none, it is terminal'}"
        )
    record.status = row.to
    for name in row.stamps:
        setattr(record, name, int(now))
    for name in row.clears:
        setattr(record, name, None)
    record.timeline.append(Moment(now, row.by, because, row.to))
    return row
