"""The evidence by which rules judge a failed test: its threads, its requests, and the error that it raised."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from harness.failures import chain

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from harness.service.exchange import Exchange
    from harness.service.records import Message, Run, Thread

E = TypeVar("E", bound=BaseException)
Part = dict[str, Any]
TRANSPORTS = frozenset({"harness", "httpx", "httpx2"})  # whose transports ask the fake, or connect to nothing
EDGE = 12  # characters at either end of a long text that a failed assertion shows at least


class Sleeper(Protocol):
    """The virtual sleeps of one thread."""

    @property
    def thread(self) -> str: ...
    @property
    def times(self) -> int: ...
    @property
    def seconds(self) -> float: ...


@dataclass(frozen=True)
class FailedTest:
    """A failed test.

    Attributes:
        error: what the test raised.
        bystanders: the sleeps of threads that made no request, the longest first.
    """

    threads: Sequence[Thread]
    exchanges: Sequence[Exchange]
    error: BaseException
    bystanders: Sequence[Sleeper] = ()

    # --- the error ----------------------------------------------------------------------------------------------

    @cached_property
    def chain(self) -> list[BaseException]:
        """The error, its causes and contexts, and the members of exception groups."""
        return list(chain(self.error, suppressed=False))

    @cached_property
    def error_text(self) -> str:
        """The types and messages of all errors in the chain."""
        return "\n".join(f"{type(error).__name__}: {_text(error)}" for error in self.chain)

    @cached_property
    def source_line(self) -> str:
        """The line of source that raised the error, where it can be read."""
        frames = traceback.extract_tb(self.error.__traceback__)
        return (frames[-1].line or "") if frames else ""

    @cached_property
    def own_transport(self) -> str | None:
        """The client's own transport, if the failed request went through it, and through no other within it."""
        frames = [frame for error in self.chain for frame, _ in traceback.walk_tb(error.__traceback__)]
        senders = [frame for frame in frames if frame.f_code.co_name in ("handle_request", "handle_async_request")]
        if not senders:
            return None
        module, name = str(senders[-1].f_globals.get("__name__")), type(senders[-1].f_locals.get("self")).__name__
        return None if module.partition(".")[0] in TRANSPORTS else f"{module}.{name}"

    def raised(self, kind: type[E]) -> E | None:
        """The first error of this kind."""
        return next((error for error in self.chain if isinstance(error, kind)), None)

    def shows(self, text: str) -> bool:
        """Whether the errors quote a text, as a failed assertion does: whole, cut in the middle, or in a diff."""
        return _quotes(self.error_text, text)

    def shows_actual(self, text: str) -> bool:
        """Whether a failed comparison quotes a text as its actual value, which is on the left unless a literal is."""
        left, compared, right = re.split(r"( [!=]= )", f"{self.error_text}\0 == ", maxsplit=1)
        actual = right.partition("\n")[0] if re.match(r"assert\s+\w?[\"']", self.source_line) else left
        return compared in self.error_text and _quotes(actual, text)

    # --- the requests -------------------------------------------------------------------------------------------

    @cached_property
    def refusal(self) -> Exchange | None:
        """The last request that was refused, if the error contains its status or its message."""
        refusals = (exchange for exchange in reversed(self.exchanges) if exchange.status >= 400)
        last = next(refusals, None)
        if last is None:
            return None
        is_quoted = re.search(rf"\b{last.status}\b", self.error_text) or (refusal_text(last) or "\0") in self.error_text
        return last if is_quoted else None

    def refused(self, pattern: str) -> re.Match[str] | None:
        """The match of a pattern in the message of `refusal`."""
        return None if self.refusal is None else re.search(pattern, refusal_text(self.refusal) or "")

    def before(self, exchange: Exchange) -> Sequence[Exchange]:
        """The requests before this one, oldest first."""
        place = next(index for index, other in enumerate(self.exchanges) if other is exchange)
        return self.exchanges[:place]

    def listed(self, thread: Thread) -> list[Exchange]:
        """The requests that listed the messages of a thread."""
        end = f"/threads/{thread.id}/messages"
        return [e for e in self.exchanges if e.method == "GET" and e.path.endswith(end) and e.status == 200]

    def streamed(self, run: Run) -> bool:
        """Whether the newest run of its thread was created with `stream=True`."""
        ends = (f"/threads/{run.thread_id}/runs", "/threads/runs")
        creations = [e for e in self.exchanges if e.method == "POST" and e.path.endswith(ends) and e.status == 200]
        return bool(creations) and isinstance(creations[-1].json, dict) and creations[-1].json.get("stream") is True

    # --- the objects --------------------------------------------------------------------------------------------

    @property
    def runs(self) -> Iterator[Run]:
        """Newest first within each thread, the newest thread first."""
        for thread in reversed(self.threads):
            yield from reversed(thread.runs)

    def run(self, id: str) -> Run | None:
        """The run of this id."""
        return next((run for run in self.runs if run.id == id), None)

    @property
    def written(self) -> Iterator[Message]:
        """The messages that the model wrote, newest first."""
        for thread in reversed(self.threads):
            yield from (message for message in reversed(thread.messages) if message.role == "assistant")

    @property
    def calls(self) -> Iterator[Part]:
        """The function calls of the model, newest first."""
        for run in self.runs:
            for step in reversed(run.steps):
                yield from (part["function"] for part in step.details.get("tool_calls", ()) if "function" in part)


def body(exchange: Exchange) -> Part:
    """The JSON object of an answer; empty if it was not one, as a test may answer a request itself."""
    return exchange.answer if isinstance(exchange.answer, dict) else {}


def refusal_text(exchange: Exchange) -> str | None:
    """The message of a refusal; None if the request was not refused, or not in the service's form.

    >>> from harness.service.exchange import Exchange
    >>> from harness.service.http import Request, Response
    >>> refusal_text(Exchange(Request("GET", "https://x/v1/files"), Response(500, {}, b"[]"), 0)) is None
    True
    """
    error = body(exchange).get("error") if exchange.status >= 400 else None
    message = error.get("message") if isinstance(error, dict) else None
    return message if isinstance(message, str) else None


def _quotes(error_text: str, text: str) -> bool:
    if not text.strip():
        return False
    whole = repr(text)
    cut = rf"{re.escape(whole[:EDGE])}.*\.\.\..*{re.escape(whole[-EDGE:])}" if len(whole) > 2 * EDGE + 3 else "(?!)"
    line = rf"^\s*[-+] {re.escape(text)}$"
    return whole in error_text or re.search(f"{cut}|{line}", error_text, re.MULTILINE) is not None


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - an error that cannot be shown must not cost the report
        return ""


def waited_for(run: Run) -> str:
    """The names of the functions that a run waits for."""
    called = run.required_action["submit_tool_outputs"]["tool_calls"] if run.required_action is not None else []
    return ", ".join(call["function"]["name"] for call in called) or "its tools"
