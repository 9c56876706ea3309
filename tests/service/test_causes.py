"""The report section of a failed test: always short, and with a cause only where the data show one."""

from __future__ import annotations

import json
import re
import threading
import time
import unittest

import openai
import pytest

import harness
from harness.report.causes import most_likely_cause
from harness.report.text import failure_section
from harness.service.exchange import Exchange
from harness.service.http import Request, Response
from harness.sleep_log import SleepLog, ThreadSleep
from harness.transports.httpx_family import sdk_http_library

if not hasattr(openai.OpenAI, "vector_stores"):
    pytest.skip(f"openai {openai.__version__} lacks some of the calls that are made here", allow_module_level=True)

LINES = 42


def exchange(method, path, body, status=200):
    return Exchange(Request(method, f"https://api.openai.com/v1{path}"), Response(status, {}, body), 0)


@pytest.fixture
def fake():
    with harness.fake_assistants() as assistants:
        assistants.add_assistant("asst_app", instructions="Hi")
        yield assistants


@pytest.fixture
def client(fake):
    return fake.client(api_key="sk-secret")


def cause_of(fake, error):
    return most_likely_cause(fake.threads, fake.requests, error)


def refusal(call, *args, **more):
    with pytest.raises(openai.APIStatusError) as raised:
        call(*args, **more)
    return raised.value


# --- the section --------------------------------------------------------------------------------------------------


def test_a_long_conversation_is_reported_in_forty_lines(fake, client):
    fake.every_run(harness.fail("server_error", "long " * 200))
    for number in range(5):
        thread = client.beta.threads.create()
        for _ in range(4):
            client.beta.threads.messages.create(thread.id, role="user", content=f"{number}\n" + "word " * 200)
        for _ in range(2):
            client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="asst_app")
    section = failure_section(fake.threads, fake.requests, AssertionError("assert 1 == 2"))
    lines = section.splitlines()
    assert len(lines) <= LINES
    assert max(map(len, lines)) < 400
    assert lines[1] == "… 2 earlier"
    assert "sk-secret" not in section
    assert section.count("… 1 earlier") == 3  # of the messages of each thread
    assert [line for line in lines if line.startswith("    … ")][3:] == ["    … 4 earlier", "    … 35 earlier"]


def test_a_long_run_is_reported_in_one_line(fake, client):
    fake.every_run(*[harness.call("get_weather")] * 6)
    thread = fake.add_thread("thread_app")
    run = client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="asst_app")
    for _ in range(5):
        calls = run.required_action.submit_tool_outputs.tool_calls
        outputs = [{"tool_call_id": call.id, "output": "4 °C"} for call in calls]
        run = client.beta.threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id, thread_id=thread.id, tool_outputs=outputs
        )
    [line] = [line for line in failure_section(fake.threads, []).splitlines() if line.startswith("    run_")]
    assert line.split(" → ")[:2] == [f"    {run.id}: queued 0s (client: create)", "… 9 more"]
    assert line.endswith("requires_action 18s (model: call) — waits for get_weather")


def test_the_cause_stands_first_and_what_was_lost_is_reported(fake, client):
    fake.add_thread("thread_app")
    fake.faults.lost_answer(on="POST /threads/{thread_id}/runs")
    error = refusal(client.beta.threads.runs.create, "thread_app", assistant_id="asst_app")
    section = failure_section(fake.threads, fake.requests, error)
    assert re.match(r"Most likely cause: run_\w+ was created, but the answer", section)
    assert "POST /v1/threads/thread_app/runs → ConnectionLost" in section


# --- no guess -----------------------------------------------------------------------------------------------------


