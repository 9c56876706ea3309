"""The pytest plugin: options, the marker, the fixture, and the report section of a failed test.

pytest imports this module at every start, so it imports nothing heavy; the fixture does.
"""

from __future__ import annotations

import inspect
import re
import warnings
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cassette_paths import default_paths
from harness.environment import placeholder_key
from harness.failures import HarnessFailure
from harness.options import NAMES, from_text, make_options

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.endings import RunEnding
    from harness.fake import FakeAssistants
    from harness.options import Options
    from harness.recording import Cassette
    from harness.service.views import RunView

MARKER = "assistants"
CASSETTE = "assistants_cassette"
ENDINGS = "assistants_endings"
EXPLORE = "assistants_explore"
RECORD_MODES = ("none", "once", "new_episodes", "all", "rewrite")

_fake_key = pytest.StashKey["FakeAssistants"]()
_raised_key = pytest.StashKey[list[BaseException]]()
_findings_key = pytest.StashKey[Any]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini(
        "assistants_placeholder_key",
        "Set OPENAI_API_KEY to a placeholder where no key is set, for code that builds a client when imported.",
        type="bool",
        default=True,
    )
    parser.getgroup("assistants").addoption(
        "--assistants-record",
        choices=RECORD_MODES,
        default=None,
        help="Record the tests that name a cassette, from whatever endpoint their clients call: "
        "once (if it is missing), new_episodes, all, rewrite; by default none.",
    )
    parser.getgroup("assistants").addoption(
        "--assistants-endings",
        metavar="PATTERNS",
        default=None,
        help="Of the tests with the run_ending fixture, only these, apart by commas: expired,failed-*-after_message.",
    )
    parser.getgroup("assistants").addoption(
        "--assistants-explore",
        action="store_true",
        help=f"Run the tests marked {EXPLORE} under every ending, timing and fault.",
    )
    parser.addini("assistants_redact", "Regular expressions of what recordings must not hold.", type="linelist")
    parser.addini("assistants_keep", "Texts that recordings may hold although they look like secrets.", type="linelist")
    parser.addini("assistants_cassettes", "The folder of the cassettes, from the root.", default="cassettes")
    for name in NAMES:
        parser.addini(f"assistants_{name}", f"Default of the option {name} of the assistants marker.")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", f"{MARKER}(**options): options of the assistants fixture: {', '.join(NAMES)}.")
    config.addinivalue_line(
        "markers",
        f"{CASSETTE}(path=None, replay='live', on_miss='fail', redact=(), keep=()): the assistants fixture answers "
        "from a recording; by default from one that is named like the test.",
    )
    config.addinivalue_line("markers", f"{ENDINGS}(*patterns): the run endings that run_ending goes through.")
    config.addinivalue_line(
        "markers",
        f"{EXPLORE}(budget=120, endings=('*',), allow=()): with --assistants-explore, the test is run under every "
        "ending, timing and fault; what it returns is the client's answer.",
    )
    if config.getini("assistants_placeholder_key"):
        with_key = ExitStack()
        with_key.enter_context(placeholder_key())
        config.add_cleanup(with_key.close)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Misspelt options are an error of the collection, not of the test that has them."""
    for item in items:
        if any(item.get_closest_marker(name) is not None for name in (MARKER, CASSETTE, EXPLORE)):
            try:
                _options(item)
                _cassette(item)
                _exploration(item)
            except HarnessFailure as failure:
                path, line, _ = item.location
                raise pytest.UsageError(f"{path}:{(line or 0) + 1}: {failure}") from None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `run_ending` is run once for every way a run can end, or for those it chooses."""
    if "run_ending" not in metafunc.fixturenames:
        return
    markers = metafunc.definition.iter_markers("parametrize")
    given = [marker.args[0] if marker.args else marker.kwargs["argnames"] for marker in markers]
    if any("run_ending" in (re.split(r"[\s,]+", names) if isinstance(names, str) else names) for names in given):
        return
    from harness.endings import chosen  # noqa: PLC0415 - only tests that use it pay for it

    marker = metafunc.definition.get_closest_marker(ENDINGS)
    option = metafunc.config.getoption("--assistants-endings")
    try:
        endings = chosen(marker.args if marker is not None else ["*"])
        if option is not None:
            of_option = chosen(option.split(","))
            endings = [each for each in endings if each in of_option]
    except HarnessFailure as failure:
        raise pytest.UsageError(f"{metafunc.definition.nodeid}: {failure}") from None
    metafunc.parametrize("run_ending", endings, ids=[each.name for each in endings], indirect=True)


