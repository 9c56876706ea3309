"""What a source's recordings tell about each object: how it looked, and what the model did in each run."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from recorded import objects

from harness.service import acts as script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from recorded import Exchange

Json = dict[str, Any]
TERMINAL = frozenset({"completed", "incomplete", "failed", "cancelled", "expired"})
Pieces = dict[str, list[str]]


@dataclass
class Story:
    """All that was seen of one run, by the client's looks or by the events of a stream.

    `pieces` are the texts of the deltas, by the id of the message or call, where there was a stream.
    """

    pieces: Pieces = field(default_factory=dict)
    run: Json = field(default_factory=dict)
    steps: dict[str, Json] = field(default_factory=dict)
    messages: dict[str, Json] = field(default_factory=dict)
    calls: dict[str, Json] = field(default_factory=dict)
    cancelled_by_client: bool = False
    streamed: bool = False

    @property
    def acts(self) -> list[script.Act]:
        """What the model did: its steps where they were looked at, else the calls and messages that were seen."""
        steps = sorted(self.steps.values(), key=lambda step: step["created_at"])
        acts = [act for step in steps for act in self._acts_of(step["step_details"])]
        told = {step["step_details"].get("message_creation", {}).get("message_id") for step in steps}
        told |= {call["id"] for step in steps for call in step["step_details"].get("tool_calls", ())}
        acts += self._calls([call for call_id, call in self.calls.items() if call_id not in told])
        messages = sorted(self.messages.values(), key=lambda message: message["created_at"])
        acts += [self._said(message) for message in messages if message["id"] not in told]
        if not acts and self.run.get("status") == "completed" and not self.streamed:
            acts.append(script.say("…"))  # nobody looked at what it wrote
        return [*acts, *self._ending()]

    def acts_after(self, call_ids: Iterable[str]) -> list[script.Act]:
        """What the model did once it had the outputs of these calls."""
        wanted, acts = set(call_ids), self.acts
        for place, act in enumerate(acts):
            made = act.calls if isinstance(act, script.Calls) else (act,)
            if wanted & {call.id for call in made if isinstance(call, script.Call)}:
                return acts[place + 1 :]
        return []

    def _acts_of(self, details: Json) -> list[script.Act]:
        if details["type"] == "message_creation":
            message_id = details["message_creation"]["message_id"]
            return [self._said(self.messages.get(message_id, {"id": message_id}))]
        functions = [call for call in details["tool_calls"] if call["type"] == "function"]
        others = [call for call in details["tool_calls"] if call["type"] != "function"]
        return [*self._calls(functions), *map(self._tool_act, others)]

    def _said(self, message: Json) -> script.Say | script.Refuse:
        """A text with its marks, behind its images; or a refusal."""
        parts = message.get("content", ())
        refusals = [part["refusal"] for part in parts if part["type"] == "refusal"]
        if refusals:
            return script.refuse(refusals[0], pieces=self._cut(message["id"], refusals[0]))
        marks = [mark for part in parts if part["type"] == "text" for mark in part["text"]["annotations"]]
        text = text_of(message)
        return script.say(
            text,
            citations={mark["text"]: mark["file_citation"]["file_id"] for mark in marks if "file_citation" in mark},
            files={mark["text"]: mark["file_path"]["file_id"] for mark in marks if "file_path" in mark},
            images=[part["image_file"]["file_id"] for part in parts if part["type"] == "image_file"],
            pieces=self._cut(message["id"], text),
        )

    def _calls(self, calls: list[Json]) -> list[script.Act]:
        made = [
            script.call(
                call["function"]["name"],
                arguments_json=call["function"]["arguments"],
                arguments_pieces=self._cut(call["id"], call["function"]["arguments"]),
                call_id=call["id"],
            )
            for call in calls
        ]
        return [script.calls(*made)] if len(made) > 1 else list(made)

    def _tool_act(self, call: Json) -> script.Act:
        if call["type"] == "code_interpreter":
            cell = call["code_interpreter"]
            logs = [output["logs"] for output in cell["outputs"] if output["type"] == "logs"]
            return script.run_code(
                cell["input"],
                logs=logs[0] if logs else None,
                images=[output["image"]["file_id"] for output in cell["outputs"] if output["type"] == "image"],
                pieces=self._cut(call["id"], cell["input"]),
            )
        return script.search(results=call[call["type"]].get("results", ()))

    def _cut(self, object_id: str, text: str) -> list[str] | None:
        """How a stream cut a text; None if there was none, or if its deltas were not all kept."""
        pieces = self.pieces.get(object_id)
        return pieces if pieces is not None and "".join(pieces) == text else None

    def _ending(self) -> list[script.Act]:
        status, details = self.run.get("status"), self.run.get("incomplete_details")
        if status == "failed":
            error = self.run["last_error"]
            return [*self._pause(), script.fail(error["code"], error["message"])]
        # in April 2024 v1 called the run completed (FACTS 0)
        if status == "incomplete" or details or (status == "completed" and self._cut_off):
            return [*self._pause(), script.truncate((details or {}).get("reason", "max_completion_tokens"))]
        if status == "cancelled" and not self.cancelled_by_client:
            return [*self._pause(), script.cancel()]
        # the calls that were asked for are the last act of a run that nobody answered
        if status in ("completed", "requires_action"):
            return []
        return [*self._pause(), script.hang()]

    def _pause(self) -> list[script.Act]:
        """Without it the ending would cut off the last step; but a step completes with a message that was cut off."""
        over = self.steps and _last(self.steps)["status"] == "completed"
        return [script.wait(1)] if over and not self._cut_off else []

    @property
    def _cut_off(self) -> bool:
        """Whether the last step wrote a message that a stream called incomplete."""
        details = _last(self.steps)["step_details"] if self.steps else {}
        message_id = details.get("message_creation", {}).get("message_id", "")
        return self.messages.get(message_id, {}).get("status") == "incomplete"


def _last(steps: dict[str, Json]) -> Json:
    return max(steps.values(), key=lambda step: step["created_at"])


def text_of(message: Json) -> str:
    return "\n".join(part["text"]["value"] for part in message.get("content", ()) if part["type"] == "text")


class Evidence:
    def __init__(self, exchanges: Iterable[Exchange]) -> None:
        self._pieces: Pieces = defaultdict(list)
        self.stories: dict[str, Story] = defaultdict(lambda: Story(self._pieces))
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
        if exchange.sse:
            self._note_stream(exchange.response_body)
        for item in objects(exchange.response_body):
            if "id" in item and "created_at" in item:
                self._seen[item["object"], item["id"]].append((exchange, item))
                self._tell(item)

    def _note_stream(self, events: list[tuple[str, Json]]) -> None:
        for event, data in events:
            if event.startswith("thread.run.") and data["object"] == "thread.run":
                self.stories[data["id"]].streamed = True
        self._note_pieces(events)

    def _note_pieces(self, events: list[tuple[str, Json]]) -> None:
        """The texts of the deltas. What opens a call or stands beside an image is empty, and no piece of a text."""
        opened: dict[tuple[str, int], str] = {}
        for event, data in events:
            if event == "thread.message.delta":
                parts = data["delta"]["content"]
                beside_image = any(part["type"] == "image_file" for part in parts)
                for part in parts:
                    text = part["text"].get("value", "") if part["type"] == "text" else part.get("refusal")
                    if text or (text is not None and not beside_image):
                        self._pieces[data["id"]].append(text)
            elif event == "thread.run.step.delta":
                for call in data["delta"]["step_details"].get("tool_calls", ()):
                    call_id = opened.setdefault((data["id"], call["index"]), call.get("id", ""))
                    written = call.get(call["type"], {})
                    if text := written.get("arguments") or written.get("input"):
                        self._pieces[call_id].append(text)

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
