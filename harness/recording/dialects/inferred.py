"""Which requests a document of printed objects implies.

An object that is printed was shown by somebody, so it becomes the answer to the request that shows it (`bare.py`). An
assistant, thread, user's message or run that is printed for the first time, and not in a list, is taken as made there:
before it stands the POST that makes it, with what the object itself tells of the request. In a list that goes for what
lies in a thread the document made, because lists also show what others did. What a notebook's cell retrieves, and no
cell so far has made, was there before.

What no object tells stays unknown: submitted outputs, uploaded contents, instructions that were added to a run's, and
everything about an object that was never printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from harness.recording.dialects import bare
from harness.recording.dialects.parts import Unusable
from harness.recording.dialects.texts import dumped
from harness.service.engine import RUN_LIFETIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Json: TypeAlias = "dict[str, Any]"
MADE_AT = {
    "assistant": "/assistants",
    "thread": "/threads",
    "thread.message": "/threads/{thread_id}/messages",
    "thread.run": "/threads/{thread_id}/runs",
}
OF_ASSISTANT: tuple[str, ...] = (
    "name",
    "instructions",
    "tools",
    "model",
    "description",
    "metadata",
    "file_ids",
    "tool_resources",
)
OF_ASSISTANT += ("temperature", "top_p", "response_format", "reasoning_effort")
OF_RUN = ("model", "instructions", "tools", "temperature", "top_p", "response_format", "reasoning_effort")
OF_RUN_ALONE: tuple[str, ...] = (
    "metadata",
    "max_prompt_tokens",
    "max_completion_tokens",
    "truncation_strategy",
    "tool_choice",
)
OF_RUN_ALONE += ("parallel_tool_calls",)
# What the service puts where nothing was asked for; the client need not have sent it.
DEFAULTS: Json = {
    "temperature": 1.0,
    "top_p": 1.0,
    "response_format": "auto",
    "truncation_strategy": {"type": "auto"},
    "tool_choice": "auto",
    "parallel_tool_calls": True,
}
# A run as the POST showed it, whatever it had come to when it was printed.
QUEUED: Json = {"status": "queued", "required_action": None, "last_error": None, "incomplete_details": None}
QUEUED |= dict.fromkeys(("started_at", "completed_at", "failed_at", "cancelled_at", "usage"))
OF_V2 = ("tool_resources", "attachments", "truncation_strategy")


class Shown(NamedTuple):
    """An object, or why it could not be read; where it stands; and the kinds that the document has not made there."""

    value: Json | None
    where: str
    why: str = ""
    older: frozenset[str] = frozenset()


class Row(NamedTuple):
    """One exchange to be: what was asked, the body of the answer, where that comes from, and when it was."""

    request: tuple[str, str, dict[str, str], bytes]
    body: Json
    where: str
    inferred: bool = False
    at: float | None = None


def rows(document: Iterable[Shown]) -> list[Row | Unusable]:
    """The exchanges of a document, in its order; a reason for each object that gives none."""
    told = list(document)
    return list(_Inference([item.value for item in told if item.value is not None]).rows(told))


class _Inference:
    def __init__(self, values: list[Json]) -> None:
        tell = [version for value in values for item in _each(value) if (version := _version(item))]
        self._version = tell[0] if tell else "v2"
        self._seen: set[str] = set()
        self._made_threads: dict[str, float] = {}
        self._assistants: dict[str, Json] = {}
        self._questions: dict[str, dict[str, Json]] = {}
        for item in (item for value in values for item in _each(value)):
            if item.get("object") == "thread.message" and item.get("role") == "user":
                self._questions.setdefault(str(item.get("thread_id")), {})[str(item.get("id"))] = item
        self._alone = {str(value.get("id")) for value in values}

    def rows(self, document: list[Shown]) -> Iterator[Row | Unusable]:
        for value, where, why, older in document:
            if value is None:
                yield Unusable(f"{where}: {why}")
                continue
            is_list = value.get("object") == "list"
            is_told = False
            for item in sorted(_each(value), key=_age):
                if self._is_made(item, is_list or item.get("object") in older):
                    making = self._making(item, where)
                    is_told = making.body == value
                    yield making
                self._note(item)
            if is_told:
                continue
            try:
                yield self._showing(value, where)
            except Unusable as reason:
                yield Unusable(f"{where}: {reason}")

    def _is_made(self, item: Json, in_list: bool) -> bool:
        kind = item.get("object")
        if kind not in MADE_AT or not isinstance(item.get("id"), str) or item["id"] in self._seen:
            return False
        if kind == "thread.message" and (item.get("role") != "user" or self._came_with_thread(item)):
            return False
        needs = "thread_id" in MADE_AT[kind]
        if needs and not isinstance(item.get("thread_id"), str):
            return False
        return not in_list or (needs and item["thread_id"] in self._made_threads)

    def _came_with_thread(self, message: Json) -> bool:
        """Whether a message was sent with the thread: it is as old, and nobody printed it by itself."""
        began = self._made_threads.get(str(message.get("thread_id")))
        return str(message.get("id")) not in self._alone and began is not None and _age(message) == began

    def _note(self, item: Json) -> None:
        self._seen.add(str(item.get("id")))
        if item.get("object") == "assistant":
            self._assistants[str(item.get("id"))] = item

    def _making(self, item: Json, where: str) -> Row:
        kind, body = item["object"], item
        if kind == "thread":
            self._made_threads[item["id"]] = _age(item)
        elif kind == "thread.run":
            body = item | {key: QUEUED[key] for key in QUEUED if key in item}
            if item.get("expires_at", ...) is None:
                body["expires_at"] = _age(item) + RUN_LIFETIME
        sent = {key: value for key, value in self._sent(item).items() if value not in (None, [], {})}
        url = bare.ROOT + MADE_AT[kind].format(**item)
        headers = {"content-type": "application/json", **self._beta(url, item)}
        return Row(("POST", url, headers, dumped(sent, separators=(",", ":"))), body, where, True, _age(item))

    def _sent(self, item: Json) -> Json:
        kind = item["object"]
        if kind == "assistant":
            return _asked(item, OF_ASSISTANT)
        if kind == "thread":
            questions = self._questions.get(item["id"], {}).values()
            messages = [_message(each) for each in reversed(questions) if self._came_with_thread(each)]
            return _asked(item, ("metadata", "tool_resources")) | {"messages": messages}
        if kind == "thread.message":
            return _message(item)
        assistant = self._assistants.get(str(item.get("assistant_id")))
        told = OF_RUN if assistant is not None else ()
        own = {key: value for key, value in _asked(item, told).items() if value != (assistant or {}).get(key)}
        return {"assistant_id": item.get("assistant_id"), **own, **_asked(item, OF_RUN_ALONE)}

    def _showing(self, value: Json, where: str) -> Row:
        usable = value | {"data": _each(value)} if value.get("object") == "list" else value
        (method, url, _, sent), _ = bare.request({"response_body": usable})
        times = [_age(item) for item in _each(value)]
        if len(times) > 1 and times == sorted(times) and times[0] < times[-1]:
            url += "?order=asc"
        return Row((method, url, self._beta(url, value), sent), value, where)

    def _beta(self, url: str, value: Json) -> dict[str, str]:
        """The version that the object's shape tells, otherwise that of the first object that does."""
        if url.startswith(f"{bare.ROOT}/files"):
            return {}
        version = next((told for item in _each(value) if (told := _version(item))), self._version)
        return {"openai-beta": f"assistants={version}"}