def test_errors_that_have_nothing_to_do_with_it(fake, client):
    """A run of every kind, and errors of the kinds that the rules look for."""
    fake.add_thread("thread_app")
    for acts in ([harness.say("Hi")], [harness.fail()], [harness.say("Hi", images=["file-1"])], [harness.call("f")]):
        fake.next_run(*acts)
        client.beta.threads.messages.create("thread_app", role="user", content="Hello?")
        client.beta.threads.runs.create_and_poll(thread_id="thread_app", assistant_id="asst_app")
        client.beta.threads.messages.list("thread_app")
    refusal(client.beta.threads.messages.create, "thread_app", role="user", content="Hello?")
    errors = [
        AssertionError("assert 1 == 2"),
        AssertionError(""),
        AttributeError("'NoneType' object has no attribute 'text'"),
        IndexError("list index out of range"),
        KeyError("text"),
        KeyError("thread.run.paused"),
        KeyError(),
        KeyError("city"),
        TypeError("unsupported operand type(s) for -: 'NoneType' and 'int'"),
        TypeError("g() missing 1 required positional argument: 'city'"),
        ValueError("Expecting value"),
        harness.HarnessFailure("The client is stuck: it has sent GET /models 30 times."),
    ]
    assert [cause_of(fake, error) for error in errors] == [None] * len(errors)


def test_nothing_happened_at_all():
    assert failure_section([], [], KeyError("text")) == ""
    for error in (KeyError("text"), IndexError(), AttributeError("quote"), TypeError("'NoneType'"), OSError("404")):
        assert most_likely_cause([], [], error) is None


class UnspeakableError(Exception):
    def __str__(self):
        raise ValueError("no words")


def test_an_error_that_cannot_be_shown_costs_nothing(fake):
    fake.add_thread("thread_app")
    assert cause_of(fake, UnspeakableError()) is None


def test_answers_of_a_test_itself_may_be_anything(fake):
    """`assistants.on` answers with what a test likes."""
    fake.add_thread("thread_app")
    answers = [
        exchange("GET", "/threads/thread_app/messages", b"[]"),
        exchange("POST", "/threads/thread_app/messages/msg_1", b"null"),
        exchange("POST", "/threads/thread_app/runs", b"[]"),
        exchange("GET", "/threads/thread_app", b'{"error": {"message": 4}}', 400),
        exchange("GET", "/threads/thread_app", b'["error"]', 400),
    ]
    for error in (IndexError("400"), TypeError("'NoneType'"), KeyError("thread.x")):
        assert most_likely_cause(fake.threads, answers, error) is None
        assert failure_section(fake.threads, answers, error)


# --- one pitfall, shown by other errors ---------------------------------------------------------------------------


def test_a_refusal_is_found_behind_the_error_that_the_application_made_of_it(fake, client):
    fake.add_thread("thread_app")
    client.beta.threads.runs.create("thread_app", assistant_id="asst_app")
    cause = refusal(client.beta.threads.messages.create, "thread_app", role="user", content="Hello?")
    error = RuntimeError("could not answer")
    error.__cause__ = cause
    assert "nobody had looked at it" in cause_of(fake, error)
    error.__cause__ = None
    assert cause_of(fake, error) is None
    error.__context__, error.__suppress_context__ = cause, False
    assert "nobody had looked at it" in cause_of(fake, error)
    error.__suppress_context__ = True
    assert cause_of(fake, error) is None
    error.exceptions = (cause,)  # as a group has them
    assert "nobody had looked at it" in cause_of(fake, error)


def test_a_refusal_is_known_by_its_status_too(fake, client):
    """As HTTP libraries raise it, or a test asserts it."""
    fake.add_thread("thread_app")
    refusal(client.beta.threads.runs.retrieve, "run_app", thread_id="None")
    assert "None was sent as the thread_id" in cause_of(fake, AssertionError("assert 400 == 200"))
    assert cause_of(fake, AssertionError("assert 401 == 200")) is None


def test_the_last_refusal_counts(fake, client):
    fake.add_thread("thread_app")
    refusal(client.beta.threads.runs.retrieve, "run_app", thread_id="None")
    error = refusal(client.beta.threads.runs.retrieve, "run_app", thread_id="undefined")
    assert cause_of(fake, error).startswith("undefined was sent as the thread_id")


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_an_object_in_place_of_its_id(fake, client, version):
    beta = {"OpenAI-Beta": f"assistants={version}"}
    thread = client.beta.threads.create(extra_headers=beta)
    error = refusal(client.beta.threads.messages.list, thread, extra_headers=beta)
    assert cause_of(fake, error) == f"a whole Thread was sent in place of its id: send .id, which is {thread.id}."


