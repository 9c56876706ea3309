"""A recorded session in plain text: requests with times and outcomes, then the conversations."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from itertools import groupby
from typing import TYPE_CHECKING, Any

from harness.recording.session import ID
from harness.recording.stories import TERMINAL
from harness.service.explain import shortened
from harness.source.acts import to_call
from harness.source.values import to_source

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.recording.session import Json, ParsedExchange, Session
    from harness.recording.stories import Story

MAX_TEXT = 72  # characters of a text
SHORT_ID = re.compile(r"(?<=[_-]....)\w+\Z")
SPACES = re.compile(r"\s+")


def timeline(session: Session) -> str:
    """The exchanges in order, repeated ones in one line; then each thread with its messages and runs.

    >>> from harness.recording.session import Session
    >>> print(timeline(Session.of([])))
    0 exchanges
    """
    parts = [_title(session), "\n".join(_exchanges(session))]
    parts += ["\n".join(_thread(session, thread_id)) for thread_id in _threads(session)]
    return "\n\n".join(filter(None, parts))


def _title(session: Session) -> str:
    count = len(session.exchanges)
    parts = [f"{count} exchange{'' if count == 1 else 's'}"]
    if session.start is not None:
        parts.append(f"from {datetime.fromtimestamp(session.start, timezone.utc):%Y-%m-%d %H:%M:%S} UTC")
    versions = (exchange.recorded.request.headers.get("openai-beta", "") for exchange in session.exchanges)
    parts += sorted({beta.partition("assistants=")[2] for beta in versions} - {""})
    return ", ".join(parts)


# --- exchanges ------------------------------------------------------------------------------------------------


def _exchanges(session: Session) -> Iterator[str]:
    """A line for each exchange, and one for several in a row with the same outcome."""
    rows = [(_offset(each, session), f"{each.method} {_path(each)}", _outcome(each)) for each in session.exchanges]
    wide = max((len(what) for _, what, _ in rows), default=0)
    for (what, outcome), same in groupby(rows, key=lambda row: row[1:]):
        times = [when for when, _, _ in same]
        again = f"   ({len(times)} times)" if len(times) > 1 else ""
        yield f"{times[0]:>9}  {what:{wide}}  {outcome}{again}".rstrip()


def _path(exchange: ParsedExchange) -> str:
    """The path with shortened ids, because the outcome shows them in full; a refusal may not, so its path is whole."""
    return ID.sub(lambda match: SHORT_ID.sub("…", match[0]), exchange.path) if exchange.ok else exchange.path


def _offset(exchange: ParsedExchange, session: Session) -> str:
    at, start = exchange.recorded.at, session.start
    return "" if at is None or start is None else f"{at - start:.0f} s"


def _outcome(exchange: ParsedExchange) -> str:
    if not exchange.ok:
        error = exchange.response_json.get("error") if isinstance(exchange.response_json, dict) else None
        return f"{exchange.status} {_short(str(error.get('message', '')) if isinstance(error, dict) else '')}".rstrip()
    if exchange.events:
        return f"{len(exchange.events)} events, the last {exchange.events[-1][0]}"
    if exchange.validation_errors:
        return f"{exchange.status}, {exchange.validation_errors[0]} is not what the service sends"
    if not isinstance(exchange.response_json, dict):
        return f"{exchange.status}, {len(exchange.recorded.response_body)} bytes"
    return _object(exchange.response_json)


def _object(item: Json) -> str:
    kind = item.get("object")
    if kind in ("list", "vector_store.search_results.page") and isinstance(item.get("data"), list):
        listed = [str(entry.get("id", "")) for entry in item["data"] if isinstance(entry, dict)]
        return f"{len(listed)} listed" + (f": {listed[0]} …" if listed and listed[0] else "")
    words = [str(item[key]) for key in ("id", "status", "name", "filename") if item.get(key)]
    if kind == "thread.message":
        words.append(f"{item['role']}: {_text(item)}")
    return " ".join(words)


# --- conversations --------------------------------------------------------------------------------------------


def _threads(session: Session) -> list[str]:
    """The ids of threads of which messages or runs were shown, in the order of first mention."""
    shown = {item.get("thread_id") for item in session.first_shown.values()}
    return [found for found in session.mentioned_ids if found in shown]


def _thread(session: Session, thread_id: str) -> Iterator[str]:
    yield thread_id
    messages = session.of_thread("thread.message", thread_id)
    runs = session.of_thread("thread.run", thread_id)
    # a message that a run wrote is printed with the run, if the run was shown
    rows = [(item["created_at"], 0, item) for item in messages if item.get("run_id") not in session.first_shown]
    rows += [(item["created_at"], 1, item) for item in runs]
    for _, is_run, item in sorted(rows, key=lambda row: row[:2]):
        if is_run:
            yield from _run(session.story(item["id"]), _statuses(session, item["id"]))
        else:
            yield f"    {item['role']}: {_text(item)}"


def _statuses(session: Session, run_id: str) -> list[str]:
    """The statuses in which a run was shown, without repetitions and up to its end: lists may show an older one."""
    objects = (item for exchange in session.exchanges for item in exchange.objects)
    shown = (item["status"] for item in objects if item["object"] == "thread.run" and item["id"] == run_id)
    found: list[str] = []
    for status in shown:
        if found[-1:] != [status] and (not found or found[-1] not in TERMINAL):
            found.append(status)
    return found


def _run(story: Story, statuses: list[str]) -> Iterator[str]:
    """The statuses of a run, then what the model did in it."""
    run = story.run
    yield f"    {run['id']}: {' → '.join(statuses)}{_reason(run)}"
    yield from (f"        {_short(to_source(to_call(act)))}" for act in story.acts)


def _reason(run: Json) -> str:
    if run.get("last_error"):
        return f" — {run['last_error']['code']}: {_short(run['last_error']['message'])}"
    reason = (run.get("incomplete_details") or {}).get("reason")
    return f" — {reason}" if reason else ""


def _text(message: Json) -> str:
    return _short(" ".join(_part(part) for part in message["content"])) or "(empty)"


def _part(part: Json) -> str:
    value: Any = part[part["type"]]
    return str(value["value"]) if part["type"] == "text" else f"({part['type']}: {_first_id(value)})"


def _first_id(value: object) -> str:
    return next(iter(ID.findall(str(value))), _short(str(value)))


def _short(text: str) -> str:
    """The text on one line, cut to `MAX_TEXT` characters."""
    line = SPACES.sub(" ", text).strip()
    return shortened(line, MAX_TEXT)
