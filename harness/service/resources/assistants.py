"""Assistants: the object and its endpoints (CONTRACT §1.1, §2.1), and the files attached to one in v1 (§1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service.context import PATH_IDS, listing
from harness.service.records import Assistant
from harness.service.resources import compatibility, models, tools

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.service.context import Call

# Fields that are copied from the body; the others are normalized below.
COPIED = ("model", "name", "description", "instructions")
# What null or an absent field means.
DEFAULTS: dict[str, Any] = {"temperature": 1.0, "top_p": 1.0, "response_format": "auto"}


def wire(call: Call, assistant: Assistant) -> dict[str, Any]:
    return call.world.shapes.project(
        "assistant",
        call.api,
        {
            "id": assistant.id,
            "object": "assistant",
            "created_at": assistant.created_at,
            "name": assistant.name,
            "description": assistant.description,
            "model": assistant.model,
            "instructions": assistant.instructions,
            "tools": tools.echo(call, assistant.tools),
            "file_ids": list(assistant.file_ids),
            "top_p": assistant.top_p,
            "temperature": assistant.temperature,
            "reasoning_effort": assistant.reasoning_effort,
            "tool_resources": tools.resources_of_assistant(assistant),
            "metadata": assistant.metadata,
            "response_format": assistant.response_format,
        },
    )


def create(call: Call) -> dict[str, Any]:
    model = call.body.model
    assistant = Assistant(id=call.store.ids.make("asst_"), created_at=call.world.second, model=model)
    assistant.reasoning_effort = compatibility.default_effort(call, model)
    apply(call, assistant)
    call.store.assistants.add(assistant)
    return wire(call, assistant)


def modify(call: Call) -> dict[str, Any]:
    """A partial update: what the body does not name stays (CONTRACT §1.1)."""
    apply(call, call.assistant)
    return wire(call, call.assistant)


def apply(call: Call, assistant: Assistant) -> None:
    """Write the body's fields to the record, after checking everything that can be refused."""
    body = call.body
    given = body.model_fields_set
    models.check(call, body.model)
    files = getattr(body, "file_ids", None) if "file_ids" in given else None
    for file_id in files or ():
        tools.find_file(call, file_id)
    wanted = tools.checked_tools(call, body.tools) if "tools" in given else assistant.tools
    model, effort = body.model or assistant.model, assistant.reasoning_effort
    if "reasoning_effort" in given:
        effort = body.reasoning_effort or compatibility.default_effort(call, model)
    normalized = {name: _value(body, name) for name in DEFAULTS if name in given}
    sampling_set = _sampling_set(body, assistant)
    compatibility.check_format(call, normalized.get("response_format", assistant.response_format), wanted)
    compatibility.check_model(call, model, effort, sampling_set)
    compatibility.check_change(call, assistant.model, model, effort)
    resources = tools.resources(call, body.tool_resources) if "tool_resources" in given else None
    for name in COPIED:
        if name in given and (name != "model" or body.model is not None):
            setattr(assistant, name, getattr(body, name))
    for name, value in normalized.items():
        setattr(assistant, name, value)
    assistant.sampling_set = sampling_set
    assistant.reasoning_effort = effort
    assistant.tools = wanted
    if "metadata" in given:
        assistant.metadata = body.metadata or {}
    if files is not None:
        _replace_files(call, assistant, files)
    if resources is not None:
        assistant.tool_resources = resources
    else:
        tools.share_with_v2(call, assistant, assistant.tools, assistant.file_ids)


def _sampling_set(body: Any, assistant: Assistant) -> frozenset[str]:
    """The sampling parameters that a client has set, now or before; null takes one back."""
    given = {name for name in compatibility.SAMPLING_PARAMETERS if name in body.model_fields_set}
    return assistant.sampling_set - given | {name for name in given if getattr(body, name) is not None}


def _replace_files(call: Call, assistant: Assistant, file_ids: Iterable[str]) -> None:
    """Set v1's `file_ids`; files that were attached before keep the time of that."""
    attached = assistant.file_ids
    assistant.file_ids = {file_id: attached.get(file_id, call.world.second) for file_id in file_ids}
    for file_id in attached:
        if file_id not in assistant.file_ids:
            tools.unshare(call, assistant, file_id)


def _value(body: Any, name: str) -> Any:
    """The value of a field that has a default, as the wire shows it."""
    value, default = tools.as_json(getattr(body, name)), DEFAULTS[name]
    value = default if value is None else value
    return float(value) if isinstance(default, float) else value


def retrieve(call: Call) -> dict[str, Any]:
    return wire(call, call.assistant)


def delete(call: Call) -> dict[str, Any]:
    call.store.assistants.remove(call.assistant.id)
    return {"id": call.assistant.id, "object": "assistant.deleted", "deleted": True}


def index(call: Call) -> dict[str, Any]:
    return listing(call, call.store.assistants, "assistant_id", lambda item: wire(call, item))


# --- v1: files of an assistant ------------------------------------------------------------------------------


def file_wire(assistant: Assistant, file_id: str) -> dict[str, Any]:
    return {
        "id": file_id,
        "object": "assistant.file",
        "created_at": assistant.file_ids[file_id],
        "assistant_id": assistant.id,
    }


def attach_file(call: Call) -> dict[str, Any]:
    file_id = call.body.file_id
    tools.find_file(call, file_id)
    call.assistant.file_ids.setdefault(file_id, call.world.second)
    tools.share_with_v2(call, call.assistant, call.assistant.tools, [file_id])
    return file_wire(call.assistant, file_id)


def retrieve_file(call: Call) -> dict[str, Any]:
    return file_wire(call.assistant, _attached(call))


def detach_file(call: Call) -> dict[str, Any]:
    """The file itself stays."""
    file_id = _attached(call)
    del call.assistant.file_ids[file_id]
    tools.unshare(call, call.assistant, file_id)
    return {"id": file_id, "object": "assistant.file.deleted", "deleted": True}


def index_files(call: Call) -> dict[str, Any]:
    return tools.attached_page(
        call,
        list(call.assistant.file_ids),
        "assistant_file_id",
        lambda file_id: file_wire(call.assistant, file_id),
    )


def _attached(call: Call) -> str:
    file_id = call.path_ids["assistant_file_id"]
    if file_id not in call.assistant.file_ids:
        raise PATH_IDS["assistant_file_id"].missing(file_id)
    return file_id
