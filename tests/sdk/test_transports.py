"""What the transports promise: whose requests reach the fake, whose don't, and that nobody sees that they are there.

`answer` here is no fake but an echo. A "way" is a combination of library and client; each test goes every way.
"""

from __future__ import annotations

import asyncio
import http.client
import importlib
import inspect
import socket
import ssl
import sys
import threading
import urllib.request
from contextlib import closing, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import openai
import pytest

from harness.failures import HarnessFailure
from harness.service.http import Response
from harness.transports.httpx_family import MAX_HEADERS, RequestReader, sdk_http_library, transport
from harness.transports.intercept import intercept

OURS = "https://api.openai.com/v1/models/gpt-4o?limit=1"
MODEL = b'{"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "echo"}'


@dataclass(frozen=True)
class Way:
    """How a request is made: with a client class of a library."""

    module: str
    client: str = "Client"
    transport: str = "HTTPTransport"

    def __str__(self):
        return f"{self.module}.{self.client}"

    def load(self, name):
        try:
            return getattr(importlib.import_module(self.module), name)
        except ImportError:
            pytest.skip(f"{self.module} is not installed here")

    def build(self, **options):
        return self.load(self.client)(**options)


def exchange(client, *requests):
    """The responses to requests that one client makes, and closes itself."""

    async def run():
        async with client:
            return [await client.request(**request) for request in requests]

    if hasattr(client, "aclose"):
        return asyncio.run(run())
    with client:
        return [client.request(**request) for request in requests]


def getting(url=OURS):
    return {"method": "GET", "url": url}


def posting(url=OURS, **body):
    return {"method": "POST", "url": url, **body}


def get(client, url=OURS):
    """What one GET by a client returns."""
    (response,) = exchange(client, getting(url))
    return response.text


FAMILIES = [
    Way("httpx"),
    Way("httpx2"),
    Way("httpx", "AsyncClient", "AsyncHTTPTransport"),
    Way("httpx2", "AsyncClient", "AsyncHTTPTransport"),
]
AIOHTTP = [
    Way("httpx_aiohttp", "HttpxAiohttpClient", "AiohttpTransport"),
    Way("openai._vendor.httpx_aiohttp", "Httpx2AiohttpClient", "AiohttpTransport"),
]
SDK_CLIENTS = ["OpenAI", "AsyncOpenAI", "AsyncOpenAI on aiohttp"]


@pytest.fixture(params=FAMILIES, ids=str)
def family_way(request):
    return request.param


@pytest.fixture(params=FAMILIES + AIOHTTP, ids=str)
def way(request):
    request.param.load(request.param.client)
    return request.param


@pytest.fixture(params=AIOHTTP, ids=str)
def aiohttp_way(request):
    request.param.load(request.param.client)
    return request.param


@pytest.fixture(params=["httpx", "httpx2"])
def family(request):
    return pytest.importorskip(request.param, reason=f"{request.param} is not installed here")


def is_ours(host, port):
    return host == "api.openai.com"


def echo(request):
    return Response(200, {"content-type": "text/plain", "x-echo": request.method}, b"fake " + request.path.encode())


def refusal(what, where, *, ours):
    return HarnessFailure(f"blocked: {what} {where}")


def interception(answer=echo, **options):
    return intercept(answer, **{"serves": is_ours, "guards": is_ours, "blocked": refusal, **options})


