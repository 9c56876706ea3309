"""How long the service itself takes to answer, without any HTTP library."""

from __future__ import annotations

from typing import TYPE_CHECKING

from measuring import Result, Times
from pydantic_core import from_json

from harness.service.http import Request
from harness.service.records import Message, Thread
from harness.service.service import Service
from harness.service.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = "https://api.openai.com/v1"
HEADERS = {"authorization": "Bearer sk-benchmark", "openai-beta": "assistants=v2"}
NEVER = 10**9


def poll(*, quick: bool) -> Iterator[Result]:
    """Polls of a completed run, the longest answer of a poll; each request is built anew."""
    service = Service(Settings(stuck_after=NEVER))

    def ask(method: str, path: str, body: bytes = b"") -> str:
        object_id: str = from_json(service.handle(Request(method, ROOT + path, HEADERS, body)).body)["id"]
        return object_id

    assistant = ask("POST", "/assistants", b'{"model": "gpt-4o"}')
    thread = ask("POST", "/threads", b'{"messages": [{"role": "user", "content": "Hello"}]}')
    run = ask("POST", f"/threads/{thread}/runs", b'{"assistant_id": "%b"}' % assistant.encode())
    service.world.clock.advance(60)
    url = f"{ROOT}/threads/{thread}/runs/{run}"
    times = Times(50 if quick else 5_000, poll=lambda: service.handle(Request("GET", url, HEADERS)))
    yield Result("Service.handle, one poll of a run", times.median("poll") * 1e6, 60, "µs")


def pages(*, quick: bool) -> Iterator[Result]:
    short = 100
    long = 2_000 if quick else 100_000
    service = Service(Settings(stuck_after=NEVER))
    for order in ("desc", "asc"):
        for where in ("first page", "middle page"):
            few, many = (_page(service, length, order, middle=where == "middle page") for length in (short, long))
            times = Times(3 if quick else 500, few=few, many=many)
            name = f"20 messages of {long:,} / of {short}: {where}, {order}"
            yield Result(name, times.ratio("many", "few"), 1.5, "x")


def _page(service: Service, length: int, order: str, *, middle: bool) -> Callable[[], object]:
    thread = service.world.store.threads.get(f"thread_{length}") or _thread(service, length)
    after = f"&after=msg_{length // 2}" if middle else ""
    url = f"{ROOT}/threads/{thread.id}/messages?limit=20&order={order}{after}"
    response = service.handle(Request("GET", url, HEADERS))
    assert len(from_json(response.body)["data"]) == 20
    return lambda: service.handle(Request("GET", url, HEADERS))


def _thread(service: Service, length: int) -> Thread:
    thread = service.world.store.threads.add(Thread(f"thread_{length}", 0))
    for number in range(length):
        content = [{"type": "text", "text": {"value": "Hello", "annotations": []}}]
        thread.messages.add(Message(f"msg_{number}", thread.id, "user", content))
    return thread
