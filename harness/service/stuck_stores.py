"""What a client is told that waits for a vector store, a file in one or a batch in which nothing moves any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.failures import Stuck
from harness.service.indexing import counts
from harness.service.records import FileBatch, StoreFile, VectorStore

if TYPE_CHECKING:
    from harness.service.indexing import Watched
    from harness.service.store import Store
    from harness.service.stuck import Repetition

ROOT = "/vector_stores/"
NOUNS = {VectorStore: "store", StoreFile: "file", FileBatch: "batch"}


def watched(store: Store, path: str) -> Watched | None:
    """What a path below `/vector_stores/` is about: a file or a batch that it names, else the store itself."""
    _, _, store_id, *rest = path.split("/")
    found = store.vector_stores.get(store_id)
    if found is None or len(rest) < 2:
        return found
    return found.files.get(rest[1]) if rest[0] == "files" else found.batches.get(rest[1])


def moves_by_itself(record: Watched | None) -> bool:
    """Whether time alone moves it on. What was put there as it was once seen has no timers."""
    return any(file.timer is not None for file in _in_progress(record))


def _in_progress(record: Watched | None) -> list[StoreFile]:
    files = () if record is None else (record,) if isinstance(record, StoreFile) else record.files
    return [file for file in files if file.status == "in_progress"]


def stuck(what: Repetition, record: Watched | None, policy: str) -> Stuck:
    """The failure of a client that repeats itself for ever; `policy` is what moves the clock."""
    answer = f", and the answer was always {what.refusal}" if what.refusal else ""
    because, do = _why(what, record, policy)
    return Stuck(
        f"The client is stuck: it has {what.words}{answer or '.'}",
        there_was="\n".join([because, *([] if record is None else [_state(record)])]),
        do=do,
    )


def _why(what: Repetition, record: Watched | None, policy: str) -> tuple[str, str]:
    if what.refusal or record is None:
        return (
            "Nothing that happens changes this answer; the request has to.",
            "except openai.APIStatusError:\n    raise   # asking again is of no use",
        )
    noun = NOUNS[type(record)]
    if moves_by_itself(record):
        if policy == "on_poll":
            return (
                f"Time passes while the client sleeps, or looks at the {noun} itself; it does neither.",
                "time.sleep(1)   # or asyncio.sleep; between the requests, where it takes no time",
            )
        return (
            f"It is being indexed, but under clock={policy!r} looking moves no time.",
            'assistants.clock.advance(1)                  # in the test, or\n@pytest.mark.assistants(clock="on_poll")',
        )
    if _in_progress(record):
        return (
            "It was put there as it was once seen, in progress, so nobody knows how it went on.",
            "client.vector_stores.files.delete(file_id, vector_store_id=store_id)   # or record it to its end",
        )
    return (
        "Nothing of it is being indexed: nothing will change by itself, so whatever the loop waits for never comes.",
        f'while {noun}.status == "in_progress": ...   # every other status is an end',
    )


def _state(record: Watched) -> str:
    if isinstance(record, StoreFile):
        error = f" ({record.last_error['code']}: {record.last_error['message']})" if record.last_error else ""
        return f"The file: {record.id} is {record.status!r}{error}"
    shown = ", ".join(f"{number} {status}" for status, number in counts(record.files).items())
    return f"The {NOUNS[type(record)]}: {record.id} has files: {shown}"
