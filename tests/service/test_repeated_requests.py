"""Who is stuck, told by a service that cannot see its clients: it answers requests, and knows no loop."""

from __future__ import annotations

import json

import pytest

from harness import HarnessFailure
from harness.service.http import Request
from harness.service.service import Service
from harness.service.settings import Settings

KEY = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}


def ask(service, method, path, body=None):
    content = b"" if body is None else json.dumps(body).encode()
    return json.loads(service.handle(Request(method, f"https://api.openai.com/v1{path}", KEY, content)).body)


def test_without_a_stack_to_read_the_count_decides_and_no_loop_is_named():
    service = Service(Settings(stuck_after=10))
    assistant = ask(service, "POST", "/assistants", {"model": "gpt-4o", "instructions": "Hi"})
    run = ask(service, "POST", "/threads/runs", {"assistant_id": assistant["id"]})
    path = f"/threads/{run['thread_id']}/runs/{run['id']}"
    while run["status"] != "completed":
        run = ask(service, "GET", path)
    for _ in range(8):
        assert ask(service, "GET", path) == run
    with pytest.raises(HarnessFailure) as caught:
        ask(service, "GET", path)
    assert str(caught.value).splitlines()[:3] == [
        f"The client is stuck: it has looked 10 times at {run['id']} in status 'completed'.",
        "",
        "'completed' is final: the run will never change again, so what the loop waits for never comes.",
    ]


def test_something_that_is_done_begins_the_count_anew():
    service = Service(Settings(stuck_after=3))
    thread = ask(service, "POST", "/threads", {})
    for number in range(5):
        for _ in range(2):
            ask(service, "GET", f"/threads/{thread['id']}")
        ask(service, "POST", f"/threads/{thread['id']}", {"metadata": {"number": str(number)}})
    for _ in range(2):
        ask(service, "GET", f"/threads/{thread['id']}")
    ask(service, "DELETE", f"/threads/{thread['id']}")
    for _ in range(2):
        assert ask(service, "GET", f"/threads/{thread['id']}")["error"]["type"] == "invalid_request_error"
    with pytest.raises(HarnessFailure, match=r"retrieved thread_\w+ 3 times, and the answer was always 404: No thread"):
        ask(service, "GET", f"/threads/{thread['id']}")
