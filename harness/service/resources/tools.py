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
    """The tools of a body. Azure never had `retrieval` (CONTRACT §1.8; recorded are the words, not the status)."""
    wanted: list[dict[str, Any]] = plain(given) or []
    if call.azure and any(tool["type"] == "retrieval" for tool in wanted):
        raise errors.no_retrieval()
    return wanted


def echo(call: Call, tools: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The tools as the service repeats them: key order, defaults, and what a later day added."""
    return [_ECHOES.get(tool["type"], _as_sent)(call, tool) for tool in tools]


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


def resources_of_assistant(assistant: Assistant) -> dict[str, Any]:
    """What the assistant was given, with an empty entry for each enabled tool that got nothing.

    Files attached in v1 show under the tools that read them (CONTRACT §10).
    """
    enabled = {tool["type"] for tool in assistant.tools}
    shown: dict[str, Any] = {}
    for tool, empty in EMPTY_RESOURCES.items():
        given = assistant.tool_resources.get(tool)
        if given is not None or tool in enabled:
            shown[tool] = given or {key: list(value) for key, value in empty.items()}
    if assistant.file_ids and "code_interpreter" in shown:
        shown["code_interpreter"] = {
            "file_ids": list(dict.fromkeys([*shown["code_interpreter"]["file_ids"], *assistant.file_ids]))
        }
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


def known_file(call: Call, file_id: str) -> File:
    """A file that a body names. The text of the refusal is a guess (CONTRACT §7.1, G)."""
    file: File = call.reach("file_id", file_id, lambda i: errors.not_found("file", i))
    return file


def attach(call: Call, owner: Assistant | Thread, attachments: Iterable[dict[str, Any]]) -> None:
    """Attachments of a message give the thread's tools their files (CONTRACT §2.2)."""
    for attachment in attachments:
        for tool in attachment.get("tools") or ():
            if tool["type"] == "code_interpreter":
                files = owner.tool_resources.setdefault("code_interpreter", {"file_ids": []})["file_ids"]
                if attachment["file_id"] not in files:
                    files.append(attachment["file_id"])
            else:
                search = owner.tool_resources.setdefault("file_search", {"vector_store_ids": []})
                if not search["vector_store_ids"]:
                    made = vector_stores.make(call, (), expires_after=dict(OF_A_THREAD))
                    search["vector_store_ids"].append(made.id)
                store = call.store.vector_stores.get(search["vector_store_ids"][0])
                if store is not None and attachment["file_id"] not in store.files:
                    call.world.indexer.add(store, StoreFile(attachment["file_id"], store.id))


def check_searchable(call: Call, attachments: Iterable[dict[str, Any]]) -> None:
    """Refuses to search files of other types than file search reads (CONTRACT §7.1); a store would fail them."""
    files = [
        known_file(call, attachment["file_id"])
        for attachment in attachments
        if any(tool["type"] == "file_search" for tool in attachment.get("tools") or ())
    ]
    odd = [file.filename for file in files if file.known and not is_supported(file.filename)]
    if odd:
        raise errors.not_searchable(f".{extension(name)}" if extension(name) else name for name in odd)


class _Named:
    """An attached file, as something a table can hold."""

    __slots__ = ("id",)

    def __init__(self, record_id: str) -> None:
        self.id = record_id


def attached_page(
    call: Call, file_ids: list[str], noun: str, to_wire: Callable[[str], dict[str, Any]]
) -> dict[str, Any]:
    """A page of the files attached to an object: there are few of them, so the table is made for the occasion."""
    table: Table[_Named] = Table()
    for file_id in file_ids:
        table.add(_Named(file_id))
    return listing(call, table, noun, lambda item: to_wire(item.id))
