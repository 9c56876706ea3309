"""Run steps: the object and its endpoints (CONTRACT §1.4, §2.5)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, get_args

from harness.service.context import listing
from harness.service.params.queries import IncludeValue
from harness.service.resources import runs, tools

if TYPE_CHECKING:
    from collections.abc import Collection

    from harness.service.context import Call
    from harness.service.records import Run, Step

[INCLUDE_CONTENT] = get_args(IncludeValue)


def wire(call: Call, step: Step, run: Run, include: Collection[str]) -> dict[str, Any]:
    """The step as the wire shows it, without the `metadata` of the specification (CONTRACT §2.5).

    `usage` is null until the step has ended, `expires_at` once its run has.
    """
    return call.world.shapes.show(
        "thread.run.step",
        call.api,
        step,
        {
            "object": "thread.run.step",
            "step_details": _details(call, step.details, run, include),
            "expires_at": step.expires_at if run.active else None,
            "usage": None if step.status == "in_progress" else runs.usage(call, step.usage),
        },
    )


def _details(call: Call, details: dict[str, Any], run: Run, include: Collection[str]) -> dict[str, Any]:
    if details["type"] != "tool_calls":
        return details
    return {**details, "tool_calls": [tool_call(call, item, run, include) for item in details["tool_calls"]]}


def tool_call(call: Call, item: dict[str, Any], run: Run, include: Collection[str]) -> dict[str, Any]:
    """A tool call as the wire shows it: a search is `retrieval` in v1, and has the found text only by `include`."""
    if item["type"] != "file_search":
        return item
    if call.api == "v1":
        return {"id": item["id"], "type": "retrieval", "retrieval": {}}
    if not call.world.shapes.keys("file search tool", "v2"):
        return {"id": item["id"], "type": "file_search", "file_search": {}}
    shown = set(call.world.shapes.keys("file search result", "v2"))
    if INCLUDE_CONTENT not in include:
        shown.discard("content")
    results = [{key: value for key, value in result.items() if key in shown} for result in item["results"]]
    return {
        "id": item["id"],
        "type": "file_search",
        "file_search": {"ranking_options": _ranking(run), "results": results},
    }


def _ranking(run: Run) -> dict[str, Any]:
    """The ranking options of the run's file_search tool."""
    tool = next((tool for tool in run.tools if tool["type"] == "file_search"), {})
    known = tools.ranking(tool)
    return {key: known[key] for key in ("ranker", "score_threshold")}


def retrieve(call: Call) -> dict[str, Any]:
    return wire(call, call.step, call.run, call.query.include)


def index(call: Call) -> dict[str, Any]:
    return listing(call, call.run.steps, "step_id", lambda step: wire(call, step, call.run, call.query.include))
