"""Seven requests through the SDK: to the fake, and to a transport with canned answers."""

from __future__ import annotations

import sys
from itertools import cycle
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import openai
from measuring import Result, Times

from harness import FakeAssistants, fake_assistants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "sk-benchmark"
ASSISTANT = "asst_benchmark"
# httpx2, or httpx under an older SDK: the library of the SDK's own default client
FAMILY = sys.modules[openai.DefaultHttpxClient.__mro__[1].__module__.partition(".")[0]]


def flow(client: openai.OpenAI) -> None:
    threads = client.beta.threads
    thread = threads.create()
    threads.messages.create(thread.id, role="user", content="What is the weather in Oslo?")
    run = threads.runs.create(thread_id=thread.id, assistant_id=ASSISTANT)
    for _ in range(3):
        run = threads.runs.retrieve(run.id, thread_id=thread.id)
    assert run.status == "completed"
    assert len(threads.messages.list(thread.id).data) == 2


def canned() -> Callable[[Any], Any]:
    """The handler of a transport that returns the bytes of the seven answers in a cycle."""
    fake = FakeAssistants()
    fake.add_assistant(ASSISTANT)
    flow(fake.client())
    answers: Iterator[Any] = cycle([(each.status, list(each.response.headers.items()), each.response.body)
                                    for each in fake.requests])  # fmt: skip

    def answer(request: Any) -> Any:
        status, headers, body = next(answers)
        return FAMILY.Response(status, headers=headers, content=body)

    return answer


def reused_client(*, quick: bool) -> Iterator[Result]:
    fake = FakeAssistants()
    fake.add_assistant(ASSISTANT)
    ours = fake.client()
    theirs = openai.OpenAI(api_key=KEY, http_client=FAMILY.Client(transport=FAMILY.MockTransport(canned())))
    times = Times(3 if quick else 100, turn=5, fake=lambda: flow(ours), canned=lambda: flow(theirs))
    yield Result("7 requests, reused client / MockTransport of canned bytes", times.ratio("fake", "canned"), 1.2, "x")


def fresh_client(*, quick: bool) -> Iterator[Result]:
    """As in a test that builds its own client: most of the cost is the TLS context of the default transport."""
    answer = canned()

    def theirs() -> None:
        with patch.object(FAMILY.HTTPTransport, "handle_request", lambda transport, request: answer(request)):
            flow(openai.OpenAI(api_key=KEY))

    def ours() -> None:
        with fake_assistants() as fake:
            fake.add_assistant(ASSISTANT)
            flow(openai.OpenAI(api_key=KEY))

    times = Times(3 if quick else 30, turn=5, fake=ours, patched=theirs)
    yield Result("7 requests, fresh fake and client / patched transport", times.ratio("fake", "patched"), 0.3, "x")
