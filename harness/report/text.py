"""Conversations, timelines and requests as plain text, for terminals and failure sections."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.service.explain import timeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.service.exchange import Exchange
    from harness.service.records import Message, Run, Thread

LAST_REQUESTS = 10


def transcript(threads: Iterable[Thread]) -> str:
    """Each thread with its messages, oldest first."""
    return "\n\n".join(
        "\n".join([thread.id, *(_message(message) for message in thread.messages)]) for thread in threads
    )


def _message(message: Message) -> str:
    text = message.text or f"({', '.join(part['type'] for part in message.content) or 'empty'})"
    mark = "" if message.status == "completed" else f" [{message.status}]"
    first, *rest = text.splitlines() or [""]
    return "\n".join([f"    {message.role}{mark}: {first}", *(f"        {line}" for line in rest)])


def run_line(run: Run) -> str:
    """A run with its timeline, and why it ended where the status alone does not say it."""
    why = ""
    if run.last_error is not None:
        why = f" — {run.last_error['code']}: {run.last_error['message']}"
    elif run.status == "incomplete":
        why = f" — {run.incomplete_reason}"
    elif run.required_action is not None:
        called = run.required_action["submit_tool_outputs"]["tool_calls"]
        why = f" — waits for {', '.join(call['function']['name'] for call in called)}"
    return f"    {run.id}: {timeline(run)}{why}"


def requests(exchanges: Sequence[Exchange]) -> str:
    """The last requests, one a line, oldest first."""
    left_out = len(exchanges) - LAST_REQUESTS
    lines = [f"    … {left_out} earlier"] if left_out > 0 else []
    for exchange in exchanges[-LAST_REQUESTS:]:
        error = (exchange.answer or {}).get("error") if exchange.status >= 400 else None
        lines.append(
            f"    {exchange.method} {exchange.path} → {exchange.status}" + (f" {error['message']}" if error else "")
        )
    return "\n".join(lines)


def failure_section(threads: Sequence[Thread], exchanges: Sequence[Exchange]) -> str:
    """What the report of a failed test shows: conversations, runs, requests. Empty if nothing happened."""
    parts = []
    if threads:
        parts.append("Conversations:\n" + transcript(threads))
    runs = [run_line(run) for thread in threads for run in thread.runs]
    if runs:
        parts.append("Runs, in virtual seconds since each was created:\n" + "\n".join(runs))
    if exchanges:
        parts.append("Requests:\n" + requests(exchanges))
    return "\n\n".join(parts)
