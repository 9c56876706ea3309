"""Recorded sessions, a little otherwise than they were recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from harness.recording.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from hypothesis.strategies import DrawFn, SearchStrategy

    from harness.recording.exchanges import Recorded

    Change = Callable[[Sequence[Recorded], int], list[Recorded]]


def sessions(recorded: Session | Sequence[Recorded], *, max_changes: int = 3) -> SearchStrategy[Session]:
    """A recorded session of which something was lost, came twice, came in another order, or broke off.

    What real recordings look like when somebody cut them, merged them, or stopped too early. Exchanges themselves stay
    as they are. A session shrinks to the one that was recorded.

    Args:
        recorded: a session (`harness.recording.Cassette(path).session`), or exchanges (`cassettes.read(path)`).
        max_changes: how many changes there are at most.
    """
    exchanges = [seen.recorded for seen in recorded.exchanges] if isinstance(recorded, Session) else list(recorded)
    return _changed(exchanges, max_changes)


@st.composite
def _changed(draw: DrawFn, exchanges: list[Recorded], most: int) -> Session:
    left = exchanges
    for change in draw(st.lists(st.sampled_from(CHANGES), max_size=most)):
        if left:
            left = change(left, draw(st.integers(0, len(left) - 1)))
    return Session.of(left)


def drop(exchanges: Sequence[Recorded], at: int) -> list[Recorded]:
    return [*exchanges[:at], *exchanges[at + 1 :]]


def repeat(exchanges: Sequence[Recorded], at: int) -> list[Recorded]:
    return [*exchanges[: at + 1], *exchanges[at:]]


def swap_looks(exchanges: Sequence[Recorded], at: int) -> list[Recorded]:
    """Two looks that follow each other come the other way round; where there are no two, nothing changes."""
    pair = exchanges[at : at + 2]
    if [item.request.method for item in pair] != ["GET", "GET"]:
        return list(exchanges)
    return [*exchanges[:at], *reversed(pair), *exchanges[at + 2 :]]


def break_off(exchanges: Sequence[Recorded], at: int) -> list[Recorded]:
    return list(exchanges[: at + 1])


CHANGES: tuple[Change, ...] = (drop, repeat, swap_looks, break_off)
