"""Polling: what retrieving a run does to the clock, and when a client that repeats a request counts as stuck."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic_core import from_json

from harness.service import stuck_stores
from harness.service.stuck import POLL_RUN, Repetition, stuck

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import TypeAlias

    from harness.service.clock import Clock
    from harness.service.engine import Engine
    from harness.service.http import Content, Request, Response
    from harness.service.records import Run
    from harness.service.store import Store
    from harness.service.stuck import Loop

    RequestKey: TypeAlias = "tuple[str, str, Content]"
    """Method, URL and body."""

# A loop that never ends by its source is stuck at this poll: the client has seen the run, and may retry once or twice.
ENDLESS_LOOP_AFTER = 4

ALL_CLIENTS = "everybody"
# A loop may create a new client for every request, or count its rounds and give up by itself. All clients together, and
# a client that counts, are stuck after this many times `stuck_after`, which programs that are not stuck hardly reach.
PATIENCE_FACTOR = 10


def no_loop() -> Loop | None:
    """The default of `find_loop`, for a service that cannot see its clients: no loop is known."""
    return None


@dataclass(slots=True)
class Repeated:
    """A request of a client: its last answer, how often in a row that was the same, and when it was last."""

    answer: bytes
    times: int
    at: float


class Watch:
    """Follows what each client has seen, and how often it repeats a request.

    A client is stuck when it has received the same answer to the same request on a thread or vector store
    `stuck_after` times, or ten times as often if it counts its rounds, with no successful write in between. Other
    requests may come in between: a loop may retrieve the run and list its messages. While the run or store can still
    change by itself, only requests at the same virtual time count.

    Args:
        find_loop: finds the client's loop around the current request; called rarely.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        engine: Engine,
        *,
        stuck_after: int,
        find_loop: Callable[[], Loop | None] = no_loop,
    ) -> None:
        self._store = store
        self._clock = clock
        self._engine = engine
        self._stuck_after = stuck_after
        self._find_loop = find_loop
        self._repeated: dict[Hashable, dict[RequestKey, Repeated]] = {}

    # --- moving the clock ---------------------------------------------------------------------------------

    def mark_seen(self, run: Run, client: Hashable) -> None:
        """Remember that an answer showed the run, as it is now, to this client."""
        run.seen_by[client] = len(run.timeline)

    def poll(self, run: Run, client: Hashable) -> None:
        """A client retrieves the run: under `on_poll`, one that it has seen already moves on before it is shown."""
        if run.seen_by.get(client) == len(run.timeline) and self._clock.policy == "on_poll":
            self._engine.advance_until_changed(run)
        self.mark_seen(run, client)

    def before_change(self, run: Run) -> None:
        """Under `on_poll`, account for the time that a request takes, if it is about to change the run."""
        if self._clock.policy == "on_poll":
            self._engine.pick_up_new(run)

    # --- detecting stuck clients --------------------------------------------------------------------------

    def observe(self, request: Request, path: str, response: Response) -> None:
        """Count a request by its answer; `path` lies below the API's root.

        Raises:
            HarnessFailure: the client is stuck.
        """
        if not isinstance(response.body, bytes) or (request.method != "GET" and response.status < 400):
            for who in (request.client, ALL_CLIENTS):  # a successful write: counting starts over
                self._repeated.pop(who, None)
        elif path.startswith(("/threads/", stuck_stores.ROOT)):
            key = (request.method, request.url, request.body)
            own = self._count(request.client, key, path, response.body)
            all_clients = self._count(ALL_CLIENTS, key, path, response.body)
            if own > 1 or all_clients > 1:
                self._raise_if_stuck(own, all_clients, request.method, path, response)

    def _count(self, who: Hashable, key: RequestKey, path: str, answer: bytes) -> int:
        """How often in a row this was the answer to this request."""
        requests = self._repeated.setdefault(who, {})
        repeated = requests.get(key)
        if repeated is None or repeated.answer != answer:
            requests[key] = Repeated(answer, 1, self._clock.now)
            return 1
        if repeated.at != self._clock.now and self._moves(path):
            repeated.times = 0
        repeated.at = self._clock.now
        repeated.times += 1
        return repeated.times

    def _raise_if_stuck(self, own: int, all_clients: int, method: str, path: str, response: Response) -> None:
        very_often = all_clients >= PATIENCE_FACTOR * self._stuck_after
        often = very_often or own >= self._stuck_after
        if not often and own != ENDLESS_LOOP_AFTER:
            return
        repetition = Repetition(method, path, max(own, all_clients), _refusal(response))
        run = self._run(path)
        if not often and (repetition.kind != POLL_RUN or run is None):
            return
        loop = self._find_loop()
        often = very_often or (often and not (loop is not None and loop.counts))
        if often and path.startswith(stuck_stores.ROOT):
            raise stuck_stores.stuck(repetition, stuck_stores.polled_record(self._store, path), self._clock.policy)
        if often or (run is not None and loop is not None and loop.never_ends(run.status)):
            raise stuck(repetition, run, self._clock.policy, loop)

    def _moves(self, path: str) -> bool:
        if path.startswith(stuck_stores.ROOT):
            return stuck_stores.moves_by_itself(stuck_stores.polled_record(self._store, path))
        return moves_by_itself(self._run(path))

    def _run(self, path: str) -> Run | None:
        """The run that the path names, or else the newest of the thread: no other one can be active."""
        _, _, thread_id, *rest = path.split("/")
        thread = self._store.threads.get(thread_id)
        if thread is None:
            return None
        if rest[:1] == ["runs"] and len(rest) > 1:
            return thread.runs.get(rest[1])
        return next(reversed(thread.runs), None)


def moves_by_itself(run: Run | None) -> bool:
    """Whether time alone changes the run. Waiting for outputs does not count: only its expiry would change that."""
    return run is not None and run.active and run.status != "requires_action" and bool(run.timers)


def _refusal(response: Response) -> str | None:
    """Status and message of an answer, if it is a refusal."""
    if response.status < 400:
        return None
    assert isinstance(response.body, bytes)  # streams are no refusals
    return f"{response.status}: {from_json(response.body)['error']['message']}"
