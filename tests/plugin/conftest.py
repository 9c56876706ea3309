"""What tests of the plugin share that look at it from outside."""

from __future__ import annotations

import pytest

# plugins that these runs have no use for: importing them is a fifth of what each takes
UNUSED = ("hypothesispytest", "faker", "anyio", "asyncio", "pytest_cov")


@pytest.fixture
def strict(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A folder for a run of pytest without a key, in which unknown markers and warnings are errors."""
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    without = " ".join(f"-p no:{name}" for name in UNUSED)
    pytester.makeini(
        f"[pytest]\naddopts = --strict-markers {without}\nfilterwarnings =\n    error\n"
        "    ignore:(The Assistants API is )?deprecated:DeprecationWarning\n"
    )
    return pytester
