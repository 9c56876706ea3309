"""Seeds a world with what existed before a recording: the objects that a session uses and did not create."""

from __future__ import annotations

from collections import Counter
from dataclasses import fields
from functools import partial
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from harness.recording.session import ID, Json, Session
from harness.recording.stories import usage_of
from harness.service.indexing import COUNTED_STATUSES
from harness.service.lifecycle import NEW
from harness.service.records import Assistant, File, Message, Run, Step, StoreFile, Thread, Usage, VectorStore
from harness.service.resources.vector_stores import chunking_of
from harness.service.script import Playback, Script
from harness.service.store import kind_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.service.context import World

EARLIER_SCRIPT = Script((), "before the recording")


def seed_world(session: Session, world: World) -> None:
    """Add the objects that existed before the recording, as first shown; what was never shown is added empty."""
    missing = _not_found(session)
    order = {object_id: index for index, object_id in enumerate(session.first_shown)}

    def age(object_id: str) -> tuple[int, int]:
        """A sort key: objects of the same second were created in the order in which lists show them."""
        return session.first_shown.get(object_id, {}).get("created_at", 0), order.get(object_id, 0)

    for object_id in sorted(session.mentioned_ids, key=age):
        if object_id not in session.created_by and object_id not in missing:
            seed_object(session, world, object_id)


def seed_object(session: Session, world: World, object_id: str) -> None:
    """Add one object to the world, if it is of a kind with a seeder and not there yet."""
    make = _SEEDERS.get(kind_of(object_id))
    tables = (world.store.assistants, world.store.threads, world.store.files, world.store.vector_stores)
    if make is not None and not any(object_id in table for table in tables):
        make(session, world, object_id)


def start_run(world: World, shown: Json, script: Script, *, until: str) -> None:
    """Start a run that was shown, and let time pass until it has this status, as in the answer that showed it."""
    thread = world.store.threads.get(shown["thread_id"])
    if thread is None or shown["id"] in thread.runs:
        return
    run = thread.runs.add(Run(**{**fields_of(Run, shown), "status": NEW, "required_action": None}))
    world.director.reserved = script
    run.playback = world.director.assign(run.id, partial(world.engine.view, run))
    world.director.reserved = None
    world.engine.create(run)
    while run.active and run.status != until and world.clock.fire_next():
        pass


def _not_found(session: Session) -> set[str]:
    """Ids that were answered with 404, and that no answer ever showed."""
    refused = {found for exchange in session.exchanges if exchange.status == 404 for found in ID.findall(exchange.path)}
    shown = {
        item
        for exchange in session.exchanges
        if exchange.ok
        for item in (*ID.findall(exchange.path), *session.first_shown)
    }
    return refused - shown


def _seed_assistant(session: Session, world: World, object_id: str) -> None:
    shown = session.first_shown.get(object_id) or _run_of(session, object_id) or {}
    values = {"model": "gpt-4o", "created_at": world.second, **fields_of(Assistant, shown), "id": object_id}
    values["file_ids"] = dict.fromkeys(values.get("file_ids", ()), world.second)
    world.store.assistants.add(Assistant(**values))


def _seed_thread(session: Session, world: World, object_id: str) -> None:
    """A thread with the messages and runs that no recorded request created."""
    shown = session.first_shown.get(object_id, {})
    thread = Thread(**{"created_at": world.second, **fields_of(Thread, shown), "id": object_id})
    world.store.threads.add(thread)
    for item in session.of_thread("thread.message", object_id):
        if item["id"] not in session.created_by and item.get("run_id") not in session.created_by:
            thread.messages.add(_message_of(item))
    for item in session.of_thread("thread.run", object_id):
        if item["id"] not in session.created_by:
            thread.runs.add(_earlier_run(session, session.story(item["id"]).run))


