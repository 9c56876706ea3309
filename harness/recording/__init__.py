"""Recorded sessions: read from cassettes, replayed, and recorded. Needs the extra `recording`."""

from __future__ import annotations

from dataclasses import replace as changed
from functools import cached_property
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, get_args

from harness.failures import HarnessFailure
from harness.recording.cassettes import read
from harness.recording.exact import ExactPlayer
from harness.recording.live import LivePlayer
from harness.recording.matching import OnMiss
from harness.recording.session import Session

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.recording.session import ParsedExchange
    from harness.service.http import Request, Response
    from harness.service.service import Service

__all__ = ["Cassette", "OnMiss", "Player", "Replay", "check_choices", "replay"]

Replay: TypeAlias = Literal["live", "exact"]


class Cassette:
    """The cassette of a test, as the fixture `assistants_cassette` gives it.

    Attributes:
        path: where it is, or will be once the test was recorded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def session(self) -> Session:
        """The recorded session, read at the first access.

        Raises:
            HarnessFailure: there is no cassette yet, or it cannot be read.
        """
        if not self.path.exists():
            raise HarnessFailure(
                f"The cassette {self.path} does not exist yet: it is written when the test that records it has ended.",
                do="assistants_cassette.path.exists() and assistants_cassette.session   # if the test may be recording",
            )
        return Session.of(read(self.path))


class Player(Protocol):
    """Answers requests in place of the service while a session is replayed."""

    def answer(self, request: Request) -> Response: ...

    def unused(self) -> list[ParsedExchange]: ...


def check_choices(replay: object, on_miss: object, *, where: str) -> None:
    """Check the options of a replay.

    Raises:
        HarnessFailure: there is no such mode, or no such way to deal with a miss.
    """
    for name, value, choices in (("replay", replay, get_args(Replay)), ("on_miss", on_miss, get_args(OnMiss))):
        if value not in choices:
            raise HarnessFailure(
                f"{where}: {name}={value!r} is not a valid choice.",
                there_was=f"The choices are {', '.join(map(repr, choices))}.",
                do=f"{where}(…, {name}={choices[0]!r})",
            )


def replay(
    path: Path,
    service: Service,
    *,
    mode: Replay,
    on_miss: OnMiss,
    redact: Iterable[str] = (),
    keep: Iterable[str] = (),
) -> Player:
    """Load a cassette; live replay resets the service's world to the time of the recording. Scripts stay.

    `redact` and `keep` are those of the recording, because a client sends again what was redacted then.
    """
    check_choices(mode, on_miss, where="replay")
    session = Session.of(read(path))
    if mode == "exact":
        return ExactPlayer(session, service, on_miss=on_miss, redact=redact, keep=keep)
    before = service.world.settings
    # another seed: a session that was recorded from a fake must not share ids with objects that are created now
    service.reset(changed(before, start=session.start or before.start, seed=f"{before.seed}, replayed"))
    return LivePlayer(session, service, on_miss=on_miss, redact=redact, keep=keep)
