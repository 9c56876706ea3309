"""The server, the ASGI application in it, and what sends requests on: over real sockets of this machine only."""

from __future__ import annotations

import errno
import gzip
import http.client
import json
import socket
import sys
import tempfile
import threading
from contextlib import closing, suppress
from threading import Event
from urllib.parse import urlsplit

import anyio
import httpx
import openai
import pytest

from harness import FakeAssistants, HarnessFailure, Response, say
from harness.service.bodies import Chunks
from harness.service.http import ConnectionLost, Request
from harness.transports import receiving
from harness.transports.asgi import MAX_SLEEP, asgi_app
from harness.transports.forwarding import forwarding
from harness.transports.server import serving
from harness.transports.spool import IN_MEMORY

pytest.importorskip("uvicorn")

PATIENCE = 60  # seconds that only a failing test waits
HI = {"role": "user", "content": "Hi?"}


def sdk(url, **options):
    return openai.OpenAI(api_key="sk-test", base_url=f"{url}/v1", **options)


def ask(url, method="GET", target="/", body=None, headers=()):
    """One request, byte for byte as it is said; the status, the headers and the body that come."""
    with closing(http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)) as connection:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in [*headers, *([("Content-Length", str(len(body)))] if body else [])]:
            connection.putheader(name, value)
        connection.endheaders(body)
        got = connection.getresponse()
        return got.status, dict(got.getheaders()), got.read()


class ScriptedBody:
    """A stream whose chunks are the results of functions."""

    now = 0.0

    def __init__(self, *pieces):
        self.pieces = iter(pieces)
        self.closed = Event()
        self.read_so_far = 0

    def wait(self):
        return 0.0

    def read(self, patience=None):
        self.read_so_far += 1
        return next(self.pieces, lambda: None)()

    def close(self):
        self.closed.set()


def raising(error):
    def piece():
        raise error

    return piece


def scripted(*pieces, content_type="text/event-stream"):
    """A scripted body, and a function that answers with it."""
    body = ScriptedBody(*pieces)
    return body, lambda request: Response(200, {"content-type": content_type}, body)


# --- the server ------------------------------------------------------------------------------------------------


def test_the_sdk_talks_to_a_fake_over_the_network():
    fake = FakeAssistants()
    fake.next_run(say("Hello."))
    with serving(fake.answer) as url, sdk(url) as client:
        assistant = client.beta.assistants.create(model="gpt-4o")
        run = client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id, thread={"messages": [HI]}, poll_interval_ms=1
        )
        assert client.beta.threads.messages.list(run.thread_id).data[0].content[0].text.value == "Hello."


def test_an_answer_arrives_as_it_was_given():
    headers = {"x-one": "1", "connection": "close", "transfer-encoding": "chunked", "content-length": "99"}
    with serving(lambda request: Response(404, headers, b"nothing")) as url:
        assert ask(url) == (404, {"x-one": "1", "content-length": "7"}, b"nothing")


def test_a_request_arrives_as_it_was_sent():
    got = []

    def answer(request):
        got.append(request)
        return Response(204, {}, b"")

    with serving(answer) as url:
        headers = [("OpenAI-Beta", "assistants=v2"), ("X-Twice", "1"), ("X-Twice", "2")]
        assert ask(url, "POST", "/v1/th%2Freads?after=a%20b&after=c", b"\0body", headers)[0] == 204
        ask(url)
    request, other = got
    assert request.url == f"{url}/v1/th%2Freads?after=a%20b&after=c"
    assert (request.method, request.path, request.body) == ("POST", "/v1/th%2Freads", b"\0body")
    assert request.query == {"after": ["a b", "c"]}
    assert request.headers["openai-beta"] == "assistants=v2"
    assert request.headers["x-twice"] == "1, 2"
    assert other.url == f"{url}/"
    assert request.client == other.client, "a client may poll with a new connection each time"


