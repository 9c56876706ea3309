"""Runs a client in situations, one after the other, each from the same initial state."""

from __future__ import annotations

import asyncio
import inspect
import random
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.endings import ANSWER, ending
from harness.exploring import verdicts
from harness.exploring.findings import FALSY
from harness.exploring.reproduction import Circumstances, changed_options, reproduction_test
from harness.exploring.situations import BASELINE, Situation
from harness.exploring.verdicts import Outcome, Verdict
from harness.failures import HarnessFailure, Inapplicable, Stuck, ends_the_test
from harness.sleeping import on_asyncio
from harness.source.values import to_source

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.exploring.reproduction import Client
    from harness.fake import FakeAssistants
    from harness.service.acts import Act
    from harness.service.exchange import Exchange
    from harness.service.faults.planning import Plan
    from harness.service.views import RunView

MAX_REQUESTS = 1500  # polling twice a second for the lifetime of a run takes fewer
ENDLESS = f"The client has sent {MAX_REQUESTS} requests, and goes on."
OTHER_ANSWER = """explore(…, answer='{"degrees": 4}')   # if it needs an answer of a certain form"""


class Endless(Stuck):
    """The client keeps sending different requests, and never ends."""


class Runner:
    """Runs one client in situations on a fake; `close` restores the fake's original state.

    Args:
        answer: what the model answers instead of the usual.
    """

    def __init__(self, fake: FakeAssistants, client: Client, answer: str | None = None) -> None:
        self.client = client
        self._answer = ANSWER if answer is None else answer
        self.roots = fake.service.roots
        self._fake = fake
        self._initial = fake.snapshot()
        self._requests = list(fake.requests)
        self._failures = list(fake.failures)
        self._is_async = False

    def run_baseline(self) -> tuple[Outcome, list[Exchange]]:
        """The client's outcome when nothing goes wrong, and the requests that it makes.

        Raises:
            HarnessFailure: it makes no requests, or returns no answer, so there is nothing to compare with.
        """
        outcome = self.run(Situation(ending(BASELINE)))
        assert outcome is not None  # this situation always applies
        name, requests = self.client.name, list(self._fake.requests)
        first = f"{name}   # has to work with assistants.every_run(say({to_source(self._answer)})) first"
        if self._answer == ANSWER:
            first += f"\n{OTHER_ANSWER}"
        if outcome.verdict not in (Verdict.RETURNED, Verdict.WRONG_SUCCESS):
            raise HarnessFailure(
                f"{name} does not return when all goes well, so there is nothing to explore.",
                there_was=f"{outcome.label.capitalize()}: {outcome.detail}",
                do=first,
            ) from self._error
        if not requests:
            raise HarnessFailure(
                f"{name} sends the fake no requests, so nothing can go wrong.",
                there_was=f"Returned: {outcome.detail}, without one request.",
                do='explore(lambda: my_app.ask("…"))   # what is given to explore is called, and has to call the app',
            )
        if outcome.verdict is Verdict.WRONG_SUCCESS:
            raise HarnessFailure(
                f"{name} returns what is no answer even when all goes well, so there is nothing to explore.",
                there_was=f"{outcome.label.capitalize()}: {outcome.detail}",
                do=first,
            )
        return outcome, requests

    def run(self, situation: Situation) -> Outcome | None:
        """The client's outcome in a situation; None if the situation did not occur.

        Raises:
            HarnessFailure: the fake cannot serve the client, whatever the situation.
        """
        fake = self._fake
        self._reset()
        scripts: list[list[Act]] = []
        plans = _arrange(fake, replace(situation, ending=situation.ending.with_answer(self._answer)), scripts)
        value = self._call_client(situation)
        threads = fake.world.store.all_threads  # also those that the client has deleted
        failures = [*fake.failures, *([self._error] if isinstance(self._error, HarnessFailure) else [])]
        if any(isinstance(failure, Inapplicable) for failure in failures):
            return None
        wrong_answer = None
        calls = [plan.call for plan in plans]
        options = changed_options(fake.options)
        if failures:
            failure = failures[0]
            if not isinstance(failure, Stuck):
                raise failure
            verdict, detail = Verdict.HUNG, verdicts.detail_line(failure.happened)
            if isinstance(failure, Endless):
                calls.append(f"meanwhile(lambda: pytest.fail({to_source(ENDLESS)}), nth={MAX_REQUESTS})")
                options["unused"] = "ignore"  # once the client ends, it does not send that many requests
        elif any(plan.unused for plan in plans) or not (scripts or situation.ending.name == BASELINE):
            return None  # the client never made the request that was to fail, or scripts its runs itself
        elif self._error is not None:
            verdict, detail = verdicts.of_error(self._error)
        else:
            verdict, detail = verdicts.of_value(value, threads)
            wrong_answer = value if isinstance(value, str) and verdicts.has_answer(threads) else None
        outcome = Outcome(
            situation,
            verdict,
            detail,
            locked=verdict is not Verdict.HUNG and any(run.active for run in fake.runs),
            timelines=verdicts.timelines([run for thread in threads for run in thread.runs]),
        )
        circumstances = Circumstances(scripts[0] if scripts else None, calls, options, self._is_async, wrong_answer)
        return replace(outcome, script=reproduction_test(self.client, outcome, circumstances))

    def check_still_works(self, outcomes: Iterable[Outcome], last: Outcome | None) -> None:
        """Run the baseline again: outcomes of a client that an earlier situation has broken mean nothing.

        Args:
            outcomes: those so far, the baseline first.
            last: that of the last situation, None if it did not occur, as where a broken client makes no request. If it
                is like the baseline, the client works.

        Raises:
            HarnessFailure: the baseline's outcome differs now; the message names the last situation before it did.
        """
        baseline, *others = outcomes
        if last is not None and _like_baseline(last, baseline):
            return
        now = self.run(baseline.situation)
        assert now is not None  # this situation always applies
        if _like_baseline(now, baseline):
            return
        seen = [baseline, *(each for each in others if (each.label, each.detail) != (now.label, now.detail))]
        raise HarnessFailure(
            f"{self.client.name} no longer works after {seen[-1].situation.name}, so its exploration has stopped.",
            there_was=f"    {seen[-1]}\n    {now.label.capitalize()} when all goes well: {now.detail}\n"
            "A failure of the harness ends the portals, servers and threads it passes through; caches survive a reset.",
            do='explore(lambda: TestClient(app).get("/ask"))   # create everything that it needs in each call\n'
            "ask()   # or call it once before, on the same fake: what it keeps then exists from the start",
        ) from self._error

    def close(self) -> None:
        """Restore the fake's original state."""
        self._reset()
        self._fake.requests.extend(self._requests)
        self._fake.failures.extend(self._failures)

    def _reset(self) -> None:
        self._fake.restore(self._initial)
        self._fake.requests.clear()
        self._fake.failures.clear()

    def _call_client(self, situation: Situation) -> Any:
        """The client's answer; None if it raised an error, which is kept in `_error`."""
        self._error: BaseException | None = None
        random_state = random.getstate()
        random.seed(0)  # so that random back-off is the same every time
        try:
            given = self.client.function(*[self._fake][: self.client.parameters])
            self._is_async = inspect.isawaitable(given)
            value = _await_in_new_loop(given) if self._is_async else given
            return value if self.client.answer_of is None else self.client.answer_of(value)
        except BaseException as raised:
            if ends_the_test(raised):
                note = f"explore: this was raised while {self.client.name} was in the situation {situation.name}."
                vars(raised).setdefault("__notes__", []).append(note)  # as `add_note` does, from Python 3.11 on
                raise
            self._error = raised
            return None
        finally:
            random.setstate(random_state)


