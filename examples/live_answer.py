"""An answer as it is written: a stream with a function call in its middle, and what becomes of one that breaks off."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from openai import AssistantEventHandler, OpenAI

from harness import call, fail, fake_assistants, say

if TYPE_CHECKING:
    from collections.abc import Callable

WITHOUT_ANSWER = ("thread.run.failed", "thread.run.expired", "thread.run.incomplete", "thread.run.cancelled")
TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}


class Unfinished(Exception):  # noqa: N818 - it is what became of the answer
    """The stream ended before the answer was complete."""


class AnswerHandler(AssistantEventHandler):
    """Passes on a text piece by piece, and answers the function calls in between.

    A handler serves one stream only, and a stream ends where tool outputs are wanted; so each round gets a new one.
    """

    def __init__(self, client: OpenAI, tell: Callable[[str], None], get_weather: Callable[..., str]) -> None:
        super().__init__()
        self.client = client
        self.tell = tell
        self.get_weather = get_weather

    def on_text_delta(self, delta, snapshot) -> None:
        self.tell(delta.value or "")

    def on_event(self, event) -> None:
        if event.event == "thread.run.requires_action":
            self.submit(event.data)
        elif event.event in WITHOUT_ANSWER:
            raise Unfinished(f"{event.data.status}: {event.data.last_error and event.data.last_error.message}")

    def submit(self, run) -> None:
        outputs = [
            {"tool_call_id": item.id, "output": self.get_weather(**json.loads(item.function.arguments))}
            for item in run.required_action.submit_tool_outputs.tool_calls
        ]
        with self.client.beta.threads.runs.submit_tool_outputs_stream(
            run_id=run.id,
            thread_id=run.thread_id,
            tool_outputs=outputs,
            event_handler=AnswerHandler(self.client, self.tell, self.get_weather),
        ) as stream:
            stream.until_done()


def ask(client: OpenAI, question: str, tell: Callable[[str], None], get_weather: Callable[..., str]) -> None:
    """Stream the answer to `tell`.

    Raises:
        Unfinished: the run ended in another way than with an answer.
    """
    assistant = client.beta.assistants.create(model="gpt-4o", tools=[TOOL])
    with client.beta.threads.create_and_run_stream(
        assistant_id=assistant.id,
        thread={"messages": [{"role": "user", "content": question}]},
        event_handler=AnswerHandler(client, tell, get_weather),
    ) as stream:
        stream.until_done()


def show(client: OpenAI, city: str) -> None:
    """Ask, and print each piece in brackets as it comes."""
    try:
        ask(client, f"Weather in {city}?", lambda piece: print(f"[{piece}]", end=""), lambda city: "4 °C, rain")
    except Unfinished as error:
        print(f"\n{error}")
    else:
        print()


def main() -> None:
    with fake_assistants() as assistants:
        assistants.next_run(call("get_weather", city="Oslo"), say("In Oslo it is 4 °C, and it rains."))
        assistants.next_run(say("In Bergen it is"), fail())
        client = OpenAI()
        show(client, "Oslo")
        show(client, "Bergen")


if __name__ == "__main__":
    main()
