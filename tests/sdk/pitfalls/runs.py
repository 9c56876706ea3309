"""Pitfalls of runs and of the threads that they hold, for clients that poll."""

from __future__ import annotations

from typing import Any

import openai

from harness import HarnessFailure, cancel, fail, hang, say, truncate
from pitfalls.row import (
    COLD,
    ENDED,
    OSLO,
    QUESTION,
    REFUSED,
    Pitfall,
    Raises,
    called,
    temperatures,
)

# --- a run has more than two ends ---------------------------------------------------------------------------------


def knows_two_ends(app):
    run = app.start()
    while run.status not in ("completed", "failed"):
        run = app.look(run)
    return app.newest()


def loops_as_the_sdk_did(app):
    """`create_and_poll` before 2024-05-14."""
    run = app.start()
    while True:
        run = app.look(run)
        if run.status in ("queued", "in_progress", "cancelling"):
            continue
        if run.status in ("requires_action", "cancelled", "completed", "failed", "expired"):
            return app.newest()


def knows_every_end(app):
    run = app.asked()
    while run.status == "requires_action":
        run = app.wait_for(app.submit(run, temperatures(called(run))), "requires_action")
    if run.status != "completed":
        return f"no answer: {run.last_error.code if run.last_error else run.status}"
    return app.newest()


def hangs(evidence: str, script: list[Any], status: str, right: str, buggy: Any = knows_two_ends) -> Pitfall:
    cause = "waits for the outputs of get_weather" if status == "requires_action" else f"can end as {status}"
    stuck = Raises(HarnessFailure, f"The client is stuck: .*{status}")
    return Pitfall(evidence, [script], buggy, stuck, knows_every_end, right, cause=cause)


def takes_any_end(app):
    app.wait_for(app.start(), "requires_action")
    return app.newest()


def takes_it_at_once(app):
    app.start()
    return app.newest()


def takes_a_fallen(evidence: str, script: list[Any], fails: str, right: str, cause: str) -> Pitfall:
    return Pitfall(evidence, [script], takes_any_end, fails, knows_every_end, right, cause=cause)


# --- a run holds its thread ---------------------------------------------------------------------------------------


def cancels_and_goes_on(app):
    run = app.runs.cancel(app.start().id, thread_id="thread_app")
    while run.status in ("queued", "in_progress"):
        run = app.look(run)
    app.say("Shorter, please.")
    return knows_every_end(app)


def cancels_and_waits(app):
    app.wait_for(app.runs.cancel(app.start().id, thread_id="thread_app"))
    app.say("Shorter, please.")
    return knows_every_end(app)


def says_more_at_once(app):
    app.start()
    app.say("And in Bergen?")


def says_more_after_a_look(app):
    app.look(app.start())
    app.say("And in Bergen?")


def says_more_when_it_has_ended(app):
    app.wait_for(app.start())
    app.say("And in Bergen?")


def asks_where_another_crashed(app):
    app.asked()  # and then that process ended
    app.say("And in Bergen?")
    return knows_every_end(app)


def cancels_what_another_left(app):
    app.asked()
    for run in app.runs.list("thread_app").data:
        if run.status not in ENDED:
            app.wait_for(app.runs.cancel(run.id, thread_id="thread_app"))
    app.say("And in Bergen?")
    return knows_every_end(app)


def follows_what_is_there(app):
    try:
        run = app.start()
    except openai.BadRequestError:
        run = app.runs.list("thread_app").data[0]
    app.wait_for(run)
    return app.newest()


def goes_on_after_the_end(app):
    app.threads.delete("thread_app")
    app.say("One more thing.")


def deletes_last(app):
    app.say("One more thing.")
    app.threads.delete("thread_app")


# --- moments ------------------------------------------------------------------------------------------------------


def subtracts_what_may_be_none(app):
    run = app.wait_for(app.start())
    return max(0, run.expires_at - run.completed_at)


