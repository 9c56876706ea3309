"""Recorded sessions as a page for people: what `harness.report` shows of a fake, from a cassette.

Statuses are those that somebody saw. Their times are the service's own where an answer stamps them (`started_at` and
the like), and else when the answer came that showed them.
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

# Where an object stamps that it got into a status. Of `queued` only the first time is stamped.
STAMPS = {row.to: row.stamps[0] for row in RUN if row.stamps}
# An expired step has its stamp, too, in the specification; the fake does not write it (`STEP`)
ENDS = (*dict.fromkeys(row.stamps[0] for row in STEP if row.stamps and row.because != "begin"), "expired_at")


def report(paths: Sequence[str | os.PathLike[str]]) -> str:
    """One HTML page with all conversations of these cassettes, one world each.

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
            skipped = []  # told once, in the first world of the file
    return page(worlds, title=names[0] if len(names) == 1 else f"{len(names)} cassettes")


def world(recorded: str | os.PathLike[str] | Session, *, left_out: Sequence[str] = ()) -> Json:
    """A recorded conversation in the form of `harness.report.data.world`.

    Args:
        recorded: a session, or a cassette; if it holds several conversations, all of them.
        left_out: records of the cassette that could not be read, a line each, to be told on the page.

    Raises:
        HarnessFailure: the file is missing, broken, or in no dialect that is known.

    >>> world(Session.of([]))["threads"]
    []
    """
    session = recorded if isinstance(recorded, Session) else Session.of(read(recorded))
    known = _known(session)
    contents = {**dict(_uploads(session)), **session.file_contents}
    unseen = [{"id": file_id} for file_id in contents if file_id not in known]
    return rows.world(
        source="cassette",
        start=session.start,
        now=_end(session),
        failures=left_out,
        assistants=(_of_kind(known, "assistant"), rows.assistant),
        threads=(_threads(session, known), lambda item: _thread(session, known, item)),
        files=([*_of_kind(known, "file"), *unseen], lambda item: rows.file(item, contents.get(item["id"]))),
        stores=(_of_kind(known, "vector_store"), lambda item: rows.store(item, _entries(session, item["id"]))),
        requests=(list(enumerate(session.exchanges, 1)), _request),
    )


def _known(session: Session) -> dict[str, Json]:
    """Each object as it was shown last, with what only earlier answers showed, such as the status of a message."""
    known: dict[str, Json] = {}
    for seen in session.exchanges:
        for item in seen.objects if seen.ok else ():
            if "id" in item and "created_at" in item and item["object"] != STORE_FILE:
                known[item["id"]] = {**known.get(item["id"], {}), **item}
    known.update((run_id, story.run) for run_id, story in session.stories.items() if story.run)
    return known


def _of_kind(known: dict[str, Json], kind: str) -> list[Json]:
    return sorted((item for item in known.values() if item["object"] == kind), key=_made)


def _made(item: Json) -> int:
    return item["created_at"] or 0


def _end(session: Session) -> float | None:
    times = [seen.recorded.at for seen in session.exchanges if seen.recorded.at is not None]
    return max(times, default=None)


# --- threads --------------------------------------------------------------------------------------------------


def _threads(session: Session, known: dict[str, Json]) -> list[Json]:
    """The threads that were shown, or in which something was, as they were first mentioned."""
    there = {item.get("thread_id") for item in known.values()}
    there |= {item["id"] for item in known.values() if item["object"] == "thread"}
    return [known.get(found, {"id": found}) for found in session.mentioned_ids if found in there]


def _thread(session: Session, known: dict[str, Json], thread: Json) -> Json:
    inside = [item for item in known.values() if item.get("thread_id") == thread["id"]]
    order = {item["id"]: place for place, item in enumerate(session.of_thread("thread.message", thread["id"]))}
    messages = sorted(
        (item for item in inside if item["object"] == "thread.message"), key=lambda item: order[item["id"]]
    )
    runs = sorted((item for item in inside if item["object"] == "thread.run"), key=_made)
    return rows.thread(
        thread,
        [rows.message(_whole(session, item)) for item in messages],
        [_run(session, item) for item in runs],
        deleted=any(_deletes(seen, thread["id"]) for seen in session.exchanges),
    )


