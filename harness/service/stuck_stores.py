"""The failure of a client that waits for a vector store, one of its files or a batch that no longer changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.failures import Stuck
from harness.service.indexing import counts
from harness.service.records import FileBatch, StoreFile, VectorStore
from harness.service.stuck import RAISE_FIX

if TYPE_CHECKING:
    from harness.service.indexing import Pollable
    from harness.service.store import Store
    from harness.service.stuck import Repetition

ROOT = "/vector_stores/"
NOUNS = {VectorStore: "store", StoreFile: "file", FileBatch: "batch"}


def polled_record(store: Store, path: str) -> Pollable | None:
    """The record that a path below `/vector_stores/` names: a file or a batch, else the store itself."""
    _, _, store_id, *rest = path.split("/")
    found = store.vector_stores.get(store_id)
    if found is None or len(rest) < 2:
        return found
    return found.files.get(rest[1]) if rest[0] == "files" else found.batches.get(rest[1])


def moves_by_itself(record: Pollable | None) -> bool:
    """Whether time alone changes the record. One that was seeded from a recording has no timers."""
    return any(file.timer is not None for file in _in_progress(record))


def _in_progress(record: Pollable | None) -> list[StoreFile]:
    files = () if record is None else (record,) if isinstance(record, StoreFile) else record.files
    return [file for file in files if file.status == "in_progress"]


def stuck(repetition: Repetition, record: Pollable | None, policy: str) -> Stuck:
    """The failure of a client that repeats a request for ever; `policy` is the clock's."""
    answer = f", and the answer was always {repetition.refusal}" if repetition.refusal else ""
    because, do = _why(repetition, record, policy)
    return Stuck(
        f"The client is stuck: it has {repetition.phrase}{answer or '.'}",
        there_was="\n".join([because, *([] if record is None else [_state(record)])]),
        do=do,
    )


def _why(repetition: Repetition, record: Pollable | None, policy: str) -> tuple[str, str]:
    if repetition.refusal or record is None:
        return "Time does not change this answer: the request itself has to change.", RAISE_FIX
    noun = NOUNS[type(record)]
    if moves_by_itself(record):
        if policy == "on_poll":
            return (
                f"Time passes when the client sleeps or retrieves the {noun} itself, and it does neither.",
                "time.sleep(1)   # or asyncio.sleep, between the requests; it takes no real time",
            )
        return (
            f"It is being indexed, but under clock={policy!r} retrieving it moves no time.",
            'assistants.clock.advance(1)                  # in the test, or\n@pytest.mark.assistants(clock="on_poll")',
        )
    if _in_progress(record):
        return (
            "The recording shows it last in progress, so it is not known how it went on.",
            "client.vector_stores.files.delete(file_id, vector_store_id=store_id)   # or record it to its end",
        )
    return (
        "Nothing in it is being indexed, so it will not change by itself: what the loop waits for never comes.",
        f'while {noun}.status == "in_progress": ...   # every other status is final',
    )


def _state(record: Pollable) -> str:
    if isinstance(record, StoreFile):
        error = f" ({record.last_error['code']}: {record.last_error['message']})" if record.last_error else ""
        return f"The file: {record.id} is {record.status!r}{error}"
    shown = ", ".join(f"{number} {status}" for status, number in counts(record.files).items())
    return f"The {NOUNS[type(record)]}: {record.id} has files: {shown}"
