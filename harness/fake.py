"""`FakeAssistants`: what a test holds. Scripts, clock, requests, objects that exist already, and clients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.custom_endpoints import CustomEndpoint
from harness.environment import endpoints
from harness.failures import HarnessFailure
from harness.hosts import Hosts
from harness.interpreters import Interpreters
from harness.loops import loop_around
from harness.options import Options
from harness.report import text as report
from harness.scripting import When, script_of, users_line
from harness.seeding import Seeding
from harness.service import explain
from harness.service.director import check_conditions
from harness.service.exchange import Exchange
from harness.service.http import NO_ANSWER, Request, Response, WireFailure
from harness.service.lifecycle import RUN, find
from harness.service.paths import below_root
from harness.service.script import Script
from harness.service.service import Service
from harness.sleep_log import SleepLog
from harness.turns import Reading, Turns

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable
    from contextlib import AbstractContextManager

    import openai

    from harness.recording import OnMiss, Player, Replay
    from harness.recording.recorder import Mode, Tape
    from harness.service.clock import Clock
    from harness.service.context import World
    from harness.service.faults import Faults
    from harness.service.records import Run, Thread
    from harness.service.views import RunView
    from harness.serving import Server

    Texts = Iterable[str]
    Pause = Callable[[float], Awaitable[None]]


class FakeAssistants(Seeding):
    """A fake of the Assistants API, as the `assistants` fixture and `fake_assistants()` give it.

    It answers requests; what makes clients send them here is `harness.transports`. All methods may be called from
    any thread: what copies the world or adds to it waits until the request under way is answered, what scripts runs
    or looks at them waits for nobody. Who wants to do several things with nobody between them, or moves the clock
    while others send requests, holds `turns`.

    Attributes:
        options: those it was made with.
        requests: every request with its answer, oldest first, across `replay` and `restore`.
        turns: a context in which no other thread is answered.
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.hosts = Hosts((*self.options.base_urls, *endpoints()))
        self._interpreters = Interpreters(self.options)
        self.service = Service(self.options, roots=self.hosts.roots, execute=self._interpreters, loop=loop_around)
        self.requests: list[Exchange] = []
        self._custom_endpoints: list[CustomEndpoint] = []
        self.turns = Turns()
        self.pause: Pause | None = None  # how tasks wait while sleeping is virtual; else nobody waits for a stream
        self.sleep_log = SleepLog()
        self._player: Player | None = None

    @property
    def world(self) -> World:
        """All there is now; `restore` and `replay` put another in its place."""
        return self.service.world

    @property
    def failures(self) -> list[HarnessFailure]:
        """What the harness complained about, for the code under test may have swallowed it."""
        return self.turns.failures

    # --- answering ----------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        """Answer one request and remember both.

        Raises:
            HarnessFailure: the harness itself has to complain; it is remembered in `failures` too.
            WireFailure: there is no answer, for `faults` has other plans.
        """
        with self.turns:
            self.sleep_log.note_request()
            try:
                faulty = self.service.world.faults.planned
                response = self.service.through_faults(request, self._served) if faulty else self._served(request)
            except (WireFailure, HarnessFailure) as failure:
                lost = failure.answer if isinstance(failure, WireFailure) else NO_ANSWER
                self.requests.append(Exchange(request, lost, self.clock.now, failure))
                raise
            if not isinstance(response.body, bytes):
                response = replace(response, body=Reading(response.body, self.turns, (request.method, request.path)))
            self.requests.append(Exchange(request, response, self.clock.now))
            return response

    def refuse_connection(self, method: str, url: str, *, ours: bool) -> HarnessFailure:
        """What a transport raises where it lets nobody through; remembered like any failure."""
        failure = explain.not_reached(method, url, ours=ours)
        self.failures.append(failure)
        return failure

    def slept(self, seconds: float) -> None:
        """The code under test slept: the virtual clock follows its policy."""
        with self.turns:
            self.sleep_log.note_sleep(seconds)
            self.clock.slept(seconds)

    def _served(self, request: Request) -> Response:
        """What is answered where nothing goes wrong: by the test itself, or by the service.

        An error of the service's own must not look like a network error to the SDK.
        """
        custom = self._custom_endpoint(request) if self._custom_endpoints else None
        if custom is not None:
            return custom.respond(request)
        try:
            return self.service.handle(request) if self._player is None else self._player.answer(request)
        except Exception as error:
            raise explain.broken(request.method, request.path, error) from error

    def _custom_endpoint(self, request: Request) -> CustomEndpoint | None:
        """The endpoint that the test defined last of those that match."""
        paths = (request.path, below_root(request.path, self.service.roots))
        return next((each for each in reversed(self._custom_endpoints) if each.matches(request.method, *paths)), None)

    # --- what the model does ------------------------------------------------------------------------------

    def next_run(self, *acts: object) -> None:
        """What the model does in the next run that nobody else claims: one call, one run, first in, first out.

        Without acts that run completes without a word.

        Raises:
            HarnessFailure: something is no act, or an act can never happen.
        """
        self.world.director.queue.append(script_of(acts, users_line(), "next_run"))

    def every_run(self, *acts: object) -> None:
        """What the model does in all runs that are not claimed otherwise. The last call counts.

        Raises:
            HarnessFailure: something is no act, or an act can never happen.
        """
        self.world.director.default = script_of(acts, users_line(), "every_run")

    def when(self, **conditions: object) -> When:
        """Choose runs by `message`, `assistant`, `thread`, `model`, `instructions` or `metadata`.

        A text is looked for in the newest user message and in the instructions, and compared with the others
        (`assistant` takes an id or a name); a compiled pattern is searched; a function is asked.

        Raises:
            HarnessFailure: there is no such condition, or nothing can be compared with what is given for it.
        """
        check_conditions(conditions, where=users_line())
        return When(self, conditions)

    def model(self, function: Callable[[RunView], object]) -> Callable[[RunView], object]:
        """Decorate a function or generator `(run) -> acts` that plays the model in every run not claimed otherwise.

        A generator gets what the client submits: `output = yield call("get_weather")` is the output's text, and
        for `calls(…)` the list of them in the order of the calls. A text is `say(text)`; where nothing is given, the
        run completes without a word.

        Raises:
            HarnessFailure: it is no function. In the client: it raises an error, is async, or gives what is no act.
        """
        if not callable(function):
            raise HarnessFailure(
                f"assistants.model(…) at {users_line()} takes a function, and was given {function!r}.",
                do='assistants.every_run(say("…"))',
            )
        self.world.director.default = Script(function, users_line())
        return function

    # --- what there is ------------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """Virtual time: `now`, in seconds since 1970, `advance(seconds)`, and `policy`, what else moves it."""
        return self.world.clock

    @property
    def faults(self) -> Faults:
        """What shall go wrong, in requests, answers and streams; printed, what was planned and what has happened."""
        return self.world.faults

    @property
    def runs(self) -> list[Run]:
        """All runs, oldest first within each thread."""
        return [run for thread in self.world.store.threads for run in thread.runs]

    @property
    def threads(self) -> list[Thread]:
        """All threads, oldest first."""
        return list(self.world.store.threads)

    def cancel_runs(self) -> None:
        """Somebody else cancels every run that can be cancelled now."""
        with self.turns:
            for run in self.runs:
                if find(RUN, run.status, "cancel") is not None:
                    self.world.engine.cancel(run)

    def transcript(self, thread: Thread | str | Any = None) -> str:
        """The conversation of one thread (a thread, its id, or anything with an `id`), or of all, as text.

        Raises:
            HarnessFailure: there is no such thread.
        """
        wanted = getattr(thread, "id", thread)
        chosen = [item for item in self.threads if wanted in (None, item.id)]
        if wanted is not None and not chosen:
            raise HarnessFailure(
                f"transcript({wanted!r}): there is no such thread.",
                there_was=f"The threads are {', '.join(item.id for item in self.threads) or 'none yet'}.",
                do="print(assistants.transcript())   # all of them",
            )
        return report.transcript(chosen)

    def on(self, method: str, path: str, answer: Callable[[Request], Any]) -> None:
        """Answer one endpoint yourself, also one that the fake does not serve. The last call counts.

        Args:
            path: the path as sent, or below `/v1`; `{…}` stands for any one part, as in `/threads/{thread_id}`.
            answer: gets the request, and gives JSON, bytes, or a `Response`. If it raises something, or gives what
                cannot be sent, the client gets a `HarnessFailure` that says so.

        Raises:
            HarnessFailure: no request can have such a path, or the answer is no function.
        """
        self._custom_endpoints.append(CustomEndpoint(method.upper(), path, answer, users_line()))

    def scenario(self, given: str | Path | Mapping[str, Any]) -> None:
        """Script runs, seed objects and plan faults as data: all that stands in a file, or in a mapping like one.

        Args:
            given: a file of YAML or JSON, or what it would hold; see `docs/serving.md`.

        Raises:
            HarnessFailure: something in it is wrong; then nothing of it counts.
        """
        from harness import scenarios  # noqa: PLC0415 - only tests that use it pay for it

        path = None if isinstance(given, Mapping) else Path(given)
        data = given if isinstance(given, Mapping) else scenarios.load(Path(given))
        with self.turns.lock:
            scenarios.play(self, data, where=users_line() if path is None else str(path))

    # --- recorded sessions --------------------------------------------------------------------------------

    def replay(
        self, path: str | Path, *, mode: Replay = "live", on_miss: OnMiss = "fail", redact: Texts = (), keep: Texts = ()
    ) -> None:
        """Answer from a recorded session. Live, the world begins anew with it, and only scripts and faults stay.

        Args:
            path: a cassette, of any dialect that `harness.recording.cassettes` reads.
            mode: `live`, the session is a story that the client may ask in its own way; or `exact`, each recorded
                exchange answers once.
            on_miss: for what the session cannot answer: `fail`, or `script`, the scripts of this fake.
            redact: what `record` was given: clients send again what the cassette has stand-ins for.
            keep: what `record` was given.

        Raises:
            HarnessFailure: there is no such choice, or the file cannot be read; or objects were added, which would be
                gone.
        """
        from harness.recording import replay  # noqa: PLC0415 - needs the extra `recording`

        with self.turns.lock:
            if mode == "live" and self._player is None and not self.requests and not self.world.store.empty:
                raise HarnessFailure(
                    "replay(…) begins the world anew, and what was added to it would be gone.",
                    do="assistants.replay(…)   # first of all, then add_assistant(…), add_file(…) and so on",
                )
            self._player = replay(Path(path), self.service, mode=mode, on_miss=on_miss, redact=redact, keep=keep)

    def record(
        self, path: str | Path, *, mode: Mode = "rewrite", redact: Texts = (), keep: Texts = ()
    ) -> AbstractContextManager[Tape]:
        """A context in which the HTTP traffic of this process is recorded into a cassette, whoever answers it.

        Args:
            path: the cassette.
            mode: what becomes of one that is there; see `harness.recording.recorder.recording`.
            redact: regular expressions of what must not stand in it, besides keys and personal data.
            keep: texts that may, although they look like such.

        Raises:
            HarnessFailure: vcrpy is not installed, or the cassette cannot be written.
        """
        from harness.recording.recorder import recording  # noqa: PLC0415 - needs the extra `recording`
        from harness.recording.redaction import Redactor  # noqa: PLC0415 - needs the extra `recording`

        return recording(Path(path), mode=mode, redactor=Redactor(patterns=redact, keep=keep))

    # --- clients ------------------------------------------------------------------------------------------

    def client(self, **options: Any) -> openai.OpenAI:
        """A client of this fake, which needs no interception; it takes the options of `openai.OpenAI`."""
        from harness import clients  # noqa: PLC0415 - imports openai, which takes a second

        return clients.sync_client(self, **options)

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        """The same as an `openai.AsyncOpenAI`."""
        from harness import clients  # noqa: PLC0415 - imports openai, which takes a second

        return clients.async_client(self, **options)

    def azure_client(self, **options: Any) -> openai.AzureOpenAI:
        """The same as an `openai.AzureOpenAI`, with api-version 2024-05-01-preview unless you say another."""
        from harness import clients  # noqa: PLC0415 - imports openai, which takes a second

        return clients.azure_client(self, **options)

    def serve(
        self, *, host: str = "127.0.0.1", port: int = 0, spare_waiting: bool = True
    ) -> AbstractContextManager[Server]:
        """A context in which programs in any language reach this fake at an address: see `Server.environment`.

        By default only programs of this machine reach it, at a port that is free. Whatever key they have, they share
        this one world with the test, which scripts it as ever. While a test sleeps virtually, that moves the clock
        for all of them; their own sleeping takes its time, and moves nothing.

        Args:
            host: the address to listen on.
            port: the port, or 0 for a free one.
            spare_waiting: tell clients by headers not to wait between polls and before they try again, which the real
                service did not.

        Raises:
            HarnessFailure: the extra `server` is not installed, or the address cannot be had.
        """
        from harness.serving import serve_one  # noqa: PLC0415 - needs the extra `server`

        return serve_one(self, host=host, port=port, spare_waiting=spare_waiting)

    # --- going back ---------------------------------------------------------------------------------------

    def snapshot(self) -> World:
        """A copy of everything there is, for `restore`; what scripts call is not copied.

        In a run that goes on after `restore`, a model that is a generator begins anew and is sent the same again.
        """
        with self.turns.lock:
            return self.service.snapshot()

    def restore(self, snapshot: World) -> None:
        """Go back to a snapshot: objects, clock, scripts and ids. The log of requests goes on.

        What was taken out before (`clock`, `faults`, `runs` …) belongs to the world that is gone. The variables of
        executed cells are gone, too: interpreters begin anew.
        """
        with self.turns.lock:
            self._interpreters.close()
            self.service.restore(snapshot)

    # --- the end ------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the interpreters that execute cells; the fixture and `fake_assistants()` do so.

        It waits for nobody: a request that another thread has under way may never end.
        """
        self._interpreters.close()

    def unused(self) -> HarnessFailure | None:
        """The complaint about scripts that no run took, and faults that no stream met, if there are any."""
        scripts, faults = self.world.director.unused(), self.faults.unused()
        exchanges = [] if self._player is None else [str(seen) for seen in self._player.unused()]
        return explain.unused(scripts, faults, exchanges) if scripts or faults or exchanges else None
