"""Infers exchanges from the objects that a document prints.

A printed object becomes the answer to the request that retrieves it (`response_only.py`). An assistant, thread, user's
message or run that is printed for the first time, outside of a list, is taken as created there: it becomes the answer
to a POST before, with a body that is built from the object. In a list, that holds only for objects of a thread that
the document created, because lists also show what others did. What a notebook's cell retrieves, and no cell so far
has created, existed before.

What objects do not show stays unknown: submitted outputs, uploaded contents, additional instructions of a run, and all
about objects that were never printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from harness.recording.dialects import response_only
from harness.recording.dialects.body_bytes import json_bytes
from harness.recording.dialects.common import Unusable
from harness.service.engine import RUN_LIFETIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json: TypeAlias = "dict[str, Any]"
CREATION_PATHS = {
    "assistant": "/assistants",
    "thread": "/threads",
    "thread.message": "/threads/{thread_id}/messages",
    "thread.run": "/threads/{thread_id}/runs",
}
ASSISTANT_FIELDS = (
    "name",
    "instructions",
    "tools",
    "model",
    "description",
    "metadata",
    "file_ids",
    "tool_resources",
    "temperature",
    "top_p",
    "response_format",
    "reasoning_effort",
)
# What a run inherits from its assistant unless the request overrides it.
INHERITED_FIELDS = ("model", "instructions", "tools", "temperature", "top_p", "response_format", "reasoning_effort")
RUN_FIELDS = (
    "metadata",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
    "parallel_tool_calls",
)
# What the service shows where the request had nothing, so it need not have been sent.
DEFAULTS: Json = {
    "temperature": 1.0,
    "top_p": 1.0,
    "response_format": "auto",
    "truncation_strategy": {"type": "auto"},
    "tool_choice": "auto",
    "parallel_tool_calls": True,
}
# A run as the answer to the POST showed it, whatever its status when it was printed.
QUEUED: Json = {"status": "queued", "required_action": None, "last_error": None, "incomplete_details": None}
QUEUED |= dict.fromkeys(("started_at", "completed_at", "failed_at", "cancelled_at", "usage"))
V2_KEYS = ("tool_resources", "attachments", "truncation_strategy")


class DocumentObject(NamedTuple):
    """A printed object or why it could not be read, its place, and the kinds that were not created so far."""

    value: Json | None
    where: str
    why: str = ""
    not_created: frozenset[str] = frozenset()


class ImpliedExchange(NamedTuple):
    """An exchange that is inferred: its request, the body of its answer, the place of the object, and the time."""

    request: tuple[str, str, dict[str, str], bytes]
    body: Json
    where: str
    inferred: bool = False
    at: float | None = None


def rows(document: Iterable[DocumentObject]) -> list[ImpliedExchange | Unusable]:
    """The exchanges that a document implies, in its order; a reason in place of each that cannot be built."""
    printed = list(document)
    return list(_Inference([item.value for item in printed if item.value is not None]).rows(printed))


class _Inference:
    def __init__(self, values: list[Json]) -> None:
        versions = [version for value in values for item in _items(value) if (version := _version(item))]
        self._version = versions[0] if versions else "v2"
        self._seen: set[str] = set()
        self._created_threads: dict[str, float] = {}
        self._assistants: dict[str, Json] = {}
        self._user_messages: dict[str, dict[str, Json]] = {}
        for item in (item for value in values for item in _items(value)):
            if item.get("object") == "thread.message" and item.get("role") == "user":
                self._user_messages.setdefault(str(item.get("thread_id")), {})[str(item.get("id"))] = item
        self._top_level_ids = {str(value.get("id")) for value in values}

    def rows(self, document: list[DocumentObject]) -> Iterator[ImpliedExchange | Unusable]:
        for value, where, why, not_created in document:
            if value is None:
                yield Unusable(f"{where}: {why}")
                continue
            is_list = value.get("object") == "list"
            is_answered = False
            for item in sorted(_items(value), key=_created_at):
                if self._is_created_here(item, is_list or item.get("object") in not_created):
                    creation = self._creation(item, where)
                    is_answered = creation.body == value
                    yield creation
                self._remember(item)
            if is_answered:
                continue
            try:
                yield self._retrieval(value, where)
            except Unusable as reason:
                yield Unusable(f"{where}: {reason}")

    def _is_created_here(self, item: Json, is_listed: bool) -> bool:
        kind = item.get("object")
        if kind not in CREATION_PATHS or not isinstance(item.get("id"), str) or item["id"] in self._seen:
            return False
        if kind == "thread.message" and (item.get("role") != "user" or self._came_with_thread(item)):
            return False
        in_thread = "thread_id" in CREATION_PATHS[kind]
        if in_thread and not isinstance(item.get("thread_id"), str):
            return False
        return not is_listed or (in_thread and item["thread_id"] in self._created_threads)

    def _came_with_thread(self, message: Json) -> bool:
        """Whether a message was created with its thread: it is as old, and was never printed outside of a list."""
        began = self._created_threads.get(str(message.get("thread_id")))
        return str(message.get("id")) not in self._top_level_ids and began is not None and _created_at(message) == began

    def _remember(self, item: Json) -> None:
        self._seen.add(str(item.get("id")))
        if item.get("object") == "assistant":
            self._assistants[str(item.get("id"))] = item

    def _creation(self, item: Json, where: str) -> ImpliedExchange:
        kind, body = item["object"], item
        if kind == "thread":
            self._created_threads[item["id"]] = _created_at(item)
        elif kind == "thread.run":
            body = item | {key: QUEUED[key] for key in QUEUED if key in item}
            if item.get("expires_at", ...) is None:
                body["expires_at"] = _created_at(item) + RUN_LIFETIME
        sent = {key: value for key, value in self._creation_body(item).items() if value not in (None, [], {})}
        url = response_only.ROOT + CREATION_PATHS[kind].format(**item)
        headers = {"content-type": "application/json", **self._beta_header(url, item)}
        return ImpliedExchange(
            ("POST", url, headers, json_bytes(sent, separators=(",", ":"))), body, where, True, _created_at(item)
        )

    def _creation_body(self, item: Json) -> Json:
        kind = item["object"]
        if kind == "assistant":
            return _request_fields(item, ASSISTANT_FIELDS)
        if kind == "thread":
            candidates = self._user_messages.get(item["id"], {}).values()
            messages = [_message(each) for each in reversed(candidates) if self._came_with_thread(each)]
            return _request_fields(item, ("metadata", "tool_resources")) | {"messages": messages}
        if kind == "thread.message":
            return _message(item)
        assistant = self._assistants.get(str(item.get("assistant_id")))
        keys = INHERITED_FIELDS if assistant is not None else ()
        shown = _request_fields(item, keys).items()
        overridden = {key: value for key, value in shown if value != (assistant or {}).get(key)}
        return {"assistant_id": item.get("assistant_id"), **overridden, **_request_fields(item, RUN_FIELDS)}

    def _retrieval(self, value: Json, where: str) -> ImpliedExchange:
        usable = value | {"data": _items(value)} if value.get("object") == "list" else value
        (method, url, _, sent), _ = response_only.implied_request({"response_body": usable})
        times = [_created_at(item) for item in _items(value)]
        if len(times) > 1 and times == sorted(times) and times[0] < times[-1]:
            url += "?order=asc"
        return ImpliedExchange((method, url, self._beta_header(url, value), sent), value, where)

    def _beta_header(self, url: str, value: Json) -> dict[str, str]:
        """The header with the API version of the object, otherwise that of the document's first object with one."""
        if url.startswith(f"{response_only.ROOT}/files"):
            return {}
        version = next((found for item in _items(value) if (found := _version(item))), self._version)
        return {"openai-beta": f"assistants={version}"}


