"""Scripts, from which runs take their acts, and how far each run has come in its script."""

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

MAX_UNMATCHED = 5  # runs that a script remembers


@dataclass
class Script:
    """Acts, or a function that gives them, for one run or for many; `origin` is the user's own line.

    `ids` are the recorded ids of a run's steps, messages and calls, by prefix and in their order; `usage` is the
    recorded usage of the run and its steps, by their ids, in place of what the fake counts. `expected` says whether it
    is an error if no run takes it; `unmatched` are the newest user messages of the last runs that did not meet its
    conditions.
    """

    source: tuple[Act, ...] | Callable[[RunView], object]
    origin: str
    taken_by: list[str] = field(default_factory=list)
    ids: Mapping[str, Sequence[str]] = field(default_factory=dict)
    usage: Mapping[str, Usage] = field(default_factory=dict)
    expected: bool = True
    unmatched: deque[str] = field(default_factory=lambda: deque(maxlen=MAX_UNMATCHED))

    def __deepcopy__(self, memo: dict[int, object]) -> Script:
        """The source is not copied: acts are values, and a function, or the object of a method, is the user's."""
        return replace(self, taken_by=list(self.taken_by), unmatched=self.unmatched.copy())


@dataclass
class Playback:
    """How far one run has come in its script: `acts` come next; if `exhausted`, there are no more after them.

    A snapshot cannot copy a generator. So its argument (`run_view`) and all that was `sent` into it are kept, and a
    copied playback starts the generator again with the same.
    """

    script: Script
    acts: list[Act] = field(default_factory=list)
    exhausted: bool = False
    run_view: RunView | None = None
    sent: list[object] = field(default_factory=list)
    ids: dict[str, list[str]] = field(default_factory=dict)
    _generator: Generator[object, object, object] | None = None

    def __deepcopy__(self, memo: dict[int, object]) -> Playback:
        ids = {prefix: list(left) for prefix, left in self.ids.items()}
        return Playback(self.script, list(self.acts), self.exhausted, self.run_view, list(self.sent), ids)

    def next_id(self, prefix: str) -> str | None:
        """The recorded id for the next object of this kind, if the script has one."""
        left = self.ids.get(prefix)
        return left.pop(0) if left else None

    def peek(self, view: Callable[[], RunView]) -> Act | None:
        """The act that comes next, without taking it; None at the end of the script."""
        if not self.acts:
            self.acts = self._next_acts(view, None)
        return self.acts[0] if self.acts else None

    def take(self) -> Act:
        """Take the act that `peek` showed."""
        return self.acts.pop(0)

    def insert(self, act: Act) -> Act:
        """Insert an act that comes next, and return it."""
        self.acts.insert(0, act)
        return act

    def resume(self, view: Callable[[], RunView], outputs: object) -> None:
        """Send tool outputs, or what a cell printed, to the generator that waits for them."""
        if not self.acts:
            self.acts = self._next_acts(view, outputs)

    def beats_cancel(self) -> bool:
        """Whether the current act, or a failure directly after it, happens although the run is cancelled.

        After a function call nothing can: it waits for a client.
        """
        if not self.acts or isinstance(self.acts[0], Call | Calls):
            return False
        current, *following = self.acts[:2]
        performed = [current, *(act for act in following if isinstance(act, Fail))]
        return any(getattr(act, "beats_cancel", False) for act in performed)

    def _next_acts(self, view: Callable[[], RunView], value: object) -> list[Act]:
        if self.exhausted:
            return []
        source = self.script.source
        if not callable(source):  # acts, which were checked when the script was made
            self.exhausted = True
            return list(source)
        try:
            given = self._call_model(source, view, value)
        except Exception as error:
            raise user_function_raised(f"{self.script.origin}: the model function", error) from error
        return list(as_acts(given, where=self.script.origin))

    def _call_model(self, model: Callable[[RunView], object], view: Callable[[], RunView], value: object) -> object:
        """The next result of the model function: its return value, or what its generator yields for `value`."""
        to_resend: list[object] = []
        if self._generator is None:
            run = self.run_view or view()
            made = require_sync(model(run), f"{self.script.origin}: the model", "def model(run): ...")
            if not isinstance(made, Generator):
                self.exhausted = True  # a function that is no generator returns all acts at once
                return () if made is None else made
            self._generator, self.run_view, to_resend = made, run, list(self.sent)
        try:
            for earlier in to_resend:
                self._generator.send(earlier)
            self.sent.append(value if self.sent else None)
            return self._generator.send(self.sent[-1])
        except StopIteration as stop:
            self.exhausted, self.run_view = True, None
            return () if stop.value is None else stop.value


def require_sync(given: object, function: str, do: str) -> object:
    """The result of a user's function.

    Raises:
        HarnessFailure: it is awaitable, because the function is async.
    """
    if inspect.isawaitable(given):
        getattr(given, "close", lambda: None)()
        raise HarnessFailure(f"{function} is an async function, and nothing awaits it.", do=f"{do}   # without async")
    return given


def user_function_raised(function: str, error: Exception) -> HarnessFailure:
    """The failure for an error in a function of the user."""
    return HarnessFailure(f"{function} raised {type(error).__name__}: {error}", do="Its traceback is above this one.")


def as_acts(given: object, *, where: str) -> tuple[Act, ...]:
    """The acts in a user's value: one or several, where a text stands for `say(text)`.

    Raises:
        HarnessFailure: something is not an act, or an act follows one that ends the run.
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
