"""Many fakes behind one URL: each API key has a world of its own, with its objects, clock, scripts and ids."""

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
from harness.serving.wait_headers import with_wait_headers

if TYPE_CHECKING:
    from harness.service.http import Request, Response
    from harness.service.settings import ClockPolicy
    from harness.serving.real_time import RealTime

NO_KEY = "no-key"


class Worlds:
    """The worlds of one server.

    A world is named by a hash of its API key; the key itself is not kept. The ids in a world depend on `seed` and the
    key alone, so parallel test suites with different keys share a server and stay deterministic.

    Args:
        options: the options of every world.
        scenario: is played into every new world; in the form that `FakeAssistants.scenario` takes.
        token: the token that the control API requires; without one, it answers only this machine.
        execute: whether scripts that come over the network may execute cells.
        spare_waiting: tell clients not to wait before polls and retries; the time passes on the virtual clock instead.
        real_time: advances the clocks with real time; by default they are virtual.
    """

    def __init__(
        self,
        options: Options | None = None,
        *,
        scenario: Mapping[str, Any] | None = None,
        token: str | None = None,
        execute: bool = False,
        spare_waiting: bool = False,
        real_time: RealTime | None = None,
    ) -> None:
        self.options = options or Options()
        self.token = token
        self.execute = execute
        self._scenario = scenario
        self._may_execute = execute or _executes_cells(scenario)
        self._spare_waiting = spare_waiting
        self._real_time = real_time
        self._fakes: dict[str, FakeAssistants] = {}
        self._lock = Lock()

    def name_of(self, key: str) -> str:
        """The name of the world of an API key.

        >>> Worlds().name_of("sk-any")
        'world-aa567f2f'
        """
        return f"world-{sha256(key.encode()).hexdigest()[:8]}" if key else NO_KEY

    def for_key(self, key: str) -> FakeAssistants:
        """The fake of an API key, which is created when it is first needed."""
        return self.get_or_create(self.name_of(key))

    def get_or_create(self, name: str) -> FakeAssistants:
        """The fake of the world of this name, which is created when it is first needed."""
        with self._lock:
            if name not in self._fakes:
                self._fakes[name] = self._create(name, self.options)
            return self._fakes[name]

    def get(self, name: str) -> FakeAssistants | None:
        """The fake of the world of this name, if that exists."""
        return self._fakes.get(name)

    def names(self) -> list[str]:
        """The names of all existing worlds, oldest first."""
        return list(self._fakes)

    def reset(self, name: str, options: Options | None = None) -> None:
        """Replace a world with a new one, with other options if any are given.

        Raises:
            HarnessFailure: the scenario, or real time, does not go with these options.
        """
        fresh = self._create(name, options or self.options)
        with self._lock:
            old, self._fakes[name] = self._fakes.get(name), fresh
        if old is not None:
            old.close()

    def answer(self, request: Request) -> Response:
        """Answer one request, to the control API or to the world of its key.

        Raises:
            HarnessFailure, WireFailure: what `FakeAssistants.answer` raises.
        """
        if control.is_ours(request):
            if self._real_time is not None and (name := control.world_of(self, request)) is not None:
                self.catch_up(self.get_or_create(name))
            return control.answer(self, request)
        fake = self.for_key(key_of(request, azure=is_azure(request)))
        self.catch_up(fake)
        response = self.respond(fake, request)
        return response if self._real_time is None else self._real_time.streamed(fake, response)

    def catch_up(self, fake: FakeAssistants) -> None:
        """In real time, advance the clock of a fake to now."""
        if self._real_time is not None:
            self._real_time.catch_up(fake)

    def policy_for(self, wanted: ClockPolicy) -> ClockPolicy:
        """The clock policy of a world that asks for `wanted`: in real time always `timed`, as polls move no clock then.

        Raises:
            HarnessFailure: `manual` in real time, where streams would wait for ever.
        """
        if self._real_time is None:
            return wanted
        if wanted == "manual":
            raise HarnessFailure(
                "A clock that only `advance` moves does not go with real time.",
                do="harness serve --time virtual --clock manual",
            )
        return "timed"

    def answers_inline(self, request: Request) -> bool:
        """Whether a request is answered so quickly that it needs no worker thread: a GET that cannot execute a cell."""
        return request.method == "GET" and not self._may_execute and not control.is_ours(request)

    def respond(self, fake: FakeAssistants, request: Request) -> Response:
        """The answer of a world, without regard to real time.

        Raises:
            HarnessFailure, WireFailure: what `FakeAssistants.answer` raises.
        """
        response = fake.answer(request)
        if self._spare_waiting and self._real_time is None:
            return with_wait_headers(fake, request, response)
        return response

    def close(self) -> None:
        """Stop the interpreters that execute cells."""
        for fake in self._fakes.values():
            fake.close()

    def _create(self, name: str, options: Options) -> FakeAssistants:
        fake = FakeAssistants(replace(options, seed=f"{options.seed} {name}"))
        fake.clock.policy = self.policy_for(options.clock)
        if self._scenario is not None:
            scenarios.play(fake, self._scenario, where="the scenario of this server")
            fake.world.director.allow_unused()  # it is for all clients, and not every client uses all of it
        return fake


def _executes_cells(scenario: object) -> bool:
    """Whether a scenario asks for a cell to be executed."""
    if isinstance(scenario, Mapping):
        return bool(scenario.get("execute")) or any(map(_executes_cells, scenario.values()))
    return isinstance(scenario, list) and any(map(_executes_cells, scenario))


class OneWorld(Worlds):
    """A single existing fake, as the world of every key."""

    NAME = "main"

    def __init__(self, fake: FakeAssistants, *, token: str | None = None, spare_waiting: bool = False) -> None:
        super().__init__(fake.options, token=token, spare_waiting=spare_waiting)
        self._fakes[self.NAME] = fake
        self._initial = fake.snapshot()

    def name_of(self, key: str) -> str:
        return self.NAME

    def answers_inline(self, request: Request) -> bool:
        """Never: a test may have scripted a model function that takes its time."""
        return False

    def reset(self, name: str, options: Options | None = None) -> None:
        """Restore the fake to its state at the start of the server.

        Raises:
            HarnessFailure: options are given, which only the test may set.
        """
        if options is not None:
            raise HarnessFailure(
                "The world of a running test keeps its options.", do="@pytest.mark.assistants(…)   # in the test"
            )
        self._fakes[self.NAME].restore(self._initial)
