"""`FakeAssistants`, the object that a test works with: scripts, clock, requests, seeded objects and clients."""

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
from harness.loops import enclosing_loop
from harness.options import Options
from harness.report import text as report
from harness.scripting import When, call_site, script_of
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
from harness.turns import LockedBody, Turns

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

    It answers requests; `harness.transports` makes clients send them here. All methods may be called from any
    thread: those that copy the world or add to it wait until the current request is answered, those that script
    or read runs do not wait. To do several things without a request in between, or to move the clock while
    other threads send requests, hold `turns`.

    Attributes:
        options: those it was created with.
        requests: every request with its answer, oldest first, across `replay` and `restore`.
        turns: a context in which requests of other threads wait.
    """

    def __init__(self, options: Options | None = None) -> None:
        self.options = options or Options()
        self.hosts = Hosts((*self.options.base_urls, *endpoints()))
        self._interpreters = Interpreters(self.options)
        self.service = Service(
            self.options, roots=self.hosts.roots, execute=self._interpreters, find_loop=enclosing_loop
        )
        self.requests: list[Exchange] = []
        self._custom_endpoints: list[CustomEndpoint] = []
        self.turns = Turns()
        self.pause: Pause | None = None  # how async clients wait for a stream while sleep is virtual; else they do not
        self.sleep_log = SleepLog()
        self._player: Player | None = None

    @property
    def world(self) -> World:
        """The current state; `restore` and `replay` replace it."""
        return self.service.world

    @property
    def failures(self) -> list[HarnessFailure]:
        """All failures of the harness so far, as the code under test may have swallowed them."""
        return self.turns.failures

    # --- answering ----------------------------------------------------------------------------------------

    def answer(self, request: Request) -> Response:
        """Answer one request and remember both.

        Raises:
            HarnessFailure: the test did something wrong; the failure is added to `failures`, too.
            WireFailure: a planned fault prevents an answer.
        """
        with self.turns:
            self.sleep_log.note_request()
            try:
                has_faults = self.service.world.faults.planned
                response = (
                    self.service.handle_with_faults(request, self._respond) if has_faults else self._respond(request)
                )
            except (WireFailure, HarnessFailure) as failure:
                response = failure.answer if isinstance(failure, WireFailure) else NO_ANSWER
                self.requests.append(Exchange(request, response, self.clock.now, failure))
                raise
            if not isinstance(response.body, bytes):
                response = replace(response, body=LockedBody(response.body, self.turns, (request.method, request.path)))
            self.requests.append(Exchange(request, response, self.clock.now))
            return response

    def refuse_connection(self, method: str, url: str, *, ours: bool) -> HarnessFailure:
        """The failure that a transport raises for a blocked connection; it is added to `failures`."""
        failure = explain.not_reached(method, url, ours=ours)
        self.failures.append(failure)
        return failure

    def slept(self, seconds: float) -> None:
        """Note that the code under test slept, which moves the virtual clock as its policy says."""
        with self.turns:
            self.sleep_log.note_sleep(seconds)
            self.clock.slept(seconds)

    def _respond(self, request: Request) -> Response:
        """The answer without faults, of a custom endpoint, a recording or the service.

        Raises:
            HarnessFailure: the service raised something, which must not look like a network error to the SDK.
        """
        custom = self._custom_endpoint(request) if self._custom_endpoints else None
        if custom is not None:
            return custom.respond(request)
        try:
            return self.service.handle(request) if self._player is None else self._player.answer(request)
        except Exception as error:
            raise explain.internal_error(request.method, request.path, error) from error

    def _custom_endpoint(self, request: Request) -> CustomEndpoint | None:
        """The endpoint that the test defined last of those that match."""
        paths = (request.path, below_root(request.path, self.service.roots))
        return next((each for each in reversed(self._custom_endpoints) if each.matches(request.method, *paths)), None)

    # --- what the model does ------------------------------------------------------------------------------

    def next_run(self, *acts: object) -> None:
        """Script the next run that `when` does not match: one call, one run, first in, first out.

        Without acts the run completes without a message.

        Raises:
            HarnessFailure: an argument is no act, or an act can never happen.
        """
        self.world.director.queue.append(script_of(acts, call_site(), "next_run"))

    def every_run(self, *acts: object) -> None:
        """Script all runs that are not scripted otherwise. The last call counts.

        Raises:
            HarnessFailure: an argument is no act, or an act can never happen.
        """
        self.world.director.default = script_of(acts, call_site(), "every_run")

    def when(self, **conditions: object) -> When:
        """Choose runs by `message`, `assistant`, `thread`, `model`, `instructions` or `metadata`.

        A text has to be part of the newest user message or of the instructions, and to equal the others (`assistant`
        takes an id or a name); a compiled pattern is searched for; a function is called with the value.

        Raises:
            HarnessFailure: there is no such condition, or its value is of a type that cannot be compared.
        """
        check_conditions(conditions, where=call_site())
        return When(self, conditions)

    def model(self, function: Callable[[RunView], object]) -> Callable[[RunView], object]:
        """Decorate a function or generator `(run) -> acts` that plays the model in every run not scripted otherwise.

        A generator receives what the client submits: `output = yield call("get_weather")` is the output's text, and
        for `calls(…)` the list of them in the order of the calls. A text stands for `say(text)`; without acts the run
        completes without a message.

        Raises:
            HarnessFailure: it is no function. In the client: it raises an error, is async, or returns what is no act.
        """
        if not callable(function):
            raise HarnessFailure(
                f"assistants.model(…) at {call_site()} takes a function, and was given {function!r}.",
                do='assistants.every_run(say("…"))',
            )
        self.world.director.default = Script(function, call_site())
        return function

    # --- the current state --------------------------------------------------------------------------------

    @property
    def clock(self) -> Clock:
        """Virtual time: `now` in seconds since 1970, `advance(seconds)`, and the `policy` by which it moves."""
        return self.world.clock

    @property
    def faults(self) -> Faults:
        """Faults to inject into requests, answers and streams; printed, those planned and those that happened."""
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
        """Cancel every run that can be cancelled now, as another client would."""
        with self.turns:
            for run in self.runs:
                if find(RUN, run.status, "cancel") is not None:
                    self.world.engine.cancel(run)

    def transcript(self, thread: Thread | str | Any = None) -> str:
        """The conversation of a thread (a thread, its id, or anything with an `id`), or of all, as text.

        Raises:
            HarnessFailure: there is no such thread.
        """
        thread_id = getattr(thread, "id", thread)
        chosen = [item for item in self.threads if thread_id in (None, item.id)]
        if thread_id is not None and not chosen:
            raise HarnessFailure(
                f"transcript({thread_id!r}): there is no such thread.",
                there_was=f"The threads are {', '.join(item.id for item in self.threads) or 'none yet'}.",
                do="print(assistants.transcript())   # all of them",
            )
        return report.transcript(chosen)

    def on(self, method: str, path: str, answer: Callable[[Request], Any]) -> None:
        """Answer one endpoint yourself, also one that the fake does not serve. The last call counts.

        Args:
            path: the path as sent, or below `/v1`; `{…}` stands for any one segment, as in `/threads/{thread_id}`.
            answer: takes the request, and returns JSON, bytes, or a `Response`. If it raises something or returns what
                cannot be sent, the client gets a `HarnessFailure` that says so.

        Raises:
            HarnessFailure: no request can have this path, or the answer is no function.
        """
        self._custom_endpoints.append(CustomEndpoint(method.upper(), path, answer, call_site()))

    def scenario(self, given: str | Path | Mapping[str, Any]) -> None:
        """Script runs, add objects and plan faults as a scenario says: a file, or a mapping with the same content.

        Args:
            given: the path of a YAML or JSON file, or a mapping; see `docs/serving.md`.

        Raises:
            HarnessFailure: something in it is wrong; then nothing of it is applied.
        """
        from harness import scenarios  # noqa: PLC0415 - only tests that use it pay for it

        path = None if isinstance(given, Mapping) else Path(given)
        data = given if isinstance(given, Mapping) else scenarios.load(Path(given))
        with self.turns.lock:
            scenarios.play(self, data, where=call_site() if path is None else str(path))

    # --- recorded sessions --------------------------------------------------------------------------------

    def replay(
        self, path: str | Path, *, mode: Replay = "live", on_miss: OnMiss = "fail", redact: Texts = (), keep: Texts = ()
    ) -> None:
        """Answer from a recorded session. In `live` mode it replaces all objects; scripts and faults stay.

        Args:
            path: a cassette in any format that `harness.recording.cassettes` reads.
            mode: `live`, the session is loaded as state that the client may read in its own way; or `exact`, each
                recorded exchange is played once.
            on_miss: for what the session cannot answer: `fail`, or `script`, the scripts of this fake.
            redact: as for `record`: clients send again what the cassette has placeholders for.
            keep: as for `record`.

        Raises:
            HarnessFailure: an argument or the file is invalid; or objects were added before, which would be lost.
        """
        from harness.recording import replay  # noqa: PLC0415 - needs the extra `recording`

        with self.turns.lock:
            if mode == "live" and self._player is None and not self.requests and not self.world.store.empty:
                raise HarnessFailure(
                    "replay(…) replaces all objects, so those that were added before would be lost.",
                    do="assistants.replay(…)   # first, and then add_assistant(…), add_file(…) and so on",
                )
            self._player = replay(Path(path), self.service, mode=mode, on_miss=on_miss, redact=redact, keep=keep)

    def record(
        self, path: str | Path, *, mode: Mode = "rewrite", redact: Texts = (), keep: Texts = ()
    ) -> AbstractContextManager[Tape]:
        """A context in which the HTTP traffic of this process, with whatever server, is recorded into a cassette.

        Args:
            path: the cassette.
            mode: what happens to an existing one; see `harness.recording.recorder.recording`.
            redact: regular expressions of what it must not contain, besides keys and personal data.
            keep: texts that it may contain although they look like such.

        Raises:
            HarnessFailure: vcrpy is not installed, or the cassette cannot be written.
        """
        from harness.recording.recorder import recording  # noqa: PLC0415 - needs the extra `recording`
        from harness.recording.redaction import Redactor  # noqa: PLC0415 - needs the extra `recording`

        return recording(Path(path), mode=mode, redactor=Redactor(patterns=redact, keep=keep))

    # --- clients ------------------------------------------------------------------------------------------

    def client(self, **options: Any) -> openai.OpenAI:
        """A client of this fake, without any interception; takes the options of `openai.OpenAI`."""
        from harness import clients  # noqa: PLC0415 - imports openai, which takes a second

        return clients.sync_client(self, **options)

    def async_client(self, **options: Any) -> openai.AsyncOpenAI:
        """The same as an `openai.AsyncOpenAI`."""
        from harness import clients  # noqa: PLC0415 - imports openai, which takes a second

        return clients.async_client(self, **options)

    def azure_client(self, **options: Any) -> openai.AzureOpenAI:
        """The same as an `openai.AzureOpenAI`, by default with api-version 2024-05-01-preview."""
        from harness import clients  # noqa: PLC0415 - imports openai, which takes a second

        return clients.azure_client(self, **options)

    def serve(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        spare_waiting: bool = True,
        tls_cert: str | Path | None = None,
        tls_key: str | Path | None = None,
    ) -> AbstractContextManager[Server]:
        """A context in which programs in any language reach this fake at an address: see `Server.environment`.

        By default it listens on this machine only, at a free port. Programs with any key share the state of this fake,
        which the test scripts as usual. When the test sleeps virtually, that moves the clock for all of them; their own
        sleep is real and does not move it.

        Args:
            host: the address to listen on.
            port: the port, or 0 for a free one.
            spare_waiting: send headers that tell clients not to wait between polls and before retries, which the real
                service did not send.
            tls_cert: a certificate as PEM, with which the server speaks HTTPS; clients have to trust it.
            tls_key: its private key, unless that is in the same file.

        Raises:
            HarnessFailure: the extra `server` is not installed, the address is not available, or the certificate cannot
                be used.
        """
        from harness.serving import serve_one  # noqa: PLC0415 - needs the extra `server`

        return serve_one(self, host=host, port=port, spare_waiting=spare_waiting, tls_cert=tls_cert, tls_key=tls_key)

    # --- going back ---------------------------------------------------------------------------------------

    def snapshot(self) -> World:
        """A copy of the current state, for `restore`; functions in scripts are not copied.

        In a run that continues after `restore`, a model that is a generator is started again and sent the same outputs.
        """
        with self.turns.lock:
            return self.service.snapshot()

    def restore(self, snapshot: World) -> None:
        """Go back to a snapshot: objects, clock, scripts and ids. The log of requests is kept.

        References taken before (to `clock`, `faults`, `runs` …) belong to the state that was replaced. The variables of
        executed cells are lost, too: interpreters are restarted.
        """
        with self.turns.lock:
            self._interpreters.close()
            self.service.restore(snapshot)

    # --- the end ------------------------------------------------------------------------------------------

    def close(self) -> None:
        """End the interpreters that execute cells, as the fixture and `fake_assistants()` do.

        It does not wait for requests of other threads, which may never end.
        """
        self._interpreters.close()

    def unused(self) -> HarnessFailure | None:
        """The failure that lists unused scripts, faults and recorded exchanges; None if there are none."""
        scripts, faults = self.world.director.unused(), self.faults.unused()
        exchanges = [] if self._player is None else [str(seen) for seen in self._player.unused()]
        return explain.unused(scripts, faults, exchanges) if scripts or faults or exchanges else None
