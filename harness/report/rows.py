"""The things that a page shows, each in the page's own form, from objects as they are on the wire.

What the service kept (`harness.report.data`) and what a cassette shows (`harness.recording.reporting`) come to the same
form here. Whatever JSON a client made up stands in it as text, so that a page has only to print it.
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.report import bodies
from harness.report.contents import done, parts, pretty, tool_call
from harness.report.limits import IMAGE, IMAGES, MOST, PREVIEW, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from harness.service.http import Content, Request

    Table: TypeAlias = "tuple[Sequence[Any], Callable[[Any], Json]]"  # things, and how each becomes a row

Json: TypeAlias = "dict[str, Any]"
Wire: TypeAlias = "Mapping[str, Any]"


def world(
    *, source: str, start: float | None, now: float | None, failures: Iterable[str] = (), **tables: Table
) -> Json:
    """All that a page shows of one world: the newest of each kind, and how many older ones there are."""
    rows = {name: [row(thing) for thing in things[-MOST[name] :]] for name, (things, row) in tables.items()}
    _spare_images(rows["files"])
    return {
        "source": source,
        "start": start,
        "now": now,
        "failures": [shortened(failure) for failure in failures],
        **rows,
        "left_out": {name: len(things) - len(rows[name]) for name, (things, _) in tables.items()},
    }


def assistant(item: Wire) -> Json:
    return {
        "id": item["id"],
        "at": item.get("created_at"),
        "name": item.get("name") or "",
        "model": item.get("model") or "",
        "instructions": shortened(item.get("instructions") or ""),
        "tools": _json(item.get("tools")),
        "tool_resources": _json(item.get("tool_resources")),
        "metadata": _json(item.get("metadata")),
    }


# --- threads --------------------------------------------------------------------------------------------------


def thread(item: Wire, messages: Sequence[Json], runs: Sequence[Json], *, deleted: bool) -> Json:
    """A conversation: messages in their order, and each run in front of what it said."""
    waiting = list(runs)
    said: list[Json] = []
    for each in messages:
        while waiting and (_is_of(each, waiting) or (each["run"] is None and _is_before(waiting[0], each))):
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


def _is_of(said: Json, waiting: list[Json]) -> bool:
    return any(run["id"] == said["run"] for run in waiting)


def _is_before(run: Json, said: Json) -> bool:
    return run["at"] is not None and said["at"] is not None and bool(run["at"] < said["at"])


def message(item: Wire, *, at: float | None = None) -> Json:
    """`at` is when it was begun, where that is known better than by the second."""
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
    """The files of a message, with the tools that may read them; v1 has nothing but their ids."""
    found = [
        {"file": given.get("file_id"), "tools": [tool.get("type", "") for tool in given.get("tools") or ()]}
        for given in item.get("attachments") or ()
    ]
    return [*found, *({"file": file_id, "tools": []} for file_id in item.get("file_ids") or ())]


def run(
    item: Wire, *, moments: Sequence[Json], steps: Sequence[Json], calls: Iterable[Wire] = (), script: str | None = None
) -> Json:
    """A run with what became of it (`moments`).

    Args:
        calls: those that are known, although no step shows them.
        script: where the user wrote what the model does in it.
    """
    action = (item.get("required_action") or {}).get("submit_tool_outputs") or {}
    return {
        "id": item["id"],
        "at": moments[0]["at"] if moments and moments[0]["at"] is not None else item.get("created_at"),
        "status": item.get("status") or "",
        "assistant": item.get("assistant_id"),
        "model": item.get("model") or "",
        "instructions": shortened(item.get("instructions") or ""),
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
    """One entry of a timeline. Of what was only observed, nobody knows who moved it and why."""
    return {"status": status, "at": at, "by": by, "because": because}


def step(item: Wire, *, at: float | None, end: float | None) -> Json:
    return {
        "id": item["id"],
        "at": at,
        "end": end,
        "status": item.get("status") or "",
        "error": _error(item),
        "usage": _usage(item),
        **done(item.get("step_details") or {}),
    }


def _error(item: Wire) -> Json | None:
    error = item.get("last_error")
    return error and {"code": error.get("code") or "", "message": shortened(error.get("message") or "")}


def _usage(item: Wire) -> Json | None:
    usage = item.get("usage")
    return usage and {"prompt": usage["prompt_tokens"], "completion": usage["completion_tokens"]}


# --- files ----------------------------------------------------------------------------------------------------


def file(item: Wire, content: Content | None) -> Json:
    """A file with the beginning of its text, or as an image; `content` is None where nobody knows it."""
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


def _spare_images(files: list[Json]) -> None:
    """The newest images stay, as many as a page can carry."""
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
    """A request with its answer. Of the headers only what kind of body there is: a key stands among them."""
    return {
        "number": number,
        "at": at,
        "method": sent.method,
        "path": shortened(sent.path, PREVIEW),
        "query": shortened(bodies.query(sent.query), PREVIEW),
        "status": status,
        "outcome": outcome,
        "problem": problem and shortened(problem, PREVIEW),
        "sent": bodies.body(sent.body, sent.headers.get("content-type", "")),
        "got": got,
    }


def _json(value: object) -> str:
    """What a client made up, as text; empty where there is nothing."""
    return shortened(pretty(value)) if value else ""
