"""What each route of the control API does. Those that get a fake have it to themselves meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness import scenarios
from harness.failures import HarnessFailure
from harness.options import make_options
from harness.report.data import world as world_as_data
from harness.report.page import page as page_of
from harness.service.http import Response
from harness.serving.control import shown
from harness.serving.control.asked import as_json
from harness.serving.control.memory import MOST_SNAPSHOTS, memory_of
from harness.serving.control.refusals import Refused
from harness.serving.control.shapes import (
    Added,
    Cancelled,
    ClockFace,
    Complaint,
    Done,
    Glance,
    Kept,
    Listed,
    Logged,
    Planned,
    ShownRun,
    ShownThread,
    Told,
)

if TYPE_CHECKING:
    from harness.fake import FakeAssistants
    from harness.serving.control.asked import Asked

KINDS = ("assistants", "threads", "files", "vector_stores")

# What no page can say of itself; the rest of its policy it brings along.
PAGE_POLICY = "frame-ancestors 'none'"

# --- what the model does, what there is, what goes wrong --------------------------------------------------------


def play(fake: FakeAssistants, asked: Asked) -> Added:
    before = {kind: _ids(fake, kind) for kind in KINDS}
    where = asked.query.where or asked.where
    scenarios.play(fake, asked.body, where=where, execute=asked.worlds.execute)
    return Added(**{kind: [new for new in _ids(fake, kind) if new not in before[kind]] for kind in KINDS})


def _ids(fake: FakeAssistants, kind: str) -> dict[str, None]:
    return dict.fromkeys(item.id for item in getattr(fake.world.store, kind))


def faults(fake: FakeAssistants, asked: Asked) -> Planned:
    return Planned([str(plan) for plan in fake.faults.planned])


def unused(fake: FakeAssistants, asked: Asked) -> Complaint | None:
    complaint = fake.unused()
    do = "Leave them out, or let the client do what they are for."  # there is no marker that allows it
    return None if complaint is None else replace(Complaint.of(complaint), do=do)


# --- time -------------------------------------------------------------------------------------------------------


def clock(fake: FakeAssistants, asked: Asked) -> ClockFace:
    return ClockFace(fake.clock.now, fake.clock.policy)


def move_clock(fake: FakeAssistants, asked: Asked) -> ClockFace:
    if asked.body.policy is not None:
        fake.clock.policy = asked.worlds.policy_for(asked.body.policy)
    fake.clock.advance(asked.body.advance or 0)
    return clock(fake, asked)


# --- what happened ----------------------------------------------------------------------------------------------


def requests(fake: FakeAssistants, asked: Asked) -> list[Logged]:
    after = asked.query.after
    return [shown.logged(number, exchange) for number, exchange in enumerate(fake.requests[after:], after + 1)]


def transcript(fake: FakeAssistants, asked: Asked) -> Told:
    return Told(fake.transcript(asked.query.thread))


def threads(fake: FakeAssistants, asked: Asked) -> list[ShownThread]:
    return [shown.thread(thread) for thread in fake.threads if asked.query.thread in (None, thread.id)]


def runs(fake: FakeAssistants, asked: Asked) -> list[ShownRun]:
    return [shown.run(run) for run in fake.runs if asked.query.thread in (None, run.thread_id)]


def cancel_runs(fake: FakeAssistants, asked: Asked) -> Cancelled:
    before = {run.id: run.status for run in fake.runs}
    fake.cancel_runs()
    return Cancelled([run.id for run in fake.runs if run.status != before[run.id]])


def failures(fake: FakeAssistants, asked: Asked) -> list[Complaint]:
    return [Complaint.of(failure) for failure in fake.failures]


# --- going back -------------------------------------------------------------------------------------------------


def take_snapshot(fake: FakeAssistants, asked: Asked) -> Kept:
    return Kept(memory_of(fake).keep(fake.snapshot()))


def restore(fake: FakeAssistants, asked: Asked) -> Done:
    snapshots, wanted = memory_of(fake).snapshots, asked.ids["id"]
    if wanted not in snapshots:
        raise Refused(
            404,
            HarnessFailure(
                f"There is no snapshot {wanted!r}.",
                there_was=(f"There are {', '.join(snapshots)}" if snapshots else "There is none")
                + f" since the world began; the newest {MOST_SNAPSHOTS} are kept.",
                do="POST /_harness/snapshots   # gives the id of a new one",
            ),
        )
    fake.restore(snapshots[wanted])
    return Done(asked.world[0])


def reset(asked: Asked) -> Response:
    """Not in the turn of the old world: this one ends it."""
    name, given = asked.world[0], asked.body.model_dump(exclude_unset=True)
    make_options(given, where="assistants.reset")  # says what a type cannot: which days there are
    asked.worlds.reset(name, replace(asked.worlds.options, **given) if given else None)
    return as_json(Done(name))


# --- the inspector ----------------------------------------------------------------------------------------------


def list_worlds(asked: Asked) -> Response:
    worlds = asked.worlds
    return as_json([_listed(name, fake) for name in worlds.names() if (fake := worlds.get(name)) is not None])


def _listed(name: str, fake: FakeAssistants) -> Listed:
    with fake.turns:
        return Listed(name, len(fake.requests), len(fake.threads), len(fake.runs), fake.clock.now)


def glance(fake: FakeAssistants, asked: Asked) -> Glance:
    seen = memory_of(fake).look(fake)
    return Glance(seen, None if seen == asked.query.seen else world_as_data(fake))


def page(asked: Asked) -> Response:
    headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": PAGE_POLICY}
    return Response(200, headers, page_of(None, title="pytest-assistants").encode())


def to_page(asked: Asked) -> Response:
    """The page asks for its data below its own address, which therefore ends with a slash."""
    _, question_mark, query = asked.request.url.partition("?")
    return Response(308, {"location": f"_harness/{question_mark}{query}"}, b"")