def test_a_failure_is_an_answer_that_is_not_tried_again():
    fake = FakeAssistants()
    fake.on("GET", "/models", raising_answer(HarnessFailure("GET /v1/models is asked too early.", do="wait")))
    with serving(fake.answer) as url, sdk(url) as client:
        with pytest.raises(openai.BadRequestError, match="GET /v1/models") as raised:
            client.models.list()
        assert raised.value.response.headers["x-should-retry"] == "false"
    [failure] = fake.failures
    assert raised.value.body["message"] == str(failure)
    assert raised.value.type == "harness_failure"


def test_an_error_of_the_program_is_none_of_the_client():
    with serving(raising_answer(ZeroDivisionError())) as url:
        assert ask(url)[0] == 500


def raising_answer(error):
    def answer(request):
        raise error

    return answer


def test_at_the_end_the_port_is_closed_and_no_thread_left():
    before = threading.enumerate()
    with pytest.raises(ZeroDivisionError), serving(lambda request: Response(200, {}, b"")) as url:
        ask(url)
        raise ZeroDivisionError
    for thread in set(threading.enumerate()).difference(before):
        thread.join(PATIENCE)  # the workers are told to end, and not waited for
        assert not thread.is_alive()
    with pytest.raises(ConnectionRefusedError):
        ask(url)


def test_a_server_that_nobody_asks_ends_too():
    with serving(lambda request: Response(200, {}, b"")):
        pass


def test_a_connection_stays_open_for_who_looks_seldom(monkeypatch):
    """And is closed at once when the server ends, idle as it is."""
    served = []
    uvicorn = pytest.importorskip("uvicorn")
    config = uvicorn.Config
    monkeypatch.setattr(uvicorn, "Config", lambda *args, **kw: served.append(config(*args, **kw)) or served[0])
    with serving(lambda request: Response(200, {}, b"")) as url:
        idle = http.client.HTTPConnection(urlsplit(url).netloc, timeout=PATIENCE)
        idle.request("GET", "/")
        assert idle.getresponse().read() == b""
    assert served[0].timeout_keep_alive > 600  # the virtual life of a run, at which the slowest look again
    with closing(idle), closing(idle.sock) as sock:
        assert sock.recv(1) == b""


def test_requests_under_way_are_answered_before_the_end():
    asked, ends = Event(), Event()

    def answer(request):
        asked.set()
        ends.wait(PATIENCE)
        return Response(200, {}, b"late")

    with closing(socket.socket()) as client:
        with serving(answer) as url:
            parts = urlsplit(url)
            client.connect((parts.hostname, parts.port))
            client.sendall(b"GET / HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n")
            assert asked.wait(PATIENCE)
            ends.set()
        client.settimeout(PATIENCE)
        assert b"".join(iter(lambda: client.recv(4096), b"")).endswith(b"late")


def test_a_port_that_is_taken_is_named():
    with serving(lambda request: Response(200, {}, b"")) as url:
        port = urlsplit(url).port
        with pytest.raises(HarnessFailure, match=f"at 127.0.0.1, port {port}"), serving(None, port=port):
            pass


def test_a_port_can_be_chosen():
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with serving(lambda request: Response(200, {}, b"here"), port=port) as url:
        assert url == f"http://127.0.0.1:{port}"
        assert ask(url)[2] == b"here"


def test_an_address_of_ipv6_is_written_as_urls_have_it():
    with suppress(OSError), closing(socket.create_server(("::1", 0), family=socket.AF_INET6)):
        with serving(lambda request: Response(200, {}, b"here"), host="::1") as url:
            assert url.startswith("http://[::1]:")
            assert ask(url)[2] == b"here"
        return
    pytest.skip("this machine has no ::1")


def test_without_uvicorn_the_error_names_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(HarnessFailure, match=r"pytest-assistants\[server\]"), serving(None):
        pass


# --- streams ---------------------------------------------------------------------------------------------------


