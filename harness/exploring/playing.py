"""Lets situations happen to a client, one after the other, each in a world that begins anew."""

from __future__ import annotations

import asyncio
import inspect
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.endings import Inapplicable, ending
from harness.exploring import verdicts
from harness.exploring.reproducing import reproduction
from harness.exploring.situations import BASELINE, Situation
from harness.exploring.verdicts import Outcome, Verdict
from harness.failures import HarnessFailure, Stuck

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.exploring.reproducing import Client
    from harness.fake import FakeAssistants
    from harness.service.acts import Act
    from harness.service.views import RunView

MOST_REQUESTS = 500


class Stage:
    """A fake on which one client plays situations.

    Raises:
        HarnessFailure: the client fails when all goes well, so there is nothing to compare with.
    """

    def __init__(
        self, fake: FakeAssistants, client: Client, answer_of: Callable[[Any], Any] = lambda value: value
    ) -> None:
        self.client = client
        self.roots = fake.service.roots
        self._fake = fake
        self._answer_of = answer_of
        self._beginning = fake.snapshot()
        usual = Situation(ending(BASELINE))
        outcome = self.play(usual)
        if outcome is None or outcome.verdict is not Verdict.RETURNED:
            raise HarnessFailure(
                f"{client.name} does not return when all goes well, so there is nothing to explore.",
                there_was=f"It {outcome.verdict.value}: {outcome.detail}" if outcome else "",
                do=f"{client.name}   # has to work with assistants.every_run(say(…)) first",
            )
        self.requests = list(fake.requests)

    def play(self, situation: Situation) -> Outcome | None:
        """What became of the client; None if the situation did not come about.

        Raises:
            HarnessFailure: the fake cannot serve the client, whatever the situation.
        """
        fake = self._fake
        self._begin()
        told: list[list[Act]] = []
        _arrange(fake, situation, told)
        value: object = None
        error: BaseException | None = None
        try:
            value = self._answer_of(self._call())
        except (Exception, HarnessFailure, SystemExit, asyncio.CancelledError) as raised:  # noqa: BLE001 - the client's, to judge
            error = raised
        failures = [*fake.failures, *([error] if isinstance(error, HarnessFailure) else [])]
        if any(isinstance(failure, Inapplicable) for failure in failures):
            return None
        if failures:
            failure = failures[0]
            if not isinstance(failure, Stuck):
                raise failure
            verdict, detail = Verdict.HUNG, verdicts.shortened(failure.happened)
        elif fake.faults.unused() or not (told or situation.ending.name == BASELINE):
            return None  # the client never came so far; or what its runs do is scripted already
        elif error is not None:
            verdict, detail = verdicts.of_error(error)
        else:
            verdict, detail = verdicts.of_value(value, fake.threads)
        outcome = Outcome(
            situation,
            verdict,
            detail,
            locked=verdict is not Verdict.HUNG and any(run.active for run in fake.runs),
            timelines=verdicts.timelines(fake.runs),
        )
        plans = [plan.call for plan in fake.faults.planned if plan.call != GUARD]
        return replace(outcome, script=reproduction(self.client, outcome, told[0] if told else None, plans))

    def close(self) -> None:
        """Leave the fake as it was before."""
        self._begin()

    def _begin(self) -> None:
        self._fake.restore(self._beginning)
        self._fake.requests.clear()
        self._fake.failures.clear()

    def _call(self) -> Any:
        given = self.client.function(*[self._fake][: self.client.parameters])
        return asyncio.run(_awaited(given)) if inspect.isawaitable(given) else given


GUARD = "no more requests than any client needs"


def _arrange(fake: FakeAssistants, situation: Situation, told: list[list[Act]]) -> None:
    """Let it happen; `told` will be what the model does in each run that is not scripted otherwise."""
    situation.ending.arrange(fake)

    @fake.model
    def play(run: RunView) -> list[Act]:
        told.append(situation.ending.acts(run))
        return told[-1]

    engine = fake.world.engine
    engine.timing = replace(engine.timing, **situation.timing)
    for fault in situation.faults:
        fault.plan(fake)
    asked = 0

    def count() -> None:
        nonlocal asked
        asked += 1
        if asked > MOST_REQUESTS:
            raise Stuck(
                f"The client has sent {MOST_REQUESTS} requests, and goes on.",
                do="for attempt in range(3): ...   # instead of trying for ever",
            )

    fake.faults.meanwhile(count, times=sys.maxsize)
    fake.faults.planned[-1].always = True
    fake.faults.planned[-1].call = GUARD


async def _awaited(given: Any) -> Any:
    return await given