@pytest.fixture
def real():
    """The URL of a server that is no fake."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            self.send_response(200)
            self.send_header("content-length", "4")
            self.end_headers()
            self.wfile.write(b"real")

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


@pytest.fixture
def contexts(monkeypatch):
    """Notes every file of certificates that a TLS context loads, which is what takes so long."""
    loaded = []

    def note(method):
        def load(self, *args, **kwargs):
            loaded.append(args)
            return method(self, *args, **kwargs)

        return load

    for name in ("load_verify_locations", "load_default_certs"):
        monkeypatch.setattr(ssl.SSLContext, name, note(getattr(ssl.SSLContext, name)))
    return loaded


# ── one client: httpx_family ───────────────────────────────────────────────────────────────────────────────────


def noting(requests):
    def answer(request):
        requests.append(request)
        return echo(request)

    return answer


def family_client(way, answer):
    way.load(way.client)
    return way.build(transport=transport(sys.modules[way.module], answer))


def test_a_request_arrives_as_it_was_sent(family_way):
    requests = []
    headers = [("X-Twice", "one"), ("X-Twice", "two"), ("Authorization", "Bearer K")]
    sent = posting("https://h.test/v1/files?a=1&a=2", content=b"body", headers=headers)
    exchange(family_client(family_way, noting(requests)), sent)
    (request,) = requests
    assert (request.method, request.url) == ("POST", "https://h.test/v1/files?a=1&a=2")
    assert (request.path, request.query) == ("/v1/files", {"a": ["1", "2"]})
    assert request.body == b"body"
    assert request.headers["x-twice"] == "one, two"
    assert request.headers["authorization"] == "Bearer K"
    assert all(name == name.lower() for name in request.headers)


def test_headers_that_come_again_are_kept_once_and_those_that_never_do_not_for_ever(family):
    reader = RequestReader()
    requests = [family.Request("GET", OURS, headers={"X-Number": str(number % 300)}) for number in range(600)]
    read = [reader.read(request, 1) for request in requests]
    assert [request.headers["x-number"] for request in read] == [str(number % 300) for number in range(600)]
    assert read[-1].headers is reader.read(requests[-1], 1).headers
    assert len(reader._headers) <= MAX_HEADERS


def test_an_upload_in_pieces_arrives_whole(family_way):
    requests = []
    upload = posting(data={"purpose": "assistants"}, files={"file": ("a.txt", b"0123456789" * 10_000)})
    exchange(family_client(family_way, noting(requests)), upload)
    assert b"0123456789" * 10_000 in requests[0].body
    assert b"purpose" in requests[0].body


def test_a_response_arrives_as_it_was_given(family_way):
    (response,) = exchange(family_client(family_way, echo), getting())
    assert response.status_code == 200
    assert dict(response.headers) == {"content-type": "text/plain", "x-echo": "GET"}
    assert response.text == "fake /v1/models/gpt-4o"
    assert response.elapsed.total_seconds() >= 0


def test_a_response_can_be_streamed(family):
    events = Response(200, {"content-type": "text/event-stream"}, b"event: a\n\nevent: b\n\n")
    client = family.Client(transport=transport(family, lambda request: events))
    with client, client.stream("GET", OURS) as response:
        lines = [line.rstrip("\n") for line in response.iter_lines()]  # httpx before 0.24 leaves the ends there
    assert lines == ["event: a", "", "event: b", ""]


def test_each_transport_is_one_client(family_way):
    requests = []
    for _ in range(2):
        exchange(family_client(family_way, noting(requests)), getting(), getting())
    first, again, second, again_second = (request.client for request in requests)
    assert first == again
    assert second == again_second
    assert first != second


def test_the_family_of_the_sdk_is_that_of_its_clients():
    with openai.OpenAI(api_key="sk-test") as client:
        assert isinstance(client._client, sdk_http_library().Client)


def test_vcrpy_records_what_the_transport_answers(family_way, tmp_path):
    vcr = pytest.importorskip("vcr", reason="vcrpy is not installed here")
    cassette = str(tmp_path / "cassette.yaml")
    with vcr.use_cassette(cassette):
        get(family_client(family_way, echo))
    with vcr.use_cassette(cassette, record_mode="none"):
        assert get(family_client(family_way, lambda request: 1 / 0)) == "fake /v1/models/gpt-4o"


# ── every client: who is served ────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("built", ["before", "meanwhile"])
def test_default_clients_are_served(way, built):
    client = way.build() if built == "before" else None
    with interception():
        assert get(client or way.build()) == "fake /v1/models/gpt-4o"


def test_clients_behind_a_proxy_are_served(way, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    with interception():
        assert get(way.build()) == "fake /v1/models/gpt-4o"


def test_a_subclass_of_the_default_transport_is_served(way):
    base = way.load(way.transport)

    class Transport(base):
        def __init__(self):
            super().__init__(retries=3)
            self.name = "mine"

    with interception():
        mine = Transport()
        assert get(way.build(transport=mine)) == "fake /v1/models/gpt-4o"
        assert mine.name == "mine"


def test_a_transport_that_is_like_the_one_over_aiohttp_is_served(family):
    """As litellm's, which makes no session before it needs one."""

    class AiohttpTransport(family.AsyncBaseTransport):
        def __init__(self, client):
            self.client = client

    class LibraryAiohttpTransport(AiohttpTransport):
        async def handle_async_request(self, request):
            return await self.client(request)

    class Named(LibraryAiohttpTransport):
        pass

    with interception():
        for transport in LibraryAiohttpTransport, Named:
            assert get(family.AsyncClient(transport=transport(None))) == "fake /v1/models/gpt-4o"


