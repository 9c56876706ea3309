"""What a check finds, and how its rules look at an exchange."""

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


def version(seen: ParsedExchange) -> Api | None:
    """The version of the API that was asked; None for endpoints of both, where no header tells it."""
    request = seen.recorded.request
    if is_azure(request):
        return azure_api(request)
    named: dict[str, Api] = {"assistants=v1": "v1", "assistants=v2": "v2"}
    return named.get(request.headers.get("openai-beta", ""))


def versions(seen: ParsedExchange) -> tuple[Api, ...]:
    """Those it may have been."""
    known = version(seen)
    return BOTH if known is None else (known,)


def is_stream(seen: ParsedExchange) -> bool:
    kind = seen.recorded.response.headers.get("content-type", "")
    return "event-stream" in kind or seen.recorded.response_body.startswith(b"event: ")


def is_content(seen: ParsedExchange) -> bool:
    return seen.path.endswith("/content")


def told(seen: ParsedExchange) -> list[tuple[str, Any]]:
    """What an accepted request was answered with: each event of a stream, or one value under no name.

    A file that was downloaded says nothing, whatever is in it.
    """
    if not seen.ok or is_content(seen):
        return []
    return [*seen.events] if is_stream(seen) else [("", seen.response_json)]


def shown(seen: ParsedExchange) -> Iterator[tuple[str, Json]]:
    """The objects of an answer and of a list in it, each with the event that told it.

    No deeper: what is called `object` in metadata or in a schema is a word of the client's.
    """
    for event, value in told(seen):
        if isinstance(value, dict):
            yield event, value
            listed = value.get("data") if value.get("object") == "list" else None
            yield from (("", item) for item in (listed if isinstance(listed, list) else ()) if isinstance(item, dict))


def named(item: Json) -> str:
    """An object in messages: by its id where it has one."""
    kind = item.get("object")
    return str(item["id"]) if isinstance(item.get("id"), str) else f"an object of the kind {kind!r}"
