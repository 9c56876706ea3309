"""Faults of requests and plain answers, without any client: when they happen, and what the service answers."""

from __future__ import annotations

import json
import threading
from contextlib import suppress
from typing import Any

import pytest
from pydantic_core import from_json

from harness import FakeAssistants, HarnessFailure, say
from harness.options import make_options
from harness.service.bodies import Chunks
from harness.service.faults import Faults
from harness.service.faults.bodies import PartialBody
from harness.service.http import ConnectionLost, ReadTimeout, Request, Response, WireFailure

OPENAI = "https://api.openai.com/v1"
AZURE = "https://mine.openai.azure.com/openai"
HEADERS = {"authorization": "Bearer sk-1234567890abcdef", "openai-beta": "assistants=v2"}
THREAD = "thread_abc"
RUNS = "POST /threads/{thread_id}/runs"
GET_THREAD = "GET /threads/{thread_id}"


@pytest.fixture
def fake() -> FakeAssistants:
    made = FakeAssistants(make_options({"clock": "timed"}, where="test"))
    made.add_thread(THREAD)
    made.add_assistant("asst_abc", instructions="Help.")
    return made


def request(
    fake: FakeAssistants, method: str, path: str, body: Any = None, *, root: str = OPENAI, patience: float | None = None
) -> Response:
    content = b"" if body is None else json.dumps(body).encode()
    return fake.answer(Request(method, root + path, HEADERS, content, patience=patience))


def get_thread(fake: FakeAssistants) -> int:
    """The status of the answer to a simple request."""
    return request(fake, "GET", f"/threads/{THREAD}").status


def add_messages(fake: FakeAssistants, *texts: str) -> None:
    for text in texts:
        assert request(fake, "POST", f"/threads/{THREAD}/messages", {"role": "user", "content": text}).status == 200


def list_messages(fake: FakeAssistants, query: str = "") -> str:
    """The texts of a page, and an ellipsis if there is more."""
    page = from_json(request(fake, "GET", f"/threads/{THREAD}/messages{query}").body)
    data = page["data"]
    assert (page["first_id"], page["last_id"]) == ((data[0]["id"], data[-1]["id"]) if data else (None, None))
    return "".join(item["content"][0]["text"]["value"] for item in data) + "…" * page["has_more"]


# --- the answers to refused requests ---------------------------------------------------------------------------


def error(message: str, type: str = "invalid_request_error", code: str | None = None) -> dict[str, Any]:
    return {"message": message, "type": type, "param": None, "code": code}


RATE = (
    "Rate limit reached for requests in organization pytest-assistants on requests per min (RPM): Limit 3, Used 3, "
    "Requested 1. Please try again in {}s. Visit https://platform.openai.com/account/rate-limits to learn more."
)
SUPPORT = "https://go.microsoft.com/fwlink/?linkid=2213926"
BODIES = {
    # CONTRACT §7.1, bad key
    401: error(
        "Incorrect API key provided: sk-12345*******cdef. You can find your API key at "
        "https://platform.openai.com/account/api-keys.",
        code="invalid_api_key",
    ),
    # home-assistant/core#120072
    403: error(
        "Country, region, or territory not supported", "request_forbidden", "unsupported_country_region_territory"
    ),
    # CONTRACT §7.1, generic 404
    404: error("Not found"),
    # a guess
    408: error("Request timed out.", "server_error"),
    # a guess
    409: error("The resource was updated by another request."),
    # CONTRACT §7.1, rate limit; Huanshere/VideoLingo#34
    429: error(RATE.format(20), "requests", "rate_limit_exceeded"),
    # CONTRACT §7.1, server error, recorded
    500: error(
        "The server had an error processing your request. Sorry about that! You can retry your request, or contact us "
        "through our help center at help.openai.com if you keep seeing this error. (Please include the request ID "
        "{request_id} in your email.)",
        "server_error",
    ),
    # CONTRACT §7.1, overloaded
    503: error("The server is overloaded or not ready yet.", "server_error"),
}
AZURE_BODIES = {
    # CONTRACT §7.2
    401: {
        "code": "401",
        "message": "Access denied due to invalid subscription key or wrong API endpoint. Make sure to provide a valid "
        "key for an active subscription and use a correct regional API endpoint for your resource.",
    },
    # Azure-Samples/azure-sql-db-chatbot#3
    403: {"code": "403", "message": "Access denied due to Virtual Network/Firewall rules."},
    # CONTRACT §7.2
    404: {"code": "404", "message": "Resource not found"},
    # Ironclad/rivet#344
    408: {"code": "Timeout", "message": "The operation was timeout."},
    409: BODIES[409],
    # microsoft/copilot-camp#551
    429: {"code": "429", "message": "Rate limit is exceeded. Try again in 20 seconds."},
    # Azure-Samples/azure-search-openai-demo#1390
    500: error(
        "The server had an error while processing your request. Sorry about that! You can retry your request, or "
        f"contact us through an Azure support request at: {SUPPORT} if the error persists. (Please include the request "
        "ID {request_id} in your message.)",
        "server_error",
    ),
    # guesses
    502: {"code": "502", "message": "Bad gateway"},
    503: {"code": "503", "message": "Service unavailable"},
}


