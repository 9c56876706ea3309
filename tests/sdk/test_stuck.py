"""Clients that can make no more progress, sync and async: each fails at once, and its healthy sibling does not.

The clients are coroutines; with a sync client of the SDK nothing in them ever waits, so they run as functions do.
"""

from __future__ import annotations

import asyncio
import datetime
import importlib
import inspect
import re
import sys
import time
from types import SimpleNamespace

import openai
import pytest

from harness import HarnessFailure, call, calls, fail, fake_assistants, hang, say, truncate, wait

WEATHER = call("get_weather", city="Oslo")
ENDS = '"cancelled", "completed", "expired", "failed", "incomplete"'


class Api:
    """The SDK's calls, awaited where its client is asynchronous."""

    def __init__(self, fake, asynchronous):
        self.fake = fake
        self.asynchronous = asynchronous
        self.client = self.new_client()

    def new_client(self):
        return self.fake.async_client() if self.asynchronous else self.fake.client()

    def __getattr__(self, name):
        """`api.runs_retrieve(…)` is `client.beta.threads.runs.retrieve(…)`."""

        async def request(*args, **options):
            found = self.client.beta.threads
            for part in name.split("_", 1) if name.startswith(("runs_", "messages_")) else [name]:
                found = getattr(found, part)
            given = found(*args, **options)
            return await given if inspect.isawaitable(given) else given

        return request

    def check(self, run):
        """What nobody knows of who reads a loop: it might raise."""

    async def retrieve(self, run):
        return await self.runs_retrieve(run_id=run.id, thread_id=run.thread_id)

    async def steps(self, run):
        given = self.client.beta.threads.runs.steps.list(run_id=run.id, thread_id=run.thread_id)
        return await given if inspect.isawaitable(given) else given

    async def sleep(self, seconds):
        await asyncio.sleep(seconds) if self.asynchronous else time.sleep(seconds)

    async def thread(self):
        thread = await self.create()
        await self.messages_create(thread_id=thread.id, role="user", content="Hi")
        return thread

    async def start(self, *acts):
        self.fake.next_run(*acts)
        assistant = self.fake.add_assistant()
        thread = await self.thread()
        return await self.runs_create(thread_id=thread.id, assistant_id=assistant.id)

    async def settle(self, *acts):
        """A run of these acts, as far as it goes by itself."""
        run = await self.start(*acts)
        while run.status in ("queued", "in_progress", "cancelling"):
            run = await self.retrieve(run)
        return run

    def play(self, coroutine):
        if self.asynchronous:
            return asyncio.run(coroutine)
        try:
            coroutine.send(None)
        except StopIteration as returned:
            return returned.value
        raise AssertionError("a sync client waits for nobody")


@pytest.fixture(params=["sync", "async"])
def api(request, assistants):
    return Api(assistants, request.param == "async")


def stuck(api, client, *acts):
    """The message of the failure that the client gets; there is one, and everybody who waits gets the same."""
    with pytest.raises(HarnessFailure) as caught:
        api.play(client(api, *acts))
    assert api.fake.failures == [caught.value]
    api.fake.failures.clear()
    return str(caught.value)


# --- looking at a run ---------------------------------------------------------------------------------------


async def waits_for_completed(api, *acts):
    run = await api.start(*acts)
    while run.status != "completed":
        await api.sleep(1)
        run = await api.retrieve(run)
    return run.status


async def waits_and_checks(api, *acts):
    run = await api.start(*acts)
    while run.status != "completed":
        run = await api.retrieve(run)
        api.check(run)
    return run.status