def test_a_client_with_a_transport_of_its_own_is_left_alone(family_way):
    response = family_way.load("Response")(200, text="own")
    own = family_way.load("MockTransport")(lambda request: response)
    with interception(block_other_hosts=True):
        assert get(family_way.build(transport=own)) == "own"


def test_an_intercepted_request_carries_body_and_client(way):
    requests = []
    with interception(noting(requests)):
        exchange(way.build(), posting(content=b"body"), posting(files={"file": ("a.txt", b"body")}))
        exchange(way.build(), posting(content=b"body"))
    assert all(b"body" in request.body for request in requests)
    assert requests[0].client == requests[1].client
    assert requests[0].client != requests[2].client


def sdk_client(name, **options):
    """A client of the SDK, and whether it is asynchronous."""
    name, _, aiohttp = name.partition(" on ")
    if aiohttp:
        if not hasattr(openai, "DefaultAioHttpClient"):
            pytest.skip(f"openai {openai.__version__} has no aiohttp client")
        pytest.importorskip("aiohttp", reason="aiohttp is not installed here")
        options["http_client"] = openai.DefaultAioHttpClient()
    return getattr(openai, name)(api_key="sk-test", **options)


def retrieve_model(client):
    async def run():
        async with client:
            return await client.models.retrieve("gpt-4o")

    if isinstance(client, openai.AsyncOpenAI):
        return asyncio.run(run())
    with client:
        return client.models.retrieve("gpt-4o")


@pytest.mark.parametrize("name", SDK_CLIENTS)
def test_clients_of_the_sdk_are_served(name):
    with interception(lambda request: Response(200, {"content-type": "application/json"}, MODEL)):
        assert retrieve_model(sdk_client(name)).owned_by == "echo"


@pytest.mark.parametrize("way", [Way("httpx", "AsyncClient"), Way("httpx2", "AsyncClient")], ids=str)
def test_other_tasks_run_while_a_request_is_under_way(way):
    """Else two tasks that look for something and then make it would never meet."""
    order = []

    async def other():
        order.append("other")

    async def run():
        async with way.build() as client:
            await client.get(OURS)  # the first of a client may yield for reasons of its own
            task = asyncio.create_task(other())
            await client.get(OURS)
            order.append("answered")
            await task

    with interception():
        asyncio.run(run())
    assert order == ["other", "answered"]


@pytest.mark.parametrize("name", SDK_CLIENTS)
def test_a_failure_of_the_harness_comes_out_of_the_sdk_whole_and_at_once(name):
    requests = []

    def fail(request):
        requests.append(request)
        raise HarnessFailure("the script is exhausted")

    with interception(fail), pytest.raises(HarnessFailure, match=r"^the script is exhausted$"):
        retrieve_model(sdk_client(name))
    assert len(requests) == 1


