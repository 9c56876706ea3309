"""Files of a vector store: the object and its endpoints (CONTRACT §1.6, §2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import errors
from harness.service.context import listing
from harness.service.dialects import not_found_on_azure
from harness.service.records import StoreFile
from harness.service.resources.vector_stores import check_capacity, check_files, chunking_of
from harness.service.searching.extraction import text_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.context import Call


def wire(call: Call, file: StoreFile, shape: str = "vector_store.file") -> dict[str, Any]:
    longest, overlap = file.chunking
    return call.world.shapes.project(
        shape,
        "v2",
        {
            "id": file.id,
            "object": "vector_store.file",
            "usage_bytes": file.usage_bytes,
            "created_at": file.created_at,
            "vector_store_id": file.vector_store_id,
            "status": file.status,
            "last_error": file.last_error,
            "chunking_strategy": {
                "type": "static",
                "static": {"max_chunk_size_tokens": longest, "chunk_overlap_tokens": overlap},
            },
            "attributes": file.attributes,
        },
    )


def reply(call: Call, file: StoreFile) -> dict[str, Any]:
    """The file as the answer to this client, which has then seen it."""
    call.world.indexer.mark_seen(file, call.request.client)
    return wire(call, file)


def build(call: Call, given: dict[str, Any]) -> StoreFile:
    """A file for the store of the path, from its id and the options in a body."""
    return StoreFile(
        given["file_id"],
        call.vector_store.id,
        attributes=given.get("attributes") or {},
        chunking=chunking_of(given.get("chunking_strategy")),
    )


def create(call: Call) -> dict[str, Any]:
    """Add a file; one that is in the store already is indexed again (G)."""
    file = build(call, call.body.model_dump(exclude_unset=True))
    check_files(call, [file.id])
    check_capacity(call, call.vector_store, [file.id])
    return reply(call, call.world.indexer.add(call.vector_store, file))


def index(call: Call) -> dict[str, Any]:
    """Listing counts as polling the store: a client that waits for its files may list them."""
    call.world.indexer.poll(call.vector_store, call.request.client)
    return listing(
        call, call.vector_store.files, "store_file_id", lambda file: wire(call, file), where=list_filter(call)
    )


def list_filter(call: Call) -> Callable[[StoreFile], bool]:
    """Selects the files of a list: those with the status that the query asks for, and none that was deleted."""
    status, there = call.query.filter, call.store.files
    return lambda file: file.id in there and status in (None, file.status)


def retrieve(call: Call) -> dict[str, Any]:
    file = _find(call)
    call.world.indexer.poll(file, call.request.client)
    return wire(call, file)


def modify(call: Call) -> dict[str, Any]:
    """Replace all attributes; null removes them."""
    file = _find(call)
    file.attributes = call.body.attributes or {}
    return reply(call, file)


def delete(call: Call) -> dict[str, Any]:
    """Take the file out of the store; the file object itself, if it still exists, stays (CONTRACT §1.6)."""
    file = _entry(call)
    call.world.indexer.remove(call.vector_store, file.id)
    return {"id": file.id, "object": "vector_store.file.deleted", "deleted": True}


def content(call: Call) -> dict[str, Any]:
    """The text that is searched, always as one page with one piece.

    The specification has a list of pieces and further pages, and says neither where a piece ends nor when another page
    follows; nothing is recorded (G). Azure has no such endpoint (openai/openai-python#2366).

    Raises:
        HarnessFailure: the library that reads this type of file is not installed.
    """
    if call.azure:
        raise not_found_on_azure()
    file = _find(call)
    source = call.store.files.get(file.id)
    assert source is not None  # a file that is deleted is not found
    data = [{"type": "text", "text": text_of(source)}] if file.status == "completed" else []
    return {"object": "vector_store.file_content.page", "data": data, "has_more": False, "next_page": None}


def _find(call: Call) -> StoreFile:
    """The store file of the path, refused if its file object was deleted."""
    file = _entry(call)
    if file.id not in call.store.files:
        raise errors.no_such_store_file(file.id, call.vector_store.id)
    return file


def _entry(call: Call) -> StoreFile:
    """The store file of the path, even if its file object was deleted."""
    file_id = call.path_ids["store_file_id"]
    file = call.vector_store.files.get(file_id)
    if file is None:
        raise errors.no_such_store_file(file_id, call.vector_store.id)
    return file
