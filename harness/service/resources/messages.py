"""Messages: the object and its endpoints (CONTRACT §1.3, §2.3), and the files of one in v1 (§1.7)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import conflicts
from harness.service.context import PATH_IDS, listing
from harness.service.lifecycle import MESSAGE, advance
from harness.service.records import Message
from harness.service.resources import tools

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from harness.service.context import Call
    from harness.service.records import Run, Thread

MAX_MESSAGES = 100_000  # CONTRACT §8


def wire(call: Call, message: Message, *, shape: str = "thread.message") -> dict[str, Any]:
    """The message as the wire shows it: outside streams without a status, in v2 without quotes (CONTRACT §2.3)."""
    return call.world.shapes.show(
        shape,
        call.api,
        message,
        {
            "object": "thread.message",
            "incomplete_details": None if message.incomplete_reason is None else {"reason": message.incomplete_reason},
            "content": message.content if call.api == "v2" else quoted(message.content),
            "attachments": message.shown_attachments,
            "file_ids": message.files,
        },
    )


def quoted(parts: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts with the `quote` that citations have in v1 and in deltas, empty unless it is known."""
    return [_quoted(part) if part["type"] == "text" and part["text"].get("annotations") else part for part in parts]


def _quoted(part: dict[str, Any]) -> dict[str, Any]:
    annotations = [
        {**annotation, "file_citation": {**cited, "quote": cited.get("quote", "")}}
        if (cited := annotation.get("file_citation")) is not None
        else annotation
        for annotation in part["text"]["annotations"]
    ]
    return {**part, "text": {**part["text"], "annotations": annotations}}


def build_all(call: Call, thread: Thread, bodies: Sequence[Any], at: str = "") -> list[Message]:
    """Make messages from bodies, not yet in the thread, so that none is added if one of them is refused.

    `at` is the parameter with the list of bodies, if there is one.
    """
    if len(thread.messages) + len(bodies) > MAX_MESSAGES:
        raise conflicts.too_many_messages(thread.id)
    built = []
    for index, body in enumerate(bodies):
        sent = vars(body)  # in v1 with `file_ids` instead of `attachments`
        attachments = tools.as_json(sent.get("attachments")) or []
        file_ids: list[str] = list(sent.get("file_ids") or ())
        for file_id in file_ids:
            tools.find_file(call, file_id)
        place = f"{at}[{index}]." if at else ""
        for number, attachment in enumerate(attachments):
            tools.find_file(call, attachment["file_id"], f"{place}attachments[{number}].file_id")
        tools.check_searchable(call, attachments)
        message = Message(
            id=call.store.ids.make("msg_"),
            thread_id=thread.id,
            role=body.role,
            content=content(body.content),
            attachments=attachments,
            file_ids=file_ids,
            metadata=body.metadata or {},
        )
        built.append(message)
    for message in built:
        advance(message, MESSAGE, "create", now=call.world.clock.now)
    return built


def add_all(call: Call, thread: Thread, built: Iterable[Message]) -> None:
    """Add messages to the thread, and their attachments to its tool resources. Nothing is refused here."""
    for message in built:
        tools.attach_files(call, thread, message.attachments)
        thread.messages.add(message)


def share_files(call: Call, thread: Thread, run: Run) -> None:
    """Add the files of v1's messages to the thread's resources, for the tools of this run (CONTRACT §10)."""
    tools.share_with_v2(
        call, thread, run.tools, (file_id for message in thread.messages for file_id in message.file_ids)
    )


def content(given: Any) -> list[dict[str, Any]]:
    """The content parts as a reply shows them: a text becomes an object with annotations, an image gets its detail."""
    if isinstance(given, str):
        return [_text(given)]
    return [_part(part) for part in tools.as_json(given)]


def _text(value: str) -> dict[str, Any]:
    return {"type": "text", "text": {"value": value, "annotations": []}}


def _part(part: dict[str, Any]) -> dict[str, Any]:
    kind = part["type"]
    if kind == "text":
        return _text(part["text"])
    return {"type": kind, kind: {**part[kind], "detail": part[kind].get("detail") or "auto"}}


def create(call: Call) -> dict[str, Any]:
    thread = call.thread
    [message] = built = build_all(call, thread, [call.body])
    if (run := thread.active_run) is not None:
        raise conflicts.thread_locked_for_messages(thread.id, run.id)
    add_all(call, thread, built)
    return wire(call, message)


def retrieve(call: Call) -> dict[str, Any]:
    return wire(call, call.message)


def modify(call: Call) -> dict[str, Any]:
    """The answer has `file_ids` instead of `attachments`, in both versions (CONTRACT §2.3)."""
    if "metadata" in call.body.model_fields_set:
        call.message.metadata = call.body.metadata or {}
    return wire(call, call.message, shape="thread.message modified")


def delete(call: Call) -> dict[str, Any]:
    call.thread.messages.remove(call.message.id)
    return {"id": call.message.id, "object": "thread.message.deleted", "deleted": True}


def index(call: Call) -> dict[str, Any]:
    """With `run_id`, only the messages that this run created (CONTRACT §6)."""
    run_id = getattr(call.query, "run_id", None)
    where = None if run_id is None else lambda message: message.run_id == run_id
    return listing(call, call.thread.messages, "message_id", lambda message: wire(call, message), where=where)


# --- v1: files of a message ---------------------------------------------------------------------------------


def file_wire(message: Message, file_id: str) -> dict[str, Any]:
    return {
        "id": file_id,
        "object": "thread.message.file",
        "created_at": message.created_at,
        "message_id": message.id,
    }


def retrieve_file(call: Call) -> dict[str, Any]:
    file_id = call.path_ids["message_file_id"]
    if file_id not in call.message.files:
        raise PATH_IDS["message_file_id"].missing(file_id)
    return file_wire(call.message, file_id)


def index_files(call: Call) -> dict[str, Any]:
    return tools.attached_page(
        call, call.message.files, "message_file_id", lambda file_id: file_wire(call.message, file_id)
    )