def _options(item: pytest.Item) -> Options:
    """The options for one test: the nearest marker that names one, then the ini file, then the defaults."""
    given: dict[str, Any] = {"seed": item.nodeid}
    for name in NAMES:
        text = item.config.getini(f"assistants_{name}")
        if text:
            given[name] = from_text(name, text)
    for marker in reversed(list(item.iter_markers(MARKER))):
        if marker.args:
            raise HarnessFailure(
                f"@pytest.mark.assistants takes keywords, and was given {marker.args!r}.",
                do="@pytest.mark.assistants(clock='timed')",
            )
        given.update(marker.kwargs)
    return make_options(given, where="@pytest.mark.assistants")


def _cassette(item: pytest.Item) -> tuple[Path, dict[str, Any]] | None:
    """The recording that a test is to be answered from, if its marker or its fixture asks for one, and how."""
    marker = item.get_closest_marker(CASSETTE)
    if marker is None and CASSETTE not in getattr(item, "fixturenames", ()):
        return None
    args, kwargs = (marker.args, marker.kwargs) if marker is not None else ((), {})
    given: dict[str, Any] = {"path": None, "replay": "live", "on_miss": "fail", "redact": (), "keep": ()}
    expected = len(given)
    given.update(zip(given, args, strict=False), **kwargs)
    path, texts = given["path"], [given["redact"], given["keep"]]
    if (
        not isinstance(path, (str, Path, type(None)))
        or max(len(given), len(args)) > expected
        or not all(isinstance(each, (list, tuple)) for each in texts)
    ):
        raise HarnessFailure(
            f"@pytest.mark.assistants_cassette was given {args!r} and {kwargs!r}.",
            there_was="It takes path, replay and on_miss, and the lists redact and keep, and needs none of them.",
            do="@pytest.mark.assistants_cassette('name.yaml', replay='live')",
        )
    from harness.recording import check_choices  # noqa: PLC0415 - only tests that name a cassette pay for it

    check_choices(given["replay"], given["on_miss"], where=f"@pytest.mark.{CASSETTE}")
    how = {"mode": given["replay"], "on_miss": given["on_miss"]}
    for name in ("redact", "keep"):
        how[name] = [*item.config.getini(f"assistants_{name}"), *given[name]]
    folder = item.config.rootpath / item.config.getini("assistants_cassettes")
    cls = getattr(item, "cls", None)
    name = item.name if cls is None else f"{cls.__qualname__}.{item.name}"
    beside, in_folder = (path, path) if path is not None else default_paths(item.path, name, item.config.rootpath)
    beside = item.path.parent / beside
    return beside if beside.exists() else folder / in_folder, how


def _record_mode(config: pytest.Config, path: Path) -> Any:
    """As asked for; pytest-recording's own option counts too. What is recorded already, `once` does not touch."""
    mode = config.getoption("--assistants-record") or config.getoption("--record-mode", None) or "none"
    return "none" if mode == "once" and path.exists() else mode


def _no_cassette(item: pytest.Item, path: Path) -> HarnessFailure:
    return HarnessFailure(
        f"There is no cassette {path}, and nothing is called without being asked to.",
        there_was=f"{item.nodeid} is to be answered from it.",
        do=f'pytest --assistants-record=once "{item.nodeid}"   # with a key, against an endpoint that speaks the API',
    )


@pytest.fixture
def assistants(request: pytest.FixtureRequest) -> Iterator[FakeAssistants]:
    """A fake Assistants API that every OpenAI client of this process talks to while the test runs.

    It starts empty. Without a script every run completes with a placeholder answer; see `harness.FakeAssistants`
    for what it can do, and `@pytest.mark.assistants(…)` for its options.
    """
    from harness.fake import FakeAssistants  # noqa: PLC0415 - only tests that use it pay for it
    from harness.installed import installed  # noqa: PLC0415 - as above

    item = request.node
    fake = FakeAssistants(_options(item))
    item.stash[_fake_key] = fake
    cassette = _cassette(item)
    if cassette is not None:
        path, how = cassette
        mode = _record_mode(item.config, path)
        if mode != "none":
            with fake.record(path, mode=mode, redact=how["redact"], keep=how["keep"]) as tape:
                yield fake
                if item.stash.get(_raised_key, None):
                    tape.discard()
            return
        if not path.exists():
            raise _no_cassette(item, path)
        fake.replay(path, **how)
    with installed(fake):
        yield fake
    _complain(item, fake)


@pytest.fixture
def assistants_cassette(request: pytest.FixtureRequest, assistants: FakeAssistants) -> Cassette:
    """The cassette that this test is answered from: its `path`, and its `session`, what was recorded.

    A test that has this fixture needs no marker: `assistants` answers from the cassette that is named like the test,
    and `--assistants-record=once` records it. The marker says which other one, and how. That name is
    `<folder>/<path of the module>/<Class.test_name[parameters]>.yaml`, the folder as `assistants_cassettes` in the
    ini file says; one that pytest-recording wrote, `cassettes/<module>/<name>.yaml` beside the module, is found too.

    Ask for it by name, or by `usefixtures`: when `request.getfixturevalue` does, `assistants` may have begun without.
    """
    from harness.recording import Cassette  # noqa: PLC0415 - only tests that use it pay for it

    cassette = _cassette(request.node)
    if cassette is None:
        raise HarnessFailure(
            f"{request.node.nodeid} asks for its cassette when the test has begun, so nothing was answered from it.",
            do="@pytest.mark.usefixtures('assistants_cassette')",
        )
    return Cassette(cassette[0])