def test_other_outputs_than_those_asked_for(fake, client):
    """Not fewer of them: nothing known."""
    fake.add_thread("thread_app")
    fake.next_run(harness.call("get_weather"))
    runs = client.beta.threads.runs
    run = runs.create_and_poll(thread_id="thread_app", assistant_id="asst_app")
    outputs = [{"tool_call_id": "call_1", "output": "x"}]
    error = refusal(runs.submit_tool_outputs, run.id, thread_id="thread_app", tool_outputs=outputs)
    assert cause_of(fake, error) is None


QUESTION = "How cold will it be in Oslo on Friday, and how cold in Bergen, if you please?"


@pytest.mark.parametrize(
    ("shown", "known"),
    [
        (repr(QUESTION), True),
        (f"{QUESTION!r:.13}...{repr(QUESTION)[-13:]}", True),
        (f"\n  - 4 °C\n  + {QUESTION}", True),
        (QUESTION, False),
        (f"{QUESTION!r:.13}...ays in Oslo?'", False),
    ],
    ids=["whole", "cut", "difference", "without quotes", "another"],
)
def test_a_text_is_known_again_as_assertions_show_it(fake, client, shown, known):
    client_thread = client.beta.threads.create(messages=[{"role": "user", "content": QUESTION}]).id
    fake.next_run(harness.fail())
    client.beta.threads.runs.create_and_poll(thread_id=client_thread, assistant_id="asst_app")
    client.beta.threads.messages.list(client_thread)
    cause = cause_of(fake, AssertionError(f"assert '4 °C' == {shown}"))
    assert (cause is not None and "check run.status and run.last_error" in cause) is known


def test_a_failed_run_is_no_cause_before_its_messages_were_read(fake, client):
    thread = client.beta.threads.create(messages=[{"role": "user", "content": QUESTION}])
    fake.next_run(harness.fail())
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="asst_app")
    assert cause_of(fake, AssertionError(f"assert {QUESTION!r} == '4 °C'")) is None


def raising(kind, function):
    with pytest.raises(kind) as raised:
        function()
    return raised.value


@pytest.fixture
def answered(fake, client):
    """A run that did what it should, whatever the scripts of the test."""

    def answer(*acts, **more):
        fake.next_run(*acts)
        thread = client.beta.threads.create(messages=[{"role": "user", "content": QUESTION}])
        client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="asst_app", **more)
        return client.beta.threads.messages.list(thread.id).data[0].model_dump()

    return answer


def test_objects_as_plain_json(fake, answered):
    """Clients without the SDK fall in as well, and the newest message is not always the guilty one."""
    image = answered(harness.say("A plot", images=["file-plot"]))
    answered(harness.say("No plot"))
    error = raising(KeyError, lambda: image["content"][0]["text"])
    assert f"content[0] of {image['id']} is an image" in cause_of(fake, error)
    assert cause_of(fake, KeyError("text")) is None


def test_nothing_is_wrong_with_what_was_written(fake, answered):
    """The same errors at lines that look the same, over conversations in which all is well."""
    message = {**answered(harness.say("4 °C")), "content": [], "quote": None, "expires_at": None}
    errors = [
        raising(IndexError, lambda: message["content"][0]),
        raising(KeyError, lambda: (message["content"] and 1) or {}["text"]),
        raising(AttributeError, lambda: message["quote"].strip().lower()),
        raising(TypeError, lambda: message["created_at"] - message["completed_at"]),
        raising(TypeError, lambda: 1 - message["expires_at"] if message["created_at"] else 0),
        raising(json.JSONDecodeError, lambda: json.loads("{")),
        AssertionError("assert [] == ['file_citation']"),
        AssertionError(f"assert {QUESTION!r} == 'Hi'"),
    ]
    fake.runs[0].expires_at = 1
    assert [cause_of(fake, error) for error in errors] == [None] * len(errors)


