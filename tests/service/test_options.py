"""Options as a user writes them, in code and in the ini file."""

from __future__ import annotations

import os

import pytest

from harness import HarnessFailure
from harness.environment import endpoints, placeholder_key
from harness.options import from_text, make_options


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("clock", "timed", "timed"),
        ("stuck_after", "7", 7),
        ("queued", "2.5", 2.5),
        ("adopt_unknown", "true", True),
        ("block_other_hosts", "false", False),
        ("start", "1700000000", 1_700_000_000.0),
        ("seed", "7", "7"),
        ("as_of", "2024-05-01", "2024-05-01"),
        ("base_url", "http://a http://b/v1", ("http://a", "http://b/v1")),
    ],
)
def test_the_ini_file_writes_text(name, text, value):
    assert from_text(name, text) == value
    assert type(from_text(name, text)) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("queued", "soon", "assistants_queued takes a number, and is 'soon'(?s:.*)assistants_queued = 1.0"),
        ("adopt_unknown", "maybe", "assistants_adopt_unknown takes true or false, and is 'maybe'"),
    ],
)
def test_a_text_that_does_not_fit_is_refused(name, text, message):
    with pytest.raises(HarnessFailure, match=message):
        from_text(name, text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"as_of": "yesterday"}, r"as_of='yesterday'\): that is no day"),
        ({"as_of": 20240501}, "that is no day"),
        ({"unused": "wrn"}, r"unused='warn'"),
        ({"api": "v3"}, r"'both', 'v1', 'v2'"),
        ({"stuck": 1}, r"stuck_after=1"),
        ({"qqq": 1}, r"test has no option 'qqq'"),
    ],
)
def test_code_is_checked_too(given, message):
    with pytest.raises(HarnessFailure, match=message):
        make_options(given, where="test")


def test_base_urls_come_in_any_number():
    assert make_options({"base_url": "http://a"}, where="test").base_urls == ("http://a",)
    assert make_options({"base_url": ["http://a", "http://b"]}, where="test").base_urls == ("http://a", "http://b")


@pytest.mark.parametrize("before", [None, ""])
def test_the_placeholder_goes_as_it_came(monkeypatch, before):
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    if before is not None:
        monkeypatch.setenv("OPENAI_API_KEY", before)
    with placeholder_key():
        assert os.environ["OPENAI_API_KEY"].startswith("sk-pytest-assistants")
    assert os.environ.get("OPENAI_API_KEY") == before


def test_endpoints_of_the_environment(monkeypatch):
    monkeypatch.setenv("OPENAI_BASE_URL", "http://gateway.test/v1")
    monkeypatch.delenv("AZURE_OPENAI_ENDPOINT", raising=False)
    assert endpoints() == ("http://gateway.test/v1",)
