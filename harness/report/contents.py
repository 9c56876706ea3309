"""Converts the content of messages and the details of steps, in the form of the API, to what the page shows."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic_core import from_json

from harness.report.limits import excerpt

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json: TypeAlias = "dict[str, Any]"


def pretty(value: object) -> str:
    """A value as indented JSON.

    >>> print(pretty({"city": "서울"}))
    {
      "city": "서울"
    }
    """
    return json.dumps(value, indent=2, ensure_ascii=False, default=str)


def readable(text: str) -> str:
    """A text that is JSON on one line, indented; any other text unchanged."""
    if "\n" in text or not text.lstrip().startswith(("{", "[")):
        return text
    try:
        return pretty(from_json(text))
    except ValueError:
        return text


# --- messages -------------------------------------------------------------------------------------------------


def parts(content: Iterable[Mapping[str, Any]]) -> list[Json]:
    """The content of a message."""
    return [_PARTS.get(part["type"], _other)(part) for part in content]


def _text(part: Mapping[str, Any]) -> Json:
    """A text as pieces, some of which have the number of a note: the annotation that cites or links to a file.

    It is split here because the service counts indices in characters, and JavaScript in UTF-16 units.
    """
    value, given = excerpt(part["text"]["value"]), part["text"].get("annotations") or ()
    pieces: list[Json] = []
    end = 0
    for number, annotation in sorted(enumerate(given, 1), key=lambda item: item[1].get("start_index") or 0):
        start, mark = annotation.get("start_index"), annotation.get("text")
        if not mark or start is None or start < end or value[start : start + len(mark)] != mark:
            continue  # its place is unknown, or cut off: only the note below the text is shown
        pieces += [{"text": value[end:start]}, {"text": mark, "note": number}]
        end = start + len(mark)
    pieces.append({"text": value[end:]})
    notes = [_note(number, annotation) for number, annotation in enumerate(given, 1)]
    return {"type": "text", "pieces": [piece for piece in pieces if piece["text"]], "notes": notes}


def _note(number: int, annotation: Mapping[str, Any]) -> Json:
    kind = annotation.get("type", "")
    about = annotation.get(kind) or {}
    quote = excerpt(about.get("quote") or "")
    mark = annotation.get("text") or ""
    return {"number": number, "kind": kind, "mark": mark, "file": about.get("file_id"), "quote": quote}


def _image(part: Mapping[str, Any]) -> Json:
    return {"type": "image", "file": part["image_file"]["file_id"]}


def _linked_image(part: Mapping[str, Any]) -> Json:
    return {"type": "image_url", "url": excerpt(part["image_url"]["url"])}


def _refusal(part: Mapping[str, Any]) -> Json:
    return {"type": "refusal", "text": excerpt(part["refusal"])}


def _other(part: Mapping[str, Any]) -> Json:
    return {"type": "other", "text": excerpt(pretty(part))}


_PARTS = {"text": _text, "image_file": _image, "image_url": _linked_image, "refusal": _refusal}


# --- steps ----------------------------------------------------------------------------------------------------


def step_details(details: Mapping[str, Any]) -> Json:
    """The details of a step: the message that it wrote, or its tool calls."""
    if details.get("type") == "message_creation":
        return {"message": details["message_creation"]["message_id"], "calls": []}
    return {"message": None, "calls": [tool_call(call) for call in details.get("tool_calls") or ()]}


def tool_call(call: Mapping[str, Any]) -> Json:
    """A tool call with its output, if that is known. The service's own records have search results beside the type."""
    kind = call.get("type", "function")
    given = {"results": call.get("results"), **(call.get(kind) or {})}
    return {"id": call.get("id"), "type": kind, **_CALLS.get(kind, _search)(given)}


def _function(call: Mapping[str, Any]) -> Json:
    output = call.get("output")
    return {
        "name": call.get("name", ""),
        "arguments": excerpt(readable(call.get("arguments") or "")),
        "output": None if output is None else excerpt(readable(output)),
    }


def _cell(call: Mapping[str, Any]) -> Json:
    return {
        "input": excerpt(call.get("input") or ""),
        "outputs": [_output(item) for item in call.get("outputs") or ()],
    }


def _output(item: Mapping[str, Any]) -> Json:
    if item["type"] == "image":
        return {"image": item["image"]["file_id"]}
    return {"logs": excerpt(item.get("logs") or "")}


def _search(call: Mapping[str, Any]) -> Json:
    return {"results": [_result(result) for result in call.get("results") or ()]}


def _result(result: Mapping[str, Any]) -> Json:
    content = "\n\n".join(part.get("text") or "" for part in result.get("content") or ())
    return {
        "file": result.get("file_id"),
        "name": result.get("file_name") or "",
        "score": result.get("score"),
        "text": excerpt(content),
    }


_CALLS = {"function": _function, "code_interpreter": _cell}
