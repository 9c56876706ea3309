"""What existed before a recording: the objects that a session uses and did not make itself."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from harness.recording.session import ID, Json, Session
from harness.recording.stories import usage_of
from harness.service.indexing import COUNTED
from harness.service.records import Assistant, File, Message, Run, Step, StoreFile, Thread, Usage, VectorStore
from harness.service.resources.vector_stores import chunking_of
from harness.service.script import Playback, Script
from harness.service.store import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.context import World

OLD = Script((), "before the recording")


def sow(session: Session, world: World) -> None:
    """Put into the world what was there before, as it was first shown; of what was never shown, an empty one."""
    missing = _missing(session)
    places = {object_id: place for place, object_id in enumerate(session.shown)}
    # what is of the same second was made in the order in which lists tell it
    for object_id in sorted(session.mentioned, key=lambda found: (*_age(session, found), places.get(found, 0))):
        if object_id not in session.made and object_id not in missing:
            plant(session, world, object_id)


def _age(session: Session, object_id: str) -> tuple[int, int]:
    """Threads come before what lies in them, and older objects before newer ones, as lists show them."""
    shown = session.shown.get(object_id, {})
    return not object_id.startswith("thread_"), shown.get("created_at", 0)


def plant(session: Session, world: World, object_id: str) -> None:
    """Put one object into the world, if it is of a kind that stands for itself and not there yet."""
    make = _MAKERS.get(kind_of(object_id))
    tables = (world.store.assistants, world.store.threads, world.store.files, world.store.vector_stores)
    if make is not None and not any(object_id in table for table in tables):
        make(session, world, object_id)


def _missing(session: Session) -> set[str]:
    """Ids that the service did not find, and that nothing ever showed."""
    refused = {found for seen in session.exchanges if seen.status == 404 for found in ID.findall(seen.path)}
    shown = {item for seen in session.exchanges if seen.ok for item in (*ID.findall(seen.path), *session.shown)}
    return refused - shown


def _assistant(session: Session, world: World, object_id: str) -> None:
    shown = session.shown.get(object_id) or _run_of(session, object_id) or {}
    values = {"model": "gpt-4o", "created_at": world.second, **fields_of(Assistant, shown), "id": object_id}
    values["file_ids"] = dict.fromkeys(values.get("file_ids", ()), world.second)
    world.store.assistants.add(Assistant(**values))


def _thread(session: Session, world: World, object_id: str) -> None:
    """A thread with the messages and runs that no recorded request made."""
    shown = session.shown.get(object_id, {})
    thread = Thread(**{"created_at": world.second, **fields_of(Thread, shown), "id": object_id})
    world.store.threads.add(thread)
    for item in session.of_thread("thread.message", object_id):
        if item["id"] not in session.made and item.get("run_id") not in session.made:
            thread.messages.add(_message_of(item))
    for item in session.of_thread("thread.run", object_id):
        if item["id"] not in session.made:
            thread.runs.add(_old_run(session, session.story(item["id"]).run))


def _message(session: Session, world: World, object_id: str) -> None:
    shown = session.shown.get(object_id, {})
    thread = world.store.threads.get(shown.get("thread_id", ""))
    if thread is not None and object_id not in thread.messages and shown.get("run_id") not in session.made:
        thread.messages.add(_message_of(shown))


def _run(session: Session, world: World, object_id: str) -> None:
    """A run of which the service could not be told how it began: it is as it was seen last."""
    shown = session.story(object_id).run
    thread = world.store.threads.get(shown.get("thread_id", ""))
    if thread is not None and object_id not in thread.runs:
        thread.runs.add(_old_run(session, shown))


def _file(session: Session, world: World, object_id: str) -> None:
    """A file of the model's own making can be read; of one that was uploaded before, nobody saw the content."""
    shown = session.shown.get(object_id, {})
    content = session.contents.get(object_id, b"")
    purpose = "assistants_output" if object_id in session.contents or not shown else "assistants"
    values = {"filename": f"{object_id}.bin", "purpose": purpose, "created_at": world.second, **fields_of(File, shown)}
    known = object_id in session.contents
    world.store.files.add(File(**{**values, "id": object_id, "content": content, "known": known}))


def _vector_store(session: Session, world: World, object_id: str) -> None:
    """With the files that were seen in it, none of them in progress any more, and the number of those that were not."""
    shown = session.shown.get(object_id, {})
    values = {"created_at": world.second, **fields_of(VectorStore, shown), "id": object_id}
    store = world.store.vector_stores.add(VectorStore(**values))
    for item in session.of_store(object_id):
        fields = fields_of(StoreFile, item)
        fields["status"] = "completed" if item["status"] == "in_progress" else item["status"]
        store.files.add(StoreFile(**fields, chunking=chunking_of(item.get("chunking_strategy"))))
    if not _was_filled(session, object_id, shown):
        store.unseen_bytes = max(0, shown.get("usage_bytes", 0) - sum(file.usage_bytes for file in store.files))
        store.unseen = _unseen(shown.get("file_counts", {}), store)


def _was_filled(session: Session, store_id: str, shown: Json) -> bool:
    """Whether a recorded request put files into the store before it was first shown: its counts then hold these too."""
    before = takewhile(lambda seen: shown not in seen.objects, session.exchanges)
    return any(seen.method == "POST" and seen.path.startswith(f"/vector_stores/{store_id}/file") for seen in before)


def _unseen(counted: dict[str, int], store: VectorStore) -> dict[str, int]:
    more = Counter({status: counted.get(status, 0) for status in COUNTED})
    more["completed"] += more.pop("in_progress")
    return dict(more - Counter(file.status for file in store.files))


def _message_of(shown: Json) -> Message:
    return Message(**{**fields_of(Message, shown), "status": "completed"})


_MAKERS: dict[str, Callable[[Session, World, str], None]] = {
    "asst": _assistant,
    "thread": _thread,
    "file": _file,
    "vs": _vector_store,
    "msg": _message,
    "run": _run,
}


def _old_run(session: Session, item: Json) -> Run:
    run = Run(**{**fields_of(Run, item), "usage": usage_of(item)})
    run.playback = Playback(OLD)
    for step in session.story(item["id"]).in_order:
        run.steps.add(
            Step(**{**fields_of(Step, step), "details": details_of(step), "usage": usage_of(step) or Usage()})
        )
    return run


def _run_of(session: Session, assistant_id: str) -> Json | None:
    """A run of an assistant that itself was never shown: it inherited what it does not override."""
    runs = (story.run for story in session.stories.values())
    return next((run for run in runs if run.get("assistant_id") == assistant_id), None)


def fields_of(record: type, shown: Json) -> dict[str, Any]:
    """Of a recorded object, what our record of it has a field for."""
    names = {item.name for item in fields(record)} - {"usage", "timeline", "steps"}
    return {key: value for key, value in shown.items() if key in names}


def details_of(step: Json) -> dict[str, Any]:
    """Step details as our record keeps them: the results of a search stand beside its type (`steps.tool_call`)."""
    details: dict[str, Any] = step["step_details"]
    if details["type"] != "tool_calls":
        return details
    calls = [
        {**call, "type": "file_search", "results": call[call["type"]].get("results") or []}
        if call["type"] in ("file_search", "retrieval")
        else call
        for call in details["tool_calls"]
    ]
    return {**details, "tool_calls": calls}
