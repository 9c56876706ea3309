"""Recorded sessions as an HTML page: what `harness.report` shows of a fake, from a cassette.

Statuses are those that answers showed. Their times are the service's own where the object has them (`started_at` and
the like), otherwise those of the answers that showed them.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from harness.recording.cassettes import read
from harness.recording.exchanges import by_conversation, malformed_as_failure
from harness.recording.session import STORE_FILE, Session
from harness.recording.stories import TERMINAL
from harness.report import bodies, rows
from harness.report.page import page
from harness.service.lifecycle import RUN, STEP
from harness.service.params.upload import parts

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Sequence

    from harness.recording.session import Json, ParsedExchange

# The field with the time at which a run reached a status. `queued` has only that of the first time.
STAMPS = {row.to: row.stamps[0] for row in RUN if row.stamps}
# The specification also has a field for expired steps, which the fake does not write (`STEP`)
ENDS = (*dict.fromkeys(row.stamps[0] for row in STEP if row.stamps and row.because != "begin"), "expired_at")


def report(paths: Sequence[str | os.PathLike[str]]) -> str:
    """An HTML page with all conversations of these cassettes, each as a world of its own.

    Raises:
        HarnessFailure: a file is missing, broken, or in no dialect that is known.
    """
    files = [Path(path) for path in paths]
    names = [path.name for path in files]
    worlds: dict[str, Json] = {}
    for path in files:
        name = path.name if names.count(path.name) == 1 else str(path)
        skipped: list[str] = []
        for conversation, exchanges in by_conversation(read(path, skipped)).items():
            session = Session.of(exchanges)
            with malformed_as_failure(path):
                worlds[" ".join(filter(None, (name, conversation)))] = world(session, left_out=skipped)
            skipped = []  # shown once, with the first conversation of the file
    return page(worlds, title=names[0] if len(names) == 1 else f"{len(names)} cassettes")


def world(recorded: str | os.PathLike[str] | Session, *, left_out: Sequence[str] = ()) -> Json:
    """A recorded conversation in the form of `harness.report.data.world`.

    Args:
        recorded: a session, or a cassette; if it holds several conversations, all of them.
        left_out: a line for each record of the cassette that could not be read, to be shown on the page.

    Raises:
        HarnessFailure: the file is missing, broken, or in no dialect that is known.

    >>> world(Session.of([]))["threads"]
    []
    """
    session = recorded if isinstance(recorded, Session) else Session.of(read(recorded))
    objects = _last_shown(session)
    contents = {**dict(_uploads(session)), **session.file_contents}
    unseen = [{"id": file_id} for file_id in contents if file_id not in objects]
    return rows.world(
        source="cassette",
        start=session.start,
        now=_last_time(session),
        failures=left_out,
        assistants=(_of_kind(objects, "assistant"), rows.assistant),
        threads=(_threads(session, objects), lambda item: _thread(session, objects, item)),
        files=([*_of_kind(objects, "file"), *unseen], lambda item: rows.file(item, contents.get(item["id"]))),
        stores=(_of_kind(objects, "vector_store"), lambda item: rows.store(item, _store_files(session, item["id"]))),
        requests=(list(enumerate(session.exchanges, 1)), _request),
    )


def _last_shown(session: Session) -> dict[str, Json]:
    """Each object as it was shown last, by its id, with keys that only earlier answers showed, such as a status."""
    objects: dict[str, Json] = {}
    for exchange in session.exchanges:
        for item in exchange.objects if exchange.ok else ():
            if "id" in item and "created_at" in item and item["object"] != STORE_FILE:
                objects[item["id"]] = {**objects.get(item["id"], {}), **item}
    objects.update((run_id, story.run) for run_id, story in session.stories.items() if story.run)
    return objects


def _of_kind(objects: dict[str, Json], kind: str) -> list[Json]:
    return sorted((item for item in objects.values() if item["object"] == kind), key=_created_at)


def _created_at(item: Json) -> int:
    return item["created_at"] or 0


def _last_time(session: Session) -> float | None:
    times = [exchange.recorded.at for exchange in session.exchanges if exchange.recorded.at is not None]
    return max(times, default=None)


# --- threads --------------------------------------------------------------------------------------------------


def _threads(session: Session, objects: dict[str, Json]) -> list[Json]:
    """The threads that were shown, or an object of which was, in the order of first mention."""
    shown = {item.get("thread_id") for item in objects.values()}
    shown |= {item["id"] for item in objects.values() if item["object"] == "thread"}
    return [objects.get(found, {"id": found}) for found in session.mentioned_ids if found in shown]


def _thread(session: Session, objects: dict[str, Json], thread: Json) -> Json:
    inside = [item for item in objects.values() if item.get("thread_id") == thread["id"]]
    order = {item["id"]: index for index, item in enumerate(session.of_thread("thread.message", thread["id"]))}
    messages = sorted(
        (item for item in inside if item["object"] == "thread.message"), key=lambda item: order[item["id"]]
    )
    runs = sorted((item for item in inside if item["object"] == "thread.run"), key=_created_at)
    return rows.thread(
        thread,
        [rows.message(_with_streamed_text(session, item)) for item in messages],
        [_run(session, item) for item in runs],
        deleted=any(_deletes(exchange, thread["id"]) for exchange in session.exchanges),
    )


def _deletes(exchange: ParsedExchange, thread_id: str) -> bool:
    return exchange.ok and exchange.method == "DELETE" and exchange.path == f"/threads/{thread_id}"


def _with_streamed_text(session: Session, message: Json) -> Json:
    """A message; if it was never shown with content, with the text of its streamed deltas."""
    pieces = session.story(message["run_id"]).pieces.get(message["id"]) if message.get("run_id") else None
    if message.get("content") or not pieces:
        return message
    return {**message, "content": [{"type": "text", "text": {"value": "".join(pieces), "annotations": []}}]}


def _run(session: Session, run: Json) -> Json:
    story = session.story(run["id"])
    steps = [rows.step(step, at=step["created_at"], end=_stamp(step, *ENDS)) for step in story.ordered_steps]
    in_steps = {call["id"] for step in story.steps.values() for call in step["step_details"].get("tool_calls", ())}
    waiting = (run.get("required_action") or {}).get("submit_tool_outputs") or {}
    in_steps |= {call["id"] for call in waiting.get("tool_calls", ())}
    outputs = dict(_submitted(session, run["id"]))
    calls = [_with_output(call, outputs) for call_id, call in story.calls.items() if call_id not in in_steps]
    return rows.run(run, moments=list(_status_changes(session, run["id"])), steps=steps, calls=calls)


def _submitted(session: Session, run_id: str) -> Iterator[tuple[str, str]]:
    """The id of each call and the output that the client submitted for it."""
    for exchange in session.exchanges:
        if exchange.ok and exchange.path.endswith(f"/{run_id}/submit_tool_outputs"):
            for given in _outputs(exchange.recorded.request_body):
                yield given["tool_call_id"], given.get("output") or ""


def _outputs(sent: bytes) -> list[Json]:
    """The tool outputs in the body of a request; none where the body was not recorded."""
    try:
        body = from_json(sent)
    except ValueError:
        return []
    return body.get("tool_outputs") or [] if isinstance(body, dict) else []


def _with_output(call: Json, outputs: dict[str, str]) -> Json:
    return {**call, "function": {**call["function"], "output": outputs.get(call["id"])}}


def _status_changes(session: Session, run_id: str) -> Iterator[Json]:
    """Each status that answers showed of a run, and since when, if that is known."""
    status, at = "", None
    for exchange in session.exchanges:
        for item in exchange.objects:
            is_it = item["object"] == "thread.run" and item["id"] == run_id
            if not is_it or item["status"] == status or status in TERMINAL:  # a list may show an older status
                continue
            stamp = _stamp(item, STAMPS.get(item["status"], "")) if not status or item["status"] != "queued" else None
            since = exchange.recorded.at if stamp is None else stamp
            # the clocks of the service and the recorder may differ, but times must not decrease
            at = since if at is None or since is None else max(at, since)
            status = item["status"]
            yield rows.moment(status, None if since is None else at)


def _stamp(item: Json, *names: str) -> float | None:
    return next((item[name] for name in names if item.get(name) is not None), None)


# --- files and requests ---------------------------------------------------------------------------------------


def _uploads(session: Session) -> Iterator[tuple[str, bytes]]:
    """The id and the content of each file that was uploaded."""
    for exchange in session.exchanges:
        kind = exchange.recorded.request.headers.get("content-type", "")
        if exchange.path == "/files" and kind.startswith("multipart/"):
            sent = [
                bytes(part.content) for part in parts(exchange.recorded.request_body, kind) if part.filename is not None
            ]
            yield from ((made["id"], content) for made, content in zip(exchange.created, sent, strict=False))


def _store_files(session: Session, store_id: str) -> list[Json]:
    """The files that were shown in a vector store, each as it was shown last."""
    last: dict[str, Any] = {}
    for exchange in session.exchanges:
        for item in exchange.objects:
            if item["object"] == STORE_FILE and item.get("vector_store_id") == store_id:
                last[item["id"]] = item
    return list(last.values())


def _request(numbered: tuple[int, ParsedExchange]) -> Json:
    number, exchange = numbered
    recorded = exchange.recorded
    return rows.request(
        number,
        recorded.request,
        at=recorded.at,
        status=exchange.status,
        outcome=str(exchange.status),
        problem=None if exchange.ok else bodies.error_text(exchange.response_json),
        got=bodies.body(recorded.response_body, recorded.response.headers.get("content-type", "")),
    )
