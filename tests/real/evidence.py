"""What a source's recordings tell about each object: how it looked, and what the model did in each run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recorded import objects

from harness.service import script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorded import Exchange

Json = dict[str, Any]
TERMINAL = frozenset({"completed", "incomplete", "failed", "cancelled", "expired"})


@dataclass
class Story:
    """All that was seen of one run, by the client's looks or by the events of a stream."""

    run: Json = field(default_factory=dict)
    steps: dict[str, Json] = field(default_factory=dict)
    messages: dict[str, Json] = field(default_factory=dict)
    calls: dict[str, Json] = field(default_factory=dict)
    cancelled_by_client: bool = False

    @property
    def acts(self) -> list[script.Act]:
        """What the model did: its steps where they were looked at, else the calls and messages that were seen."""
        steps = sorted(self.steps.values(), key=lambda step: step["created_at"])
        acts = [act for step in steps for act in self._acts_of(step["step_details"])]
        told = {step["step_details"].get("message_creation", {}).get("message_id") for step in steps}
        told |= {call["id"] for step in steps for call in step["step_details"].get("tool_calls", ())}
        acts += self._calls([call for call_id, call in self.calls.items() if call_id not in told])
        messages = sorted(self.messages.values(), key=lambda message: message["created_at"])
        acts += [script.say(text_of(message)) for message in messages if message["id"] not in told]
        if not acts and self.run.get("status") == "completed":
            acts.append(script.say("…"))  # nobody looked at what it wrote
        return [*acts, *self._ending()]

    def _acts_of(self, details: Json) -> list[script.Act]:
        if details["type"] == "message_creation":
            message = self.messages.get(details["message_creation"]["message_id"], {})
            return [script.say(text_of(message))]
        functions = [call for call in details["tool_calls"] if call["type"] == "function"]
        others = [call for call in details["tool_calls"] if call["type"] != "function"]
        return [*self._calls(functions), *map(_tool_act, others)]

    def _calls(self, calls: list[Json]) -> list[script.Act]:
        made = [
            script.call(call["function"]["name"], arguments_json=call["function"]["arguments"], call_id=call["id"])
            for call in calls
        ]
        return [script.calls(*made)] if len(made) > 1 else list(made)

    def _ending(self) -> list[script.Act]:
        status = self.run.get("status")
        if status == "failed":
            error = self.run["last_error"]
            return [script.fail(error["code"], error["message"])]
        if status == "incomplete":
            return [script.truncate((self.run.get("incomplete_details") or {}).get("reason", "max_completion_tokens"))]
        if status == "cancelled" and not self.cancelled_by_client:
            return [script.cancel()]
        # the calls that were asked for are the last act of a run that nobody answered
        if status in ("completed", "requires_action"):
            return []
        # without the pause, hanging would keep the last step open
        pause = [script.wait(1)] if self.steps and _last(self.steps)["status"] == "completed" else []
        return [*pause, script.hang()]


def _last(steps: dict[str, Json]) -> Json:
    return max(steps.values(), key=lambda step: step["created_at"])


def _tool_act(call: Json) -> script.Act:
    if call["type"] == "code_interpreter":
        cell = call["code_interpreter"]
        logs = [output["logs"] for output in cell["outputs"] if output["type"] == "logs"]
        return script.run_code(cell["input"], logs=logs[0] if logs else None)
    return script.search(results=call[call["type"]].get("results", ()))


def text_of(message: Json) -> str:
    return "\n".join(part["text"]["value"] for part in message.get("content", ()) if part["type"] == "text")


class Evidence:
    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self.stories: dict[str, Story] = defaultdict(Story)
        self._seen: dict[tuple[str, str], list[tuple[Exchange, Json]]] = defaultdict(list)
        self._made: set[str] = set()
        self._contents: dict[str, str] = {}
        for exchange in exchanges:
            self._note(exchange)

    def _note(self, exchange: Exchange) -> None:
        if exchange.makes is not None:
            self._made.add(exchange.makes)
        if exchange.route.endswith("/cancel") and exchange.status == 200:
            self.stories[exchange.response_body["id"]].cancelled_by_client = True
        if exchange.route == "/files/{id}/content" and isinstance(exchange.response_body, str):
            self._contents[exchange.url.split("/")[-2]] = exchange.response_body
        for item in objects(exchange.response_body):
            if "id" in item and "created_at" in item:
                self._seen[item["object"], item["id"]].append((exchange, item))
                self._tell(item)

    def _tell(self, item: Json) -> None:
        """Add to the story of the run that the object belongs to; what says more replaces what said less."""
        kind, run_id = item["object"], item.get("run_id")
        if kind == "thread.run":
            story = self.stories[item["id"]]
            if story.run.get("status") not in TERMINAL or item["status"] in TERMINAL:
                story.run = item
            action = (item.get("required_action") or {}).get("submit_tool_outputs", {})
            story.calls |= {call["id"]: call for call in action.get("tool_calls", ())}
        elif kind == "thread.run.step" and run_id:
            self.stories[run_id].steps[item["id"]] = item
        elif kind == "thread.message" and run_id:
            messages = self.stories[run_id].messages
            if item["content"] or item["id"] not in messages:
                messages[item["id"]] = item

    def state(self, kind: str, object_id: str, now: Exchange) -> Json | None:
        """How an object looked in this exchange, or soonest after it, or when it was seen last."""
        states = self._seen.get((kind, object_id), [])
        later = [item for exchange, item in states if (exchange.at or 0.0) >= (now.at or 0.0)]
        return later[0] if later else states[-1][1] if states else None

    def made(self, object_id: str) -> bool:
        """Whether the request that made it was recorded."""
        return object_id in self._made

    def content(self, file_id: str) -> str | None:
        return self._contents.get(file_id)

    def run_of(self, assistant_id: str) -> Json | None:
        """A run of an assistant that itself was never shown: it inherited what it does not override."""
        return next(
            (story.run for story in self.stories.values() if story.run.get("assistant_id") == assistant_id), None
        )

    def of_thread(self, kind: str, thread_id: str, *, until: Exchange) -> list[Json]:
        """The objects of a thread as first seen, oldest first."""
        found = [states[0][1] for (name, _), states in self._seen.items() if name == kind]
        there = [item for item in found if item.get("thread_id") == thread_id]
        return sorted(
            (item for item in there if until.at is None or item["created_at"] <= until.at),
            key=lambda item: item["created_at"],
        )
