"""Vector stores over time: files are indexed, batches end, stores expire (CONTRACT §2.7, §2.8).

The only caller of `advance` for files of stores and for batches. The status and the counts of a store are derived from
its files.
"""

from __future__ import annotations

from collections import Counter
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.service.lifecycle import BATCH, STORE_FILE, advance
from harness.service.records import StoreFile, VectorStore
from harness.service.searching.extraction import indexing_error

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    from harness.service.clock import Clock
    from harness.service.records import FileBatch, Run
    from harness.service.store import Store

# Records that change by themselves while clients poll them.
Pollable: TypeAlias = "VectorStore | FileBatch | StoreFile"

SECONDS = 1.0  # a small text takes about that long (CONTRACT §2.8)
PATIENCE = 60.0  # how long a run waits for the store of its thread, and for no other (CONTRACT §8)
BYTES_PER_TOKEN = 4  # about, as in `tokens`
VECTOR = 1024  # bytes that are kept of a chunk besides its text: 12 bytes of text use 1036 (CONTRACT §2.8)


def usage_bytes(size: int, chunking: tuple[int, int]) -> int:
    """What a file takes up in a store.

    >>> usage_bytes(12, (800, 400))
    1036
    """
    tokens, (longest, overlap) = -(-size // BYTES_PER_TOKEN), chunking
    more = max(0, tokens - longest)
    return size + VECTOR * (1 + -(-more // (longest - overlap)))


COUNTED = ("in_progress", "completed", "failed", "cancelled")


def counts(files: Iterable[StoreFile], unseen: Mapping[str, int] = MappingProxyType({})) -> dict[str, int]:
    """`file_counts` as the wire shows them; `unseen` are files of which no more is known."""
    found = Counter(file.status for file in files)
    found.update(unseen)
    return {**{status: found[status] for status in COUNTED}, "total": found.total()}


class Indexer:
    """Moves what lies in vector stores, and shows it moving to those who look."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    # --- what a client does -------------------------------------------------------------------------------

    def add(self, store: VectorStore, file: StoreFile) -> StoreFile:
        """Put a file into a store. One that is there already is indexed anew, with what is now said of it."""
        if file.id in store.files:
            self.remove(store, file.id)
        advance(file, STORE_FILE, "create", now=self._clock.now)
        file.timer = self._clock.call_at(self._clock.now + SECONDS, partial(self._index, store, file))
        return store.files.add(file)

    def add_batch(self, store: VectorStore, batch: FileBatch, files: Iterable[StoreFile]) -> FileBatch:
        advance(batch, BATCH, "create", now=self._clock.now)
        store.batches.add(batch)
        for file in files:
            file.batch_id = batch.id
            batch.files.add(self.add(store, file))
        return batch

    def cancel(self, store: VectorStore, batch: FileBatch) -> None:
        """What is not indexed yet will not be; a batch that has ended stays as it is (CONTRACT §1.6)."""
        if batch.status != "in_progress":
            return
        for file in batch.files:
            if file.status == "in_progress":
                self._drop(file)
                advance(file, STORE_FILE, "cancel", now=self._clock.now)
        advance(batch, BATCH, "cancel", now=self._clock.now)

    def settle(self, store: VectorStore) -> None:
        """A store that has just been made is indexed at once: it is to be one that was there before anybody looked."""
        for file in store.files:
            self._drop(file)
            self._index(store, file)

    def remove(self, store: VectorStore, file_id: str) -> None:
        """Take a file out of a store, and out of the batch it came in: the counts are those of what is there."""
        file = store.files.get(file_id)
        assert file is not None  # callers have looked
        self._drop(file)
        store.files.remove(file_id)
        batch = None if file.batch_id is None else store.batches.get(file.batch_id)
        if batch is not None:
            batch.files.remove(file_id)
            self._end(batch)

    def drop(self, store: VectorStore) -> None:
        """The store is deleted: nothing more happens in it."""
        for file in store.files:
            self._drop(file)

    def forget(self, file_id: str) -> None:
        """A file object is deleted: no store shows or finds it any more (CONTRACT §1.5).

        What was indexed goes on counting until it is taken out of the store as well (openai/openai-dotnet#540, July
        2025), as sashirestela/simple-openai's demos do. What still had to be indexed is gone at once (G).
        """
        for store in self._store.vector_stores:
            file = store.files.get(file_id)
            if file is not None and file.status == "in_progress":
                self.remove(store, file_id)

    # --- what runs do -------------------------------------------------------------------------------------

    def used_by(self, run: Run) -> tuple[list[VectorStore], VectorStore | None]:
        """The stores that a run searches: of its assistant and of its thread, and that of the thread by itself."""
        if not any(tool["type"] == "file_search" for tool in run.tools):
            return [], None
        assistant, thread = self._store.assistants.get(run.assistant_id), self._store.threads.get(run.thread_id)
        of_thread = self._of(thread)
        return [store for store in (self._of(assistant), of_thread) if store is not None], of_thread

    def bump(self, run: Run) -> str | None:
        """A run uses its stores, which thereby are active (CONTRACT §2.7); the id of one that has expired."""
        stores, _ = self.used_by(run)
        for store in stores:
            if self.expired(store):
                return store.id
        for store in stores:
            store.last_active_at = int(self._clock.now)
        return None

    def delay(self, run: Run) -> float:
        """Seconds until the store of the run's thread is ready, as far as the run waits for it."""
        _, store = self.used_by(run)
        if store is None:
            return 0.0
        begun = (file.timeline[0].at for file in store.files if file.status == "in_progress" and file.timer)
        return min(PATIENCE, max((at + SECONDS - self._clock.now for at in begun), default=0.0))

    def _of(self, owner: Any) -> VectorStore | None:
        if owner is None:
            return None
        ids = owner.tool_resources.get("file_search", {}).get("vector_store_ids", ())
        return self._store.vector_stores.get(ids[0]) if ids else None

    # --- what there is to see -----------------------------------------------------------------------------

    def expired(self, store: VectorStore) -> bool:
        return store.expires_at is not None and self._clock.now >= store.expires_at

    def status(self, store: VectorStore) -> str:
        """Files that failed do not matter (CONTRACT §2.7)."""
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
        assert source is not None  # deleting a file takes it out of the stores in which it waits
        error = indexing_error(source)
        if error is None:
            file.usage_bytes = usage_bytes(len(source.content), file.chunking)
        else:
            file.last_error = {"code": error.code, "message": error.message}
        advance(file, STORE_FILE, "index" if error is None else "fail", now=self._clock.now)
        if not self.expired(store):  # which is final: "no longer available for use", as Azure's reference says
            store.last_active_at = int(self._clock.now)  # as the recorded lists show
        batch = None if file.batch_id is None else store.batches.get(file.batch_id)
        if batch is not None:
            self._end(batch)

    def _end(self, batch: FileBatch) -> None:
        """The batch has ended as soon as none of its files is in progress."""
        # the newest are the last to be done
        if batch.status != "in_progress" or any(file.status == "in_progress" for file in reversed(batch.files)):
            return
        failed = bool(batch.files) and all(file.status == "failed" for file in batch.files)
        advance(batch, BATCH, "fail" if failed else "finish", now=self._clock.now)

    @staticmethod
    def _drop(file: StoreFile) -> None:
        if file.timer is not None:
            file.timer.cancel()
