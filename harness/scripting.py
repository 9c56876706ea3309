"""Scripts as a user writes them, each with the line of the user's own file that it came from."""

from __future__ import annotations

import os
import sys
from functools import wraps
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.service import acts as service
from harness.service.director import HalfRule, Rule
from harness.service.products import Product, unreadable
from harness.service.script import Script, as_acts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.fake import FakeAssistants
    from harness.service.records import File

SHOWN = 60  # of a condition, in messages


class When:
    """The first half of `assistants.when(…).run(…)`."""

    def __init__(self, fake: FakeAssistants, conditions: dict[str, object]) -> None:
        self._fake = fake
        self._conditions = conditions
        self._written = f"when({', '.join(f'{name}={shown(wanted)}' for name, wanted in conditions.items())})"
        half = f"{self._written} at {users_line()}, which no .run(…) follows"
        self._half = HalfRule(conditions, Script((), half))
        fake.world.director.rules.append(self._half)

    def run(self, *acts: object) -> None:
        """What the model does in every run that fits.

        Raises:
            HarnessFailure: the acts cannot follow each other.
        """
        origin = users_line()
        rule = Rule(self._conditions, script_of(acts, origin, f"{self._written}.run"))
        rules = self._fake.world.director.rules
        if self._half in rules:
            rules.remove(self._half)
        rules.append(rule)


def shown(wanted: object) -> str:
    """A condition as it was written, shortened; a function by its name."""
    text = getattr(wanted, "__name__", None) or repr(wanted)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def script_of(acts: tuple[object, ...], origin: str, method: str) -> Script:
    """A script from what a user wrote: acts, or a single model function.

    Raises:
        HarnessFailure: something is no act, or an act can never happen.
    """
    where = f"{method}(…) at {origin}"
    if len(acts) == 1 and callable(acts[0]) and getattr(acts[0], "__module__", "") not in (__name__, service.__name__):
        return Script(acts[0], where)
    return Script(as_acts(acts, where=where), where)


@wraps(service.run_code)
def run_code(
    source: str | None = None,
    *,
    logs: str | None = None,
    images: Iterable[File | str | bytes | PathLike[str]] = (),
    files: Mapping[str, bytes | str | PathLike[str]] | None = None,
    execute: bool = False,
    pieces: Iterable[str] | None = None,
) -> service.RunCode:
    return service.run_code(
        source,
        logs=logs,
        images=[_read(image) for image in images],
        files={name: _read(content) for name, content in (files or {}).items()},
        execute=execute,
        pieces=pieces,
    )


def _read(given: Any) -> Any:
    """The file at a path; what is no path stays what it is."""
    path: Any = Path(given) if isinstance(given, PathLike) else given
    if not hasattr(path, "read_bytes"):  # there are paths in an archive, too
        return given
    try:
        return Product(path.name, path.read_bytes())
    except OSError as error:
        raise unreadable(str(path), error) from error


def users_line() -> str:
    """File and line of the nearest caller outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    return f"{path.name}:{frame.f_lineno}"


_HERE = f"{Path(__file__).parent}{os.sep}"
