"""Writes a journal as a script that reproduces it: plain calls of the SDK and of `assistants`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.recording.codegen.dry_run import counterparts
from harness.recording.codegen.function_source import FunctionSource
from harness.recording.codegen.refusals import message_of
from harness.recording.codegen.sdk_requests import METHODS, LeftOut, SdkRequest, replace_ids
from harness.recording.exchanges import RecordedExchange
from harness.recording.session import ParsedExchange
from harness.service import acts
from harness.service.http import Response
from harness.source.acts import to_call
from harness.source.values import Call, Code, to_source

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterable, Mapping

    from harness.machine.journal import Entry, StreamClosed, StreamRead
    from harness.service.exchange import Exchange

ACTS = ("call", "calls", "cancel", "fail", "hang", "refuse", "run_code", "say", "search", "truncate", "wait")
BETA = {"headers": {"OpenAI-Beta": "assistants=v2"}}
MAX_MESSAGE_LENGTH = 160
STREAMED = "stream"


def act_calls(given: Iterable[Any]) -> tuple[Any, ...]:
    """The calls that make these acts, with the pieces of streamed texts; other values are kept as they are.

    >>> to_source(act_calls([acts.say(pieces=["4 ", "°C"], beats_cancel=True)]))
    '(say("4 °C", pieces=["4 ", "°C"], beats_cancel=True),)'
    """
    return tuple(_act(act) if isinstance(act, acts.ACTS) else act for act in given)


def _act(act: Any) -> Call:
    if isinstance(act, acts.Calls):
        return Call("calls", tuple(map(_act, act.calls)))
    call = to_call(act, [act.id] if isinstance(act, acts.Call) and act.id is not None else ())
    pieces = getattr(act, "pieces", None)
    if pieces is not None and isinstance(act, acts.Call):
        call_id = {"call_id": act.id} if act.id is not None else {}
        return Call("call", (act.name,), {"arguments_pieces": list(pieces), **call_id})
    if pieces is not None:
        call.keywords["pieces"] = list(pieces)
    if getattr(act, "beats_cancel", False):
        call.keywords["beats_cancel"] = True
    return call


class Script:
    """The script of a journal, written when `str` or `repr` is called.

    Args:
        options: those of the fake.
        error: the error at the end, as one line.
    """

    def __init__(self, journal: Iterable[Entry], options: Mapping[str, Any], error: str = "") -> None:
        self._journal = list(journal)
        self._options = options
        self._error = error

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        page = _ScriptWriter(self._journal).page
        if self._error:
            page.comment(self._error)
        used = page.reads
        libraries = [
            *(["from contextlib import suppress"] if "suppress" in used else []),
            *(["from itertools import islice"] if "islice" in used else []),
        ]
        lines = [*libraries, *([""] if libraries else [])]
        lines += ["import openai", ""] if "openai" in used else []
        names = [name for name in ACTS if name in used]
        lines += [f"from harness import {', '.join(names)}"] if names else []
        opened = to_source(Call("watched", (), dict(self._options)))
        lines += ["from harness.machine import watched", "", f"with {opened} as assistants:"]
        return "\n".join([*lines, *(list(page.source()) or ["    pass"])]) + "\n"


class _ScriptWriter:
    """Writes the entries of a journal.

    Attributes:
        page: the source so far.
    """

    def __init__(self, journal: list[Entry]) -> None:
        self.page = FunctionSource()
        self._names: dict[str, Code] = {}
        self._clients: dict[Hashable, str] = {}
        self._streams: dict[int, str] = {}
        for entry in journal:
            if isinstance(entry, Call | Code):
                self.page.add(entry)
            else:
                _WRITERS[type(entry).__name__](self, entry)
        made = Call("assistants.client", (), {"max_retries": 0})
        head = FunctionSource()
        for variable in self._clients.values():
            head.add(made, target=variable)
        self.page.lines[:0] = head.lines

    def _write_request(self, exchange: Exchange) -> None:
        body = exchange.response.body
        streamed = not isinstance(body, bytes)
        response = Response(exchange.status, exchange.response.headers, body if isinstance(body, bytes) else b"")
        parsed = ParsedExchange(RecordedExchange(exchange.request, response, exchange.at, "journal"))
        call, variable = self._call(parsed, streamed=streamed)
        if streamed:
            target = self._streams[id(exchange)] = self.page.new_variable(STREAMED)
            self.page.add(call, target=target)
        elif parsed.ok:
            target = self.page.new_variable(variable) if variable else ""
            self.page.add(call, target=target)
            if target:
                for object_id, _, expression in counterparts(parsed.response_json, parsed.response_json, target):
                    self._names.setdefault(object_id, Code(expression))
        else:
            self.page.comment(f"{parsed.status}: {message_of(parsed)[:MAX_MESSAGE_LENGTH]}")
            self.page.add(call, around=Call("suppress", (Code("openai.APIStatusError"),)))

    def _call(self, parsed: ParsedExchange, *, streamed: bool) -> tuple[Call, str]:
        """The call of the SDK's method for a request, or of its plain request, and a name for a variable or `""`."""
        client = self._client(parsed.recorded.request.client)
        try:
            sdk_request = SdkRequest.of(parsed)
            stream: dict[str, Any] = {"stream": True} if streamed else {}
            call = sdk_request.call(self._names, **stream)
        except LeftOut:
            return self._plain(parsed, client), ""
        function = client + call.function.removeprefix("client")
        return Call(function, call.arguments, call.keywords), METHODS[sdk_request.key][1]

    def _plain(self, parsed: ParsedExchange, client: str) -> Call:
        request = parsed.recorded.request
        _, mark, query = request.url.partition("?")
        path = "/".join(self._names.get(part, part) for part in parsed.path.split("/"))
        body = (
            {}
            if request.method == "GET"
            else {"body": replace_ids(parsed.recorded.request_body and parsed.normalized_request, self._names)}
        )
        keywords = {**body, "cast_to": Code("object"), "options": BETA}
        return Call(f"{client}.{request.method.lower()}", (f"{path}{mark}{query}",), keywords)

    def _client(self, client: Hashable) -> str:
        if client not in self._clients:
            self._clients[client] = self.page.new_variable("client")
        return self._clients[client]

    def _write_read(self, entry: StreamRead) -> None:
        stream = Code(self._streams[id(entry.exchange)])
        self.page.add(Call("list", (Call("islice", (stream, entry.events)),)))

    def _write_close(self, entry: StreamClosed) -> None:
        self.page.add(Call(f"{self._streams[id(entry.exchange)]}.close"))


_WRITERS: dict[str, Callable[[_ScriptWriter, Any], None]] = {
    "Exchange": _ScriptWriter._write_request,
    "StreamRead": _ScriptWriter._write_read,
    "StreamClosed": _ScriptWriter._write_close,
}
