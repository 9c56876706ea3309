"""Many fakes behind one address: each API key is a world of its own, with its objects, clock, scripts and ids."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from threading import Lock
from typing import TYPE_CHECKING, Any

from harness import scenarios
from harness.failures import HarnessFailure
from harness.fake import FakeAssistants
from harness.options import Options
from harness.service.dialects import is_azure, key_of
from harness.serving import control
from harness.serving.hurrying import hurried

if TYPE_CHECKING:
    from harness.service.http import Request, Response
    from harness.service.settings import ClockPolicy
    from harness.serving.pace import Pace

NO_KEY = "no-key"


class Worlds:
    """The worlds of one server.

    A world has a name that may be shown, made from its key; the key is not kept. Which ids a world gives depends on
    `seed` and its key alone, so parallel suites with keys of their own share a server and stay deterministic.

    Args:
        options: those of every world.
        scenario: what every world begins with, as `FakeAssistants.scenario` takes it.
        token: what the control API asks for; without one, it answers this machine only.
        execute: whether scripts that come over the network may execute cells.
        spare_waiting: tell clients not to wait before they poll and try again; time passes on the clock instead.
        pace: what couples the clocks to real time; by default they are virtual.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        scenario: Mapping[str, Any] | None = None,
        token: str | None = None,
        execute: bool = False,
        spare_waiting: bool = False,
        pace: Pace | None = None,
    ) -> None:
        self.options = options or Options()
        self.token = token
        self.execute = execute
        self._scenario = scenario
        self._executes = execute or _executes(scenario)
        self._spare_waiting = spare_waiting
        self._pace = pace
        self._fakes: dict[str, FakeAssistants] = {}
        self._lock = Lock()

    def name_of(self, key: str) -> str:
        """
        >>> Worlds().name_of("sk-any")
        'world-aa567f2f'
        """
        return f"world-{sha256(key.encode()).hexdigest()[:8]}" if key else NO_KEY

    def of(self, key: str) -> FakeAssistants:
        """The world of an API key, which begins when it is first asked for."""
        return self.begun(self.name_of(key))

    def begun(self, name: str) -> FakeAssistants:
        """The world of this name, which begins when it is first asked for."""
        with self._lock:
            if name not in self._fakes:
                self._fakes[name] = self._begin(name, self.options)
            return self._fakes[name]

    def named(self, name: str) -> FakeAssistants | None:
        return self._fakes.get(name)

    def names(self) -> list[str]:
        """Those that have begun, oldest first."""
        return list(self._fakes)

    def reset(self, name: str, options: Options | None = None) -> None:
        """Let a world begin anew, if wanted with other options.

        Raises:
            HarnessFailure: the scenario, or real time, does not fit these options.
        """
        fresh = self._begin(name, options or self.options)
        with self._lock:
            old, self._fakes[name] = self._fakes.get(name), fresh
        if old is not None:
            old.close()

    def answer(self, request: Request) -> Response:
        """Answer one request: of the control API, or of the world of its key.

        Raises:
            HarnessFailure, WireFailure: what `FakeAssistants.answer` raises.
        """
        if control.is_ours(request):
            if self._pace is not None and (name := control.world_of(self, request)) is not None:
                self.keep_pace(self.begun(name))
            return control.answer(self, request)
        fake = self.of(key_of(request, azure=is_azure(request)))
        self.keep_pace(fake)
        response = self.served(fake, request)
        return response if self._pace is None else self._pace.paced(fake, response)

    def keep_pace(self, fake: FakeAssistants) -> None:
        """In real time, let pass what has passed."""
        if self._pace is not None:
            self._pace.keep(fake)

    def policy_for(self, wanted: ClockPolicy) -> ClockPolicy:
        """What moves a clock of this server, where this is wanted: in real time, a look is no reason for it to pass.

        Raises:
            HarnessFailure: `manual` is wanted in real time; streams would wait for ever.
        """
        if self._pace is None:
            return wanted
        if wanted == "manual":
            raise HarnessFailure(
                "A clock that only `advance` moves does not go with real time.",
                do="harness serve --time virtual --clock manual",
            )
        return "timed"

    def at_once(self, request: Request) -> bool:
        """Whether it takes next to no time to answer: a look at something, where no cell can be executed by it."""
        return request.method == "GET" and not self._executes and not control.is_ours(request)

    def served(self, fake: FakeAssistants, request: Request) -> Response:
        """What a world answers, whatever the real time.

        Raises:
            HarnessFailure, WireFailure: what `FakeAssistants.answer` raises.
        """
        response = fake.answer(request)
        return hurried(fake, request, response) if self._spare_waiting and self._pace is None else response

    def close(self) -> None:
        """End the interpreters that execute cells."""
        for fake in self._fakes.values():
            fake.close()

    def _begin(self, name: str, options: Options) -> FakeAssistants:
        fake = FakeAssistants(replace(options, seed=f"{options.seed} {name}"))
        fake.clock.policy = self.policy_for(options.clock)
        if self._scenario is not None:
            scenarios.play(fake, self._scenario, where="the scenario of this server")
            fake.world.director.expect_nothing()  # it is for every client, and not each needs all of it
        return fake


def _executes(scenario: object) -> bool:
    """Whether a cell in it is to be executed."""
    if isinstance(scenario, Mapping):
        return bool(scenario.get("execute")) or any(map(_executes, scenario.values()))
    return isinstance(scenario, list) and any(map(_executes, scenario))


class OneWorld(Worlds):
    """A single fake that somebody holds already, for every key."""

    NAME = "main"

    def __init__(self, fake: FakeAssistants, *, token: str | None = None, spare_waiting: bool = False) -> None:
        super().__init__(fake.options, token=token, spare_waiting=spare_waiting)
        self._fakes[self.NAME] = fake
        self._first = fake.snapshot()

    def name_of(self, key: str) -> str:
        return self.NAME

    def at_once(self, request: Request) -> bool:
        """Nobody knows what a test has scripted: a model function may take its time."""
        return False

    def reset(self, name: str, options: Options | None = None) -> None:
        """Take everything back to how it was when the server began.

        Raises:
            HarnessFailure: other options are wanted, and they belong to the test.
        """
        if options is not None:
            raise HarnessFailure(
                "The world of a running test keeps its options.", do="@pytest.mark.assistants(…)   # in the test"
            )
        self._fakes[self.NAME].restore(self._first)
