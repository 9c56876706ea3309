"""Reports at the end of a test: failures that its code swallowed, unused scripts, and a section for failed tests."""

from __future__ import annotations

import traceback
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import pytest

from harness.cassette_paths import file_name
from harness.failures import HarnessFailure, Inapplicable, chain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.fake import FakeAssistants

FAKE = pytest.StashKey["FakeAssistants"]()
RAISED = pytest.StashKey[list[BaseException]]()
FINDINGS = pytest.StashKey[Any]()
HIDE_FAILURES = methodcaller("errisinstance", HarnessFailure)
STASH_KEYS: tuple[pytest.StashKey[Any], ...] = (FAKE, RAISED, FINDINGS)


def raise_failures(item: pytest.Item, fake: FakeAssistants) -> None:
    """Raise failures that the code under test swallowed, or report unused scripts, at the end of a test.

    Unused scripts are not reported for a test that failed or was skipped anyway. The message has their lines, so there
    is no traceback, and a warning points at the test.
    """
    __tracebackhide__ = HIDE_FAILURES  # only those: of `pytest.fail` without a traceback, pytest would call all hidden
    raised = item.stash.get(RAISED, [])
    reason = _inapplicable(fake)
    if reason is not None:
        if all(reason is not each for each in raised):  # a run of another thread was created after the test
            pytest.skip(str(reason))
        return
    for failure in fake.failures:
        if not failure.reported:
            raise failure.for_teardown()
    if raised or item.stash.get(FINDINGS, None) is not None:
        return  # an exploration leaves the fake as it was before the test
    unused = fake.unused()
    if unused is not None and fake.options.unused == "fail":
        pytest.fail(str(unused), pytrace=False)
    if unused is not None and fake.options.unused == "warn":
        item.warn(pytest.PytestWarning(str(unused)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Clear the stash, as some plugins run a failed test again."""
    _clear_stash(item)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    fake = item.stash.get(FAKE, None)
    # that of a `unittest.TestCase` is with the item, until a hook of pytest inside of this one moves it into the call
    excinfo = next(iter(getattr(item, "_excinfo", None) or ()), call.excinfo)
    error = None if excinfo is None else excinfo.value
    for failure in chain(error):
        if isinstance(failure, HarnessFailure):
            failure.reported = True
    if fake is not None and isinstance(error, HarnessFailure) and not item.config.getoption("fulltrace", default=False):
        from harness.plugin.tracebacks import trimmed_to_client  # noqa: PLC0415 - only a failure pays for it

        with trimmed_to_client(error):
            outcome: Any = yield
    else:
        outcome = yield
    if fake is not None:
        _add_section(outcome.get_result(), item, call, fake)
    if call.when == "teardown":  # pytest keeps all items to the end, and the stash would keep the fake's requests
        _clear_stash(item)


def _clear_stash(item: pytest.Item) -> None:
    for key in STASH_KEYS:
        if key in item.stash:
            del item.stash[key]


def _add_section(
    report: pytest.TestReport, item: pytest.Item, call: pytest.CallInfo[None], fake: FakeAssistants
) -> None:
    """Keep the error of this phase of a test, and add a section with the fake's state to the report of a failure."""
    if call.excinfo is not None:
        item.stash.setdefault(RAISED, []).append(call.excinfo.value)
    reason = _inapplicable(fake)
    if reason is not None and (call.when == "call" or (call.when == "setup" and report.failed)):
        item.stash.setdefault(RAISED, []).append(reason)
        _skip(item, report, reason)
    if not report.failed:
        return
    findings = item.stash.get(FINDINGS, None)
    title = "assistants" if findings is None else "assistants: explored"
    try:
        error = None if call.excinfo is None else call.excinfo.value
        section = _section(item, fake, error) if findings is None else str(findings)
    except (Exception, HarnessFailure):  # noqa: BLE001 - the test has failed, and its own report counts for more
        section = f"The report broke: please send this to pytest-assistants.\n\n{traceback.format_exc()}"
    if section:
        report.sections.append((title, section))


def _section(item: pytest.Item, fake: FakeAssistants, error: BaseException | None) -> str:
    """The section for a failed test, with the path of its page."""
    from harness.report.text import failure_section  # noqa: PLC0415 - only a failed test pays for it

    section = failure_section(fake.world.store.all_threads, fake.requests, error, fake.sleep_log.bystanders())
    folder: Path | None = item.config.getoption("--assistants-report")
    if not section or folder is None:
        return section
    try:
        return f"{section}\n\nAs a page: {_write_page(item, fake, folder)}"
    except OSError as refused:
        return f"{section}\n\nThere is no page of it: {refused}"


def _inapplicable(fake: FakeAssistants) -> Inapplicable | None:
    """Why a run of this test could not end as `run_ending` says, if there was one."""
    return next((failure for failure in fake.failures if isinstance(failure, Inapplicable)), None)


def _skip(item: pytest.Item, report: pytest.TestReport, reason: Inapplicable) -> None:
    """Turn a report into that of a skipped test, also if the test was expected to fail."""
    path, line, _ = item.location
    report.outcome, report.longrepr = "skipped", (path, (line or 0) + 1, f"Skipped: {reason}")
    vars(report).pop("wasxfail", None)


def _write_page(item: pytest.Item, fake: FakeAssistants, folder: Path) -> Path:
    """Write the page of a failed test, and return its path.

    Raises:
        OSError: the folder or the file cannot be created.
    """
    from harness.atomic_files import write_atomic  # noqa: PLC0415 - only who asks for pages pays for it
    from harness.report.data import world  # noqa: PLC0415 - only who asks for pages pays for them
    from harness.report.page import page  # noqa: PLC0415 - only who asks for pages pays for it

    path = item.config.invocation_params.dir / folder / file_name(item.nodeid, ".html")
    path.parent.mkdir(parents=True, exist_ok=True)
    with fake.turns:
        data = world(fake)
    write_atomic(path, page({item.nodeid: data}, title=item.nodeid).encode())
    return path