def asks_before_it_subtracts(app):
    run = app.wait_for(app.start())
    return 0 if run.expires_at is None else max(0, run.expires_at - run.completed_at)


def measuring(began: str) -> Any:
    def client(app):
        run = app.wait_for(app.submit(waiting := app.asked(), temperatures(called(waiting))))
        return run.completed_at - getattr(run, began)

    return client


# --- ids and versions ---------------------------------------------------------------------------------------------


def changes_places(app):
    run = app.wait_for(app.start())
    return app.runs.retrieve("thread_app", thread_id=run.id).status


def formats_none(app):
    run = app.wait_for(app.start())
    thread_id = getattr(run, "thread", None)
    return app.runs.retrieve(run.id, thread_id=f"{thread_id}").status


def names_both(app):
    return app.look(app.wait_for(app.start())).status


def azure(version: str) -> Any:
    def client(app):
        endpoint = "https://example.openai.azure.com"
        client = openai.AzureOpenAI(api_key="k", azure_endpoint=endpoint, api_version=version)
        return client.beta.threads.create().object

    return client


LOOP = "CONTRACT §11: waits only for completed/failed (SEED0; semantic-kernel#9364; simple-openai#351)"
FALLEN = "CONTRACT §11: failed though every HTTP call was 200 (LibreChat#6728; teams-sdk#806)"
ACTIVE = "CONTRACT §11: adding a message while a run is active (openai-python#1023; n8n#13378)"
ORDER = "CONTRACT §11: undefined/None ids, arguments in another order (openai-node#1545)"
HALF = [say(pieces=["It is 4 °C in ", "Os"])]