def _deletes(seen: ParsedExchange, thread_id: str) -> bool:
    return seen.ok and seen.method == "DELETE" and seen.path == f"/threads/{thread_id}"


def _whole(session: Session, message: Json) -> Json:
    """A message with what a stream told of it, should it never have been shown whole."""
    pieces = session.story(message["run_id"]).pieces.get(message["id"]) if message.get("run_id") else None
    if message.get("content") or not pieces:
        return message
    return {**message, "content": [{"type": "text", "text": {"value": "".join(pieces), "annotations": []}}]}


def _run(session: Session, run: Json) -> Json:
    story = session.story(run["id"])
    steps = [rows.step(step, at=step["created_at"], end=_stamp(step, *ENDS)) for step in story.ordered_steps]
    told = {call["id"] for step in story.steps.values() for call in step["step_details"].get("tool_calls", ())}
    waiting = (run.get("required_action") or {}).get("submit_tool_outputs") or {}
    told |= {call["id"] for call in waiting.get("tool_calls", ())}
    outputs = dict(_submitted(session, run["id"]))
    calls = [_answered(call, outputs) for call_id, call in story.calls.items() if call_id not in told]
    return rows.run(run, moments=list(_moments(session, run["id"])), steps=steps, calls=calls)


def _submitted(session: Session, run_id: str) -> Iterator[tuple[str, str]]:
    """What the client submitted, by the ids of the calls."""
    for seen in session.exchanges:
        if seen.ok and seen.path.endswith(f"/{run_id}/submit_tool_outputs"):
            for given in _outputs(seen.recorded.request_body):
                yield given["tool_call_id"], given.get("output") or ""


def _outputs(sent: bytes) -> list[Json]:
    """Those in a request; none where its body was not kept."""
    try:
        asked = from_json(sent)
    except ValueError:
        return []
    return asked.get("tool_outputs") or [] if isinstance(asked, dict) else []


def _answered(call: Json, outputs: dict[str, str]) -> Json:
    return {**call, "function": {**call["function"], "output": outputs.get(call["id"])}}


def _moments(session: Session, run_id: str) -> Iterator[Json]:
    """Each status that the run was seen in, and since when as far as anybody knows; a list may show an older one."""
    status, at = "", None
    for seen in session.exchanges:
        for item in seen.objects:
            is_it = item["object"] == "thread.run" and item["id"] == run_id
            if not is_it or item["status"] == status or status in TERMINAL:
                continue
            stamp = _stamp(item, STAMPS.get(item["status"], "")) if not status or item["status"] != "queued" else None
            known = seen.recorded.at if stamp is None else stamp
            # the service's clock and the recorder's may differ; time goes on all the same
            at = known if at is None or known is None else max(at, known)
            status = item["status"]
            yield rows.moment(status, None if known is None else at)


def _stamp(item: Json, *names: str) -> float | None:
    return next((item[name] for name in names if item.get(name) is not None), None)


# --- files and requests ---------------------------------------------------------------------------------------


def _uploads(session: Session) -> Iterator[tuple[str, bytes]]:
    """What was uploaded, by the ids of the files that became of it."""
    for seen in session.exchanges:
        kind = seen.recorded.request.headers.get("content-type", "")
        if seen.path == "/files" and kind.startswith("multipart/"):
            sent = [
                bytes(part.content) for part in parts(seen.recorded.request_body, kind) if part.filename is not None
            ]
            yield from ((made["id"], content) for made, content in zip(seen.created, sent, strict=False))


def _entries(session: Session, store_id: str) -> list[Json]:
    """The files that were seen in a store, as they were last."""
    last: dict[str, Any] = {}
    for seen in session.exchanges:
        for item in seen.objects:
            if item["object"] == STORE_FILE and item.get("vector_store_id") == store_id:
                last[item["id"]] = item
    return list(last.values())


def _request(numbered: tuple[int, ParsedExchange]) -> Json:
    number, seen = numbered
    recorded = seen.recorded
    return rows.request(
        number,
        recorded.request,
        at=recorded.at,
        status=seen.status,
        outcome=str(seen.status),
        problem=None if seen.ok else bodies.error_text(seen.response_json),
        got=bodies.body(recorded.response_body, recorded.response.headers.get("content-type", "")),
    )
