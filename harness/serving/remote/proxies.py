"""Proxies for the clock, the faults and the rules of a fake at a server; and scripts as the data that is sent."""

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
    from harness.serving.remote.control_client import ControlClient

    AsFaults = Faults  # for type checkers, the methods are those of the faults in one process
    Play = Callable[[Mapping[str, Any]], object]
else:
    AsFaults = object

# The flags of a pattern as letters for `(?…)`; `re.UNICODE` is the default.
FLAGS = {re.ASCII: "a", re.IGNORECASE: "i", re.MULTILINE: "m", re.DOTALL: "s", re.VERBOSE: "x"}


class RemoteClock:
    """The clock of a served world: `now`, `policy` and `advance` of `harness.service.clock.Clock`."""

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    @property
    def now(self) -> float:
        return self._state().now

    @property
    def policy(self) -> ClockPolicy:
        return self._state().policy

    @policy.setter
    def policy(self, policy: ClockPolicy) -> None:
        self._control.post("/clock", ClockState, {"policy": policy})

    def advance(self, seconds: float) -> None:
        """Let virtual time pass.

        Raises:
            HarnessFailure: `seconds` is negative, or more than a century.
        """
        self._control.post("/clock", ClockState, {"advance": seconds})

    def _state(self) -> ClockState:
        state: ClockState = self._control.get("/clock", ClockState)
        return state


class RemoteFaults(AsFaults):
    """The methods of `assistants.faults`; prints as the planned faults, and which have happened."""

    def __init__(self, control: ControlClient, play: Play) -> None:
        self._control = control
        self._play = play

    def __getattr__(self, name: str) -> Any:
        if name not in FAULT_METHODS:
            raise AttributeError(f"assistants.faults has no {name!r}")

        def plan(*args: Any, **kwargs: Any) -> None:
            if any(map(callable, (*args, *kwargs.values()))):
                raise cannot_be_sent(
                    f"faults.{name}(…) with a function", "assistants.cancel_runs()   # between two requests"
                )
            self._play({"faults": [fault_as_data(name, args, kwargs)]})

        return plan

    def __str__(self) -> str:
        planned: PlannedFaults = self._control.get("/faults", PlannedFaults)
        return "\n".join(planned.planned) or str(Faults())

    __repr__ = __str__


# The methods that plan a fault, which `@planning` wraps.
FAULT_METHODS = frozenset(name for name, member in inspect.getmembers(Faults) if hasattr(member, "__wrapped__"))


def fault_as_data(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> dict[str, object]:
    """A call of a method of `Faults`, in the form of a scenario.

    >>> fault_as_data("status", (429,), {"on": "GET /files"}), fault_as_data("crlf", (), {})
    ({'status': 429, 'on': 'GET /files'}, {'crlf': True})
    """
    signature = inspect.signature(getattr(Faults, name))
    _, *parameters = signature.parameters.values()
    given = signature.bind(None, *args, **kwargs).arguments
    first = next((each.name for each in parameters[:1] if each.kind is not each.KEYWORD_ONLY), None)
    others = {each.name: given[each.name] for each in parameters if each.name in given and each.name != first}
    return {name: given.get(first or "", True), **others}


class RemoteWhen:
    """What `assistants.when(…)` returns: the conditions of a rule."""

    def __init__(self, play: Play, conditions: Mapping[str, object]) -> None:
        self._play = play
        self._conditions = {name: _condition(name, value) for name, value in conditions.items()}

    def run(self, *acts: object) -> None:
        """Set what the model does in every run that meets the conditions.

        Raises:
            HarnessFailure: the acts cannot follow each other, or one is a function.
        """
        self._play({"when": [{**self._conditions, "run": acts_as_data(acts, "when(…).run")}]})


def acts_as_data(acts: tuple[object, ...], method: str) -> list[dict[str, Any]]:
    """Acts as data.

    Raises:
        HarnessFailure: something is not an act, an act can never happen, or it is a function.
    """
    if any(map(callable, acts)):
        raise cannot_be_sent(
            f"A model function, as {method}(…) was given one,", 'assistants.when(message="…").run(say("…"))'
        )
    return [scenarios.data(act) for act in as_acts(acts, where=f"{method}(…) at {call_site()}")]


def _condition(name: str, value: object) -> object:
    if callable(value):
        raise cannot_be_sent(
            f"A function, as when({name}=…) was given one,", f'assistants.when({name}=re.compile("…"))'
        )
    if isinstance(value, re.Pattern):
        flags = "".join(letter for flag, letter in FLAGS.items() if value.flags & flag)
        return {"matches": f"(?{flags}){value.pattern}" if flags else value.pattern}
    return value


def cannot_be_sent(what: str, do: str) -> HarnessFailure:
    """The failure for a function, which a server cannot call."""
    return HarnessFailure(f"{what} stays in this process: the server cannot call it.", do=do)
