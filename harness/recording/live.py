"""Live replay: the recorded story is loaded into the fake service, and the client may ask it in its own way.

What a request makes must have been recorded, with the same words, or with stand-ins for its secrets; then it gets the
recorded ids, and a run does what it did and costs what it cost. Everything else (polling, listing, retrieving,
cancelling) the service answers from the state there is.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING
from urllib.parse import unquote

from harness.failures import HarnessFailure
from harness.recording.exact import whole
from harness.recording.matching import Redacted, normal
from harness.recording.seeds import plant, sow
from harness.recording.session import behind_gateway
from harness.service.paths import below_root
from harness.service.routes import ROUTER
from harness.service.script import Script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.recording.matching import OnMiss
    from harness.recording.session import Seen, Session
    from harness.service.http import Request, Response
    from harness.service.routes import Match
    from harness.service.service import Service

# What a request to one of these makes, the recording has to tell.
TELLING = frozenset(
    {
        "/assistants",
        "/threads",
        "/threads/runs",
        "/threads/{thread_id}/messages",
        "/threads/{thread_id}/runs",
        "/threads/{thread_id}/runs/{run_id}/submit_tool_outputs",
        "/files",
        "/vector_stores",
        "/vector_stores/{vector_store_id}/files",
        "/vector_stores/{vector_store_id}/file_batches",
    }
)
EXACT = """\
@pytest.mark.assistants_cassette(…, replay="exact")   # each recorded answer once, as it is
assistants.replay(path, mode="exact")                 # the same without the marker"""
# Refusals that are no matter of state: they come once, where they were recorded, whatever is asked.
PASSING = frozenset({401, 403, 408, 409, 429})


