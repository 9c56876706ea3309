"""Whether requests, objects, refusals and streams look like those that the service took and sent."""

from __future__ import annotations

from types import NoneType
from typing import TYPE_CHECKING, Any

from harness.recording.checking.findings import named, objects, payloads, versions
from harness.recording.checking.histories import TABLES, statuses
from harness.recording.checking.streams import framing
from harness.service import params
from harness.service.dialects import is_azure
from harness.service.errors import Refusal
from harness.service.params.upload import Upload
from harness.service.shapes import SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from harness.recording.checking.findings import Found, Json
    from harness.recording.session import ParsedExchange
    from harness.service.shapes import Api

# Objects with the same keys in every version and on every day: required keys, and optional ones.
CONSTANT_SHAPES = {
    **dict.fromkeys(("assistant.deleted", "thread.deleted", "thread.message.deleted"), ("id object deleted", "")),
    **dict.fromkeys(
        ("assistant.file.deleted", "vector_store.deleted", "vector_store.file.deleted"), ("id object deleted", "")
    ),
    "vector_store.file_batch": ("id object created_at status vector_store_id file_counts", ""),
    "vector_store.file_content.page": ("object data has_more next_page", ""),
    "assistant.file": ("id object created_at assistant_id", ""),
    "thread.message.file": ("id object created_at message_id", ""),
    "thread.message.delta": ("id object delta", ""),
    "thread.run.step.delta": ("id object delta", ""),
    "model": ("id object created owned_by", ""),
    "list": ("object data", "first_id last_id has_more"),
}

JSON = {
    "a string": str, "an integer": int, "a decimal": float, "a boolean": bool, "an array": list, "an object": dict,
    "null": NoneType,
}  # fmt: skip
# A key has the same type in every object.
TYPES = {
    "a string": "id object role thread_id model purpose filename type status message_id owned_by",
    "a string or null": "name description instructions assistant_id run_id first_id last_id reasoning_effort",
    "an integer": "created_at created bytes",
    "an integer or null": "started_at expires_at cancelled_at failed_at completed_at incomplete_at "
    "max_completion_tokens max_prompt_tokens",
    "an integer or a decimal or null": "temperature top_p",
    "a boolean": "deleted has_more parallel_tool_calls",
    "an array": "data content tools file_ids",
    "an array or null": "attachments",
    "an object": "delta step_details",
    "an object or null": "metadata tool_resources usage incomplete_details last_error required_action "
    "truncation_strategy",
    "a string or an object or null": "response_format tool_choice",
}
TYPE_OF = {
    key: (says, {JSON[name] for name in says.split(" or ")}) for says, keys in TYPES.items() for key in keys.split()
}
# Tagged unions: a dict with `type: x` has its value under the key x.
TAGGED = ("content", "step_details", "delta", "required_action")
# In deltas, the entries of these lists have an index, by which clients merge them.
INDEXED = ("content", "annotations", "tool_calls", "outputs")


