"""Clients for the tests of `explore`: correct ones, and small ones with one bug each."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    from harness import FakeAssistants

QUESTION = "What is the answer?"
ENDED = ("completed", "failed", "incomplete", "expired", "cancelled")
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "lookup",
            "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
        },
    },
    {"type": "code_interpreter"},
]


class NoAnswerError(Exception):
    """What good clients raise."""


def lookup(arguments: str) -> str:
    """A tool that bears whatever the model writes."""
    try:
        return f"Nothing is known of {json.loads(arguments)['query']}."
    except (ValueError, KeyError):
        return "These arguments cannot be read."


def outputs(run: Any) -> Any:
    calls = run.required_action.submit_tool_outputs.tool_calls
    return [{"tool_call_id": call.id, "output": lookup(call.function.arguments)} for call in calls]


def message_text(message: Any) -> str:
    parts = [part.text.value if part.type == "text" else getattr(part, "refusal", "") for part in message.content]
    return "\n".join(filter(None, parts))


def start_run(client: Any, question: str = QUESTION) -> tuple[Any, Any]:
    """Start a run on a thread with a question; the thread and the run."""
    assistant = client.beta.assistants.create(model="gpt-4o", tools=TOOLS)
    thread = client.beta.threads.create(messages=[{"role": "user", "content": question}])
    return thread, client.beta.threads.runs.create(thread.id, assistant_id=assistant.id)


def finish_run(client: Any, run: Any) -> Any:
    """Poll a run to its end, and submit the outputs of its tools; the run."""
    while run.status not in ENDED:
        if run.status == "requires_action":
            run = client.beta.threads.runs.submit_tool_outputs(
                run.id, thread_id=run.thread_id, tool_outputs=outputs(run)
            )
        else:
            run = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
    return run


# --- good ones --------------------------------------------------------------------------------------------


def polls(assistants: FakeAssistants) -> str:
    client = assistants.client()
    thread, run = start_run(client)
    run = finish_run(client, run)
    if run.status != "completed":
        raise NoAnswerError(run.status)
    answers = [
        message_text(message) for message in client.beta.threads.messages.list(thread.id) if message.run_id == run.id
    ]
    return answers[0] if answers else ""


async def polls_async(assistants: FakeAssistants) -> str:
    beta = assistants.async_client().beta
    assistant = await beta.assistants.create(model="gpt-4o", tools=TOOLS)
    thread = await beta.threads.create(messages=[{"role": "user", "content": QUESTION}])
    run = await beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    while run.status not in ENDED:
        await asyncio.sleep(1)
        if run.status == "requires_action":
            run = await beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=outputs(run))
        else:
            run = await beta.threads.runs.retrieve(run.id, thread_id=thread.id)
    if run.status != "completed":
        raise NoAnswerError(run.status)
    messages = await beta.threads.messages.list(thread.id, run_id=run.id)
    return message_text(messages.data[0]) if messages.data else ""


def streams(assistants: FakeAssistants) -> str:
    threads = assistants.client().beta.threads
    assistant = assistants.client().beta.assistants.create(model="gpt-4o", tools=TOOLS)
    thread = threads.create(messages=[{"role": "user", "content": QUESTION}])
    stream = threads.runs.create(thread.id, assistant_id=assistant.id, stream=True)
    run: Any = None
    texts: list[str] = []
    while stream is not None:
        for event in stream:
            if event.event == "thread.message.completed":
                texts.append(message_text(event.data))
            elif event.event.startswith("thread.run.") and "step" not in event.event:
                run = event.data
        if run is None or run.status not in ("requires_action", *ENDED):
            raise NoAnswerError("the stream broke off")
        stream = None
        if run.status == "requires_action":
            stream = threads.runs.submit_tool_outputs(
                run.id, thread_id=thread.id, tool_outputs=outputs(run), stream=True
            )
    if run.status != "completed":
        raise NoAnswerError(run.status)
    return texts[-1] if texts else ""


async def streams_async(assistants: FakeAssistants) -> str:
    threads = assistants.async_client().beta.threads
    assistant = await assistants.async_client().beta.assistants.create(model="gpt-4o", tools=TOOLS)
    thread = await threads.create(messages=[{"role": "user", "content": QUESTION}])
    stream: Any = await threads.runs.create(thread.id, assistant_id=assistant.id, stream=True)
    run: Any = None
    texts: list[str] = []
    while stream is not None:
        async for event in stream:
            if event.event == "thread.message.completed":
                texts.append(message_text(event.data))
            elif event.event.startswith("thread.run.") and "step" not in event.event:
                run = event.data
        if run is None or run.status not in ("requires_action", *ENDED):
            raise NoAnswerError("the stream broke off")
        stream = None
        if run.status == "requires_action":
            stream = await threads.runs.submit_tool_outputs(
                run.id, thread_id=thread.id, tool_outputs=outputs(run), stream=True
            )
    if run.status != "completed":
        raise NoAnswerError(run.status)
    return texts[-1] if texts else ""


class Agent:
    """A good one whose calls take many forms."""

    def __init__(self, question: str = QUESTION) -> None:
        self.question = question

    def __call__(self) -> str:
        return self.ask()

    def ask(self, prefix: str = "") -> str:
        client = openai.OpenAI(api_key="sk-test")
        _, run = start_run(client, self.question)
        run = finish_run(client, run)
        if run.status != "completed":
            raise NoAnswerError(run.status)
        messages = client.beta.threads.messages.list(run.thread_id, run_id=run.id).data
        return prefix + message_text(messages[0]) if messages else ""


agent = Agent()


# --- one bug each -----------------------------------------------------------------------------------------


def waits_for_completed(assistants: FakeAssistants) -> str:
    """Hangs."""
    client = assistants.client()
    _, run = start_run(client)
    while run.status != "completed":
        if run.status == "requires_action":
            client.beta.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs(run))
        run = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
    messages = client.beta.threads.messages.list(run.thread_id, run_id=run.id).data
    return message_text(messages[0]) if messages else ""


def tries_for_ever(assistants: FakeAssistants) -> str:
    """Hangs, with something new each time."""
    client = assistants.client()
    run: Any = None
    while run is None or run.status != "completed":
        with suppress(openai.OpenAIError):
            run = finish_run(client, start_run(client)[1])
    return message_text(client.beta.threads.messages.list(run.thread_id, run_id=run.id).data[0])


def takes_the_first(assistants: FakeAssistants) -> str:
    """Crashes where there is no answer, or an image."""
    client = assistants.client()
    _, run = start_run(client)
    run = finish_run(client, run)
    if run.status != "completed":
        raise NoAnswerError(run.status)
    messages = client.beta.threads.messages.list(run.thread_id, run_id=run.id)
    return messages.data[0].content[0].text.value


def looks_for_nothing_else(assistants: FakeAssistants) -> str:
    """Returns the question where there is no answer."""
    client = assistants.client()
    _, run = start_run(client)
    run = finish_run(client, run)
    return message_text(client.beta.threads.messages.list(run.thread_id).data[0])


def apologizes(assistants: FakeAssistants) -> str:
    """Returns something whatever happens."""
    try:
        return polls(assistants) or "Sorry."
    except NoAnswerError:
        return "Sorry."


def gives_up(assistants: FakeAssistants) -> str | None:
    """Leaves runs behind that hold their threads."""
    client = assistants.client()
    _, run = start_run(client)
    for _ in range(3):
        if run.status in ENDED or run.status == "requires_action":
            break
        run = client.beta.threads.runs.retrieve(run.id, thread_id=run.thread_id)
    if run.status != "completed":
        return None
    messages = client.beta.threads.messages.list(run.thread_id, run_id=run.id).data
    return message_text(messages[0]) if messages else None


async def apologizes_async(assistants: FakeAssistants) -> str:
    try:
        return await polls_async(assistants) or "Sorry."
    except NoAnswerError:
        return "Sorry."


def reads_deltas(assistants: FakeAssistants) -> str:
    """Takes what a stream says for the answer, also where it breaks off."""
    client = assistants.client()
    assistant = client.beta.assistants.create(model="gpt-4o", tools=TOOLS)
    thread = client.beta.threads.create(messages=[{"role": "user", "content": QUESTION}])
    text = ""
    try:
        for event in client.beta.threads.runs.create(thread.id, assistant_id=assistant.id, stream=True):
            if event.event == "thread.message.delta":
                text += "".join(part.text.value for part in event.data.delta.content if part.type == "text")
    except openai.OpenAIError:
        pass
    return text


def with_prefix(prefix: str, assistants: FakeAssistants, *, mark: str = "") -> str:
    return prefix + apologizes(assistants) + mark


polite = partial(with_prefix, "Well: ", mark="!")
