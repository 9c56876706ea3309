"""Generates a test from a recorded session: scripts for the model and calls of the SDK, without a cassette.

`generator` goes through a session, `sdk_requests` turns its requests into calls of the SDK, `assertions` its answers
into assertions, and `earlier_objects` adds what existed before. `dry_run` is a service on which each step is tried, and
`function_source` collects the lines.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.recording.codegen.assertions import HELPER_DEPENDENCIES, HELPERS
from harness.recording.codegen.function_source import comment, head
from harness.recording.codegen.generator import CodeGenerator
from harness.source.values import WIDTH

if TYPE_CHECKING:
    from harness.recording.session import Session

ACTS = frozenset({"call", "calls", "cancel", "fail", "hang", "refuse", "run_code", "say", "search", "truncate", "wait"})


def generate_test(session: Session, *, title: str) -> str:
    """The source of a pytest file that repeats a recorded session without its cassette.

    The model's part becomes scripts, one for each run; the client's part becomes calls of the newest SDK, in the
    recorded order, with variables in place of ids; recorded answers become assertions. Each step is tried on a service
    first: what the fake answers differently or cannot do, and what the SDK cannot send, becomes a comment that says so.
    A session of v1 is translated to v2.

    Args:
        session: one conversation; it becomes one function.
        title: what the test is named after, such as the path of the cassette.
    """
    function = CodeGenerator(session).source
    used = function.reads
    called = used.union(*(HELPER_DEPENDENCIES[name] for name in used & HELPER_DEPENDENCIES.keys()))
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
        *function.source(),
        *(f"\n{HELPERS[name].rstrip()}" for name in helpers),
    ]
    return "\n".join(lines) + "\n"


def _imported(acts: list[str]) -> list[str]:
    line = f"from harness import {', '.join(acts)}"
    if acts and len(line) <= WIDTH:
        return [line]
    return ["from harness import (", *(f"    {name}," for name in acts), ")"] if acts else []