# ── every client: who is not ───────────────────────────────────────────────────────────────────────────────────


def test_other_hosts_are_passed_through(way, real):
    with interception():
        assert get(way.build(), real) == "real"


def test_other_hosts_can_be_blocked(way, real):
    with interception(block_other_hosts=True):
        with pytest.raises(HarnessFailure, match=r"^blocked: GET https://example\.com/$"):
            get(way.build(), "https://example.com/")
        assert get(way.build(), real) == "real"
        assert get(way.build()) == "fake /v1/models/gpt-4o"


def test_a_host_that_is_guarded_but_not_served_is_out_of_reach(way):
    with (
        interception(serves=lambda host, port: False),
        pytest.raises(HarnessFailure, match=r"^blocked: connect api\.openai\.com$"),
    ):
        get(way.build())


def with_urllib(host):
    urllib.request.urlopen(f"https://{host}/", timeout=1)


def with_http_client(host):
    http.client.HTTPConnection(host, timeout=1).request("GET", "/")


def with_requests(host):
    pytest.importorskip("requests", reason="requests is not installed here").get(f"https://{host}/", timeout=1)


def with_aiohttp(host):
    aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed here")

    async def run():
        async with aiohttp.ClientSession() as session:
            await session.get(f"https://{host}/")

    asyncio.run(run())


def with_asyncio(host):
    asyncio.run(asyncio.open_connection(host, 443))


def with_aiohttp_on_uvloop(host):
    aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed here")
    uvloop = pytest.importorskip("uvloop", reason="uvloop is not installed here")

    async def run():
        async with aiohttp.ClientSession() as session:
            await session.get(f"https://{host}/")

    with closing(uvloop.new_event_loop()) as loop:
        loop.run_until_complete(run())


def with_a_socket(host):
    with socket.socket() as own:
        own.settimeout(1)
        own.connect((host, 443))


def with_a_socket_that_returns_errors(host):
    with socket.socket() as own:
        own.settimeout(1)
        own.connect_ex((host, 443))


WAYS = [
    with_urllib,
    with_http_client,
    with_requests,
    with_aiohttp,
    with_aiohttp_on_uvloop,
    with_asyncio,
    with_a_socket,
    with_a_socket_that_returns_errors,
]


@pytest.mark.parametrize("connect", WAYS)
def test_no_other_library_reaches_a_guarded_host(connect):
    with interception(), pytest.raises(HarnessFailure, match=r"^blocked: connect api\.openai\.com$"):
        connect("api.openai.com")


@pytest.mark.parametrize("connect", WAYS)
def test_no_library_reaches_another_host_if_these_are_blocked(connect):
    with (
        interception(block_other_hosts=True),
        pytest.raises(HarnessFailure, match=r"^blocked: connect example\.com$"),
    ):
        connect("example.com")


@pytest.mark.parametrize("connect", WAYS)
def test_nor_by_its_number(connect):
    with (
        interception(block_other_hosts=True),
        pytest.raises(HarnessFailure, match=r"^blocked: connect 198\.51\.100\.1$"),
    ):
        connect("198.51.100.1")