def test_other_calls_than_the_one_that_failed(fake, answered):
    answered(harness.call("get_weather", city="Oslo"))
    answered(harness.call("get_time", arguments_json="[1]"))
    answered(harness.call("get_time", arguments_json="{"))
    errors = [
        TypeError("get_weather() missing 1 required positional argument: 'city'"),  # it was given
        raising(json.JSONDecodeError, lambda: json.loads("[")),
        raising(json.JSONDecodeError, lambda: json.loads('{"city"')),
        AssertionError("assert 'Oslo' == 'Bergen'"),
    ]
    assert [cause_of(fake, error) for error in errors] == [None] * len(errors)
    missing = TypeError("get_time() missing 1 required positional argument: 'zone'")
    assert "called get_time without 'zone', with {" in cause_of(fake, missing)


def test_pieces_are_none_of_what_a_run_is_not_writing(fake, client):
    """The call of a stream that was left, and a piece of something else."""
    fake.add_thread("thread_app")
    fake.next_run(harness.say("It is 4 °C, all over the country."))
    fake.next_run(harness.call("get_weather", city="Oslo"))
    error = raising(json.JSONDecodeError, lambda: json.loads('{"ci'))
    for event in client.beta.threads.runs.create("thread_app", assistant_id="asst_app", stream=True):
        if event.event == "thread.message.delta":
            assert cause_of(fake, error) is None
    for event in client.beta.threads.runs.create("thread_app", assistant_id="asst_app", stream=True):
        if event.event == "thread.run.step.delta":
            assert "is a piece of the arguments of get_weather" in cause_of(fake, error)
            assert cause_of(fake, raising(json.JSONDecodeError, lambda: json.loads("{oops"))) is None
            break


def test_a_search_that_found_nothing_in_a_store_that_is_ready(fake, client):
    store = client.vector_stores.create()
    resources = {"file_search": {"vector_store_ids": [store.id]}}
    assistant = client.beta.assistants.create(model="gpt-4o", tools=[{"type": "file_search"}], tool_resources=resources)
    fake.every_run(harness.search(), harness.say("Nothing."))
    thread = client.beta.threads.create(messages=[{"role": "user", "content": QUESTION}])
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    assert cause_of(fake, AssertionError("assert [] == ['file_citation']")) is None
    assert cause_of(fake, AssertionError("assert 'Nothing.' == 'It is cold.'")) is None


def test_not_found_and_never_there(fake, client):
    client.beta.threads.delete(client.beta.threads.create().id)
    fake.add_thread("thread_app")
    error = refusal(client.beta.threads.runs.retrieve, "run_app", thread_id="thread_app")
    assert error.status_code == 404
    assert cause_of(fake, error) is None


@pytest.mark.parametrize(
    ("kind", "id", "ask"),
    [
        ("assistant", "asst_kept", lambda beta: beta.threads.runs.create("thread_app", assistant_id="asst_kept")),
        ("thread", "thread_kept", lambda beta: beta.threads.messages.list("thread_kept")),
    ],
)
def test_an_id_that_another_test_has_made(fake, client, kind, id, ask):
    fake.add_thread("thread_app")
    cause = cause_of(fake, refusal(ask, client.beta))
    assert cause.startswith(f"{id} was never created in this test")
    assert f"assistants.add_{kind}(…)" in cause
    assert "adopt_unknown=True" in cause


def test_an_id_that_was_made_here_and_is_gone_again(fake, client):
    before = fake.snapshot()
    thread = client.beta.threads.create()
    fake.restore(before)
    assert cause_of(fake, refusal(client.beta.threads.retrieve, thread.id)) is None


def test_a_portal_that_an_earlier_test_has_ended():
    """That test makes no request: its client is dead."""
    section = failure_section([], [], RuntimeError("This portal is not running"))
    assert section.startswith("Most likely cause: a failure of the harness, ")
    assert failure_section([], [], RuntimeError("This loop is not running")) == ""


def failed_call(client):
    with pytest.raises(openai.APIConnectionError) as raised:
        client.with_options(max_retries=0).models.list()
    return raised.value


