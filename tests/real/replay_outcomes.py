"""What became of all recordings when they were played to the fake: done once, for all tests that look at it."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from evidence import Evidence
from recorded_exchanges import SHARED, Exchange, bare_objects, bare_streams, conversations, folder, read
from replayer import Outcome, replay

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from differences import Difference, Known

KNOWN = Path(__file__).with_name("differences.json")
ABSENT = f"no recordings in {folder()}; name the folder that holds them in {SHARED}"
needs_recordings = pytest.mark.skipif(not folder().is_dir(), reason=ABSENT)


@cache
def recordings() -> list[Exchange]:
    return read(folder())


@cache
def outcomes() -> list[Outcome]:
    """What became of every exchange that is compared."""
    by_source: dict[str, list[Exchange]] = defaultdict(list)
    for exchange in recordings():
        if exchange.has_envelope:
            by_source[exchange.source].append(exchange)
    evidence = {source: Evidence(sorted(rows, key=lambda row: row.at or 0.0)) for source, rows in by_source.items()}
    played = [
        outcome
        for conversation in conversations(recordings())
        for outcome in replay(conversation, evidence[conversation.exchanges[0].source])
    ]
    bare = [*bare_objects(recordings()), *bare_streams(recordings())]
    return played + [
        outcome for conversation in bare for outcome in replay(conversation, Evidence(conversation.exchanges))
    ]


def explained(outcome: Outcome, known: list[Known]) -> Iterator[tuple[Difference, tuple[int, str] | None]]:
    """Each difference with the place of the entry that knows it."""
    for difference in outcome.differences:
        holds = ((place, entry.holds(outcome.exchange, outcome.day, difference)) for place, entry in enumerate(known))
        yield difference, next(((place, path) for place, path in holds if path is not None), None)


def unknown(played: Iterable[Outcome], known: list[Known]) -> list[str]:
    """The differences that no entry knows, each with the exchange it is in."""
    return [
        f"{outcome.exchange.place} ({outcome.day})\n    {difference}"
        for outcome in played
        for difference, entry in explained(outcome, known)
        if entry is None
    ]


def stale(played: Iterable[Outcome], known: list[Known]) -> list[str]:
    """What the entries know that is not so any more."""
    matched = {entry for outcome in played for _, entry in explained(outcome, known)}
    return [
        f"{entry.route} {entry.version}: {path or '(whole)'}: {entry.differences[path]}"
        for place, entry in enumerate(known)
        for path in entry.differences
        if (place, path) not in matched
    ]


def shares(played: Iterable[Outcome]) -> dict[str, tuple[int, int]]:
    """By endpoint and version, how many exchanges were compared, and how many of them agree in everything."""
    table: dict[str, tuple[int, int]] = {}
    for outcome in played:
        compared, agreeing = table.get(outcome.exchange.name, (0, 0))
        table[outcome.exchange.name] = (compared + 1, agreeing + (not outcome.differences))
    return table