@pytest.mark.parametrize(
    ("acts", "status", "because"),
    [
        ([fail("rate_limit_exceeded")], "failed", "last_error: rate_limit_exceeded: "),
        ([truncate()], "incomplete", "'incomplete' is final: the run will never change again"),
        ([hang()], "expired", "It was in_progress for 599 s, and expired."),
    ],
    ids=["failed", "incomplete", "expired"],
)
def test_a_loop_that_never_ends_by_its_source_is_stuck_at_the_third_unchanged_look(api, acts, status, because):
    message = stuck(api, waits_for_completed, *acts)
    run = api.fake.runs[0]
    assert message.startswith(f"The client is stuck: it has looked 4 times at {run.id} in status '{status}'.")
    assert re.search(
        r"The loop at test_stuck\.py:\d+ waits for completed:\n    while run.status != \"completed\":\n", message
    )
    assert because in message
    assert f"The run {run.id}: queued 0s → in_progress 1s (pick_up) → {status} " in message
    assert message.endswith(f"    while run.status not in ({ENDS}): ...   # every way a run can end")


@pytest.mark.parametrize("client", [waits_for_completed, waits_and_checks], ids=["patient", "busy"])
def test_a_loop_whose_run_completes_is_not_stuck(api, client):
    assert api.play(client(api, wait(300), say("at last"))) == "completed"


def test_a_loop_that_may_end_in_another_way_is_given_more_looks(api):
    message = stuck(api, waits_and_checks, fail())
    assert "it has looked 30 times" in message
    assert message.endswith("stuck_after=100)   # if the client gives up by itself, after more requests")


GIVES_UP = """
import asyncio, datetime, time
from datetime import datetime as dt
from time import monotonic, time as now

async def client(api, *acts, limit=20, pause=1):
    run, start = await api.start(*acts), {now}
    while run.status != "completed":
        if {now} - start > {limit}:
            return f"still {{run.status}}"
        await asyncio.sleep(pause) if api.asynchronous else time.sleep(pause)
        run = await api.retrieve(run)
"""
UTC = "datetime.timezone.utc"
CLOCKS = {
    **dict.fromkeys(["time.time()", "now()", "time.monotonic()", "monotonic()", "time.perf_counter()"], "limit"),
    **dict.fromkeys(
        ["dt.now()", f"dt.now({UTC})", f"datetime.datetime.now({UTC})", "datetime.datetime.utcnow()"],
        "datetime.timedelta(seconds=limit)",
    ),
}


@pytest.fixture
def client_with_deadline(monkeypatch, tmp_path):
    """Imports a module with a client that gives up by a clock."""

    def write(now, limit="limit"):
        tmp_path.joinpath("app_with_deadline.py").write_text(GIVES_UP.format(now=now, limit=limit), encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)
        return importlib.import_module("app_with_deadline").client

    yield write
    sys.modules.pop("app_with_deadline", None)


def last_line(message, kind):
    """The last line of a message, less the comment, which names what the loop reads."""
    line, comment = message.splitlines()[-1].split("   # if it gives up by ")
    assert re.fullmatch(rf"{kind}\(\): that stays real", comment)
    return line.strip()


@pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # deprecated since Python 3.12
@pytest.mark.parametrize(("now", "limit"), CLOCKS.items(), ids=CLOCKS)
@pytest.mark.parametrize(("act", "status"), [(fail(), "failed"), (call("get_time"), "requires_action")])
def test_a_loop_with_a_deadline_is_told_how_the_deadline_becomes_virtual(
    api, monkeypatch, client_with_deadline, now, limit, act, status
):
    client = client_with_deadline(now, limit)
    message = stuck(api, client, act)
    assert "it has looked 30 times" in message
    assert "stuck_after=100)" in message
    line = last_line(message, re.escape(now.partition("(")[0]))
    known = {"SimpleNamespace": SimpleNamespace, "time": time, "datetime": datetime}
    eval(line, {"monkeypatch": monkeypatch, "assistants": api.fake, **known})
    assert api.play(client(api, act)) == f"still {status}"