def schema(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """Check both bodies of every exchange with an endpoint of the API."""
    for exchange in exchanges:
        if exchange.route is not None:
            yield from _request(exchange)
            yield from _refusal(exchange)
            yield from framing(exchange)
            for what in _unknown_objects(exchange):
                yield "error", exchange, what
            for event, item in objects(exchange):
                yield from _contradiction(exchange, item, event)
                yield from _object(exchange, item, event)


# --- requests -----------------------------------------------------------------------------------------------------


def _request(exchange: ParsedExchange) -> Iterator[Found]:
    """A request that the service accepted, and that the fake refuses in every version it can have been."""
    refused = [_refused(exchange, api) for api in versions(exchange)] if exchange.ok else [None]
    if None in refused:
        return
    if exchange.method == "POST" and not _is_whole(exchange):
        yield "note", exchange, "the body that was sent was not kept, or not to its end"
    else:
        yield "error", exchange, f"this request was accepted, and would be refused: {refused[-1]}"


def _is_whole(exchange: ParsedExchange) -> bool:
    """Whether the recorder kept the whole body; a complete form ends with its boundary and two hyphens."""
    form = exchange.recorded.request.headers.get("content-type", "").startswith("multipart/")
    return exchange.recorded.request_body.rstrip().endswith(b"--") if form else bool(exchange.recorded.request_body)


def _refused(exchange: ParsedExchange, api: Api) -> str | None:
    route, request = exchange.route, exchange.recorded.request
    assert route is not None  # others were left out
    model = route.body(api, azure=is_azure(request))
    try:
        params.parse_query(route.query, request.query, api)
        if model is Upload:
            # recordings are of any day, so each purpose that there ever was is right
            params.parse_upload(request.body, request.headers.get("content-type", ""), early=True)
        elif model is not None:
            params.validate(model, params.parse_json(request.body, api), api)
    except Refusal as refusal:
        return refusal.message
    return None


# --- answers ------------------------------------------------------------------------------------------------------


def _refusal(exchange: ParsedExchange) -> Iterator[Found]:
    """`{"error": {message, type, param, code}}`; Azure's gateway knows only code and message (CONTRACT §7.2)."""
    if exchange.ok:
        return
    error = exchange.response_json.get("error") if isinstance(exchange.response_json, dict) else None
    if not isinstance(error, dict):
        yield (
            "note",
            exchange,
            f"the refusal ({exchange.status}) is none of the API's: somebody on the way may have answered",
        )
        return
    needed = {"code", "message"} if is_azure(exchange.recorded.request) else {"code", "message", "type", "param"}
    for key in sorted(needed - error.keys()):
        yield "error", exchange, f"the error of the refusal ({exchange.status}) has no {key}"
    for key in sorted(needed & error.keys()):
        if not isinstance(error[key], str) and (error[key] is not None or key == "message"):
            yield "error", exchange, f"the {key} of the refusal ({exchange.status}) is no string"


def _unknown_objects(exchange: ParsedExchange) -> Iterator[str]:
    """Answers that are not API objects, and events with an object of another kind. Invalid JSON is found by `dead`."""
    for event, value in payloads(exchange):
        kind = value.get("object") if isinstance(value, dict) else None
        if event not in ("", "error") and kind not in (event, event.rpartition(".")[0]):
            yield f"the event {event} shows an object of the kind {kind!r}"
        if event == "" and value is not None and not isinstance(kind, str):
            yield "the answer is no object of the API"


def _contradiction(exchange: ParsedExchange, item: Json, event: str) -> Iterator[Found]:
    """An event that contradicts the status of its object; incomplete runs end with `completed` (CONTRACT §5.1)."""
    kind, _, said = event.rpartition(".")
    status = item.get("status")
    if kind not in TABLES or said not in statuses(TABLES[kind]) or status in (None, said):
        return
    if (event, status) != ("thread.run.completed", "incomplete"):
        yield "error", exchange, f"the event {event} shows {named(item)} in the status {status!r}"


def _object(exchange: ParsedExchange, item: Json, event: str) -> Iterator[Found]:
    kind = item.get("object")
    shapes = _shapes(item, versions(exchange), event)
    if not isinstance(kind, str):
        return
    if not shapes:
        yield "error", exchange, f"{named(item)}: the API has no object of the kind {kind!r}"
        return
    needed, known = set[str].intersection(*shapes), set[str]().union(*shapes)
    for key in sorted(needed - item.keys()):
        yield "error", exchange, f"{named(item)}: {kind} has no {key}"
    for key in sorted(item.keys() - known):
        yield "note", exchange, f"{named(item)}: {kind} has the key {key}, which the service never showed"
    for what in _wrong_values(item, kind):
        yield "error", exchange, f"{named(item)}: {kind}.{what}"


def _shapes(item: Json, apis: Iterable[Api], event: str) -> list[set[str]]:
    """The sets of keys that such an object had, on any day; messages have more keys in events."""
    kind = str(item.get("object"))
    if kind in CONSTANT_SHAPES:
        needed, more = CONSTANT_SHAPES[kind]
        return [set(needed.split()), {*needed.split(), *more.split()}]
    gone, in_events = f"{kind} deleted", f"{kind} in events"
    if gone in SHAPES and "deleted" in item:
        names = [gone]
    elif event and in_events in SHAPES:
        names = [in_events]
    else:
        names = [f"{kind}{variant}" for variant in ("", " modified", " in events", " of a batch")]
    return [
        set(keys.split())
        for name in names
        for _, served, keys in SHAPES.get(name, ())
        if not set(served.split()).isdisjoint(apis)
    ]


def _wrong_values(item: Json, kind: str) -> Iterator[str]:
    """Values of the wrong type, and statuses that no lifecycle table has."""
    for key, value in item.items():
        says, types = TYPE_OF.get(key, ("", {type(value)}))
        if type(value) not in types:
            yield f"{key} is not {says}"
    status = item.get("status")
    if kind in TABLES and isinstance(status, str) and status not in statuses(TABLES[kind]):
        yield f"status is {status!r}, which is no status of it"
    for key in TAGGED:
        yield from _without_typed_value(item.get(key), key)
    yield from _without_index(item.get("delta"), "delta")


def _without_typed_value(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _without_typed_value(item, f"{path}[{number}]")
    elif isinstance(value, dict):
        if isinstance(value.get("type"), str) and value["type"] not in value:
            yield f"{path} is of the type {value['type']}, and has nothing of that name"
        for key, item in value.items():
            yield from _without_typed_value(item, f"{path}.{key}")


def _without_index(value: Any, path: str) -> Iterator[str]:
    """List entries of a delta that have no index (CONTRACT §5.2)."""
    for key, inner in value.items() if isinstance(value, dict) else ():
        below = f"{path}.{key}"
        if key not in INDEXED:
            yield from _without_index(inner, below)
            continue
        for number, entry in enumerate(inner if isinstance(inner, list) else ()):
            if not isinstance(entry, dict) or type(entry.get("index")) is not int:
                yield f"{below}[{number}] has no index"
            yield from _without_index(entry, f"{below}[{number}]")
