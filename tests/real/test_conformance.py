"""The fake answers recorded requests as the real service did.

Each recorded conversation is played to a fake of its day, and every answer is compared: status, keys and their order,
types, nulls, texts of refusals, and all values that the request or the model's script determines. Free are only
timestamps and token counts. What differs must stand in `differences.json` with its reason, and nothing may stand
there that does not differ any more.
"""

from __future__ import annotations

import pytest
from differences import known_differences
from recorded_exchanges import bare_objects, bare_streams, folder
from replay_outcomes import ABSENT, KNOWN, needs_recordings, outcomes, recordings, shares, stale, unknown
from replayer import served


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each endpoint and version that was recorded."""
    if "endpoint" in metafunc.fixturenames:
        rows = recordings() if folder().is_dir() else []
        names = {row.name for row in rows if row.has_envelope and served(row)}
        names |= {conversation.exchanges[0].name for conversation in (*bare_objects(rows), *bare_streams(rows))}
        metafunc.parametrize("endpoint", sorted(names) or [pytest.param("", marks=pytest.mark.skip(ABSENT))])


def test_answers_as_recorded(endpoint: str) -> None:
    here = [outcome for outcome in outcomes() if outcome.exchange.name == endpoint]
    differences = unknown(here, known_differences(KNOWN))
    assert not differences, "\n".join((f"{len(differences)} differences from the recordings:", *differences[:10]))


@needs_recordings
@pytest.mark.usefixtures("same_recordings")
def test_known_differences_still_exist() -> None:
    gone = stale(outcomes(), known_differences(KNOWN))
    assert not gone, "\n".join(("differences.json says what is no longer so:", *gone))


@needs_recordings
def test_share_of_agreement(conformance: dict[str, tuple[int, int]]) -> None:
    """Fills the table that is shown at the end of the session, whole with `-v` or `-rA`."""
    conformance.update(shares(outcomes()))
    assert conformance
