"""The fake answers recorded requests as the real service did.

Each recorded conversation is played to a fake of its day, and every answer is compared: status, keys and their order,
types, nulls, texts of refusals, and all values that the request or the model's script determines. Free are only
timestamps and token counts. What differs must stand in `differences.json` with its reason, and nothing may stand
there that does not differ any more.
"""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from comparing import Difference, Known, known_differences
from evidence import Evidence
from recorded import SHARED, Exchange, bare_objects, conversations, folder, read
from replaying import Outcome, replay, served

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    told = [
        outcome
        for conversation in conversations(recordings())
        for outcome in replay(conversation, evidence[conversation.exchanges[0].source])
    ]
    bare = bare_objects(recordings())
    return told + [
        outcome for conversation in bare for outcome in replay(conversation, Evidence(conversation.exchanges))
    ]


def explained(outcome: Outcome, known: list[Known]) -> Iterator[tuple[Difference, tuple[int, str] | None]]:
    """Each difference with the place of the entry that knows it."""
    for difference in outcome.differences:
        holds = ((place, entry.holds(outcome.exchange, outcome.day, difference)) for place, entry in enumerate(known))
        yield difference, next(((place, path) for place, path in holds if path is not None), None)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each endpoint and version that was recorded."""
    if "endpoint" in metafunc.fixturenames:
        rows = recordings() if folder().is_dir() else []
        names = {row.name for row in rows if row.has_envelope and not row.sse and served(row)}
        names |= {conversation.exchanges[0].name for conversation in bare_objects(rows)}
        metafunc.parametrize("endpoint", sorted(names) or [pytest.param("", marks=pytest.mark.skip(ABSENT))])


def test_answers_as_recorded(endpoint: str) -> None:
    known = known_differences(KNOWN)
    unknown = [
        f"{outcome.exchange.place} ({outcome.day})\n    {difference}"
        for outcome in outcomes()
        if outcome.exchange.name == endpoint
        for difference, entry in explained(outcome, known)
        if entry is None
    ]
    assert not unknown, "\n".join((f"{len(unknown)} differences from the recordings:", *unknown[:10]))


@needs_recordings
def test_known_differences_still_exist() -> None:
    known = known_differences(KNOWN)
    matched = {entry for outcome in outcomes() for _, entry in explained(outcome, known)}
    stale = [
        f"{entry.route} {entry.version}: {path or '(whole)'}: {entry.differences[path]}"
        for place, entry in enumerate(known)
        for path in entry.differences
        if (place, path) not in matched
    ]
    assert not stale, "\n".join(("differences.json says what is no longer so:", *stale))


@needs_recordings
def test_share_of_agreement(conformance: dict[str, tuple[int, int]]) -> None:
    """Fills the table that is shown at the end of the session, whole with `-v` or `-rA`."""
    for outcome in outcomes():
        compared, agreeing = conformance.get(outcome.exchange.name, (0, 0))
        conformance[outcome.exchange.name] = (compared + 1, agreeing + (not outcome.differences))
    assert conformance
