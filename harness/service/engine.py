"""Performs the script of each run on the clock. The only caller of `advance` for runs, steps and their messages.

A run has at most one timer for its progress and one for its expiry. Polling, streaming and `clock.advance` all make
the same timers fire, so all clients see the same course of a run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from harness.service import acts, last_errors, writing
from harness.service.budget import complete
from harness.service.director import PLACEHOLDER
from harness.service.drafts import ActOutput, Draft
from harness.service.lifecycle import ENDINGS, MESSAGE, NEW, RUN, STEP, STEP_CAUSE, STEP_ENDS_FIRST, advance, find
from harness.service.records import Message, Run, Step, Usage
from harness.service.searching.file_search import with_citations, with_results
from harness.service.views import view

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.service.cells import CodeInterpreter
    from harness.service.clock import Clock
    from harness.service.indexing import Indexer
    from harness.service.records import Thread
    from harness.service.searching.searcher import Searcher
    from harness.service.store import Store
    from harness.service.views import RunView

RUN_LIFETIME = 600  # seconds from creation, never extended (CONTRACT §3.2)


@dataclass(frozen=True)
class Timing:
    """Seconds of virtual time: in `queued`, for each act, and in `cancelling`. Defaults as in FACTS D."""

    queued: float = 1.0
    act: float = 2.0
    cancelling: float = 1.0


class Engine:
    def __init__(
        self,
        store: Store,
        clock: Clock,
        timing: Timing,
        *,
        searcher: Searcher,
        indexer: Indexer,
        interpreter: CodeInterpreter,
    ) -> None:
        self._store = store
        self._searcher = searcher
        self._indexer = indexer
        self._interpreter = interpreter
        self._clock = clock
        self.timing = timing

    # --- what a client does -------------------------------------------------------------------------------

    def create(self, run: Run) -> None:
        run.expires_at = int(self._clock.now) + RUN_LIFETIME
        self._advance(run, run, "create")
        self._at(run, "expiry", run.expires_at, self._expire)
        self._wait_in_queue(run)

    def submit(self, run: Run, outputs: Mapping[str, str | None]) -> None:
        """Take the outputs of all calls, by call id: the open step completes, and the run is queued again."""
        step = run.open_step
        assert step is not None  # a run in requires_action has one
        calls = step.details["tool_calls"]
        for call in calls:
            call["function"]["output"] = outputs[call["id"]]
        self._advance(run, step, "submit_tool_outputs")
        run.open_step = None
        self._advance(run, run, "submit_tool_outputs")
        values = [outputs[call["id"]] for call in calls]
        run.playback.resume(partial(self.view, run), values[0] if len(values) == 1 else values)
        self._wait_in_queue(run)

    def pick_up_new(self, run: Run) -> None:
        """Start a new run that waits only for a worker, because a client is about to change it.

        In the recordings a change right after the creation always found the run started: all replies to cancel have
        `started_at`, and all refusals to modify or submit say `in_progress` (FACTS D, CONTRACT §13.6). A run that had
        just received its outputs was still queued (CONTRACT §7.2, src#29589032493).
        """
        worker = run.timers.get("progress")
        new = run.status == "queued" and run.started_at is None
        if new and worker and worker.due <= run.timeline[-1].at + self.timing.queued:
            self._advance(run, run, "pick_up")
            self._at(run, "progress", worker.due, self._begin)

    def cancel(self, run: Run) -> None:
        """Cancel the run, which takes a moment; an act with `beats_cancel` is finished before."""
        too_late = run.status == "in_progress" and run.playback.beats_cancel()
        if not too_late:
            self._stop_writing(run)
        self._advance(run, run, "cancel")
        if not too_late:
            self._at(run, "progress", self._clock.now + self.timing.cancelling, self._stop)

    def drop(self, run: Run) -> None:
        """Stop the run's timers and its stream, because it has ended or its thread was deleted."""
        self._stop_writing(run)
        for timer in run.timers.values():
            timer.cancel()
        run.timers.clear()
        self._end_feed(run)

    def advance_until_changed(self, run: Run) -> None:
        """Move the clock until this run changes its status, unless it waits for a client."""
        moments = len(run.timeline)
        while run.active and run.status != "requires_action" and len(run.timeline) == moments:
            if not self._clock.fire_next():
                return  # seeded from a recording, without timers

    def view(self, run: Run) -> RunView:
        assistant = self._store.assistants.get(run.assistant_id)
        return view(run, self._thread(run), assistant.name if assistant else None)

    # --- what the clock does ------------------------------------------------------------------------------

    def _wait_in_queue(self, run: Run) -> None:
        delay = ready = max(self.timing.queued, self._indexer.indexing_delay(run))
        while isinstance(act := self._next_act(run), acts.Wait):
            delay += act.seconds
            run.playback.take()
        cancelled = isinstance(act, acts.Cancel) and delay > ready
        self._later(run, delay, self._begin_next if cancelled else self._pick_up)

    def _pick_up(self, run: Run) -> None:
        self._advance(run, run, "pick_up")
        self._begin(run)

    def _begin(self, run: Run) -> None:
        expired = self._indexer.touch_stores(run)
        if expired is None:
            self._begin_next(run, first=True)
        else:  # CONTRACT §3.5; the words are a guess (G)
            self._fail(run, acts.Fail("server_error", f"Vector store {expired} has expired."))

    def _expire(self, run: Run) -> None:
        self._end(run, "expire")

    def _stop(self, run: Run) -> None:
        self._end(run, "stop")

    # --- what the model does ------------------------------------------------------------------------------

    def _begin_next(self, run: Run, *, first: bool = False) -> None:
        """Begin the next act, or finish the run if there is none.

        A run that was cancelled too late still finishes its current act, even if that is the `first` and had not begun.
        """
        act = self._next_act(run)
        if run.status == "cancelling" and not first and not isinstance(act, acts.Fail):
            act = None
        elif act is None and self._ends_on_function_call(run):
            act = run.playback.insert(PLACEHOLDER)
        if act is None:
            self._end(run, "finish")
        elif isinstance(act, acts.ENDS):
            _ENDINGS[type(act)](self, run, act)
        else:
            _BEGINNINGS[type(act)](self, run, act)
            self._later(run, act.seconds if isinstance(act, acts.Wait) else self.timing.act, self._act_done)

    def _act_done(self, run: Run) -> None:
        """Finish an act; if an ending follows directly, its message and step stay open and end with the run."""
        act = run.playback.take()
        self._stop_writing(run)
        if run.incomplete_reason is not None:
            # a run that is being cancelled cannot become incomplete (CONTRACT §3.1)
            self._end(run, "stop" if run.status == "cancelling" else "truncate")
        elif isinstance(act, acts.Call | acts.Calls):
            self._require_action(run)
        else:
            if isinstance(act, acts.RunCode):
                run.playback.resume(partial(self.view, run), run.last_logs)
            if not isinstance(self._next_act(run), acts.ENDS):
                self._close(run, "finish")
            self._begin_next(run)

    def _begin_message(self, run: Run, act: acts.Say | acts.Refuse) -> None:
        thread = self._thread(run)
        if isinstance(act, acts.Say):
            act = self._interpreter.with_links(with_citations(act, run, thread), run)
        completion = complete(run, thread, act.text)
        message = Message(
            id=self._id(run, "msg_"),
            thread_id=run.thread_id,
            role="assistant",
            content=[],
            assistant_id=run.assistant_id,
            run_id=run.id,
        )
        details = {"type": "message_creation", "message_creation": {"message_id": message.id}}
        self._open_step(run, "message_creation", details, completion.usage)
        self._advance(run, message, "begin")
        thread.messages.add(message)
        run.open_message = message
        self._write(run, message, message.content, writing.message(act, completion.text))

    def _begin_tools(self, run: Run, act: acts.Call | acts.Calls | acts.RunCode | acts.Search) -> None:
        """Begin a tool_calls step. Calls show when they are written; one that a token limit cut off never does."""
        thread = self._thread(run)
        if isinstance(act, acts.Search):
            act = with_results(act, run, thread, self._store, self._searcher)
        completion = complete(run, thread, writing.text_of(act))
        if isinstance(act, acts.RunCode) and not completion.cut:
            act = self._interpreter.run_cell(act, run, thread)
        details: dict[str, Any] = {"type": "tool_calls", "tool_calls": []}
        step = self._open_step(run, "tool_calls", details, completion.usage)
        written = writing.tool_calls(act, partial(self._id, run, "call_"))
        if not completion.cut:
            self._write(run, step, details["tool_calls"], written)

    def _begin_nothing(self, run: Run, act: acts.Wait) -> None:
        """Waiting opens no step."""

    def _require_action(self, run: Run) -> None:
        assert run.open_step is not None  # `_begin_tools` opened it
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
        self._advance(run, run, "call")
        self._end_feed(run)

    def _fail(self, run: Run, act: acts.Fail) -> None:
        own = act.on_azure if run.azure else None
        run.last_error = {"code": act.code, "message": own or act.message}
        self._end(run, "fail")

    def _truncate(self, run: Run, act: acts.Truncate) -> None:
        run.incomplete_reason = act.reason
        self._end(run, "truncate")

    def _hang(self, run: Run, act: acts.Hang) -> None:
        """Do nothing more: only the expiry is still due."""

    def _cancel_by_another(self, run: Run, act: acts.Cancel) -> None:
        """Cancel by the script, which also sets the final status (`beats_cancel` is for cancellations by clients)."""
        self._advance(run, run, "cancel")
        takes = self.timing.cancelling if act.takes is None else act.takes
        self._later(run, takes, partial(_AFTER_CANCELLING[act.then], self))

    def _finish_after_all(self, run: Run) -> None:
        self._end(run, "finish")

    def _fail_after_all(self, run: Run) -> None:
        self._fail(run, acts.fail())

    def _ends_on_function_call(self, run: Run) -> bool:
        """Whether the last step was a function call, after whose outputs the model has to answer."""
        newest = next(reversed(run.steps), None)
        return newest is not None and any(call["type"] == "function" for call in newest.details.get("tool_calls", ()))

    # --- changing statuses --------------------------------------------------------------------------------

    def _advance(self, run: Run, record: Run | Step | Message, because: str) -> None:
        """Move a record along its table, with an event for the run's stream; a new record has two events."""
        row = advance(record, _TABLES[type(record)], because, now=self._clock.now)
        if run.feed is not None:
            if row.source == NEW:
                run.feed.emit(record, "created")
            run.feed.emit(record, record.status)

    def _end(self, run: Run, because: str) -> None:
        """End the run; its open message and step end before it (CONTRACT §3.8, §5.2)."""
        row = find(RUN, run.status, because)
        assert row is not None  # callers have asked the table, or have set the timer for this row
        self._stop_writing(run)
        self._close(run, because, ENDINGS[row.to].reason)
        run.usage = run.playback.script.usage.get(run.id, run.spent)
        self._advance(run, run, because)
        self.drop(run)

    def _close(self, run: Run, because: str, reason: str | None = None) -> None:
        message, step = run.open_message, run.open_step
        run.open_message = run.open_step = None
        if message is not None:
            message.incomplete_reason = reason
        if step is not None and run.last_error is not None:
            code = run.last_error["code"]
            step.last_error = {**run.last_error, "code": code if code in last_errors.OF_STEPS else "server_error"}
        closing = [(message, because), (step, STEP_CAUSE.get(because, because))]
        for record, cause in reversed(closing) if because in STEP_ENDS_FIRST else closing:
            if record is not None:
                self._advance(run, record, cause)

    def _end_feed(self, run: Run) -> None:
        if run.feed is not None:
            run.feed.end()
            run.feed = None

    def _write(
        self,
        run: Run,
        record: Message | Step,
        target: list[dict[str, Any]],
        output: ActOutput,
    ) -> None:
        now = self._clock.now
        run.draft = Draft(record, target, output, begun=now, done=now + self.timing.act)
        if run.feed is not None:
            run.feed.write(run.draft)

    def _stop_writing(self, run: Run) -> None:
        """Keep what is written by now: all of the act, or a part if the run was cut off (CONTRACT §3.3, "partial")."""
        if run.draft is not None:
            run.draft.stop(self._clock.now)
            run.draft = None

    def _open_step(
        self, run: Run, kind: Literal["message_creation", "tool_calls"], details: dict[str, Any], usage: Usage
    ) -> Step:
        step_id = self._id(run, "step_")
        step = Step(
            id=step_id,
            run_id=run.id,
            assistant_id=run.assistant_id,
            thread_id=run.thread_id,
            type=kind,
            details=details,
            expires_at=run.expires_at,
            usage=run.playback.script.usage.get(step_id, usage),
        )
        self._advance(run, step, "begin")
        run.steps.add(step)
        run.open_step = step
        return step

    # --- small helpers ------------------------------------------------------------------------------------

    def _id(self, run: Run, prefix: str) -> str:
        return run.playback.next_id(prefix) or self._store.ids.make(prefix)

    def _next_act(self, run: Run) -> acts.Act | None:
        return run.playback.peek(partial(self.view, run))

    def _later(self, run: Run, delay: float, action: Callable[[Run], None]) -> None:
        self._at(run, "progress", self._clock.now + delay, action)

    def _at(self, run: Run, name: Literal["progress", "expiry"], due: float, action: Callable[[Run], None]) -> None:
        """Set one of the run's two timers, in place of an earlier one of that name."""
        if name in run.timers:
            run.timers[name].cancel()
        run.timers[name] = self._clock.call_at(due, partial(action, run))

    def _thread(self, run: Run) -> Thread:
        thread = self._store.threads.get(run.thread_id)
        assert thread is not None  # deleting a thread drops its runs
        return thread


_TABLES = {Run: RUN, Step: STEP, Message: MESSAGE}

_BEGINNINGS: dict[type, Callable[[Engine, Run, Any], None]] = {
    acts.Say: Engine._begin_message,
    acts.Refuse: Engine._begin_message,
    acts.Call: Engine._begin_tools,
    acts.Calls: Engine._begin_tools,
    acts.RunCode: Engine._begin_tools,
    acts.Search: Engine._begin_tools,
    acts.Wait: Engine._begin_nothing,
}

_ENDINGS: dict[type, Callable[[Engine, Run, Any], None]] = {
    acts.Fail: Engine._fail,
    acts.Truncate: Engine._truncate,
    acts.Hang: Engine._hang,
    acts.Cancel: Engine._cancel_by_another,
}

_AFTER_CANCELLING: dict[acts.Cancelled, Callable[[Engine, Run], None]] = {
    "cancelled": Engine._stop,
    "completed": Engine._finish_after_all,
    "failed": Engine._fail_after_all,
}
