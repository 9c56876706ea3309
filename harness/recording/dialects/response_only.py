"""Answers without their requests: documentation samples, and objects that a notebook printed.

An object is taken as the answer to the request that retrieves it, a list as that of listing, `….deleted` as that of
the deletion. What was sent to create an object cannot be told from it. The request of a stream is built from its
events: the run, and its assistant or the submitted outputs.
"""

from __future__ import annotations

from typing import Any

from harness.recording.dialects.body_bytes import json_bytes
from harness.recording.dialects.common import Unusable

ROOT = "https://api.openai.com/v1"
# The path that retrieves an object; the path above it lists its kind.
RETRIEVAL_PATHS = {
    "assistant": "/assistants/{id}",
    "assistant.file": "/assistants/{assistant_id}/files/{id}",
    "file": "/files/{id}",
    "thread": "/threads/{id}",
    "thread.message": "/threads/{thread_id}/messages/{id}",
    "thread.message.file": "/threads/{thread_id}/messages/{message_id}/files/{id}",
    "thread.run": "/threads/{thread_id}/runs/{id}",
    "thread.run.step": "/threads/{thread_id}/runs/{run_id}/steps/{id}",
    "vector_store": "/vector_stores/{id}",
    "vector_store.file": "/vector_stores/{vector_store_id}/files/{id}",
    "vector_store.file_batch": "/vector_stores/{vector_store_id}/file_batches/{id}",
}
STREAM_PATHS = {
    "/threads/runs": "/threads/runs",
    "/threads/{id}/runs": "/threads/{thread_id}/runs",
    "/threads/{id}/runs/{id}/submit_tool_outputs": "/threads/{thread_id}/runs/{id}/submit_tool_outputs",
}


def implied_request(row: Any) -> tuple[tuple[str, str, dict[str, str], bytes], str]:
    """The request that a body answers, and the answer's content type. Raises `Unusable` if it cannot be told."""
    body = row.get("response_body")
    if row.get("sse"):
        return _streaming(row.get("route"), body), "text/event-stream; charset=utf-8"
    if not isinstance(body, dict):
        raise Unusable("only a body was kept, and it is not an object of the API")
    return ("GET" if "deleted" not in body else "DELETE", _url(body), {}, b""), "application/json"


def _url(body: dict[str, Any]) -> str:
    item = body
    if body.get("object") == "list":
        item = next(iter(body.get("data") or []), {})
        if not item:
            raise Unusable("only an empty list was kept, which does not tell what it lists")
    kind = str(item.get("object")).removesuffix(".deleted")
    if kind not in RETRIEVAL_PATHS:
        raise Unusable(f"only a body was kept, of the kind {item.get('object')!r}")
    path = RETRIEVAL_PATHS[kind]
    return ROOT + _filled(path if item is body else path.rpartition("/")[0], item)


def _filled(path: str, fields: dict[str, Any]) -> str:
    try:
        return path.format(**fields)
    except KeyError as error:
        raise Unusable(f"only a body was kept, which does not tell the {error.args[0]} of its URL") from None


def _streaming(route: str | None, events: list[Any]) -> tuple[str, str, dict[str, str], bytes]:
    first: dict[str, Any] = {}
    for _, data in events:
        if isinstance(data, dict):
            first.setdefault(str(data.get("object")), data)
    if route not in STREAM_PATHS or "thread.run" not in first:
        raise Unusable("only the events of a stream were kept, which do not tell the request")
    run = first["thread.run"]
    body: dict[str, Any] = {"assistant_id": run.get("assistant_id")}
    if route.endswith("/submit_tool_outputs"):
        calls = first.get("thread.run.step", {}).get("step_details", {}).get("tool_calls", [])
        body = {"tool_outputs": [{"tool_call_id": c["id"], "output": c["function"].get("output")} for c in calls]}
    sent = json_bytes({**body, "stream": True}, separators=(",", ":"))
    return "POST", ROOT + _filled(STREAM_PATHS[route], run), {"content-type": "application/json"}, sent
