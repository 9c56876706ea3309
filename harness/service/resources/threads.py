"""Threads: the object and its endpoints (CONTRACT §1.2, §2.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service.records import Thread
from harness.service.resources import messages, tools

if TYPE_CHECKING:
    from harness.service.context import Call


def wire(call: Call, thread: Thread, *, read_back: bool = False) -> dict[str, Any]:
    """The thread as the wire shows it; only a GET shows an empty code_interpreter entry (CONTRACT §2.2)."""
    resources = dict(thread.tool_resources)
    if read_back:
        resources.setdefault("code_interpreter", {"file_ids": []})
    return call.world.shapes.show("thread", call.api, thread, {"object": "thread", "tool_resources": resources})


def build(call: Call, body: Any, at: str = "", of_run: Any = None) -> Thread:
    """Make a thread with its first messages, not stored yet; `at` is the prefix of its parameters in the request.

    For each tool, the resources of a run that is created with it replace the thread's own (G); attachments are added.
    """
    thread = Thread(id=call.store.ids.make("thread_"), created_at=call.world.second, metadata=body.metadata or {})
    first = messages.build_all(call, thread, body.messages or (), f"{at}messages")
    # may create a vector store, so it comes after all other refusals
    own = tools.resources(call, getattr(body, "tool_resources", None), expires_after=dict(tools.THREAD_STORE_EXPIRY))
    thread.tool_resources = own | tools.resources(call, of_run)
    messages.add_all(call, thread, first)
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
    """Delete the thread, even while a run is active, which is deleted with it (CONTRACT §4, G)."""
    for run in call.thread.runs:
        call.world.engine.drop(run)
    call.store.delete_thread(call.thread)
    return {"id": call.thread.id, "object": "thread.deleted", "deleted": True}