class LivePlayer:
    """Answers requests from a session, through a service that holds its objects.

    Args:
        session: what was recorded.
        service: a service in which nothing has happened yet; the session's older objects are put into it.
        on_miss: what becomes of a request that the session cannot answer: `fail`, or `script`, the fake's own way.
        redact: regular expressions of what else was redacted, and `keep`, what was not.

    Raises:
        HarnessFailure: the session tells no story: a filter has taken too much out of it.
    """

    def __init__(
        self,
        session: Session,
        service: Service,
        *,
        on_miss: OnMiss = "fail",
        redact: Iterable[str] = (),
        keep: Iterable[str] = (),
    ) -> None:
        _refuse_if_untold(session)
        self._session = session
        self._service = service
        self._on_miss = on_miss
        self._redacted = Redacted(session.exchanges, lambda item: unquote(self._path(item)), redact=redact, keep=keep)
        self._recorded: defaultdict[tuple[str, str], list[Seen]] = defaultdict(list)
        for seen in session.exchanges:
            self._recorded[seen.method, seen.path].append(seen)
        sow(session, service.world)

    def answer(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            HarnessFailure: the session cannot answer it.
        """
        path = self._path(request)
        candidates = self._recorded[request.method, path]
        asked = normal(request)
        fitting = [seen for seen in candidates if seen not in self._used and seen.asked == asked]
        match = ROUTER.match(request.method, path)
        if not fitting and (match is None or _tells(match)):
            fitting = self._redacted.fitting(request, self._used)
        if fitting and (match is None or _passes(fitting[0])):
            return self._verbatim(fitting[0])
        if match is not None and _tells(match):
            return self._told(request, match, candidates, fitting)
        response = self._service.handle(request)
        if response.status >= 400:
            return self._refused(response, request, match, candidates, fitting)
        return response

    @property
    def _used(self) -> set[Seen]:
        """Kept in the world, which goes back to snapshots."""
        return self._service.world.replayed

    def unused(self) -> list[Seen]:
        """Exchanges that made something, and that no request asked for."""
        return [seen for seen in self._session.exchanges if seen.ok and _tells(seen) and seen not in self._used]

    def _path(self, request: Request) -> str:
        return below_root(behind_gateway(request.path), self._service.roots)

    def _told(self, request: Request, match: Match, candidates: list[Seen], fitting: list[Seen]) -> Response:
        """Something is to be made: the recording has to hold the same request."""
        if not fitting:
            if self._on_miss == "script":
                return self._service.handle(request)
            raise self._redacted.missed(request, candidates, self._used)
        made = next((seen for seen in fitting if seen.ok), None)
        if made is None:
            return self._verbatim(fitting[0])
        there = {item["id"] for seen in self._used for item in seen.made}
        if any(item["id"] in there for item in made.made):  # its exchange is written a second time
            return self._verbatim(made)
        response = self._made_again(request, made)
        if response.status >= 400:
            return self._refused(response, request, match, candidates, fitting)
        self._used.add(made)
        return response

    def _refused(
        self, response: Response, request: Request, match: Match | None, candidates: list[Seen], fitting: list[Seen]
    ) -> Response:
        """The service refuses: as it did then, or because the client is early, or because the fake knows too little."""
        if self._is_early(match):
            return response
        same = next((seen for seen in fitting if seen.status == response.status), None)
        if same is not None:
            self._used.add(same)
            return response
        if fitting:
            return self._verbatim(fitting[0])
        if response.status == 404 and self._on_miss == "fail" and all(seen.ok for seen in candidates):
            raise self._redacted.missed(
                request, candidates, self._used, ", and names something the session does not hold"
            )
        return response

    def _is_early(self, match: Match | None) -> bool:
        """Whether the request meets a run that moves: what it wants may be refused now, whatever it was then."""
        ids = {} if match is None else match.path_ids
        thread = self._service.world.store.threads.get(ids.get("thread_id", ""))
        if thread is None:
            return False
        holder = None if thread.active_run is None else thread.active_run.id
        return not self._session.made.keys().isdisjoint({holder, ids.get("run_id")})

    def _made_again(self, request: Request, made: Seen) -> Response:
        """Let the service make what was made then, under the ids it had then."""
        world = self._service.world
        for item in made.made:
            world.store.ids.plan(item["id"])
            if item["object"] == "thread":
                self._plan_first_messages(item["id"])
            elif item["object"] == "thread.run":
                story = self._session.story(item["id"])
                origin = f"the recorded run {item['id']}"
                self._plan_added_messages(item["id"], made)
                world.director.booked = Script(tuple(story.acts), origin, ids=story.ids, usage=story.usage)
        try:
            return self._service.handle(request)
        finally:
            world.store.ids.planned.clear()
            world.director.booked = None

    def _plan_first_messages(self, thread_id: str) -> None:
        for message in self._session.of_thread("thread.message", thread_id):
            if message.get("run_id") is None and message["id"] not in self._session.made:
                self._service.world.store.ids.plan(message["id"])

    def _plan_added_messages(self, run_id: str, made: Seen) -> None:
        """All or none: which of them was not shown, nothing tells."""
        ids = self._session.added.get(run_id, [])
        if len(ids) == len(made.additional_messages):
            for message_id in ids:
                self._service.world.store.ids.plan(message_id)

    def _verbatim(self, seen: Seen) -> Response:
        """The recorded answer itself; what it made then is there from now on."""
        self._used.add(seen)
        for item in seen.made:
            plant(self._session, self._service.world, item["id"])
        return whole(seen)


def _refuse_if_untold(session: Session) -> None:
    odd = [(f"{what} is not what the service gives", seen) for seen in session.exchanges for what in seen.odd]
    odd += [(f"{object_id} stands for several objects", seen) for object_id, seen in session.doubled.items()]
    if odd:
        told, seen = odd[0]
        raise HarnessFailure(
            f"This session cannot be told again: {told}, in {seen}.",
            there_was="A filter of the recorder may have changed it. `harness check` tells what else is wrong.",
            do=EXACT,
        )


def _tells(what: Seen | Match) -> bool:
    return what.route is not None and what.route.method == "POST" and what.route.template in TELLING


def _passes(seen: Seen) -> bool:
    return seen.status in PASSING or seen.status >= 500
