"""Scripts as a user writes them, each with the file and line of the user's call."""

from __future__ import annotations

import os
import sys
from functools import wraps
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.service import acts as service
from harness.service.checks import entries, listed
from harness.service.director import Rule, UnfinishedRule
from harness.service.explain import shortened
from harness.service.products import WRITTEN, Product, unreadable
from harness.service.script import Script, as_acts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from harness.fake import FakeAssistants
    from harness.service.records import File


class When:
    """The first half of `assistants.when(…).run(…)`."""

    def __init__(self, fake: FakeAssistants, conditions: dict[str, object]) -> None:
        self._fake = fake
        self._conditions = conditions
        shown = (f"{name}={condition_text(condition)}" for name, condition in conditions.items())
        self._written = f"when({', '.join(shown)})"
        origin = f"{self._written} at {call_site()}, which no .run(…) follows"
        self._unfinished = UnfinishedRule(conditions, Script((), origin))
        fake.world.director.rules.append(self._unfinished)

    def run(self, *acts: object) -> None:
        """Script every run that meets the conditions.

        Raises:
            HarnessFailure: the acts cannot follow each other.
        """
        origin = call_site()
        rule = Rule(self._conditions, script_of(acts, origin, f"{self._written}.run"))
        rules = self._fake.world.director.rules
        if self._unfinished in rules:
            rules.remove(self._unfinished)
        rules.append(rule)


def condition_text(condition: object) -> str:
    """The `repr` of a condition, shortened; of a function its name."""
    return shortened(getattr(condition, "__name__", None) or repr(condition))


def script_of(acts: tuple[object, ...], origin: str, method: str) -> Script:
    """A script made of the arguments of `method`: acts, or a single model function.

    Raises:
        HarnessFailure: an argument is no act, or an act can never happen.
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
        images=[_read(image) for image in listed(images, "images", 'run_code("…", images=["plot.png"])')],
        files={name: _read(content) for name, content in entries(files, WRITTEN)},
        execute=execute,
        pieces=pieces,
    )


def _read(given: Any) -> Any:
    """The file at a path; anything else is returned as it is."""
    path: Any = Path(given) if isinstance(given, PathLike) else given
    if not hasattr(path, "read_bytes"):  # `zipfile.Path` has it, too, and is no `PathLike`
        return given
    try:
        return Product(path.name, path.read_bytes())
    except OSError as error:
        raise unreadable(str(path), error) from error


def call_site() -> str:
    """File and line of the nearest caller outside this package: the user's own call."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    return f"{path.name}:{frame.f_lineno}"


_PACKAGE = f"{Path(__file__).parent}{os.sep}"
