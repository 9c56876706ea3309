"""What a cassette should not hold: secrets, the same thing twice, what nobody can use, what is out of date."""

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

# Who recorded it, and where: nobody can do anything with it, and this project's own recorder takes it out.
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
    """What the recorder would have replaced, in URLs, headers and bodies."""
    for seen in exchanges:
        request, response = seen.recorded.request, seen.recorded.response
        sent = {"uri": request.url, "headers": dict(request.headers), "body": seen.recorded.request_body}
        got = {"headers": dict(response.headers), "body": seen.recorded.response_body}
        for found in redactor.scan_tree({"request": sent, "response": got}):
            yield "note" if found.kind in IDENTIFYING else "error", seen, str(found)


def duplicate(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """Two exchanges that make the same object."""
    makers: dict[tuple[str, str], ParsedExchange] = {}
    for seen in exchanges:
        for item in seen.created:
            made = str(item.get("id"))
            first = makers.setdefault((str(item.get("object")), made), seen)
            if first is not seen:
                same = _told(first) == _told(seen)
                how = "is written a second time" if same else f"makes {made} once more"
                yield "error", seen, f"this exchange {how}: see {first.recorded.origin}"


def _told(seen: ParsedExchange) -> tuple[object, ...]:
    request = seen.recorded.request
    return request.method, request.url, request.body, seen.status, seen.recorded.response_body


def dead(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """What no client of the API asks for, and answers from which nothing can be learned."""
    for seen in exchanges:
        if seen.method == "OPTIONS":
            yield "note", seen, "a browser's preflight, which no client sends"
        elif seen.path.strip("/").split("/")[0] not in FAMILIES:
            yield "note", seen, f"no endpoint of the Assistants API: {seen.method} {seen.path}"
        elif (
            seen.ok
            and not is_content(seen)
            and not is_stream(seen)
            and not isinstance(seen.response_json, (dict, list))
        ):
            yield "error", seen, f"the answer to {seen.method} {seen.path} has no body that can be used"


def age(exchanges: Sequence[ParsedExchange]) -> Iterator[Found]:
    """A version that is no more, and times that nobody can tell."""
    old = next((seen for seen in exchanges if version(seen) == "v1"), None)
    if old is not None:
        yield "note", old, f"recorded under v1 of the API, which ended on {V1_ENDED}"
    if Session([*exchanges]).start is None:
        yield "note", exchanges[0], "nothing tells when this was recorded"
