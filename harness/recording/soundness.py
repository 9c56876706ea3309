"""What an object of the API must have to be understood; a filter may have taken it out, or put a word in its place.

`harness check` says more: what the service always showed, and this code can do without.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    # A type; a text that it has to be; keys that a dict must have; of what a list is made; or one of several of these.
    Shape: TypeAlias = "type[Any] | str | dict[str, Shape] | list[Shape] | tuple[Shape, ...] | None"

# Of a printed one somebody may have kept no more than its id.
MADE: Shape = {"id": str, "created_at": (None, int)}
AGED: dict[str, Shape] = {"id": str, "created_at": int}
CONTENT: Shape = (
    {"type": "text", "text": {"value": str, "annotations": [{"text": str}]}},
    {"type": "image_file", "image_file": {"file_id": str}},
    {"type": "image_url", "image_url": dict},
    {"type": "refusal", "refusal": str},
)
STAMPS: dict[str, Shape] = dict.fromkeys(("started_at", "completed_at", "failed_at", "cancelled_at"), (None, int))
FUNCTION: Shape = {"id": str, "type": "function", "function": {"name": str, "arguments": str}}
CELL: Shape = {"input": str, "outputs": [({"type": "logs", "logs": str}, {"type": "image", "image": {"file_id": str}})]}
CALLS: Shape = [
    (
        FUNCTION,
        {"id": str, "type": "code_interpreter", "code_interpreter": CELL},
        {"id": str, "type": "file_search", "file_search": dict},
        {"id": str, "type": "retrieval", "retrieval": dict},
    )
]
DETAILS: Shape = (
    {"type": "message_creation", "message_creation": {"message_id": str}},
    {"type": "tool_calls", "tool_calls": CALLS},
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
    elif not (isinstance(value, shape) if isinstance(shape, type) else value == shape):
        yield path
