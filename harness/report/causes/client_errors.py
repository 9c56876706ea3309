"""Rules for errors that the client's own code raises when it handles an answer."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from harness.report.causes.evidence import body, waited_for
from harness.service.drafts import fold
from harness.service.explain import shortened

if TYPE_CHECKING:
    from harness.report.causes.evidence import FailedTest

ENDS = "completed, incomplete, failed, cancelled or expired"
MOMENTS = "expires_at", "started_at", "completed_at", "failed_at", "cancelled_at"


def endless_loop(test: FailedTest) -> str | None:
    """CONTRACT §11: a loop that waits only for completed/failed hangs on all else (SEED0; semantic-kernel#9364)."""
    if "The client is stuck" not in test.error_text:
        return None
    run = next((run for run in test.runs if run.id in test.error_text), None)
    if run is None or run.status in ("queued", "in_progress", "cancelling", "completed"):
        return None
    if run.status == "requires_action":
        return f"{run.id} waits for the outputs of {waited_for(run)}, and the loop submits none."
    return f"the loop does not know that a run can end as {run.status}, as {run.id} did: stop at {ENDS}."


def event_loop_ended(test: FailedTest) -> str | None:
    """No row of the contract: a `BaseException` ends the event loop that a TestClient keeps from test to test."""
    if "RuntimeError: This portal is not running" not in test.error_text:
        return None
    return (
        "a failure of the harness, or another BaseException, has ended the event loop of a TestClient: "
        "the first failure is the one to look at. Build the TestClient in the test, or outside of it without `with`."
    )


def own_transport(test: FailedTest) -> str | None:
    """No row of the contract: a transport that connects by itself is not intercepted, such as that of httpx-socks."""
    if test.own_transport is None or not re.search(r"\bAPI(Connection|Timeout)Error\b", test.error_text):
        return None
    return (
        f"the client sends through a transport of its own, {test.own_transport}, which connects by itself and never "
        "asks the fake: leave it out in tests, or use assistants.client()."
    )


# --- messages -----------------------------------------------------------------------------------------------------


def first_part_is_no_text(test: FailedTest) -> str | None:
    """CONTRACT §11: content[0] is image_file (theailifestyle/AssistantsAPI#2; Azure-Samples/azureai-samples#159).

    A refusal has no `text` either (CONTRACT §2.3). SDKs that do not know refusals take them for images.
    """
    by_key = "KeyError: 'text'" in test.error_text and "content" in test.source_line
    if not by_key and not re.search(r"(Image|Refusal)\w*' object has no attribute 'text'", test.error_text):
        return None
    for message in test.written:
        kind = message.content[0]["type"] if message.content else None
        if kind in ("image_file", "refusal"):
            noun = "an image" if kind == "image_file" else "a refusal"
            return f"content[0] of {message.id} is {noun}: take the parts whose type is text, wherever they stand."
    return None


def no_content(test: FailedTest) -> str | None:
    """CONTRACT §11: empty content list on an in-progress or failed message (§5 message.created)."""
    if test.raised(IndexError) is None or not re.search(r"content\W{0,3}\[", test.source_line):
        return None
    for message in test.written:
        if message.status == "completed" and not message.content:
            return f"{message.id} is completed, and empty: the model wrote no word. Look whether it has content."
        if not message.content or message.status == "in_progress":
            return (
                f"{message.id} had no content yet: a message begins empty, and stays so if its run ends before the "
                "first word. Ask for its parts when it is done."
            )
    return None


def no_message(test: FailedTest) -> str | None:
    """CONTRACT §11, "failed though every HTTP call was 200": a run can end without a message."""
    if test.raised(IndexError) is None:
        return None
    for thread in reversed(test.threads):
        listed, run = test.listed(thread), next(reversed(thread.runs), None)
        if listed and run is not None and body(listed[-1]).get("data") == []:
            return f"{run.id} is {run.status}, and wrote no message: check run.status before messages.data[0]."
    return None


def no_quote(test: FailedTest) -> str | None:
    """CONTRACT §11: quote is missing, and the documentation's own sample uses it (DD; DN:FileSearchStreamingWorks)."""
    if test.raised(AttributeError) is None or "quote" not in f"{test.error_text} {test.source_line}":
        return None
    for message in test.written:
        texts = (part["text"] for part in message.content if part["type"] == "text")
        if any("file_citation" in annotation for text in texts for annotation in text.get("annotations", ())):
            return f"the citations of {message.id} have no quote: use file_citation.file_id, and the file's name."
    return None


def no_attachments(test: FailedTest) -> str | None:
    """CONTRACT §11: modify message returns file_ids (DN:BasicMessageOperationsWork)."""
    last = test.exchanges[-1] if test.exchanges else None
    if last is None or last.method != "POST" or not re.search(r"/messages/\w+$", last.path):
        return None
    if "'NoneType'" not in test.error_text or "attachments" not in test.source_line or "attachments" in body(last):
        return None
    return "the answer to modifying a message has file_ids in place of attachments: retrieve the message."


# --- calls of functions -------------------------------------------------------------------------------------------


def malformed_arguments(test: FailedTest) -> str | None:
    """CONTRACT §11: arguments is a JSON string that may be malformed."""
    error = test.raised(json.JSONDecodeError)
    name = next((call["name"] for call in test.calls if error and call["arguments"] == error.doc), None)
    if error is None or name is None:
        return None
    return (
        f"the model called {name} with arguments that are not JSON, {shortened(error.doc)!r}, as it can: catch that, "
        "and submit an output that says so."
    )


def pieces_of_arguments(test: FailedTest) -> str | None:
    """CONTRACT §5.3, §11: arguments is a JSON string, and comes in pieces in a stream."""
    error = test.raised(json.JSONDecodeError)
    for run in test.runs if error is not None else ():
        draft = run.draft if test.streamed(run) else None
        parts = () if draft is None else fold(entry for _, piece in draft.pieces() for entry in piece.entries())
        for function in (part["function"] for part in parts if "function" in part):
            if error is not None and error.doc in function["arguments"]:
                return (
                    f"{shortened(error.doc)!r} is a piece of the arguments of {function['name']}, and not JSON by "
                    "itself: join the deltas, and parse them when the call is done."
                )
    return None


def unknown_function(test: FailedTest) -> str | None:
    """CONTRACT §11, arguments: nothing the model writes is checked, neither is the name."""
    error = test.raised(KeyError)
    if error is None or not any(error.args == (call["name"],) for call in test.calls):
        return None
    return f"the model called {error.args[0]}, and the code has no such function: submit an output that says so."


def missing_argument(test: FailedTest) -> str | None:
    """CONTRACT §11: arguments may be `{}`."""
    error, said = test.raised(KeyError), re.search(r"(\w+)\(\) missing .*argument: '(\w+)'", test.error_text)
    for run in test.runs:
        declared = _declared(run.tools)
        for call in test.calls:
            key = error.args[0] if error is not None and error.args else None
            if said is not None and said[1] == call["name"]:
                key = said[2]
            elif key not in declared.get(call["name"], ()):
                continue
            if key not in _keys(call["arguments"]):
                return (
                    f"the model called {call['name']} without {key!r}, with {shortened(call['arguments'])}, as it can: "
                    "submit an output that says what is missing."
                )
    return None


def _declared(tools: list[dict[str, Any]]) -> dict[str, list[str]]:
    """The parameters of each function, from its schema."""
    functions = (tool["function"] for tool in tools if tool["type"] == "function")
    return {f["name"]: list((f.get("parameters") or {}).get("properties", ())) for f in functions}


def _keys(arguments: str) -> list[str]:
    try:
        return list(json.loads(arguments))
    except (TypeError, ValueError):
        return []


# --- runs ---------------------------------------------------------------------------------------------------------


def timestamp_is_none(test: FailedTest) -> str | None:
    """CONTRACT §11: expires_at is null on finished runs; code doing arithmetic on it crashes (openai-openapi#150)."""
    if test.raised(TypeError) is None or "'NoneType'" not in test.error_text:
        return None
    for name in re.findall(r"\w+_at\b", test.source_line):
        for run in test.runs if name in MOMENTS else ():
            if getattr(run, name) is None:
                return f"{name} of {run.id} is None, as the run is {run.status}: check it before calculating with it."
    return None


# --- streams ------------------------------------------------------------------------------------------------------


def unknown_event(test: FailedTest) -> str | None:
    """CONTRACT §11, §5.1: unknown events must be tolerated (sashirestela/simple-openai#213)."""
    error = test.raised(KeyError)
    name = str(error.args[0]) if error is not None and error.args else ""
    if not name.startswith("thread.") or not any(test.streamed(run) for run in test.runs):
        return None
    return f"the code has no handler for the event {name}: ignore unknown events, as new ones may be added."


def shared_handler(test: FailedTest) -> str | None:
    """CONTRACT §11: submit needs a new handler for each stream (PY)."""
    if "A single event handler cannot be shared between multiple streams" not in test.error_text:
        return None
    return "the event handler already listens to a stream: make a new one for the stream that submitting opens."
