"""What tests of the plugin share that look at it from outside."""

from __future__ import annotations

import pytest


@pytest.fixture
def strict(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for a run of pytest without a key, in which unknown markers and warnings are errors."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    pytester.makeini(
        "[pytest]\naddopts = --strict-markers\nfilterwarnings =\n    error\n"
        "    ignore:(The Assistants API is )?deprecated:DeprecationWarning\n"
    )
    return pytester
