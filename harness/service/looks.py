"""What a look at a run does: it may move the clock. And who asks again and again, and will never learn anything new."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic_core import from_json

from harness.service import stuck_stores
from harness.service.stuck import LOOK, Repetition, stuck

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable
    from typing import TypeAlias

    from harness.service.clock import Clock
    from harness.service.engine import Engine
    from harness.service.http import Content, Request, Response
    from harness.service.records import Run
    from harness.service.store import Store
    from harness.service.stuck import Loop

    Question: TypeAlias = "tuple[str, str, Content]"
    """Method, URL and body."""

# How often a client may look at a run whose loop, by its source, never ends: once to see it, and a retry or two.
CERTAIN_AFTER = 4

EVERYBODY = "everybody"
# A loop may make itself a new client for every request; so many times `stuck_after` counts for all of them together,
# which other programs with many clients hardly reach.
NEW_CLIENTS = 10


def unknown_loop() -> Loop | None:
    """For a service that cannot see its clients."""
    return None


@dataclass(slots=True)
class Asked:
    """A question of a client: its last answer, how often it was the same, and when that was last."""

    answer: bytes
    times: int
    at: float


class Watch:
    """Follows what each client has seen, and how often it asks the same.

    A client is stuck when it has got the same answer to the same request on a thread, or on a vector store,
    `stuck_after` times, and has got nothing done meanwhile. The requests need not follow each other: a loop that looks
    at the run and lists messages is a loop. While a run or a store can still move by itself, only requests of the same
    moment count.

    Args:
        loop: finds the client's loop around the present request; it is asked rarely.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        engine: Engine,
        *,
        stuck_after: int,
        loop: Callable[[], Loop | None] = unknown_loop,
    ) -> None:
        self._store = store
        self._clock = clock
        self._engine = engine
        self._stuck_after = stuck_after
        self._loop = loop
        self._asked: dict[Hashable, dict[Question, Asked]] = {}

    # --- moving the clock ---------------------------------------------------------------------------------

    def told(self, run: Run, client: Hashable) -> None:
        """An answer showed the run to the client."""
        run.looks[client] = len(run.timeline)

    def look(self, run: Run, client: Hashable) -> None:
        """The client retrieves the run. Under `on_poll` an unchanged run moves on before it is shown."""
        if run.looks.get(client) == len(run.timeline) and self._clock.policy == "on_poll":
            self._engine.let_move(run)
        self.told(run, client)

    def change(self, run: Run) -> None:
        """A client is about to change the run, and requests take their time, too: under `on_poll`."""
        if self._clock.policy == "on_poll":
            self._engine.meet(run)

    # --- noticing who is stuck ----------------------------------------------------------------------------

    def answered(self, request: Request, path: str, response: Response) -> None:
        """A request was answered; `path` lies below the API's root.

        Raises:
            HarnessFailure: the client is stuck.
        """
        if not isinstance(response.body, bytes) or (request.method != "GET" and response.status < 400):
            for who in (request.client, EVERYBODY):  # something got done, so everything begins anew
                self._asked.pop(who, None)
        elif path.startswith(("/threads/", stuck_stores.ROOT)):
            question = (request.method, request.url, request.body)
            own = self._count(request.client, question, path, response.body)
            all_clients = self._count(EVERYBODY, question, path, response.body)
            if own > 1 or all_clients > 1:
                self._check(own, all_clients, request.method, path, response)

    def _count(self, who: Hashable, question: Question, path: str, answer: bytes) -> int:
        """How often this was the answer to this request."""
        questions = self._asked.setdefault(who, {})
        asked = questions.get(question)
        if asked is None or asked.answer != answer:
            questions[question] = Asked(answer, 1, self._clock.now)
            return 1
        if asked.at != self._clock.now and self._moves(path):
            asked.times = 0
        asked.at = self._clock.now
        asked.times += 1
        return asked.times

    def _check(self, own: int, all_clients: int, method: str, path: str, response: Response) -> None:
        often = own >= self._stuck_after or all_clients >= NEW_CLIENTS * self._stuck_after
        if not often and own != CERTAIN_AFTER:
            return
        what = Repetition(method, path, max(own, all_clients), _refusal(response))
        if often and path.startswith(stuck_stores.ROOT):
            raise stuck_stores.stuck(what, stuck_stores.watched(self._store, path), self._clock.policy)
        run = self._run(path)
        if not often and (what.kind != LOOK or run is None):
            return
        loop = self._loop()
        if often or (run is not None and loop is not None and loop.never_ends(run.status)):
            raise stuck(what, run, self._clock.policy, loop)

    def _moves(self, path: str) -> bool:
        if path.startswith(stuck_stores.ROOT):
            return stuck_stores.moves_by_itself(stuck_stores.watched(self._store, path))
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
    """Whether time alone moves the run on. One that waits for outputs expires at last, which nobody waits for."""
    return run is not None and run.active and run.status != "requires_action" and bool(run.timers)


def _refusal(response: Response) -> str | None:
    """Status and message of an answer, if it is a refusal."""
    if response.status < 400:
        return None
    assert isinstance(response.body, bytes)  # streams are no refusals
    return f"{response.status}: {from_json(response.body)['error']['message']}"
