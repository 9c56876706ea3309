"""Live replay: the recorded session is loaded into the fake service, which then answers as from its own state.

A request that creates something must have been recorded with the same content, or with stand-ins for its secrets. The
service creates it again under the recorded ids; a run does again what it did, with the recorded usage. All other
requests (polling, listing, retrieving, cancelling) are answered from the current state of the service.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import chain
from typing import TYPE_CHECKING
from urllib.parse import unquote

from harness.failures import HarnessFailure
from harness.recording.exact import recorded_response
from harness.recording.matching import RedactedRequests, normalized
from harness.recording.seeds import seed_object, seed_world, start_run
from harness.recording.session import without_gateway
from harness.service.paths import below_root
from harness.service.routes import ROUTER
from harness.service.script import Script

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.recording.matching import OnMiss
    from harness.recording.session import ParsedExchange, Session
    from harness.service.http import Request, Response
    from harness.service.routes import Match
    from harness.service.service import Service

# POST requests to these create something, so they are answered only if the recording has them.
MUST_BE_RECORDED = frozenset(
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
EXACT_HINT = """\
@pytest.mark.assistants_cassette(…, replay="exact")   # each recorded answer once, as it is
assistants.replay(path, mode="exact")                 # the same without the marker"""
# Errors that do not depend on state: replayed once, where they were recorded, whatever the method.
TRANSIENT_STATUSES = frozenset({401, 403, 408, 409, 429})


