"""`assistants.faults` for requests and plain answers: what clients make of it, on every SDK and HTTP library."""

from __future__ import annotations

import asyncio
import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import openai
import pytest
from stream_clients import ASSISTANT, RAW, THREAD, available, calling

from harness import HarnessFailure, call, say

if TYPE_CHECKING:
    from collections.abc import Callable

RUNS = "POST /threads/{thread_id}/runs"
URL = f"https://api.openai.com/v1/threads/{THREAD}/runs"
ACTIVE = "already has an active run"
RUN_ID = r"run_\w+\."
HALF_A_SECOND = 0.5  # a run is not over by then
FOUR_KEYS = ("message", "type", "param", "code")
AZURE = {"api_version": "2024-05-01-preview", "azure_endpoint": "https://mine.openai.azure.com"}


@pytest.fixture(params=["OpenAI", "AsyncOpenAI", "AsyncOpenAI on aiohttp"])
def sdk(request, assistants):
    way = available(request.param) if "aiohttp" in request.param else request.param
    with calling(way, assistants) as ready:
        yield ready


@pytest.fixture(params=RAW)
def raw(request, assistants):
    with calling(available(request.param), assistants) as ready:
        yield ready


def start(sdk: Any, **options: Any) -> Any:
    """A run, by a client with these options."""
    runs = sdk.client.with_options(**options).beta.threads.runs if options else sdk.client.beta.threads.runs
    return sdk.wait(runs.create(thread_id=THREAD, assistant_id=ASSISTANT))


def listed(sdk: Any, **page: Any) -> list[str]:
    """The texts in the thread, as one page of a list shows them."""
    page = sdk.wait(sdk.client.beta.threads.messages.list(THREAD, **page))
    return [message.content[0].text.value for message in page.data]


def finish(sdk: Any, run: Any) -> Any:
    while run.status in ("queued", "in_progress", "cancelling"):
        run = sdk.wait(sdk.client.beta.threads.runs.retrieve(run.id, thread_id=THREAD))
    return run


def post(raw: Any, timeout: Any = 600) -> Any:
    """A run, without an SDK."""
    headers = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}
    return raw.wait(raw.client.post(URL, headers=headers, json={"assistant_id": ASSISTANT}, timeout=timeout))


# --- the client gets something else than the answer ----------------------------------------------------------


@dataclass(frozen=True)
class Fault:
    """What a client gets: `error` of the SDK, `library` of httpx; whether the run was made; whether the SDK retries."""

    plan: Callable[..., None]
    error: type[Exception]
    library: str | None = None
    made: bool = False
    retried: bool = True


def planned(method: str, *args: Any, **kwargs: Any) -> Callable[..., None]:
    return lambda faults, **at: getattr(faults, method)(*args, **kwargs, **at)


ON_THE_WIRE = {
    "connect_error": Fault(planned("connect_error"), openai.APIConnectionError, "ConnectError"),
    "read_timeout": Fault(planned("read_timeout"), openai.APITimeoutError, "ReadTimeout"),
    "lost_answer": Fault(planned("lost_answer"), openai.APIConnectionError, "RemoteProtocolError", made=True),
    "timeout": Fault(planned("lost_answer", by="timeout"), openai.APITimeoutError, "ReadTimeout", made=True),
    "drop": Fault(planned("drop"), openai.APIConnectionError, "RemoteProtocolError", made=True),
    "slow": Fault(planned("slow", 9000), openai.APITimeoutError, "ReadTimeout"),
}
REFUSED = {
    "400": Fault(planned("status", 400), openai.BadRequestError, retried=False),
    "401": Fault(planned("status", 401), openai.AuthenticationError, retried=False),
    "403": Fault(planned("status", 403), openai.PermissionDeniedError, retried=False),
    "404": Fault(planned("status", 404), openai.NotFoundError, retried=False),
    "408": Fault(planned("status", 408), openai.APIStatusError),
    "409": Fault(planned("status", 409), openai.ConflictError),
    "429": Fault(planned("status", 429), openai.RateLimitError),
    "500": Fault(planned("status", 500), openai.InternalServerError),
    "502": Fault(planned("status", 502), openai.InternalServerError),
    "503": Fault(planned("status", 503), openai.InternalServerError),
}
FAULTS = {
    **ON_THE_WIRE,
    **REFUSED,
    # no SDK knows it: the error of the JSON decoder comes out
    "malformed": Fault(planned("malformed"), json.JSONDecodeError, made=True, retried=False),
}


@pytest.fixture(params=FAULTS)
def fault(request):
    return FAULTS[request.param]