def _seed_message(session: Session, world: World, object_id: str) -> None:
    shown = session.first_shown.get(object_id, {})
    thread = world.store.threads.get(shown.get("thread_id", ""))
    if thread is not None and object_id not in thread.messages and shown.get("run_id") not in session.created_by:
        thread.messages.add(_message_of(shown))


def _seed_file(session: Session, world: World, object_id: str) -> None:
    """A file; its content is known only if it was downloaded, and then it was probably written by the model."""
    shown = session.first_shown.get(object_id, {})
    content = session.file_contents.get(object_id, b"")
    purpose = "assistants_output" if object_id in session.file_contents or not shown else "assistants"
    values = {"filename": f"{object_id}.bin", "purpose": purpose, "created_at": world.second, **fields_of(File, shown)}
    known = object_id in session.file_contents
    world.store.files.add(File(**{**values, "id": object_id, "content": content, "content_known": known}))


def _seed_vector_store(session: Session, world: World, object_id: str) -> None:
    """A vector store with the files that were shown in it, none in progress any more, and counts of all others."""
    shown = session.first_shown.get(object_id, {})
    values = {"created_at": world.second, **fields_of(VectorStore, shown), "id": object_id}
    store = world.store.vector_stores.add(VectorStore(**values))
    for item in session.earlier_files_of_store(object_id):
        file_values = fields_of(StoreFile, item)
        file_values["status"] = "completed" if item["status"] == "in_progress" else item["status"]
        store.files.add(StoreFile(**file_values, chunking=chunking_of(item.get("chunking_strategy"))))
    if not _was_filled(session, object_id, shown):
        store.unseen_bytes = max(0, shown.get("usage_bytes", 0) - sum(file.usage_bytes for file in store.files))
        store.unseen = _unseen(shown.get("file_counts", {}), store)


def _was_filled(session: Session, store_id: str, shown: Json) -> bool:
    """Whether a recorded request added files before the store was first shown, whose counts then include them."""
    before = takewhile(lambda exchange: shown not in exchange.objects, session.exchanges)
    return any(
        exchange.method == "POST" and exchange.path.startswith(f"/vector_stores/{store_id}/file") for exchange in before
    )


def _unseen(counted: dict[str, int], store: VectorStore) -> dict[str, int]:
    more = Counter({status: counted.get(status, 0) for status in COUNTED_STATUSES})
    more["completed"] += more.pop("in_progress")
    return dict(more - Counter(file.status for file in store.files))


def _message_of(shown: Json) -> Message:
    return Message(**{**fields_of(Message, shown), "status": "completed"})


_SEEDERS: dict[str, Callable[[Session, World, str], None]] = {
    "asst": _seed_assistant,
    "thread": _seed_thread,
    "file": _seed_file,
    "vs": _seed_vector_store,
    "msg": _seed_message,
}


def _earlier_run(session: Session, item: Json) -> Run:
    """A run whose creation was not recorded, as it was shown last."""
    run = Run(**{**fields_of(Run, item), "usage": usage_of(item)})
    run.playback = Playback(EARLIER_SCRIPT)
    for step in session.story(item["id"]).ordered_steps:
        run.steps.add(
            Step(**{**fields_of(Step, step), "details": details_of(step), "usage": usage_of(step) or Usage()})
        )
    return run


def _run_of(session: Session, assistant_id: str) -> Json | None:
    """A run of an assistant that itself was never shown: the run inherited what it did not override."""
    runs = (story.run for story in session.stories.values())
    return next((run for run in runs if run.get("assistant_id") == assistant_id), None)


def fields_of(record: type, shown: Json) -> dict[str, Any]:
    """The values of a recorded object for which a record type has a field."""
    names = {item.name for item in fields(record)} - {"usage", "timeline", "steps"}
    return {key: value for key, value in shown.items() if key in names}


def details_of(step: Json) -> dict[str, Any]:
    """Step details as records keep them: with a search's results next to its type (`steps.tool_call`)."""
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
