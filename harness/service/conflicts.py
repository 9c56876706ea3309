"""Refusals because of the present state of a run, or the lock of a thread (CONTRACT §3, §4).

As in `errors`, the texts are the service's own.
"""

from __future__ import annotations

from harness.service.errors import Refusal


def cannot_cancel(status: str) -> Refusal:
    return Refusal(400, f"Cannot cancel run with status '{status}'.")


def cannot_update(status: str) -> Refusal:
    return Refusal(400, f"Cannot update run with status '{status}'.")


def outputs_not_accepted(status: str) -> Refusal:
    return Refusal(400, f'Runs in status "{status}" do not accept tool outputs.')


def outputs_do_not_match(expected: list[str], got: list[str]) -> Refusal:
    """Both lists in their own order, as Python prints them; no final dot."""
    return Refusal(400, f"Expected tool outputs for call_ids {expected!r}, got {got!r}")


def thread_locked_for_messages(thread_id: str, run_id: str) -> Refusal:
    return Refusal(400, f"Can't add messages to {thread_id} while a run {run_id} is active.")


def thread_has_active_run(thread_id: str, run_id: str) -> Refusal:
    return Refusal(400, f"Thread {thread_id} already has an active run {run_id}.")


def nothing_to_run_on() -> Refusal:
    return Refusal(
        400,
        "Run creation requires a Thread with a user message or an assistant with instructions.",
        code="invalid_thread",
    )


def too_many_messages(thread_id: str) -> Refusal:
    """The limit is documented, its text is not recorded (CONTRACT §4, G)."""
    return Refusal(400, f"Thread {thread_id} has reached the maximum number of messages.")