def test_what_the_sdk_raises(sdk, assistants, fault):
    """Whatever goes wrong on the wire comes out as the SDK's own error (CONTRACT §9)."""
    fault.plan(assistants.faults, on=RUNS)
    with pytest.raises(fault.error) as raised:
        start(sdk, max_retries=0)
    if fault.library is not None:
        assert type(raised.value.__cause__).__name__ == fault.library
    assert len(assistants.requests) == 1
    assert len(assistants.runs) == fault.made
    assert str(assistants.faults).endswith("# happened")


def test_what_the_sdk_does_about_it(sdk, assistants, fault):
    """It tries again where it should (CONTRACT §9); the second try of a POST that was served meets its run (§11)."""
    fault.plan(assistants.faults, on=RUNS)
    if not fault.retried:
        with pytest.raises(fault.error):
            start(sdk, timeout=HALF_A_SECOND)
    elif fault.made:
        with pytest.raises(openai.BadRequestError, match=f"Thread {THREAD} {ACTIVE} {RUN_ID}"):
            start(sdk, timeout=HALF_A_SECOND)
    else:
        assert start(sdk, timeout=HALF_A_SECOND).id == assistants.runs[0].id
    assert len(assistants.requests) == 1 + fault.retried
    assert len(assistants.runs) == (fault.made or fault.retried)


@pytest.mark.parametrize("fault", [name for name, fault in FAULTS.items() if fault.retried], indirect=True)
def test_three_in_a_row_are_more_than_the_sdk_bears(sdk, assistants, fault):
    fault.plan(assistants.faults, on=RUNS, times=3)
    with pytest.raises(fault.error):
        start(sdk)
    assert len(assistants.requests) == 3
    assert str(assistants.faults).endswith("# happened 3 times")


@pytest.mark.parametrize("name", ON_THE_WIRE)
def test_what_httpx_raises(raw, assistants, name):
    """Errors of its own classes, with the request that failed, also where a plain body breaks off."""
    fault = ON_THE_WIRE[name]
    fault.plan(assistants.faults, on=RUNS)
    with pytest.raises(getattr(raw.module, fault.library)) as raised:
        post(raw)
    assert str(raised.value.request.url) == URL
    assert assistants.requests[0].status == (200 if name == "drop" else 0)


@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in ("drop", "malformed")], indirect=True)
def test_a_stream_that_is_not_given(sdk, assistants, fault):
    """A POST for a stream is a request like any other. Where the run was made, it goes on without its reader."""
    available("OpenAI")
    fault.plan(assistants.faults, on=RUNS)
    sdk.client = sdk.client.with_options(max_retries=0, timeout=HALF_A_SECOND)
    with pytest.raises(fault.error):
        sdk.run()
    assert len(assistants.runs) == fault.made
    if fault.made:
        with pytest.raises(openai.BadRequestError, match=ACTIVE):
            sdk.run()
        assistants.clock.advance(10)
        assert assistants.runs[0].status == "completed"


def test_a_stream_that_breaks_off(sdk, assistants):
    available("OpenAI")
    assistants.faults.drop(on=RUNS)
    stream = sdk.run()
    assert stream.next().name == "thread.run.created"
    with pytest.raises(Exception, match=r"incomplete chunked read|Connection error"):
        stream.next()
    assistants.clock.advance(10)
    assert assistants.runs[0].status == "completed"


def test_a_stream_that_ends_too_early(sdk, assistants):
    available("OpenAI")
    assistants.faults.malformed(on=RUNS)
    assert [event.name for event in sdk.run()] == ["thread.run.created"]


# --- what it takes of the virtual time -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["read_timeout", "timeout", "slow"])
def test_a_client_waits_as_long_as_its_read_timeout(raw, assistants, name):
    before = assistants.clock.now
    ON_THE_WIRE[name].plan(assistants.faults, on=RUNS)
    with pytest.raises(raw.module.ReadTimeout, match="The read operation timed out"):
        post(raw, timeout=raw.module.Timeout(5, read=42))
    assert assistants.clock.now - before == 42


def test_a_client_that_would_wait_for_ever_gets_its_timeout_too(raw, assistants):
    before = assistants.clock.now
    assistants.faults.read_timeout()
    with pytest.raises(raw.module.ReadTimeout):
        post(raw, timeout=None)
    assert assistants.clock.now == before


