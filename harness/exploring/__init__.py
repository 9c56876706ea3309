"""`explore`: runs a client under every ending, timing and fault, and judges the outcomes.

`situations.py` enumerates what can happen, `runner.py` runs the client in it, `verdicts.py` judges, `findings.py` shows
the results, and `reproduction.py` writes a test for each, in which `expressions.py` refers to the client.
"""

from __future__ import annotations

from contextlib import ExitStack
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from harness.endings import matching_endings
from harness.exploring.findings import Findings
from harness.exploring.reproduction import Client
from harness.exploring.runner import Runner
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
    answer: str | None = None,
    answer_of: Callable[[Any], Any] | None = None,
    assistants: FakeAssistants | None = None,
    **options: Any,
) -> Findings:
    """Run a client under all endings, timings and faults, and report where it hangs, crashes or returns wrong answers.

    The client is called once for each situation, each time from the same initial state; sleep is virtual. The requests
    that it makes when nothing goes wrong determine the faults. Each bug comes with a test that reproduces it.

    Args:
        client: a function without parameters, or with one that takes the `FakeAssistants`; `async` or not. It should
            return the answer, and raise an error or return a falsy value where there is none.
        budget: the highest number of situations. Single endings, timings and faults come first, then pairs, of which
            only those are reported that show something new.
        endings: names or patterns of `harness.endings`, as for the marker `assistants_endings`.
        answer: what the model answers where it does, for a client that can use only a certain form, such as JSON.
        answer_of: extracts the answer from what the client returns, or a falsy value if there is none.
        assistants: a fake to use, with the objects added to it, which the tests for bugs do not contain; by default a
            new one. Afterwards it is as before.
        **options: options of the new fake, as for `fake_assistants`.

    Raises:
        HarnessFailure: the client gives no answer even when nothing goes wrong, or stops working after a situation, or
            makes no requests, or the fake cannot serve it; or options are given together with a fake.

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
            there_was="An existing fake has its own.",
            do=f"@pytest.mark.assistants({', '.join(f'{name}={value!r}' for name, value in options.items())})",
        )
    with ExitStack() as stack:
        fake = assistants or stack.enter_context(fake_assistants(**{"unused": "ignore", **options}))
        return _explore(Runner(fake, Client.of(client, answer_of), answer), budget, endings)


def explore_test(
    test: Callable[..., Any],
    fixtures: Mapping[str, Any],
    assistants: FakeAssistants,
    *,
    budget: int = BUDGET,
    endings: Iterable[str] = ("*",),
    answer: str | None = None,
) -> Findings:
    """Explore a test function with these fixtures, for `pytest --assistants-explore`."""
    client = Client.of_test(test, partial(test, **fixtures), fixtures)
    return _explore(Runner(assistants, client, answer), budget, endings)


def _explore(runner: Runner, budget: int, endings: Iterable[str]) -> Findings:
    selected = matching_endings(endings, usage='explore(…, endings=["{}"])')
    left_out: list[str] = []
    try:
        baseline, requests = runner.run_baseline()
        outcome: Outcome | None = baseline
        outcomes = {baseline.situation.name: baseline}
        for situation in islice(situations(requests, runner.roots, selected), max(budget - 1, 0)):
            outcome = runner.run(situation)
            if outcome is None:
                left_out.append(situation.name)
                continue
            outcomes[situation.name] = outcome
            if outcome.verdict is Verdict.HUNG:  # the failure that stopped it may have broken the client
                runner.check_still_works(outcomes.values(), outcome)
        runner.check_still_works(outcomes.values(), outcome)
    finally:
        runner.close()
    shown = [outcome for outcome in outcomes.values() if not _shown_by_a_part(outcome, outcomes)]
    return Findings(runner.client.name, shown, left_out, len(outcomes))


def _shown_by_a_part(outcome: Outcome, outcomes: dict[str, Outcome]) -> bool:
    """Whether a pair shows nothing that one of its parts does not show alone."""
    parts = [outcomes[part.name] for part in outcome.situation.parts if part.name in outcomes]
    return any(part.label == outcome.label for part in parts) or (bool(parts) and not outcome.is_bug)
