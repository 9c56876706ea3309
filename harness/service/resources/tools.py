"""Tools and tool resources: what a body may name, and how the service gives it back (CONTRACT §2.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import errors
from harness.service.context import listing
from harness.service.records import StoreFile
from harness.service.resources import vector_stores
from harness.service.searching.texts import extension, is_supported
from harness.service.store import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.service.context import Call
    from harness.service.records import Assistant, File, Thread, VectorStore

RANKER = "default_2024_08_21"
# When stores that come with a thread or an attachment expire (CONTRACT §2.2, §8).
OF_A_THREAD = {"anchor": "last_active_at", "days": 7}
# The tools that read files, in both versions, by their names in v2 (CONTRACT §10).
READERS = {"code_interpreter": "code_interpreter", "retrieval": "file_search", "file_search": "file_search"}
# Each tool with the empty resources that an assistant shows as soon as it has the tool (FACTS A2).
EMPTY_RESOURCES: dict[str, dict[str, list[str]]] = {
    "file_search": {"vector_store_ids": []},
    "code_interpreter": {"file_ids": []},
}


def plain(value: Any) -> Any:
    """Validated values as the plain JSON they came from, without the keys the client did not send."""
    if hasattr(value, "model_dump"):
        return value.model_dump(exclude_unset=True)
    if isinstance(value, list):
        return [plain(item) for item in value]
    return value


def known(call: Call, given: Any) -> list[dict[str, Any]]:
    """The tools of a body. Azure never had `retrieval` (CONTRACT §1.8; recorded are the words, not the status).

    What functions are called is unique, and what they take is an object; of no parameters at all nothing is known.
    """
    wanted: list[dict[str, Any]] = plain(given) or []
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


def named(call: Call, tool: dict[str, Any]) -> dict[str, Any]:
    """A tool, or the choice of one, as its version calls it: v2 renamed v1's, and not the other way round (§10)."""
    return {"type": "file_search"} if tool["type"] == "retrieval" and call.api == "v2" else tool


def echo(call: Call, tools: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tools as the service repeats them: key order, defaults, and what a later day added."""
    shown = [named(call, tool) for tool in tools]
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
    """How a search tool ranks: as it was told, else by the service's defaults."""
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
    """Those of the tools that read files, by their names in v2."""
    return list(dict.fromkeys(READERS[tool["type"]] for tool in tools if tool["type"] in READERS))


def resources_of_assistant(assistant: Assistant) -> dict[str, Any]:
    """What the assistant was given, with an empty entry for each enabled tool that got nothing."""
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
    wanted = plain(given) or {}
    kept: dict[str, Any] = {}
    search = wanted.get("file_search")
    code = wanted.get("code_interpreter")
    for file_id in (code or {}).get("file_ids") or ():
        known_file(call, file_id)
    if search is not None:
        for store_id in search.get("vector_store_ids") or ():
            if store_id not in call.store.vector_stores:
                raise errors.no_such_vector_store(store_id, status=400)
        helpers = search.get("vector_stores") or ()
        for helper in helpers:
            for file_id in helper.get("file_ids") or ():
                known_file(call, file_id)
        made = [_made_by(call, helper, store_fields).id for helper in helpers]
        kept["file_search"] = {"vector_store_ids": made or list(search.get("vector_store_ids") or ())}
    if code is not None:
        kept["code_interpreter"] = {"file_ids": list(code.get("file_ids") or ())}
    return kept


def _made_by(call: Call, helper: dict[str, Any], fields: dict[str, Any]) -> VectorStore:
    chunking = vector_stores.chunking_of(helper.get("chunking_strategy"))
    return vector_stores.make(call, helper.get("file_ids") or (), chunking, metadata=helper.get("metadata"), **fields)


def known_file(call: Call, file_id: str, param: str | None = None) -> File:
    """A file that a body names, at `param` if that is known. What is said of an unknown one is a guess (§7.1, G).

    That the id of an attachment is looked at like one in a path: danny-avila/LibreChat#8178, July 2025.
    """
    if param is not None and not call.azure:
        call.check_id(param, file_id, "file")
    file: File = call.reach("file_id", file_id, lambda i: errors.not_found("file", i))
    return file


def attach(call: Call, thread: Thread, attachments: Iterable[dict[str, Any]]) -> None:
    """Attachments of a message give the thread's tools their files (CONTRACT §2.2)."""
    for attachment in attachments:
        for tool in attachment.get("tools") or ():
            _give(call, thread, tool["type"], attachment["file_id"], expires_after=dict(OF_A_THREAD))


def share(call: Call, owner: Assistant | Thread, tools: Iterable[dict[str, Any]], file_ids: Iterable[str]) -> None:
    """Files that v1 has attached show in v2 as those of the tools that read them (CONTRACT §10).

    A tool gets each of them once: what v2 takes away does not come back, and v1 never learns of it. Nothing says that
    a store which is made for them expires (G).
    """
    enabled = readers(tools)
    for file_id in file_ids if enabled else ():
        for tool in enabled:
            # a recording may show messages with files that were gone
            if (tool, file_id) not in owner.shared and file_id in call.store.files:
                owner.shared.add((tool, file_id))
                _give(call, owner, tool, file_id)


def take_back(call: Call, assistant: Assistant, file_id: str) -> None:
    """What v1 has detached is gone in v2 as well (CONTRACT §10); the store stays, as recorded in May 2024."""
    assistant.shared -= {(tool, file_id) for tool in EMPTY_RESOURCES}
    files = assistant.tool_resources.get("code_interpreter", {}).get("file_ids", [])
    if file_id in files:
        files.remove(file_id)
    for store_id in assistant.tool_resources.get("file_search", {}).get("vector_store_ids", ()):
        store = call.store.vector_stores.get(store_id)
        if store is not None and file_id in store.files:
            call.world.indexer.remove(store, file_id)


def _give(call: Call, owner: Assistant | Thread, tool: str, file_id: str, **store_fields: Any) -> None:
    """A file for a tool; to be searched it goes into the owner's store, which is made if there is none."""
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
    """Refuses to search files of other types than file search reads (CONTRACT §7.1); a store would fail them."""
    files = [
        known_file(call, attachment["file_id"])
        for attachment in attachments
        if any(tool["type"] == "file_search" for tool in attachment.get("tools") or ())
    ]
    odd = [file.filename for file in files if file.known and not is_supported(file.filename)]
    if odd:
        raise errors.not_searchable(dict.fromkeys(f".{extension(name)}" if extension(name) else "none" for name in odd))


class _Named:
    """An attached file, as something a table can hold."""

    __slots__ = ("id",)

    def __init__(self, record_id: str) -> None:
        self.id = record_id


def attached_page(
    call: Call, file_ids: list[str], kind: str, to_wire: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """A page of the files attached to an object, each once: they are few, so the table is made for the occasion."""
    table: Table[_Named] = Table()
    for file_id in dict.fromkeys(file_ids):
        table.add(_Named(file_id))
    return listing(call, table, kind, lambda item: to_wire(item.id))