@pytest.mark.parametrize("policy", ["on_poll", "timed", "manual"])
def test_outputs_that_arrive_after_ten_minutes_meet_an_expired_run(sdk, assistants, policy):
    """CONTRACT §3.2, §11: a slow tool, or a slow network. A plan moves the clock under every policy."""
    assistants.clock.policy = policy
    assistants.next_run(call("get_weather"))
    assistants.faults.slow(600, on="POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs")
    run = start(sdk)
    assistants.clock.advance(5)
    [waiting] = assistants.runs[0].required_action["submit_tool_outputs"]["tool_calls"]
    with pytest.raises(openai.BadRequestError, match='Runs in status "expired" do not accept tool outputs'):
        submit = sdk.client.beta.threads.runs.submit_tool_outputs
        sdk.wait(submit(run.id, thread_id=THREAD, tool_outputs=[{"tool_call_id": waiting["id"], "output": "4"}]))


def test_a_slow_request_arrives_although_its_client_gave_up(sdk, assistants):
    """It is not there yet when the client looks, and comes when its time has come."""
    before = assistants.clock.now
    assistants.faults.slow(30, on="POST /threads/{thread_id}/messages")
    messages = sdk.client.with_options(max_retries=0, timeout=10).beta.threads.messages
    with pytest.raises(openai.APITimeoutError):
        sdk.wait(messages.create(THREAD, role="user", content="late"))
    assert assistants.clock.now == before + 10
    assert listed(sdk) == []
    assistants.clock.advance(20)
    assert listed(sdk) == ["late"]


def test_the_second_try_of_a_slow_post_is_there_first(sdk, assistants):
    """So there is everything twice, and nobody was told: a POST is not idempotent (CONTRACT §9)."""
    assistants.next_run(say("the answer"))
    assistants.next_run(say("another answer"))
    assistants.faults.slow(30, on="POST /threads/{thread_id}/messages")
    assistants.faults.slow(30, on=RUNS)
    patient = sdk.client.with_options(timeout=10).beta.threads
    sdk.wait(patient.messages.create(THREAD, role="user", content="once"))
    sdk.wait(patient.runs.create(THREAD, assistant_id=ASSISTANT))
    assistants.clock.advance(60)
    assert listed(sdk, order="asc") == ["once", "the answer", "once", "another answer"]


def test_a_slow_answer_can_be_borne(sdk, assistants):
    before = assistants.clock.now
    assistants.faults.slow(20, on=RUNS)
    assert start(sdk).created_at == before + 20


@pytest.mark.parametrize("seconds", [1, 20, 59.5])
def test_a_rate_limit_is_over_when_its_time_has_passed(sdk, assistants, seconds):
    """The SDK sleeps as long as `Retry-After` says, virtually (CONTRACT §9)."""
    before = assistants.clock.now
    assistants.faults.rate_limit(seconds, on=RUNS)
    run = start(sdk)
    assert [exchange.status for exchange in assistants.requests] == [429, 200]
    waited = math.ceil(seconds)
    assert assistants.requests[0].response.headers["retry-after"] == str(waited)
    assert f"Please try again in {waited}s" in assistants.requests[0].answer["error"]["message"]
    assert run.created_at == int(before + waited)


def test_a_rate_limit_is_for_all_that_come_meanwhile(sdk, assistants):
    """It begins with the first request, says each time how much is left, and spares what it is not for."""
    assistants.faults.rate_limit(30, on=RUNS, nth=2)
    finish(sdk, start(sdk))
    for left in (30, 20, 10):
        with pytest.raises(openai.RateLimitError) as raised:
            start(sdk, max_retries=0)
        assert raised.value.response.headers["retry-after"] == str(left)
        assert listed(sdk)
        assistants.clock.advance(10)
    start(sdk, max_retries=0)
    assert str(assistants.faults).endswith("# happened 3 times")


def test_retry_after_is_what_a_status_says(sdk, assistants):
    before = assistants.clock.now
    assistants.faults.status(503, on=RUNS, retry_after=7)
    assert start(sdk).created_at == before + 7


@pytest.mark.parametrize("policy", ["on_poll", "timed"])
def test_what_a_run_does_while_its_creator_waits_for_an_answer(sdk, assistants, policy):
    """After ten minutes without an answer the run is over, so the second try makes another (CONTRACT §11)."""
    assistants.clock.policy = policy
    assistants.faults.lost_answer(by="timeout", on=RUNS)
    start(sdk)
    assert [run.status for run in assistants.runs] == ["completed", "queued"]


# --- what else happens -----------------------------------------------------------------------------------------


def test_a_list_that_lags(sdk, assistants):
    """Who lists the messages right after a run gets the question, and the answer at the next look."""
    assistants.next_run(say("4 °C"))
    sdk.wait(sdk.client.beta.threads.messages.create(THREAD, role="user", content="How cold?"))
    finish(sdk, start(sdk))
    assistants.faults.lag()
    assert [listed(sdk) for _ in range(2)] == [["How cold?"], ["4 °C", "How cold?"]]


