"""Exact replay: each recorded exchange answers once, as it was recorded."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from harness.recording.matching import Redacted, normal
from harness.service.http import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.recording.matching import OnMiss
    from harness.recording.session import Seen, Session
    from harness.service.http import Request
    from harness.service.service import Service

# A recording holds bodies decoded and whole, so what was said of their transport does not hold any more.
OF_THE_WIRE = frozenset({"content-encoding", "transfer-encoding", "content-length", "connection"})


class ExactPlayer:
    """Answers each request with the first unused exchange of the same method, path, query and body.

    Args:
        session: what was recorded.
        service: what answers the rest, where `on_miss` is `script`.
        redact: regular expressions of what else was redacted, and `keep`, what was not.
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
        self._redacted = Redacted(session.exchanges, _where, redact=redact, keep=keep)
        self._recorded: defaultdict[tuple[str, str], list[Seen]] = defaultdict(list)
        for seen in session.exchanges:
            self._recorded[seen.method, seen.recorded.request.path].append(seen)

    def answer(self, request: Request) -> Response:
        """The recorded answer.

        Raises:
            HarnessFailure: there is none, or each has been given.
        """
        candidates = self._recorded[request.method, request.path]
        asked, query = normal(request), _query(request)
        fitting = (
            seen
            for seen in candidates
            if seen not in self._used and seen.asked == asked and _query(seen.recorded.request) == query
        )
        seen = next(fitting, None) or next(iter(self._redacted.fitting(request, self._used)), None)
        if seen is not None:
            self._used.add(seen)
            return whole(seen)
        if self._on_miss == "script":
            return self._service.handle(request)
        raise self._redacted.missed(request, candidates, self._used)

    @property
    def _used(self) -> set[Seen]:
        """Kept in the world, which goes back to snapshots."""
        return self._service.world.replayed

    def unused(self) -> list[Seen]:
        """Exchanges that no request asked for."""
        return [seen for seen in self._session.exchanges if seen not in self._used]


def whole(seen: Seen) -> Response:
    """The recorded answer with the headers that still hold."""
    response = seen.recorded.response
    headers = {name: value for name, value in response.headers.items() if name not in OF_THE_WIRE}
    return Response(response.status, {**headers, "content-length": str(len(seen.recorded.got))}, response.body)


def _where(request: Request) -> list[Any]:
    return [unquote(request.path), _query(request)]


def _query(request: Request) -> list[tuple[str, list[str]]]:
    return sorted((name, sorted(values)) for name, values in request.query.items())
