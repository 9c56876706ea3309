"""The SDK's own ways to wait for a run, each used as first samples do and as it has to be used."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import openai

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTION = "Weather in Oslo?"
MAX_TURNS = 5

WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


class NoAnswerError(Exception):
    """The run has ended otherwise than well."""


def asked(client: openai.OpenAI) -> dict[str, str]:
    """A new assistant and a thread with the question."""
    assistant = client.beta.assistants.create(
        model="gpt-4o", instructions="Be brief.", tools=[WEATHER, {"type": "code_interpreter"}]
    )
    thread = client.beta.threads.create(messages=[{"role": "user", "content": QUESTION}])
    return {"assistant_id": assistant.id, "thread_id": thread.id}


def get_weather(arguments: str) -> str:
    """The weather where the model wants to know it; what is wrong with its arguments is for the model to mend."""
    try:
        return f"4 °C in {json.loads(arguments)['city']}"
    except (ValueError, LookupError, TypeError) as error:
        return f"Error: {error!r}"


def outputs(run: Any) -> list[Any]:
    """An output for every call, whatever was called."""
    calls = [call for call in run.required_action.submit_tool_outputs.tool_calls if call.type == "function"]
    tools = {"get_weather": get_weather}
    return [
        {
            "tool_call_id": call.id,
            "output": tools.get(call.function.name, "Error: no function {}".format)(call.function.arguments),
        }
        for call in calls
    ]


def answer(client: openai.OpenAI, run: Any) -> str:
    """What this run has written, also if it is a refusal.

    Raises:
        NoAnswerError: it has not completed.
    """
    if run.status != "completed":
        raise NoAnswerError(f"{run.status}: {run.last_error or run.incomplete_details}")
    messages = client.beta.threads.messages.list(run.thread_id, run_id=run.id, order="asc")
    parts = [part for message in messages for part in message.content]
    texts = {"text": lambda part: part.text.value, "refusal": lambda part: part.refusal}
    return "\n".join(texts[part.type](part) for part in parts if part.type in texts)


def polls_naively() -> str:
    client = openai.OpenAI()
    run = client.beta.threads.runs.create_and_poll(**asked(client))
    messages = client.beta.threads.messages.list(run.thread_id)
    return str(messages.data[0].content[0].text.value)


def polls_well() -> str:
    client = openai.OpenAI()
    run = client.beta.threads.runs.create_and_poll(**asked(client))
    for _ in range(MAX_TURNS):
        if run.status != "requires_action":
            break
        run = client.beta.threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs(run)
        )
    return answer(client, run)


def streams_naively() -> str:
    client = openai.OpenAI()
    with client.beta.threads.runs.stream(**asked(client)) as stream:
        deltas = [event.data.delta for event in stream if event.event == "thread.message.delta"]
    return "".join(part.text.value or "" for delta in deltas for part in delta.content or () if part.type == "text")


def streams_well() -> str:
    client = openai.OpenAI()
    with client.beta.threads.runs.stream(**asked(client)) as stream:
        run = _end(client, stream)
    for _ in range(MAX_TURNS):
        if run.status != "requires_action":
            break
        with client.beta.threads.runs.submit_tool_outputs_stream(
            run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs(run)
        ) as stream:
            run = _end(client, stream)
    return answer(client, run)


def _end(client: openai.OpenAI, stream: Any) -> Any:
    """The run when it is over or waits for outputs: a stream may break off before."""
    stream.until_done()
    run = stream.current_run
    if run is None:
        raise NoAnswerError("the stream ended before it began")
    return client.beta.threads.runs.poll(run.id, thread_id=run.thread_id)


HELPERS: dict[str, tuple[str, Callable[[], str]]] = {
    "polls_naively": ("`create_and_poll`, then the newest message", polls_naively),
    "polls_well": ("`create_and_poll`, with the run's status, calls and messages looked after", polls_well),
    "streams_naively": ("`stream`, and all text that comes", streams_naively),
    "streams_well": ("`stream`, with the run's status, calls and messages looked after", streams_well),
}
