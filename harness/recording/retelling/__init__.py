"""A recorded session as a test that needs no cassette: scripts, and the steps that its client made.

`source` lays Python out, `acts` and `endpoints` say acts and requests in it, `facts` what can be asserted; `rehearsal`
is the service on which each step is tried, `earlier` what was there before, `telling` goes through a session, and
`page` keeps what is written.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.recording.retelling.facts import HELPERS, USES
from harness.recording.retelling.page import comment, head
from harness.recording.retelling.telling import Retelling
from harness.source.values import WIDTH

if TYPE_CHECKING:
    from harness.recording.session import Session

ACTS = frozenset({"call", "calls", "cancel", "fail", "hang", "refuse", "run_code", "say", "search", "truncate", "wait"})


def retold(session: Session, *, title: str) -> str:
    """A pytest file that tells a recorded session again, without its cassette.

    The model's part stands in it as scripts, one a run; the client's part as calls of the newest SDK, in the recorded
    order, with variables in place of ids; what was recorded, as assertions. Each step is tried out on a service first:
    what the fake answers otherwise or cannot do, and what the SDK cannot send, becomes a comment that says so. What was
    recorded in v1 is said in the words of v2.

    Args:
        session: one conversation; it becomes one function.
        title: what the test is named after, such as the path of the cassette.
    """
    page = Retelling(session).page
    used = page.reads
    called = used.union(*(USES[name] for name in used & USES.keys()))
    helpers = [name for name in HELPERS if name in called]
    lines = [
        *comment(f"{title}: a recorded session, told again as scripts and steps."),
        "",
        *(["import json", ""] if "asked" in helpers else []),
        *(["import openai"] if "openai" in used else []),
        *(["import pytest"] if "pytest" in used else []),
        *_imported(sorted(used & ACTS)),
        "",
        "",
        *head(title),
        *page.source(),
        *(f"\n{HELPERS[name].rstrip()}" for name in helpers),
    ]
    return "\n".join(lines) + "\n"


def _imported(acts: list[str]) -> list[str]:
    line = f"from harness import {', '.join(acts)}"
    if acts and len(line) <= WIDTH:
        return [line]
    return ["from harness import (", *(f"    {name}," for name in acts), ")"] if acts else []