def test_a_loop_with_a_deadline_by_its_event_loop_is_told_to_sleep_for_real(client_with_deadline):
    client = client_with_deadline("asyncio.get_running_loop().time()")
    with fake_assistants() as assistants:
        message = stuck(Api(assistants, asynchronous=True), client, fail())
    line = last_line(message, r"asyncio.get_running_loop\(\).time")
    assert line == '@pytest.mark.assistants(sleep="real", stuck_after=1000)'
    with fake_assistants(sleep="real", stuck_after=1000) as assistants:
        api = Api(assistants, asynchronous=True)
        assert api.play(client(api, fail(), limit=0.01, pause=0.001)) == "still failed"


@pytest.mark.assistants(stuck_after=6)
def test_how_many_looks_is_an_option(api):
    assert "it has looked 6 times" in stuck(api, waits_and_checks, fail())


@pytest.mark.assistants(stuck_after=3)
def test_the_option_holds_for_loops_that_never_end_too(api):
    assert "it has looked 3 times" in stuck(api, waits_for_completed, fail())


def test_a_status_that_no_run_ever_has(api):
    async def waits_for_a_word(api):
        run = await api.start(say("Hello."))
        while run.status not in ("canceled", "done"):
            run = await api.retrieve(run)

    message = stuck(api, waits_for_a_word)
    assert "it has looked 4 times" in message
    assert 'No run is ever "canceled"; the status is called "cancelled".\nNo run is ever "done".\n' in message


def test_a_run_that_waits_for_outputs(api):
    message = stuck(api, waits_for_completed, calls(WEATHER, call("get_time")))
    assert "it has looked 30 times" in message
    assert 'It waits for the outputs of get_weather({"city":"Oslo"}), get_time({}), and nobody submits them.' in message
    assert "submit_tool_outputs(run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs)" in message


def test_outputs_that_are_submitted(api):
    async def submits(api):
        run = await api.start(WEATHER, say("Cold."))
        while run.status != "completed":
            run = await api.retrieve(run)
            if run.status == "requires_action":
                outputs = [{"tool_call_id": run.required_action.submit_tool_outputs.tool_calls[0].id, "output": "4"}]
                await api.runs_submit_tool_outputs(run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs)
        return run.status

    assert api.play(submits(api)) == "completed"


def test_a_client_that_slept_until_its_run_had_expired(api):
    async def sleeps(api):
        run = await api.settle(calls(WEATHER, call("get_time")))
        await api.sleep(700)
        while run.status != "completed":
            run = await api.retrieve(run)

    assert "It waited for the outputs of get_weather, get_time for 597 s, and expired." in stuck(api, sleeps)


def test_a_loop_that_looks_at_an_old_copy(api):
    async def forgets(api):
        run = await api.start(say("Hello."))
        while run.status != "completed":
            await api.retrieve(run)

    message = stuck(api, forgets)
    assert "The run already has the status 'completed': the loop compares an old copy of the run." in message
    assert message.endswith(
        "run = client.beta.threads.runs.retrieve(run_id=run.id, thread_id=run.thread_id)   # in the loop"
    )


def test_a_loop_with_a_new_client_for_every_look(api):
    async def renews(api):
        run = await api.settle(fail())
        while run.status != "completed":
            api.client = api.new_client()
            run = await api.retrieve(run)

    assert "it has looked 300 times" in stuck(api, renews)


def test_new_clients_to_which_no_look_is_the_second(api):
    async def renews(api):
        run = await api.start(say("Hello."))
        while run.status != "completed":
            api.client = api.new_client()
            run = await api.retrieve(run)

    message = stuck(api, renews)
    assert "Every request comes from a new client, and a client's first look at a run moves no time." in message
    assert message.endswith("client = openai.OpenAI()   # once, before the loop")


