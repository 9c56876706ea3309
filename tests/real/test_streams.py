"""The fake tells the recorded runs as the real service told them, event by event.

The story of each run is derived from its events by rules (`evidence.py`), the recorded request is sent to a fake of its
day, and its events are compared with the recorded ones. The order of the events and the keys in each have to be the
same in every stream; how else they differ must stand in `differences.json`. Evidence: CONTRACT §5, FACTS 0
("SSE") and E.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from differences import known_differences, names_of, pairs
from recorded_exchanges import folder
from replay_outcomes import ABSENT, KNOWN, needs_recordings, outcomes, recordings, shares, unknown
from replayer import events_of

if TYPE_CHECKING:
    from replayer import Outcome

FRAMES = re.compile(rb"(?:event: [a-z._]+\ndata: [^\r\n]+\n\n)+")
LAST_FRAME = b"event: done\ndata: [DONE]\n\n"


def streams() -> list[Outcome]:
    return [outcome for outcome in outcomes() if outcome.exchange.sse]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each stream that was recorded."""
    if "place" in metafunc.fixturenames:
        places = [row.place for row in recordings() if row.sse] if folder().is_dir() else []
        names = [place.rpartition("/")[2] for place in places]
        metafunc.parametrize("place", places or [pytest.param("", marks=pytest.mark.skip(ABSENT))], ids=names or None)


@pytest.fixture
def streamed(place: str) -> Outcome:
    """What became of the stream that was recorded there."""
    [outcome] = [outcome for outcome in streams() if outcome.exchange.place == place]
    return outcome


def test_events_come_in_the_recorded_order(streamed):
    assert names_of(events_of(streamed.body.decode())) == names_of(streamed.exchange.response_body)


def keys_of(value):
    """The keys of a JSON value in their order, at every depth and item by item; of all else, whether it is null."""
    if isinstance(value, dict):
        return {"in order": list(value), **{key: keys_of(item) for key, item in value.items()}}
    return [keys_of(item) for item in value] if isinstance(value, list) else value is None


def test_every_event_has_the_recorded_keys(streamed):
    for name, recorded, fake in pairs(streamed.exchange.response_body, events_of(streamed.body.decode())):
        assert keys_of(fake) == keys_of(recorded), name


def test_events_say_what_was_recorded(streamed):
    """As many deltas, cut at the same places, and the same types and values but for clock and tokenizer."""
    differences = unknown([streamed], known_differences(KNOWN))
    assert not differences, "\n".join(differences[:10])


def test_the_body_is_frames(streamed):
    """CONTRACT §5, FACTS 0: an event a frame, its data in one line of compact JSON; `[DONE]` comes last."""
    assert FRAMES.fullmatch(streamed.body)
    assert streamed.body.endswith(LAST_FRAME)
    for line in streamed.body.removesuffix(LAST_FRAME).decode().split("\n"):
        if line.startswith("data: "):
            data = line.removeprefix("data: ")
            assert data == json.dumps(json.loads(data), ensure_ascii=False, separators=(",", ":"))


# --- the whole ------------------------------------------------------------------------------------------------


@needs_recordings
def test_share_of_agreement(conformance):
    """Fills the streams' part of the table that is shown at the end of the session."""
    conformance.update(shares(streams()))
    assert sum(compared for compared, _ in shares(streams()).values()) == sum(row.sse for row in recordings())