def _like_baseline(outcome: Outcome, baseline: Outcome) -> bool:
    """Whether an outcome is like the baseline's: the same label, and an answer or none as there."""
    return (outcome.label, outcome.detail in FALSY) == (baseline.label, baseline.detail in FALSY)


def _arrange(fake: FakeAssistants, situation: Situation, scripts: list[list[Act]]) -> list[Plan]:
    """Set a situation up on a fake, and return the faults that were planned for it.

    The acts of each run that the client does not script itself are appended to `scripts`.
    """
    planned = fake.faults.planned
    before = len(planned)
    situation.ending.arrange(fake)

    @fake.model
    def play(run: RunView) -> list[Act]:
        scripts.append(situation.ending.play(fake, run))
        return scripts[-1]

    engine = fake.world.engine
    engine.timing = replace(engine.timing, **situation.timing)
    for fault in situation.faults:
        fault.plan(fake)
    plans = planned[before:]
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1
        if asked >= MAX_REQUESTS:
            raise Endless(ENDLESS, do="for attempt in range(3): ...   # instead of trying without end")

    fake.faults.meanwhile(count, times=sys.maxsize)
    planned[-1].always = True  # not reported as unused where a client makes no requests
    return plans


def _await_in_new_loop(given: Any) -> Any:
    """The result of an awaitable, in an event loop of its own.

    Raises:
        HarnessFailure: a loop is running in this thread already.
    """
    if on_asyncio():
        getattr(given, "close", lambda: None)()
        raise HarnessFailure(
            "explore(…) runs an async client in event loops of its own, and this test runs in one already.",
            do="def test_it(assistants): ...   # without async\n@pytest.mark.assistants_explore   # explore the test",
        )
    return asyncio.run(_await(given))


async def _await(given: Any) -> Any:
    return await given