@pytest.mark.parametrize("status", [400, *BODIES])
def test_the_body_of_a_status(fake, status):
    fake.faults.status(status)
    answer = request(fake, "GET", f"/threads/{THREAD}")
    [error_body] = from_json(answer.body).values()
    assert answer.status == status
    assert answer.headers["content-length"] == str(len(answer.body))
    assert "retry-after" not in answer.headers  # never recorded (CONTRACT §9)
    if status == 400:
        assert error_body["message"].startswith("We could not parse the JSON body of your request. (HINT: ")
    else:
        expected = BODIES[status]
        request_id = answer.headers["x-request-id"]
        assert error_body == {**expected, "message": expected["message"].replace("{request_id}", request_id)}
        assert list(error_body) == ["message", "type", "param", "code"]


@pytest.mark.parametrize("status", AZURE_BODIES)
def test_the_body_of_a_status_of_azure(fake, status):
    fake.faults.status(status)
    answer = request(fake, "GET", f"/threads/{THREAD}?api-version=2024-05-01-preview", root=AZURE)
    [error_body] = from_json(answer.body).values()
    expected = AZURE_BODIES[status]
    request_id = answer.headers["x-request-id"]
    assert error_body == {**expected, "message": expected["message"].replace("{request_id}", request_id)}


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "without a key"])
def test_a_401_names_the_way_to_authenticate_and_no_organization(fake, planned):
    """As in all recordings of this status (FACTS C)."""
    if planned:
        fake.faults.status(401)
        answer = request(fake, "GET", "/assistants")
    else:
        answer = fake.answer(Request("GET", "https://api.openai.com/v1/assistants", {}))
    assert answer.headers["www-authenticate"] == 'Bearer realm="OpenAI API"'
    assert not {"openai-organization", "openai-project"} & answer.headers.keys()


def test_a_502_is_the_page_of_a_proxy(fake):
    """It knows nothing of the API: no JSON, and no request id to log (n3d1117/chatgpt-telegram-bot#637)."""
    fake.faults.status(502)
    answer = request(fake, "GET", "/assistants")
    assert answer.headers["content-type"] == "text/html"
    assert b"<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>cloudflare</center>" in answer.body
    assert answer.headers["content-length"] == str(len(answer.body))
    assert not {"x-request-id", "openai-organization"} & answer.headers.keys()


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        ({"status": 502, "message": "Upstream is gone."}, error("Upstream is gone.", "server_error")),
        (
            {"status": 400, "code": "invalid_value", "message": "No {braces}."},
            error("No {braces}.", code="invalid_value"),
        ),
        ({"status": 429, "retry_after": 2.5}, error(RATE.format(3), "requests", "rate_limit_exceeded")),
        (
            {"status": 429, "code": "insufficient_quota"},  # CONTRACT §7.1, quota
            error(
                "You exceeded your current quota, please check your plan and billing details. For more information on "
                "this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
                "insufficient_quota",
                "insufficient_quota",
            ),
        ),
    ],
    ids=["502 with a message", "400 in other words", "429 for a time", "429 without money"],
)
def test_a_status_in_other_words(fake, plan, expected):
    fake.faults.status(plan.pop("status"), **plan)
    answer = request(fake, "GET", "/assistants")
    assert from_json(answer.body) == {"error": expected}
    assert answer.headers.get("retry-after") == ("2.5" if "retry_after" in plan else None)


