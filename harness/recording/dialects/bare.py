"""Bodies of which nobody kept the request: documentation samples, and objects that a notebook printed.

An object is taken as the answer to the request that shows it, a list as that of its listing, `…deleted` as that of the
deletion: what the service would have answered there is what was kept. What had to be sent to make an object is not
told. A stream's request is what its events tell: the run, and which assistant or which outputs it went on with.
"""

from __future__ import annotations

from typing import Any

from harness.recording.dialects.parts import Unusable
from harness.recording.dialects.texts import dumped

ROOT = "https://api.openai.com/v1"
# Where an object is shown; the path above that lists its kind.
SHOWN_AT = {
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
STREAMED_AT = {
    "/threads/runs": "/threads/runs",
    "/threads/{id}/runs": "/threads/{thread_id}/runs",
    "/threads/{id}/runs/{id}/submit_tool_outputs": "/threads/{thread_id}/runs/{id}/submit_tool_outputs",
}


def request(row: Any) -> tuple[tuple[str, str, dict[str, str], bytes], str]:
    """The request that such a body answers, and the content type of the answer; `Unusable` where none can be told."""
    body = row.get("response_body")
    if row.get("sse"):
        return _streaming(row.get("route"), body), "text/event-stream; charset=utf-8"
    if not isinstance(body, dict):
        raise Unusable("only a body was kept, and it is no object of the API")
    return ("GET" if "deleted" not in body else "DELETE", _url(body), {}, b""), "application/json"


def _url(body: dict[str, Any]) -> str:
    shown = body
    if body.get("object") == "list":
        shown = next(iter(body.get("data") or []), {})
        if not shown:
            raise Unusable("only an empty list was kept, and nothing tells of what")
    kind = str(shown.get("object")).removesuffix(".deleted")
    if kind not in SHOWN_AT:
        raise Unusable(f"only a body was kept, of the kind {shown.get('object')!r}")
    path = SHOWN_AT[kind]
    return ROOT + _filled(path if shown is body else path.rpartition("/")[0], shown)


def _filled(path: str, told: dict[str, Any]) -> str:
    try:
        return path.format(**told)
    except KeyError as error:
        raise Unusable(f"only a body was kept, which does not tell the {error.args[0]} of its URL") from None


def _streaming(route: str | None, events: list[Any]) -> tuple[str, str, dict[str, str], bytes]:
    first: dict[str, Any] = {}
    for _, data in events:
        if isinstance(data, dict):
            first.setdefault(str(data.get("object")), data)
    if route not in STREAMED_AT or "thread.run" not in first:
        raise Unusable("only the events of a stream were kept, which do not tell what was asked")
    run = first["thread.run"]
    body: dict[str, Any] = {"assistant_id": run.get("assistant_id")}
    if route.endswith("/submit_tool_outputs"):
        calls = first.get("thread.run.step", {}).get("step_details", {}).get("tool_calls", [])
        body = {"tool_outputs": [{"tool_call_id": c["id"], "output": c["function"].get("output")} for c in calls]}
    sent = dumped({**body, "stream": True}, separators=(",", ":"))
    return "POST", ROOT + _filled(STREAMED_AT[route], run), {"content-type": "application/json"}, sent
