"""Mutations of recorded sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from harness.recording.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from harness.recording.exchanges import RecordedExchange

    Mutation = Callable[[Sequence[RecordedExchange], int], list[RecordedExchange]]


def sessions(recorded: Session | Sequence[RecordedExchange], *, max_changes: int = 3) -> SearchStrategy[Session]:
    """A recorded session in which exchanges are dropped, repeated or swapped, or which ends early.

    This is what recordings look like that were edited, merged, or stopped too early. The exchanges themselves are not
    changed. A session shrinks to the recorded one.

    Args:
        recorded: a session (`harness.recording.Cassette(path).session`), or exchanges (`cassettes.read(path)`).
        max_changes: how many changes there are at most.
    """
    exchanges = [seen.recorded for seen in recorded.exchanges] if isinstance(recorded, Session) else list(recorded)
    return _mutated(exchanges, max_changes)


@st.composite
def _mutated(draw: DrawFn, exchanges: list[RecordedExchange], most: int) -> Session:
    remaining = exchanges
    for mutate in draw(st.lists(st.sampled_from(MUTATIONS), max_size=most)):
        if remaining:
            remaining = mutate(remaining, draw(st.integers(0, len(remaining) - 1)))
    return Session.of(remaining)


def drop(exchanges: Sequence[RecordedExchange], at: int) -> list[RecordedExchange]:
    return [*exchanges[:at], *exchanges[at + 1 :]]


def repeat(exchanges: Sequence[RecordedExchange], at: int) -> list[RecordedExchange]:
    return [*exchanges[: at + 1], *exchanges[at:]]


def swap_reads(exchanges: Sequence[RecordedExchange], at: int) -> list[RecordedExchange]:
    """Swap two consecutive GET requests; where there are no two, nothing changes."""
    pair = exchanges[at : at + 2]
    if [item.request.method for item in pair] != ["GET", "GET"]:
        return list(exchanges)
    return [*exchanges[:at], *reversed(pair), *exchanges[at + 2 :]]


def truncate(exchanges: Sequence[RecordedExchange], at: int) -> list[RecordedExchange]:
    return list(exchanges[: at + 1])


MUTATIONS: tuple[Mutation, ...] = (drop, repeat, swap_reads, truncate)
