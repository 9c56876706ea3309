"""HTTPS: a server with a certificate, which is checked before the server begins."""

from __future__ import annotations

import http.client
import ssl
from contextlib import closing
from threading import Event
from urllib.parse import urlsplit

import openai
import pytest

from harness import FakeAssistants, HarnessFailure, Response, connect, say

tls = pytest.importorskip("harness.transports.tls", reason="uvicorn, which serves, is not installed here")
trustme = pytest.importorskip("trustme")

PATIENCE = 60  # seconds that only a failing test waits
HEADERS = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}
THREAD = {"messages": [{"role": "user", "content": "Hi?"}]}


@pytest.fixture(scope="module")
def pem(tmp_path_factory):
    """A folder with an authority's certificate, and certificates of servers with their keys."""
    folder = tmp_path_factory.mktemp("pem")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "client.pem")
    for name in ("server", "other"):
        issued = authority.issue_cert("127.0.0.1", "localhost")
        issued.cert_chain_pems[0].write_to_path(folder / f"{name}.pem")
        issued.private_key_pem.write_to_path(folder / f"{name}.key")
        issued.private_key_and_cert_chain_pem.write_to_path(folder / f"{name}-both.pem")
    (folder / "text.pem").write_text("no certificate\n", encoding="utf-8")
    (folder / "encrypted.key").write_bytes(encrypted((folder / "server.key").read_bytes()))
    return folder


def encrypted(key):
    serialization = pytest.importorskip("cryptography.hazmat.primitives.serialization")
    return serialization.load_pem_private_key(key, None).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"passphrase"),
    )


@pytest.fixture
def trusted(pem, monkeypatch):
    """Clients trust the authority that signed the server's certificate."""
    monkeypatch.setenv("SSL_CERT_FILE", str(pem / "client.pem"))


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize(("cert", "key"), [("server.pem", "server.key"), ("server-both.pem", None)])
def test_a_client_talks_to_it(pem, cert, key):
    fake = FakeAssistants()
    fake.next_run(say("Hello."))
    with fake.serve(tls_cert=pem / cert, tls_key=key and str(pem / key)) as server:
        assert server.base_url.startswith("https://127.0.0.1:")
        with openai.OpenAI(api_key="sk-test", base_url=server.base_url, max_retries=0) as client:
            assistant = client.beta.assistants.create(model="gpt-4o")
            body = {"assistant_id": assistant.id, "thread": THREAD, "stream": True}
            answer = client._client.post("threads/runs", json=body, headers=HEADERS)
            assert '"value":"Hello' in answer.text
        with connect(server.url) as remote:
            assert [run.status for run in remote.runs] == ["completed"]
    assert {urlsplit(each.request.url).scheme for each in fake.requests} == {"https"}


def test_who_does_not_trust_it_is_told_how(pem):
    with (
        FakeAssistants().serve(tls_cert=pem / "server-both.pem") as server,
        pytest.raises(HarnessFailure, match=r"The certificate of the server at https://.* is not trusted") as raised,
    ):
        connect(server.url)
    assert "export SSL_CERT_FILE=" in str(raised.value)


@pytest.fixture
def happened(monkeypatch):
    """Gives the event that a method of the server's connections was called."""

    def event_of(name):
        event, method = Event(), getattr(tls.TlsProtocol, name)

        def noted(connection):
            method(connection)
            event.set()

        monkeypatch.setattr(tls.TlsProtocol, name, noted)
        return event

    return event_of


@pytest.fixture
def cut_off(monkeypatch):
    """The connections that the server cut off."""
    connections, made = [], tls.TlsProtocol.connection_made

    def watched(connection, transport):
        abort = transport.abort
        transport.abort = lambda: connections.append(connection) or abort()
        made(connection, transport)

    monkeypatch.setattr(tls.TlsProtocol, "connection_made", watched)
    return connections


@pytest.mark.parametrize("at_the_end", ["idle", "closing", "under way"])
def test_it_ends_without_waiting_for_clients(pem, happened, cut_off, at_the_end):
    """A client that is not reading takes no part in closing its connection: asyncio would wait 30 seconds for it."""
    asked, answered, ends = Event(), happened("on_response_complete"), happened("shutdown")

    def answer(request):
        asked.set()
        return Response(200, {}, b"late" if at_the_end != "under way" or ends.wait(PATIENCE) else b"too late")

    fake = FakeAssistants()
    fake.on("GET", "/models", answer)
    trust = ssl.create_default_context(cafile=pem / "client.pem")
    with fake.serve(tls_cert=pem / "server-both.pem") as server:
        client = http.client.HTTPSConnection(urlsplit(server.url).netloc, timeout=PATIENCE, context=trust)
        client.request("GET", "/v1/models", headers={"connection": "close"} if at_the_end == "closing" else {})
        assert (asked if at_the_end == "under way" else answered).wait(PATIENCE)
    with closing(client):
        assert client.getresponse().read() == b"late"
    assert len(cut_off) == 1


@pytest.mark.parametrize(
    ("cert", "key", "what", "do"),
    [
        ("none.pem", "server.key", "none.pem cannot be read: No such file", "trustme"),
        ("server.pem", "none.key", "none.key cannot be read: No such file", "trustme"),
        ("server.pem", ".", "cannot be read: Is a directory", "trustme"),
        ("server.pem", "other.key", "server.pem and .*other.key are no certificate and its private key", "trustme"),
        ("server.pem", None, "server.pem is no certificate with its private key", "trustme"),
        ("text.pem", None, "text.pem is no certificate with its private key", "trustme"),
        ("server.pem", "encrypted.key", "The private key in .*encrypted.key is encrypted", "openssl pkey -in"),
        (None, "server.key", "server.key needs its certificate", "tls_cert="),
    ],
)
def test_a_certificate_that_cannot_be_used_is_refused(pem, cert, key, what, do):
    path = {name: name and pem / name for name in (cert, key)}
    with (
        pytest.raises(HarnessFailure, match=what) as raised,
        FakeAssistants().serve(tls_cert=path[cert], tls_key=path[key]),
    ):
        pass
    assert do in str(raised.value).partition("What to do:")[2]
