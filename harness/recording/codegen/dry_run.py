"""A dry run of a test while it is generated: what the fake service answers decides what the test can assert."""

from __future__ import annotations

import re
from keyword import kwlist
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.recording.codegen.sdk_requests import LeftOut
from harness.recording.exchanges import RecordedExchange
from harness.recording.session import ID, ParsedExchange
from harness.service.http import Response
from harness.service.lifecycle import RUN, terminal
from harness.service.script import Script
from harness.service.service import Service
from harness.service.settings import Settings
from harness.source.acts import to_act

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.service.context import World
    from harness.service.http import Request
    from harness.source.values import Call

POLLING_ENDS = frozenset({*terminal(RUN), "requires_action"})
ATTRIBUTE = re.compile("[a-z][a-z0-9_]*")


class DryRun:
    """A service to which the requests of a test are sent before they are written."""

    def __init__(self) -> None:
        # a seed of its own: no id equals one of the recording, even if that was made with a fake
        self.service = Service(Settings(seed="the dry run of a recorded session"))

    @property
    def world(self) -> World:
        return self.service.world

    def send(self, request: Request, script: list[Call] | None = None) -> ParsedExchange:
        """The answer to a request, read to its end. `script` is for the run that the request creates.

        Raises:
            LeftOut: the fake raises a `HarnessFailure`.
        """
        try:
            if script is not None:
                self.world.director.queue.append(Script(tuple(map(to_act, script)), "dry run"))
            response = self.service.handle(request)
            body = response.body
            whole = body if isinstance(body, bytes) else b"".join(iter(body.read, None))
        except HarnessFailure as failure:
            raise LeftOut(f"a failure of the fake: {failure.happened}") from failure
        return ParsedExchange(
            RecordedExchange(request, Response(response.status, response.headers, whole), None, "dry run")
        )

    def wait(self, poll: Request, until: frozenset[str] = POLLING_ENDS) -> ParsedExchange:
        """Poll a run every second until it has one of these statuses; every run ends, at the latest by expiring."""
        while (exchange := self.send(poll)).response_json["status"] not in until:
            self.world.clock.slept(1.0)
        return exchange


def counterparts(recorded: Any, answer: Any, name: str) -> Iterator[tuple[str, str, str]]:
    """Each id in a recorded answer, with the id at the same place of another answer, and the expression that reads it.

    >>> list(counterparts({"id": "run_abc"}, {"id": "run_xyz"}, "run"))
    [('run_abc', 'run_xyz', 'run.id')]
    """
    if isinstance(recorded, dict) and isinstance(answer, dict):
        for key in recorded:
            if key in answer and key not in ("metadata", *kwlist) and ATTRIBUTE.fullmatch(key):
                yield from counterparts(recorded[key], answer[key], f"{name}.{key}")
    elif isinstance(recorded, list) and isinstance(answer, list) and len(recorded) == len(answer):
        for index, pair in enumerate(zip(recorded, answer, strict=True)):
            yield from counterparts(*pair, f"{name}[{index}]")
    elif isinstance(recorded, str) and isinstance(answer, str) and ID.fullmatch(recorded) and ID.fullmatch(answer):
        yield recorded, answer, name