def test_a_status_that_is_a_text_is_shown_as_one(fake):
    with pytest.raises(HarnessFailure, match=r"faults\.status\('500'\)"):
        fake.faults.status("500")


# --- which requests, and in which order ------------------------------------------------------------------------


@pytest.mark.parametrize("on", [None, GET_THREAD, f"GET /threads/{THREAD}", f"GET /v1/threads/{THREAD}"])
def test_ways_to_name_a_request(fake, on):
    fake.add_thread("thread_other")
    fake.faults.status(500, on=on)
    assert get_thread(fake) == 500
    assert get_thread(fake) == 200


def test_other_requests_are_not_affected(fake):
    fake.faults.status(500, on=GET_THREAD)
    fake.faults.status(500, on="GET /threads/thread_other")
    add_messages(fake, "?")
    assert request(fake, "GET", "/models").status == 200
    assert len(fake.faults.unused()) == 2


@pytest.mark.parametrize(
    ("nth", "times", "expected"),
    [(1, 1, [500, 200, 200, 200]), (3, 1, [200, 200, 500, 200]), (2, 2, [200, 500, 500, 200])],
)
def test_the_nth_time_and_how_often(fake, nth, times, expected):
    """Counted from when it was planned, and among the requests it is for."""
    get_thread(fake)
    fake.faults.status(500, on=GET_THREAD, nth=nth, times=times)
    seen = []
    for _ in range(4):
        seen.append(get_thread(fake))
        assert request(fake, "GET", "/models").status == 200
    assert seen == expected


def test_plans_for_the_same_request_happen_one_after_the_other(fake):
    for status in (429, 500, 503):
        fake.faults.status(status, on=GET_THREAD)
    fake.faults.connect_error(on=GET_THREAD)
    assert [get_thread(fake) for _ in range(3)] == [429, 500, 503]
    with pytest.raises(WireFailure):
        get_thread(fake)
    assert get_thread(fake) == 200


def test_only_one_fault_decides_each_answer(fake):
    fake.faults.malformed(on=GET_THREAD)
    for _ in range(2):
        fake.faults.lost_answer(on=GET_THREAD)
    assert get_thread(fake) == 200
    assert fake.requests[-1].answer is None
    for _ in range(2):
        with pytest.raises(ConnectionLost):
            get_thread(fake)
    assert get_thread(fake) == 200


def test_faults_that_let_a_request_pass_combine_with_one_that_does_not(fake):
    """They happen in the order in which they were planned, and before the one that decides the answer."""
    called = []
    before = fake.clock.now
    fake.faults.status(500, on=GET_THREAD)
    fake.faults.meanwhile(lambda: called.append(("first", fake.clock.now - before)), on=GET_THREAD)
    fake.faults.slow(5, on=GET_THREAD)
    fake.faults.meanwhile(lambda: called.append(("second", fake.clock.now - before)), on=GET_THREAD)
    assert get_thread(fake) == 500
    assert called == [("first", 0), ("second", 5)]
    assert fake.faults.unused() == []


def test_a_refused_request_does_nothing(fake):
    fake.faults.status(500, on="POST /threads/{thread_id}/messages")
    with pytest.raises(AssertionError):
        add_messages(fake, "?")
    assert not fake.threads[0].messages


def test_other_things_happen_before_a_slow_request_is_served(fake):
    """Due transitions fire on the way: the run is over, so the message is accepted (CONTRACT §4)."""
    add_messages(fake, "?")
    assert request(fake, "POST", f"/threads/{THREAD}/runs", {"assistant_id": "asst_abc"}).status == 200
    fake.faults.slow(30, on="POST /threads/{thread_id}/messages")
    add_messages(fake, "!")
    assert fake.runs[0].status == "completed"


@pytest.mark.parametrize(("patience", "arrives"), [(29.9, False), (30, True), (None, True)])
def test_a_client_with_a_long_enough_timeout_gets_the_answer(fake, patience, arrives):
    fake.faults.slow(30)
    if arrives:
        assert request(fake, "GET", "/models", patience=patience).status == 200
    else:
        with pytest.raises(ReadTimeout):
            request(fake, "GET", "/models", patience=patience)


