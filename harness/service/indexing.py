"""Vector stores over time: files are indexed, batches end, stores expire (CONTRACT §2.7, §2.8).

The only caller of `advance` for files of stores and for batches. The status and the counts of a store are derived from
its files.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from harness.service.lifecycle import BATCH, STORE_FILE, advance
from harness.service.records import StoreFile, VectorStore
from harness.service.searching.extraction import indexing_error

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from harness.service.clock import Clock
    from harness.service.records import Assistant, FileBatch, Run, Thread
    from harness.service.store import Store

# Records that change by themselves while clients poll them.
Pollable: TypeAlias = "VectorStore | FileBatch | StoreFile"

INDEXING_SECONDS = 1.0  # a small text takes about that long (CONTRACT §2.8)
MAX_STORE_WAIT = 60.0  # how long a run waits for its thread's store; it waits for no other (CONTRACT §8)
BYTES_PER_TOKEN = 4  # about, as in `tokens`
VECTOR_BYTES = 1024  # used by a chunk besides its text: 12 bytes of text use 1036 (CONTRACT §2.8)


def usage_bytes(size: int, chunking: tuple[int, int]) -> int:
    """The bytes that a file of this size uses in a store, with chunks of this size and overlap.

    >>> usage_bytes(12, (800, 400))
    1036
    """
    tokens, (longest, overlap) = -(-size // BYTES_PER_TOKEN), chunking
    more = max(0, tokens - longest)
    return size + VECTOR_BYTES * (1 + -(-more // (longest - overlap)))


COUNTED_STATUSES = ("in_progress", "completed", "failed", "cancelled")


def counts(files: Iterable[StoreFile], unseen: Mapping[str, int] = MappingProxyType({})) -> dict[str, int]:
    """`file_counts` as the wire shows them; `unseen` are files of which only the number is known."""
    found = Counter(file.status for file in files)
    found.update(unseen)
    return {**{status: found[status] for status in COUNTED_STATUSES}, "total": found.total()}


class Indexer:
    """Indexes the files of vector stores over time, and lets polling clients see the progress."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    # --- what a client does -------------------------------------------------------------------------------

    def add(self, store: VectorStore, file: StoreFile) -> StoreFile:
        """Add a file to a store. One that is in it already is replaced and indexed again."""
        if file.id in store.files:
            self.remove(store, file.id)
        advance(file, STORE_FILE, "create", now=self._clock.now)
        file.timer = self._clock.call_at(self._clock.now + INDEXING_SECONDS, partial(self._index, store, file))
        return store.files.add(file)

    def add_batch(self, store: VectorStore, batch: FileBatch, files: Iterable[StoreFile]) -> FileBatch:
        """Add files to a store as a batch."""
        advance(batch, BATCH, "create", now=self._clock.now)
        store.batches.add(batch)
        for file in files:
            file.batch_id = batch.id
            batch.files.add(self.add(store, file))
        return batch

    def cancel(self, store: VectorStore, batch: FileBatch) -> None:
        """Cancel a batch and its files that are not indexed yet; one that has ended stays as it is (CONTRACT §1.6)."""
        if batch.status != "in_progress":
            return
        for file in batch.files:
            if file.status == "in_progress":
                self._cancel_timer(file)
                advance(file, STORE_FILE, "cancel", now=self._clock.now)
        advance(batch, BATCH, "cancel", now=self._clock.now)

    def index_now(self, store: VectorStore) -> None:
        """Index all files of a new store at once, so that it looks like one that has existed for some time."""
        for file in store.files:
            self._cancel_timer(file)
            self._index(store, file)

    def remove(self, store: VectorStore, file_id: str) -> None:
        """Remove a file from a store, and from its batch, whose counts it no longer belongs to."""
        file = store.files.get(file_id)
        assert file is not None  # callers have checked that
        self._cancel_timer(file)
        store.files.remove(file_id)
        batch = None if file.batch_id is None else store.batches.get(file.batch_id)
        if batch is not None:
            batch.files.remove(file_id)
            self._end_if_done(batch)

    def drop(self, store: VectorStore) -> None:
        """Stop indexing, because the store is deleted."""
        for file in store.files:
            self._cancel_timer(file)

    def forget_file(self, file_id: str) -> None:
        """Handle the deletion of a file object, which stores no longer show or find (CONTRACT §1.5).

        If it was indexed, it still counts until it is removed from the store as well (openai/openai-dotnet#540, July
        2025), as sashirestela/simple-openai's demos do. If not, it is removed at once (G).
        """
        for store in self._store.vector_stores:
            file = store.files.get(file_id)
            if file is not None and file.status == "in_progress":
                self.remove(store, file_id)

    # --- what runs do -------------------------------------------------------------------------------------

    def touch_stores(self, run: Run) -> str | None:
        """Mark the run's stores as active now (CONTRACT §2.7); if one has expired, mark none and return its id."""
        if not _searches(run):
            return None
        owners = self._store.assistants.get(run.assistant_id), self._store.threads.get(run.thread_id)
        stores = [store for owner in owners if (store := self._store_of(owner)) is not None]
        for store in stores:
            if self.expired(store):
                return store.id
        for store in stores:
            store.last_active_at = int(self._clock.now)
        return None

    def indexing_delay(self, run: Run) -> float:
        """How many seconds the run waits for the store of its thread to be indexed."""
        store = self._store_of(self._store.threads.get(run.thread_id)) if _searches(run) else None
        if store is None:
            return 0.0
        begun = (file.timeline[0].at for file in store.files if file.status == "in_progress" and file.timer)
        return min(MAX_STORE_WAIT, max((at + INDEXING_SECONDS - self._clock.now for at in begun), default=0.0))

    def _store_of(self, owner: Assistant | Thread | None) -> VectorStore | None:
        if owner is None:
            return None
        ids = owner.tool_resources.get("file_search", {}).get("vector_store_ids", ())
        return self._store.vector_stores.get(ids[0]) if ids else None

    # --- what there is to see -----------------------------------------------------------------------------

    def expired(self, store: VectorStore) -> bool:
        return store.expires_at is not None and self._clock.now >= store.expires_at

    def status(self, store: VectorStore) -> str:
        """The status of a store; files that failed do not matter (CONTRACT §2.7)."""
        if self.expired(store):
            return "expired"
        return "in_progress" if self._in_progress(store) else "completed"

    def mark_seen(self, record: Pollable, client: Hashable) -> None:
        """Remember that an answer showed the record, as it is now, to this client."""
        record.seen_by[client] = self._shown_state(record)

    def poll(self, record: Pollable, client: Hashable) -> None:
        """A client retrieves the record: under `on_poll`, one that it has seen already moves on before it is shown."""
        before = self._shown_state(record)
        if record.seen_by.get(client) == before and self._clock.policy == "on_poll":
            while self._in_progress(record) and self._shown_state(record) == before:
                if not self._clock.fire_next():
                    break  # seeded from a recording, without timers
            self._clock.advance(0)  # what is due at the same moment happens too
        self.mark_seen(record, client)

    def _shown_state(self, record: Pollable) -> object:
        if isinstance(record, StoreFile):
            return record.status
        return counts(record.files)

    def _in_progress(self, record: Pollable) -> bool:
        files = (record,) if isinstance(record, StoreFile) else reversed(record.files)
        return any(file.status == "in_progress" for file in files)

    # --- what the clock does ------------------------------------------------------------------------------

    def _index(self, store: VectorStore, file: StoreFile) -> None:
        source = self._store.files.get(file.id)
        assert source is not None  # deleting a file removes it from the stores in which it is not indexed yet
        error = indexing_error(source)
        if error is None:
            file.usage_bytes = usage_bytes(len(source.content), file.chunking)
        else:
            file.last_error = {"code": error.code, "message": error.message}
        advance(file, STORE_FILE, "index" if error is None else "fail", now=self._clock.now)
        if not self.expired(store):  # expiry is final: "no longer available for use", says Azure's reference
            store.last_active_at = int(self._clock.now)  # as the recorded lists show
        batch = None if file.batch_id is None else store.batches.get(file.batch_id)
        if batch is not None:
            self._end_if_done(batch)

    def _end_if_done(self, batch: FileBatch) -> None:
        """End the batch if none of its files is in progress any more."""
        # the newest files are indexed last, so checking them first is faster
        if batch.status != "in_progress" or any(file.status == "in_progress" for file in reversed(batch.files)):
            return
        failed = bool(batch.files) and all(file.status == "failed" for file in batch.files)
        advance(batch, BATCH, "fail" if failed else "finish", now=self._clock.now)

    @staticmethod
    def _cancel_timer(file: StoreFile) -> None:
        if file.timer is not None:
            file.timer.cancel()


def _searches(run: Run) -> bool:
    return any(tool["type"] == "file_search" for tool in run.tools)
