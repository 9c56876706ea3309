"""Files of a vector store: the object and its endpoints (CONTRACT §1.6, §2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import errors
from harness.service.context import listing
from harness.service.dialects import not_found_on_azure
from harness.service.records import StoreFile
from harness.service.resources.vector_stores import check_files, check_room, chunking_of
from harness.service.searching.texts import text_of

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


def told(call: Call, file: StoreFile) -> dict[str, Any]:
    call.world.indexer.told(file, call.request.client)
    return wire(call, file)


def build(call: Call, given: dict[str, Any]) -> StoreFile:
    """A file for the store of the path, from a body that names it and may say more."""
    return StoreFile(
        given["file_id"],
        call.vector_store.id,
        attributes=given.get("attributes") or {},
        chunking=chunking_of(given.get("chunking_strategy")),
    )


def create(call: Call) -> dict[str, Any]:
    """A file that is there already is indexed anew (G)."""
    file = build(call, call.body.model_dump(exclude_unset=True))
    check_files(call, [file.id])
    check_room(call, call.vector_store, [file.id])
    return told(call, call.world.indexer.add(call.vector_store, file))


def index(call: Call) -> dict[str, Any]:
    """Also a look at the store: a loop that waits for its files may list them."""
    call.world.indexer.look(call.vector_store, call.request.client)
    return listing(call, call.vector_store.files, "store_file_id", lambda file: wire(call, file), where=chosen(call))


def chosen(call: Call) -> Callable[[StoreFile], bool]:
    """Which files a list shall show: none that is deleted."""
    status, there = call.query.filter, call.store.files
    return lambda file: file.id in there and status in (None, file.status)


def retrieve(call: Call) -> dict[str, Any]:
    file = _found(call)
    call.world.indexer.look(file, call.request.client)
    return wire(call, file)


def modify(call: Call) -> dict[str, Any]:
    """The attributes as a whole; null takes them all away."""
    file = _found(call)
    file.attributes = call.body.attributes or {}
    return told(call, file)


def delete(call: Call) -> dict[str, Any]:
    """The file object stays (CONTRACT §1.6), or is gone already."""
    file = _entry(call)
    call.world.indexer.remove(call.vector_store, file.id)
    return {"id": file.id, "object": "vector_store.file.deleted", "deleted": True}


def content(call: Call) -> dict[str, Any]:
    """The text that is searched, as one page of one piece, however long it is.

    The specification has a list of pieces and further pages, and says neither where a piece ends nor when there is
    a further page; nothing is recorded (G). Azure has no such endpoint (github.com/openai/openai-python/issues/2366).

    Raises:
        HarnessFailure: the library that reads this type of file is not installed.
    """
    if call.azure:
        raise not_found_on_azure()
    file = _found(call)
    source = call.store.files.get(file.id)
    assert source is not None  # a file that is deleted is not found
    data = [{"type": "text", "text": text_of(source)}] if file.status == "completed" else []
    return {"object": "vector_store.file_content.page", "data": data, "has_more": False, "next_page": None}


def _found(call: Call) -> StoreFile:
    file = _entry(call)
    if file.id not in call.store.files:
        raise errors.no_such_store_file(file.id, call.vector_store.id)
    return file


def _entry(call: Call) -> StoreFile:
    """Also that of a file which is deleted."""
    file_id = call.path_ids["store_file_id"]
    file = call.vector_store.files.get(file_id)
    if file is None:
        raise errors.no_such_store_file(file_id, call.vector_store.id)
    return file
