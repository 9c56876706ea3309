"""A session on its way to a page: each recorded exchange is tried out, and then written down."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from harness.recording.retelling.earlier import Earlier
from harness.recording.retelling.endpoints import METHODS, Asked, LeftOut, renamed, sent
from harness.recording.retelling.facts import facts, said
from harness.recording.retelling.page import Page
from harness.recording.retelling.refusals import ERRORS, matching, message_of
from harness.recording.retelling.rehearsal import RESTING, Rehearsal, counterparts
from harness.recording.session import ID
from harness.source.acts import to_calls
from harness.source.values import Call, Code, to_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.recording.retelling.facts import Fact
    from harness.recording.session import Json, ParsedExchange, Session

LOOK = "GET /threads/{thread_id}/runs/{run_id}"
RUNS = ("POST /threads/runs", "POST /threads/{thread_id}/runs")
SUBMIT = "POST /threads/{thread_id}/runs/{run_id}/submit_tool_outputs"
LONGEST = 200


class Retelling:
    """One session, told on one page.

    Attributes:
        names: the expression that stands for a recorded id.
        ids: the id that the rehearsal gave in place of a recorded one.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.page = Page()
        self.rehearsal = Rehearsal()
        self.names: dict[str, Code] = {}
        self.ids: dict[str, str] = {}
        self._rested: set[str] = set()
        self._done: set[ParsedExchange] = set()
        self._submitted = {text for seen in _submissions(session) for text in _texts_of(seen)}
        self._earlier = Earlier(self)
        for seen in session.exchanges:
            self.attempt(partial(self._find, seen))  # what is looked for in vain is missed where it is used
        if any(story.pieces for story in session.stories.values()):
            self.page.comment("Left out: where the streams cut their texts; the fake cuts them like tokens.")
        for seen in session.exchanges:
            if seen not in self._done:
                reason = self.attempt(partial(self._step, seen))
                if reason is not None:
                    self.page.comment(f"Left out: {seen.method} {seen.path} ({seen.status}): {reason}")
        self.page.finish()

    # --- one exchange -------------------------------------------------------------------------------------

    def attempt(self, act: Callable[[], None]) -> LeftOut | None:
        """Write something down, or nothing of it, and then why not."""
        length, before = len(self.page.lines), self.rehearsal.service.snapshot()
        known = dict(self.names), dict(self.ids), set(self._done), set(self._rested)
        try:
            act()
        except LeftOut as reason:
            del self.page.lines[length:]
            self.rehearsal.service.restore(before)
            self.names, self.ids, self._done, self._rested = known
            return reason
        return None

    def _find(self, seen: ParsedExchange) -> None:
        """What a request names, and the session did not make, was there before."""
        asked = Asked.of(seen)
        for object_id in asked.ids:
            if (
                ID.fullmatch(object_id)
                and object_id not in self.session.created_by
                and not self._unknown(object_id, seen)
            ):
                self._earlier.need(object_id)

    def _unknown(self, object_id: str, seen: ParsedExchange) -> bool:
        """Whether the service may never have had it."""
        return (
            seen.status == 404
            and object_id not in self.session.first_shown
            and object_id not in self.session.created_by
        )

    def _step(self, seen: ParsedExchange) -> None:
        asked = Asked.of(seen)
        if seen.validation_errors:
            raise LeftOut(f"{seen.validation_errors[0]} is not what the service sends")
        if self._is_passed_over(seen, asked):
            return
        for object_id in asked.ids:
            if ID.fullmatch(object_id) and not self._unknown(object_id, seen):
                self._earlier.need(object_id)
        if not seen.ok:
            self._refused(seen, asked)
        elif seen.events:
            self._streamed(seen, asked)
        else:
            self._answered(seen, asked)
        for note in asked.notes:
            self.page.comment(f"Left out of this request: {note}")

    def _is_passed_over(self, seen: ParsedExchange, asked: Asked) -> bool:
        """A look at a run on its way tells nothing, if it is looked at again."""
        later = self._after(seen)
        again = any(item.ok and (item.method, item.path) == (seen.method, seen.path) for item in later)
        return asked.key == LOOK and seen.ok and again and _status(seen) not in RESTING

    def _after(self, seen: ParsedExchange) -> list[ParsedExchange]:
        exchanges = self.session.exchanges
        return exchanges[exchanges.index(seen) + 1 :]

    # --- refusals -----------------------------------------------------------------------------------------

    def _refused(self, seen: ParsedExchange, asked: Asked) -> None:
        """A refusal, if the fake refuses it too."""
        text = message_of(seen)
        if seen.status not in ERRORS:
            raise LeftOut(f"an error of the moment, {text!r}")
        before = self.rehearsal.service.snapshot()
        answer = self.rehearsal.send(asked.request(self.ids), [] if asked.key in RUNS else None)
        self.rehearsal.service.restore(before)
        if answer.status != seen.status:
            raise LeftOut(f"it was refused with {text!r}, and the fake answers {answer.status}")
        pattern = matching(text, message_of(answer))
        if pattern is None:
            self.page.comment(f"Recorded: {text}")
        keywords = {} if pattern is None else {"match": pattern}
        refusal = Call("pytest.raises", (Code(f"openai.{ERRORS[seen.status]}"),), keywords)
        self.page.add(asked.call(self.names), around=refusal)

    # --- answers ------------------------------------------------------------------------------------------

    def _answered(self, seen: ParsedExchange, asked: Asked) -> None:
        function, variable = METHODS[asked.key]
        now = self._sent(seen, asked)
        if not variable:
            return self._said_once(seen, now, asked)
        if not isinstance(seen.response_json, dict) or "object" not in seen.response_json:
            raise LeftOut("its answer was not kept")
        recorded, shown, waited = seen.response_json, now.response_json, False
        if recorded["object"] != shown["object"]:  # a batch as its store, since 2025 (openai-python#2724)
            self.page.add(asked.call(self.names))
            return self.page.comment(f"Recorded: the answer is a {recorded['object']}.")
        if asked.key in (*RUNS, SUBMIT) and (end := self._waited_for(seen)) is not None:
            recorded, shown, waited = end, self.wait(now.response_json), True
            function += "_poll" if asked.key == RUNS[0] else "_and_poll"
        elif asked.key == LOOK and recorded["status"] in RESTING and recorded["id"] not in self._rested:
            shown, function = self.wait(now.response_json), function.replace("retrieve", "poll")
        elif asked.key == LOOK and recorded["status"] == "in_progress":
            shown = self.wait(now.response_json, RESTING | {"in_progress"})
        if asked.key == LOOK or waited:
            self._rested |= {recorded["id"]} if recorded["status"] in RESTING else set()
        target = self._variable(variable, recorded)
        self.page.add(asked.call(self.names, function=function), target=target)
        if shown is not now.response_json and not waited and function.endswith("retrieve"):
            self._written_look(target, recorded["thread_id"])
        self.bind(recorded, shown, target)
        if waited or seen.method == "GET" or asked.key.rpartition("/")[2].startswith("{"):
            self._expect(facts(target, recorded), facts(target, shown))
        return None

    def _sent(self, seen: ParsedExchange, asked: Asked) -> ParsedExchange:
        """The answer to a request that makes something; the script of a run stands in front of it."""
        made = next((item for item in seen.created if item["object"] == "thread.run"), None)
        script = None if made is None else self.script(made["id"])
        self._rested -= {asked.path_ids.get("run_id", "")} if asked.key == SUBMIT else set()
        return self._accepted(asked, script, stream=bool(seen.events))

    def _accepted(self, asked: Asked, script: list[Call] | None, *, stream: bool = False) -> ParsedExchange:
        now = self.rehearsal.send(asked.request(self.ids, stream=stream), script)
        if not now.ok:
            raise LeftOut(f"the fake refuses it: {message_of(now)}")
        return now

    def made(self, asked: Asked, script: list[Call] | None) -> Json:
        """What the rehearsal makes of a request."""
        shown: Json = self._accepted(asked, script).response_json
        return shown

    def script(self, run_id: str, *, without_calls: bool = False) -> list[Call]:
        """Write down what the model does in a run; with the ids of the rehearsal, for it."""
        acts = to_calls(self.session.story(run_id).acts, self._submitted)
        acts = [act for act in acts if not without_calls or act.function not in ("call", "calls")]
        self.page.add(Call("assistants.next_run", tuple(renamed(acts, self.names))), gap=True)
        found: list[Call] = renamed(acts, self.ids)
        return found

    def _said_once(self, seen: ParsedExchange, now: ParsedExchange, asked: Asked) -> None:
        """What needs no variable: deletions, and the content of files."""
        call = asked.call(self.names)
        if seen.method == "DELETE":
            self.page.add(call, before="assert ", after=".deleted")
        elif seen.recorded.response_body == now.recorded.response_body:
            self.page.expect(Code(to_source(call) + ".read()"), seen.recorded.response_body)
        else:
            self.page.add(call)
            self.page.comment("Recorded: another content than the fake has.")

    def _variable(self, name: str, recorded: Json) -> str:
        """The variable that an object has already, or a new one."""
        known = str(self.names.get(str(recorded.get("id")), "")).removesuffix(".id")
        return known if known.isidentifier() else self.page.fresh(name)

    def bind(self, recorded: Any, shown: Any, name: str) -> None:
        """From now on the ids of an answer have names."""
        for object_id, now, expression in counterparts(recorded, shown, name):
            self.ids.setdefault(object_id, now)
            if now != object_id:
                self.names.setdefault(object_id, Code(expression))

    def _expect(self, recorded: list[Fact], shown: list[Fact]) -> None:
        """Assert what was recorded and the fake shows too; the rest of what was recorded is a comment."""
        for left, value in recorded:
            if (left, renamed(value, self.ids)) in shown:
                self.page.expect(left, renamed(value, self.names))
            else:
                text = to_source(renamed(value, self.names))
                text = text if len(text) < LONGEST else text[:LONGEST] + "…"
                self.page.comment(f"Recorded, and not so with the fake: {left} == {text}")

    # --- streams ------------------------------------------------------------------------------------------

    def _streamed(self, seen: ParsedExchange, asked: Asked) -> None:
        now = self._sent(seen, asked)
        events = self.page.fresh("events")
        self.page.add(Call("list", (asked.call(self.names, stream=True),)), target=events)
        for kind, name in (("thread.run", "run"), ("thread.message", "messages"), ("thread.run.step", "steps")):
            recorded, shown = _last(seen, kind), _last(now, kind)
            value = Call("shown", (Code(events), kind))
            if kind == "thread.run" and recorded and shown:
                target = self._variable(name, recorded[-1])
                self.page.add(value, after="[-1]", target=target)
                self.bind(recorded[-1], shown[-1], target)
                self._rested.add(recorded[-1]["id"])
                self._expect(facts(target, recorded[-1]), facts(target, shown[-1]))
            elif recorded:
                target = self.page.fresh(name)
                self.page.add(value, target=target, idle=True)
                self.bind(recorded, shown, target)
                if kind == "thread.message":
                    self._expect(said(target, recorded), said(target, shown))

    # --- waiting ------------------------------------------------------------------------------------------

    def _waited_for(self, seen: ParsedExchange) -> Json | None:
        """How a run ended that the client waited for right after this; or that it never looked at, and yet ended."""
        run, later = seen.response_json, self._after(seen)
        path = f"/threads/{run['thread_id']}/runs/{run['id']}"
        looks: list[ParsedExchange] = []
        for item in later:
            if (item.method, item.path) != ("GET", path) or not item.ok:
                break
            looks.append(item)
        if looks and _status(looks[-1]) in RESTING:
            self._done.update(looks)
            last: Json = looks[-1].response_json
            return last
        touched = any(item.path.startswith(path) and item.path != path + "/steps" for item in later)
        ended: Json = self.session.story(run["id"]).run
        return ended if not touched and ended.get("status") in RESTING else None

    def wait(self, run: Json, until: frozenset[str] = RESTING) -> Json:
        look = sent("GET", f"/threads/{run['thread_id']}/runs/{run['id']}")
        shown: Json = self.rehearsal.wait(look, until).response_json
        return shown

    def _written_look(self, target: str, thread_id: str) -> None:
        """Looks until the run has begun."""
        thread = self.names.get(thread_id, thread_id)
        look = Call("client.beta.threads.runs.retrieve", (Code(f"{target}.id"),), {"thread_id": thread})
        self.page.add(look, before=f"{target} = ", around=Code(f'while {target}.status == "queued"'))


def _status(look: ParsedExchange) -> object:
    """None where the answer was not kept."""
    return look.response_json.get("status") if isinstance(look.response_json, dict) else None


def _submissions(session: Session) -> list[ParsedExchange]:
    return [seen for seen in session.exchanges if seen.path.endswith("/submit_tool_outputs")]


def _texts_of(seen: ParsedExchange) -> list[str]:
    """The tool calls that a request names."""
    found = seen.normalized_request.get("tool_outputs", []) if isinstance(seen.normalized_request, dict) else []
    return [output["tool_call_id"] for output in found if isinstance(output, dict) and "tool_call_id" in output]


def _last(seen: ParsedExchange, kind: str) -> list[Json]:
    """The objects of a kind that a stream showed, each as it was last."""
    return list({data["id"]: data for _, data in seen.events if data.get("object") == kind}.values())
