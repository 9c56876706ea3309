"""A message or step that the model is writing: its pieces, when each is written, and what remains if it is cut off.

Streams show the pieces as deltas; polling shows only what is finished.
"""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from harness.service.records import Message, Step

Part: TypeAlias = "dict[str, Any]"


class Opening(NamedTuple):
    """A piece that begins one or more parts, each with its index among the parts of the message or step."""

    parts: tuple[tuple[int, Part], ...]
    size: int = 1

    def entries(self) -> list[Part]:
        return [{"index": index, **part} for index, part in self.parts]


class Continuation(NamedTuple):
    """A piece that continues a part: `value` is added under `key` of the part's object, or to the part itself."""

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


Piece: TypeAlias = "Opening | Continuation"


class ActOutput(NamedTuple):
    """The output of an act: the finished parts, the pieces in which they are written, and the size of all pieces."""

    parts: list[Part]
    pieces: Callable[[], Iterator[Piece]]
    size: int


class Draft:
    """The output of one act while it is being written, from `begun` to `done`.

    The pieces are spread over that time by their size. They are made when they are read and not kept, so that a long
    text takes no additional memory.
    """

    def __init__(
        self, record: Message | Step, target: list[Part], output: ActOutput, *, begun: float, done: float
    ) -> None:
        self.record = record
        self.stopped: float | None = None
        self._target = target
        self._output = output
        self._begun = begun
        self._done = done

    def pieces(self) -> Iterator[tuple[float, Piece]]:
        """All pieces, each with the time at which it is written; those after `stopped` never are."""
        so_far = 0
        for piece in self._output.pieces():
            so_far += piece.size
            yield self._begun + (self._done - self._begun) * so_far / (self._output.size + 1), piece

    def stop(self, now: float) -> None:
        """Stop writing, and put into the message or step what is written by now."""
        self.stopped = now
        if now >= self._done:
            self._target.extend(self._output.parts)
        else:
            written = takewhile(lambda timed: timed[0] <= now, self.pieces())
            self._target.extend(fold(entry for _, piece in written for entry in piece.entries()))


def fold(entries: Iterable[Part]) -> list[Part]:
    """The parts that result from merging the entries of deltas, as the SDKs do.

    >>> pieces = [Continuation(0, "refusal", None, text) for text in ("No", ", never")]
    >>> fold(entry for piece in pieces for entry in piece.entries())
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
