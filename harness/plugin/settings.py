"""The plugin's options on the command line and in the ini file, and its markers: declared, read and checked."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from harness.cassette_paths import default_path
from harness.environment import placeholder_key
from harness.failures import HarnessFailure
from harness.options import NAMES, from_text, ini_type, make_options, unreadable_ini

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
        help="Run tests with the run_ending fixture only for these endings: expired,failed-*-after_message.",
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
        help="Write an HTML page for each failed test into this folder: its conversations, runs and requests.",
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
    config.addinivalue_line(
        "markers",
        f"{ENDINGS}(*patterns, answer=None): the run endings that run_ending goes through, and the model's answer.",
    )
    config.addinivalue_line(
        "markers",
        f"{EXPLORE}(budget=120, endings=('*',), answer=None, allow=()): with --assistants-explore, the test is run "
        "under every ending, timing and fault; what it returns is the client's answer.",
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
    """Report wrong arguments of markers as errors of the collection, not of the test.

    They are reported like a module that cannot be imported, as xdist's workers can report no other errors.
    """
    outcome: Any = yield
    report: pytest.CollectReport = outcome.get_result()
    errors = [error for each in report.result or () if (error := _marker_error(each)) is not None]
    if errors:
        report.outcome, report.longrepr, report.result = "failed", "\n\n".join(errors), []


def _marker_error(node: pytest.Item | pytest.Collector) -> str | None:
    """What is wrong with the arguments of a test's markers, or None."""
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
    """The options for one test, each from the nearest marker that names it, the ini file, or the defaults.

    Raises:
        HarnessFailure: a marker or the ini file has an unknown option, or a wrong value for one.
    """
    given: dict[str, Any] = {"seed": item.nodeid}
    for name in NAMES:
        try:
            text = item.config.getini(f"assistants_{name}")
        except (TypeError, ValueError, pytest.UsageError) as error:
            raise unreadable_ini(name, error) from error
        if text not in (None, "", []):  # the last is pytest 7's default
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
    """The path of the cassette that a test replays and the options of the replay; None if it replays none.

    Raises:
        HarnessFailure: the marker has wrong arguments.
    """
    marker = item.get_closest_marker(CASSETTE)
    if marker is None and CASSETTE not in getattr(item, "fixturenames", ()):
        return None
    args, kwargs = (marker.args, marker.kwargs) if marker is not None else ((), {})
    given: dict[str, Any] = {"path": None, "replay": "live", "on_miss": "fail", "redact": (), "keep": ()}
    expected = len(given)
    given.update(zip(given, args, strict=False), **kwargs)
    path, lists = given["path"], [given["redact"], given["keep"]]
    if (
        not isinstance(path, (str, Path, type(None)))
        or max(len(given), len(args)) > expected
        or not all(isinstance(each, (list, tuple)) for each in lists)
    ):
        raise HarnessFailure(
            f"@pytest.mark.assistants_cassette was given {args!r} and {kwargs!r}.",
            there_was="It takes path, replay and on_miss, and the lists redact and keep, and needs none of them.",
            do="@pytest.mark.assistants_cassette('name.yaml', replay='live')",
        )
    from harness.recording import check_choices  # noqa: PLC0415 - only tests that name a cassette pay for it

    check_choices(given["replay"], given["on_miss"], where=f"@pytest.mark.{CASSETTE}")
    replay_options = {"mode": given["replay"], "on_miss": given["on_miss"]}
    for name in ("redact", "keep"):
        replay_options[name] = [*item.config.getini(f"assistants_{name}"), *given[name]]
    folder = item.config.rootpath / item.config.getini("assistants_cassettes")
    if path is None:
        cls = getattr(item, "cls", None)
        name = item.name if cls is None else f"{cls.__qualname__}.{item.name}"
        return default_path(item.path, name, item.config.rootpath, folder), replay_options
    beside = item.path.parent / path
    return beside if beside.exists() else folder / path, replay_options


def exploration_of(item: pytest.Item) -> dict[str, Any] | None:
    """The options of a test's exploration; None if it is not marked for one.

    Raises:
        HarnessFailure: the marker was given wrong arguments, or an unknown ending.
    """
    marker = item.get_closest_marker(EXPLORE)
    if marker is None:
        return None
    defaults = {"budget": 120, "endings": ("*",), "answer": None, "allow": ()}
    given = {**defaults, **marker.kwargs}
    if marker.args or given.keys() != defaults.keys() or not isinstance(given["budget"], int):
        raise HarnessFailure(
            f"@pytest.mark.{EXPLORE} was given {marker.args!r} and {marker.kwargs!r}.",
            there_was=f"It takes the keywords {', '.join(defaults)}, and needs none of them; budget is a whole number.",
            do=f"@pytest.mark.{EXPLORE}(budget=60, allow=['expired-*'])",
        )
    if "endings" in marker.kwargs:
        from harness.endings import matching_endings  # noqa: PLC0415 - only tests that choose some pay for it

        matching_endings(given["endings"], usage=f'@pytest.mark.{EXPLORE}(endings=["{{}}"])')
    return given
