"""Answers carry the recorded headers: those of streams, whose headers were all kept, and all of Azure's.

Names are compared, and the values that are no measurement and no id; what differs must stand in
`header_differences.json`. Evidence: CONTRACT §1.8 and §9, FACTS 0 ("Azure") and C.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from differences import Difference, known_differences
from replay_outcomes import needs_recordings, outcomes, stale, unknown
from replayer import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

KNOWN = Path(__file__).with_name("header_differences.json")
# What the way to the client adds; the date is there for all to see.
OF_THE_WAY = re.compile(
    r"cf-.*|access-control-.*|alt-svc|connection|content-encoding|server|set-cookie|transfer-encoding|vary|via"
)
# Headers whose value does not depend on the request.
CONSTANT = ("content-type", "openai-version", "strict-transport-security", "x-content-type-options", "x-ms-region")
# What Azure's layers call a request. The recorder removed the value of `x-ms-client-request-id`.
AZURE_IDS = ("apim-request-id", "x-ms-middleware-request-id", "x-request-id")
UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def of_azure() -> list[Outcome]:
    return [outcome for outcome in outcomes() if ".openai.azure.com/" in outcome.exchange.url]


def with_headers() -> list[Outcome]:
    """The answers whose headers are compared, with what differs in them in place of what differs in the bodies."""
    streams = [outcome for outcome in outcomes() if outcome.exchange.sse and outcome.exchange.has_envelope]
    return [
        Outcome(outcome.exchange, outcome.day, list(differences_of_headers(outcome)))
        for outcome in (*streams, *of_azure())
    ]


def differences_of_headers(outcome: Outcome) -> Iterator[Difference]:
    recorded, fake = outcome.exchange.response_headers, outcome.headers
    for name in sorted(recorded.keys() | fake.keys()):
        if OF_THE_WAY.fullmatch(name):
            continue
        there, here = recorded.get(name), fake.get(name)
        if there is None or here is None:
            yield Difference(name, "missing" if here is None else "added", there, here)
        elif name in CONSTANT and there != here:
            yield Difference(name, "value", there, here)


@needs_recordings
def test_the_headers_are_the_recorded_ones():
    differences = unknown(with_headers(), known_differences(KNOWN))
    assert not differences, "\n".join(differences[:10])


@needs_recordings
@pytest.mark.usefixtures("same_recordings")
def test_known_differences_of_headers_still_exist():
    gone = stale(with_headers(), known_differences(KNOWN))
    assert not gone, "\n".join(("header_differences.json says what is no longer so:", *gone))


@needs_recordings
@pytest.mark.parametrize("whose", ["recorded", "fake"])
def test_each_layer_of_azure_has_an_id_of_its_own_for_each_request(whose):
    if not of_azure():
        pytest.skip("none of these recordings is of Azure")
    answers = [outcome.exchange.response_headers if whose == "recorded" else outcome.headers for outcome in of_azure()]
    ids = [headers[name] for headers in answers for name in AZURE_IDS]
    assert [found for found in ids if not UUID4.fullmatch(found)] == []
    assert len(set(ids)) == len(ids)
