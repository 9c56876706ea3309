"""Parts of a fake at a server: its clock, its faults, and scripts as data on their way there."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any

from harness import scenarios
from harness.failures import HarnessFailure
from harness.scripting import call_site
from harness.service.faults import Faults
from harness.service.script import as_acts
from harness.serving.control.shapes import ClockState, PlannedFaults

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.service.settings import ClockPolicy
    from harness.serving.remote.link import Link

    AsFaults = Faults  # for type checkers, the methods are those of the faults in one process
    Play = Callable[[Mapping[str, Any]], object]
else:
    AsFaults = object

# The flags of a pattern as they stand in front of one; `re.UNICODE` goes without saying.
FLAGS = {re.ASCII: "a", re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x"}


class RemoteClock:
    """The clock of a served world: `now`, `policy` and `advance` of `harness.service.clock.Clock`."""

    def __init__(self, link: Link) -> None:
        self._link = link

    @property
    def now(self) -> float:
        return self._face().now

    @property
    def policy(self) -> ClockPolicy:
        return self._face().policy

    @policy.setter
    def policy(self, policy: ClockPolicy) -> None:
        self._link.post("/clock", ClockState, {"policy": policy})

    def advance(self, seconds: float) -> None:
        """Let virtual time pass.

        Raises:
            HarnessFailure: `seconds` is negative, or more than a century.
        """
        self._link.post("/clock", ClockState, {"advance": seconds})

    def _face(self) -> ClockState:
        face: ClockState = self._link.get("/clock", ClockState)
        return face


class RemoteFaults(AsFaults):
    """The methods of `assistants.faults`; printed, what was planned and what has happened."""

    def __init__(self, link: Link, play: Play) -> None:
        self._link = link
        self._play = play

    def __getattr__(self, name: str) -> Any:
        if name not in PLANNED:
            raise AttributeError(f"assistants.faults has no {name!r}")

        def plan(*args: Any, **kwargs: Any) -> None:
            if any(map(callable, (*args, *kwargs.values()))):
                raise stays_here(
                    f"faults.{name}(…) with a function", "assistants.cancel_runs()   # between two requests"
                )
            self._play({"faults": [fault_as_data(name, args, kwargs)]})

        return plan

    def __str__(self) -> str:
        planned: PlannedFaults = self._link.get("/faults", PlannedFaults)
        return "\n".join(planned.planned) or str(Faults())

    __repr__ = __str__


# What plans a fault: `@planning` wraps it.
PLANNED = frozenset(name for name, member in inspect.getmembers(Faults) if hasattr(member, "__wrapped__"))


def fault_as_data(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
    """A call of a fault's method, as a scenario has it.

    >>> fault_as_data("status", (429,), {"on": "GET /files"}), fault_as_data("crlf", (), {})
    ({'status': 429, 'on': 'GET /files'}, {'crlf': True})
    """
    signature = inspect.signature(getattr(Faults, name))
    _, *parameters = signature.parameters.values()
    given = signature.bind(None, *args, **kwargs).arguments
    subject = next((each.name for each in parameters[:1] if each.kind is not each.KEYWORD_ONLY), None)
    others = {each.name: given[each.name] for each in parameters if each.name in given and each.name != subject}
    return {name: given.get(subject or "", True), **others}


class RemoteWhen:
    """The first half of `assistants.when(…).run(…)`."""

    def __init__(self, play: Play, conditions: Mapping[str, object]) -> None:
        self._play = play
        self._conditions = {name: _condition(name, value) for name, value in conditions.items()}

    def run(self, *acts: object) -> None:
        """What the model does in every run that fits.

        Raises:
            HarnessFailure: the acts cannot follow each other, or one is a function.
        """
        self._play({"when": [{**self._conditions, "run": acts_as_data(acts, "when(…).run")}]})


def acts_as_data(acts: tuple[object, ...], method: str) -> list[dict[str, Any]]:
    """What a user wrote as acts, checked, as data."""
    if any(map(callable, acts)):
        raise stays_here(
            f"A model function, as {method}(…) was given one,", 'assistants.when(message="…").run(say("…"))'
        )
    return [scenarios.data(act) for act in as_acts(acts, where=f"{method}(…) at {call_site()}")]


def _condition(name: str, value: object) -> object:
    if callable(value):
        raise stays_here(f"A function, as when({name}=…) was given one,", f'assistants.when({name}=re.compile("…"))')
    if isinstance(value, re.Pattern):
        flags = "".join(letter for flag, letter in FLAGS.items() if value.flags & flag)
        return {"matches": f"(?{flags}){value.pattern}" if flags else value.pattern}
    return value


def stays_here(what: str, do: str) -> HarnessFailure:
    """The complaint about what no server can call."""
    return HarnessFailure(f"{what} stays in this process: the server cannot call it.", do=do)
