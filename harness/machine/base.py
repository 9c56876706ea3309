"""A fake, its clients, and what is kept of them: the machine without its rules."""

from __future__ import annotations

import json
import sys
from contextlib import ExitStack, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import openai
from hypothesis import note
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant
from pydantic_core import from_json

from harness.environment import placeholder_key
from harness.failures import HarnessFailure
from harness.installed import installed
from harness.machine.performing import performed
from harness.machine.telling import Script
from harness.machine.watching import WatchedFake
from harness.recording.retelling.endpoints import LeftOut
from harness.service.http import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADERS = {"authorization": "Bearer sk-machine", "openai-beta": "assistants=v2"}


class InThread(NamedTuple):
    """A run or a message, with the thread that it is in."""

    thread_id: str
    id: str


class Answer(NamedTuple):
    """Status and JSON of an answer, and where it is a stream, what can be read."""

    status: int
    json: Any
    stream: Any = None


class Machine(RuleBasedStateMachine):
    """What `AssistantsMachine` is made of, for a machine with none of its rules."""

    options: ClassVar[Mapping[str, Any]] = {}
    through_sdk: ClassVar[bool] = False

    assistant_ids: ClassVar[Bundle[str]] = Bundle("assistant_ids")
    thread_ids: ClassVar[Bundle[str]] = Bundle("thread_ids")
    file_ids: ClassVar[Bundle[str]] = Bundle("file_ids")
    runs: ClassVar[Bundle[InThread]] = Bundle("runs")
    messages: ClassVar[Bundle[InThread]] = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self._given = {"unused": "ignore", **self.options}
        self.assistants = WatchedFake(**self._given)
        self._clients: dict[str, Any] = {}
        self._stack = ExitStack()
        self._stack.enter_context(placeholder_key())
        self._stack.enter_context(installed(self.assistants))

    def teardown(self) -> None:
        """Prints the script; Hypothesis shows that of the shortest failing story."""
        note(Script(self.assistants.journal, self._given, _told(sys.exc_info()[1])))
        self._stack.close()

    @invariant()
    def nothing_was_swallowed(self) -> None:
        """Code under test may swallow what the harness complains about."""
        for failure in self.assistants.failures:
            raise failure

    # --- sending --------------------------------------------------------------------------------------------

    def send(self, method: str, path: str, body: object = None, *, client: str = "client") -> Answer:
        """Send one request as one of the machine's clients; `path` lies below `/v1`."""
        raw = b"" if body is None else json.dumps(body).encode()
        return self.send_request(Request(method, f"https://api.openai.com/v1{path}", HEADERS, raw), client=client)

    def send_request(self, request: Request, *, client: str = "client") -> Answer:
        """The same with a request that is there already."""
        if self.through_sdk:
            with suppress(LeftOut):
                return self._through_sdk(request, client)
        response = self.assistants.answer(replace(request, client=client))
        body = response.body
        return Answer(response.status, from_json(body) if isinstance(body, bytes) else None, body)

    def _through_sdk(self, request: Request, client: str) -> Answer:
        if client not in self._clients:
            self._clients[client] = self.assistants.client(max_retries=0)
        stream = None
        with suppress(openai.APIStatusError):
            stream = performed(self._clients[client], request)
        exchange = self.assistants.requests[-1]
        return Answer(exchange.status, exchange.answer, stream)


def _told(error: BaseException | None) -> str:
    if error is None:
        return ""
    happened = error.happened if isinstance(error, HarnessFailure) else str(error)
    return f"{type(error).__name__}: {happened}"
