"""Lets situations happen to a client, one after the other, each in a world that begins anew."""

from __future__ import annotations

import asyncio
import inspect
import random
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.endings import ending
from harness.exploring import verdicts
from harness.exploring.findings import FALSE
from harness.exploring.reproducing import Circumstances, changed, reproduction
from harness.exploring.situations import BASELINE, Situation
from harness.exploring.verdicts import Outcome, Verdict
from harness.failures import HarnessFailure, Inapplicable, Stuck, ends_the_test
from harness.sleeping import on_asyncio
from harness.source.values import written

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.exploring.reproducing import Client
    from harness.fake import FakeAssistants
    from harness.service.acts import Act
    from harness.service.exchange import Exchange
    from harness.service.faults.planning import Plan
    from harness.service.views import RunView

MOST_REQUESTS = 1500  # who asks twice a second for as long as a run lives sends fewer
ENDLESS = f"The client has sent {MOST_REQUESTS} requests, and goes on."


class Endless(Stuck):
    """The client does something else each time, and never comes to an end."""


class Stage:
    """A fake on which one client plays situations; at the end, `close` leaves the fake as it was before."""

    def __init__(self, fake: FakeAssistants, client: Client) -> None:
        self.client = client
        self.roots = fake.service.roots
        self._fake = fake
        self._beginning = fake.snapshot()
        self._requests = list(fake.requests)
        self._failures = list(fake.failures)
        self._awaited = False

    def rehearse(self) -> tuple[Outcome, list[Exchange]]:
        """What becomes of the client when all goes well, and what it asks for.

        Raises:
            HarnessFailure: it asks for nothing, or gives no answer, so there is nothing to compare with.
        """
        outcome = self.play(Situation(ending(BASELINE)))
        assert outcome is not None  # nothing has to come about
        name, requests = self.client.name, list(self._fake.requests)
        first = f"{name}   # has to work with assistants.every_run(say(…)) first"
        if outcome.verdict not in (Verdict.RETURNED, Verdict.WRONG_SUCCESS):
            raise HarnessFailure(
                f"{name} does not return when all goes well, so there is nothing to explore.",
                there_was=f"{outcome.label.capitalize()}: {outcome.detail}",
                do=first,
            ) from self._error
        if not requests:
            raise HarnessFailure(
                f"{name} asks the fake for nothing, so nothing can go wrong.",
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

    def play(self, situation: Situation) -> Outcome | None:
        """What became of the client; None if the situation did not come about.

        Raises:
            HarnessFailure: the fake cannot serve the client, whatever the situation.
        """
        fake = self._fake
        self._begin()
        told: list[list[Act]] = []
        plans = _arrange(fake, situation, told)
        value: object = None
        self._error: BaseException | None = None
        try:
            value = self._called()
        except BaseException as raised:
            if ends_the_test(raised):
                note = f"explore: this came while {self.client.name} was in the situation {situation.name}."
                vars(raised).setdefault("__notes__", []).append(note)  # as `add_note` does, from Python 3.11 on
                raise
            self._error = raised  # the client's, to judge
        threads = fake.world.store.all_threads  # a tidy client deletes its own
        failures = [*fake.failures, *([self._error] if isinstance(self._error, HarnessFailure) else [])]
        if any(isinstance(failure, Inapplicable) for failure in failures):
            return None
        mistaken = None
        calls = [plan.call for plan in plans]
        options = changed(fake.options)
        if failures:
            failure = failures[0]
            if not isinstance(failure, Stuck):
                raise failure
            verdict, detail = Verdict.HUNG, verdicts.shortened(failure.happened)
            if isinstance(failure, Endless):
                calls.append(f"meanwhile(lambda: pytest.fail({written(ENDLESS)}), nth={MOST_REQUESTS})")
                options["unused"] = "ignore"  # a client that comes to an end does not come so far
        elif any(plan.in_vain for plan in plans) or not (told or situation.ending.name == BASELINE):
            return None  # the client never came so far; or what its runs do is scripted already
        elif self._error is not None:
            verdict, detail = verdicts.of_error(self._error)
        else:
            verdict, detail = verdicts.of_value(value, threads)
            mistaken = value if isinstance(value, str) and verdicts.answered(threads) else None
        outcome = Outcome(
            situation,
            verdict,
            detail,
            locked=verdict is not Verdict.HUNG and any(run.active for run in fake.runs),
            timelines=verdicts.timelines([run for thread in threads for run in thread.runs]),
        )
        around = Circumstances(told[0] if told else None, calls, options, self._awaited, mistaken)
        return replace(outcome, script=reproduction(self.client, outcome, around))

    def check_alive(self, outcomes: Iterable[Outcome], last: Outcome | None) -> None:
        """Play the usual once more: what a client does that is dead by now says nothing of a situation.

        Args:
            outcomes: what there was up to now, the usual first.
            last: of the last situation, if it came about: a client that is dead asks for nothing. If it is like the
                usual, the client lives.

        Raises:
            HarnessFailure: it does something else now; the last situation before it began to do so is to blame.
        """
        usual, *others = outcomes
        if last is not None and _as_well(last, usual):
            return
        now = self.play(usual.situation)
        assert now is not None  # nothing has to come about
        if _as_well(now, usual):
            return
        seen = [usual, *(each for each in others if (each.label, each.detail) != (now.label, now.detail))]
        raise HarnessFailure(
            f"{self.client.name} no longer works after {seen[-1].situation.name}, so nothing else can be found out.",
            there_was=f"    {seen[-1]}\n    {now.label.capitalize()} when all goes well: {now.detail}\n"
            "A failure of the harness ends portals, servers and threads that it comes through; caches outlast a world.",
            do='explore(lambda: TestClient(app).get("/ask"))   # with all that it needs made anew in each call',
        ) from self._error

    def close(self) -> None:
        """Leave the fake as it was before."""
        self._begin()
        self._fake.requests.extend(self._requests)
        self._fake.failures.extend(self._failures)

    def _begin(self) -> None:
        self._fake.restore(self._beginning)
        self._fake.requests.clear()
        self._fake.failures.clear()

    def _called(self) -> Any:
        """The client's answer. Back-off at random is the same every time."""
        before = random.getstate()
        random.seed(0)
        try:
            given = self.client.function(*[self._fake][: self.client.parameters])
            self._awaited = inspect.isawaitable(given)
            value = _waited_for(given) if self._awaited else given
            return value if self.client.answer_of is None else self.client.answer_of(value)
        finally:
            random.setstate(before)


def _as_well(outcome: Outcome, usual: Outcome) -> bool:
    """Whether a client did what it does when all goes well: returned something, or nothing as ever."""
    return (outcome.label, outcome.detail in FALSE) == (usual.label, usual.detail in FALSE)


def _arrange(fake: FakeAssistants, situation: Situation, told: list[list[Act]]) -> list[Plan]:
    """Let it happen, and give what is planned for it.

    `told` will be what the model does in each run that is not scripted otherwise.
    """
    planned = fake.faults.planned
    before = len(planned)
    situation.ending.arrange(fake)

    @fake.model
    def play(run: RunView) -> list[Act]:
        told.append(situation.ending.play(fake, run))
        return told[-1]

    engine = fake.world.engine
    engine.timing = replace(engine.timing, **situation.timing)
    for fault in situation.faults:
        fault.plan(fake)
    plans = planned[before:]
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1
        if asked >= MOST_REQUESTS:
            raise Endless(ENDLESS, do="for attempt in range(3): ...   # instead of trying for ever")

    fake.faults.meanwhile(count, times=sys.maxsize)
    planned[-1].always = True  # who asks for nothing misses nothing
    return plans


def _waited_for(given: Any) -> Any:
    """What an async client gives in a loop of its own.

    Raises:
        HarnessFailure: there is a loop in this thread already, so no other can run.
    """
    if on_asyncio():
        getattr(given, "close", lambda: None)()
        raise HarnessFailure(
            "explore(…) plays an async client in event loops of its own, and this test runs in one already.",
            do="def test_it(assistants): ...   # without async\n@pytest.mark.assistants_explore   # or it plays it",
        )
    return asyncio.run(_awaited(given))


async def _awaited(given: Any) -> Any:
    return await given
