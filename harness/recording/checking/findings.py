"""`Finding`, and what the rules of a check need to read an exchange."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from harness.service.dialects import azure_api, is_azure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.recording.session import ParsedExchange
    from harness.service.shapes import Api

Level = Literal["error", "note"]
Json: TypeAlias = "dict[str, Any]"
# What a rule yields: how bad it is, in which exchange, and what it is.
Found: TypeAlias = "tuple[Level, ParsedExchange, str]"
BOTH: tuple[Api, ...] = ("v1", "v2")


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check's report.

    Attributes:
        level: an `error` means that the cassette is wrong, a `note` that somebody may want to know.
        rule: which rule found it.
        where: the file, the place in it, and how many more places say the same.
        what: what was found; never a secret.

    >>> print(Finding("error", "transition", "a.yaml [3]", "run_abc went from completed back to queued"))
    a.yaml [3]: transition: run_abc went from completed back to queued
    """

    level: Level
    rule: str
    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.rule}: {' '.join(self.what.split())}"


def version(exchange: ParsedExchange) -> Api | None:
    """The version of the API that was asked; None for endpoints of both, where no header tells it."""
    request = exchange.recorded.request
    if is_azure(request):
        return azure_api(request)
    by_header: dict[str, Api] = {"assistants=v1": "v1", "assistants=v2": "v2"}
    return by_header.get(request.headers.get("openai-beta", ""))


def versions(exchange: ParsedExchange) -> tuple[Api, ...]:
    """The versions it can have been."""
    known = version(exchange)
    return BOTH if known is None else (known,)


def is_stream(exchange: ParsedExchange) -> bool:
    kind = exchange.recorded.response.headers.get("content-type", "")
    return "event-stream" in kind or exchange.recorded.response_body.startswith(b"event: ")


def is_content(exchange: ParsedExchange) -> bool:
    return exchange.path.endswith("/content")


def payloads(exchange: ParsedExchange) -> list[tuple[str, Any]]:
    """The JSON of a successful answer: each event of a stream with its name, or the body with an empty name.

    Downloaded files have none, whatever is in them.
    """
    if not exchange.ok or is_content(exchange):
        return []
    return [*exchange.events] if is_stream(exchange) else [("", exchange.response_json)]


def objects(exchange: ParsedExchange) -> Iterator[tuple[str, Json]]:
    """The API objects in an answer, also those in a list, each with the name of its event or `""`.

    Values below these are not looked at: in metadata or in a JSON schema, `object` is the client's own key.
    """
    for event, value in payloads(exchange):
        if isinstance(value, dict):
            yield event, value
            listed = value.get("data") if value.get("object") == "list" else None
            yield from (("", item) for item in (listed if isinstance(listed, list) else ()) if isinstance(item, dict))


def named(item: Json) -> str:
    """How a finding names an object: by its id if it has one."""
    kind = item.get("object")
    return str(item["id"]) if isinstance(item.get("id"), str) else f"an object of the kind {kind!r}"