class LivePlayer:
    """Answers requests from a session, through a service that holds its objects.

    Args:
        session: what was recorded.
        service: a fresh service; the objects that existed before the recording are added to it.
        on_miss: what happens to a request that the session cannot answer: `fail`, or `script`: the service answers it.
        redact: regular expressions of what else was redacted when the session was recorded.
        keep: what was not redacted then, although it looks secret.

    Raises:
        HarnessFailure: the session cannot be replayed, because a filter has removed too much of it.
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
        _refuse_if_inconsistent(session)
        self._session = session
        self._service = service
        self._on_miss = on_miss
        self._redacted = RedactedRequests(
            session.exchanges, lambda item: unquote(self._path(item)), redact=redact, keep=keep
        )
        self._recorded: defaultdict[tuple[str, str], list[ParsedExchange]] = defaultdict(list)
        for exchange in session.exchanges:
            self._recorded[exchange.method, exchange.path].append(exchange)
        seed_world(session, service.world)

    def answer(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            HarnessFailure: the session cannot answer it.
        """
        path = self._path(request)
        candidates = self._recorded[request.method, path]
        normalized_request = normalized(request)
        unused = [each for each in candidates if each not in self._used]
        matching = [each for each in unused if each.normalized_request == normalized_request]
        match = ROUTER.match(request.method, path)
        if not matching and (match is None or _must_be_recorded(match)):
            matching = self._redacted.matching(request, self._used)
        if matching and (match is None or _is_transient_error(matching[0])):
            return self._verbatim(matching[0])
        if match is not None and _must_be_recorded(match):
            return self._create(request, match, candidates, matching)
        response = self._service.handle(request)
        if response.status >= 400:
            return self._refusal(response, request, match, candidates, matching)
        return response

    @property
    def _used(self) -> set[ParsedExchange]:
        """The exchanges that were replayed; kept in the world, so that a restored snapshot restores them."""
        return self._service.world.replayed

    def unused(self) -> list[ParsedExchange]:
        """The exchanges that created something and that no request asked for."""
        return [
            exchange
            for exchange in self._session.exchanges
            if exchange.ok and _must_be_recorded(exchange) and exchange not in self._used
        ]

    def _path(self, request: Request) -> str:
        return below_root(without_gateway(request.path), self._service.roots)

    def _create(
        self, request: Request, match: Match, candidates: list[ParsedExchange], matching: list[ParsedExchange]
    ) -> Response:
        """Answer a request that creates something, if the recording has it."""
        if not matching:
            if self._on_miss == "script":
                return self._service.handle(request)
            raise self._redacted.miss(request, candidates, self._used)
        successful = next((exchange for exchange in matching if exchange.ok), None)
        if successful is None:
            return self._verbatim(matching[0])
        existing = {item["id"] for exchange in self._used for item in exchange.created}
        if any(item["id"] in existing for item in successful.created):  # the cassette has this exchange twice
            return self._verbatim(successful)
        response = self._recreate(request, successful)
        if response.status >= 400:
            return self._refusal(response, request, match, candidates, matching)
        self._used.add(successful)
        return response

    def _refusal(
        self,
        response: Response,
        request: Request,
        match: Match | None,
        candidates: list[ParsedExchange],
        matching: list[ParsedExchange],
    ) -> Response:
        """The answer where the service refuses: its refusal, the recorded answer, or a miss."""
        if self._concerns_active_run(match):
            return response  # the client is earlier than the recorded one was
        same = next((exchange for exchange in matching if exchange.status == response.status), None)
        if same is not None:
            self._used.add(same)
            return response
        if matching:
            return self._verbatim(matching[0])
        if response.status == 404 and self._on_miss == "fail" and all(exchange.ok for exchange in candidates):
            raise self._redacted.miss(
                request, candidates, self._used, ", and names something the session does not hold"
            )
        return response

    def _concerns_active_run(self, match: Match | None) -> bool:
        """Whether a request concerns a recorded run, or a thread in which one is active."""
        ids = {} if match is None else match.path_ids
        thread = self._service.world.store.threads.get(ids.get("thread_id", ""))
        if thread is None:
            return False
        holder = None if thread.active_run is None else thread.active_run.id
        return not self._session.created_by.keys().isdisjoint({holder, ids.get("run_id")})

    def _recreate(self, request: Request, successful: ParsedExchange) -> Response:
        """Let the service create what an exchange created, under the same ids."""
        world = self._service.world
        for item in successful.created:
            world.store.ids.plan(item["id"])
            if item["object"] == "thread":
                self._plan_first_messages(item["id"])
            elif item["object"] == "thread.run":
                self._plan_added_messages(item["id"], successful)
                world.director.reserved = self._script_of(item["id"])
        try:
            return self._service.handle(request)
        finally:
            world.store.ids.planned.clear()
            world.director.reserved = None

    def _script_of(self, run_id: str) -> Script:
        story = self._session.story(run_id)
        return Script(tuple(story.acts), f"the recorded run {run_id}", ids=story.ids, usage=story.usage)

    def _plan_first_messages(self, thread_id: str) -> None:
        for message in self._session.of_thread("thread.message", thread_id):
            if message.get("run_id") is None and message["id"] not in self._session.created_by:
                self._service.world.store.ids.plan(message["id"])

    def _plan_added_messages(self, run_id: str, successful: ParsedExchange) -> None:
        """Plan the ids of a run's additional messages, if all are known: nothing tells which one is missing."""
        ids = self._session.additional_message_ids.get(run_id, [])
        if len(ids) == len(successful.additional_messages):
            for message_id in ids:
                self._service.world.store.ids.plan(message_id)

    def _verbatim(self, exchange: ParsedExchange) -> Response:
        """The recorded answer as it is; what it created is added to the service, and a run does again what it did."""
        world = self._service.world
        self._used.add(exchange)
        for item in exchange.created:
            if item["object"] == "thread.run":
                shown = [each for each in exchange.objects if each["object"] == "thread.run"]
                start_run(world, item, self._script_of(item["id"]), until=shown[-1]["status"])
            else:
                seed_object(self._session, world, item["id"])
        return recorded_response(exchange)


def _refuse_if_inconsistent(session: Session) -> None:
    invalid = (
        (f"{error} is not what the service sends", each)
        for each in session.exchanges
        for error in each.validation_errors
    )
    reused = ((f"{object_id} stands for several objects", each) for object_id, each in session.reused_ids.items())
    problem, exchange = next(chain(invalid, reused), (None, None))
    if problem is not None:
        raise HarnessFailure(
            f"This session cannot be replayed live: {problem}, in {exchange}.",
            there_was="A filter of the recorder may have changed it. `harness check` tells what else is wrong.",
            do=EXACT_HINT,
        )


def _must_be_recorded(what: ParsedExchange | Match) -> bool:
    return what.route is not None and what.route.method == "POST" and what.route.template in MUST_BE_RECORDED


def _is_transient_error(exchange: ParsedExchange) -> bool:
    return exchange.status in TRANSIENT_STATUSES or exchange.status >= 500
