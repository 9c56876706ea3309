"""Vector stores: the object and its endpoints (CONTRACT §1.6, §2.7), and how a body puts files into one.

What happens to the files is the indexer's affair (`harness.service.indexing`).
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from harness.service import errors, indexing
from harness.service.context import listing
from harness.service.records import StoreFile, VectorStore
from harness.service.searching import chunks
from harness.service.shapes import MANY_FILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.service.context import Call

# Files that a store may have, before and since MANY_FILES (CONTRACT §8).
MAX_FILES, MAX_FILES_NOW = 10_000, 100_000_000


def wire(call: Call, store: VectorStore) -> dict[str, Any]:
    return call.world.shapes.project(
        "vector_store",
        "v2",
        {
            "id": store.id,
            "object": "vector_store",
            "created_at": store.created_at,
            "name": store.name,
            "description": store.description,
            "usage_bytes": store.unseen_bytes + sum(file.usage_bytes for file in store.files),
            "file_counts": indexing.counts(store.files, store.unseen),
            "status": call.world.indexer.status(store),
            "expires_after": store.expires_after,
            "expires_at": store.expires_at,
            "last_active_at": store.last_active_at,
            "metadata": store.metadata,
        },
    )


def reply(call: Call, store: VectorStore) -> dict[str, Any]:
    """The store as the answer to this client, which has then seen it."""
    call.world.indexer.mark_seen(store, call.request.client)
    return wire(call, store)


def create(call: Call) -> dict[str, Any]:
    given = call.body.model_dump(exclude_unset=True)
    file_ids = given.pop("file_ids", None) or ()
    check_files(call, file_ids)
    chunking = chunking_of(given.pop("chunking_strategy", None))
    return reply(call, make(call, file_ids, chunking, **given))


def index(call: Call) -> dict[str, Any]:
    return listing(call, call.store.vector_stores, "vector_store_id", lambda store: wire(call, store))


def retrieve(call: Call) -> dict[str, Any]:
    call.world.indexer.poll(call.vector_store, call.request.client)
    return wire(call, call.vector_store)


def modify(call: Call) -> dict[str, Any]:
    """A partial update: fields that the body does not name stay."""
    given = call.body.model_dump(exclude_unset=True)
    store = call.vector_store
    store.name = given.get("name", store.name)
    store.expires_after = given.get("expires_after", store.expires_after)
    if "metadata" in given:
        store.metadata = given["metadata"] or {}
    return reply(call, store)


def delete(call: Call) -> dict[str, Any]:
    """The files stay. Assistants no longer name it (openai/openai-cookbook, January 2025), nor do threads (G)."""
    store = call.vector_store
    call.world.indexer.drop(store)
    call.store.vector_stores.remove(store.id)
    for owner in (*call.store.assistants, *call.store.threads):
        named = owner.tool_resources.get("file_search", {}).get("vector_store_ids", [])
        if store.id in named:
            named.remove(store.id)
    return {"id": store.id, "object": "vector_store.deleted", "deleted": True}


# --- what a body puts into a store --------------------------------------------------------------------------


def make(call: Call, file_ids: Iterable[str], chunking: tuple[int, int] = chunks.DEFAULT, **fields: Any) -> VectorStore:
    """A new store with these files, which callers have checked. A null in `fields` is like an absent one."""
    fields["metadata"] = fields.get("metadata") or {}
    now = call.world.second
    store = VectorStore(call.store.ids.vector_store(call.world.shapes, now), now, **fields)
    wanted = dict.fromkeys(file_ids)
    check_capacity(call, store, wanted)
    call.store.vector_stores.add(store)
    for file_id in wanted:
        call.world.indexer.add(store, StoreFile(file_id, store.id, chunking=chunking))
    return store


@contextmanager
def all_or_nothing(call: Call) -> Iterator[None]:
    """Remove the stores that were made for a request if it is refused after all: no client would know their ids."""
    before = {store.id for store in call.store.vector_stores}
    try:
        yield
    except errors.Refusal:
        for store in [store for store in call.store.vector_stores if store.id not in before]:
            call.world.indexer.drop(store)
            call.store.vector_stores.remove(store.id)
        raise


def check_files(call: Call, file_ids: Iterable[str]) -> None:
    """Refuse ids of files that do not exist, all of them in one message."""
    missing = [file_id for file_id in dict.fromkeys(file_ids) if not _exists(call, file_id)]
    if missing:
        raise errors.no_such_files(missing)


def _exists(call: Call, file_id: str) -> bool:
    """Whether a file exists; an unknown one does if the fake adopts unknown ids."""
    try:
        call.lookup("file_id", file_id)
    except errors.Refusal:
        return False
    return True


def check_capacity(call: Call, store: VectorStore, file_ids: Iterable[str]) -> None:
    """Refuse more files than a store may have."""
    most = MAX_FILES_NOW if call.world.shapes.since(MANY_FILES) else MAX_FILES
    if len(store.files) + sum(file_id not in store.files for file_id in file_ids) > most:
        raise errors.vector_store_full(store.id, most)


def chunking_of(given: Any) -> tuple[int, int]:
    """Size and overlap of chunks in tokens; `auto` or no strategy mean 800 and 400 (CONTRACT §1.6)."""
    static = (given or {}).get("static")
    return (static["max_chunk_size_tokens"], static["chunk_overlap_tokens"]) if static else chunks.DEFAULT
