"""What a pitfall is, and what the clients below have in common."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import openai

from harness import call

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTION = "How cold is it in Oslo?"
COLD = "It is 4 °C in Oslo."
MARK = "【4:0†weather.txt】"
CITED = {"citations": {MARK: "file-weather"}}
OSLO, BERGEN = call("get_weather", city="Oslo"), call("get_weather", city="Bergen")
ON = {"thread_id": "thread_app", "assistant_id": "asst_app"}
ENDED = ("completed", "incomplete", "failed", "cancelled", "expired")
REFUSED = openai.BadRequestError


class Raises(NamedTuple):
    error: type[BaseException]
    match: str


def nothing(faults: Any) -> None:
    """Nothing goes wrong on the wire."""


@dataclass(frozen=True)
class Pitfall:
    """A row.

    Attributes:
        evidence: where somebody fell into it; most of it is CONTRACT §11.
        scripts: the acts of the model, run by run.
        fails: how the buggy client does: an error, or the wrong result.
        fault: what goes wrong on the wire.
        cause: what the report of a failed test says, as a pattern; None where the data do not tell.
        needs: what the SDK has to know, as NEEDS names it.
        options: of the `assistants` marker.
    """

    evidence: str
    scripts: list[list[Any]]
    buggy: Callable[[Any], Any]
    fails: Any
    fixed: Callable[[Any], Any]
    right: Any
    fault: Callable[[Any], None] = nothing
    cause: str | None = None
    needs: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


NEEDS = {
    "events": hasattr(openai, "AssistantEventHandler"),
    "v2": hasattr(openai.OpenAI(api_key="sk-test").beta, "vector_stores") or hasattr(openai.OpenAI, "vector_stores"),
}


class App:
    """An SDK client, and a thread in which the user has asked."""

    def __init__(self) -> None:
        self.client = openai.OpenAI(api_key="sk-test")
        self.threads = self.client.beta.threads
        self.runs = self.threads.runs

    @property
    def stores(self) -> Any:
        """They were in beta first."""
        return self.client.vector_stores if hasattr(self.client, "vector_stores") else self.client.beta.vector_stores

    def say(self, text: str, **more: Any) -> Any:
        return self.threads.messages.create("thread_app", role="user", content=text, **more)

    def start(self) -> Any:
        return self.runs.create(**ON)

    def look(self, run: Any) -> Any:
        return self.runs.retrieve(run.id, thread_id=run.thread_id)

    def wait_for(self, run: Any, *statuses: str) -> Any:
        """Until the run has ended, or has one of these statuses."""
        while run.status not in (*ENDED, *statuses):
            run = self.look(run)
        return run

    def asked(self) -> Any:
        """A run that waits for outputs, or has ended."""
        return self.wait_for(self.start(), "requires_action")

    def submit(self, run: Any, outputs: list[Any]) -> Any:
        return self.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs)

    def messages(self, **query: Any) -> list[Any]:
        return self.threads.messages.list("thread_app", **query).data

    def newest(self) -> str:
        return self.messages()[0].content[0].text.value


def called(run: Any) -> list[Any]:
    return run.required_action.submit_tool_outputs.tool_calls


def temperatures(calls: list[Any]) -> list[Any]:
    """The outputs of the tool: one for each call."""
    cold = {"Oslo": "4 °C", "Bergen": "7 °C"}
    return [{"tool_call_id": item.id, "output": cold[json.loads(item.function.arguments)["city"]]} for item in calls]


def text_of(message: Any) -> str:
    return "".join(part.text.value for part in message.content if part.type == "text")
