"""Rules for wrong results: each requires that the error, such as a failed assertion, quotes the conversation."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from harness.report.causes.evidence import body, waited_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.report.causes.evidence import FailedTest
    from harness.service.exchange import Exchange
    from harness.service.records import Run

MARK = r"【[^】]*】"
BETWEEN = r"[^\w]{1,4}(?:\w+\W{1,4})?"  # two texts of a list: a comma, a line break, a role


def no_answer(test: FailedTest) -> str | None:
    """CONTRACT §11: failed though every HTTP call was 200 (LibreChat#6728); requires_action taken for done (SEED4)."""
    for thread in reversed(test.threads):
        run, message = next(reversed(thread.runs), None), next(reversed(thread.messages), None)
        if run is None or message is None or run.status == "completed" or not test.shows(message.text):
            continue
        taken = None
        if not run.timeline or any(exchange.at >= run.timeline[-1].at for exchange in test.listed(thread)):
            taken = "the newest message"
        if message.run_id == run.id and test.streamed(run):
            taken = "what had come by then"
        if taken is not None:
            return f"{_status_text(run, test)}, and the code took {taken} for the answer: {ADVICE[run.status]}."
    return None


ADVICE = {
    **dict.fromkeys(("queued", "in_progress", "cancelling"), "wait until it has ended"),
    **dict.fromkeys(("cancelled", "expired"), "check run.status"),
    "requires_action": "submit them first",
    "failed": "check run.status and run.last_error",
    "incomplete": "check run.status and run.incomplete_details",
}


def _status_text(run: Run, test: FailedTest) -> str:
    """The status of a run that has no answer, with its reason."""
    if run.status == "requires_action":
        return f"{run.id} waits for the outputs of {waited_for(run)}"
    if run.last_error is None:
        reason = f" ({run.incomplete_reason})" if run.incomplete_reason is not None else ""
        return f"{run.id} is {run.status}{reason}"
    all_ok = all(exchange.status == 200 for exchange in test.exchanges)
    return f"{run.id} failed ({run.last_error['code']})" + (" although every HTTP answer was 200" if all_ok else "")


# --- messages -----------------------------------------------------------------------------------------------------


def several_messages(test: FailedTest) -> str | None:
    """CONTRACT §11: a run wrote several messages (DN:BasicRunStepFunctionalityWorks; SEED4)."""
    for run in test.runs:
        texts = [message.text for message in test.written if message.run_id == run.id]
        taken = [text for text in texts if test.shows(text)]
        all_known = all(text in test.error_text for text in texts)
        if run.status == "completed" and len(texts) > 1 and len(taken) == 1 and all_known:
            return f"{run.id} wrote {len(texts)} messages, and one was taken: list the messages with run_id=run.id."
    return None


def newest_first(test: FailedTest) -> str | None:
    """CONTRACT §11: newest message first (SEED2/3); sorting by created_at alone is unstable (DN:Pagination)."""
    for thread in reversed(test.threads):
        texts = [message.text for message in reversed(thread.messages) if message.text]
        if len(texts) < 2 or not _listed_newest_first(test.listed(thread)):
            continue
        in_a_row = BETWEEN.join(map(re.escape, texts))
        in_lists = re.escape(f"At index 0 diff: {texts[0]!r} != {texts[-1]!r}")
        if re.search(f"{in_a_row}|{in_lists}", test.error_text):
            seconds = {message.created_at for message in thread.messages}
            alone = "; created_at, the same for all of them, does not order them" if len(seconds) == 1 else ""
            return f'messages were listed newest first: messages.list(…, order="asc") has them in their order{alone}.'
    return None


def oldest_taken(test: FailedTest) -> str | None:
    """CONTRACT §11: newest message first: data[0] is the answer (SEED2/3 text)."""
    for thread in reversed(test.threads):
        oldest, newest = next(iter(thread.messages), None), next(reversed(thread.messages), None)
        if (
            oldest is None
            or newest is None
            or oldest.role == newest.role
            or not _listed_newest_first(test.listed(thread))
        ):
            continue
        if test.shows_actual(oldest.text) and test.shows(newest.text):
            return f"messages are listed newest first: data[-1] is the oldest of {thread.id}, the newest is data[0]."
    return None


def _listed_newest_first(listed: list[Exchange]) -> bool:
    return bool(listed) and listed[-1].request.query.get("order") != ["asc"]


def citation_marks_left(test: FailedTest) -> str | None:
    """CONTRACT §11: citation markers `【…†source】` left in text (SEED3 outputs)."""
    for message in test.written:
        marks = re.findall(MARK, message.text)
        if marks and test.shows(message.text) and test.shows(re.sub(MARK, "", message.text)):
            return f"{marks[0]} is a mark of a citation, and part of the text: replace what each annotation names."
    return None


def mangled_arguments(test: FailedTest) -> str | None:
    r"""CONTRACT §11: bad escapes: SEED2 shows `\f`, `\t` mangled by LaTeX in arguments."""
    for call in test.calls:
        for value in _texts(call["arguments"]):
            if re.search(r"[\b\f\t][a-z]", value) and test.shows(value):
                return f"the model wrote backslashes into the arguments of {call['name']}, which JSON took for escapes."
    return None


def _texts(arguments: str) -> Iterator[str]:
    try:
        parsed = json.loads(arguments)
    except ValueError:
        return
    if isinstance(parsed, dict):
        yield from (value for value in parsed.values() if isinstance(value, str))


# --- file search --------------------------------------------------------------------------------------------------


def search_found_nothing(test: FailedTest) -> str | None:
    """CONTRACT §11: run started before the vector store finished (AZ-fs); completed with failed files (RB)."""
    for run in test.runs:
        parts = [part for step in run.steps for part in step.details.get("tool_calls", ())]
        searches = [part for part in parts if part["type"] == "file_search"]
        if not searches or any(part.get("results") for part in searches) or not _concerns_search(run, test):
            continue
        for store_id, status in _store_statuses(test, run).items():
            if status == "failed":
                return f"a file of {store_id} could not be indexed, and was not searched: check file_counts."
            if status == "in_progress":
                return f"{run.id} searched before {store_id} was ready: poll it, for only a thread's own is waited for."
    return None


def _concerns_search(run: Run, test: FailedTest) -> bool:
    """Whether the failure concerns what the run found: the error quotes its message, or shows an empty result."""
    if test.raised(IndexError) is not None or "[]" in test.error_text:
        return True
    return any(message.run_id == run.id and test.shows(message.text) for message in test.written)


def _store_statuses(test: FailedTest, run: Run) -> dict[str, str]:
    """The status of each vector store, as the client had last seen it when the run was created."""
    seen: dict[str, str] = {}
    if not run.timeline:  # the run is older than the recording, which lacks what was seen then
        return seen
    for exchange in test.exchanges:
        answer = body(exchange)
        if exchange.at <= run.timeline[0].at and str(answer.get("object")).startswith("vector_store"):
            store_id = answer.get("vector_store_id") or answer.get("id")
            failed = (answer.get("file_counts") or {}).get("failed", 0) > 0
            seen[str(store_id)] = "failed" if failed else str(answer.get("status"))
    return seen
