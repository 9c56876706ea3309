"""Converts objects in the form of the API to rows, the data of the page.

The state of a fake (`harness.report.data`) and the contents of a cassette (`harness.recording.reporting`) give the same
rows. JSON that a client may choose freely, such as metadata, is text in them, so that the page only has to print it.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.report import bodies
from harness.report.contents import parts, pretty, step_details, tool_call
from harness.report.limits import IMAGE, IMAGES, MAX_ROWS, PREVIEW, excerpt

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.service.http import Content, Request

    # objects, and the function that converts each to a row
    Table: TypeAlias = "tuple[Sequence[Any], Callable[[Any], Json]]"

Json: TypeAlias = "dict[str, Any]"
Wire: TypeAlias = "Mapping[str, Any]"


def world(
    *, source: str, start: float | None, now: float | None, failures: Iterable[str] = (), **tables: Table
) -> Json:
    """All that the page shows of one world: the newest objects of each kind, and how many older ones there are."""
    rows = {name: [row(thing) for thing in things[-MAX_ROWS[name] :]] for name, (things, row) in tables.items()}
    _drop_old_images(rows["files"])
    return {
        "source": source,
        "start": start,
        "now": now,
        "failures": [excerpt(failure) for failure in failures],
        **rows,
        "left_out": {name: len(things) - len(rows[name]) for name, (things, _) in tables.items()},
    }


def assistant(item: Wire) -> Json:
    return {
        "id": item["id"],
        "at": item.get("created_at"),
        "name": item.get("name") or "",
        "model": item.get("model") or "",
        "instructions": excerpt(item.get("instructions") or ""),
        "tools": _json(item.get("tools")),
        "tool_resources": _json(item.get("tool_resources")),
        "metadata": _json(item.get("metadata")),
    }


# --- threads --------------------------------------------------------------------------------------------------


def thread(item: Wire, messages: Sequence[Json], runs: Sequence[Json], *, deleted: bool) -> Json:
    """A thread with its messages in order, and each run before the first message that it wrote."""
    waiting = list(runs)
    said: list[Json] = []
    for each in messages:
        while waiting and (_is_written_by_any(each, waiting) or (each["run"] is None and _is_before(waiting[0], each))):
            said.append({"run": waiting.pop(0)})
        said.append({"message": each})
    said += [{"run": run} for run in waiting]
    return {
        "id": item["id"],
        "at": item.get("created_at"),
        "deleted": deleted,
        "tool_resources": _json(item.get("tool_resources")),
        "metadata": _json(item.get("metadata")),
        "said": said,
    }


def _is_written_by_any(said: Json, waiting: list[Json]) -> bool:
    return any(run["id"] == said["run"] for run in waiting)


def _is_before(run: Json, said: Json) -> bool:
    return run["at"] is not None and said["at"] is not None and bool(run["at"] < said["at"])


def message(item: Wire, *, at: float | None = None) -> Json:
    """A message; `at` is the time of its creation, where that is known more precisely than in seconds."""
    return {
        "id": item["id"],
        "at": item.get("created_at") if at is None else at,
        "role": item.get("role") or "",
        "status": item.get("status") or "completed",
        "why": (item.get("incomplete_details") or {}).get("reason"),
        "assistant": item.get("assistant_id"),
        "run": item.get("run_id"),
        "parts": parts(item.get("content") or ()),
        "attachments": _attachments(item),
        "metadata": _json(item.get("metadata")),
    }


def _attachments(item: Wire) -> list[Json]:
    """The files of a message, with the tools that may read them; v1 has only their ids."""
    found = [
        {"file": given.get("file_id"), "tools": [tool.get("type", "") for tool in given.get("tools") or ()]}
        for given in item.get("attachments") or ()
    ]
    return [*found, *({"file": file_id, "tools": []} for file_id in item.get("file_ids") or ())]


def run(
    item: Wire, *, moments: Sequence[Json], steps: Sequence[Json], calls: Iterable[Wire] = (), script: str | None = None
) -> Json:
    """A run with its timeline (`moments`) and steps.

    Args:
        calls: tool calls that are known, although no step contains them.
        script: where the user wrote the script of the run.
    """
    action = (item.get("required_action") or {}).get("submit_tool_outputs") or {}
    return {
        "id": item["id"],
        "at": moments[0]["at"] if moments and moments[0]["at"] is not None else item.get("created_at"),
        "status": item.get("status") or "",
        "assistant": item.get("assistant_id"),
        "model": item.get("model") or "",
        "instructions": excerpt(item.get("instructions") or ""),
        "tools": _json(item.get("tools")),
        "metadata": _json(item.get("metadata")),
        "error": _error(item),
        "why": (item.get("incomplete_details") or {}).get("reason"),
        "waits_for": [tool_call(call) for call in action.get("tool_calls") or ()],
        "usage": _usage(item),
        "expires_at": item.get("expires_at"),
        "script": script,
        "calls": [tool_call(call) for call in calls],
        "moments": list(moments),
        "steps": list(steps),
    }


def moment(status: str, at: float | None, *, by: str | None = None, because: str | None = None) -> Json:
    """An entry of a timeline; `by` and `because` are unknown for a status that was only observed."""
    return {"status": status, "at": at, "by": by, "because": because}


def step(item: Wire, *, at: float | None, end: float | None) -> Json:
    return {
        "id": item["id"],
        "at": at,
        "end": end,
        "status": item.get("status") or "",
        "error": _error(item),
        "usage": _usage(item),
        **step_details(item.get("step_details") or {}),
    }


def _error(item: Wire) -> Json | None:
    error = item.get("last_error")
    return error and {"code": error.get("code") or "", "message": excerpt(error.get("message") or "")}


def _usage(item: Wire) -> Json | None:
    usage = item.get("usage")
    return usage and {"prompt": usage["prompt_tokens"], "completion": usage["completion_tokens"]}


# --- files ----------------------------------------------------------------------------------------------------


def file(item: Wire, content: Content | None) -> Json:
    """A file with the beginning of its text, or as an image; `content` is None if it is not known."""
    kind = None if content is None else bodies.image_type(content)
    text = None if content is None or kind else bodies.text_of(bytes(content[: 4 * PREVIEW]))
    return {
        "id": item["id"],
        "at": item.get("created_at"),
        "name": item.get("filename") or "",
        "purpose": item.get("purpose") or "",
        "status": item.get("status") or "",
        "bytes": item.get("bytes", len(content or b"")),
        "known": content is not None,
        "text": None if text is None else _beginning(text, content or b""),
        "image": _inlined(kind, content) if kind and content and len(content) <= IMAGE else None,
        "kind": f"image/{kind}" if kind else None,
    }


def _beginning(text: str, content: Content) -> str:
    shown = text[:PREVIEW]
    more = len(content) - len(shown.encode())
    return shown if more <= 0 else f"{shown}\n… {bodies.size(more)} more"


def _inlined(kind: str, content: Content) -> str:
    return f"data:image/{kind};base64,{b64encode(content).decode()}"


def _drop_old_images(files: list[Json]) -> None:
    """Drop the oldest images, so that the size of the rest is within the limit of the page."""
    left = IMAGES
    for shown in reversed(files):
        if shown["image"] is not None:
            left -= len(shown["image"]) * 3 // 4
            shown["image"] = shown["image"] if left >= 0 else None


def store(item: Wire, entries: Iterable[Wire]) -> Json:
    """A vector store with the files that were seen in it."""
    return {
        "id": item["id"],
        "at": item.get("created_at"),
        "name": item.get("name") or "",
        "status": item.get("status") or "",
        "files": [
            {"file": entry["id"], "status": entry.get("status") or "", "error": _error(entry)} for entry in entries
        ],
        "metadata": _json(item.get("metadata")),
    }


# --- requests -------------------------------------------------------------------------------------------------


def request(
    number: int, sent: Request, *, at: float | None, status: int, outcome: str, problem: str | None, got: Json | None
) -> Json:
    """A request with its answer. Headers are left out, as one of them is the API key."""
    return {
        "number": number,
        "at": at,
        "method": sent.method,
        "path": excerpt(sent.path, PREVIEW),
        "query": excerpt(bodies.query(sent.query), PREVIEW),
        "status": status,
        "outcome": outcome,
        "problem": problem and excerpt(problem, PREVIEW),
        "sent": bodies.body(sent.body, sent.headers.get("content-type", "")),
        "got": got,
    }


def _json(value: object) -> str:
    """A JSON value as text; empty if there is none."""
    return excerpt(pretty(value)) if value else ""
