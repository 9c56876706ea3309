"""The state machine without rules: a fake, its clients, and the bundles of ids."""

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
from harness.machine.script import Script
from harness.machine.sdk import send_with_sdk
from harness.machine.watching import WatchedFake
from harness.recording.codegen.sdk_requests import LeftOut
from harness.service.http import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADERS = {"authorization": "Bearer sk-machine", "openai-beta": "assistants=v2"}


class InThread(NamedTuple):
    """The id of a run or a message, with that of its thread."""

    thread_id: str
    id: str


class Answer(NamedTuple):
    """The status and JSON of an answer, and its stream if it is one."""

    status: int
    json: Any
    stream: Any = None


class Machine(RuleBasedStateMachine):
    """The base of `AssistantsMachine`, for machines without its rules."""

    options: ClassVar[Mapping[str, Any]] = {}
    through_sdk: ClassVar[bool] = False

    assistant_ids: ClassVar[Bundle[str]] = Bundle("assistant_ids")
    thread_ids: ClassVar[Bundle[str]] = Bundle("thread_ids")
    file_ids: ClassVar[Bundle[str]] = Bundle("file_ids")
    runs: ClassVar[Bundle[InThread]] = Bundle("runs")
    messages: ClassVar[Bundle[InThread]] = Bundle("messages")

    def __init__(self) -> None:
        super().__init__()
        self._options = {"unused": "ignore", **self.options}
        self.assistants = WatchedFake(**self._options)
        self._clients: dict[str, Any] = {}
        self._stack = ExitStack()
        self._stack.enter_context(placeholder_key())
        self._stack.enter_context(installed(self.assistants))

    def teardown(self) -> None:
        """Print the script; Hypothesis shows that of the smallest failing example."""
        note(Script(self.assistants.journal, self._options, _summary(sys.exc_info()[1])))
        self._stack.close()

    @invariant()
    def nothing_was_swallowed(self) -> None:
        """Raise failures of the harness that the code under test has swallowed."""
        for failure in self.assistants.failures:
            raise failure

    # --- sending --------------------------------------------------------------------------------------------

    def send(self, method: str, path: str, body: object = None, *, client: str = "client") -> Answer:
        """Send one request as one of the machine's clients; `path` lies below `/v1`."""
        raw = b"" if body is None else json.dumps(body).encode()
        return self.send_request(Request(method, f"https://api.openai.com/v1{path}", HEADERS, raw), client=client)

    def send_request(self, request: Request, *, client: str = "client") -> Answer:
        """Send a request that is complete already."""
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
            stream = send_with_sdk(self._clients[client], request)
        exchange = self.assistants.requests[-1]
        return Answer(exchange.status, exchange.answer, stream)


def _summary(error: BaseException | None) -> str:
    """An error as one line; empty without one."""
    if error is None:
        return ""
    happened = error.happened if isinstance(error, HarnessFailure) else str(error)
    return f"{type(error).__name__}: {happened}"
