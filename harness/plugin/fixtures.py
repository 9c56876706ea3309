"""The fixtures; what they need is imported when a test asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.failures import HarnessFailure
from harness.plugin.reporting import FAKE, RAISED, raise_failures
from harness.plugin.settings import cassette_of, options_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from harness.endings import RunEnding
    from harness.fake import FakeAssistants
    from harness.recording import Cassette
    from harness.serving import Server


@pytest.fixture
def assistants(request: pytest.FixtureRequest) -> Iterator[FakeAssistants]:
    """A fake Assistants API that every OpenAI client of this process talks to while the test runs.

    It starts empty. Without a script every run completes with a placeholder answer; see `harness.FakeAssistants`
    for what it can do, and `@pytest.mark.assistants(…)` for its options.
    """
    __tracebackhide__ = True
    from harness.fake import FakeAssistants  # noqa: PLC0415 - only tests that use it pay for it
    from harness.installed import installed  # noqa: PLC0415 - only tests that use the fake pay for it

    item = request.node
    fake = FakeAssistants(options_of(item))
    item.stash[FAKE] = fake
    cassette = cassette_of(item)
    if cassette is not None:
        path, replay_options = cassette
        mode = record_mode(item.config, path)
        if mode != "none":
            with fake.record(path, mode=mode, redact=replay_options["redact"], keep=replay_options["keep"]) as tape:
                yield fake
                if item.stash.get(RAISED, None):
                    tape.discard()
            return
        if not path.exists():
            raise missing_cassette(item, path)
        fake.replay(path, **replay_options)
    with installed(fake):
        yield fake
    raise_failures(item, fake)


@pytest.fixture
def assistants_cassette(request: pytest.FixtureRequest, assistants: FakeAssistants) -> Cassette:
    """The cassette that this test replays: its `path`, and its `session`, the recorded exchanges.

    A test with this fixture needs no marker: `assistants` replays the cassette that is named like the test, and
    `--assistants-record=once` records it. The marker chooses another one, and the options. The default is
    `<folder>/<path of the module>/<Class.test_name[parameters]>.yaml`, with the folder from `assistants_cassettes` in
    the ini file; that of pytest-recording, `cassettes/<module>/<name>.yaml` beside the module, is found too.

    Request it by name or by `usefixtures`: for `request.getfixturevalue`, `assistants` may be set up already.
    """
    from harness.recording import Cassette  # noqa: PLC0415 - only tests that use it pay for it

    cassette = cassette_of(request.node)
    if cassette is None:
        raise HarnessFailure(
            f"{request.node.nodeid} requests its cassette after `assistants` was set up, so nothing was replayed.",
            do="@pytest.mark.usefixtures('assistants_cassette')",
        )
    return Cassette(cassette[0])


@pytest.fixture
def assistants_server(assistants: FakeAssistants) -> Iterator[Server]:
    r"""This test's fake, served at an address for programs in any language: `base_url`, `environment`, `inspector`.

        def test_the_node_app(assistants, assistants_server):
            assistants.next_run(say("Hello!"))
            answer = subprocess.check_output(["node", "app.mjs"], env={**os.environ, **assistants_server.environment})
            assert answer == b"Hello!\n"

    Needs the extra `server`.
    """
    with assistants.serve() as server:
        yield server


@pytest.fixture
def run_ending(request: pytest.FixtureRequest, assistants: FakeAssistants) -> RunEnding:
    """Runs the test once for every way a run can end or stall; runs that the test does not script end that way.

    Its `status` and `answer` (the text that a correct client returns, or None) are for the test to check:

        def test_no_ending_breaks_the_app(assistants, run_ending):
            if run_ending.answer is None:
                with pytest.raises(my_app.NoAnswer):
                    my_app.ask("Weather?")
            else:
                assert my_app.ask("Weather?") == run_ending.answer

    `-k expired`, `--assistants-endings=expired,failed` and `@pytest.mark.assistants_endings("failed-*")` choose some.
    A run that lacks the tools for an ending (a function, the code interpreter) completes with the placeholder answer,
    and the test is reported as skipped for that reason, whatever its own outcome.
    """
    from harness.endings import ending  # noqa: PLC0415 - only tests that use it pay for it

    chosen = ending(request.param) if isinstance(request.param, str) else request.param
    chosen.arrange(assistants)
    return chosen


def record_mode(config: pytest.Config, path: Path) -> Any:
    """The record mode of this option or of pytest-recording's; `none` for `once` if the cassette exists."""
    mode = config.getoption("--assistants-record") or config.getoption("--record-mode", None) or "none"
    return "none" if mode == "once" and path.exists() else mode


def missing_cassette(item: pytest.Item, path: Path) -> HarnessFailure:
    return HarnessFailure(
        f"There is no cassette {path}, and recording one was not asked for.",
        there_was=f"{item.nodeid} replays it.",
        do=f'pytest --assistants-record=once "{item.nodeid}"   # with a key, against an endpoint that speaks the API',
    )
