"""Goes through a session: each recorded exchange is tried in a dry run, and then written as code."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from harness.recording.codegen.assertions import assertions_of, said
from harness.recording.codegen.dry_run import POLLING_ENDS, DryRun, counterparts
from harness.recording.codegen.earlier_objects import EarlierObjects
from harness.recording.codegen.function_source import FunctionSource
from harness.recording.codegen.refusals import ERRORS, common_pattern, message_of
from harness.recording.codegen.sdk_requests import METHODS, LeftOut, SdkRequest, http_request, replace_ids
from harness.recording.session import ID
from harness.source.acts import to_calls
from harness.source.values import Call, Code, to_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.codegen.assertions import Assertion
    from harness.recording.session import Json, ParsedExchange, Session

RETRIEVE_RUN = "GET /threads/{thread_id}/runs/{run_id}"
CREATE_RUN = ("POST /threads/runs", "POST /threads/{thread_id}/runs")
SUBMIT = "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
MAX_TEXT = 200


class CodeGenerator:
    """Generates the function that repeats one session.

    Attributes:
        source: the lines of the function.
        names: the expression that stands for each recorded id.
        ids: the id in the dry run for each recorded one.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.source = FunctionSource()
        self.dry_run = DryRun()
        self.names: dict[str, Code] = {}
        self.ids: dict[str, str] = {}
        self._settled: set[str] = set()
        self._written_exchanges: set[ParsedExchange] = set()
        self._submitted = {text for exchange in _submissions(session) for text in _call_ids_of(exchange)}
        self._earlier = EarlierObjects(self)
        for exchange in session.exchanges:
            # a reason is not reported here: `_write` meets it again if it needs the object
            self.attempt(partial(self._ensure_objects, exchange))
        if any(story.pieces for story in session.stories.values()):
            self.source.comment("Left out: where the streams cut their texts; the fake cuts them like tokens.")
        for exchange in session.exchanges:
            if exchange not in self._written_exchanges:
                reason = self.attempt(partial(self._write, exchange))
                if reason is not None:
                    self.source.comment(f"Left out: {exchange.method} {exchange.path} ({exchange.status}): {reason}")
        self.source.finish()

    # --- one exchange -------------------------------------------------------------------------------------

    def attempt(self, act: Callable[[], None]) -> LeftOut | None:
        """Do something that writes lines, or undo it whole and return the reason."""
        length, before = len(self.source.lines), self.dry_run.service.snapshot()
        known = dict(self.names), dict(self.ids), set(self._written_exchanges), set(self._settled)
        try:
            act()
        except LeftOut as reason:
            del self.source.lines[length:]
            self.dry_run.service.restore(before)
            self.names, self.ids, self._written_exchanges, self._settled = known
            return reason
        return None

    def _ensure_objects(self, exchange: ParsedExchange) -> None:
        """Add the objects that a request names and the session did not create."""
        request = SdkRequest.of(exchange)
        for object_id in request.ids:
            if (
                ID.fullmatch(object_id)
                and object_id not in self.session.created_by
                and not self._may_not_exist(object_id, exchange)
            ):
                self._earlier.ensure(object_id)

    def _may_not_exist(self, object_id: str, exchange: ParsedExchange) -> bool:
        """Whether a refusal is all that is known of an object."""
        return (
            exchange.status == 404
            and object_id not in self.session.first_shown
            and object_id not in self.session.created_by
        )

    def _write(self, exchange: ParsedExchange) -> None:
        request = SdkRequest.of(exchange)
        if exchange.validation_errors:
            raise LeftOut(f"{exchange.validation_errors[0]} is not what the service sends")
        if self._is_intermediate_poll(exchange, request):
            return
        for object_id in request.ids:
            if ID.fullmatch(object_id) and not self._may_not_exist(object_id, exchange):
                self._earlier.ensure(object_id)
        if not exchange.ok:
            self._write_refusal(exchange, request)
        elif exchange.events:
            self._write_stream(exchange, request)
        else:
            self._write_answer(exchange, request)
        for note in request.notes:
            self.source.comment(f"Left out of this request: {note}")

    def _is_intermediate_poll(self, exchange: ParsedExchange, request: SdkRequest) -> bool:
        """Whether an exchange polls a run in a passing status, and a later one polls it again."""
        later = self._after(exchange)
        again = any(item.ok and (item.method, item.path) == (exchange.method, exchange.path) for item in later)
        return request.key == RETRIEVE_RUN and exchange.ok and again and _status(exchange) not in POLLING_ENDS

    def _after(self, exchange: ParsedExchange) -> list[ParsedExchange]:
        exchanges = self.session.exchanges
        return exchanges[exchanges.index(exchange) + 1 :]

    # --- refusals -----------------------------------------------------------------------------------------

    def _write_refusal(self, exchange: ParsedExchange, request: SdkRequest) -> None:
        """Write the assertion that a request is refused, if the fake refuses it too."""
        text = message_of(exchange)
        if exchange.status not in ERRORS:
            raise LeftOut(f"a transient error, {text!r}")
        before = self.dry_run.service.snapshot()
        answer = self.dry_run.send(request.http_request(self.ids), [] if request.key in CREATE_RUN else None)
        self.dry_run.service.restore(before)
        if answer.status != exchange.status:
            raise LeftOut(f"it was refused with {text!r}, and the fake answers {answer.status}")
        pattern = common_pattern(text, message_of(answer))
        if pattern is None:
            self.source.comment(f"Recorded: {text}")
        keywords = {} if pattern is None else {"match": pattern}
        refusal = Call("pytest.raises", (Code(f"openai.{ERRORS[exchange.status]}"),), keywords)
        self.source.add(request.call(self.names), around=refusal)

    # --- answers ------------------------------------------------------------------------------------------

    def _write_answer(self, exchange: ParsedExchange, request: SdkRequest) -> None:
        function, variable = METHODS[request.key]
        answer = self._send(exchange, request)
        if not variable:
            return self._write_without_variable(exchange, answer, request)
        if not isinstance(exchange.response_json, dict) or "object" not in exchange.response_json:
            raise LeftOut("its answer was not kept")
        recorded, shown, waited = exchange.response_json, answer.response_json, False
        if recorded["object"] != shown["object"]:  # a batch as its store, since 2025 (openai-python#2724)
            self.source.add(request.call(self.names))
            return self.source.comment(f"Recorded: the answer is a {recorded['object']}.")
        if request.key in (*CREATE_RUN, SUBMIT) and (end := self._awaited_end(exchange)) is not None:
            recorded, shown, waited = end, self.wait(answer.response_json), True
            function += "_poll" if request.key == CREATE_RUN[0] else "_and_poll"
        elif request.key == RETRIEVE_RUN and recorded["status"] in POLLING_ENDS and recorded["id"] not in self._settled:
            shown, function = self.wait(answer.response_json), function.replace("retrieve", "poll")
        elif request.key == RETRIEVE_RUN and recorded["status"] == "in_progress":
            shown = self.wait(answer.response_json, POLLING_ENDS | {"in_progress"})
        if request.key == RETRIEVE_RUN or waited:
            self._settled |= {recorded["id"]} if recorded["status"] in POLLING_ENDS else set()
        target = self._variable(variable, recorded)
        self.source.add(request.call(self.names, function=function), target=target)
        if shown is not answer.response_json and not waited and function.endswith("retrieve"):
            self._write_poll_loop(target, recorded["thread_id"])
        self.bind(recorded, shown, target)
        if waited or exchange.method == "GET" or request.key.rpartition("/")[2].startswith("{"):
            self._write_assertions(assertions_of(target, recorded), assertions_of(target, shown))
        return None

    def _send(self, exchange: ParsedExchange, request: SdkRequest) -> ParsedExchange:
        """The answer of the dry run; if the request creates a run, its script is written first."""
        made = next((item for item in exchange.created if item["object"] == "thread.run"), None)
        script = None if made is None else self.script(made["id"])
        self._settled -= {request.path_ids.get("run_id", "")} if request.key == SUBMIT else set()
        return self._send_accepted(request, script, stream=bool(exchange.events))

    def _send_accepted(self, request: SdkRequest, script: list[Call] | None, *, stream: bool = False) -> ParsedExchange:
        answer = self.dry_run.send(request.http_request(self.ids, stream=stream), script)
        if not answer.ok:
            raise LeftOut(f"the fake refuses it: {message_of(answer)}")
        return answer

    def create(self, request: SdkRequest, script: list[Call] | None) -> Json:
        """The object that the dry run creates."""
        shown: Json = self._send_accepted(request, script).response_json
        return shown

    def script(self, run_id: str, *, without_calls: bool = False) -> list[Call]:
        """Write the script of a run; returned with the ids of the dry run."""
        acts = to_calls(self.session.story(run_id).acts, self._submitted)
        acts = [act for act in acts if not without_calls or act.function not in ("call", "calls")]
        self.source.add(Call("assistants.next_run", tuple(replace_ids(acts, self.names))), blank_before=True)
        found: list[Call] = replace_ids(acts, self.ids)
        return found

    def _write_without_variable(self, exchange: ParsedExchange, answer: ParsedExchange, request: SdkRequest) -> None:
        """Write a deletion or the download of a file."""
        call = request.call(self.names)
        if exchange.method == "DELETE":
            self.source.add(call, before="assert ", after=".deleted")
        elif exchange.recorded.response_body == answer.recorded.response_body:
            self.source.expect(Code(to_source(call) + ".read()"), exchange.recorded.response_body)
        else:
            self.source.add(call)
            self.source.comment("Recorded: the content differs from that of the fake.")

    def _variable(self, name: str, recorded: Json) -> str:
        """The variable of an object, or a new one."""
        known = str(self.names.get(str(recorded.get("id")), "")).removesuffix(".id")
        return known if known.isidentifier() else self.source.new_variable(name)

    def bind(self, recorded: Any, shown: Any, name: str) -> None:
        """Remember which expressions over a variable stand for the ids of a recorded answer."""
        for object_id, answer, expression in counterparts(recorded, shown, name):
            self.ids.setdefault(object_id, answer)
            if answer != object_id:
                self.names.setdefault(object_id, Code(expression))

    def _write_assertions(self, recorded: list[Assertion], shown: list[Assertion]) -> None:
        """Assert what was recorded and the fake shows too; what it shows differently becomes a comment."""
        for left, value in recorded:
            if (left, replace_ids(value, self.ids)) in shown:
                self.source.expect(left, replace_ids(value, self.names))
            else:
                text = to_source(replace_ids(value, self.names))
                text = text if len(text) < MAX_TEXT else text[:MAX_TEXT] + "…"
                self.source.comment(f"Recorded, but different with the fake: {left} == {text}")

    # --- streams ------------------------------------------------------------------------------------------

    def _write_stream(self, exchange: ParsedExchange, request: SdkRequest) -> None:
        answer = self._send(exchange, request)
        events = self.source.new_variable("events")
        self.source.add(Call("list", (request.call(self.names, stream=True),)), target=events)
        for kind, name in (("thread.run", "run"), ("thread.message", "messages"), ("thread.run.step", "steps")):
            recorded, shown = _last_objects(exchange, kind), _last_objects(answer, kind)
            value = Call("shown", (Code(events), kind))
            if kind == "thread.run" and recorded and shown:
                target = self._variable(name, recorded[-1])
                self.source.add(value, after="[-1]", target=target)
                self.bind(recorded[-1], shown[-1], target)
                self._settled.add(recorded[-1]["id"])
                self._write_assertions(assertions_of(target, recorded[-1]), assertions_of(target, shown[-1]))
            elif recorded:
                target = self.source.new_variable(name)
                self.source.add(value, target=target, only_if_read=True)
                self.bind(recorded, shown, target)
                if kind == "thread.message":
                    self._write_assertions(said(target, recorded), said(target, shown))

    # --- waiting ------------------------------------------------------------------------------------------

    def _awaited_end(self, exchange: ParsedExchange) -> Json | None:
        """The run at the end of the polls that follow, or its end if nothing else follows; None if neither is known."""
        run, later = exchange.response_json, self._after(exchange)
        path = f"/threads/{run['thread_id']}/runs/{run['id']}"
        polls: list[ParsedExchange] = []
        for item in later:
            if (item.method, item.path) != ("GET", path) or not item.ok:
                break
            polls.append(item)
        if polls and _status(polls[-1]) in POLLING_ENDS:
            self._written_exchanges.update(polls)
            last: Json = polls[-1].response_json
            return last
        is_used_later = any(item.path.startswith(path) and item.path != path + "/steps" for item in later)
        final: Json = self.session.story(run["id"]).run
        return final if not is_used_later and final.get("status") in POLLING_ENDS else None

    def wait(self, run: Json, until: frozenset[str] = POLLING_ENDS) -> Json:
        poll = http_request("GET", f"/threads/{run['thread_id']}/runs/{run['id']}")
        shown: Json = self.dry_run.wait(poll, until).response_json
        return shown

    def _write_poll_loop(self, target: str, thread_id: str) -> None:
        """Write a loop that polls a run while it is queued."""
        thread = self.names.get(thread_id, thread_id)
        poll = Call("client.beta.threads.runs.retrieve", (Code(f"{target}.id"),), {"thread_id": thread})
        self.source.add(poll, before=f"{target} = ", around=Code(f'while {target}.status == "queued"'))


def _status(poll: ParsedExchange) -> object:
    """The status in the answer to a poll; None where that was not kept."""
    return poll.response_json.get("status") if isinstance(poll.response_json, dict) else None


def _submissions(session: Session) -> list[ParsedExchange]:
    return [exchange for exchange in session.exchanges if exchange.path.endswith("/submit_tool_outputs")]


def _call_ids_of(exchange: ParsedExchange) -> list[str]:
    """The ids of the tool calls for which a request submits outputs."""
    found = exchange.normalized_request.get("tool_outputs", []) if isinstance(exchange.normalized_request, dict) else []
    return [output["tool_call_id"] for output in found if isinstance(output, dict) and "tool_call_id" in output]


def _last_objects(exchange: ParsedExchange, kind: str) -> list[Json]:
    """The objects of a kind in a stream, each as it was shown last."""
    return list({data["id"]: data for _, data in exchange.events if data.get("object") == kind}.values())
