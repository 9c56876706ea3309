"""Rules for refused requests: each reads the refusal that the error of the test quotes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.report.causes.evidence import waited_for

if TYPE_CHECKING:
    from harness.report.causes.evidence import FailedTest
    from harness.service.exchange import Exchange
    from harness.service.records import Run

THREAD_LOCKED = r"(?:Can't add messages to \S+ while a run (\S+) is active|already has an active run (\S+?)\.)"
OUTPUTS_NOT_ACCEPTED = r'Runs in status "(\w+)" do not accept tool outputs'
UNKNOWN_ID = r"^No (assistant|thread|file) found with id '((?:asst_|thread_|file-)\S+)'"
MAX_TOOL_SLEEPS = 3  # a thread that sleeps more often sleeps in a loop

# Refusals whose message is evidence enough: the row of CONTRACT §11, a pattern for the message, and the cause.
MESSAGES: tuple[tuple[str, str, str], ...] = (
    (
        "undefined/None ids (openai-node#1545)",
        r"Invalid '(?P<param>\w+)': '(?P<id>undefined|None|null|NaN|\[object Object\])'",
        "{id} was sent as the {param}: a variable was never set, or the arguments are not in the order of the SDK.",
    ),
    (
        "an object in place of its id, as [object Object] above; v1 looks for it",
        r"(?:Invalid '\w+':|found with id) '(?P<kind>[A-Z]\w+)\(id='(?P<id>\w+[_-]\w+)'",
        "a whole {kind} was sent in place of its id: send .id, which is {id}.",
    ),
    (
        "uploadAndPoll returned the vector store, not the batch (openai-node#1700)",
        r"Invalid 'batch_id': '(?P<id>vs_\w+)'",
        "{id} is a vector store, and was sent as the id of a file batch: use the id that creating the batch returned.",
    ),
    (
        "ids in another order (openai-node#1545)",
        r"Invalid '(?P<param>\w+)': '(?P<id>(?:asst|thread|msg|run|step|vs|vsfb|call|file)[_-]\w+)'. Expected an ID",
        "{id} was sent as the {param}: two ids are interchanged.",
    ),
    (
        "undefined/None ids, in v1",
        r"No (?P<noun>[\w ]+) found with id '(?P<id>undefined|None|null|NaN)'",
        "{id} was sent as the id of a {noun}: a variable was never set, or the arguments are in another order.",
    ),
    (
        "ids in another order, in v1",
        r"No (?P<noun>thread|run) found with id '(?P<id>(?!(?P=noun))(?:asst|thread|msg|run|step)_\w+)'",
        "{id} was sent as the id of a {noun}: two ids are interchanged.",
    ),
    (
        "output must be a string (SEED2)",
        r"Invalid type for 'tool_outputs\[\d+\]\.output': expected a string, but got (?P<got>an? \w+)",
        "the output of a tool has to be a string, and was {got}: json.dumps(…) it.",
    ),
    (
        "the same in v1",
        r"body -> tool_outputs -> \d+ -> output\n\s+str type expected",
        "the output of a tool has to be a string: json.dumps(…) it.",
    ),
    (
        "download of an uploaded file is refused (CONTRACT §7)",
        r"Not allowed to download files of purpose: (?P<purpose>\w+)",
        "a file of purpose {purpose} was uploaded, and only what runs made can be downloaded: keep your own copy.",
    ),
    (
        "upper-case extension or csv refused by file search (src#69386352520; glific#5770)",
        r"Files with extensions \[(?P<extensions>.*?)\] are not supported for retrieval",
        "file search takes no {extensions}, and nothing in upper case: convert or rename the file before the upload.",
    ),
    (
        "wrong deployment or version on Azure (azureai-assistant-tool#51; chatbox#861)",
        r"^Resource not found$",
        "Azure knows no such path under this api-version: check it, and azure_endpoint, which must have no path.",
    ),
)


def recognized_message(test: FailedTest) -> str | None:
    """CONTRACT §11: the rows in MESSAGES."""
    for _, pattern, line in MESSAGES:
        found = test.refused(pattern)
        if found is not None:
            return line.format(**found.groupdict())
    return None


def deleted_by_client(test: FailedTest) -> str | None:
    """CONTRACT §7.1: not found, because the client itself has deleted it."""
    found, refusal = test.refused(r"No .+ found with id '(\S+)'"), test.refusal
    if found is None or refusal is None:
        return None
    for earlier in test.before(refusal):
        if earlier.method == "DELETE" and earlier.status == 200 and earlier.path.endswith(f"/{found[1]}"):
            return f"{found[1]} is gone: the client itself deleted it ({earlier.method} {earlier.path})."
    return None


def unknown_id(test: FailedTest) -> str | None:
    """No row of the contract: an app keeps an id from an earlier test, and each test has a service of its own."""
    found, refusal = test.refused(UNKNOWN_ID), test.refusal
    if found is None or refusal is None:
        return None
    kind, name = found.groups()
    if any(name in str(earlier.answer) for earlier in test.before(refusal) if earlier.status == 200):
        return None
    return (
        f"{name} was never created in this test: it comes from an earlier test, a cache, or a constant in the code. "
        f"Clear that, add it (assistants.add_{kind}(…)), accept unknown ids "
        "(@pytest.mark.assistants(adopt_unknown=True)), or share one fake among the tests."
    )


# --- locked threads ---------------------------------------------------------------------------------------------


def cancelled_too_early(test: FailedTest) -> str | None:
    """CONTRACT §11: a loop on `queued or in_progress` ends in `cancelling` (SEED2/3; VRSEN/agency-swarm#268)."""
    run = locking_run(test)
    if run is None or status_then(run, test) != "cancelling":
        return None
    return f"{run.id} was still cancelling: it holds its thread until it is cancelled, so wait for that first."


def locked_by_required_action(test: FailedTest) -> str | None:
    """CONTRACT §11: a run that waits for outputs blocks the thread (community…/933385)."""
    run = locking_run(test)
    if run is None or status_then(run, test) != "requires_action":
        return None
    return (
        f"{run.id} waits for the outputs of {waited_for(run)}, and holds its thread until it gets them or expires: "
        "submit them, or cancel it."
    )


def answer_lost(test: FailedTest) -> str | None:
    """CONTRACT §11: the run was created, the answer was lost, the SDK tried again (TripSit/TripBot#939)."""
    run, refusal = locking_run(test), test.refusal
    if run is None or refusal is None or not is_creation(refusal):
        return None
    if any(names_run(earlier, run) for earlier in test.before(refusal)):
        return None
    return (
        f"{run.id} was created, but the answer was lost, and the retry found the thread locked: list the runs "
        "of the thread, and go on with that one."
    )


def abandoned_stream(test: FailedTest) -> str | None:
    """CONTRACT §11: stopping the client's stream does not stop the run (vercel/ai#1743)."""
    run = locking_run(test)
    if run is None or not test.streamed(run):
        return None
    return (
        f"{run.id} was still {status_then(run, test)}: when a client leaves its stream, or loses it, the run goes "
        "on: cancel it, or wait until it has ended."
    )


def run_still_active(test: FailedTest) -> str | None:
    """CONTRACT §11: adding a message while a run is active (openai-python#1023); an orphaned run blocks the thread."""
    run, refusal = locking_run(test), test.refusal
    if run is None or refusal is None:
        return None
    status = status_then(run, test)
    if any(earlier.path.endswith(f"/{run.id}") for earlier in test.before(refusal)):
        return f"{run.id} was still {status}, and holds its thread: wait until it has ended, whatever the end."
    return (
        f"{run.id} was {status}, nobody had looked at it since it was created, and it holds its thread: wait for it, "
        "or list the runs and cancel those that are active."
    )


def locking_run(test: FailedTest) -> Run | None:
    """The run that locked the thread when the request was refused."""
    found = test.refused(THREAD_LOCKED)
    return None if found is None else test.run(found[1] or found[2])


def status_then(run: Run, test: FailedTest) -> str:
    """The status of a run when the refusal was given."""
    at = test.refusal.at if test.refusal is not None else 0.0
    return next((moment.status for moment in reversed(run.timeline) if moment.at <= at), run.status)


def is_creation(exchange: Exchange) -> bool:
    """Whether a request creates a run."""
    return exchange.method == "POST" and exchange.path.endswith("/runs")


def names_run(exchange: Exchange, run: Run) -> bool:
    """Whether the client got an answer with the id of the run; a stream counts as one."""
    if exchange.status != 200:
        return False
    body = exchange.response.body
    return run.id.encode() in body if isinstance(body, bytes) else is_creation(exchange)


# --- outputs of tools ---------------------------------------------------------------------------------------------


def missing_outputs(test: FailedTest) -> str | None:
    """CONTRACT §11: two tool calls, one submitted (src#16918226287; the seeds use tool_calls[0] only)."""
    found = test.refused(r"Expected tool outputs for call_ids (\[.*?\]), got (\[.*?\])")
    if found is None:
        return None
    expected, got = (re.findall(r"'(\S+?)'", ids) for ids in found.groups())
    if not set(got) < set(expected):
        return None
    return (
        f"{len(got)} of {len(expected)} function calls were answered: answer every one of "
        "required_action.submit_tool_outputs.tool_calls in one request."
    )


def expired_by_bystander(test: FailedTest) -> str | None:
    """No row of the contract: only virtual time passes because another thread sleeps in a loop."""
    run = next((run for run in test.runs if run.status == "expired" and run.timeline), None)
    if run is None or "expired" not in test.error_text:
        return None
    age = run.timeline[-1].at - run.timeline[0].at
    for sleeper in test.bystanders:
        if sleeper.times > MAX_TOOL_SLEEPS and sleeper.seconds > age / 2:
            return (
                f"{run.id} expired because another thread slept: {sleeper.thread!r} did {sleeper.times} times, "
                f"{sleeper.seconds:g} s in all, and sleeping moves the clock. Let it wait on an event, stop.wait(5), "
                "leave it out of the test, or name its module in real_sleepers. If it is a tool of "
                "the run, it was too slow for the service, too."
            )
    return None


def outputs_too_late(test: FailedTest) -> str | None:
    """CONTRACT §11: submit after a slow tool, ten minutes later (src#13998428363)."""
    run, status = run_of_outputs(test)
    if run is None or status != "expired" or not run.timeline:
        return None
    age = run.timeline[-1].at - run.timeline[0].at
    return (
        f"{run.id} expired {age:g} s after its creation, before the outputs came: a slow tool needs a run of its "
        "own, created when the result is there."
    )


def outputs_for_stale_run(test: FailedTest) -> str | None:
    """CONTRACT §11: submit when the object at hand is stale (src#29589032493)."""
    run, status = run_of_outputs(test)
    if run is None:
        return None
    return (
        f"{run.id} was {status}, not requires_action: the code has an outdated copy of the run. Retrieve it "
        "first, and submit all outputs in one request."
    )


def run_of_outputs(test: FailedTest) -> tuple[Run | None, str | None]:
    """The run that did not accept outputs, and its status then."""
    found, refusal = test.refused(OUTPUTS_NOT_ACCEPTED), test.refusal
    if found is None or refusal is None:
        return None, None
    return test.run(refusal.path.split("/")[-2]), found[1]
