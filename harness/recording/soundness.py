"""What an object of the API must have to be understood; a filter may have taken it out, or put a word in its place.

`harness check` says more: what the service always showed, and this code can do without.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    # A type; keys that a dict must have; of what a list is made; one of several of these; or by what `type` says.
    Shape: TypeAlias = "type[Any] | dict[str, Shape] | list[Shape] | tuple[Shape, ...] | ByType | None"


@dataclass(frozen=True)
class ByType:
    """What a dict must have beside its `type`. Of others, such as Azure's own tools, nothing is known."""

    known: dict[str, Shape]


# Of a printed one somebody may have kept no more than its id.
MADE: Shape = {"id": str, "created_at": (None, int)}
AGED: dict[str, Shape] = {"id": str, "created_at": int}
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
# The files of a message, in v2 and in v1; either may be missing.
FILES: dict[str, Shape] = {"attachments": (None, [{"file_id": (None, str)}]), "file_ids": (None, [str])}
ACTION: Shape = (None, {"submit_tool_outputs": {"tool_calls": [FUNCTION]}})
USAGE: Shape = (None, {"prompt_tokens": int, "completion_tokens": int})
ERROR: Shape = (None, {"code": str, "message": str})

SHAPES: dict[str, Shape] = {
    "list": {"data": list},
    **dict.fromkeys(("assistant", "thread", "file", "vector_store"), MADE),
    "thread.message": {**AGED, "thread_id": str, "role": str, "run_id": (None, str), "content": [CONTENT], **FILES},
    "thread.run": {
        **AGED,
        "thread_id": str,
        "status": str,
        "required_action": ACTION,
        "last_error": ERROR,
        "incomplete_details": (None, dict),
        "usage": USAGE,
        **STAMPS,
    },
    "thread.run.step": {**AGED, "run_id": str, "status": str, "step_details": DETAILS, "usage": USAGE},
    "vector_store.file": {**AGED, "vector_store_id": str, "status": str},
}


def wrong(item: dict[str, Any]) -> str | None:
    """What of an object cannot be understood; None if it is sound, or of no kind that matters.

    >>> wrong({"object": "thread", "id": "thread_x", "created_at": "REDACTED"})
    'thread.created_at of thread_x'
    """
    kind = item["object"]
    shape = None if "deleted" in item else SHAPES.get(kind)
    path = None if shape is None else next(_misfits(item, shape, ""), None)
    return None if path is None else f"{kind}.{path} of {item.get('id', 'it')}"


def _misfits(value: Any, shape: Shape, path: str) -> Iterator[str]:
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            yield path
            return
        for key, inner in shape.items():
            yield from _misfits(value.get(key), inner, f"{path}.{key}" if path else key)
    elif isinstance(shape, list):
        if not isinstance(value, list):
            yield path
            return
        for number, item in enumerate(value):
            yield from _misfits(item, shape[0], f"{path}[{number}]")
    elif isinstance(shape, tuple):
        tries = [list(_misfits(value, one, path)) for one in shape]
        if all(tries):
            yield path
    elif isinstance(shape, ByType):
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            yield path
        else:
            yield from _misfits(value, shape.known.get(kind, {}), path)
    elif not (value is None if shape is None else isinstance(value, shape)):
        yield path
