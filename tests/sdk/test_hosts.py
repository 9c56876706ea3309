"""Whose requests a fake takes: the hosts, ports and paths that a user names, and none besides."""

from __future__ import annotations

import os
import socket
import threading
import time
import urllib.request
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, HTTPServer

import openai
import pytest

from harness import HarnessFailure, fake_assistants
from harness.environment import KEYS
from harness.hosts import Hosts
from harness.transports.httpx_family import sdk_http_library

NAMED = "http://localhost:11434/v1"


@pytest.fixture
def own():
    """The URL of a server of the user's own, on the same host as the one that is named."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"own")

        def log_message(self, *args):
            pass

    with HTTPServer(("localhost", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield f"http://localhost:{server.server_port}/"
        server.shutdown()
        thread.join()


def named_by(how, monkeypatch):
    """The options with which a user names the URL."""
    if how == "environment":
        monkeypatch.setenv("OPENAI_BASE_URL", NAMED)
        return {}
    return {"base_url": NAMED}


@pytest.mark.parametrize("how", ["environment", "option"])
def test_other_ports_of_a_named_host_are_the_users_own(how, monkeypatch, own):
    with fake_assistants(**named_by(how, monkeypatch)) as fake:
        openai.OpenAI(api_key="sk-test", base_url=NAMED).beta.threads.create()
        with sdk_http_library().Client() as client:
            assert client.get(own).text == "own"
        with urllib.request.urlopen(own) as answer:
            assert answer.read() == b"own"
        with pytest.raises(HarnessFailure, match="does not talk through httpx"):
            urllib.request.urlopen(NAMED)
        assert len(fake.requests) == 1
        fake.failures.clear()


@pytest.mark.parametrize(
    ("named", "port", "ours"),
    [
        ("http://gateway.test:8080/v1", 8080, True),
        ("http://gateway.test:8080/v1", 443, False),
        ("gateway.test:8080", 8080, True),
        ("http://gateway.test/v1", 80, True),
        ("http://gateway.test/v1", 443, True),
        ("gateway.test", 443, True),
        ("http://gateway.test", 8080, False),
        ("http://gateway.test:8080", None, False),  # a name that is only looked up
        ("https://api.openai.com/v1", None, True),
        ("https://api.openai.com/v1", 8080, True),
    ],
)
def test_a_named_host_is_named_with_its_port(named, port, ours):
    hosts = Hosts([named])
    assert hosts.matches("api.openai.com" if "openai" in named else "Gateway.test", port) is ours


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("openai.com", True),
        ("API.OpenAI.com", True),
        ("eu.api.openai.com", True),
        ("acme.openai.azure.com", True),
        ("acme.openai.azure.us", True),
        ("acme.openai.azure.cn", True),
        ("acme.cognitiveservices.azure.com", True),
        ("acme.services.ai.azure.com", True),
        ("notopenai.com", False),
        ("openai.com.example.com", False),
        ("acme.search.windows.net", False),
    ],
)
def test_the_domains_of_the_service_are_answered_and_no_others(host, ours):
    assert Hosts().matches(host, 443) is ours


def in_force():
    """What a fake replaces of the process, apart from clients."""
    return time.sleep, socket.getaddrinfo, os.environ.get("OPENAI_API_KEY")


@pytest.mark.parametrize("key", [None, "", "sk-mine"])
def test_fakes_that_end_in_the_wrong_order_let_nothing_through(monkeypatch, key):
    for name in KEYS:
        monkeypatch.delenv(name, raising=False)
    if key is not None:
        monkeypatch.setenv("OPENAI_API_KEY", key)
    before = in_force()
    with ExitStack() as later:
        with fake_assistants():
            fake = later.enter_context(fake_assistants())
        openai.OpenAI().beta.threads.create()
        time.sleep(86_400)
        with pytest.raises(HarnessFailure, match="does not talk through httpx"):
            socket.getaddrinfo("api.openai.com", 443)
        assert len(fake.requests) == 1
        fake.failures.clear()
    assert in_force() == before


def test_nothing_lies_directly_below_openais_own_host():
    """As microsoft/TaskWeaver#11 has it: who forgets `/v1` in the base URL is told that this is none."""
    with fake_assistants() as fake:
        client = openai.OpenAI(api_key="sk-test", base_url="https://api.openai.com")
        with pytest.raises(openai.NotFoundError, match=r"Invalid URL \(POST /threads\)"):
            client.beta.threads.create()
        with pytest.raises(openai.NotFoundError, match=r"Invalid URL \(GET /threads\)"):
            client.get("/threads", cast_to=object)
        assert fake.threads == []


def test_a_named_host_may_have_no_root():
    with fake_assistants(base_url="https://gateway.test") as fake:
        openai.OpenAI(api_key="sk-test", base_url="https://gateway.test").beta.threads.create()
        assert len(fake.threads) == 1
