"""What the model did in a recorded run, put together from all that was seen of it."""

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
# What a run says that ended well and of which nobody looked at a message.
UNSEEN = "(nothing of this answer was recorded)"


@dataclass
class Story:
    """One run: its object as it was last seen, its steps, its messages, and the calls it waited for.

    Attributes:
        pieces: the texts of deltas, by the id of the message or call, where there was a stream.
        streamed: a stream told all that happened, so what it did not tell did not happen.
        answered: a whole message was seen, and nobody looked at the run since.
    """

    run: Json = field(default_factory=dict)
    steps: dict[str, Json] = field(default_factory=dict)
    messages: dict[str, Json] = field(default_factory=dict)
    calls: dict[str, Json] = field(default_factory=dict)
    pieces: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    cancelled_by_client: bool = False
    streamed: bool = False
    answered: bool = False

    # --- what is seen -------------------------------------------------------------------------------------

    def see_run(self, item: Json) -> None:
        """The run as an answer showed it; nothing is known better than its end."""
        if self.run.get("status") not in TERMINAL or item["status"] in TERMINAL:
            self.run = item
        self.answered = False
        action = (item.get("required_action") or {}).get("submit_tool_outputs", {})
        self.calls.update({call["id"]: call for call in action.get("tool_calls", ())})

    def see_message(self, item: Json) -> None:
        """Only events have a status, and a later list does not take it away."""
        known = self.messages.get(item["id"], {})
        if item["content"] or not known:
            self.messages[item["id"]] = now = {**known, **item}
            self.answered = bool(now["content"]) and now.get("status", "completed") == "completed"

    def see_stream(self, events: Iterable[tuple[str, Json]]) -> None:
        """The texts of its deltas. What opens a call or stands beside an image is empty, and no piece of a text."""
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

    # --- what it comes to ---------------------------------------------------------------------------------

    @property
    def in_order(self) -> list[Json]:
        """The steps, oldest first."""
        return sorted(self.steps.values(), key=lambda step: step["created_at"])

    @property
    def acts(self) -> list[script.Act]:
        """What the model did: its steps where they were looked at, else the calls and messages that were seen."""
        done = [act for step in self.in_order for act in self._acts_of(step["step_details"])]
        told = {call["id"] for step in self.steps.values() for call in step["step_details"].get("tool_calls", ())}
        done += self._calls([call for call_id, call in self.calls.items() if call_id not in told])
        done += map(self._said, self._loose)
        spoke = any(isinstance(act, script.Say | script.Refuse) for act in done)
        if self.run.get("status") == "completed" and not spoke and not self.streamed and not self._accounted_for:
            done.append(script.say(UNSEEN))
        return self._in_time([*done, *self._ending()])

    @property
    def ids(self) -> dict[str, list[str]]:
        """The ids of what the run makes, by prefix, in the order in which it makes them."""
        planned: dict[str, list[str]] = {"step_": [], "msg_": [], "call_": []}
        for step in self.in_order:
            planned["step_"].append(step["id"])
            details = step["step_details"]
            if details["type"] == "message_creation":
                planned["msg_"].append(details["message_creation"]["message_id"])
            calls = details.get("tool_calls", ())
            planned["call_"] += (call["id"] for call in calls if call["type"] != "function")
        planned["msg_"] += (message["id"] for message in self._loose)
        return planned

    @property
    def usage(self) -> dict[str, Usage]:
        """What the run and its steps cost, by their ids, as far as it was shown."""
        shown = ((item["id"], usage_of(item)) for item in (self.run, *self.steps.values()) if item)
        return {object_id: usage for object_id, usage in shown if usage is not None}

    @property
    def _loose(self) -> list[Json]:
        """The messages of which no step was seen, oldest first."""
        told = {step["step_details"].get("message_creation", {}).get("message_id") for step in self.steps.values()}
        loose = [message for message in self.messages.values() if message["id"] not in told]
        return sorted(loose, key=lambda message: message["created_at"])

    def _acts_of(self, details: Json) -> list[script.Act]:
        if details["type"] == "message_creation":
            message_id = details["message_creation"]["message_id"]
            return [self._said(self.messages.get(message_id, {"id": message_id}))]
        calls = details.get("tool_calls", ())
        functions = [call for call in calls if call["type"] == "function"]
        others = [call for call in calls if call["type"] != "function"]
        return [*self._calls(functions), *map(self._tool_act, others)]

    def _said(self, message: Json) -> script.Say | script.Refuse:
        """A text with its marks, behind its images; or a refusal."""
        parts = message.get("content", ())
        refusals = [part["refusal"] for part in parts if part["type"] == "refusal"]
        if refusals:
            return script.refuse(refusals[0], pieces=self._cut(message["id"], refusals[0]))
        texts = [part["text"] for part in parts if part["type"] == "text"]
        text = "\n".join(part["value"] for part in texts)
        marks = [mark for part in texts for mark in part["annotations"] if mark["text"] in text]
        return script.say(
            text if message.get("content") is not None else UNSEEN,
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
                logs="\n".join(logs) if logs else None,
                images=[output["image"]["file_id"] for output in cell["outputs"] if output["type"] == "image"],
                pieces=self._cut(call["id"], cell["input"]),
            )
        return script.search(results=call[call["type"]].get("results") or ())

    def _cut(self, object_id: str, text: str) -> list[str] | None:
        """How a stream cut a text; None if there was none, or if its deltas were not all kept."""
        pieces = self.pieces.get(object_id)
        return pieces if pieces and "".join(pieces) == text else None

    @property
    def _accounted_for(self) -> bool:
        """Whether the steps that were looked at cost what the run did: then there were no others."""
        spent = Usage()
        for step in self.steps.values():
            spent.add(usage_of(step) or Usage())
        return usage_of(self.run) == spent

    def _in_time(self, acts: list[script.Act]) -> list[script.Act]:
        """Of a run that the client cancelled too late, what was done all the same."""
        if not self.cancelled_by_client or self.run.get("status") not in ("completed", "failed"):
            return acts
        beats = script.Say | script.Fail
        return [replace(act, beats_cancel=True) if isinstance(act, beats) else act for act in acts]

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
        if status in ("completed", "requires_action") or (status in ("queued", "in_progress") and self._has_answered):
            return []
        return [*self._pause(), script.hang()]

    @property
    def _has_answered(self) -> bool:
        """Whether it has ended well, for all that is known (G): who sleeps and reads the answer looks at no run."""
        last = self.in_order[-1]["step_details"]["type"] if self.steps else "message_creation"
        return self.answered and last == "message_creation" and not self.cancelled_by_client

    def _pause(self) -> list[script.Act]:
        """Without it the ending would cut off the last step; but a step completes with a message that was cut off."""
        over = self.steps and self.in_order[-1]["status"] == "completed"
        return [script.wait(1)] if over and not self._cut_off else []

    @property
    def _cut_off(self) -> bool:
        """Whether the last step wrote a message that a stream called incomplete."""
        details = self.in_order[-1]["step_details"] if self.steps else {}
        message_id = details.get("message_creation", {}).get("message_id", "")
        return self.messages.get(message_id, {}).get("status") == "incomplete"


def usage_of(item: Json) -> Usage | None:
    """What a run or a step cost; None where it was not told, or not yet."""
    usage = item.get("usage")
    return None if usage is None else Usage(usage["prompt_tokens"], usage["completion_tokens"])
