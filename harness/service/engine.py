"""Walks each run along its script on the clock. The only caller of `advance` for runs, steps and their messages.

A run has at most one timer for its progress and one for its expiry. Polling, streaming and `clock.advance` all
make the same timers fire, so they tell the same story.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from harness.service import script as acts
from harness.service import tokens
from harness.service.director import PLACEHOLDER
from harness.service.lifecycle import ENDINGS, MESSAGE, RUN, STEP, STEP_CAUSE, advance
from harness.service.records import Message, Step, Usage
from harness.service.views import view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.service.clock import Clock
    from harness.service.records import Run, Thread
    from harness.service.store import Store
    from harness.service.views import RunView

RUN_LIFETIME = 600  # seconds from creation, never extended (CONTRACT §3.2)


@dataclass(frozen=True)
class Timing:
    """Seconds of virtual time: in `queued`, for each act, and in `cancelling`. Defaults as in FACTS D."""

    queued: float = 1.0
    act: float = 2.0
    cancelling: float = 1.0


class Completion(NamedTuple):
    """What one turn of the model cost, what of its text fitted into the run's limits, and which limit cut it."""

    usage: Usage
    text: str
    cut: acts.Reason | None


class Engine:
    def __init__(self, store: Store, clock: Clock, timing: Timing) -> None:
        self._store = store
        self._clock = clock
        self._timing = timing

    # --- what a client does -------------------------------------------------------------------------------

    def create(self, run: Run) -> None:
        self._move(run, "create")
        run.expires_at = run.created_at + RUN_LIFETIME
        self._at(run, "expiry", run.expires_at, self._expire)
        self._wait_in_queue(run)

    def submit(self, run: Run, outputs: Mapping[str, str | None]) -> None:
        """The outputs of all calls, by call id: the open step completes and the run queues again."""
        step = run.open_step
        assert step is not None  # a run in requires_action has one
        calls = step.details["tool_calls"]
        for call in calls:
            call["function"]["output"] = outputs[call["id"]]
        advance(step, STEP, "submit_tool_outputs", now=self._clock.now)
        run.open_step = None
        self._move(run, "submit_tool_outputs")
        values = [outputs[call["id"]] for call in calls]
        run.playback.answer(partial(self.view, run), values[0] if len(values) == 1 else values)
        self._wait_in_queue(run)

    def cancel(self, run: Run) -> None:
        """Cancelling takes a moment, and an act that `beats_cancel` is done before that."""
        too_late = run.status == "in_progress" and run.playback.beats_cancel()
        self._move(run, "cancel")
        if not too_late:
            self._at(run, "progress", self._clock.now + self._timing.cancelling, self._stop)

    def drop(self, run: Run) -> None:
        """Nothing more happens to the run: it has ended, or its thread was deleted."""
        for timer in run.timers.values():
            timer.cancel()
        run.timers.clear()

    def let_move(self, run: Run) -> None:
        """Move the clock until this run has changed its status, unless it waits for a client."""
        moments = len(run.timeline)
        while run.active and run.status != "requires_action" and len(run.timeline) == moments:
            self._clock.fire_next()

    def view(self, run: Run) -> RunView:
        assistant = self._store.assistants.get(run.assistant_id)
        return view(run, self._thread(run), assistant.name if assistant else None)

    # --- what the clock does ------------------------------------------------------------------------------

    def _wait_in_queue(self, run: Run) -> None:
        delay = self._timing.queued
        while isinstance(act := self._next_act(run), acts.Wait):
            delay += act.seconds
            run.playback.take()
        self._later(run, delay, self._pick_up)

    def _pick_up(self, run: Run) -> None:
        self._move(run, "pick_up")
        self._begin_next(run)

    def _expire(self, run: Run) -> None:
        self._end(run, "expire")

    def _stop(self, run: Run) -> None:
        self._end(run, "stop")

    # --- what the model does ------------------------------------------------------------------------------

    def _begin_next(self, run: Run) -> None:
        """Start the act that comes next, or finish the run when there is none."""
        act = self._next_act(run)
        if run.status == "cancelling" and not isinstance(act, acts.Fail):
            act = None
        elif act is None and self._owes_an_answer(run):
            act = run.playback.put(acts.say(PLACEHOLDER))
        if act is None:
            self._end(run, "finish")
        elif isinstance(act, acts.ENDS):
            _ENDINGS[type(act)](self, run, act)
        else:
            _BEGINNINGS[type(act)](self, run, act)
            self._later(run, act.seconds if isinstance(act, acts.Wait) else self._timing.act, self._act_done)

    def _act_done(self, run: Run) -> None:
        """What the act wrote is there now. An ending that follows at once cuts off what is still open."""
        act = run.playback.take()
        run.write_draft()
        if run.incomplete_reason is not None:
            self._end(run, "truncate")
        elif isinstance(act, acts.Call | acts.Calls):
            self._ask(run)
        else:
            if not isinstance(self._next_act(run), acts.ENDS):
                self._close(run, "finish")
            self._begin_next(run)

    def _begin_message(self, run: Run, act: acts.Say | acts.Refuse) -> None:
        completion = self._complete(run, act.text)
        part: dict[str, Any] = (
            {"type": "text", "text": {"value": completion.text, "annotations": []}}
            if isinstance(act, acts.Say)
            else {"type": "refusal", "refusal": completion.text}
        )
        message = Message(
            id=self._store.ids.make("msg_"),
            thread_id=run.thread_id,
            role="assistant",
            content=[],
            assistant_id=run.assistant_id,
            run_id=run.id,
        )
        advance(message, MESSAGE, "begin", now=self._clock.now)
        self._thread(run).messages.add(message)
        run.open_message = message
        run.draft = (message.content, [part] if completion.text else [])
        details = {"type": "message_creation", "message_creation": {"message_id": message.id}}
        self._open_step(run, "message_creation", details, completion.usage)

    def _begin_calls(self, run: Run, act: acts.Call | acts.Calls) -> None:
        several = act.calls if isinstance(act, acts.Calls) else (act,)
        completion = self._complete(run, "".join(call.name + call.arguments for call in several))
        self._open_tool_step(
            run,
            completion,
            [
                {
                    "id": call.id or self._store.ids.make("call_"),
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments, "output": None},
                }
                for call in several
            ],
        )

    def _begin_code(self, run: Run, act: acts.RunCode) -> None:
        outputs = [] if act.logs is None else [{"type": "logs", "logs": act.logs}]
        self._open_tool_step(
            run,
            self._complete(run, act.source),
            [
                {
                    "id": self._store.ids.make("call_"),
                    "type": "code_interpreter",
                    "code_interpreter": {"input": act.source, "outputs": outputs},
                }
            ],
        )

    def _begin_search(self, run: Run, act: acts.Search) -> None:
        results = [dict(result) for result in act.results]
        call = {"id": self._store.ids.make("call_"), "type": "file_search", "results": results}
        self._open_tool_step(run, self._complete(run, ""), [call])

    def _begin_nothing(self, run: Run, act: acts.Wait) -> None:
        """Waiting opens nothing."""

    def _ask(self, run: Run) -> None:
        assert run.open_step is not None  # `_begin_calls` opened it
        run.required_action = {
            "type": "submit_tool_outputs",
            "submit_tool_outputs": {
                "tool_calls": [
                    {
                        "id": call["id"],
                        "type": "function",
                        "function": {key: call["function"][key] for key in ("name", "arguments")},
                    }
                    for call in run.open_step.details["tool_calls"]
                ]
            },
        }
        self._move(run, "call")

    def _fail(self, run: Run, act: acts.Fail) -> None:
        run.last_error = {"code": act.code, "message": act.message}
        self._end(run, "fail")

    def _truncate(self, run: Run, act: acts.Truncate) -> None:
        run.incomplete_reason = act.reason
        self._end(run, "truncate")

    def _hang(self, run: Run, act: acts.Hang) -> None:
        """Nothing more is due but the expiry."""

    def _cancel_by_another(self, run: Run, act: acts.Cancel) -> None:
        self.cancel(run)

    def _owes_an_answer(self, run: Run) -> bool:
        """A script that ends on a function call leaves the model without a word after the outputs."""
        newest = next(reversed(run.steps), None)
        return newest is not None and any(call["type"] == "function" for call in newest.details.get("tool_calls", ()))

    # --- budgets ------------------------------------------------------------------------------------------

    def _complete(self, run: Run, text: str) -> Completion:
        """One turn of the model, which reads the thread and writes `text`, within the limits of the run.

        Both limits span all turns of the run (CONTRACT §3.6). A turn that meets one marks the run, which then
        ends incomplete as soon as the turn is over.
        """
        prompt, written, cut = self._prompt(run), tokens.pieces(text), run.incomplete_reason
        if run.max_prompt_tokens is not None and run.spent.prompt + prompt > run.max_prompt_tokens:
            prompt, written, cut = run.max_prompt_tokens - run.spent.prompt, [], "max_prompt_tokens"
        if run.max_completion_tokens is not None:
            left = run.max_completion_tokens - run.spent.completion
            if len(written) > left:
                written, cut = written[:left], "max_completion_tokens"
        usage = Usage(prompt, len(written))
        run.spent.add(usage)
        run.incomplete_reason = cut
        return Completion(usage, "".join(written), cut)

    def _prompt(self, run: Run) -> int:
        """Tokens of what the model reads: instructions, tools, and the messages the truncation strategy keeps.

        With a prompt limit the oldest messages are left out until the rest fits, as the service does for its
        `auto` strategy; the newest message always stays.
        """
        total = tokens.count(run.instructions or "") + tokens.count_json(run.tools)
        total += sum(step.usage.completion for step in run.steps)
        sizes = [tokens.count_message(message.text) for message in self._thread(run).messages]
        sizes = sizes[-(run.truncation_strategy.get("last_messages") or len(sizes)) :]
        total += sum(sizes)
        if run.max_prompt_tokens is not None:
            for oldest in sizes[:-1]:
                if run.spent.prompt + total <= run.max_prompt_tokens:
                    break
                total -= oldest
        return total

    # --- the one way to move ------------------------------------------------------------------------------

    def _move(self, run: Run, because: str) -> None:
        advance(run, RUN, because, now=self._clock.now)

    def _end(self, run: Run, because: str) -> None:
        """A terminal move: the open step and message end with the run (CONTRACT §3.8)."""
        self.drop(run)
        self._move(run, because)
        self._close(run, because)
        run.usage = run.spent

    def _close(self, run: Run, because: str) -> None:
        now = self._clock.now
        message, step = run.open_message, run.open_step
        run.open_message = run.open_step = None
        if message is not None:
            advance(message, MESSAGE, because, now=now)
            if run.status in ENDINGS:
                message.incomplete_reason = ENDINGS[run.status].reason
        if step is not None:
            step.last_error = run.last_error
            advance(step, STEP, STEP_CAUSE.get(because, because), now=now)

    def _open_tool_step(self, run: Run, completion: Completion, calls: list[dict[str, Any]]) -> None:
        """The calls show when they are written; a call that a limit cut off never does."""
        details: dict[str, Any] = {"type": "tool_calls", "tool_calls": []}
        run.draft = (details["tool_calls"], [] if completion.cut else calls)
        self._open_step(run, "tool_calls", details, completion.usage)

    def _open_step(
        self, run: Run, kind: Literal["message_creation", "tool_calls"], details: dict[str, Any], usage: Usage
    ) -> None:
        step = Step(
            id=self._store.ids.make("step_"),
            run_id=run.id,
            assistant_id=run.assistant_id,
            thread_id=run.thread_id,
            type=kind,
            details=details,
            expires_at=run.expires_at,
            usage=usage,
        )
        advance(step, STEP, "begin", now=self._clock.now)
        run.steps.add(step)
        run.open_step = step

    # --- small helpers ------------------------------------------------------------------------------------

    def _next_act(self, run: Run) -> acts.Act | None:
        return run.playback.peek(partial(self.view, run))

    def _later(self, run: Run, delay: float, action: Callable[[Run], None]) -> None:
        self._at(run, "progress", self._clock.now + delay, action)

    def _at(self, run: Run, name: Literal["progress", "expiry"], due: float, action: Callable[[Run], None]) -> None:
        """Set one of the run's two timers; the one of that name that was set before no longer counts."""
        if name in run.timers:
            run.timers[name].cancel()
        run.timers[name] = self._clock.call_at(due, partial(action, run))

    def _thread(self, run: Run) -> Thread:
        thread = self._store.threads.get(run.thread_id)
        assert thread is not None  # deleting a thread drops its runs
        return thread


_BEGINNINGS: dict[type, Callable[[Engine, Run, Any], None]] = {
    acts.Say: Engine._begin_message,
    acts.Refuse: Engine._begin_message,
    acts.Call: Engine._begin_calls,
    acts.Calls: Engine._begin_calls,
    acts.RunCode: Engine._begin_code,
    acts.Search: Engine._begin_search,
    acts.Wait: Engine._begin_nothing,
}

_ENDINGS: dict[type, Callable[[Engine, Run, Any], None]] = {
    acts.Fail: Engine._fail,
    acts.Truncate: Engine._truncate,
    acts.Hang: Engine._hang,
    acts.Cancel: Engine._cancel_by_another,
}
