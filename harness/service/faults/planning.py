"""What all plans have in common: they are written down as the user called them, and may happen or not."""

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
    """One thing that goes wrong.

    Attributes:
        nth: at which of the requests, or events, that it is for.
        times: how often, in a row.
        always: it holds all the time, so nobody can wait for it in vain.
        call: how it was planned: `status(429, nth=2)`.
        struck: how often it has happened.
    """

    nth: int = 1
    times: int = 1
    always: bool = False
    call: str = ""
    struck: int = field(default=0, init=False)

    @property
    def in_vain(self) -> bool:
        return not self.struck and not self.always

    def __str__(self) -> str:
        mark = "" if not self.struck else "   # struck" + (f" {self.struck} times" if self.struck > 1 else "")
        return f"assistants.faults.{self.call}{mark}"


class _Book(Protocol):
    planned: list[Plan]


B = TypeVar("B", bound=_Book)


def planning(make: Callable[Concatenate[B, P], Plan]) -> Callable[Concatenate[B, P], None]:
    """A method that keeps the plan it makes, together with the call as the user wrote it.

    Raises, from the method:
        HarnessFailure: `nth` or `times` is not positive.
    """

    @wraps(make)
    def planned(self: B, /, *args: P.args, **kwargs: P.kwargs) -> None:
        plan = make(self, *args, **kwargs)
        plan.call = written(make.__name__, args, kwargs)
        for name in ("nth", "times"):
            if getattr(plan, name) < 1:
                raise HarnessFailure(f"faults.{plan.call}: {name} counts from 1.", do=f"{name}=1")
        self.planned.append(plan)

    return planned


def written(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    """A call as it stands in a test.

    >>> written("status", (429,), {"on": "GET /files", "nth": 2})
    'status(429, on="GET /files", nth=2)'
    """
    given = [*map(_literal, args), *(f"{key}={_literal(value)}" for key, value in kwargs.items())]
    return f"{name}({', '.join(given)})"


def _literal(value: object) -> str:
    """A value as it is written, with the quotes that formatters like; a function by its name."""
    if isinstance(value, str):
        return to_json(value).decode()  # what JSON escapes, Python reads alike
    return getattr(value, "__name__", None) or repr(value)
