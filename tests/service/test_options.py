"""Options as a user writes them, in code and in the ini file."""

from __future__ import annotations

import os

import pytest

from harness import HarnessFailure
from harness.environment import endpoints, placeholder_key
from harness.options import Options, from_text, make_options


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("clock", "timed", "timed"),
        ("stuck_after", "7", 7),
        ("queued", "2.5", 2.5),
        ("adopt_unknown", "true", True),
        ("block_other_hosts", "false", False),
        ("block_other_hosts", "True", True),
        ("start", "1700000000", 1_700_000_000.0),
        ("seed", "7", "7"),
        ("as_of", "2024-05-01", "2024-05-01"),
        ("base_url", "http://a http://b/v1", ("http://a", "http://b/v1")),
        ("base_url", ["http://a", "http://b/v1"], ("http://a", "http://b/v1")),
        ("real_sleepers", "my_library.heartbeat other", ("my_library.heartbeat", "other")),
    ],
)
def test_the_ini_file_writes_text(name, text, value):
    assert from_text(name, text) == value
    assert type(from_text(name, text)) is type(value)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("queued", "soon", "assistants_queued = soon: queued takes a number(?s:.*)assistants_queued = 1.0"),
        ("queued", "-5", "assistants_queued = -5.0: queued takes a number from 0 on"),
        ("stuck_after", "7.5", "assistants_stuck_after = 7.5: stuck_after takes a whole number from 1 on"),
        ("adopt_unknown", "maybe", "adopt_unknown = maybe: adopt_unknown takes true or false(?s:.*)unknown = false$"),
        ("clock", "time", "assistants_clock = time: clock takes (?s:.*)assistants_clock = timed"),
        ("as_of", ["2024-05-01"], "as_of takes a day"),
        (
            "real_sleepers",
            "one two/three.py",
            r"sleepers = one two/three.py: real_sleepers takes the name of a module or",
        ),
        ("as_of", "May", "assistants_as_of = May: as_of takes a day\\.(?s:.*)assistants_as_of = 2024-05-01"),
    ],
)
def test_a_text_that_does_not_fit_is_refused(name, text, message):
    with pytest.raises(HarnessFailure, match=message):
        from_text(name, text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"as_of": "yesterday"}, r"(?s)as_of='yesterday'\): as_of takes a day\..*as_of='2024-05-01'"),
        ({"as_of": 20240501}, "as_of takes a day"),
        ({"unused": "wrn"}, r"unused='warn'"),
        ({"clock": ["timed"]}, "clock takes"),
        ({"api": "v3"}, "'both' or 'v1' or 'v2'"),
        ({"stuck": 1}, r"stuck_after=1"),
        ({"qqq": 1}, r"test has no option 'qqq'"),
        ({"queued": "soon"}, r"(?s)^test\(queued='soon'\): queued takes a number from 0 on\..*test\(queued=1.0\)$"),
        ({"queued": -5}, "queued takes a number from 0 on"),
        ({"act": float("nan")}, r"test\(act=nan\): act takes a number"),
        ({"cancelling": float("inf")}, "cancelling takes a number"),
        ({"cancelling": 10**400}, "cancelling takes a number"),
        ({"act": True}, "act takes a number"),
        ({"act": None}, "act takes a number"),
        ({"start": "x"}, r"(?s)start takes a number from 0 to 250000000000\..*test\(start=1700000000\)"),
        ({"start": 1_700_000_000_000}, "start takes a number from 0 to 250000000000"),  # milliseconds
        ({"stuck_after": 0}, "stuck_after takes a whole number from 1 on"),
        ({"code_seconds": 0}, r"code_seconds takes a number from 0\.001 on"),
        ({"code_memory": 0}, "code_memory takes a whole number from 1 on"),
        ({"code_memory": 512.5}, "takes a whole number"),
        ({"adopt_unknown": "false"}, r"(?s)takes true or false.*test\(adopt_unknown=False\)"),
        ({"adopt_unknown": 1}, "takes true or false"),
        ({"api_key": 5}, r"(?s)api_key takes a text\..*test\(api_key='sk-…'\)"),
        ({"seed": 1.5}, r"seed takes a text or a whole number\."),
        ({"base_url": 5}, "base_url takes a text or a list of texts"),
        ({"base_url": ["http://a", 5]}, "base_url takes a text or a list of texts"),
        (
            {"real_sleepers": ["app", 5]},
            r"(?s)takes the name.* such names\..*test\(real_sleepers='my_library.heartbeat'\)",
        ),
        ({"real_sleepers": "app/worker.py"}, "takes the name of a module or a list of such names"),
        ({"clock": "timed", "sleep": "real"}, r"sleeping would move(?s:.*)test\(clock='timed', sleep='virtual'\)"),
    ],
)
def test_code_is_checked_too(given, message):
    with pytest.raises(HarnessFailure, match=message):
        make_options(given, where="test")


@pytest.mark.parametrize(
    "given",
    [
        {"queued": 0, "act": 0, "cancelling": 0},  # no time passes
        {"start": 0, "seed": -1},
        {"code_disk": 0, "code_output": 0},  # a cell writes nothing, and what it prints is cut off
        {"start": None, "as_of": None, "api_key": None},
        {"stuck_after": 1, "code_seconds": 0.5, "code_memory": 1},
        {"as_of": "2024-05-01", "base_url": ("http://a",)},
    ],
)
def test_what_means_something_is_accepted(given):
    options = make_options(given, where="test")
    assert {name: getattr(options, name) for name in given} == given


def test_all_defaults_are_accepted():
    assert make_options(vars(Options()), where="test") == Options()


@pytest.mark.parametrize(
    ("option", "listed", "values"),
    [
        ("base_url", "base_urls", ["http://a", "http://b"]),
        ("real_sleepers", "real_sleeper_names", ["app.worker", "other"]),
    ],
)
def test_some_options_take_any_number_of_texts(option, listed, values):
    assert getattr(make_options({option: values[0]}, where="test"), listed) == (values[0],)
    assert getattr(make_options({option: values}, where="test"), listed) == tuple(values)


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
