"""The handlers of the control API. Those that take a fake run while its lock is held."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from harness import scenarios
from harness.failures import HarnessFailure
from harness.options import make_options
from harness.report.data import world as world_as_data
from harness.report.page import page as page_of
from harness.service.http import Response
from harness.serving.control import views
from harness.serving.control.errors import ControlError
from harness.serving.control.request import as_json
from harness.serving.control.shapes import (
    AddedObjects,
    AffectedWorld,
    CancelledRuns,
    ClockState,
    Failure,
    InspectedWorld,
    LoggedRequest,
    PlannedFaults,
    ShownRun,
    ShownThread,
    TakenSnapshot,
    Transcript,
    WorldSummary,
)
from harness.serving.control.state import MAX_SNAPSHOTS, state_of

if TYPE_CHECKING:
    from harness.fake import FakeAssistants
    from harness.serving.control.request import ControlRequest

KINDS = ("assistants", "threads", "files", "vector_stores")

# A page cannot set this directive in its own markup, where the rest of its policy is.
PAGE_POLICY = "frame-ancestors 'none'"

# --- what the model does, what there is, what goes wrong --------------------------------------------------------


def play(fake: FakeAssistants, request: ControlRequest) -> AddedObjects:
    before = {kind: _ids(fake, kind) for kind in KINDS}
    where = request.query.where or request.where
    scenarios.play(fake, request.body, where=where, execute=request.worlds.execute)
    return AddedObjects(**{kind: [new for new in _ids(fake, kind) if new not in before[kind]] for kind in KINDS})


def _ids(fake: FakeAssistants, kind: str) -> dict[str, None]:
    return dict.fromkeys(item.id for item in getattr(fake.world.store, kind))


def faults(fake: FakeAssistants, request: ControlRequest) -> PlannedFaults:
    return PlannedFaults([str(plan) for plan in fake.faults.planned])


def unused(fake: FakeAssistants, request: ControlRequest) -> Failure | None:
    failure = fake.unused()
    do = "Leave them out, or let the client do what they are for."  # there is no pytest marker to advise
    return None if failure is None else replace(Failure.of(failure), do=do)


# --- time -------------------------------------------------------------------------------------------------------


def clock(fake: FakeAssistants, request: ControlRequest) -> ClockState:
    return ClockState(fake.clock.now, fake.clock.policy)


def move_clock(fake: FakeAssistants, request: ControlRequest) -> ClockState:
    if request.body.policy is not None:
        fake.clock.policy = request.worlds.policy_for(request.body.policy)
    fake.clock.advance(request.body.advance or 0)
    return clock(fake, request)


# --- what happened ----------------------------------------------------------------------------------------------


def requests(fake: FakeAssistants, request: ControlRequest) -> list[LoggedRequest]:
    after = request.query.after
    return [views.logged(number, exchange) for number, exchange in enumerate(fake.requests[after:], after + 1)]


def transcript(fake: FakeAssistants, request: ControlRequest) -> Transcript:
    return Transcript(fake.transcript(request.query.thread))


def threads(fake: FakeAssistants, request: ControlRequest) -> list[ShownThread]:
    return [views.thread(thread) for thread in fake.threads if request.query.thread in (None, thread.id)]


def runs(fake: FakeAssistants, request: ControlRequest) -> list[ShownRun]:
    return [views.run(run) for run in fake.runs if request.query.thread in (None, run.thread_id)]


def cancel_runs(fake: FakeAssistants, request: ControlRequest) -> CancelledRuns:
    before = {run.id: run.status for run in fake.runs}
    fake.cancel_runs()
    return CancelledRuns([run.id for run in fake.runs if run.status != before[run.id]])


def failures(fake: FakeAssistants, request: ControlRequest) -> list[Failure]:
    return [Failure.of(failure) for failure in fake.failures]


# --- going back -------------------------------------------------------------------------------------------------


def take_snapshot(fake: FakeAssistants, request: ControlRequest) -> TakenSnapshot:
    return TakenSnapshot(state_of(fake).add_snapshot(fake.snapshot()))


def restore(fake: FakeAssistants, request: ControlRequest) -> AffectedWorld:
    snapshots, wanted = state_of(fake).snapshots, request.ids["id"]
    if wanted not in snapshots:
        raise ControlError(
            404,
            HarnessFailure(
                f"There is no snapshot {wanted!r}.",
                there_was=(f"There are {', '.join(snapshots)}" if snapshots else "There is none")
                + f" since the world was created; the newest {MAX_SNAPSHOTS} are kept.",
                do="POST /_harness/snapshots   # takes a new one, and returns its id",
            ),
        )
    fake.restore(snapshots[wanted])
    return AffectedWorld(request.world[0])


def reset(request: ControlRequest) -> Response:
    """Replace the world. It is not locked meanwhile: the lock belongs to the old fake, which is closed."""
    name, given = request.world[0], request.body.model_dump(exclude_unset=True)
    make_options(given, where="assistants.reset")  # checks what a type cannot, such as which days there are
    request.worlds.reset(name, replace(request.worlds.options, **given) if given else None)
    return as_json(AffectedWorld(name))


# --- the inspector ----------------------------------------------------------------------------------------------


def list_worlds(request: ControlRequest) -> Response:
    worlds = request.worlds
    return as_json([_summary(name, fake) for name in worlds.names() if (fake := worlds.get(name)) is not None])


def _summary(name: str, fake: FakeAssistants) -> WorldSummary:
    with fake.turns:
        return WorldSummary(name, len(fake.requests), len(fake.threads), len(fake.runs), fake.clock.now)


def inspect(fake: FakeAssistants, request: ControlRequest) -> InspectedWorld:
    version = state_of(fake).version_of(fake)
    return InspectedWorld(version, None if version == request.query.seen else world_as_data(fake))


def page(request: ControlRequest) -> Response:
    headers = {"content-type": "text/html; charset=utf-8", "content-security-policy": PAGE_POLICY}
    return Response(200, headers, page_of(None, title="pytest-assistants").encode())


def redirect_to_page(request: ControlRequest) -> Response:
    """Add the slash to the URL of the page, which loads its data relative to it."""
    _, question_mark, query = request.http.url.partition("?")
    return Response(308, {"location": f"_harness/{question_mark}{query}"}, b"")
