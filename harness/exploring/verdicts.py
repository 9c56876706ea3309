"""The outcome of a client in a situation, and the verdict on it."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from enum import Enum
from json import JSONDecodeError
from traceback import walk_tb
from typing import TYPE_CHECKING, Any

from harness.report.text import run_line
from harness.service.explain import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.exploring.situations import Situation
    from harness.service.records import Run, Thread


class Verdict(Enum):
    """What a client did in a situation."""

    RETURNED = "returned"
    RAISED = "raised"
    CRASHED = "crashed"
    """It raised an error that is not raised on purpose: an IndexError, a TypeError …"""
    HUNG = "hung"
    WRONG_SUCCESS = "wrong success"
    """It returned a value although the run gave no answer, or returned the question."""


MAX_DETAIL = 100  # characters
BUGS = frozenset({Verdict.CRASHED, Verdict.HUNG, Verdict.WRONG_SUCCESS})
# Errors that Python raises for mistakes in the code, as opposed to those of code that refuses to go on.
PROGRAMMING_ERRORS = (
    ArithmeticError,
    AttributeError,
    JSONDecodeError,
    LookupError,
    NameError,
    RecursionError,
    StopIteration,
    TypeError,
)
SDK_PACKAGES = frozenset({"openai", "httpx", "httpx2"})


@dataclass(frozen=True)
class Outcome:
    """What a client did in one situation.

    Attributes:
        detail: what it returned or raised, or why it hung, shortened.
        locked: it left an active run behind, so its thread takes no message for now.
        timelines: of the runs, one line each.
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
        """Whether it hung, crashed, took a failure for a success, or returned and left the thread locked."""
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
    """The verdict on a returned value: any truthy one counts as an answer, and the question is a wrong one."""
    answers, questions = _answers(threads), _questions(threads)
    wrong = bool(value) and (not answers or (value in questions and value not in answers))
    return (Verdict.WRONG_SUCCESS if wrong else Verdict.RETURNED), detail_line(repr(value))


def has_answer(threads: Sequence[Thread]) -> bool:
    """Whether a run has completed and said something."""
    return bool(_answers(threads))


def of_error(error: BaseException) -> tuple[Verdict, str]:
    """The verdict on an error. A JSONDecodeError of the SDK itself is not the client's mistake."""
    crashed = isinstance(error, PROGRAMMING_ERRORS) and not (isinstance(error, JSONDecodeError) and _of_the_sdk(error))
    return (Verdict.CRASHED if crashed else Verdict.RAISED), detail_line(f"{type(error).__name__}: {error}")


def _of_the_sdk(error: BaseException) -> bool:
    """Whether the SDK, or its HTTP library, raised the error, itself or in the standard library."""
    frames = (frame.f_globals.get("__name__", "") for frame, _ in walk_tb(error.__traceback__))
    packages = [name.partition(".")[0] for name in frames]
    relevant = [package for package in packages if package not in sys.stdlib_module_names or package == "__main__"]
    return bool(relevant) and relevant[-1] in SDK_PACKAGES


def _answers(threads: Sequence[Thread]) -> list[str]:
    """The texts of completed runs."""
    completed = {run.id for thread in threads for run in thread.runs if run.status == "completed"}
    return [
        message.text
        for thread in threads
        for message in thread.messages
        if message.run_id in completed and message.text
    ]


def _questions(threads: Sequence[Thread]) -> list[str]:
    """The texts of users."""
    return [message.text for thread in threads for message in thread.messages if message.role == "user"]


def timelines(runs: Sequence[Run]) -> list[str]:
    return [run_line(run) for run in runs]


def detail_line(text: str) -> str:
    """A text on one line, shortened, and without addresses, which differ in every process."""
    line = re.sub(r" at 0x[0-9a-fA-F]+", "", " ".join(text.split()))
    return shortened(line, MAX_DETAIL)
