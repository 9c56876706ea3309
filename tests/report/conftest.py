"""The browser of the tests of pages, one for all of them; and a day that much has happened in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from browser import browsing
from sample_conversations import day

from harness import fake_assistants
from harness.report.data import world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from browser import Browser, Page


@pytest.fixture(scope="session")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browsing(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.fixture
def page(_browser: Browser) -> Page:
    return _browser.page()


@pytest.fixture(scope="session")
def whole_day() -> dict[str, Any]:
    """A world with conversations of every kind, as data."""
    with fake_assistants() as fake:
        day(fake)
        return world(fake)
