"""Exact replay: each recorded exchange answers once, as it was recorded."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from harness.recording.matching import RedactedRequests, normalized
from harness.service.http import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.recording.matching import OnMiss
    from harness.recording.session import ParsedExchange, Session
    from harness.service.http import Request
    from harness.service.service import Service

# Recorded bodies are decoded and whole, so headers about their transfer are no longer true.
TRANSPORT_HEADERS = frozenset({"content-encoding", "transfer-encoding", "content-length", "connection"})


class ExactPlayer:
    """Answers each request with the first unused exchange of the same method, path, query and body.

    Args:
        session: what was recorded.
        service: what answers all other requests if `on_miss` is `script`.
        redact: regular expressions of what else was redacted when the session was recorded.
        keep: what was not redacted then, although it looks secret.
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
        self._session = session
        self._service = service
        self._on_miss = on_miss
        self._redacted = RedactedRequests(session.exchanges, _location, redact=redact, keep=keep)
        self._recorded: defaultdict[tuple[str, str], list[ParsedExchange]] = defaultdict(list)
        for exchange in session.exchanges:
            self._recorded[exchange.method, exchange.recorded.request.path].append(exchange)

    def answer(self, request: Request) -> Response:
        """The recorded answer to a request.

        Raises:
            HarnessFailure: there is none, or each has been given.
        """
        candidates = self._recorded[request.method, request.path]
        normalized_request, query = normalized(request), _query(request)
        matching = (
            exchange
            for exchange in candidates
            if exchange not in self._used
            and exchange.normalized_request == normalized_request
            and _query(exchange.recorded.request) == query
        )
        exchange = next(matching, None) or next(iter(self._redacted.matching(request, self._used)), None)
        if exchange is not None:
            self._used.add(exchange)
            return recorded_response(exchange)
        if self._on_miss == "script":
            return self._service.handle(request)
        raise self._redacted.miss(request, candidates, self._used)

    @property
    def _used(self) -> set[ParsedExchange]:
        """The exchanges that were replayed; kept in the world, so that a restored snapshot restores them."""
        return self._service.world.replayed

    def unused(self) -> list[ParsedExchange]:
        """The exchanges that no request asked for."""
        return [exchange for exchange in self._session.exchanges if exchange not in self._used]


def recorded_response(exchange: ParsedExchange) -> Response:
    """The recorded answer, without headers about its transfer."""
    response = exchange.recorded.response
    headers = {name: value for name, value in response.headers.items() if name not in TRANSPORT_HEADERS}
    return Response(
        response.status, {**headers, "content-length": str(len(exchange.recorded.response_body))}, response.body
    )


def _location(request: Request) -> list[Any]:
    return [unquote(request.path), _query(request)]


def _query(request: Request) -> list[tuple[str, list[str]]]:
    return sorted((name, sorted(values)) for name, values in request.query.items())
