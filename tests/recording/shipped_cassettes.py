"""The cassettes in `cassettes/` and their sessions, for tests."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from harness.recording.cassettes import read
from harness.recording.session import Session

FOLDER = Path(__file__).resolve().parents[2] / "cassettes"
PATHS = sorted(FOLDER.glob("*.yaml"))


@cache
def session_of(path: Path) -> Session:
    return Session.of(read(path))
