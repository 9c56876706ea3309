"""`explore`: a client, taken through every ending, timing and fault, and what became of it in each.

`situations.py` says what can happen, `playing.py` lets it happen, `verdicts.py` judges, `findings.py` shows it, and
`reproducing.py` writes a test for each, in which `naming.py` names the client.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.endings import matching_endings
from harness.exploring.findings import Findings
from harness.exploring.playing import Stage
from harness.exploring.reproducing import Client
from harness.exploring.situations import situations
from harness.exploring.verdicts import Verdict
from harness.failures import HarnessFailure
from harness.installed import fake_assistants

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.exploring.verdicts import Outcome
    from harness.fake import FakeAssistants

__all__ = ["Findings", "explore"]

BUDGET = 120


def explore(
    client: Callable[..., Any],
    *,
    budget: int = BUDGET,
    endings: Iterable[str] = ("*",),
    answer_of: Callable[[Any], Any] | None = None,
    assistants: FakeAssistants | None = None,
    **options: Any,
) -> Findings:
    """Run a client's code under all endings, timings and faults, and tell where it hangs, crashes or lies.

    The code is called once for each situation, in a world that begins anew; sleeping takes no time. What it asks for
    when all goes well says which faults there are to plan. Each bug comes with a test that reproduces it.

    Args:
        client: what a user of the client calls: a function without parameters, or with one, which gets the
            `FakeAssistants`; `async` or not. It should return the answer, and raise, or return something false, where
            there is none.
        budget: how many situations, at most. First come single endings, timings and faults, then pairs; of a pair
            only what its parts do not show already is kept.
        endings: names or patterns of `harness.endings`, as for the marker `assistants_endings`.
        answer_of: takes the answer out of what the client returns, or something false if it says that there is none.
        assistants: the fake to do it on, with all that was added to it, which the tests for the bugs do not tell; by
            default one of its own. Afterwards it is as before.
        **options: those of a fake of its own, as for `fake_assistants`.

    Raises:
        HarnessFailure: the client gives no answer even when all goes well, or no longer does so after a situation, or
            asks for nothing, or the fake cannot serve it; or options are given for a fake that has its own.

    >>> from harness import explore
    >>> def ask(assistants):
    ...     client = assistants.client()
    ...     helper = client.beta.assistants.create(model="gpt-4o", instructions="Be brief.")
    ...     run = client.beta.threads.create_and_run_poll(assistant_id=helper.id)
    ...     messages = client.beta.threads.messages.list(run.thread_id)
    ...     return messages.data[0].content[0].text.value
    >>> found = explore(ask, endings=["completed", "expired"], budget=10)
    >>> print(found.bugs[0])  # doctest: +ELLIPSIS
    ✗ completed-... crashed ...
    """
    if assistants is not None and options:
        raise HarnessFailure(
            f"explore(…, assistants=…) takes no options: it was given {', '.join(options)}.",
            there_was="A fake that is there already has its own.",
            do=f"@pytest.mark.assistants({', '.join(f'{name}={value!r}' for name, value in options.items())})",
        )
    with ExitStack() as stack:
        fake = assistants or stack.enter_context(fake_assistants(**{"unused": "ignore", **options}))
        return _explored(Stage(fake, Client.of(client, answer_of)), budget, endings)


def explore_test(
    test: Callable[..., Any],
    fixtures: Mapping[str, Any],
    assistants: FakeAssistants,
    *,
    budget: int = BUDGET,
    endings: Iterable[str] = ("*",),
) -> Findings:
    """The same with a test function that has its fixtures already: `pytest --assistants-explore`."""
    client = Client.of_test(test, partial(test, **fixtures), fixtures)
    return _explored(Stage(assistants, client), budget, endings)


def _explored(stage: Stage, budget: int, endings: Iterable[str]) -> Findings:
    of_these = matching_endings(endings, usage='explore(…, endings=["{}"])')
    left_out: list[str] = []
    try:
        usual, requests = stage.rehearse()
        outcome: Outcome | None = usual
        outcomes = {usual.situation.name: usual}
        for situation in islice(situations(requests, stage.roots, of_these), max(budget - 1, 0)):
            outcome = stage.play(situation)
            if outcome is None:
                left_out.append(situation.name)
                continue
            outcomes[situation.name] = outcome
            if outcome.verdict is Verdict.HUNG:  # what has stopped it may have ended more
                stage.check_alive(outcomes.values(), outcome)
        stage.check_alive(outcomes.values(), outcome)
    finally:
        stage.close()
    told = [outcome for outcome in outcomes.values() if not _known(outcome, outcomes)]
    return Findings(stage.client.name, told, left_out, len(outcomes))


def _known(outcome: Outcome, outcomes: dict[str, Outcome]) -> bool:
    """Whether a pair only shows what one of its parts does alone."""
    parts = [outcomes[part.name] for part in outcome.situation.parts if part.name in outcomes]
    return any(part.label == outcome.label for part in parts) or (bool(parts) and not outcome.is_bug)
