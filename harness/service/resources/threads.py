"""Threads: the object and its endpoints (CONTRACT §1.2, §2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service.records import Thread
from harness.service.resources import messages, tools, vector_stores

if TYPE_CHECKING:
    from harness.service.context import Call


def wire(call: Call, thread: Thread, *, read_back: bool = False) -> dict[str, Any]:
    """The answer to a GET shows an empty code interpreter entry that create and modify leave out (CONTRACT §2.2)."""
    resources = dict(thread.tool_resources)
    if read_back:
        resources.setdefault("code_interpreter", {"file_ids": []})
    return call.world.shapes.project(
        "thread",
        call.api,
        {
            "id": thread.id,
            "object": "thread",
            "created_at": thread.created_at,
            "metadata": thread.metadata,
            "tool_resources": resources,
        },
    )


def build(call: Call, body: Any) -> Thread:
    """A thread with its first messages, not yet in the store: all of it is made, or nothing."""
    thread = Thread(id=call.store.ids.make("thread_"), created_at=call.world.second)
    thread.metadata = body.metadata or {}
    with vector_stores.all_or_nothing(call):
        thread.tool_resources = tools.resources(
            call, getattr(body, "tool_resources", None), expires_after=dict(tools.OF_A_THREAD)
        )
        messages.add_all(call, thread, messages.build_all(call, thread, body.messages or ()))
    return thread


def create(call: Call) -> dict[str, Any]:
    return wire(call, call.store.threads.add(build(call, call.body)))


def retrieve(call: Call) -> dict[str, Any]:
    return wire(call, call.thread, read_back=True)


def modify(call: Call) -> dict[str, Any]:
    given = call.body.model_fields_set
    if "tool_resources" in given:
        call.thread.tool_resources = tools.resources(call, call.body.tool_resources)
    if "metadata" in given:
        call.thread.metadata = call.body.metadata or {}
    return wire(call, call.thread)


def delete(call: Call) -> dict[str, Any]:
    """Also while a run is active, which disappears with its thread (CONTRACT §4, G)."""
    for run in call.thread.runs:
        call.world.engine.drop(run)
    call.store.threads.remove(call.thread.id)
    return {"id": call.thread.id, "object": "thread.deleted", "deleted": True}