@pytest.fixture
def proxied(monkeypatch):
    """The first lines that a proxy on this machine is sent, by whoever reads the environment."""
    lines = []

    class Handler(BaseHTTPRequestHandler):
        def handle(self):
            lines.append(self.rfile.readline())

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        for name in ("http_proxy", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
        monkeypatch.delenv("no_proxy", raising=False)
        yield lines
        server.shutdown()
        thread.join()


def get_with_urllib(url):
    urllib.request.build_opener().open(url, timeout=1)  # `urlopen` remembers the proxies of its first time


def get_with_requests(url):
    pytest.importorskip("requests", reason="requests is not installed here").get(url, timeout=1)


def get_with_aiohttp(url):
    aiohttp = pytest.importorskip("aiohttp", reason="aiohttp is not installed here")

    async def run():
        async with aiohttp.ClientSession(trust_env=True) as session:
            await session.get(url)

    asyncio.run(run())


@pytest.mark.parametrize("get_it", [get_with_urllib, get_with_requests, get_with_aiohttp])
@pytest.mark.parametrize("url", ["https://api.openai.com/", "http://api.openai.com/"])
def test_no_proxy_is_asked_for_a_guarded_host(proxied, get_it, url):
    with interception(), pytest.raises(HarnessFailure, match=r"^blocked: connect api\.openai\.com$"):
        get_it(url)
    with interception(), suppress(Exception):
        get_it(url.replace("api.openai.com", "example.com"))
    assert proxied  # again and again, by some
    assert not [line for line in proxied if b"api.openai.com" in line]


@pytest.mark.parametrize("target", ["api.openai.com", "api.openai.com:443"])
def test_a_tunnel_is_known_however_its_end_is_written(target):
    tunnel = http.client.HTTPSConnection("127.0.0.1", 9)
    with (
        interception(guards=lambda host, port: (host, port) == ("api.openai.com", 443)),
        pytest.raises(HarnessFailure, match=r"^blocked: connect api\.openai\.com$"),
    ):
        tunnel.set_tunnel(target)


def test_other_sockets_are_left_alone(real):
    with interception(block_other_hosts=True), socket.socket() as own:
        own.connect(("127.0.0.1", int(real.rstrip("/").split(":")[-1])))
        with pytest.raises(TypeError, match="tuple"):
            own.connect("api.openai.com")
        with pytest.raises(TypeError):
            own.connect(("api.openai.com",))
        with pytest.raises(TypeError):
            own.connect((None, 443))


def test_a_socket_that_only_asks_for_its_own_address_is_left_alone():
    with interception(block_other_hosts=True), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.connect(("127.0.0.1", 9))
        with suppress(OSError):  # there may be no network at all
            own.connect(("10.255.255.255", 1))


def test_a_name_behind_a_unix_socket_is_no_host(tmp_path):
    aiohttp = pytest.importorskip("aiohttp")

    async def main():
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(tmp_path / "none"))) as session:
            await session.get("http://docker/x")

    with interception(block_other_hosts=True), pytest.raises(aiohttp.ClientConnectorError):
        asyncio.run(main())


@pytest.mark.parametrize("target", ["::1", "a:b"])
def test_what_a_library_makes_of_an_odd_end_of_a_tunnel_is_its_own_affair(target):
    tunnel = http.client.HTTPSConnection("127.0.0.1", 9)
    with interception(), suppress(http.client.InvalidURL):
        tunnel.set_tunnel(target)


@pytest.mark.parametrize("host", ["api.openai.com", "API.OpenAI.com", "api.openai.com.", b"api.openai.com"])
def test_a_guarded_host_is_known_however_it_is_written(host):
    with interception(), pytest.raises(HarnessFailure, match=r"^blocked: connect api\.openai\.com$"):
        socket.getaddrinfo(host, 443)


@pytest.mark.parametrize(
    "host", [None, "localhost", "LOCALHOST", "127.0.0.1", "0.0.0.0", "::1", "::ffff:127.0.0.1", b"127.0.0.1"]
)
def test_this_machine_is_never_blocked(host):
    with interception(block_other_hosts=True):
        assert socket.getaddrinfo(host, 80)


@pytest.mark.parametrize("host", ["93.184.216.34", "2606:2800:220:1::1"])
def test_an_address_is_as_good_as_a_name(host):
    with interception(block_other_hosts=True), pytest.raises(HarnessFailure, match="connect"):
        socket.getaddrinfo(host, 80)


def named(host, port):
    return port in {8080, None}


@pytest.mark.parametrize("port", [8080, "8080", b"8080", None])
def test_a_guarded_port_is_known_however_it_is_written(port):
    with interception(guards=named), pytest.raises(HarnessFailure, match=r"^blocked: connect localhost$"):
        socket.getaddrinfo("localhost", port)