@pytest.mark.parametrize("policy", ["manual", "timed"])
@pytest.mark.parametrize("asynchronous", [False, True], ids=["sync", "async"])
def test_a_busy_loop_under_a_clock_that_looks_do_not_move(policy, asynchronous):
    with fake_assistants(clock=policy) as assistants:
        message = stuck(Api(assistants, asynchronous), waits_and_checks, say("Hello."))
    assert (
        f"From here it goes to cancelling, expired, in_progress, but under clock={policy!r} retrieving it moves"
        in message
    )


def test_a_run_that_stands_as_it_was_recorded(api):
    async def waits(api):
        run = await api.start(say("Hello."))
        api.fake.world.engine.drop(api.fake.runs[0])
        while run.status != "completed":
            await api.sleep(1)
            run = await api.retrieve(run)

    assert "The recording shows it last as 'queued', so it is not known how it went on." in stuck(api, waits)


@pytest.mark.assistants(clock="manual")
def test_a_poller_of_the_sdk_is_named_with_the_line_that_calls_it(api):
    if not hasattr(openai.OpenAI(api_key="-").beta.threads.runs, "create_and_poll"):
        pytest.skip("this SDK has no pollers")

    async def polls(api):
        thread = await api.thread()
        assistant = api.fake.add_assistant()
        await api.runs_create_and_poll(thread_id=thread.id, assistant_id=assistant.id)

    message = stuck(api, polls)
    at = r"The loop of create_and_poll, called at test_stuck\.py:\d+ waits for requires_action, completed, incomplete, "
    assert re.search(at, message)
    assert "    given = found(*args, **options)\n" in message or "    return await given if" in message


def test_a_poller_of_the_sdk_that_is_too_old_for_a_status():
    from harness.service.stuck import Loop, Repetition, stuck  # noqa: PLC0415 - no SDK of the tests is so old

    with fake_assistants() as assistants:
        api = Api(assistants, asynchronous=False)
        api.play(api.settle(truncate()))
        [run] = assistants.runs
        loop = Loop("app.py", 3, "run = runs.poll()", frozenset({"completed"}), helper="poll")
        failure = stuck(Repetition("GET", f"/threads/{run.thread_id}/runs/{run.id}", 30), run, "on_poll", loop)
    assert failure.do == "pip install --upgrade openai   # poll of this version does not know 'incomplete'"


# --- asking for something else ------------------------------------------------------------------------------

ASKING = {
    "messages": (lambda api, run: api.messages_list(thread_id=run.thread_id), "listed the messages of thread_"),
    "runs": (lambda api, run: api.runs_list(thread_id=run.thread_id), "listed the runs of thread_"),
    "steps": (lambda api, run: api.steps(run), "listed the steps of run_"),
    "thread": (lambda api, run: api.client.beta.threads.retrieve(thread_id=run.thread_id), "retrieved thread_"),
}
each_question = pytest.mark.parametrize(("ask", "said"), ASKING.values(), ids=ASKING)


async def asks_for_ever(api, run, ask, pause):
    while True:
        await api.sleep(pause)
        given = ask(api, run)
        if inspect.isawaitable(given):
            await given


@each_question
@pytest.mark.parametrize(
    ("acts", "because"),
    [([fail()], "'failed' is final"), ([WEATHER], "It waits for the outputs of get_weather")],
    ids=["ended", "requires_action"],
)
def test_asking_on_when_nothing_changes_any_more(api, ask, said, acts, because):
    async def asks(api):
        await asks_for_ever(api, await api.settle(*acts), ask, 1)

    message = stuck(api, asks)
    assert re.match(
        rf"The client is stuck: it has {said}\w+ 30 times\.\n\nThe loop at test_stuck\.py:\d+ repeats the request:",
        message,
    )
    assert because in message


@each_question
def test_asking_busily_while_a_run_is_active_moves_no_time(api, ask, said):
    async def asks(api):
        await asks_for_ever(api, await api.start(say("Hello.")), ask, 0)

    message = stuck(api, asks)
    assert f"it has {said}" in message
    assert "Time passes when the client sleeps or retrieves the run itself, and it does neither." in message
    assert "time.sleep(1)   # or asyncio.sleep, between the requests; it takes no real time, or\n    run = " in message