def test_a_late_request_may_get_lost_once_more(fake):
    """A fault that was planned after the delay happens when the request arrives, without an effect on the client."""
    fake.faults.slow(30, on=RUNS)
    fake.faults.lost_answer(on=RUNS)
    with pytest.raises(ReadTimeout):
        request(fake, "POST", f"/threads/{THREAD}/runs", {"assistant_id": "asst_abc", "stream": True}, patience=10)
    fake.clock.advance(30)
    assert [run.status for run in fake.runs] == ["completed"]
    assert fake.faults.unused() == []


def test_a_rate_limit_on_the_clock(fake):
    fake.faults.rate_limit(10, on=GET_THREAD)
    seen = []
    for _ in range(4):
        answer = request(fake, "GET", f"/threads/{THREAD}")
        seen.append((answer.status, answer.headers.get("retry-after")))
        fake.clock.advance(4.5)
    assert seen == [(429, "10"), (429, "6"), (429, "1"), (200, None)]


# --- a list that lags ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "first", "later"),
    [
        ("", "BA", "CBA"),
        ("?order=asc", "AB", "ABC"),
        ("?limit=1", "B…", "C…"),
        ("?limit=2", "BA", "CB…"),
        ("?limit=2&order=desc", "BA", "CB…"),
        ("?limit=2&order=asc", "AB…", "AB…"),  # the newest is not on this page
        ("?limit=3&order=asc", "AB", "ABC"),
    ],
)
def test_the_newest_is_missing_at_first(fake, query, first, later):
    add_messages(fake, *"ABC")
    fake.faults.lag()
    assert [list_messages(fake, query) for _ in range(3)] == [first, later, later]


def test_how_long_a_list_lags(fake):
    """Each new object is missing from so many answers; answers without a new object are not changed."""
    fake.faults.lag(2)
    add_messages(fake, "A")
    assert [list_messages(fake) for _ in range(3)] == ["", "", "A"]
    add_messages(fake, *"BC")
    assert [list_messages(fake) for _ in range(3)] == ["BA", "BA", "CBA"]
    assert [list_messages(fake, "?order=asc") for _ in range(2)] == ["ABC", "ABC"]
    assert str(fake.faults).endswith("lag(2)   # happened 4 times")


def test_a_page_after_a_cursor_does_not_lag(fake):
    add_messages(fake, *"ABC")
    fake.faults.lag()
    oldest, _, newest = fake.threads[0].messages
    assert list_messages(fake, f"?after={newest.id}") == "BA"
    assert list_messages(fake, f"?order=asc&after={oldest.id}") == "BC"
    assert fake.faults.unused() == ["assistants.faults.lag()"]


def test_a_list_with_nothing_new(fake):
    fake.faults.lag()
    assert list_messages(fake) == ""
    assert list_messages(fake, "?order=asc") == ""
    assert fake.faults.unused()


def test_a_list_that_is_refused_does_not_lag(fake):
    add_messages(fake, "A")
    fake.faults.status(500)
    fake.faults.lag()
    page = f"/threads/{THREAD}/messages"
    assert request(fake, "GET", page).status == 500
    assert request(fake, "GET", f"{page}?limit=0").status == 400
    assert list_messages(fake) == ""


# --- bodies ----------------------------------------------------------------------------------------------------


