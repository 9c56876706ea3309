"""Tools and tool resources: which ones a body may name, and how the service shows them (CONTRACT §2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import errors
from harness.service.context import listing
from harness.service.records import StoreFile
from harness.service.resources import vector_stores
from harness.service.searching.extraction import extension, is_supported
from harness.service.store import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.service.context import Call
    from harness.service.records import Assistant, File, Thread, VectorStore

RANKER = "default_2024_08_21"
# `expires_after` of stores that are made with a thread or for an attachment (CONTRACT §2.2, §8).
THREAD_STORE_EXPIRY = {"anchor": "last_active_at", "days": 7}
# The tools that read files: their names in both versions, each with the name in v2 (CONTRACT §10).
READERS = {"code_interpreter": "code_interpreter", "retrieval": "file_search", "file_search": "file_search"}
# Each tool with the empty resources that an assistant shows as soon as it has the tool (FACTS A2).
EMPTY_RESOURCES: dict[str, dict[str, list[str]]] = {
    "file_search": {"vector_store_ids": []},
    "code_interpreter": {"file_ids": []},
}


def as_json(value: Any) -> Any:
    """Validated values as JSON, without the keys that the client did not send."""
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value


def checked_tools(call: Call, given: Any) -> list[dict[str, Any]]:
    """The tools of a body as JSON, refused if they do not form a valid list.

    Azure never had `retrieval` (CONTRACT §1.8; the text is recorded, the status is not). Names of functions are unique,
    and their parameters, if there are any, are an object.
    """
    wanted: list[dict[str, Any]] = as_json(given) or []
    if call.azure and any(tool["type"] == "retrieval" for tool in wanted):
        raise errors.no_retrieval()
    names: set[str] = set()
    for index, tool in enumerate(wanted):
        if (function := tool.get("function")) is None:
            continue
        name, schema = function["name"], function.get("parameters")
        if name in names:
            raise errors.function_named_twice(index)
        names.add(name)
        if schema and schema.get("type") != "object":
            raise errors.invalid_function_schema(index, name, schema.get("type"))
    return wanted


def in_version(call: Call, tool: dict[str, Any]) -> dict[str, Any]:
    """A tool, or a tool choice, under its name in the call's version: v2 renames v1's, never the reverse (§10)."""
    return {"type": "file_search"} if tool["type"] == "retrieval" and call.api == "v2" else tool


def echo(call: Call, tools: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tools as the service shows them: with its key order, its defaults, and the keys of the day."""
    shown = [in_version(call, tool) for tool in tools]
    return [_ECHOES.get(tool["type"], _as_sent)(call, tool) for tool in shown]


def _as_sent(call: Call, tool: dict[str, Any]) -> dict[str, Any]:
    return tool


def _function(call: Call, tool: dict[str, Any]) -> dict[str, Any]:
    """The description is left out when it was not given; the other keys are always there."""
    sent = tool["function"]
    known = {"parameters": {"type": "object", "properties": {}}, "strict": False}
    known.update({key: value for key, value in sent.items() if value is not None or key == "description"})
    keys = call.world.shapes.keys("function tool", call.api)
    return {"type": "function", "function": {key: known[key] for key in keys if key in known}}


def _file_search(call: Call, tool: dict[str, Any]) -> dict[str, Any]:
    keys = call.world.shapes.keys("file search tool", "v2")
    if not keys:
        return tool
    sent = tool.get("file_search") or {}
    shown = {key: sent[key] for key in ("max_num_results",) if sent.get(key) is not None}
    known = ranking(tool)
    shown["ranking_options"] = {key: known[key] for key in keys if key in known}
    return {"type": "file_search", "file_search": shown}


def ranking(tool: dict[str, Any]) -> dict[str, Any]:
    """The ranking options of a file_search tool: its own, else the service's defaults."""
    sent = (tool.get("file_search") or {}).get("ranking_options") or {}
    return {
        "ranker": RANKER if sent.get("ranker") in (None, "auto") else sent["ranker"],
        "score_threshold": float(sent.get("score_threshold") or 0.0),
        "hybrid_search": sent.get("hybrid_search"),
    }


_ECHOES: dict[str, Callable[[Call, dict[str, Any]], dict[str, Any]]] = {
    "function": _function,
    "file_search": _file_search,
}


# --- resources ----------------------------------------------------------------------------------------------


def readers(tools: Iterable[dict[str, Any]]) -> list[str]:
    """The v2 names of those tools that read files."""
    return list(dict.fromkeys(READERS[tool["type"]] for tool in tools if tool["type"] in READERS))


def resources_of_assistant(assistant: Assistant) -> dict[str, Any]:
    """The assistant's tool resources, with an empty entry for each enabled tool that has none."""
    enabled = readers(assistant.tools)
    shown: dict[str, Any] = {}
    for tool, empty in EMPTY_RESOURCES.items():
        given = assistant.tool_resources.get(tool)
        if given is not None or tool in enabled:
            shown[tool] = given or {key: list(value) for key, value in empty.items()}
    return shown