async def waits_for_an_answer(api, *acts):
    run = await api.start(*acts)
    while True:
        page = await api.messages_list(thread_id=run.thread_id)
        if page.data[0].role == "assistant" and page.data[0].content:
            return page.data[0].content[0].text.value
        await api.sleep(1)


def test_waiting_for_a_message_that_comes(api):
    assert api.play(waits_for_an_answer(api, wait(200), say("Hello."))) == "Hello."


def test_waiting_for_a_message_that_does_not_come(api):
    message = stuck(api, waits_for_an_answer, hang())
    assert "it has listed the messages of" in message
    assert "It was in_progress for 599 s, and expired." in message


def test_waiting_for_a_message_when_no_run_was_created(api):
    async def forgets_the_run(api):
        thread = await api.thread()
        while len((await api.messages_list(thread_id=thread.id)).data) < 2:
            await api.sleep(1)

    message = stuck(api, forgets_the_run)
    assert f"There is no run on {api.fake.threads[0].id}, and without one nothing happens on a thread." in message
    assert "run = client.beta.threads.runs.create(thread_id=thread.id" in message


# --- requests that are refused ------------------------------------------------------------------------------


async def insists(api, ask, *, pause=0.0):
    """A client that takes every refusal for one that passes; how often it was refused."""
    refused = 0
    while True:
        try:
            await ask()
        except openai.APIStatusError:  # noqa: PERF203 - as clients do
            refused += 1
            await api.sleep(pause)
        else:
            return refused


def submit(api, run, call_id="call_none"):
    outputs = [{"tool_call_id": call_id, "output": "4"}]
    return api.runs_submit_tool_outputs(run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs)


@pytest.mark.parametrize("acts", [[say("x")], [fail()], [hang()]], ids=["completed", "failed", "expired"])
def test_submitting_to_a_run_that_has_ended(api, acts):
    async def submits(api):
        run = await api.settle(*acts)
        await insists(api, lambda: submit(api, run), pause=1)

    message = stuck(api, submits)
    status = api.fake.runs[0].status
    assert f"it has submitted outputs to {api.fake.runs[0].id} 30 times, and the answer was always 400: " in message
    assert f"'{status}' is final" in message
    assert 'if run.status == "requires_action":   # other runs take no outputs' in message


def test_submitting_outputs_of_other_calls(api):
    async def submits(api):
        run = await api.settle(WEATHER)
        await insists(api, lambda: submit(api, run))

    message = stuck(api, submits)
    assert "400: Expected tool outputs for call_ids ['call_" in message
    assert "It waits for the outputs of get_weather" in message
    assert 'outputs = [{"tool_call_id": call.id, ' in message


def test_cancelling_a_run_that_has_ended(api):
    async def cancels(api):
        run = await api.settle(say("x"))
        await insists(api, lambda: api.runs_cancel(run_id=run.id, thread_id=run.thread_id))

    message = stuck(api, cancels)
    assert "it has tried 30 times to cancel run_" in message
    assert message.endswith(f"if run.status not in ({ENDS}):   # a run that has ended cannot be cancelled\n        ...")


LOCKED = {
    "message": (
        lambda api, run: api.messages_create(thread_id=run.thread_id, role="user", content="?"),
        "add a message to",
    ),
    "run": (
        lambda api, run: api.runs_create(thread_id=run.thread_id, assistant_id=run.assistant_id),
        "create a run on",
    ),
}
on_a_locked_thread = pytest.mark.parametrize(("ask", "said"), LOCKED.values(), ids=LOCKED)


