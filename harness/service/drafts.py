"""What the model is writing: in which pieces, each by when, and what is left of it if it is cut off.

Streams show the pieces as deltas, polling only what is finished.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.service.records import Message, Step

Part: TypeAlias = "dict[str, Any]"


class Opening(NamedTuple):
    """A piece that begins one or more parts, each with its place among the parts of the message or step."""

    parts: tuple[tuple[int, Part], ...]
    size: int = 1

    def entries(self) -> list[Part]:
        return [{"index": index, **part} for index, part in self.parts]


class More(NamedTuple):
    """A piece that continues a part: what is added under `key` of the part's own object, or to its text."""

    place: int
    type: str
    key: str | None
    value: str | list[Part]
    annotations: Sequence[Part] = ()

    @property
    def size(self) -> int:
        return len(self.value)

    def entries(self) -> list[Part]:
        value = _numbered(self.value) if isinstance(self.value, list) else self.value
        added: Any = value if self.key is None else {self.key: value}
        if self.annotations:
            added["annotations"] = self.annotations
        return [{"index": self.place, "type": self.type, self.type: added}]


Piece: TypeAlias = "Opening | More"


class Written(NamedTuple):
    """What an act writes: the finished parts, how they come in pieces, and the size of all pieces together."""

    parts: list[Part]
    pieces: Callable[[], Iterator[Piece]]
    size: int


class Draft:
    """One act's writing, from when it began until when it is done.

    Its pieces come in between, the longer ones later. They are made when somebody reads them and not kept, so
    that a long text takes no more than its own room.
    """

    def __init__(
        self, record: Message | Step, place: list[Part], written: Written, *, begun: float, done: float
    ) -> None:
        self.record = record
        self.stopped: float | None = None
        self._place = place
        self._written = written
        self._begun = begun
        self._done = done

    def pieces(self) -> Iterator[tuple[float, Piece]]:
        """All pieces, each with the moment by which it is written; those after `stopped` never are."""
        so_far = 0
        for piece in self._written.pieces():
            so_far += piece.size
            yield self._begun + (self._done - self._begun) * so_far / (self._written.size + 1), piece

    def stop(self, now: float) -> None:
        """Write down what is written by now, in its message or step; no more is to come."""
        self.stopped = now
        if now >= self._done:
            self._place.extend(self._written.parts)
        else:
            by_now = takewhile(lambda timed: timed[0] <= now, self.pieces())
            self._place.extend(fold(entry for _, piece in by_now for entry in piece.entries()))


def fold(entries: Iterable[Part]) -> list[Part]:
    """The parts that a client has when it adds up these entries, as the SDKs do.

    >>> fold([*More(0, "refusal", None, "No").entries(), *More(0, "refusal", None, ", never").entries()])
    [{'type': 'refusal', 'refusal': 'No, never'}]
    """
    parts: list[Part] = []
    _add_items(parts, entries)
    return parts


def _add_items(items: list[Part], entries: Iterable[Part]) -> None:
    for entry in entries:
        index = entry["index"]
        if index == len(items):
            items.append({})
        _add(items[index], entry)


def _add(target: Part, more: Part) -> None:
    for key, value in more.items():
        if key == "index":
            continue
        if isinstance(value, dict):
            _add(target.setdefault(key, {}), value)
        elif isinstance(value, list):
            _add_items(target.setdefault(key, []), value)
        elif isinstance(value, str) and isinstance(target.get(key), str) and key != "type":
            target[key] += value
        else:
            target[key] = value


def _numbered(items: list[Part]) -> list[Part]:
    return [{"index": index, **item} for index, item in enumerate(items)]
