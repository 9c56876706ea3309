"""What the user asks of the plugin: command line, ini file and markers, read and checked."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cassette_paths import default_path
from harness.environment import placeholder_key
from harness.failures import HarnessFailure
from harness.options import NAMES, Options, from_text, ini_type, make_options, unreadable_ini

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.options import Options

MARKER = "assistants"
CASSETTE = "assistants_cassette"
ENDINGS = "assistants_endings"
EXPLORE = "assistants_explore"
RECORD_MODES = ("none", "once", "new_episodes", "all", "rewrite")


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
    parser.getgroup("assistants").addoption(
        "--assistants-report",
        metavar="FOLDER",
        type=Path,
        default=None,
        help="Write a page for each failed test into this folder: what was said, run and asked, for a browser.",
    )
    parser.addini("assistants_redact", "Regular expressions of what recordings must not hold.", type="linelist")
    parser.addini("assistants_keep", "Texts that recordings may hold although they look like secrets.", type="linelist")
    parser.addini("assistants_cassettes", "The folder of the cassettes, from the root.", default="cassettes")
    native = pytest.version_tuple >= (9,)
    for name in NAMES:
        help_text = f"Default of the option {name} of the assistants marker."
        parser.addini(f"assistants_{name}", help_text, type=ini_type(name, native=native), default=None)


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
    folder: Path | None = config.getoption("--assistants-report")
    if folder is not None and (config.invocation_params.dir / folder).is_file():
        raise pytest.UsageError(f"--assistants-report={folder}: that is a file, and a folder is needed.")
    if config.getini("assistants_placeholder_key"):
        with_key = ExitStack()
        with_key.enter_context(placeholder_key())
        config.add_cleanup(with_key.close)


@pytest.hookimpl(hookwrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    """Misspelt options are an error of the collection, not of the test that has them.

    It is told as a module's that cannot be imported: xdist's workers have no other way to say what is wrong.
    """
    outcome: Any = yield
    report: pytest.CollectReport = outcome.get_result()
    wrong = [complaint for each in report.result or () if (complaint := _misuse(each)) is not None]
    if wrong:
        report.outcome, report.longrepr, report.result = "failed", "\n\n".join(wrong), []


def _misuse(node: pytest.Item | pytest.Collector) -> str | None:
    """What is wrong with the markers of a test."""
    if not isinstance(node, pytest.Item) or not any(map(node.get_closest_marker, (MARKER, CASSETTE, EXPLORE))):
        return None
    try:
        options_of(node)
        cassette_of(node)
        exploration_of(node)
    except HarnessFailure as failure:
        path, line, _ = node.location
        return f"{path}:{(line or 0) + 1}: {failure}"
    return None


def options_of(item: pytest.Item) -> Options:
    """The options for one test: the nearest marker that names one, then the ini file, then the defaults."""
    given: dict[str, Any] = {"seed": item.nodeid}
    for name in NAMES:
        try:
            text = item.config.getini(f"assistants_{name}")
        except (TypeError, ValueError, pytest.UsageError) as error:
            raise unreadable_ini(name, error) from error
        if text not in (None, "", []):  # the last is what pytest 7 has for what is not there
            given[name] = from_text(name, text)
    for marker in reversed(list(item.iter_markers(MARKER))):
        if marker.args:
            raise HarnessFailure(
                f"@pytest.mark.assistants takes keywords, and was given {marker.args!r}.",
                do="@pytest.mark.assistants(clock='timed')",
            )
        given.update(marker.kwargs)
    return make_options(given, where="@pytest.mark.assistants")


def cassette_of(item: pytest.Item) -> tuple[Path, dict[str, Any]] | None:
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
    if path is None:
        cls = getattr(item, "cls", None)
        name = item.name if cls is None else f"{cls.__qualname__}.{item.name}"
        return default_path(item.path, name, item.config.rootpath, folder), how
    beside = item.path.parent / path
    return beside if beside.exists() else folder / path, how


def exploration_of(item: pytest.Item) -> dict[str, Any] | None:
    """How a test is to be explored; None if it is not marked for it.

    Raises:
        HarnessFailure: the marker was given what it does not take, or an ending that there is not.
    """
    marker = item.get_closest_marker(EXPLORE)
    if marker is None:
        return None
    usual = {"budget": 120, "endings": ("*",), "allow": ()}
    given = {**usual, **marker.kwargs}
    if marker.args or given.keys() != usual.keys() or not isinstance(given["budget"], int):
        raise HarnessFailure(
            f"@pytest.mark.{EXPLORE} was given {marker.args!r} and {marker.kwargs!r}.",
            there_was=f"It takes the keywords {', '.join(usual)}, and needs none of them; budget is a whole number.",
            do=f"@pytest.mark.{EXPLORE}(budget=60, allow=['expired-*'])",
        )
    if "endings" in marker.kwargs:
        from harness.endings import matching_endings  # noqa: PLC0415 - only tests that choose some pay for it

        matching_endings(given["endings"], usage=f'@pytest.mark.{EXPLORE}(endings=["{{}}"])')
    return given