@on_a_locked_thread
@pytest.mark.parametrize(
    ("acts", "pause", "because"),
    [
        ([WEATHER], 1, "It waits for the outputs of get_weather"),
        ([hang()], 0, "Time passes when the client sleeps or retrieves the run itself, and it does neither."),
    ],
    ids=["requires_action", "busy"],
)
def test_a_thread_that_stays_locked(api, ask, said, acts, pause, because):
    async def tries(api):
        run = await (api.settle(*acts) if pause else api.start(*acts))
        await insists(api, lambda: ask(api, run), pause=pause)

    message = stuck(api, tries)
    [run] = api.fake.runs
    assert f"it has tried 30 times to {said} {run.thread_id}, and the answer was always 400: " in message
    assert f"{run.id} is '{run.status}', and locks the thread: no messages, no other runs.\n{because}" in message


@on_a_locked_thread
def test_a_thread_whose_lock_time_opens(api, ask, said):
    async def tries(api):
        run = await api.start(hang())
        api.fake.every_run()
        return await insists(api, lambda: ask(api, run), pause=5)

    assert api.play(tries(api)) == 120


def test_any_other_request_that_is_refused_again_and_again(api):
    async def tries(api):
        run = await api.settle(say("x"))
        await insists(api, lambda: api.messages_create(thread_id=run.thread_id, role="wizard", content="x"))

    message = stuck(api, tries)
    assert "Time does not change this answer: the request itself has to change." in message
    assert message.endswith("except openai.APIStatusError:\n        raise   # asking again is of no use")


def test_a_thread_that_is_not_there(api):
    async def tries(api):
        await insists(api, lambda: api.update("thread_none", metadata={}))

    assert "it has sent POST /threads/thread_none 30 times, and the answer was always 404: " in stuck(api, tries)


# --- what is no loop ----------------------------------------------------------------------------------------


def test_asking_the_same_with_other_work_in_between(api):
    async def works(api):
        run = await api.settle(fail())
        for number in range(100):
            await api.messages_list(thread_id=run.thread_id)
            await api.retrieve(run)
            if number % 20 == 0:
                await api.create()

    api.play(works(api))


def test_pages_of_a_list_are_different_questions(api):
    async def pages(api):
        run = await api.settle(say("x"))
        for limit in range(1, 100):
            await api.messages_list(thread_id=run.thread_id, limit=limit)

    api.play(pages(api))


def test_clients_are_counted_each_by_itself(api):
    async def looks(api):
        run = await api.settle(fail())
        for _ in range(10):
            api.client = api.new_client()
            for _ in range(20):
                await api.retrieve(run)
                await api.messages_list(thread_id=run.thread_id)

    api.play(looks(api))


@pytest.mark.parametrize(("limit", "is_stuck"), [(100, False), (400, True)])
@pytest.mark.parametrize("counts", ["limit", "range"])
def test_a_loop_that_counts_ends_by_itself(api, counts, limit, is_stuck):
    async def while_less(api):
        run, tries = await api.settle(fail()), 0
        while run.status != "completed" and tries < limit:
            run = await api.retrieve(run)
            tries += 1

    async def over_a_range(api):
        run = await api.settle(fail())
        for _ in range(limit):
            run = await api.retrieve(run)
            if run.status == "completed":
                break

    client = while_less if counts == "limit" else over_a_range
    if is_stuck:
        assert "it has looked 300 times" in stuck(api, client)
    else:
        api.play(client(api))


def test_what_is_no_thread_may_be_asked_as_often_as_wanted(api):
    async def asks(api):
        assistant = api.fake.add_assistant()
        for _ in range(40):
            given = api.client.beta.assistants.retrieve(assistant.id)
            if inspect.isawaitable(given):
                await given

    api.play(asks(api))


def test_a_snapshot_remembers_how_often_was_asked(assistants):
    """Going back undoes the looks too."""
    api = Api(assistants, asynchronous=False)
    run = api.play(api.settle(fail()))
    before = assistants.snapshot()
    for _ in range(3):
        for _ in range(25):
            api.play(api.retrieve(run))
        assistants.restore(before)