def test_each_piece_arrives_when_it_is_there():
    """The script goes on only when the client has seen what it said before."""
    seen, in_time = Event(), []
    fake = FakeAssistants()

    @fake.model
    def model(run):
        yield say("One.")
        in_time.append(seen.wait(PATIENCE))
        yield say("Two.")

    with serving(fake.answer) as url, sdk(url) as client:
        assistant, thread = client.beta.assistants.create(model="gpt-4o"), client.beta.threads.create(messages=[HI])
        texts = []
        with client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id, stream=True) as events:
            for event in events:
                if event.event == "thread.message.delta":
                    seen.set()
                    texts.append(event.data.delta.content[0].text.value)
    assert ("".join(texts), in_time) == ("One.Two.", [True])


def test_a_stream_is_closed_when_it_is_over():
    body, answer = scripted(lambda: b"one", lambda: b"two")
    with serving(answer) as url:
        assert ask(url)[2] == b"onetwo"
        assert body.closed.wait(PATIENCE)


def test_a_client_that_leaves_ends_the_stream():
    left = Event()
    body, answer = scripted(lambda: b"one", lambda: b"two" * left.wait(PATIENCE), *[lambda: b"more"] * 1000)
    with serving(answer) as url:
        with httpx.stream("GET", url) as got:
            assert next(got.iter_bytes()) == b"one"
        left.set()
        assert body.closed.wait(PATIENCE)
    assert body.read_so_far < 1000


def test_a_connection_that_is_lost_is_lost_over_the_network_too():
    body, answer = scripted(lambda: b"one", raising(ConnectionLost("planned")))
    with serving(answer) as url:
        with httpx.stream("GET", url) as got, pytest.raises(httpx.RemoteProtocolError):
            got.read()
        assert body.closed.wait(PATIENCE)


def test_a_failure_in_the_middle_of_a_stream_reaches_the_client():
    first = lambda: b'event: thread.created\ndata: {"id": "thread_1", "object": "thread", "created_at": 1}\n\n'  # noqa: E731
    _, answer = scripted(first, raising(HarnessFailure("Nobody moves the clock.", do="assistants.clock.advance(1)")))
    with serving(answer) as url, sdk(url) as client:
        events = client.beta.threads.runs.create(thread_id="thread_1", assistant_id="asst_1", stream=True)
        assert next(events).event == "thread.created"
        with pytest.raises(openai.APIError, match="Nobody moves the clock"):
            next(events)


def test_in_real_time_a_stream_is_read_when_its_wait_is_over(monkeypatch):
    """It looks again after a while, as another client may have moved the run."""
    slept = []

    async def sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("anyio.sleep", sleep)
    body, answer = scripted(lambda: b"one")
    waits = iter([10.0, 0.01])
    body.wait = lambda: next(waits, 0.0)
    with serving(answer, real_time=True) as url:
        assert ask(url)[2] == b"one"
    assert slept == [MAX_SLEEP, 0.01]


# --- the application, without a server ---------------------------------------------------------------------------


def run_app(app, scope, *messages):
    """The messages that an application sends when it receives these."""
    sent, coming = [], iter(messages)

    async def receive():
        return next(coming)

    async def send(message):
        sent.append(message)

    anyio.run(app, scope, receive, send)
    return sent


SCOPE = {"type": "http", "method": "GET", "scheme": "http", "path": "/v1/a b", "query_string": b"", "headers": []}
PART = {"type": "http.request", "body": b"one", "more_body": True}


def test_what_a_server_may_leave_out_is_not_needed():
    asked = []
    app = asgi_app(lambda request: asked.append(request) or Response(200, {}, b""))
    start, end = run_app(app, SCOPE, PART, {"type": "http.request"})
    assert (start["status"], end["more_body"]) == (200, False)
    assert asked == [Request("GET", "http://localhost/v1/a%20b", {}, b"one", "")]