def _each(value: Json) -> list[Json]:
    """The objects of a list, or the one object."""
    if value.get("object") != "list":
        return [value]
    data = value.get("data")
    return [item for item in data if isinstance(item, dict)] if isinstance(data, list) else []


def _age(item: Json) -> float:
    told = item.get("created_at")
    return told if isinstance(told, int | float) else 0


def _version(item: Json) -> str:
    if item.get("object") not in MADE_AT:
        return ""
    return "v1" if "file_ids" in item else "v2" if any(key in item for key in OF_V2) else ""


def _asked(item: Json, keys: Iterable[str]) -> Json:
    told = {key: _without_nulls(item[key]) for key in keys if key in item}
    return {key: value for key, value in told.items() if value not in (None, [], {}, DEFAULTS.get(key, ...))}


def _message(item: Json) -> Json:
    """A message as it is asked for: a single text as such, the parts without what the service adds."""
    parts = [_part(part) for part in item.get("content") or () if isinstance(part, dict)]
    content = parts[0]["text"] if len(parts) == 1 and "text" in parts[0] else parts
    return {"role": item.get("role"), "content": content, **_asked(item, ("file_ids", "attachments", "metadata"))}


def _part(part: Json) -> Json:
    text = part.get("text")
    return {"type": "text", "text": text.get("value")} if isinstance(text, dict) else part


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