PITFALLS = {
    "never ends: expired": hangs(LOOP, [hang()], "expired", "no answer: expired"),
    "never ends: cancelled": hangs(LOOP, [cancel()], "cancelled", "no answer: cancelled"),
    "never ends: incomplete": hangs(LOOP, [truncate()], "incomplete", "no answer: incomplete"),
    "never ends: requires_action": hangs(LOOP, [OSLO, say(COLD)], "requires_action", COLD),
    "never ends: incomplete, in the SDK of its day": hangs(
        "CONTRACT §11: openai-python#1407", [truncate()], "incomplete", "no answer: incomplete", loops_as_the_sdk_did
    ),
    "requires_action is taken for done": takes_a_fallen(
        "CONTRACT §11: create_and_poll returns requires_action (SEED4)",
        [OSLO, say(COLD)],
        QUESTION,
        COLD,
        r"run_\w+ waits for the outputs of get_weather, and the code took the newest message .*: submit them",
    ),
    "a failed run is taken for done": takes_a_fallen(
        FALLEN,
        [fail("rate_limit_exceeded")],
        QUESTION,
        "no answer: rate_limit_exceeded",
        r"run_\w+ failed \(rate_limit_exceeded\) although every HTTP answer was 200, and the code took the newest "
        r"message for the answer: check run.status and run.last_error",
    ),
    "an expired run is taken for done": takes_a_fallen(
        FALLEN, [hang()], QUESTION, "no answer: expired", "is expired, and the code took the newest message"
    ),
    "half a message is taken for the answer": takes_a_fallen(
        "CONTRACT §3.6, §11: a run cut off keeps what it wrote",
        [*HALF, truncate()],
        "It is 4 °C in Os",
        "no answer: incomplete",
        r"is incomplete \(max_completion_tokens\), and the code took the newest message",
    ),
    "the answer is read before the run has ended": Pitfall(
        "CONTRACT §3.1: creating a run only queues it",
        [[say(COLD)]],
        takes_it_at_once,
        QUESTION,
        knows_every_end,
        COLD,
        cause="is queued, and the code took the newest message for the answer: wait until it has ended",
    ),
    "cancelling is taken for cancelled": Pitfall(
        "CONTRACT §11: a loop on queued or in_progress (SEED2/3; VRSEN/agency-swarm#268)",
        [[say("It is a long story.")], [say("4 °C")]],
        cancels_and_goes_on,
        Raises(REFUSED, "Can't add messages to thread_app while a run run_.* is active"),
        cancels_and_waits,
        "4 °C",
        cause="was still cancelling",
    ),
    "a message for a busy thread": Pitfall(
        ACTIVE,
        [[say(COLD)]],
        says_more_at_once,
        Raises(REFUSED, "Can't add messages to thread_app while a run run_.* is active"),
        says_more_when_it_has_ended,
        None,
        cause="was queued, nobody had looked at it since it was created",
    ),
    "a message after a look": Pitfall(
        ACTIVE,
        [[say(COLD)]],
        says_more_after_a_look,
        Raises(REFUSED, "Can't add messages to thread_app while a run run_.* is active"),
        says_more_when_it_has_ended,
        None,
        cause="was still in_progress, and holds its thread: wait until it has ended",
    ),
    "an orphan blocks the thread": Pitfall(
        "CONTRACT §11: detecting and managing bad runs (community.openai.com/t/933385)",
        [[OSLO], [say("7 °C")]],
        asks_where_another_crashed,
        Raises(REFUSED, "Can't add messages to thread_app while a run run_.* is active"),
        cancels_what_another_left,
        "7 °C",
        cause="waits for the outputs of get_weather, and holds its thread",
    ),
    "a lost answer, and a second try": Pitfall(
        "CONTRACT §11: 5xx/timeout on POST run, the SDK retries (TripSit/TripBot#939; bidara-deep-chat#57)",
        [[say(COLD)]],
        takes_any_end,
        Raises(REFUSED, "Thread thread_app already has an active run"),
        follows_what_is_there,
        COLD,
        lambda faults: faults.lost_answer(on="POST /threads/{thread_id}/runs"),
        cause="was created, but the answer was lost",
    ),
    "a thread is used after its end": Pitfall(
        "CONTRACT §7.1: no thread found",
        [],
        goes_on_after_the_end,
        Raises(openai.NotFoundError, "No thread found with id 'thread_app'"),
        deletes_last,
        None,
        cause="thread_app is gone: the client itself deleted it",
    ),
    "expires_at of a run that is done": Pitfall(
        "CONTRACT §11: expires_at is null on finished runs (openai-openapi#150; SEED2)",
        [[say(COLD)]],
        subtracts_what_may_be_none,
        Raises(TypeError, "NoneType"),
        asks_before_it_subtracts,
        0,
        cause=r"expires_at of run_\w+ is None, as the run is completed",
    ),
    "started_at moves": Pitfall(
        "CONTRACT §11: completed_at - started_at is only the last leg (DN:FunctionToolsWork)",
        [[OSLO, say(COLD)]],
        measuring("started_at"),
        2,
        measuring("created_at"),
        6,
    ),
    "ids change places": Pitfall(
        ORDER,
        [],
        changes_places,
        Raises(openai.APIStatusError, "(Invalid 'thread_id':|No thread found with id) 'run_"),
        names_both,
        "completed",
        cause="was sent as the (thread_id|id of a thread): two ids are interchanged",
    ),
    "None becomes an id": Pitfall(
        ORDER,
        [],
        formats_none,
        Raises(openai.APIStatusError, "(Invalid 'thread_id':|No thread found with id) 'None'"),
        names_both,
        "completed",
        cause="None was sent as the (thread_id|id of a thread)",
    ),
    "a version of Azure without assistants": Pitfall(
        "CONTRACT §11, §7.2: Resource not found (azureai-assistant-tool#51; chatbox#861)",
        [],
        azure("2023-05-15"),
        Raises(openai.NotFoundError, "Resource not found"),
        azure("2024-05-01-preview"),
        "thread",
        cause="Azure knows no such path under this api-version",
    ),
}