def test_what_is_quick_is_answered_without_a_thread():
    threads = []
    app = asgi_app(
        lambda request: threads.append(threading.current_thread()) or Response(200, {}, b""),
        inline=lambda request: request.method == "GET",
    )
    for method in ("GET", "POST"):
        assert run_app(app, {**SCOPE, "method": method}, {"type": "http.request"})[0]["status"] == 200
    assert threads[0] is threading.current_thread()
    assert threads[1] is not threading.current_thread()


FORM_SCOPE = {**SCOPE, "headers": [(b"Content-Type", b"Multipart/form-data; boundary=x")]}


@pytest.mark.parametrize(
    ("scope", "limit", "advice"),
    [(SCOPE, "OTHER", "Send it as a file"), (FORM_SCOPE, "FORM", "Send less")],
    ids=["json", "form"],
)
def test_who_sends_more_than_is_taken_is_sent_away(scope, limit, advice, monkeypatch):
    """CONTRACT §8: the largest file has 512 MB. What else comes is in memory, so it may have less."""
    whole = getattr(receiving, limit)
    assert receiving.FORM.most > 512 * 2**20
    assert receiving.OTHER.most == 64 * 2**20
    monkeypatch.setattr(receiving, limit, whole._replace(most=5))
    app = asgi_app(lambda request: Response(200, {}, bytes(request.body)))
    assert run_app(app, scope, PART, {"type": "http.request"})[0]["status"] == 200
    start, end = run_app(app, scope, PART, PART)
    assert (start["status"], end["more_body"]) == (413, False)
    assert (b"connection", b"close") in start["headers"]
    message = json.loads(end["body"])["error"]["message"]
    assert "more than 5 bytes" in message
    assert advice in message


