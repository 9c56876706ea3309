"""Which run gets which script."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.service.acts import say
from harness.service.script import Playback, Script

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from harness.service.views import RunView

PLACEHOLDER = say("This is a placeholder answer of the fake assistant.")

# What `when(…)` can ask about, each a way to read it from the run.
CONDITIONS: dict[str, Callable[[RunView], object]] = {
    "message": lambda run: run.message,
    "assistant": lambda run: (run.assistant_id, run.assistant_name),
    "thread": lambda run: run.thread_id,
    "model": lambda run: run.model,
    "instructions": lambda run: run.instructions or "",
    "metadata": lambda run: run.metadata,
}
# Long texts match by what they contain, names and ids by what they are.
CONTAINED = frozenset({"message", "instructions"})


def _matches(name: str, wanted: Any, actual: Any) -> bool:
    if callable(wanted):
        return bool(wanted(actual[1] or actual[0] if name == "assistant" else actual))
    if name == "assistant":
        return any(_matches("", wanted, value) for value in actual if value is not None)
    if isinstance(wanted, re.Pattern):
        return wanted.search(actual) is not None
    if name == "metadata":
        return all(actual.get(key) == value for key, value in wanted.items())
    return bool(wanted in actual if name in CONTAINED else wanted == actual)


@dataclass
class Rule:
    """A script for the runs that meet every condition."""

    conditions: Mapping[str, object]
    script: Script

    def fits(self, run: RunView) -> bool:
        return all(_matches(name, wanted, CONDITIONS[name](run)) for name, wanted in self.conditions.items())


def check_conditions(conditions: Mapping[str, object], *, where: str) -> None:
    """Raises HarnessFailure for a condition that does not exist, with the nearest that does."""
    for name in conditions:
        if name not in CONDITIONS:
            nearest = difflib.get_close_matches(name, CONDITIONS, n=1)
            raise HarnessFailure(
                f"{where}: when(…) cannot ask about {name!r}.",
                there_was=f"It can ask about {', '.join(CONDITIONS)}.",
                do=f"assistants.when({nearest[0] if nearest else 'message'}=…).run(…)",
            )


@dataclass
class Director:
    """The scripts of one fake. A rule claims a run first, then the queue, then the script for every run."""

    rules: list[Rule] = field(default_factory=list)
    queue: list[Script] = field(default_factory=list)
    default: Script | None = None
    booked: Script | None = None
    """For the very next run, before all others: what a recording tells of it."""

    def cast(self, run_id: str, view: Callable[[], RunView]) -> Playback:
        """Choose the script for a new run; `view` shows it to the rules, if there are any.

        Raises:
            HarnessFailure: there were scripts for single runs, they are all taken, and this is one run more.
        """
        script = self.booked or self._choose(view)
        script.taken_by.append(run_id)
        return Playback(script, ids={prefix: list(ids) for prefix, ids in script.ids.items()})

    def _choose(self, view: Callable[[], RunView]) -> Script:
        if self.rules:
            run = view()
            for rule in self.rules:
                if rule.fits(run):
                    return rule.script
        for script in self.queue:
            if not script.taken_by:
                return script
        if self.default is not None:
            return self.default
        if self.queue:
            run = view()
            raise HarnessFailure(
                f"No script is left for the run on {run.thread_id} (newest user message: {run.message!r}).",
                there_was="Scripts that are taken:\n"
                + "\n".join(f"    {script.origin}, by {script.taken_by[0]}" for script in self.queue),
                do='assistants.next_run(say("…"))    # once more\n'
                'assistants.every_run(say("…"))   # or the same for all others',
            )
        return Script((PLACEHOLDER,), "nothing scripted")

    def unused(self) -> list[Script]:
        """Scripts that no run took: of the queue, and of rules that never fitted."""
        return [script for script in self._planned() if script.expected and not script.taken_by]

    def expect_nothing(self) -> None:
        """What is scripted by now may be left unused."""
        for script in self._planned():
            script.expected = False

    def _planned(self) -> Iterator[Script]:
        yield from self.queue
        yield from (rule.script for rule in self.rules)
