"""Scripts as a user writes them, each with the line of the user's own file that it came from."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from harness.service.director import Rule
from harness.service.script import Script, as_acts

if TYPE_CHECKING:
    from harness.fake import FakeAssistants


class When:
    """The first half of `assistants.when(…).run(…)`."""

    def __init__(self, fake: FakeAssistants, conditions: dict[str, object]) -> None:
        self._fake = fake
        self._conditions = conditions

    def run(self, *acts: object) -> None:
        """What the model does in every run that fits.

        Raises:
            HarnessFailure: the acts cannot follow each other.
        """
        origin = users_line()
        rule = Rule(self._conditions, script_of(acts, origin, "when(…).run"))
        self._fake.world.director.rules.append(rule)


def script_of(acts: tuple[object, ...], origin: str, method: str) -> Script:
    """A script from what a user wrote: acts, or a single model function.

    Raises:
        HarnessFailure: something is no act, or an act can never happen.
    """
    where = f"{method}(…) at {origin}"
    if len(acts) == 1 and callable(acts[0]):
        return Script(acts[0], where)
    return Script(as_acts(acts, where=where), where)


def users_line() -> str:
    """File and line of the nearest caller outside this package."""
    frame = sys._getframe(1)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(_HERE):
        frame = frame.f_back
    path = Path(frame.f_code.co_filename)
    return f"{path.name}:{frame.f_lineno}"


_HERE = str(Path(__file__).parent)
