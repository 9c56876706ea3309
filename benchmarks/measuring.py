"""Measures candidates in turns, and compares medians."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Result:
    """One line of the table: what was measured, in `x` (times as long as something else), `µs`, `ms` or `MB`."""

    name: str
    measured: float
    target: float
    unit: str

    @property
    def ok(self) -> bool:
        return self.measured <= self.target


class Times:
    """Seconds that each candidate took in each round; a busy moment of the machine affects all of them.

    Args:
        turn: calls in a row at each turn, as the first one finds the processor's caches filled by another candidate.
    """

    def __init__(self, rounds: int, *, turn: int = 1, **candidates: Callable[[], object]) -> None:
        self._seconds: dict[str, list[float]] = {name: [] for name in candidates}
        order = list(candidates)
        for name in order:
            candidates[name]()  # a warm-up: what is built on first use does not count
        for _ in range(rounds):
            for name in order:
                candidate = candidates[name]
                started = perf_counter()
                for _ in range(turn):
                    candidate()
                self._seconds[name].append((perf_counter() - started) / turn)
            order.reverse()  # so that no candidate always runs after the same other one

    def ratio(self, name: str, to: str) -> float:
        return median(a / b for a, b in zip(self._seconds[name], self._seconds[to], strict=True))

    def difference(self, name: str, to: str) -> float:
        return median(a - b for a, b in zip(self._seconds[name], self._seconds[to], strict=True))

    def median(self, name: str) -> float:
        return median(self._seconds[name])
