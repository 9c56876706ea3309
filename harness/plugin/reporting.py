"""What a test is told at its end: failures that its code swallowed, scripts without use, and how it came to fail."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import pytest

from harness.cassette_paths import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.fake import FakeAssistants

FAKE = pytest.StashKey["FakeAssistants"]()
RAISED = pytest.StashKey[list[BaseException]]()
FINDINGS = pytest.StashKey[Any]()


def complain(item: pytest.Item, fake: FakeAssistants) -> None:
    """At the end: failures that the code under test swallowed, and scripts that were not used.

    A test that failed already is left to say why itself.
    """
    raised = item.stash.get(RAISED, [])
    for failure in fake.failures:
        if not any(failure in _chain(error) for error in raised):
            raise failure
    if raised or item.stash.get(FINDINGS, None) is not None:
        return  # an exploration leaves the fake as it was before the test
    complaint = fake.unused()
    if complaint is None or fake.options.unused == "ignore":
        return
    if fake.options.unused == "fail":
        raise complaint
    warnings.warn(str(complaint), pytest.PytestWarning, stacklevel=1)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """An exception with all that it was raised from, and all that a group holds."""
    seen: list[BaseException] = []
    pending = [error]
    while pending:
        current = pending.pop()
        if current is None or current in seen:
            continue
        seen.append(current)
        yield current
        pending += [current.__cause__, current.__context__, *getattr(current, "exceptions", ())]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    outcome: Any = yield
    report = outcome.get_result()
    fake = item.stash.get(FAKE, None)
    if fake is None or report.passed:
        return
    if call.excinfo is not None:
        item.stash.setdefault(RAISED, []).append(call.excinfo.value)
    if not report.failed:
        return
    from harness.report.text import failure_section  # noqa: PLC0415 - only a failed test pays for it

    findings = item.stash.get(FINDINGS, None)
    if findings is not None:
        report.sections.append(("assistants: explored", str(findings)))
        return
    section = failure_section(fake.threads, fake.requests, None if call.excinfo is None else call.excinfo.value)
    if section:
        written = _written(item, fake)
        report.sections.append(("assistants", section if written is None else f"{section}\n\nAs a page: {written}"))


def _written(item: pytest.Item, fake: FakeAssistants) -> Path | None:
    """The page of a failed test, where pages are asked for."""
    folder: Path | None = item.config.getoption("--assistants-report")
    if folder is None:
        return None
    from harness.report.data import world  # noqa: PLC0415 - only who asks for pages pays for them
    from harness.report.page import page  # noqa: PLC0415 - only who asks for pages pays for it
    from harness.whole_files import write_whole  # noqa: PLC0415 - only who asks for pages pays for it

    path = item.config.invocation_params.dir / folder / file_name(item.nodeid, ".html")
    path.parent.mkdir(parents=True, exist_ok=True)
    with fake.turns:
        data = world(fake)
    write_whole(path, page({item.nodeid: data}, title=item.nodeid).encode())
    return path