@pytest.mark.parametrize("port", [80, "80", b"80", 0, "http"])
def test_other_ports_of_a_guarded_host_are_not(port):
    with interception(guards=named):
        assert socket.getaddrinfo("localhost", port)


def test_clients_are_distinguished_by_their_port(way, real):
    with interception(serves=lambda host, port: port == 1):
        assert get(way.build(), "http://127.0.0.1:1/v1") == "fake /v1"
        assert get(way.build(), real) == "real"


@pytest.mark.parametrize(("scheme", "port"), [("http", 80), ("https", 443)])
def test_a_url_without_a_port_has_the_usual_one(way, scheme, port):
    asked = []

    def serves(host, port):
        asked.append(port)
        return True

    with interception(serves=serves):
        get(way.build(), f"{scheme}://gateway.test/")
    assert asked == [port]


# ── the end ────────────────────────────────────────────────────────────────────────────────────────────────────


def patchable():
    """All that an interception may replace."""
    owners = [socket, socket.socket, http.client.HTTPConnection]
    for name in ("httpx", "httpx2", "aiohttp", "httpx_aiohttp", "openai._vendor.httpx_aiohttp", "vcr.patch"):
        with suppress(ImportError):
            module = importlib.import_module(name)
            owners += [module, *filter(inspect.isclass, vars(module).values())]
    return {(owner.__name__, name): value for owner in owners for name, value in vars(owner).items()}


def test_everything_is_restored_at_the_end():
    before = patchable()
    with interception():
        assert patchable() != before
        with interception():
            pass
        with pytest.raises(ZeroDivisionError), interception():
            raise ZeroDivisionError
        assert patchable() != before
    assert patchable() == before


def test_the_inner_of_two_interceptions_is_asked_first(way):
    def inner(request):
        return Response(200, {}, b"inner")

    with interception(serves=lambda host, port: host in {"api.openai.com", "outer.test"}):
        with interception(inner):
            client = way.build()
            assert [response.text for response in exchange(client, getting(), getting("http://outer.test/"))] == [
                "inner",
                "fake /",
            ]
        assert get(way.build()) == "fake /v1/models/gpt-4o"


def test_whoever_took_hold_of_a_replacement_finds_it_transparent_afterwards(way, real, monkeypatch):
    owner = way.load(way.transport)
    name = "handle_request" if hasattr(owner, "handle_request") else "handle_async_request"
    with interception(serves=lambda host, port: True, guards=lambda host, port: True):
        held = vars(owner)[name]
        resolve = socket.getaddrinfo
    monkeypatch.setattr(owner, name, held)
    assert get(way.build(), real) == "real"
    assert resolve("localhost", 80)


@pytest.mark.parametrize("began", ["before", "meanwhile", "in an earlier one"])
def test_an_instrumentation_sees_the_requests_whenever_it_began(way, real, monkeypatch, began):
    wrapt = pytest.importorskip("wrapt", reason="wrapt is not installed here")
    owner = way.load(way.transport)
    name = "handle_request" if hasattr(owner, "handle_request") else "handle_async_request"
    uninstrumented = vars(owner)[name]
    monkeypatch.setattr(owner, name, uninstrumented)
    seen = []

    def traced(wrapped, instance, args, kwargs):
        seen.append(str(args[0].url))
        return wrapped(*args, **kwargs)

    def instrument(*, now):
        if now:
            wrapt.wrap_function_wrapper(owner, name, traced)

    instrument(now=began == "before")
    with interception():
        instrument(now=began == "in an earlier one")
    with interception():
        instrument(now=began == "meanwhile")
        assert get(way.build()) == "fake /v1/models/gpt-4o"
    assert get(way.build(), real) == "real"
    assert seen == [OURS, real]
    with interception():
        pass
    assert vars(owner)[name].__wrapped__ is uninstrumented


# ── economy ────────────────────────────────────────────────────────────────────────────────────────────────────