def test_a_transport_that_connects_by_itself(fake):
    """As those of httpx-socks and httpx-curl-cffi do, which Python's own guards do not always see."""
    family = sdk_http_library()

    class Socks(family.BaseTransport):
        def handle_request(self, request):
            raise family.ConnectError("no proxy there")

    class Retrying(family.HTTPTransport):
        def handle_request(self, request):
            return super().handle_request(request)

    error = failed_call(openai.OpenAI(api_key="x", http_client=family.Client(transport=Socks())))
    assert f"sends through a transport of its own, {__name__}.Socks, which" in cause_of(fake, error)
    fake.faults.connect_error()
    error = failed_call(openai.OpenAI(api_key="x", http_client=family.Client(transport=Retrying())))
    assert cause_of(fake, error) is None
    assert failure_section([], [], ConnectionError("APIConnectionError")) == ""  # from nowhere


OLDEST = "messages are listed newest first: data[-1]"


def expects(got, expected):
    assert got == expected


def expects_the_other_way_round(got):
    assert "Oslo" == got  # noqa: SIM300 - as some write it


def unittest_expects(got, expected):
    unittest.TestCase().assertEqual(got, expected)  # noqa: PT009 - as others write it


@pytest.mark.parametrize(
    ("compare", "speaks"),
    [
        (lambda: expects("Oslo", "Bergen"), True),
        (lambda: expects("Bergen", "Oslo"), False),
        (lambda: unittest_expects("Bergen", "Oslo"), False),
        (lambda: expects_the_other_way_round("Bergen"), False),
    ],
    ids=["got", "expected", "expected by unittest", "expected on the left"],
)
def test_the_oldest_message_is_to_blame_only_where_it_was_taken(fake, client, compare, speaks):
    """A model may well repeat the question, or be expected to."""
    fake.next_run(harness.say("Bergen"))
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Oslo"}])
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="asst_app")
    client.beta.threads.messages.list(thread.id)
    with pytest.raises(AssertionError) as raised:
        compare()
    assert ((cause_of(fake, raised.value) or "").startswith(OLDEST)) is speaks


def test_without_a_comparison_nobody_knows_what_was_taken(fake, client):
    fake.next_run(harness.say("Bergen"))
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "Oslo"}])
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="asst_app")
    client.beta.threads.messages.list(thread.id)
    assert cause_of(fake, AssertionError("assert 'Oslo' in 'Bergen'")) is None


def test_a_transcript_is_whole(fake, client):
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "One line\n" + "word " * 100}])
    fake.next_run(harness.say("Hm"), harness.truncate())
    client.beta.threads.runs.create_and_poll(thread_id=thread.id, assistant_id="asst_app")
    lines = fake.transcript().splitlines()
    assert lines[1:3] == ["    user: One line", "        " + "word " * 100]
    assert lines[3].startswith("    assistant [incomplete]: ")
    assert failure_section(fake.threads, []).endswith("incomplete 3s (model: truncate) — max_completion_tokens")


def expired_while(fake, client, times):
    """The cause for a run that expired while another thread slept 650 seconds, in `times` equal parts."""
    fake.every_run(harness.call("f"))
    run = client.beta.threads.create_and_run_poll(assistant_id="asst_app", thread={"messages": []})
    [call] = run.required_action.submit_tool_outputs.tool_calls
    sleeper = threading.Thread(target=lambda: [time.sleep(5 * 130 / times) for _ in range(times)], name="heartbeat")
    sleeper.start()
    sleeper.join()
    outputs = [{"tool_call_id": call.id, "output": "4"}]
    error = refusal(client.beta.threads.runs.submit_tool_outputs, run.id, thread_id=run.thread_id, tool_outputs=outputs)
    return most_likely_cause(fake.threads, fake.requests, error, fake.sleep_log.bystanders())


def test_a_thread_that_sleeps_in_circles_is_named(fake, client):
    cause = expired_while(fake, client, 130)
    assert "expired because another thread slept: 'heartbeat' did 130 times, 650 s in all" in cause
    assert "or name its module in real_sleepers" in cause


def test_a_slow_tool_in_a_thread_is_no_heartbeat(fake, client):
    assert "a slow tool needs a run of its own" in expired_while(fake, client, 1)