@pytest.fixture
def run_ending(request: pytest.FixtureRequest, assistants: FakeAssistants) -> RunEnding:
    """Runs the test once for every way a run can end or stall; every run that the test does not script ends so.

    What a test needs to know of it are `status` and `answer`, the text that a right client returns, or None:

        def test_no_ending_breaks_the_app(assistants, run_ending):
            if run_ending.answer is None:
                with pytest.raises(my_app.NoAnswer):
                    my_app.ask("Weather?")
            else:
                assert my_app.ask("Weather?") == run_ending.answer

    `-k expired`, `--assistants-endings=expired,failed` and `@pytest.mark.assistants_endings("failed-*")` choose some.
    A run that lacks the tools for an ending (a function, the code interpreter) skips the test, with that reason.
    """
    from harness.endings import Inapplicable, ending  # noqa: PLC0415 - only tests that use it pay for it

    chosen = ending(request.param) if isinstance(request.param, str) else request.param
    chosen.arrange(assistants)

    @assistants.model
    def play(run: RunView) -> object:
        try:
            return chosen.acts(run)
        except Inapplicable as reason:
            pytest.skip(str(reason))

    return chosen


@pytest.hookimpl(hookwrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Iterator[None]:
    """A test marked for it is explored if that is asked for; else it is run once, and may return what it likes.

    What other plugins are to run is put in the test's place: a function that returns nothing, and is not async.
    """
    options = _exploration(pyfuncitem)
    if options is None:
        yield
        return
    test = pyfuncitem.obj
    if pyfuncitem.config.getoption("--assistants-explore"):
        pyfuncitem.obj = partial(_explore, pyfuncitem, test, options)
    elif not inspect.iscoroutinefunction(test):
        pyfuncitem.obj = partial(_once, test)
    yield
    pyfuncitem.obj = test


def _exploration(item: pytest.Item) -> dict[str, Any] | None:
    """How a test is to be explored; None if it is not marked for it."""
    marker = item.get_closest_marker(EXPLORE)
    if marker is None:
        return None
    given = {"budget": 120, "endings": ("*",), "allow": ()}
    if marker.args or not marker.kwargs.keys() <= given.keys():
        raise HarnessFailure(
            f"@pytest.mark.{EXPLORE} was given {marker.args!r} and {marker.kwargs!r}.",
            there_was=f"It takes the keywords {', '.join(given)}, and needs none of them.",
            do=f"@pytest.mark.{EXPLORE}(budget=60, allow=['expired-*'])",
        )
    return {**given, **marker.kwargs}


def _once(test: Any, /, **fixtures: Any) -> None:
    test(**fixtures)


def _explore(item: pytest.Function, test: Any, options: dict[str, Any], /, **fixtures: Any) -> None:
    __tracebackhide__ = True
    fake: Any = item.funcargs.get("assistants")
    if fake is None:
        raise HarnessFailure(
            f"{item.nodeid} is to be explored, and nothing answers its clients.",
            do=f"def {item.originalname}(assistants): ...",
        )
    from harness.exploring import explore_test  # noqa: PLC0415 - only tests that are explored pay for it

    original = inspect.unwrap(test)  # in its place pytest-asyncio has put a function that returns nothing
    client = original if inspect.iscoroutinefunction(original) else test
    findings = explore_test(client, fixtures, fake, budget=options["budget"], endings=options["endings"])
    item.stash[_findings_key] = findings
    findings.check(allow=options["allow"])


def _complain(item: pytest.Item, fake: FakeAssistants) -> None:
    """At the end: failures that the code under test swallowed, and scripts that were not used.

    A test that failed already is left to say why itself.
    """
    raised = item.stash.get(_raised_key, [])
    for failure in fake.failures:
        if not any(failure in _chain(error) for error in raised):
            raise failure
    if raised or item.stash.get(_findings_key, None) is not None:
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
    fake = item.stash.get(_fake_key, None)
    if fake is None or report.passed:
        return
    if call.excinfo is not None:
        item.stash.setdefault(_raised_key, []).append(call.excinfo.value)
    if not report.failed:
        return
    from harness.report.text import failure_section  # noqa: PLC0415 - only a failed test pays for it

    findings = item.stash.get(_findings_key, None)
    if findings is not None:
        report.sections.append(("assistants: explored", str(findings)))
        return
    section = failure_section(fake.threads, fake.requests, None if call.excinfo is None else call.excinfo.value)
    if section:
        report.sections.append(("assistants", section))
