"""The code interpreter: the cost of a scripted cell in comparison with a message, and of an executed one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flows import ASSISTANT
from measuring import Result, Times

from harness import FakeAssistants, run_code, say

if TYPE_CHECKING:
    from collections.abc import Iterator

    import openai

    from harness.service.acts import RunCode, Say


def prepared(*acts: RunCode | Say) -> FakeAssistants:
    fake = FakeAssistants()
    fake.add_assistant(ASSISTANT)
    fake.every_run(*acts)
    return fake


def run(client: openai.OpenAI, thread: str) -> None:
    run = client.beta.threads.runs.create(thread_id=thread, assistant_id=ASSISTANT)
    while run.status in ("queued", "in_progress"):
        run = client.beta.threads.runs.retrieve(run.id, thread_id=thread)
    assert run.status == "completed"


def cells(*, quick: bool) -> Iterator[Result]:
    """Whole runs, polled; a thread for each fake, so that an executed cell finds its interpreter running."""
    fakes = {
        "said": prepared(say("2"), say("2")),
        "scripted": prepared(run_code("1+1", logs="2"), say("2")),
        "executed": prepared(run_code("1+1", execute=True), say("2")),
    }
    asking = {}
    for name, fake in fakes.items():
        client = fake.client()
        thread = client.beta.threads.create(messages=[{"role": "user", "content": "1+1?"}]).id
        asking[name] = lambda client=client, thread=thread: run(client, thread)
    times = Times(5 if quick else 60, **asking)
    for fake in fakes.values():
        fake.close()
    yield Result("a run of a scripted cell and a message / of two messages", times.ratio("scripted", "said"), 1.1, "x")
    yield Result("a warm executed cell 1+1", times.difference("executed", "scripted") * 1000, 30.0, "ms")
