"""Runs tests under many endings: those with the fixture `run_ending`, and those marked to be explored."""

from __future__ import annotations

import inspect
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from harness.failures import HarnessFailure
from harness.plugin.reporting import FINDINGS
from harness.plugin.settings import ENDINGS, exploration_of

if TYPE_CHECKING:
    from collections.abc import Iterator


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Parametrize tests with `run_ending` by all endings, or by those that the marker and the option choose."""
    if "run_ending" not in metafunc.fixturenames:
        return
    markers = metafunc.definition.iter_markers("parametrize")
    given = [marker.args[0] if marker.args else marker.kwargs["argnames"] for marker in markers]
    if any("run_ending" in (re.split(r"[\s,]+", names) if isinstance(names, str) else names) for names in given):
        return
    from harness.endings import matching_endings  # noqa: PLC0415 - only tests that use it pay for it

    marker = metafunc.definition.get_closest_marker(ENDINGS)
    option = metafunc.config.getoption("--assistants-endings")
    try:
        endings = matching_endings((marker and marker.args) or ["*"])
        if option is not None:
            patterns = [pattern.strip() for pattern in option.split(",")]
            of_option = matching_endings(patterns, usage="--assistants-endings={}")
            endings = [each for each in endings if each in of_option]
        answer = None if marker is None else _answer_of(marker)
        if answer is not None:
            endings = [each.with_answer(answer) for each in endings]
    except HarnessFailure as failure:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {failure}") from None
    metafunc.parametrize("run_ending", endings, ids=[each.name for each in endings], indirect=True)


def _answer_of(marker: pytest.Mark) -> str | None:
    """The answer that a marker of endings gives.

    Raises:
        HarnessFailure: it has another keyword.
    """
    if marker.kwargs.keys() - {"answer"}:
        raise HarnessFailure(
            f"@pytest.mark.{ENDINGS} was given {marker.kwargs!r}.",
            there_was="It takes names and patterns of endings, and the keyword answer.",
            do=f"@pytest.mark.{ENDINGS}('failed-*', answer='…')",
        )
    answer: str | None = marker.kwargs.get("answer")
    return answer


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """Explore a marked test if the option says so; otherwise run it once, and discard its answer.

    The test's function is replaced by one that returns nothing and is not async, as other plugins expect.
    """
    options = exploration_of(pyfuncitem)
    if options is None:
        yield
        return
    test = pyfuncitem.obj
    if pyfuncitem.config.getoption("--assistants-explore"):
        pyfuncitem.obj = partial(_explore, pyfuncitem, test, options)
    elif not inspect.iscoroutinefunction(test):
        pyfuncitem.obj = partial(_call_and_discard, test)
    yield
    pyfuncitem.obj = test


def _call_and_discard(test: Any, /, **fixtures: Any) -> None:
    test(**fixtures)


def _explore(item: pytest.Function, test: Any, options: dict[str, Any], /, **fixtures: Any) -> None:
    __tracebackhide__ = True
    fake: Any = item.funcargs.get("assistants")
    if fake is None:
        raise HarnessFailure(
            f"{item.nodeid} is to be explored, but it does not use the fixture `assistants`.",
            do=f"def {item.originalname}(assistants): ...",
        )
    from harness.exploring import explore_test  # noqa: PLC0415 - only tests that are explored pay for it

    # pytest-asyncio has wrapped it in a function that returns nothing; other decorators are part of the test
    original = inspect.unwrap(test, stop=inspect.iscoroutinefunction)
    client = original if inspect.iscoroutinefunction(original) else test
    chosen = {name: value for name, value in options.items() if name != "allow"}
    findings = explore_test(client, fixtures, fake, **chosen)
    item.stash[FINDINGS] = findings
    findings.check(allow=options["allow"])
