"""The failure of a client that makes no more progress: pure functions from what it did to the message."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.failures import Stuck
from harness.service.explain import timeline
from harness.service.lifecycle import RUN, reachable, terminal

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.service.deadlines import Deadline
    from harness.service.records import Run

STATUSES = tuple(dict.fromkeys(row.to for row in RUN))  # in the order of the table

# Descriptions of requests by method and path: `{}` in a path is an id, and `{1}` in a description the second of them.
POLL_RUN = "GET /threads/{}/runs/{}"
ADD_MESSAGE = "POST /threads/{}/messages"
CREATE_RUN = "POST /threads/{}/runs"
SUBMIT = "POST /threads/{}/runs/{}/submit_tool_outputs"
CANCEL = "POST /threads/{}/runs/{}/cancel"
PHRASES = {
    POLL_RUN: "looked {times} at {1}",
    "GET /threads/{}": "retrieved {0} {times}",
    "GET /threads/{}/messages": "listed the messages of {0} {times}",
    "GET /threads/{}/messages/{}": "retrieved {1} {times}",
    "GET /threads/{}/runs": "listed the runs of {0} {times}",
    "GET /threads/{}/runs/{}/steps": "listed the steps of {1} {times}",
    "GET /threads/{}/runs/{}/steps/{}": "retrieved {2} {times}",
    ADD_MESSAGE: "tried {times} to add a message to {0}",
    CREATE_RUN: "tried {times} to create a run on {0}",
    SUBMIT: "submitted outputs to {1} {times}",
    CANCEL: "tried {times} to cancel {1}",
}
RETRIEVE_FIX = "run = client.beta.threads.runs.retrieve(run_id=run.id, thread_id=run.thread_id)"
EVERY_END = ", ".join(f'"{status}"' for status in sorted(terminal(RUN)))
SUBMIT_FIX = (
    'if run.status == "requires_action":\n'
    "    calls = run.required_action.submit_tool_outputs.tool_calls\n"
    '    outputs = [{"tool_call_id": call.id, "output": answer(call.function)} for call in calls]\n'
    "    run = client.beta.threads.runs.submit_tool_outputs(run_id=run.id, thread_id=run.thread_id, "
    "tool_outputs=outputs)"
)
STUCK_AFTER_FIX = "@pytest.mark.assistants(stuck_after=100)   # if the client gives up by itself, after more requests"
RAISE_FIX = "except openai.APIStatusError:\n    raise   # asking again is of no use"
# What to check before a request that depends on the run's status.
CHECKS = {
    SUBMIT: 'if run.status == "requires_action":   # other runs take no outputs\n    ...',
    CANCEL: f"if run.status not in ({EVERY_END}):   # a run that has ended cannot be cancelled\n    ...",
}


@dataclass(frozen=True)
class Loop:
    """A loop in the client's source, and the run statuses at which it ends.

    Attributes:
        file, line, source: where it begins, and that line; of a loop inside a library, where the library was called.
        waits_for: the statuses at which it certainly ends.
        stays_on: the statuses at which it certainly goes on; at all others it may end.
        unknown: texts that it compares a status with although no run has such a status.
        helper: the function of the SDK that loops, or the library that repeats calls, if it is one.
        clocks: what it calls to tell the time, most likely for a deadline.
        timeouts: what ends it after a time, whatever the status.
        counts: it ends after some rounds, as far as can be seen: a `for` over a range, or a limit such as `tries < 60`.
    """

    file: str
    line: int
    source: str
    waits_for: frozenset[str] = frozenset()
    stays_on: frozenset[str] = frozenset()
    unknown: tuple[str, ...] = ()
    helper: str | None = None
    clocks: tuple[Deadline, ...] = ()
    timeouts: tuple[Deadline, ...] = ()
    counts: bool = False

    def never_ends(self, status: str) -> bool:
        """Whether the loop certainly goes on at this status and at all that can follow it.

        >>> Loop("app.py", 1, 'while run.status != "completed":', stays_on=frozenset({"failed"})).never_ends("failed")
        True
        """
        return not self.timeouts and {status, *reachable(RUN, status)} <= self.stays_on


@dataclass(frozen=True)
class Repetition:
    """A request that a client repeats, always with the same answer.

    Attributes:
        method, path: the path lies below the API's root, where every second part is an id.
        refusal: status and message of that answer, if it is a refusal.
    """

    method: str
    path: str
    times: int
    refusal: str | None = None

    @property
    def kind(self) -> str:
        parts = self.path.split("/")[1:]
        return f"{self.method} /" + "/".join("{}" if place % 2 else part for place, part in enumerate(parts))

    @property
    def phrase(self) -> str:
        """What the client has done, in words.

        >>> Repetition("GET", "/threads/thread_1/runs/run_1/steps", 30).phrase
        'listed the steps of run_1 30 times'
        """
        form = PHRASES.get(self.kind, f"sent {self.method} {self.path} {{times}}")
        return form.format(*self.path.split("/")[2::2], times=f"{self.times} times")


def stuck(repetition: Repetition, run: Run | None, policy: str, loop: Loop | None = None) -> Stuck:
    """The failure of a client that repeats a request for ever.

    Args:
        run: the one that the request names, or else the newest of the thread.
        policy: the clock's policy.
        loop: the client's loop, if its source could be read.
    """
    there = f" in status {run.status!r}" if run is not None and repetition.kind == POLL_RUN else ""
    answer = f", and the answer was always {repetition.refusal}" if repetition.refusal else ""
    because, do = _why(repetition, run, policy, loop)
    return Stuck(
        f"The client is stuck: it has {repetition.phrase}{there}{answer or '.'}",
        there_was="\n".join(
            [*_loop_lines(loop), *because, *([f"The run {run.id}: {timeline(run)}"] if run is not None else [])]
        ),
        do=do,
    )


def _why(repetition: Repetition, run: Run | None, policy: str, loop: Loop | None) -> tuple[list[str], str]:
    """Why the repetition would go on for ever, and what to do about it."""
    locked = run is not None and run.active and repetition.kind in (ADD_MESSAGE, CREATE_RUN)
    if repetition.refusal and not locked and repetition.kind not in CHECKS:
        return ["Time does not change this answer: the request itself has to change."], RAISE_FIX
    if run is None:
        nothing = f"There is no run on {repetition.path.split('/')[2]}, and without one nothing happens on a thread."
        return [nothing], "run = client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)"
    if run.status in terminal(RUN):
        return list(_ended(run, loop)), _way_out(repetition, run, loop)
    holds = [f"{run.id} is {run.status!r}, and locks the thread: no messages, no other runs."] if locked else []
    if run.status == "requires_action":
        waits = f"It waits for the outputs of {_pending_calls(run)}, and nobody submits them."
        return [*holds, waits], "\n".join([SUBMIT_FIX, *_deadline_fixes(loop)])
    reason, do = _standstill(repetition, run, policy)
    return [*holds, reason], do


def _loop_lines(loop: Loop | None) -> Iterator[str]:
    """Where the loop is, what it waits for, and statuses in it that do not exist."""
    if loop is None:
        return
    waits = f" waits for {_either(loop.waits_for)}" if loop.waits_for else " repeats the request"
    by = f"The loop of {loop.helper}, called" if loop.helper else "The loop"
    yield f"{by} at {loop.file}:{loop.line}{waits}:"
    yield f"    {loop.source}"
    for status in loop.unknown:
        near = difflib.get_close_matches(status, STATUSES, n=1)
        yield f'No run is ever "{status}"' + (f'; the status is called "{near[0]}".' if near else ".")


def _either(statuses: Iterable[str]) -> str:
    *others, last = sorted(statuses, key=STATUSES.index)
    return f"{', '.join(others)} or {last}" if others else last


# --- a run that has ended -----------------------------------------------------------------------------------


def _ended(run: Run, loop: Loop | None) -> Iterator[str]:
    if loop is not None and run.status in loop.waits_for:
        yield f"The run already has the status {run.status!r}: the loop compares an old copy of the run."
    else:
        yield f"{run.status!r} is final: the run will never change again, so what the loop waits for never comes."
    if run.last_error is not None:
        yield f"last_error: {run.last_error['code']}: {run.last_error['message']}"
    if run.status == "expired" and len(run.timeline) > 1:
        before, end = run.timeline[-2:]
        waited = before.status == "requires_action"
        was = f"waited for the outputs of {_called_functions(run)}" if waited else f"was {before.status}"
        yield f"It {was} for {end.at - before.at:g} s, and expired."


def _way_out(repetition: Repetition, run: Run, loop: Loop | None) -> str:
    if repetition.refusal:
        return CHECKS.get(repetition.kind, RETRIEVE_FIX)
    if loop is not None and run.status in loop.waits_for:
        return f"{RETRIEVE_FIX}   # in the loop"
    if loop is not None and loop.helper and loop.waits_for:
        return f"pip install --upgrade openai   # {loop.helper} of this version does not know {run.status!r}"
    correct = f"while run.status not in ({EVERY_END}): ...   # every way a run can end"
    if loop is not None and loop.never_ends(run.status):
        return correct
    return "\n".join([correct, *(_deadline_fixes(loop) or [STUCK_AFTER_FIX])])


def _deadline_fixes(loop: Loop | None) -> list[str]:
    """What lets a client reach its own deadlines, if it has any."""
    deadlines = () if loop is None else (*loop.clocks, *loop.timeouts)
    return [STUCK_AFTER_FIX, *(deadline.fix for deadline in deadlines)] if deadlines else []


def _called_functions(run: Run) -> str:
    """The names of the functions that the model called last."""
    newest = next(reversed(run.steps))
    return ", ".join(call["function"]["name"] for call in newest.details["tool_calls"])


# --- a run that is still active -----------------------------------------------------------------------------


def _pending_calls(run: Run) -> str:
    assert run.required_action is not None  # that is what the status means
    functions = [call["function"] for call in run.required_action["submit_tool_outputs"]["tool_calls"]]
    return ", ".join(f"{function['name']}({function['arguments']})" for function in functions)


def _standstill(repetition: Repetition, run: Run, policy: str) -> tuple[str, str]:
    """Why a run that could change by itself does not, and what to do about it."""
    if not run.timers:
        return (
            f"The recording shows it last as {run.status!r}, so it is not known how it went on.",
            "client.beta.threads.runs.cancel(run_id=run.id, thread_id=run.thread_id)   # or record the run to its end",
        )
    if policy == "on_poll" and repetition.kind == POLL_RUN:
        return (
            "Every request comes from a new client, and a client's first look at a run moves no time.",
            "client = openai.OpenAI()   # once, before the loop",
        )
    if policy == "on_poll":
        return (
            "Time passes when the client sleeps or retrieves the run itself, and it does neither.",
            f"time.sleep(1)   # or asyncio.sleep, between the requests; it takes no real time, or\n{RETRIEVE_FIX}",
        )
    ways = ", ".join(sorted({row.to for row in RUN if row.source == run.status}))
    return (
        f"From here it goes to {ways}, but under clock={policy!r} retrieving it moves no time.",
        'assistants.clock.advance(5)                  # in the test, or\n@pytest.mark.assistants(clock="on_poll")',
    )
