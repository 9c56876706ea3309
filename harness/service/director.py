"""Which run gets which script."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.service.acts import say
from harness.service.script import Playback, Script, require_sync, user_function_raised

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.service.views import RunView

PLACEHOLDER = say("This is a placeholder answer of the fake assistant.")

# The conditions of `when(…)`, each with a function that reads the value from the run.
CONDITIONS: dict[str, Callable[[RunView], object]] = {
    "message": lambda run: run.message,
    "assistant": lambda run: (run.assistant_id, run.assistant_name),
    "thread": lambda run: run.thread_id,
    "model": lambda run: run.model,
    "instructions": lambda run: run.instructions or "",
    "metadata": lambda run: run.metadata,
}
# Conditions that are met by a substring; the others compare the whole value.
MATCHED_BY_SUBSTRING = frozenset({"message", "instructions"})
# What a condition can be compared with, and an example.
TEXT = ("a text, a compiled pattern of text", '"…"')
PAIRS = ("pairs of texts that the run has", '{"user": "1"}')


def _matches(name: str, wanted: Any, actual: Any) -> bool:
    if name == "assistant":
        return any(_matches("", wanted, value) for value in actual if value is not None)
    if isinstance(wanted, re.Pattern):
        return wanted.search(actual) is not None
    if name == "metadata":
        return all(actual.get(key) == value for key, value in wanted.items())
    return bool(wanted in actual if name in MATCHED_BY_SUBSTRING else wanted == actual)


@dataclass
class Rule:
    """A script for the runs that meet every condition."""

    conditions: Mapping[str, object]
    script: Script

    def __deepcopy__(self, memo: dict[int, object]) -> Rule:
        """The conditions are not copied: they may hold functions of the user."""
        return replace(self, script=copy.deepcopy(self.script, memo))

    def matches(self, run: RunView) -> bool:
        matched = all(self._meets(name, wanted, CONDITIONS[name](run)) for name, wanted in self.conditions.items())
        if not matched:
            self.script.unmatched.append(run.message)
        return matched

    def _meets(self, name: str, wanted: Any, actual: Any) -> bool:
        if not callable(wanted):
            return _matches(name, wanted, actual)
        function = f"{self.script.origin}: the function for {name}"
        try:
            given = wanted(actual[1] or actual[0] if name == "assistant" else actual)
            return bool(require_sync(given, function, f"assistants.when({name}=lambda {name}: …).run(…)"))
        except Exception as error:
            raise user_function_raised(function, error) from error


class UnfinishedRule(Rule):
    """Conditions that no script follows yet: `when(…)` without `.run(…)`."""

    def matches(self, run: RunView) -> bool:
        return False


def check_conditions(conditions: Mapping[str, object], *, where: str) -> None:
    """
    Raises:
        HarnessFailure: a condition does not exist (with the nearest that does), or nothing can be compared with it.
    """
    for name, wanted in conditions.items():
        if name not in CONDITIONS:
            nearest = difflib.get_close_matches(name, CONDITIONS, n=1)
            raise HarnessFailure(
                f"{where}: when(…) has no condition {name!r}.",
                there_was=f"Its conditions are {', '.join(CONDITIONS)}.",
                do=f"assistants.when({nearest[0] if nearest else 'message'}=…).run(…)",
            )
        if not (callable(wanted) or _comparable(name, wanted)):
            takes, example = PAIRS if name == "metadata" else TEXT
            raise HarnessFailure(
                f"{where}: when(…) cannot compare {name} with {wanted!r:.200}.",
                there_was=f"It takes {takes}, or a function that is given what the run has.",
                do=f"assistants.when({name}={example}).run(…)",
            )


def _comparable(name: str, wanted: object) -> bool:
    if name == "metadata":
        return isinstance(wanted, Mapping) and all(isinstance(text, str) for pair in wanted.items() for text in pair)
    return isinstance(wanted.pattern if isinstance(wanted, re.Pattern) else wanted, str)


@dataclass
class Director:
    """The scripts of one fake. A rule claims a run first, then the queue, then the script for every run."""

    rules: list[Rule] = field(default_factory=list)
    queue: list[Script] = field(default_factory=list)
    default: Script | None = None
    reserved: Script | None = None
    """The script of the very next run, before all others: that of the recorded run that is being replayed."""

    def assign(self, run_id: str, view: Callable[[], RunView]) -> Playback:
        """Choose the script for a new run; `view` makes the view of it that conditions read.

        Raises:
            HarnessFailure: there were only scripts for single runs, and all are taken.
        """
        script = self.reserved or self._choose(view)
        script.taken_by.append(run_id)
        return Playback(script, ids={prefix: list(ids) for prefix, ids in script.ids.items()})

    def _choose(self, view: Callable[[], RunView]) -> Script:
        if self.rules:
            run = view()
            for rule in tuple(self.rules):  # a condition may add a rule meanwhile
                if rule.matches(run):
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
        """Scripts that no run took: those of the queue, and of rules that never matched."""
        return [script for script in self._expectable() if script.expected and not script.taken_by]

    def allow_unused(self) -> None:
        """Accept that scripts planned so far stay unused."""
        for script in self._expectable():
            script.expected = False

    def _expectable(self) -> Iterator[Script]:
        yield from self.queue
        yield from (rule.script for rule in self.rules)
