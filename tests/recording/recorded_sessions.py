"""Records sessions for tests: conversations with a scripted fake."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness import FakeAssistants, Request
from harness.recording.exchanges import RecordedExchange

if TYPE_CHECKING:
    from collections.abc import Iterable

BASE = "https://api.openai.com/v1"
HEAD = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2", "content-type": "application/json"}


class Client:
    """A client that sends and receives JSON, and records each exchange; a stream is received as its events."""

    def __init__(self, fake: FakeAssistants) -> None:
        self.fake = fake
        self.recorded: list[RecordedExchange] = []

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        raw = b"" if body is None else json.dumps(body).encode()
        request = Request(method, BASE + path, {**HEAD, **headers}, raw, client=1)
        response = self.fake.answer(request)
        whole = response.body if isinstance(response.body, bytes) else b"".join(iter(response.body.read, None))
        response = type(response)(response.status, response.headers, whole)
        self.recorded.append(RecordedExchange(request, response, self.fake.clock.now, f"made up, {len(self.recorded)}"))
        if whole.startswith(b"event: "):
            return response.status, events(whole)
        return response.status, json.loads(whole)

    def ok(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        status, answer = self.send(method, path, body, **headers)
        assert status == 200, answer
        return answer

    def poll(self, run: dict[str, Any], extra: int = 0) -> dict[str, Any]:
        """Poll a run until it has ended or needs outputs, and then `extra` times more."""
        path = f"/threads/{run['thread_id']}/runs/{run['id']}"
        while run["status"] in ("queued", "in_progress", "cancelling"):
            run = self.ok("GET", path)
        for _ in range(extra):
            run = self.ok("GET", path)
        return run


def events(raw: bytes) -> list[tuple[str, Any]]:
    frames = [frame.split("\n") for frame in raw.decode().split("\n\n") if frame]
    return [(name.removeprefix("event: "), _data(data.removeprefix("data: "))) for name, data in frames]


def _data(text: str) -> Any:
    return text if text == "[DONE]" else json.loads(text)


def record_session(*acts: Any, outputs: Iterable[str] = (), stream: bool = False) -> list[RecordedExchange]:
    """The exchanges of a conversation with one run that does these acts: see `converse`."""
    fake = FakeAssistants()
    fake.next_run(*acts)
    client = Client(fake)
    converse(client, outputs=outputs, stream=stream)
    return client.recorded


def converse(
    client: Client, *, outputs: Iterable[str] = (), stream: bool = False, question: str = "Hi?", extra: int = 0
) -> dict[str, Any]:
    """Hold a conversation with one run, from creating the assistant to listing the messages; what came of it."""
    assistant = client.ok("POST", "/assistants", {"model": "gpt-4o", "name": "Ada"})
    thread = client.ok("POST", "/threads", {})
    messages = f"/threads/{thread['id']}/messages"
    client.ok("POST", messages, {"role": "user", "content": question})
    run = _run_to_rest(client, f"/threads/{thread['id']}/runs", {"assistant_id": assistant["id"]}, stream, extra)
    left = iter(outputs)
    while run["status"] == "requires_action":
        asked = run["required_action"]["submit_tool_outputs"]["tool_calls"]
        body = {"tool_outputs": [{"tool_call_id": call["id"], "output": next(left)} for call in asked]}
        path = f"/threads/{thread['id']}/runs/{run['id']}/submit_tool_outputs"
        run = _run_to_rest(client, path, body, stream, extra)
    steps = client.ok("GET", f"/threads/{thread['id']}/runs/{run['id']}/steps?order=asc")["data"]
    said = client.ok("GET", f"{messages}?order=asc")["data"]
    return {
        "ids": [assistant["id"], thread["id"], run["id"], *(item["id"] for item in (*steps, *said))],
        "run": {key: run[key] for key in ("status", "last_error", "incomplete_details", "model", "instructions")},
        "steps": [{"status": step["status"], **step["step_details"]} for step in steps],
        "said": [(item["role"], item["content"]) for item in said],
    }


def _run_to_rest(client: Client, path: str, body: dict[str, Any], stream: bool, extra: int) -> dict[str, Any]:
    if not stream:
        return client.poll(client.ok("POST", path, body), extra)
    events_of_stream = client.ok("POST", path, {**body, "stream": True})
    runs = [
        data for name, data in events_of_stream if name.startswith("thread.run.") and data["object"] == "thread.run"
    ]
    return runs[-1]
