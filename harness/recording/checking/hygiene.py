"""What does not belong in a cassette: secrets, duplicates, exchanges without use, outdated recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.recording.checking.findings import is_content, is_stream, version
from harness.recording.session import Session
from harness.service.routes import FAMILIES
from harness.service.shapes import V1_ENDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.recording.checking.findings import Found
    from harness.recording.redaction import Redactor
    from harness.recording.session import ParsedExchange

# These identify whoever recorded it but open nothing: only a note, although the recorder replaces them, too.
IDENTIFYING = frozenset(
    {
        "organization",
        "project",
        "account",
        "place of the client",
        "OpenAI organization",
        "OpenAI project",
        "OpenAI user",
    }
)


def secret(exchanges: Sequence[ParsedExchange], redactor: Redactor) -> Iterator[Found]:
    """Values in URLs, headers and bodies that the recorder would have replaced."""
    for exchange in exchanges:
        request, response = exchange.recorded.request, exchange.recorded.response
        sent = {"uri": request.url, "headers": dict(request.headers), "body": exchange.recorded.request_body}
        got = {"headers": dict(response.headers), "body": exchange.recorded.response_body}
        for found in redactor.scan_tree({"request": sent, "response": got}):
            yield "note" if found.kind in IDENTIFYING else "error", exchange, str(found)


def duplicate(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """Two exchanges that create the same object."""
    makers: dict[tuple[str, str], ParsedExchange] = {}
    for exchange in exchanges:
        for item in exchange.created:
            object_id = str(item.get("id"))
            first = makers.setdefault((str(item.get("object")), object_id), exchange)
            if first is not exchange:
                same = _content(first) == _content(exchange)
                how = "is written a second time" if same else f"creates {object_id} once more"
                yield "error", exchange, f"this exchange {how}: see {first.recorded.origin}"


def _content(exchange: ParsedExchange) -> tuple[object, ...]:
    request = exchange.recorded.request
    return request.method, request.url, request.body, exchange.status, exchange.recorded.response_body


def dead(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """Requests that are not for this API, and answers without a usable body."""
    for exchange in exchanges:
        if exchange.method == "OPTIONS":
            yield "note", exchange, "a browser's preflight, which no client sends"
        elif exchange.path.strip("/").split("/")[0] not in FAMILIES:
            yield "note", exchange, f"no endpoint of the Assistants API: {exchange.method} {exchange.path}"
        elif (
            exchange.ok
            and not is_content(exchange)
            and not is_stream(exchange)
            and not isinstance(exchange.response_json, (dict, list))
        ):
            yield "error", exchange, f"the answer to {exchange.method} {exchange.path} has no body that can be used"


def age(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """Recordings of v1, and recordings without a date."""
    old = next((exchange for exchange in exchanges if version(exchange) == "v1"), None)
    if old is not None:
        yield "note", old, f"recorded under v1 of the API, which ended on {V1_ENDED}"
    if Session([*exchanges]).start is None:
        yield "note", exchanges[0], "nothing tells when this was recorded"