def test_building_a_client_loads_no_certificates_while_active(way, contexts):
    exchange(way.build())
    assert contexts
    contexts.clear()
    with interception():
        exchange(way.build())
        get(way.build())
    assert contexts == []


@pytest.mark.parametrize("name", SDK_CLIENTS)
def test_neither_does_building_a_client_of_the_sdk(name, contexts):
    with interception(lambda request: Response(200, {"content-type": "application/json"}, MODEL)):
        retrieve_model(sdk_client(name))
    assert contexts == []


def test_a_client_built_meanwhile_works_for_real_hosts(way, real, contexts):
    with interception():
        client = way.build()
        never_used = way.build()

    responses = exchange(client, getting(real), getting(real))
    assert [response.text for response in responses] == ["real", "real"]
    assert len(contexts) == 1
    assert exchange(never_used) == []


def test_a_client_built_meanwhile_can_be_closed_without_a_with_statement(way, real):
    async def use_and_close(client):
        assert (await client.get(real)).text == "real"
        await client.aclose()

    with interception():
        client = way.build()
        if hasattr(client, "aclose"):
            asyncio.run(use_and_close(client))
        else:
            assert client.get(real).text == "real"
            client.close()


def test_a_wrong_argument_is_an_error_at_once(family_way):
    with interception(), pytest.raises(TypeError, match="unexpected keyword argument 'retry'"):
        family_way.load(family_way.transport)(retry=3)


def test_an_aiohttp_session_given_by_the_user_is_used_and_closed(aiohttp_way, real):
    aiohttp = importlib.import_module("aiohttp")

    async def use(session, **request):
        with interception():
            own = aiohttp_way.load(aiohttp_way.transport)(client=session)
            async with aiohttp_way.build(transport=own) as client:
                if request:
                    assert (await client.request(**request)).text == "real"

    async def run():
        for request in (getting(real), {}):
            session = aiohttp.ClientSession(headers={"x-mine": "yes"})
            await use(session, **request)
            assert session.closed

    asyncio.run(run())


# ── vcrpy ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_aiohttp_need_not_be_there(family_way, monkeypatch):
    monkeypatch.delitem(sys.modules, "aiohttp", raising=False)
    with interception():
        assert get(family_way.build()) == "fake /v1/models/gpt-4o"


def test_vcrpy_need_not_be_there(way, monkeypatch):
    monkeypatch.delitem(sys.modules, "vcr.patch", raising=False)
    with interception():
        assert get(way.build()) == "fake /v1/models/gpt-4o"


def test_with_a_cassette_outside_the_fake_answers_its_hosts_and_the_cassette_sees_the_others(
    family_way, real, tmp_path
):
    vcr = pytest.importorskip("vcr", reason="vcrpy is not installed here")
    family_way.load("Client")
    for record_mode in ("once", "none"):
        with vcr.use_cassette(str(tmp_path / "cassette.yaml"), record_mode=record_mode) as cassette:
            with interception():
                assert get(family_way.build()) == "fake /v1/models/gpt-4o"
                assert get(family_way.build(), real) == "real"
            assert [request.uri for request in cassette.requests] == [real]


def test_with_a_cassette_inside_it_replays_what_it_holds_and_records_the_fake_s_answers_to_the_rest(
    family_way, tmp_path
):
    vcr = pytest.importorskip("vcr", reason="vcrpy is not installed here")
    family_way.load("Client")
    path = str(tmp_path / "cassette.yaml")
    with interception():
        with vcr.use_cassette(path) as cassette:
            assert get(family_way.build()) == "fake /v1/models/gpt-4o"
            assert [request.uri for request in cassette.requests] == [OURS]
        assert get(family_way.build()) == "fake /v1/models/gpt-4o"
    with interception(lambda request: 1 / 0), vcr.use_cassette(path, record_mode="none"):
        assert get(family_way.build()) == "fake /v1/models/gpt-4o"