def test_a_long_form_is_kept_on_disk_and_a_short_one_in_memory():
    bodies = []
    app = asgi_app(lambda request: bodies.append(request.body) or Response(200, {}, b""))
    for size in (IN_MEMORY, IN_MEMORY + 1):
        for scope in (SCOPE, FORM_SCOPE):
            parts = [{**PART, "body": bytes(size // 2)}, {"type": "http.request", "body": b"x" * (size - size // 2)}]
            assert run_app(app, scope, *parts)[0]["status"] == 200
            assert bytes(bodies[-1]) == bytes(size // 2) + b"x" * (size - size // 2)
    assert [type(body) for body in bodies] == [bytes, bytes, bytes, memoryview]
    assert bodies[-1].readonly


def test_a_full_disk_is_reported(monkeypatch):
    def full(self, piece):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tempfile.SpooledTemporaryFile, "write", full)
    start, end = run_app(asgi_app(raising_answer(AssertionError)), FORM_SCOPE, PART)
    assert start["status"] == 413
    message = json.loads(end["body"])["error"]["message"]
    assert "cannot be kept in" in message
    assert "No space left on device" in message
    assert "TMPDIR=" in message


def test_what_is_read_from_a_disk_has_a_length():
    content = memoryview(bytes(range(256)) * 4096)
    with serving(lambda request: Response(200, {"content-length": str(len(content))}, Chunks(content))) as url:
        status, headers, body = ask(url)
    assert (status, headers["content-length"], body) == (200, str(len(content)), bytes(content))
    assert "transfer-encoding" not in headers


def test_half_a_request_is_no_request():
    assert run_app(asgi_app(raising_answer(AssertionError)), SCOPE, PART, {"type": "http.disconnect"}) == []


def test_the_lifespan_is_acknowledged():
    sent = run_app(
        asgi_app(raising_answer(AssertionError)),
        {"type": "lifespan"},
        {"type": "lifespan.startup"},
        {"type": "lifespan.shutdown"},
    )
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


def test_other_protocols_are_refused():
    with pytest.raises(NotImplementedError, match="websocket"):
        run_app(asgi_app(raising_answer(AssertionError)), {"type": "websocket"})


# --- forwarding --------------------------------------------------------------------------------------------------


@pytest.fixture(params=["httpx", "httpx2"])
def family(request, monkeypatch):
    """The HTTP library that is used; httpx2 is if httpx is missing."""
    pytest.importorskip(request.param)
    if request.param == "httpx2":
        monkeypatch.setitem(sys.modules, "httpx", None)


def forward_all(answer, *requests, base="/v1"):
    """The responses to forwarded requests, and the requests that arrived at the endpoint."""
    arrived = []

    def live(request):
        arrived.append(request)
        return answer(request)

    with serving(live) as url, forwarding(url + base) as forward:
        return [forward(request) for request in requests], arrived


@pytest.mark.usefixtures("family")
def test_a_request_is_sent_on_as_it_came():
    headers = {
        "host": "127.0.0.1:1",
        "authorization": "Bearer sk-test",
        "user-agent": "mine/1",
        "connection": "keep-alive, x-hop",
        "x-hop": "1",
        "accept-encoding": "br",
        "content-length": "4",
        "x-latin": "é",
    }
    sent = Request("PATCH", "http://127.0.0.1:1/v1/th%2Freads?a=%20&b", headers, b"body")
    answer = {"content-type": "text/plain", "x-request-id": "1"}
    [got], [arrived] = forward_all(lambda request: Response(418, answer, b"tea"), sent)
    assert got == Response(418, answer, b"tea")
    assert (arrived.method, arrived.path, arrived.body) == ("PATCH", sent.path, b"body")
    assert arrived.url.partition("?")[2] == "a=%20&b"
    host = arrived.headers["host"]
    assert arrived.url.startswith(f"http://{host}/")
    assert dict(arrived.headers) == {
        "host": host,
        "authorization": "Bearer sk-test",
        "user-agent": "mine/1",
        "accept-encoding": "identity",
        "content-length": "4",
        "x-latin": "é",
    }


@pytest.mark.usefixtures("family")
def test_what_comes_compressed_is_given_plain():
    answer = Response(200, {"content-encoding": "gzip", "content-type": "text/plain"}, gzip.compress(b"plain"))
    [got], _ = forward_all(lambda request: answer, Request("GET", "http://here/v1/models"))
    assert got == Response(200, {"content-type": "text/plain"}, b"plain")


def test_redirects_and_cookies_are_left_alone():
    moved = Response(302, {"location": "/v1/elsewhere", "set-cookie": "a=1; Path=/"}, b"")
    asked = Request("GET", "http://here/v1/models")
    got, arrived = forward_all(lambda request: moved, asked, asked)
    assert got == [Response(302, {"location": "/v1/elsewhere"}, b"")] * 2
    assert [request.path for request in arrived] == ["/v1/models"] * 2
    assert all("cookie" not in request.headers for request in arrived)


def test_an_endpoint_that_is_not_there_is_named():
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        origin = f"http://127.0.0.1:{free.getsockname()[1]}"
    with forwarding(f"{origin}/v1") as forward:
        got = forward(Request("GET", "http://here/v1/models", {"authorization": "Bearer sk-secret"}))
    assert got.status == 502
    assert origin.encode() in got.body
    assert b"ConnectError" in got.body
    assert b"sk-secret" not in got.body


def test_an_endpoint_that_breaks_off_is_named():
    _, answer = scripted(lambda: b"one", raising(ConnectionLost("planned")))
    [got], _ = forward_all(answer, Request("GET", "http://here/v1/models"))
    assert got.status == 502
    assert b"RemoteProtocolError" in got.body


@pytest.mark.parametrize(
    "error", [socket.gaierror(socket.EAI_NONAME, "not known"), OSError(errno.EADDRNOTAVAIL, "not here")], ids=repr
)
def test_a_host_that_is_not_this_machine_is_not_blamed_on_the_port(monkeypatch, error):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(socket, "create_server", refuse)
    with (
        pytest.raises(HarnessFailure, match=r"no server at nosuchhost\.invalid, port 0: not ") as raised,
        serving(FakeAssistants().answer, host="nosuchhost.invalid"),
    ):
        raise AssertionError("it cannot be served there")
    assert 'host="127.0.0.1"   # this machine: on the command line, leave out --host' in str(raised.value)