def test_another_client_acts_meanwhile(sdk, assistants):
    """Somebody cancels the run just before the outputs arrive (CONTRACT §3.7)."""
    other = openai.OpenAI(api_key="sk-other").beta.threads.runs
    assistants.next_run(call("get_weather"))
    run = start(sdk)

    def cancel_it() -> None:
        other.cancel(run.id, thread_id=THREAD)

    assistants.faults.meanwhile(cancel_it, on="POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs")
    waiting = finish(sdk, run)
    [tool_call] = waiting.required_action.submit_tool_outputs.tool_calls
    with pytest.raises(openai.BadRequestError, match='Runs in status "cancelling" do not accept'):
        submit = sdk.client.beta.threads.runs.submit_tool_outputs
        sdk.wait(submit(run.id, thread_id=THREAD, tool_outputs=[{"tool_call_id": tool_call.id, "output": "4"}]))
    assert [exchange.path.rpartition("/")[2] for exchange in assistants.requests[-2:]] == [
        "cancel",
        "submit_tool_outputs",
    ]
    assert "meanwhile(cancel_it, on=" in str(assistants.faults)


def test_a_run_that_another_client_started_meanwhile(sdk, assistants):
    """What it is called for is a request too; a plan whose turn is over does not strike again."""
    other = openai.OpenAI(api_key="sk-other").beta.threads.runs
    assistants.faults.meanwhile(lambda: other.create(THREAD, assistant_id=ASSISTANT), on=RUNS)
    with pytest.raises(openai.BadRequestError, match=ACTIVE):
        start(sdk)
    assert len(assistants.requests) == 2


@pytest.mark.assistants(clock="on_poll")
def test_what_is_called_meanwhile_may_fail(sdk, assistants):
    """As a failure of the harness: the SDK would take another error for one of the network, and try again."""

    def fails() -> None:
        raise LookupError("no run to cancel")

    assistants.faults.meanwhile(fails, on=RUNS)
    with pytest.raises(HarnessFailure, match=r"LookupError: no run to cancel(?s:.*)before POST /threads/{thread_id}/"):
        start(sdk)
    assert len(assistants.failures) == 1
    assistants.failures.clear()


def test_every_request_and_one_object(sdk, assistants):
    """Without `on` every request counts; with an id only those of one object."""
    assistants.add_thread("thread_other")
    assistants.faults.status(404, on="GET /threads/thread_other")
    assistants.faults.status(400, nth=3)
    threads = sdk.client.beta.threads
    assert sdk.wait(threads.retrieve(THREAD)).id == THREAD
    with pytest.raises(openai.NotFoundError):
        sdk.wait(threads.retrieve("thread_other"))
    with pytest.raises(openai.BadRequestError):
        sdk.wait(threads.retrieve(THREAD))


@pytest.mark.parametrize("status", [status for status in REFUSED if status != "502"])
def test_azure_says_it_in_its_own_way(assistants, status):
    """Its gateway's errors have two keys and a code that is a text (CONTRACT §7.2); the assistants' are OpenAI's."""
    client = openai.AzureOpenAI(api_key="sk-test", max_retries=0, **AZURE)
    assistants.faults.status(int(status), on="GET /assistants")
    with pytest.raises(REFUSED[status].error) as raised:
        client.beta.assistants.list()
    keys = {"code", "message"} if status in ("401", "403", "404", "408", "429", "503") else set(FOUR_KEYS)
    assert set(raised.value.response.json()["error"]) == keys
    assert raised.value.response.headers["apim-request-id"]


@pytest.mark.assistants(unused="ignore")
def test_tasks_that_lose_their_connection_at_the_same_time(assistants):
    """Each request is struck for itself, and all are made in the end."""
    assistants.faults.connect_error(on="POST /threads", times=5)

    async def several() -> list[Any]:
        client = openai.AsyncOpenAI(api_key="sk-test")
        try:
            return await asyncio.gather(*(client.beta.threads.create() for _ in range(5)))
        finally:
            await client.close()

    assert len(asyncio.run(several())) == len(assistants.threads) == 5
    assert [exchange.status for exchange in assistants.requests] == [0] * 5 + [200] * 5


def test_own_answers_get_lost_as_well(sdk, assistants):
    """The network does not ask who answers."""
    assistants.on("GET", "/models", lambda request: {"object": "list", "data": []})
    assistants.faults.connect_error(on="GET /models")
    with pytest.raises(openai.APIConnectionError):
        sdk.wait(sdk.client.with_options(max_retries=0).models.list())
    assert sdk.wait(sdk.client.models.list()).data == []
