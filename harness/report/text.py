"""Conversations, timelines and requests as plain text, for terminals and failure sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.report.causes import most_likely_cause
from harness.report.causes.evidence import refusal_text, waited_for
from harness.service.explain import OLDER_THAN_RECORDING, shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.report.causes.evidence import Sleeper
    from harness.service.exchange import Exchange
    from harness.service.lifecycle import Moment
    from harness.service.records import Message, Run, Thread

# How many of the newest are shown, which keeps a failure section to some 40 lines.
LAST_THREADS = 3
LAST_MESSAGES = 9  # of all of these threads
LAST_RUNS = 6
LAST_REQUESTS = 10
LAST_MOMENTS = 8  # of one run
WIDTH = 160  # characters of a text


def transcript(threads: Iterable[Thread]) -> str:
    """Each thread with its messages, oldest first."""
    return "\n\n".join(
        "\n".join([thread.id, *(_message(message) for message in thread.messages)]) for thread in threads
    )


def _message(message: Message) -> str:
    first, *rest = _said(message).splitlines() or [""]
    return "\n".join([f"    {_author(message)}: {first}", *(f"        {line}" for line in rest)])


def _author(message: Message) -> str:
    return message.role if message.status == "completed" else f"{message.role} [{message.status}]"


def _said(message: Message) -> str:
    return message.text or f"({', '.join(part['type'] for part in message.content) or 'empty'})"


def conversations(threads: Sequence[Thread]) -> str:
    """The last messages of the last threads, a line each."""
    shown = threads[-LAST_THREADS:]
    lines = []
    for thread in shown:
        said = [f"    {_author(message)}: {shortened(_line(_said(message)), WIDTH)}" for message in thread.messages]
        name = f"{thread.id} (deleted)" if thread.is_deleted else thread.id
        lines += [name, *_last(said, LAST_MESSAGES // len(shown))]
    left_out = len(threads) - len(shown)
    return "\n".join([f"… {left_out} earlier", *lines] if left_out else lines)


def runs(those: Sequence[Run]) -> str:
    """The last runs, each with its timeline."""
    return "\n".join(_last([run_line(run) for run in those], LAST_RUNS))


def run_line(run: Run) -> str:
    """A run with its timeline and, where the status does not say it, why it ended or what it waits for."""
    why = ""
    if run.last_error is not None:
        why = f" — {run.last_error['code']}: {shortened(_line(run.last_error['message']), WIDTH)}"
    elif run.status == "incomplete":
        why = f" — {run.incomplete_reason}"
    elif run.required_action is not None:
        why = f" — waits for {waited_for(run)}"
    return f"    {run.id}: {timeline(run)}{why}"


def timeline(run: Run) -> str:
    """Each status with the seconds since the run was created, who moved it there, and because of what.

    `queued 0s (client: create) → in_progress 1s (clock: pick_up) → completed 3s (model: finish)`
    """
    if not run.timeline:
        return OLDER_THAN_RECORDING.format(run.status)
    first, *rest = run.timeline
    left_out = len(rest) - LAST_MOMENTS
    moments = [_moment(moment, first.at) for moment in (first, *rest[-LAST_MOMENTS:])]
    if left_out > 0:
        moments.insert(1, f"… {left_out} more")
    return " → ".join(moments)


def _moment(moment: Moment, start: float) -> str:
    return f"{moment.status} {moment.at - start:g}s ({moment.by}: {moment.because})"


def requests(exchanges: Sequence[Exchange]) -> str:
    """The last requests, one on each line, oldest first. Headers are not shown, as one of them is the API key."""
    return "\n".join(_last([_request(exchange) for exchange in exchanges], LAST_REQUESTS))


def _request(exchange: Exchange) -> str:
    line = f"    {exchange.method} {exchange.path} → {exchange.outcome}"
    message = refusal_text(exchange)
    return line if message is None else f"{line} {shortened(_line(message), WIDTH)}"


def failure_section(
    threads: Sequence[Thread],
    exchanges: Sequence[Exchange],
    error: BaseException | None = None,
    bystanders: Sequence[Sleeper] = (),
) -> str:
    """The section in the report of a failed test: cause, conversations, runs, requests; empty if there are none.

    Args:
        error: what the test raised, if it did.
        bystanders: the sleeps of threads that made no request, the longest first.
    """
    cause = most_likely_cause(threads, exchanges, error, bystanders)
    all_runs = [run for thread in threads for run in thread.runs]
    parts = {
        "Conversations:": conversations(threads),
        "Runs, in virtual seconds since each was created:": runs(all_runs),
        "Requests:": requests(exchanges),
    }
    sections = [f"{title}\n{text}" for title, text in parts.items() if text]
    return "\n\n".join([f"Most likely cause: {cause}", *sections] if cause else sections)


def _line(text: str) -> str:
    """A text on one line."""
    return " ".join(text.split())


def _last(lines: list[str], most: int) -> list[str]:
    left_out = len(lines) - most
    return [f"    … {left_out} earlier", *lines[-most:]] if left_out > 0 else lines
