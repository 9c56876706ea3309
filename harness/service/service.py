"""The fake service: a request goes in, a response comes out, and nothing else happens.

`Service.handle` is the whole story: let due transitions happen → authenticate → find the route → choose the API
version → check the ids in the path → validate body and query → find the objects → act → wrap the answer. The order
of the checks is the service's own (CONTRACT §7).
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from pydantic_core import to_json

from harness.service import dialects, explain, media, params
from harness.service.context import Call, World
from harness.service.errors import Refusal
from harness.service.faults import matching
from harness.service.faults.matching import Arrival
from harness.service.http import Response
from harness.service.params.queries import NoQuery
from harness.service.params.upload import Upload
from harness.service.paths import below_root, roots_pattern
from harness.service.polling import no_loop
from harness.service.routes import FAMILIES, ROUTER, ROUTES
from harness.service.settings import Settings
from harness.service.shapes import CONTENT_TYPES_CHECKED, EARLY_PURPOSES_ENDED, FILE_ERROR_DETAIL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from harness.service.cells import Execute
    from harness.service.http import Request
    from harness.service.routes import Route
    from harness.service.stuck import Loop

HOST = "https://api.openai.com/"
NO_HEADERS: Mapping[str, str] = {}


class Service:
    """One fake of the Assistants API, with its own store, clock and scripts.

    >>> from harness.service.http import Request
    >>> key = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}
    >>> Service().handle(Request("POST", "https://api.openai.com/v1/threads", key)).status
    200
    """

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        roots: Iterable[str] = (),
        execute: Execute | None = None,
        find_loop: Callable[[], Loop | None] = no_loop,
    ) -> None:
        self._find_loop = find_loop
        self.world = World(settings or Settings(), execute, find_loop)
        self.roots = roots_pattern(roots)

    def handle(self, request: Request) -> Response:
        """Answer one request.

        Raises:
            HarnessFailure: the path is no part of the Assistants API, a script is missing, or the client is stuck.
        """
        world = self.world
        world.clock.advance(0)
        path = below_root(request.path, self.roots)
        azure = dialects.is_azure(request)
        status, own_headers = 200, NO_HEADERS
        try:
            answer = self._answer(request, path, azure=azure)
        except Refusal as refusal:
            status, own_headers, answer = refusal.status, refusal.headers, self._envelope(refusal, path)
        if isinstance(answer, Response):
            status, own_headers, body = answer.status, answer.headers, answer.body
        else:
            body = to_json(answer, indent=2) + (b"\n" if path.startswith("/files") else b"")
        length = len(body) if isinstance(body, bytes) else None
        headers = dialects.headers(world, request, status, azure=azure, length=length)
        headers.update(own_headers)
        response = Response(status, headers, body)
        world.watch.observe(request, path, response)
        return response

    def handle_with_faults(self, request: Request, serve: Callable[[Request], Response]) -> Response:
        """Answer one request with the planned faults; `serve` gives the answer without them.

        Raises:
            WireFailure: planned.
            HarnessFailure: what `handle` raises, or a function that a plan calls has failed.
        """
        names = matching.names(request.method, below_root(request.path, self.roots))
        arrival = Arrival(request, names, dialects.is_azure(request), self.world)
        return self.world.faults.handle(lambda arrival: serve(arrival.request), arrival)

    def _answer(self, request: Request, path: str, *, azure: bool) -> Any:
        """The object to answer with, or a whole response where the answer is not JSON."""
        match = ROUTER.match(request.method, path)
        if path is request.path and request.url.startswith(HOST):
            match = None  # OpenAI's own host serves nothing without /v1 (microsoft/TaskWeaver#11)
        if match is None and path.strip("/").split("/")[0] not in FAMILIES:
            raise explain.not_served(request.method, path, (route.template for route in ROUTES))
        dialects.authenticate(request, azure=azure, accepted=self.world.settings.api_key)
        if match is None:
            raise dialects.unknown_route(request, self.world.available, azure=azure)
        route = match.route
        api = dialects.api_version(request, route, self.world.available, azure=azure)
        call = Call(self.world, request, api, azure, match.path_ids)
        call.check_ids()
        self._validate(call, route)
        call.find()
        return route.handler(call)

    def _envelope(self, refusal: Refusal, path: str) -> dict[str, object]:
        """The body of a refusal."""
        envelope = refusal.envelope()
        of_files = path.startswith("/files") and self.world.shapes.since(FILE_ERROR_DETAIL)
        if of_files and not isinstance(refusal, dialects.AzureRefusal):
            envelope["detail"] = {"message": refusal.message, "code": refusal.code}
        return envelope

    def _validate(self, call: Call, route: Route) -> None:
        model = route.body(call.api, azure=call.azure)
        if model is Upload:
            content_type = call.request.headers.get("content-type", "")
            if not call.azure:
                media.check_form(content_type)
            early = not self.world.shapes.since(EARLY_PURPOSES_ENDED)
            call.body = params.parse_upload(call.request.body, content_type, early=early)
        elif model is not None:
            if call.request.body and not call.azure and self.world.shapes.since(CONTENT_TYPES_CHECKED):
                media.check_json(call.request.headers.get("content-type", ""))
            call.body = params.validate(model, params.parse_json(call.request.body, call.api), call.api)
        if route.query is not NoQuery:
            call.query = params.parse_query(route.query, call.request.query, call.api)

    def reset(self, settings: Settings) -> None:
        """Start with an empty world that keeps the planned scripts and faults."""
        before = self.world
        self.world = World(settings, before.execute, self._find_loop)
        self.world.director, self.world.faults = before.director, before.faults

    # --- snapshots ----------------------------------------------------------------------------------------

    def snapshot(self) -> World:
        """A copy of everything, for `restore`."""
        return copy.deepcopy(self.world)

    def restore(self, snapshot: World) -> None:
        """Go back to a snapshot, as often as wanted."""
        self.world = copy.deepcopy(snapshot)