def test_half_of_a_body_is_no_json(fake):
    whole = request(fake, "GET", "/assistants").body
    fake.faults.malformed(on="GET /assistants")
    half = request(fake, "GET", "/assistants")
    assert half.body == whole[: len(whole) // 2]
    assert half.headers["content-length"] == str(len(half.body))
    assert fake.requests[-1].answer is None


def test_a_connection_that_breaks_off_in_a_body(fake):
    whole = request(fake, "GET", "/assistants")
    fake.faults.drop(on="GET /assistants")
    answer = request(fake, "GET", "/assistants")
    assert answer.headers["content-length"] == whole.headers["content-length"]
    assert answer.body.wait() == 0
    assert answer.body.read() == whole.body[: len(whole.body) // 2]
    with pytest.raises(ConnectionLost, match="incomplete"):
        answer.body.read()


def test_a_partial_body_that_is_closed():
    body = PartialBody(Chunks(b"abc"), clean_end=True)
    assert (body.now, body.wait()) == (0, 0)
    body.close()
    assert body.read() is None


class Closable(Chunks):
    closed = False

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("fault", ["lost_answer", "drop", "malformed"])
def test_the_rest_of_a_stream_is_not_kept_for_anybody(fake, fault):
    body = Closable(b"data: 1")
    fake.on("GET", "/models", lambda request: Response(200, {}, body))
    getattr(fake.faults, fault)()
    with suppress(ConnectionLost):
        answer = request(fake, "GET", "/models")
        assert answer.body.read() == b"data: 1"
        assert not body.closed
        assert answer.body.read() is None
    assert body.closed


def test_a_stream_that_will_be_dropped_waits_for_its_first_event(fake):
    fake.next_run(say("Hello!"))
    fake.faults.drop(on=RUNS)
    body = request(fake, "POST", f"/threads/{THREAD}/runs", {"assistant_id": "asst_abc", "stream": True}).body
    assert body.now == fake.clock.now
    assert body.wait() == 0
    assert body.read().startswith(b"event: thread.run.created\n")
    assert body.wait() == 0


def test_a_stream_that_was_closed_gives_no_more(fake):
    body = request(fake, "POST", f"/threads/{THREAD}/runs", {"assistant_id": "asst_abc", "stream": True}).body
    body.close()
    assert body.read() is None


# --- what is remembered ----------------------------------------------------------------------------------------


def test_the_log_has_what_did_not_arrive_too(fake):
    fake.faults.connect_error(on=GET_THREAD)
    fake.faults.lost_answer(on=GET_THREAD)
    for _ in range(2):
        with pytest.raises(WireFailure):
            get_thread(fake)
    unsent, lost = fake.requests
    assert (unsent.status, unsent.answer, unsent.failure.args) == (0, None, ("[Errno 111] Connection refused",))
    assert (lost.status, lost.response.status, lost.answer["id"]) == (0, 200, THREAD)
    assert [exchange.outcome for exchange in fake.requests] == [
        "ConnectFailed: [Errno 111] Connection refused",
        "ConnectionLost: Server disconnected without sending a response. (the answer 200 was lost)",
    ]
    get_thread(fake)
    assert fake.requests[-1].outcome == "200"


class Uncopyable:
    """An object that cannot be copied, such as a client of the SDK."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.called = 0

    def act(self) -> None:
        self.called += 1


def test_plans_are_part_of_a_snapshot(fake):
    """Including their counts; the functions that plans call are not copied."""
    other = Uncopyable()
    fake.faults.status(500, on=GET_THREAD, nth=2)
    fake.faults.meanwhile(other.act, on=GET_THREAD, nth=2)
    fake.faults.rate_limit(10, on="GET /models")
    fake.faults.lag()
    get_thread(fake)
    snapshot = fake.snapshot()
    for _ in range(2):
        fake.restore(snapshot)
        assert [get_thread(fake) for _ in range(2)] == [500, 200]
        assert request(fake, "GET", "/models").status == 429
        assert len(fake.faults.unused()) == 1
    assert other.called == 2


def test_a_request_on_its_way_is_part_of_a_snapshot(fake):
    """It arrives in the world that was restored."""
    fake.faults.slow(30, on="POST /threads/{thread_id}/messages")
    body = {"role": "user", "content": "late"}
    with pytest.raises(ReadTimeout):
        request(fake, "POST", f"/threads/{THREAD}/messages", body, patience=10)
    snapshot = fake.snapshot()
    for _ in range(2):
        fake.restore(snapshot)
        assert list_messages(fake) == ""
        fake.clock.advance(20)
        assert list_messages(fake) == "late"


# --- what is printed, and refused ------------------------------------------------------------------------------


def test_plans_print_themselves_as_they_were_written():
    def cancel() -> None:
        raise AssertionError

    faults = Faults()
    assert str(faults) == "# no faults are planned"
    faults.status(429, on=RUNS, nth=2, message='Say "please".')
    faults.cut(after="thread.message.delta")
    faults.lost_answer(by="timeout")
    faults.meanwhile(cancel)
    faults.lag()
    faults.chunks(7)
    faults.event("ping", {"a": None}, after="done")
    assert str(faults) == repr(faults)
    assert str(faults).splitlines() == [
        'assistants.faults.status(429, on="POST /threads/{thread_id}/runs", nth=2, message="Say \\"please\\".")',
        'assistants.faults.cut(after="thread.message.delta")',
        'assistants.faults.lost_answer(by="timeout")',
        "assistants.faults.meanwhile(cancel)",
        "assistants.faults.lag()",
        "assistants.faults.chunks(7)",
        'assistants.faults.event("ping", {\'a\': None}, after="done")',
    ]
    assert faults.unused() == [line for line in str(faults).splitlines() if "chunks" not in line]


def test_a_printed_plan_can_be_run_again(fake):
    fake.faults.status(429, on=RUNS, nth=2)
    fake.faults.slow(0.5, times=2)
    fake.faults.error(after="done", flat=True)
    again = FakeAssistants()
    exec(str(fake.faults), {"assistants": again})
    assert str(again.faults) == str(fake.faults)


def test_plans_that_have_happened_are_marked(fake):
    fake.faults.status(500, on=GET_THREAD)
    fake.faults.status(503, on=GET_THREAD, times=2)
    fake.faults.status(404, on=GET_THREAD)
    for _ in range(3):
        get_thread(fake)
    marks = [line.partition("   ")[2] for line in str(fake.faults).splitlines()]
    assert marks == ["# happened", "# happened 2 times", ""]
    assert fake.faults.unused() == ['assistants.faults.status(404, on="GET /threads/{thread_id}")']


@pytest.mark.parametrize(
    ("plan", "message"),
    [
        ("status(418)", r"It refuses with 400, 401, 403, 404, 408, 409, 429, 500, 502, 503\."),
        ("status(200)", "not known to refuse requests with that status"),
        ("status(500, nth=0)", r"faults\.status\(500, nth=0\): nth counts from 1"),
        ("drop(times=0)", r"faults\.drop\(times=0\): times counts from 1"),
        ('drop(times="2")', r'faults\.drop\(times="2"\): times counts from 1'),
        ('drop(on=["GET /models", "GET /files"])', r"on=\['GET /models', 'GET /files'\] has to be one route"),
        (
            'drop(on="POST /thread/{thread_id}/run")',
            r'is no route(?s:.*): POST /threads/{thread_id}/runs\n(?s:.*)\n    on="POST /threads/{thread_id}/runs"',
        ),
        ('drop(on="post /threads")', "nearest: POST /threads\n"),
        ('drop(on="POST")', "is no route of the fake"),
        ('drop(on="GET /threads/{id}/messages")', "nearest: GET /threads/{thread_id}/messages"),
        ('drop(on="GET /threads/thread_abc/messages?limit=1")', "is no route of the fake"),
        ('lost_answer(by="post")', r'faults.lost_answer\(by="disconnect"\)'),
        ("slow(0)", "time only moves forward"),
        ("slow(float('nan'))", "time only moves forward"),
        ("rate_limit(-1)", "time only moves forward"),
        ("lag(0)", "one answer at least"),
        ('lag(on="GET /threads/{thread_id}")', "that is not a list"),
        ('lag(on="POST /threads")', "that is not a list"),
        ('lag(on="GET /thread/{thread_id}/messages")', "is no route of the fake"),
        ("lag(on=None)", "that is not a list"),
        ("meanwhile(None)", r"was given None\.(?s:.*)faults\.meanwhile\(assistants\.cancel_runs\)"),
    ],
)
def test_impossible_plans_are_refused(plan, message):
    faults = Faults()
    with pytest.raises(HarnessFailure, match=message):
        exec(f"faults.{plan}", {"faults": faults})
    assert faults.planned == []


def test_a_plan_that_did_not_happen_is_a_failure(fake):
    fake.faults.status(500, on=GET_THREAD)
    assert "no request, or event of a stream, was the one they were planned for" in str(fake.unused())
    get_thread(fake)
    assert fake.unused() is None
