"""Places of values in a scenario, for messages: `weather.yaml:12, next_run[0][1].call`."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.service.explain import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    Key = str | int

PREVIEW_LENGTH = 60  # characters of a value, in messages


class ScenarioError(HarnessFailure):
    """A mistake in a scenario, with its place."""


@dataclass(frozen=True)
class Source:
    """Where a scenario comes from, and what it may do.

    Attributes:
        where: its name for the user: a file, a request, a line of a test.
        folder: the folder of the files that it may name; None if it may name none.
        execute: whether it may ask for code to be executed.
        lines: the line of each value, by its path, where it is known.
    """

    where: str
    folder: Path | None = None
    execute: bool = True
    lines: Mapping[tuple[Key, ...], int] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Place:
    """The place of a value in a source: the keys and indices that lead to it.

    >>> place = Place(Source("weather.yaml", lines={("next_run", 0): 12}))
    >>> print(place / "next_run" / 0 / "call")
    weather.yaml:12, next_run[0].call
    >>> print(Place(Source("POST /_harness/scenario")) / "files" / "날씨.csv")
    POST /_harness/scenario, files["날씨.csv"]
    """

    source: Source
    path: tuple[Key, ...] = ()

    def __truediv__(self, key: Key) -> Place:
        return Place(self.source, (*self.path, key))

    def __str__(self) -> str:
        return ", ".join(filter(None, (self.source.where + self._line, self.name)))

    @property
    def name(self) -> str:
        """The path, without the source."""
        return "".join(map(_step, self.path)).removeprefix(".")

    @property
    def _line(self) -> str:
        """The line of the value, or of the nearest value around it that has one."""
        for end in range(len(self.path), -1, -1):
            if self.path[:end] in self.source.lines:
                return f":{self.source.lines[self.path[:end]]}"
        return ""

    def failure(self, what: str, *, there_was: str = "", do: str = "") -> ScenarioError:
        return ScenarioError(f"{self}: {what}", there_was=there_was, do=do)

    def check_keys(self, data: Mapping[str, Any], known: Iterable[str], what: str, do: str) -> None:
        """Check that all keys of an object are known.

        Raises:
            HarnessFailure: a key is unknown; with the nearest known one, or with `do` if none is near.
        """
        names = list(known)
        for key in data:
            if key not in names:
                near = difflib.get_close_matches(str(key), names, n=1)
                raise (self / str(key)).failure(
                    f"{what} {str(key)!r}" + (f", but {near[0]!r}." if near else "."),
                    there_was=f"There is {', '.join(names)}.",
                    do=f'"{near[0]}": {preview(data[key])}' if near else do,
                )


def preview(value: object) -> str:
    """A value for a message: on one line, shortened, and as JSON where possible.

    >>> preview("four degrees " * 9)
    '"four degrees four degrees four degrees four degrees four d…'
    """
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        text = f"a {type(value).__name__}"
    return shortened(text, PREVIEW_LENGTH)


def _step(key: Key) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    return f".{key}" if key.isidentifier() and key.isascii() else f'["{key}"]'
