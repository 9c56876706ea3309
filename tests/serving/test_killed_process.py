"""`harness serve --state`, killed while clients work: what they were answered is there when it runs again."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from contextlib import contextmanager, suppress
from http.client import HTTPException
from threading import Semaphore, Thread

import pytest

for needed in ("click", "filelock", "uvicorn"):
    pytest.importorskip(needed)


@contextmanager
def started(*arguments):
    """The program, once it has told where it is; at the end it is killed."""
    command = [sys.executable, "-m", "harness", "serve", "--json", *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8") as program:
        try:
            yield program, json.loads(program.stdout.readline() or program.stderr.read())["url"]
        finally:
            program.kill()


class Client:
    """One program with its own world, which works until its server is gone and remembers what it was answered."""

    def __init__(self, key):
        self.key = key
        self.threads = {}  # each with the ids of its messages
        self.pieces = 0

    def ask(self, url, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.key}", "OpenAI-Beta": "assistants=v2"}
        sent = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{url}/v1{path}", sent, headers, method=method)
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=60) as answer:
            if body and body.get("stream"):
                for line in answer:
                    self.pieces += line.startswith(b"event: thread.message.delta")
                return None
            return json.load(answer)

    def work(self, url, enough):
        """Whatever breaks off, breaks off because the server was killed."""
        with suppress(OSError, HTTPException, ValueError):
            assistant = self.ask(url, "POST", "/assistants", {"model": "gpt-4o", "instructions": "Help."})["id"]
            while True:
                thread = self.ask(url, "POST", "/threads", {})["id"]
                messages = self.threads[thread] = []
                for number in range(2):
                    body = {"role": "user", "content": f"{number}"}
                    messages.append(self.ask(url, "POST", f"/threads/{thread}/messages", body)["id"])
                self.ask(url, "POST", f"/threads/{thread}/runs", {"assistant_id": assistant, "stream": True})
                enough.release()

    def check(self, url):
        told = 0
        for thread, messages in self.threads.items():
            there = self.ask(url, "GET", f"/threads/{thread}/messages?order=asc")["data"]
            assert [message["id"] for message in there if message["role"] == "user"][: len(messages)] == messages
            told += sum(message["role"] == "assistant" for message in there)
        return told


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGKILL")
def test_a_process_that_is_killed_while_clients_work(tmp_path):
    """Several times, after so many conversations; all that anybody was answered is there when it runs again."""
    clients = [Client(f"sk-client-{number}") for number in range(3)]
    file = tmp_path / "state.jsonl"
    for conversations in (1, 7, 12, 0):
        with started("--state", file) as (program, url):
            for client in clients:
                client.check(url)
            enough = Semaphore(0)
            workers = [Thread(target=client.work, args=(url, enough)) for client in clients if conversations]
            for worker in workers:
                worker.start()
            for _ in range(conversations):
                assert enough.acquire(timeout=60)
            program.kill()
            for worker in workers:
                worker.join()
    assert sum(len(client.threads) for client in clients) >= 20
    assert all(client.pieces for client in clients)
    assert b"sk-client" not in file.read_bytes()
