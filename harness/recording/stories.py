"""What the model did in a recorded run, put together from all answers that show something of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.service import acts as script
from harness.service.lifecycle import RUN, terminal
from harness.service.records import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable

Json: TypeAlias = "dict[str, Any]"
TERMINAL = terminal(RUN)
# The text of a message that must have been written, and that no answer shows.
NOT_RECORDED = "(nothing of this answer was recorded)"


@dataclass
class Story:
    """One run: its object as it was shown last, its steps, its messages, and the function calls it waited for.

    Attributes:
        pieces: the texts of a stream's deltas, by the id of the message or call.
        streamed: whether a stream showed the run, so that nothing else happened in it.
        answered: whether a complete message was shown after the run was shown last.
    """

    run: Json = field(default_factory=dict)
    steps: dict[str, Json] = field(default_factory=dict)
    messages: dict[str, Json] = field(default_factory=dict)
    calls: dict[str, Json] = field(default_factory=dict)
    pieces: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    cancelled_by_client: bool = False
    streamed: bool = False
    answered: bool = False

    # --- collecting what answers show ---------------------------------------------------------------------

    def add_run(self, item: Json) -> None:
        """Add the run as an answer showed it; lists may show an older status, so an end stays."""
        if self.run.get("status") not in TERMINAL or item["status"] in TERMINAL:
            self.run = item
        self.answered = False
        action = (item.get("required_action") or {}).get("submit_tool_outputs", {})
        self.calls.update({call["id"]: call for call in action.get("tool_calls", ())})

    def add_message(self, item: Json) -> None:
        """Add a message; only events show its status, which a later list does not take away."""
        known = self.messages.get(item["id"], {})
        if item["content"] or not known:
            self.messages[item["id"]] = now = {**known, **item}
            self.answered = bool(now["content"]) and now.get("status", "completed") == "completed"

    def add_stream(self, events: Iterable[tuple[str, Json]]) -> None:
        """Add the texts of a stream's deltas. Empty ones that open a call or accompany an image are no pieces."""
        self.streamed = True
        opened: dict[tuple[str, int], str] = {}
        for name, data in events:
            if name == "thread.message.delta":
                parts = data["delta"].get("content", ())
                beside_image = any(part["type"] == "image_file" for part in parts)
                for part in parts:
                    text = part["text"].get("value", "") if part["type"] == "text" else part.get("refusal")
                    if text or (text is not None and not beside_image):
                        self.pieces[data["id"]].append(text)
            elif name == "thread.run.step.delta":
                for call in data["delta"].get("step_details", {}).get("tool_calls", ()):
                    call_id = opened.setdefault((data["id"], call["index"]), call.get("id", ""))
                    written = call.get(call["type"], {})
                    if text := written.get("arguments") or written.get("input"):
                        self.pieces[call_id].append(text)

    # --- the result --------------------------------------------------------------------------------------

    @property
    def ordered_steps(self) -> list[Json]:
        """The steps, oldest first."""
        return sorted(self.steps.values(), key=lambda step: step["created_at"])

    @property
    def acts(self) -> list[script.Act]:
        """What the model did, as a script: the steps, then calls and messages of which no step was shown."""
        done = [act for step in self.ordered_steps for act in self._acts_of(step["step_details"])]
        in_steps = {call["id"] for step in self.steps.values() for call in step["step_details"].get("tool_calls", ())}
        done += self._call_acts([call for call_id, call in self.calls.items() if call_id not in in_steps])
        done += map(self._message_act, self._messages_without_step)
        has_message = any(isinstance(act, script.Say | script.Refuse) for act in done)
        is_known = has_message or self.streamed or self._has_all_steps
        if self.run.get("status") == "completed" and not is_known:
            done.append(script.say(NOT_RECORDED))
        return self._beating_cancel([*done, *self._ending()])

    @property
    def ids(self) -> dict[str, list[str]]:
        """The ids of what the run creates, by prefix, in the order of creation."""
        planned: dict[str, list[str]] = {"step_": [], "msg_": [], "call_": []}
        for step in self.ordered_steps:
            planned["step_"].append(step["id"])
            details = step["step_details"]
            if details["type"] == "message_creation":
                planned["msg_"].append(details["message_creation"]["message_id"])
            calls = details.get("tool_calls", ())
            planned["call_"] += (call["id"] for call in calls if call["type"] != "function")
        planned["msg_"] += (message["id"] for message in self._messages_without_step)
        return planned

    @property
    def usage(self) -> dict[str, Usage]:
        """The token usage of the run and its steps, by their ids, as far as it was shown."""
        shown = ((item["id"], usage_of(item)) for item in (self.run, *self.steps.values()) if item)
        return {object_id: usage for object_id, usage in shown if usage is not None}

    @property
    def _messages_without_step(self) -> list[Json]:
        """The messages that no step was shown to create, oldest first."""
        in_steps = {step["step_details"].get("message_creation", {}).get("message_id") for step in self.steps.values()}
        others = [message for message in self.messages.values() if message["id"] not in in_steps]
        return sorted(others, key=lambda message: message["created_at"])

    def _acts_of(self, details: Json) -> list[script.Act]:
        if details["type"] == "message_creation":
            message_id = details["message_creation"]["message_id"]
            return [self._message_act(self.messages.get(message_id, {"id": message_id}))]
        calls = details.get("tool_calls", ())
        functions = [call for call in calls if call["type"] == "function"]
        others = [call for call in calls if call["type"] != "function"]
        return [*self._call_acts(functions), *map(self._tool_act, others)]

    def _message_act(self, message: Json) -> script.Say | script.Refuse:
        """The act that writes a message: its images and text with citations and files, or its refusal."""
        parts = message.get("content", ())
        refusals = [part["refusal"] for part in parts if part["type"] == "refusal"]
        if refusals:
            return script.refuse(refusals[0], pieces=self._streamed_pieces(message["id"], refusals[0]))
        texts = [part["text"] for part in parts if part["type"] == "text"]
        text = "\n".join(part["value"] for part in texts)
        marks = [mark for part in texts for mark in part["annotations"] if mark["text"] in text]
        return script.say(
            text if message.get("content") is not None else NOT_RECORDED,
            citations={mark["text"]: mark["file_citation"]["file_id"] for mark in marks if "file_citation" in mark},
            files={mark["text"]: mark["file_path"]["file_id"] for mark in marks if "file_path" in mark},
            images=[part["image_file"]["file_id"] for part in parts if part["type"] == "image_file"],
            pieces=self._streamed_pieces(message["id"], text),
        )

    def _call_acts(self, calls: list[Json]) -> list[script.Act]:
        made = [
            script.call(
                call["function"]["name"],
                arguments_json=call["function"]["arguments"],
                arguments_pieces=self._streamed_pieces(call["id"], call["function"]["arguments"]),
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
                logs="\n".join(logs) if logs else None,
                images=[output["image"]["file_id"] for output in cell["outputs"] if output["type"] == "image"],
                pieces=self._streamed_pieces(call["id"], cell["input"]),
            )
        return script.search(results=call[call["type"]].get("results") or ())

    def _streamed_pieces(self, object_id: str, text: str) -> list[str] | None:
        """The pieces in which a stream sent a text; None if it was not streamed, or not all deltas were recorded."""
        pieces = self.pieces.get(object_id)
        return pieces if pieces and "".join(pieces) == text else None

    @property
    def _has_all_steps(self) -> bool:
        """Whether the usage of the known steps adds up to the run's: then there were no others."""
        spent = Usage()
        for step in self.steps.values():
            spent.add(usage_of(step) or Usage())
        return usage_of(self.run) == spent

    def _beating_cancel(self, acts: list[script.Act]) -> list[script.Act]:
        """The acts, done in spite of the cancellation if the client cancelled the run too late."""
        if not self.cancelled_by_client or self.run.get("status") not in ("completed", "failed"):
            return acts
        beats = script.Say | script.Fail
        return [replace(act, beats_cancel=True) if isinstance(act, beats) else act for act in acts]

    def _ending(self) -> list[script.Act]:
        status, details = self.run.get("status"), self.run.get("incomplete_details")
        if status == "failed":
            error = self.run["last_error"]
            return [*self._pause(), script.fail(error["code"], error["message"])]
        # in April 2024 v1 showed such a run as completed (FACTS 0)
        if status == "incomplete" or details or (status == "completed" and self._is_cut_off):
            return [*self._pause(), script.truncate((details or {}).get("reason", "max_completion_tokens"))]
        if status == "cancelled" and not self.cancelled_by_client:
            return [*self._pause(), script.cancel()]
        # a run that nobody submitted outputs to ends with its calls
        if status in ("completed", "requires_action") or (
            status in ("queued", "in_progress") and self._seems_completed
        ):
            return []
        return [*self._pause(), script.hang()]

    @property
    def _seems_completed(self) -> bool:
        """Whether it probably completed (G): a client that sleeps and reads the answer does not retrieve the run."""
        last = self.ordered_steps[-1]["step_details"]["type"] if self.steps else "message_creation"
        return self.answered and last == "message_creation" and not self.cancelled_by_client

    def _pause(self) -> list[script.Act]:
        """What lets the last step complete before the ending, which would cut it off.

        Nothing if a message was cut off: its step completes all the same.
        """
        is_completed = self.steps and self.ordered_steps[-1]["status"] == "completed"
        return [script.wait(1)] if is_completed and not self._is_cut_off else []

    @property
    def _is_cut_off(self) -> bool:
        """Whether the last step wrote a message that a stream showed as incomplete."""
        details = self.ordered_steps[-1]["step_details"] if self.steps else {}
        message_id = details.get("message_creation", {}).get("message_id", "")
        return self.messages.get(message_id, {}).get("status") == "incomplete"


def usage_of(item: Json) -> Usage | None:
    """The token usage of a run or a step; None where it was not shown, or not yet known."""
    usage = item.get("usage")
    return None if usage is None else Usage(usage["prompt_tokens"], usage["completion_tokens"])
