"""Shows at the end of a session how many recorded exchanges the fake answers as the real service did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from recorded_exchanges import STREAMED

if TYPE_CHECKING:
    from collections.abc import Iterable

# endpoint and version: how many exchanges were compared, and how many of them agree
CONFORMANCE = pytest.StashKey[dict[str, tuple[int, int]]]()


@pytest.fixture
def conformance(pytestconfig: pytest.Config) -> dict[str, tuple[int, int]]:
    """The table that is shown; tests add to it."""
    return pytestconfig.stash.setdefault(CONFORMANCE, {})


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    table = config.stash.get(CONFORMANCE, {})
    if not table:
        return
    terminalreporter.section("conformance with recorded traffic")
    if config.get_verbosity() > 0 or "P" in terminalreporter.reportchars:
        for endpoint, counts in sorted(table.items()):
            terminalreporter.line(_line(endpoint, *counts))
    terminalreporter.line(_sum("all", table.values()))
    streams = [counts for endpoint, counts in table.items() if endpoint.endswith(STREAMED)]
    if streams:
        terminalreporter.line(_sum("of these, streams", streams))


def _sum(name: str, counts: Iterable[tuple[int, int]]) -> str:
    return _line(name, *map(sum, zip(*counts, strict=True)))


def _line(name: str, compared: int, agreeing: int) -> str:
    return f"{name:<66}{compared:>6}{agreeing:>6}{agreeing / compared:>9.1%}"