def test_a_heartbeat_that_did_little_is_not_named(fake, client):
    fake.every_run(harness.hang())
    run = client.beta.threads.create_and_run_poll(assistant_id="asst_app", thread={"messages": []})
    assert run.status == "expired"
    sleeps = [ThreadSleep("heartbeat", 10, 50.0)]
    error = AssertionError("assert 'expired' == 'completed'")
    assert most_likely_cause(fake.threads, fake.requests, error, sleeps) is None
    assert most_likely_cause(fake.threads, fake.requests, KeyError("x"), [ThreadSleep("heartbeat", 10, 5000.0)]) is None


def test_a_thread_is_distinguished_from_one_that_ended_before_it():
    """The system gives both the same number."""
    log = SleepLog()
    for act in (log.note_request, lambda: log.note_sleep(5)) * 20:
        thread = threading.Thread(target=act)
        thread.start()
        thread.join()
    assert [(each.times, each.seconds) for each in log.bystanders()] == [(1, 5)] * 20


# --- runs that are older than a recording: nobody saw when they moved ----------------------------------------------


def aged(fake):
    """As `recording.seeds` makes runs that a session begins with."""
    for run in fake.runs:
        run.timeline.clear()


def test_a_run_without_a_timeline_is_reported(fake, client):
    fake.add_thread("thread_app")
    client.beta.threads.runs.create_and_poll(thread_id="thread_app", assistant_id="asst_app")
    aged(fake)
    section = failure_section(fake.threads, fake.requests, AssertionError("assert 1 == 2"))
    assert f"    {fake.runs[0].id}: completed (the run is older than the recording)\n" in section


def test_a_run_without_a_timeline_holds_its_thread(fake, client):
    fake.add_thread("thread_app")
    fake.next_run(harness.call("get_weather"))
    client.beta.threads.runs.create_and_poll(thread_id="thread_app", assistant_id="asst_app")
    aged(fake)
    error = refusal(client.beta.threads.messages.create, "thread_app", role="user", content="Hello?")
    assert "waits for the outputs of get_weather" in cause_of(fake, error)


def test_a_run_without_a_timeline_that_expired(fake, client):
    fake.add_thread("thread_app")
    fake.next_run(harness.call("get_weather"))
    run = client.beta.threads.runs.create_and_poll(thread_id="thread_app", assistant_id="asst_app")
    fake.clock.advance(601)
    aged(fake)
    outputs = [{"tool_call_id": "call_1", "output": "x"}]
    error = refusal(client.beta.threads.runs.submit_tool_outputs, run.id, thread_id="thread_app", tool_outputs=outputs)
    assert "was expired, not requires_action" in cause_of(fake, error)
    sleeps = [ThreadSleep("heartbeat", 10, 5000.0)]
    assert most_likely_cause(fake.threads, fake.requests, AssertionError("assert 'expired'"), sleeps) is None


def test_a_run_without_a_timeline_that_gave_no_answer(fake, client):
    fake.add_thread("thread_app", messages=[{"role": "user", "content": QUESTION}])
    fake.next_run(harness.fail())
    client.beta.threads.runs.create_and_poll(thread_id="thread_app", assistant_id="asst_app")
    client.beta.threads.messages.list("thread_app")
    aged(fake)
    assert "check run.status" in cause_of(fake, AssertionError(f"assert '4 °C' == {QUESTION!r}"))


def test_what_was_seen_before_a_run_without_a_timeline_is_unknown(fake, client):
    store = client.vector_stores.create(file_ids=[fake.add_file(content=b"Rain.", filename="a.txt").id])
    resources = {"file_search": {"vector_store_ids": [store.id]}}
    assistant = client.beta.assistants.create(model="gpt-4o", tools=[{"type": "file_search"}], tool_resources=resources)
    fake.add_thread("thread_app", messages=[{"role": "user", "content": QUESTION}])
    fake.next_run(harness.search(results=[]), harness.say("Nothing."))
    client.beta.threads.runs.create_and_poll(thread_id="thread_app", assistant_id=assistant.id)
    error = AssertionError("assert [] == ['file_citation']")
    assert f"searched before {store.id} was ready" in cause_of(fake, error)
    aged(fake)
    assert cause_of(fake, error) is None
