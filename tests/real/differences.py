"""What is the same in two answers, and what is not."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from recorded_exchanges import Exchange

    Event = Sequence[Any]  # its name and its data

# Where two runs of the same service differ: clock, tokenizer, ids of the request. Their type and nullness still count.
VOLATILE = re.compile(
    r"(^|\.)(created_at|started_at|completed_at|incomplete_at|cancelled_at|failed_at|expires_at|last_active_at)$"
    r"|(^|\.)usage\."
)
# Distances between two timestamps of one object that the service never varied.
DISTANCES = {"thread.run": ("created_at", "expires_at"), "file": ("created_at", "expires_at")}
# The recorder replaced the key, of which the service shows but its ends.
REDACTED = re.compile(r"(Incorrect API key provided: ).*?(\. You can)")


@dataclass(frozen=True)
class Difference:
    """One place where the fake answered otherwise. `kind` is one of status, keys, order, length, type and value."""

    path: str
    kind: str
    recorded: Any
    fake: Any

    def __str__(self) -> str:
        return f"{self.path or '(whole)'}: {self.kind}: recorded {_short(self.recorded)}, fake {_short(self.fake)}"


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) < 160 else text[:157] + "..."


def compare(recorded: Any, fake: Any, path: str = "") -> Iterator[Difference]:
    """The differences of two JSON values. Paths name keys; all items of a list are `[]`."""
    if type(recorded) is not type(fake):
        yield Difference(path, "type", recorded, fake)
    elif isinstance(recorded, dict):
        yield from _compare_objects(recorded, fake, path)
    elif isinstance(recorded, list):
        if len(recorded) != len(fake):
            yield Difference(path, "length", len(recorded), len(fake))
            return
        for one, other in zip(recorded, fake, strict=True):
            yield from compare(one, other, f"{path}[]")
    elif _plain(recorded) != _plain(fake) and not VOLATILE.search(path):
        yield Difference(path, "value", recorded, fake)


def compare_events(recorded: list[Event], fake: list[Event]) -> Iterator[Difference]:
    """The differences of two streams: first the order of their events, equal neighbours as one, then what they hold.

    Paths begin with the name of the event.
    """
    order, other_order = names_of(recorded), names_of(fake)
    if order != other_order:
        yield Difference("events", "order", order, other_order)
        return
    for (name, group), (_, other) in zip(_grouped(recorded), _grouped(fake), strict=True):
        if len(group) != len(other):
            yield Difference(name, "length", len(group), len(other))
    for name, one, other in pairs(recorded, fake):
        yield from compare(one, other, name)


def names_of(events: Iterable[Event]) -> list[str]:
    """The names of the events in their order, those that come several times in a row once."""
    return [name for name, _ in groupby(name for name, _ in events)]


def pairs(recorded: list[Event], fake: list[Event]) -> Iterator[tuple[str, Any, Any]]:
    """Name and data of the events that stand at the same place; of several in a row, as many as both have."""
    for (name, group), (_, other) in zip(_grouped(recorded), _grouped(fake), strict=False):
        for one, another in zip(group, other, strict=False):
            yield name, one, another


def _grouped(events: Iterable[Event]) -> list[tuple[str, list[Any]]]:
    return [(name, [data for _, data in group]) for name, group in groupby(events, key=itemgetter(0))]


def _compare_objects(recorded: dict[str, Any], fake: dict[str, Any], path: str) -> Iterator[Difference]:
    if recorded.keys() != fake.keys():
        only = [key for key in recorded if key not in fake], [key for key in fake if key not in recorded]
        yield Difference(path, "keys", *only)
    elif list(recorded) != list(fake):
        yield Difference(path, "order", list(recorded), list(fake))
    for key, value in recorded.items():
        if key in fake:
            yield from compare(value, fake[key], f"{path}.{key}".removeprefix("."))
    if pair := DISTANCES.get(str(recorded.get("object"))):
        distances = [_distance(item, *pair) for item in (recorded, fake)]
        if distances[0] != distances[1]:
            yield Difference(f"{path}.{'-'.join(reversed(pair))}".removeprefix("."), "value", *distances)


def _distance(item: dict[str, Any], first: str, last: str) -> int | None:
    start, end = item.get(first), item.get(last)
    return None if start is None or end is None else int(end) - int(start)


def _plain(value: Any) -> Any:
    return REDACTED.sub(r"\1…\2", value) if isinstance(value, str) else value


# --- differences that are known --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """Differences that are known: in which exchanges they may occur, where in the answer, and why they are left.

    `route` (with its method) and the keys of `differences`, which are paths, are patterns of fnmatch; the values of
    `differences` are kinds. `since` and `until` are days, the last included. `recorded` and `fake`, where given, are
    the only values it holds for.
    """

    route: str
    differences: Mapping[str, str]
    reason: str
    version: str = "*"
    since: str = "0000"
    until: str = "9999"
    values: Mapping[str, Any] = field(default_factory=dict)

    def holds(self, exchange: Exchange, day: str, difference: Difference) -> str | None:
        """The path of this entry that covers the difference, if one does."""
        if not (
            fnmatchcase(f"{exchange.method} {exchange.route}", self.route)
            and self.version in ("*", exchange.version)
            and self.since <= day <= self.until
            and all(getattr(difference, side) == value for side, value in self.values.items())
        ):
            return None
        for path, kind in self.differences.items():
            if kind == difference.kind and fnmatchcase(difference.path, path.replace("[]", "[[]]")):
                return path
        return None


def known_differences(file: Path) -> list[Known]:
    return [Known(**entry) for entry in json.loads(file.read_text(encoding="utf-8"))]
