"""Runs: the object and its endpoints (CONTRACT §1.4, §2.4). What happens in a run is the engine's affair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import conflicts
from harness.service.context import listing
from harness.service.lifecycle import RUN, find
from harness.service.resources import tools
from harness.service.shapes import INCOMPLETE_EVENT

if TYPE_CHECKING:
    from harness.service.context import Call
    from harness.service.records import Run, Usage

# A run that waits for outputs can be modified (betalgo/openai's playground does so); `cancelling` is a guess (G).
NOT_MODIFIABLE = ("queued", "in_progress", "cancelling")


def wire(call: Call, run: Run) -> dict[str, Any]:
    """The run as the wire shows it; `tool_resources` is `{}` outside streams (CONTRACT §2.4)."""
    shown = call.world.shapes.show(
        "thread.run",
        call.api,
        run,
        {
            "object": "thread.run",
            "tools": tools.echo(call, run.tools),
            "tool_resources": {},
            "tool_choice": run.tool_choice
            if isinstance(run.tool_choice, str)
            else tools.in_version(call, run.tool_choice),
            "incomplete_details": {"reason": run.incomplete_reason} if run.status == "incomplete" else None,
            "usage": usage(call, run.usage),
        },
    )
    if run.status == "incomplete" and call.api == "v1" and not call.world.shapes.since(INCOMPLETE_EVENT):
        shown["status"] = "completed"  # recorded once, with its incomplete_details (FACTS 0)
    if run.required_action is not None and "required_action" not in shown:
        # until early 2024 the key existed only while outputs were awaited (CONTRACT §2.4)
        keys = list(shown)
        keys.insert(keys.index("last_error"), "required_action")
        return {key: run.required_action if key == "required_action" else shown[key] for key in keys}
    return shown


def usage(call: Call, spent: Usage | None) -> dict[str, Any] | None:
    if spent is None:
        return None
    return call.world.shapes.project(
        "usage",
        call.api,
        {
            "prompt_tokens": spent.prompt,
            "completion_tokens": spent.completion,
            "total_tokens": spent.prompt + spent.completion,
            "prompt_token_details": {"cached_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
        },
    )


def reply(call: Call, run: Run) -> dict[str, Any]:
    """The run as the answer to this client, which has then seen it."""
    call.world.watch.mark_seen(run, call.request.client)
    return wire(call, run)


def retrieve(call: Call) -> dict[str, Any]:
    call.world.watch.poll(call.run, call.request.client)
    return wire(call, call.run)


def index(call: Call) -> dict[str, Any]:
    return listing(call, call.thread.runs, "run_id", lambda run: wire(call, run))


def modify(call: Call) -> dict[str, Any]:
    """Only metadata can be changed, and not while the model works (CONTRACT §3.4)."""
    call.world.watch.before_change(call.run)
    if call.run.status in NOT_MODIFIABLE:
        raise conflicts.cannot_update(call.run.status)
    if "metadata" in call.body.model_fields_set:
        call.run.metadata = call.body.metadata or {}
    return reply(call, call.run)


def cancel(call: Call) -> dict[str, Any]:
    call.world.watch.before_change(call.run)
    if find(RUN, call.run.status, "cancel") is None:
        raise conflicts.cannot_cancel(call.run.status)
    call.world.engine.cancel(call.run)
    return reply(call, call.run)
