"""Whether a recorded object of the API has what replay and reports read: a filter may have removed or replaced it.

`harness check` (`checking/`) is stricter: it asks for all that the service always showed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    # A type; the keys of a dict; the items of a list; alternatives; or what depends on the key `type`. None is null.
    Shape: TypeAlias = "type[Any] | dict[str, Shape] | list[Shape] | tuple[Shape, ...] | ByType | None"


@dataclass(frozen=True)
class ByType:
    """The shape of a dict for each value of its `type`; any other `type`, such as Azure's own tools, is valid."""

    variants: dict[str, Shape]


# Printed objects may have been cut down to their ids.
RESOURCE: Shape = {"id": str, "created_at": (None, int)}
DATED: dict[str, Shape] = {"id": str, "created_at": int}
CONTENT = ByType(
    {
        "text": {"text": {"value": str, "annotations": [{"text": str}]}},
        "image_file": {"image_file": {"file_id": str}},
        "image_url": {"image_url": dict},
        "refusal": {"refusal": str},
    }
)
STAMPS: dict[str, Shape] = dict.fromkeys(("started_at", "completed_at", "failed_at", "cancelled_at"), (None, int))
FUNCTION: dict[str, Shape] = {"id": str, "function": {"name": str, "arguments": str}}
OUTPUTS = ByType({"logs": {"logs": str}, "image": {"image": {"file_id": str}}})
CALLS = ByType(
    {
        "function": FUNCTION,
        "code_interpreter": {"id": str, "code_interpreter": {"input": str, "outputs": [OUTPUTS]}},
        "file_search": {"id": str, "file_search": dict},
        "retrieval": {"id": str, "retrieval": dict},
    }
)
DETAILS = ByType(
    {
        "message_creation": {"message_creation": {"message_id": str}},
        "tool_calls": {"tool_calls": [CALLS]},
    }
)
# The files of a message in v2 and in v1: each version has one of the two keys.
FILES: dict[str, Shape] = {"attachments": (None, [{"file_id": (None, str)}]), "file_ids": (None, [str])}
ACTION: Shape = (None, {"submit_tool_outputs": {"tool_calls": [FUNCTION]}})
USAGE: Shape = (None, {"prompt_tokens": int, "completion_tokens": int})
ERROR: Shape = (None, {"code": str, "message": str})

SHAPES: dict[str, Shape] = {
    "list": {"data": list},
    **dict.fromkeys(("assistant", "thread", "file", "vector_store"), RESOURCE),
    "thread.message": {**DATED, "thread_id": str, "role": str, "run_id": (None, str), "content": [CONTENT], **FILES},
    "thread.run": {
        **DATED,
        "thread_id": str,
        "status": str,
        "required_action": ACTION,
        "last_error": ERROR,
        "incomplete_details": (None, dict),
        "usage": USAGE,
        **STAMPS,
    },
    "thread.run.step": {**DATED, "run_id": str, "status": str, "step_details": DETAILS, "usage": USAGE},
    "vector_store.file": {**DATED, "vector_store_id": str, "status": str},
}


def validation_error(item: dict[str, Any]) -> str | None:
    """The path of the first invalid value, with the object's kind and id; None if it is valid or of an unchecked kind.

    >>> validation_error({"object": "thread", "id": "thread_x", "created_at": "REDACTED"})
    'thread.created_at of thread_x'
    """
    kind = item["object"]
    shape = None if "deleted" in item else SHAPES.get(kind)
    path = None if shape is None else next(_mismatches(item, shape, ""), None)
    return None if path is None else f"{kind}.{path} of {item.get('id', 'it')}"


def _mismatches(value: Any, shape: Shape, path: str) -> Iterator[str]:
    """The paths below `path` at which a value does not have its shape."""
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield path
            return
        for key, inner in shape.items():
            yield from _mismatches(value.get(key), inner, f"{path}.{key}" if path else key)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield path
            return
        for number, item in enumerate(value):
            yield from _mismatches(item, shape[0], f"{path}[{number}]")
    elif isinstance(shape, tuple):
        tries = [list(_mismatches(value, one, path)) for one in shape]
        if all(tries):
            yield path
    elif isinstance(shape, ByType):
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            yield path
        else:
            yield from _mismatches(value, shape.variants.get(kind, {}), path)
    elif not (value is None if shape is None else isinstance(value, shape)):
        yield path
