"""Recorded sessions: read from cassettes, replayed, and recorded. Needs the extra `recording`."""

from __future__ import annotations

from dataclasses import replace as changed
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from harness.recording.cassettes import read
from harness.recording.exact import ExactPlayer
from harness.recording.live import LivePlayer, OnMiss
from harness.recording.session import Session
from harness.service.context import World

if TYPE_CHECKING:
    from pathlib import Path

    from harness.recording.session import Seen
    from harness.service.http import Request, Response
    from harness.service.service import Service

__all__ = ["OnMiss", "Player", "Replay", "replay"]

Replay: TypeAlias = Literal["live", "exact"]


class Player(Protocol):
    """What answers in place of the service while a session is replayed."""

    def answer(self, request: Request) -> Response: ...

    def unused(self) -> list[Seen]: ...


def replay(path: Path, service: Service, *, mode: Replay, on_miss: OnMiss) -> Player:
    """Load a cassette; a live session begins the service's world anew, at the time it was recorded."""
    session = Session.of(read(path))
    if mode == "exact":
        return ExactPlayer(session)
    before = service.world.settings
    # what comes in addition must not get an id that the recording has, should that have been made by a fake too
    service.world = World(changed(before, start=session.start or before.start, seed=f"{before.seed}, replayed"))
    return LivePlayer(session, service, on_miss=on_miss)