def _items(value: Json) -> list[Json]:
    """The objects of a list, or the object itself."""
    if value.get("object") != "list":
        return [value]
    data = value.get("data")
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _created_at(item: Json) -> float:
    time = item.get("created_at")
    return time if isinstance(time, int | float) else 0


def _version(item: Json) -> str:
    """The API version that the keys of an object tell; empty if they do not."""
    if item.get("object") not in CREATION_PATHS:
        return ""
    return "v1" if "file_ids" in item else "v2" if any(key in item for key in V2_KEYS) else ""


def _request_fields(item: Json, keys: Iterable[str]) -> Json:
    """What a request must have set of an object: the values of these keys that are not empty and not defaults."""
    values = {key: _without_nulls(item[key]) for key in keys if key in item}
    return {key: value for key, value in values.items() if value not in (None, [], {}, DEFAULTS.get(key, ...))}


def _message(item: Json) -> Json:
    """A message as a request writes it: a single text as a string, parts without what the service adds."""
    parts = [_part(part) for part in item.get("content") or () if isinstance(part, dict)]
    content = parts[0]["text"] if len(parts) == 1 and "text" in parts[0] else parts
    return {
        "role": item.get("role"),
        "content": content,
        **_request_fields(item, ("file_ids", "attachments", "metadata")),
    }


def _part(part: Json) -> Json:
    text = part.get("text")
    return {"type": "text", "text": text.get("value")} if isinstance(text, dict) else part


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
