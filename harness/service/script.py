"""Where a run takes its acts from: a script, and how far each run has come in it."""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from harness.failures import HarnessFailure
from harness.service.acts import ACTS, ENDS, Act, Call, Calls, Fail, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.service.records import Usage
    from harness.service.views import RunView

MISSED = 5  # runs that a script tells of


@dataclass
class Script:
    """Acts, or a function that gives them, for one run or for many; `origin` is the user's own line.

    `ids` are those that a run's steps, messages and calls had when it was recorded, by prefix and in their order;
    `usage` is what the run and its steps cost then, by their ids. What it does not name costs what the fake counts.
    `expected` says whether it is to be told when no run takes it; `missed` are the newest user messages of the last
    runs that did not meet its conditions.
    """

    source: tuple[Act, ...] | Callable[[RunView], object]
    origin: str
    taken_by: list[str] = field(default_factory=list)
    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    usage: Mapping[str, Usage] = field(default_factory=dict)
    expected: bool = True
    missed: deque[str] = field(default_factory=lambda: deque(maxlen=MISSED))

    def __deepcopy__(self, memo: dict[int, object]) -> Script:
        """Acts are values, and a function is the user's: be it a method, what it belongs to is not copied."""
        return replace(self, taken_by=list(self.taken_by), missed=self.missed.copy())


@dataclass
class Playback:
    """Where one run stands in its script; `over` when that has no more to give than the `acts` that are left.

    A generator cannot be copied, and a snapshot copies everything: so what it was given and what was sent into it is
    kept, and a copied playback starts its generator anew with the same.
    """

    script: Script
    acts: list[Act] = field(default_factory=list)
    over: bool = False
    given: RunView | None = None
    sent: list[object] = field(default_factory=list)
    ids: dict[str, list[str]] = field(default_factory=dict)
    _generator: Generator[object, object, object] | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> Playback:
        ids = {prefix: list(left) for prefix, left in self.ids.items()}
        return Playback(self.script, list(self.acts), self.over, self.given, list(self.sent), ids)

    def next_id(self, prefix: str) -> str | None:
        """The id that the script has for the next object of this kind, if it has one."""
        left = self.ids.get(prefix)
        return left.pop(0) if left else None

    def peek(self, view: Callable[[], RunView]) -> Act | None:
        """The act that comes next, without taking it; None when the script is at its end."""
        if not self.acts:
            self.acts = self._more(view, None)
        return self.acts[0] if self.acts else None

    def take(self) -> Act:
        """Take the act that `peek` showed."""
        return self.acts.pop(0)

    def put(self, act: Act) -> Act:
        """Let this act come next."""
        self.acts.insert(0, act)
        return act

    def answer(self, view: Callable[[], RunView], outputs: object) -> None:
        """Hand the tool outputs to the generator that asked for them."""
        if not self.acts:
            self.acts = self._more(view, outputs)

    def beats_cancel(self) -> bool:
        """Whether the act under way, or a failure right behind it, is done before a cancellation.

        What is behind a function call comes only after a client has answered.
        """
        if not self.acts or isinstance(self.acts[0], Call | Calls):
            return False
        under_way, *behind = self.acts[:2]
        done = [under_way, *(act for act in behind if isinstance(act, Fail))]
        return any(getattr(act, "beats_cancel", False) for act in done)

    def _more(self, view: Callable[[], RunView], value: object) -> list[Act]:
        if self.over:
            return []
        source = self.script.source
        if not callable(source):  # acts that were checked when they were written down
            self.over = True
            return list(source)
        try:
            given = self._asked(source, view, value)
        except Exception as error:
            raise raised(f"{self.script.origin}: the model function", error) from error
        return list(as_acts(given, where=self.script.origin))

    def _asked(self, model: Callable[[RunView], object], view: Callable[[], RunView], value: object) -> object:
        """What the function gives, or its generator, whatever wraps it, when it is sent this value."""
        again: list[object] = []
        if self._generator is None:
            run = self.given or view()
            made = at_once(model(run), f"{self.script.origin}: the model", "def model(run): ...")
            if not isinstance(made, Generator):
                self.over = True  # a plain function has given all at once
                return () if made is None else made
            self._generator, self.given, again = made, run, list(self.sent)
        try:
            for earlier in again:
                self._generator.send(earlier)
            self.sent.append(value if self.sent else None)
            return self._generator.send(self.sent[-1])
        except StopIteration as stop:
            self.over, self.given = True, None
            return () if stop.value is None else stop.value


def at_once(given: object, function: str, do: str) -> object:
    """What a function of the user's has given, if that is to be had without waiting.

    Raises:
        HarnessFailure: the function is async.
    """
    if inspect.isawaitable(given):
        getattr(given, "close", lambda: None)()
        raise HarnessFailure(f"{function} is an async function, and nothing awaits it.", do=f"{do}   # without async")
    return given


def raised(function: str, error: Exception) -> HarnessFailure:
    """A function of the user's has raised: that is not the fake's fault."""
    return HarnessFailure(
        f"{function} raised {type(error).__name__}: {error}", do="Its traceback stands above this one."
    )


def as_acts(given: object, *, where: str) -> tuple[Act, ...]:
    """What a user wrote down as acts, checked: a text is `say(text)`, and nothing follows an ending.

    Raises:
        HarnessFailure: something is not an act, or an act can never be reached.
    """
    acts: list[Act] = []
    items: Iterable[object] = (given,)
    if isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping, *ACTS)):
        items = given
    for item in items:
        act = say(item) if isinstance(item, str) else item
        if not isinstance(act, ACTS):
            raise HarnessFailure(
                f"{where}: {act!r} is not an act.",
                there_was="Acts are made by say, call, calls, refuse, run_code, search, wait, fail, truncate, "
                "hang and cancel.",
                do="assistants.next_run(*acts)   # each act by itself"
                if isinstance(act, (list, tuple))
                else 'from harness import say\nassistants.next_run(say("…"))',
            )
        if acts and isinstance(acts[-1], ENDS):
            raise HarnessFailure(
                f"{where}: {act!r} can never happen, because {acts[-1]!r} ends the run.",
                do="Remove it, or give it to another run: assistants.next_run(…)",
            )
        acts.append(act)
    return tuple(acts)
