"""File batches of a vector store: the object and its endpoints (CONTRACT §1.6, §2.8)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import errors, indexing
from harness.service.context import listing
from harness.service.records import FileBatch
from harness.service.resources import vector_store_files as store_files
from harness.service.resources import vector_stores
from harness.service.resources.vector_stores import check_capacity, check_files
from harness.service.shapes import BATCHES_AS_STORES, LONG_BATCHES

if TYPE_CHECKING:
    from harness.service.context import Call

MAX_FILES_BEFORE = 500  # before LONG_BATCHES, and 2,000 since then (CONTRACT §1.6)


def wire(call: Call, batch: FileBatch) -> dict[str, Any]:
    """The batch as the wire shows it; `object` differs from the specification's (CONTRACT §2.8)."""
    call.world.indexer.mark_seen(batch, call.request.client)
    return {
        "id": batch.id,
        "object": "vector_store.file_batch",
        "created_at": batch.created_at,
        "status": batch.status,
        "vector_store_id": batch.vector_store_id,
        "file_counts": indexing.counts(batch.files),
    }


def create(call: Call) -> dict[str, Any]:
    """Options next to `file_ids` apply to all of them; next to `files` they are ignored (specification)."""
    given = call.body.model_dump(exclude_unset=True)
    listed = "files" if "files" in given else "file_ids"
    if listed not in given:
        raise errors.missing_parameter(listed)
    shared = {key: given[key] for key in ("attributes", "chunking_strategy") if key in given}
    each = given.get("files") or [{**shared, "file_id": file_id} for file_id in given["file_ids"]]
    if len(each) > MAX_FILES_BEFORE and not call.world.shapes.since(LONG_BATCHES):
        raise errors.array_too_long(listed, MAX_FILES_BEFORE, len(each))
    files = {item["file_id"]: store_files.build(call, item) for item in each}
    check_files(call, files)
    check_capacity(call, call.vector_store, files)
    batch = FileBatch(call.store.ids.file_batch(), call.vector_store.id)
    return wire(call, call.world.indexer.add_batch(call.vector_store, batch, files.values()))


def retrieve(call: Call) -> dict[str, Any]:
    """The batch; but its vector store, if the user has chosen a day since November 2025, as the service then did.

    openai/openai-python#2724, openai/openai-node#1700, and in July 2026 ProjectTech4DevAI/kaapi-backend#1076. Not known
    is whether Azure did so, and whether files that the store had before are counted (G: it is the store).
    """
    call.world.indexer.poll(call.batch, call.request.client)
    if (call.world.settings.as_of or "") >= BATCHES_AS_STORES and not call.azure:
        return vector_stores.reply(call, call.vector_store)
    return wire(call, call.batch)


def cancel(call: Call) -> dict[str, Any]:
    """A batch that has ended is shown as it is (CONTRACT §1.6)."""
    call.world.indexer.cancel(call.vector_store, call.batch)
    return wire(call, call.batch)


def index(call: Call) -> dict[str, Any]:
    """Until 2025, files had fewer keys than in the list of the store (FACTS A). Listing counts as polling the batch."""
    call.world.indexer.poll(call.batch, call.request.client)
    shape = "vector_store.file of a batch"
    return listing(
        call,
        call.batch.files,
        "store_file_id",
        lambda file: store_files.wire(call, file, shape),
        where=store_files.list_filter(call),
    )
