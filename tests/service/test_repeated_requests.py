"""Stuck clients of a service that cannot see its clients' loops: it counts their repeated requests."""

from __future__ import annotations

import json

import pytest

from harness import HarnessFailure
from harness.service.http import Request
from harness.service.service import Service
from harness.service.settings import Settings

HEADERS = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}


def request(service, method, path, body=None):
    content = b"" if body is None else json.dumps(body).encode()
    return json.loads(service.handle(Request(method, f"https://api.openai.com/v1{path}", HEADERS, content)).body)


def test_without_a_known_loop_the_count_decides_and_no_loop_is_named():
    service = Service(Settings(stuck_after=10))
    assistant = request(service, "POST", "/assistants", {"model": "gpt-4o", "instructions": "Hi"})
    run = request(service, "POST", "/threads/runs", {"assistant_id": assistant["id"]})
    path = f"/threads/{run['thread_id']}/runs/{run['id']}"
    while run["status"] != "completed":
        run = request(service, "GET", path)
    for _ in range(8):
        assert request(service, "GET", path) == run
    with pytest.raises(HarnessFailure) as caught:
        request(service, "GET", path)
    assert str(caught.value).splitlines()[:3] == [
        f"The client is stuck: it has looked 10 times at {run['id']} in status 'completed'.",
        "",
        "'completed' is final: the run will never change again, so what the loop waits for never comes.",
    ]


def test_a_successful_write_begins_the_count_again():
    service = Service(Settings(stuck_after=3))
    thread = request(service, "POST", "/threads", {})
    for number in range(5):
        for _ in range(2):
            request(service, "GET", f"/threads/{thread['id']}")
        request(service, "POST", f"/threads/{thread['id']}", {"metadata": {"number": str(number)}})
    for _ in range(2):
        request(service, "GET", f"/threads/{thread['id']}")
    request(service, "DELETE", f"/threads/{thread['id']}")
    for _ in range(2):
        assert request(service, "GET", f"/threads/{thread['id']}")["error"]["type"] == "invalid_request_error"
    with pytest.raises(HarnessFailure, match=r"retrieved thread_\w+ 3 times, and the answer was always 404: No thread"):
        request(service, "GET", f"/threads/{thread['id']}")