def resources(call: Call, given: Any, **store_fields: Any) -> dict[str, Any]:
    """Tool resources of a body, checked against the files and stores there are.

    A `vector_stores` helper makes a store, with these fields, and shows as its id (CONTRACT §1.1). Entries keep the
    order in which the service shows them.
    """
    wanted = as_json(given) or {}
    kept: dict[str, Any] = {}
    search = wanted.get("file_search")
    code = wanted.get("code_interpreter")
    for file_id in (code or {}).get("file_ids") or ():
        find_file(call, file_id)
    if search is not None:
        for store_id in search.get("vector_store_ids") or ():
            if store_id not in call.store.vector_stores:
                raise errors.no_such_vector_store(store_id, status=400)
        helpers = search.get("vector_stores") or ()
        for helper in helpers:
            for file_id in helper.get("file_ids") or ():
                find_file(call, file_id)
        made = [_made_by(call, helper, store_fields).id for helper in helpers]
        kept["file_search"] = {"vector_store_ids": made or list(search.get("vector_store_ids") or ())}
    if code is not None:
        kept["code_interpreter"] = {"file_ids": list(code.get("file_ids") or ())}
    return kept


def _made_by(call: Call, helper: dict[str, Any], fields: dict[str, Any]) -> VectorStore:
    chunking = vector_stores.chunking_of(helper.get("chunking_strategy"))
    return vector_stores.make(call, helper.get("file_ids") or (), chunking, metadata=helper.get("metadata"), **fields)


def find_file(call: Call, file_id: str, param: str | None = None) -> File:
    """The file that a body names, at `param` if that is known. The refusal of an unknown one is a guess (§7.1, G).

    The id of an attachment is checked like one in a path: danny-avila/LibreChat#8178, July 2025.
    """
    if param is not None and not call.azure:
        call.check_id(param, file_id, "file")
    file: File = call.lookup("file_id", file_id, lambda i: errors.not_found("file", i))
    return file


def attach_files(call: Call, thread: Thread, attachments: Iterable[dict[str, Any]]) -> None:
    """Add the attachments of a message to the thread's tool resources (CONTRACT §2.2)."""
    for attachment in attachments:
        for tool in attachment.get("tools") or ():
            _add_file(call, thread, tool["type"], attachment["file_id"], expires_after=dict(THREAD_STORE_EXPIRY))


def share_with_v2(
    call: Call, owner: Assistant | Thread, tools: Iterable[dict[str, Any]], file_ids: Iterable[str]
) -> None:
    """Add files that v1 has attached to the v2 resources of the tools that read them (CONTRACT §10).

    A tool gets each file once: one that v2 removes does not come back, and v1 does not see the removal. That a store
    made for such files never expires is a guess (G).
    """
    enabled = readers(tools)
    for file_id in file_ids if enabled else ():
        for tool in enabled:
            # messages in a recording may name files that were deleted before
            if (tool, file_id) not in owner.shared and file_id in call.store.files:
                owner.shared.add((tool, file_id))
                _add_file(call, owner, tool, file_id)


def unshare(call: Call, assistant: Assistant, file_id: str) -> None:
    """Remove a file that v1 has detached from v2's resources (CONTRACT §10); the store stays (recorded in May 2024)."""
    assistant.shared -= {(tool, file_id) for tool in EMPTY_RESOURCES}
    files = assistant.tool_resources.get("code_interpreter", {}).get("file_ids", [])
    if file_id in files:
        files.remove(file_id)
    for store_id in assistant.tool_resources.get("file_search", {}).get("vector_store_ids", ()):
        store = call.store.vector_stores.get(store_id)
        if store is not None and file_id in store.files:
            call.world.indexer.remove(store, file_id)


def _add_file(call: Call, owner: Assistant | Thread, tool: str, file_id: str, **store_fields: Any) -> None:
    """Give a tool a file: for file_search it goes into the owner's store, which is made if there is none."""
    if tool == "code_interpreter":
        files = owner.tool_resources.setdefault("code_interpreter", {"file_ids": []})["file_ids"]
        if file_id not in files:
            files.append(file_id)
        return
    search = owner.tool_resources.setdefault("file_search", {"vector_store_ids": []})
    if not search["vector_store_ids"]:
        search["vector_store_ids"].append(vector_stores.make(call, (), **store_fields).id)
    store = call.store.vector_stores.get(search["vector_store_ids"][0])
    if store is not None and file_id not in store.files:
        call.world.indexer.add(store, StoreFile(file_id, store.id))


def check_searchable(call: Call, attachments: Iterable[dict[str, Any]]) -> None:
    """Refuse attachments for file_search of types that it cannot read (CONTRACT §7.1); in a store they would fail."""
    files = [
        find_file(call, attachment["file_id"])
        for attachment in attachments
        if any(tool["type"] == "file_search" for tool in attachment.get("tools") or ())
    ]
    names = [file.filename for file in files if file.content_known and not is_supported(file.filename)]
    if names:
        endings = (f".{extension(name)}" if extension(name) else "none" for name in names)
        raise errors.not_searchable(dict.fromkeys(endings))


class _AttachedFile:
    """The id of an attached file as a record for a `Table`."""

    __slots__ = ("id",)

    def __init__(self, record_id: str) -> None:
        self.id = record_id


def attached_page(
    call: Call, file_ids: list[str], kind: str, to_wire: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """A page of the files attached to an object, each once. They are few, so the table is made for this request."""
    table: Table[_AttachedFile] = Table()
    for file_id in dict.fromkeys(file_ids):
        table.add(_AttachedFile(file_id))
    return listing(call, table, kind, lambda item: to_wire(item.id))
