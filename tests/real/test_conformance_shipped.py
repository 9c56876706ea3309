"""`harness routes` shows what the recordings show: its numbers are counted anew, and the contract has its sections."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import pytest
from recorded_exchanges import Exchange
from replay_outcomes import needs_recordings, outcomes, shares

from harness.report import conformance

sys.path.append(str(Path(__file__).resolve().parents[2] / "docs"))
GENERATOR = importlib.import_module("generate_conformance")


@needs_recordings
@pytest.mark.usefixtures("same_recordings")
def test_the_numbers_are_those_of_the_recordings():
    fresh = GENERATOR.written(GENERATOR.counted(outcomes()))
    assert fresh == conformance.DATA.read_text(encoding="utf-8"), "python docs/generate_conformance.py"


@needs_recordings
@pytest.mark.usefixtures("same_recordings")
def test_no_exchange_is_left_out():
    """All that test_conformance.py counts is counted, and as it counts it."""
    shown = [count for endpoint in conformance.endpoints() for count in endpoint.evidence.values()]
    counted = shares(outcomes())
    assert sum(count.recorded for count in shown) == sum(compared for compared, _ in counted.values())
    assert sum(count.agree for count in shown) == sum(agreeing for _, agreeing in counted.values())
    streams = [compared for name, (compared, _) in counted.items() if name.endswith(GENERATOR.STREAMED)]
    assert sum(count.streams for count in shown) == sum(streams) > 0


def test_the_sections_are_in_the_contract(shared):
    contract = (shared / "contract" / "CONTRACT.md").read_text(encoding="utf-8")
    headings = {number: title.lower() for number, title in re.findall(r"^## (1\.\d) (.+)", contract, re.MULTILINE)}
    for collection, number in conformance.SECTIONS.items():
        assert collection.replace("_", " ") in headings[number]
    assert headings["1.7"].startswith("v1-only")


@pytest.mark.parametrize(
    ("url", "beta", "version"),
    [
        ("https://api.openai.com/v1/threads", "assistants=v1", "v1"),
        ("https://api.openai.com/v1/files", None, "no header"),
        ("https://contoso.openai.azure.com/openai/threads?api-version=2024-05-01-preview", "assistants=v2", "Azure"),
        ("https://gateway.test/v1/files/openai/", "assistants=v2", "v2"),
    ],
)
def test_what_a_request_says_of_its_version(url, beta, version):
    nothing = dict.fromkeys(Exchange.__dataclass_fields__)
    assert GENERATOR.version(Exchange(**{**nothing, "url": url, "beta": beta})) == version
