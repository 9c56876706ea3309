"""The fixtures; what they need is imported when a test asks for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.failures import HarnessFailure
from harness.plugin.reporting import FAKE, RAISED, complain
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
        path, how = cassette
        mode = record_mode(item.config, path)
        if mode != "none":
            with fake.record(path, mode=mode, redact=how["redact"], keep=how["keep"]) as tape:
                yield fake
                if item.stash.get(RAISED, None):
                    tape.discard()
            return
        if not path.exists():
            raise no_cassette(item, path)
        fake.replay(path, **how)
    with installed(fake):
        yield fake
    complain(item, fake)


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

    cassette = cassette_of(request.node)
    if cassette is None:
        raise HarnessFailure(
            f"{request.node.nodeid} asks for its cassette when the test has begun, so nothing was answered from it.",
            do="@pytest.mark.usefixtures('assistants_cassette')",
        )
    return Cassette(cassette[0])


@pytest.fixture
def assistants_server(assistants: FakeAssistants) -> Iterator[Server]:
    r"""The fake of this test at an address, for programs in any language: `base_url`, `environment`, `inspector`.

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
    """Runs the test once for every way a run can end or stall; every run that the test does not script ends so.

    What a test needs to know of it are `status` and `answer`, the text that a right client returns, or None:

        def test_no_ending_breaks_the_app(assistants, run_ending):
            if run_ending.answer is None:
                with pytest.raises(my_app.NoAnswer):
                    my_app.ask("Weather?")
            else:
                assert my_app.ask("Weather?") == run_ending.answer

    `-k expired`, `--assistants-endings=expired,failed` and `@pytest.mark.assistants_endings("failed-*")` choose some.
    A run that lacks the tools for an ending (a function, the code interpreter) completes with the placeholder answer,
    and the test counts as skipped, with that reason, whatever becomes of it.
    """
    from harness.endings import ending  # noqa: PLC0415 - only tests that use it pay for it

    chosen = ending(request.param) if isinstance(request.param, str) else request.param
    chosen.arrange(assistants)
    return chosen


def record_mode(config: pytest.Config, path: Path) -> Any:
    """As asked for; pytest-recording's own option counts too. What is recorded already, `once` does not touch."""
    mode = config.getoption("--assistants-record") or config.getoption("--record-mode", None) or "none"
    return "none" if mode == "once" and path.exists() else mode


def no_cassette(item: pytest.Item, path: Path) -> HarnessFailure:
    return HarnessFailure(
        f"There is no cassette {path}, and nothing is called without being asked to.",
        there_was=f"{item.nodeid} is to be answered from it.",
        do=f'pytest --assistants-record=once "{item.nodeid}"   # with a key, against an endpoint that speaks the API',
    )
