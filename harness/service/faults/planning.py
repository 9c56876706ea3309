"""What all planned faults have in common: the call that planned them, and how often they have happened."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Concatenate, ParamSpec, Protocol, TypeVar

from pydantic_core import to_json

from harness.failures import HarnessFailure

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

P = ParamSpec("P")


@dataclass(eq=False, kw_only=True)
class Plan:
    """One planned fault.

    Attributes:
        nth: at which of the matching requests or events it happens, counted from 1.
        times: how often in a row.
        always: it applies to everything, so it never counts as unused.
        call: the call that planned it: `status(429, nth=2)`.
        occurrences: how often it has happened.
    """

    nth: int = 1
    times: int = 1
    always: bool = False
    call: str = ""
    occurrences: int = field(default=0, init=False)

    @property
    def unused(self) -> bool:
        return not self.occurrences and not self.always

    def __str__(self) -> str:
        times = f" {self.occurrences} times" if self.occurrences > 1 else ""
        mark = f"   # happened{times}" if self.occurrences else ""
        return f"assistants.faults.{self.call}{mark}"


class _HasPlans(Protocol):
    planned: list[Plan]


Owner = TypeVar("Owner", bound=_HasPlans)


def planning(make: Callable[Concatenate[Owner, P], Plan]) -> Callable[Concatenate[Owner, P], None]:
    """Decorate a method that makes a plan: the plan is kept, together with the source of the call.

    Raises, from the method:
        HarnessFailure: `nth` or `times` is not positive.
    """

    @wraps(make)
    def planned(self: Owner, /, *args: P.args, **kwargs: P.kwargs) -> None:
        plan = make(self, *args, **kwargs)
        plan.call = call_source(make.__name__, args, kwargs)
        for name in ("nth", "times"):
            if not isinstance(number := getattr(plan, name), int) or number < 1:
                raise HarnessFailure(f"faults.{plan.call}: {name} counts from 1.", do=f"{name}=1")
        self.planned.append(plan)

    return planned


def call_source(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """The source of a call.

    >>> call_source("status", (429,), {"on": "GET /files", "nth": 2})
    'status(429, on="GET /files", nth=2)'
    """
    given = [*map(_literal, args), *(f"{key}={_literal(value)}" for key, value in kwargs.items())]
    return f"{name}({', '.join(given)})"


def _literal(value: object) -> str:
    """The source of a value, with double quotes as formatters prefer; a function by its name."""
    if isinstance(value, str):
        return to_json(value).decode()  # JSON's escapes are valid in Python too
    return getattr(value, "__name__", None) or repr(value)
