"""What became of a client in a situation, and how that is judged."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from enum import Enum
from json import JSONDecodeError
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from harness.report.text import run_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.exploring.situations import Situation
    from harness.service.records import Run, Thread


class Verdict(Enum):
    """What a client did in a situation."""

    RETURNED = "returned"
    RAISED = "raised"
    CRASHED = "crashed"
    """It raised an error that nobody raises on purpose: an IndexError, a TypeError …"""
    HUNG = "hung"
    WRONG_SUCCESS = "wrong success"
    """It returned a value although no answer was produced, or the question for an answer."""


BUGS = frozenset({Verdict.CRASHED, Verdict.HUNG, Verdict.WRONG_SUCCESS})
# Errors of the language rather than of somebody who refuses to go on.
MISTAKES = (
    ArithmeticError,
    AttributeError,
    JSONDecodeError,
    LookupError,
    NameError,
    RecursionError,
    StopIteration,
    TypeError,
)
SDK = frozenset({"openai", "httpx", "httpx2"})


@dataclass(frozen=True)
class Outcome:
    """What became of a client in one situation.

    Attributes:
        detail: what it returned or raised, or why it hung, shortened.
        locked: it left a run behind that holds its thread, so nothing can be asked there for now.
        timelines: the runs, a line each.
        script: a test that reproduces it.
    """

    situation: Situation
    verdict: Verdict
    detail: str
    locked: bool = False
    timelines: Sequence[str] = field(default=(), repr=False)
    script: str = field(default="", repr=False)

    @property
    def is_bug(self) -> bool:
        """Whether it hung, crashed, made a success of a failure, or thinks it is done and left the thread locked."""
        return self.verdict in BUGS or (self.verdict is Verdict.RETURNED and self.locked)

    @property
    def label(self) -> str:
        return self.verdict.value + (", left the thread locked" if self.locked else "")

    @property
    def mark(self) -> str:
        return "✗" if self.is_bug else "✓"

    def __str__(self) -> str:
        return f"{self.mark} {self.situation.name} {self.label} — {self.detail}"

    def as_json(self) -> dict[str, Any]:
        return {
            "situation": self.situation.name,
            "verdict": self.verdict.value,
            "locked": self.locked,
            "bug": self.is_bug,
            "detail": self.detail,
            "runs": [line.strip() for line in self.timelines],
            "script": self.script,
        }


def of_value(value: object, threads: Sequence[Thread]) -> tuple[Verdict, str]:
    """The verdict on what was returned: any value that is true counts as an answer, and the question is none."""
    answers, questions = _answers(threads), _questions(threads)
    wrong = bool(value) and (not answers or (value in questions and value not in answers))
    return (Verdict.WRONG_SUCCESS if wrong else Verdict.RETURNED), shortened(repr(value))


def answered(threads: Sequence[Thread]) -> bool:
    """Whether a run has completed and said something."""
    return bool(_answers(threads))


def of_error(error: BaseException) -> tuple[Verdict, str]:
    """The verdict on an error. JSON that the SDK cannot read was no mistake of the client."""
    mistaken = isinstance(error, MISTAKES) and not (isinstance(error, JSONDecodeError) and _of_the_sdk(error))
    return (Verdict.CRASHED if mistaken else Verdict.RAISED), shortened(f"{type(error).__name__}: {error}")


def _of_the_sdk(error: BaseException) -> bool:
    """Whether the innermost code, but for the standard library, is the SDK or what it is built on."""
    frames = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    packages = [name.partition(".")[0] for name in frames]
    own = [package for package in packages if package not in sys.stdlib_module_names or package == "__main__"]
    return bool(own) and own[-1] in SDK


def _answers(threads: Sequence[Thread]) -> list[str]:
    """What runs that have completed say."""
    done = {run.id for thread in threads for run in thread.runs if run.status == "completed"}
    return [
        message.text for thread in threads for message in thread.messages if message.run_id in done and message.text
    ]


def _questions(threads: Sequence[Thread]) -> list[str]:
    return [message.text for thread in threads for message in thread.messages if message.role == "user"]


def timelines(runs: Sequence[Run]) -> list[str]:
    return [run_line(run) for run in runs]


def shortened(text: str, most: int = 100) -> str:
    """A text on one line, without what is another with every process."""
    line = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"
