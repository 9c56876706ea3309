"""What always holds, whatever clients do: each invariant is a method, and one request is judged as it comes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from harness.failures import HarnessFailure
from harness.service.lifecycle import MESSAGE, NEW, RUN, STEP, reachable, terminal
from harness.service.paths import below_root
from harness.service.shapes import SHAPES, shapes_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.fake import FakeAssistants
    from harness.service.exchange import Exchange
    from harness.service.lifecycle import Moment, Row

Json = dict[str, Any]

ENDED = terminal(RUN)
RESTS = ENDED | {"requires_action"}
ERROR_KEYS = (["message", "type", "param", "code"], ["code", "message"])  # OpenAI's, and Azure's gateway's
STAMPS = ("created_at", "started_at", "completed_at", "failed_at", "cancelled_at", "incomplete_at")
FRAME = re.compile(rb"event: ([a-z_.]+)\r?\ndata: ([^\r\n]*)\r?\n\r?\n")
LISTED = "list"


# Each status of a run or a step with those that it may have later.
LATER = {
    kind: {row.to: reachable(table, row.to) | {row.to} for row in table}
    for kind, table in (("thread.run", RUN), ("thread.run.step", STEP))
}


class Witness:
    """Follows what a fake answers, and complains about what no service may do.

    Attributes:
        fake: whose records are looked at, too.
    """

    def __init__(self, fake: FakeAssistants) -> None:
        self.fake = fake
        self.shapes = shapes_of(fake.options.as_of)
        self._now = 0.0
        self._known: dict[str, Json] = {}  # the newest of each object that was shown
        self._threads: dict[str, str] = {}  # whose thread an object belongs to
        self._gone: set[str] = set()
        self._changed: set[str] = set()  # objects whose metadata a client has changed since they were shown
        self._pages: dict[tuple[str, str], list[str]] = {}
        self._wholes: dict[tuple[str, str], list[str]] = {}
        self._walked: dict[str, int] = {}

    def fail(self, says: str, *facts: object) -> HarnessFailure:
        last = self.fake.requests[-1] if self.fake.requests else None
        shown = "" if last is None else f"The last request: {last.method} {last.request.url} → {last.status}\n"
        return HarnessFailure(
            f"This must never happen: {says}.",
            there_was=shown + "\n".join(map(str, facts)),
            do="The script below does it again; if your code has no part in it, report it to pytest-assistants.",
        )

    @property
    def misled(self) -> bool:
        """Whether somebody wants wrong answers: then only the records are looked at."""
        return bool(self.fake.faults.planned)

    # --- one answer -----------------------------------------------------------------------------------------

    def answered(self, exchange: Exchange) -> None:
        """A request was answered.

        Raises:
            HarnessFailure: an invariant does not hold.
        """
        self.time_goes_forward(exchange.at)
        if self.misled:
            return
        path = below_root(exchange.path, self.fake.service.roots)
        self.no_error_of_its_own(exchange)
        answer = exchange.answer
        if exchange.status >= 400:
            self.refusals_are_envelopes(answer)
            self.what_is_there_is_found(exchange, path)
        elif isinstance(answer, dict):
            self._shown(exchange, path, answer)
        if exchange.method != "GET" or not isinstance(answer, dict) or answer.get("object") != LISTED:
            self._pages.clear()
            self._wholes.clear()

    def moved(self) -> None:
        """Something happened: the records must be in order."""
        for thread in self.fake.threads:
            self.one_active_run_a_thread(thread)
            for run in thread.runs:
                self.a_walk_of_the_table(run, RUN)
                for step in run.steps:
                    self.a_walk_of_the_table(step, STEP)
            for message in thread.messages:
                self.a_walk_of_the_table(message, MESSAGE)

    def _shown(self, exchange: Exchange, path: str, answer: Json) -> None:
        for shown in objects(answer):
            self.shapes_are_known(exchange, shown, path)
            self.stamps_are_no_prophecy(shown, int(exchange.at))
            self.one_thread_each(shown, path)
            if exchange.method == "POST" and path.endswith(shown.get("id", "/")):
                self._changed.add(shown["id"])
            if not shown["object"].endswith(".deleted"):
                self.statuses_follow_the_table(shown)
                self.what_has_ended_stays(shown)
                if "id" in shown:  # the results of a search have none
                    self._known[shown["id"]] = shown
        if exchange.method == "DELETE" and answer.get("deleted"):
            self._gone.add(answer["id"])
        elif exchange.method == "GET":
            self.what_is_gone_is_gone(path)
        if answer.get("object") == LISTED:
            self.pages_make_the_whole(exchange, path, answer)
            self.usage_adds_up(path, answer)

    # --- the invariants: answers ------------------------------------------------------------------------------

    def time_goes_forward(self, at: float) -> None:
        if at < self._now:
            raise self.fail("virtual time went back", f"from {self._now} to {at}")
        self._now = at

    def no_error_of_its_own(self, exchange: Exchange) -> None:
        """Errors of the moment come only where somebody plans them."""
        if exchange.status >= 500:
            raise self.fail("the service broke", exchange.response.body)

    def refusals_are_envelopes(self, answer: Any) -> None:
        """CONTRACT §7."""
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict) or list(error) not in ERROR_KEYS:
            raise self.fail("a refusal has another shape than that of the service", answer)

    def shapes_are_known(self, exchange: Exchange, shown: Json, path: str) -> None:
        """The keys of each object are those of `shapes.py`, in their order."""
        name = _shape(exchange, shown, path)
        api: Any = "v1" if exchange.request.headers.get("openai-beta") == "assistants=v1" else "v2"
        if any(api in versions for _, versions, _ in SHAPES.get(name, ())):
            wanted = self.shapes.keys(name, api)
            if tuple(key for key in shown if key in wanted or key != "required_action") != wanted:
                raise self.fail(f"{name} of {api} has other keys", f"keys: {list(shown)}", f"known: {list(wanted)}")

    def stamps_are_no_prophecy(self, shown: Json, now: int) -> None:
        """What has happened was not later than now, and never before the object was made."""
        made = shown.get("created_at")
        for name in STAMPS:
            at = shown.get(name)
            if at is not None and (at > now or (isinstance(made, int) and at < made)):
                raise self.fail(f"{name} is {at}, now is {now}, and the object is of {made}", shown)

    def one_thread_each(self, shown: Json, path: str) -> None:
        """Nothing of one thread can be read through another (CONTRACT §7.1)."""
        owner = shown.get("thread_id")
        if owner is None:
            return
        asked = path.split("/")[2] if path.startswith("/threads/") else owner
        known = self._threads.setdefault(shown["id"], owner)
        if asked not in (owner, "runs") or known != owner:
            raise self.fail(f"{shown['id']} of {known} was read as one of {asked}", shown)

    def statuses_follow_the_table(self, shown: Json) -> None:
        """Whatever a client sees after a status is one that rows of the table lead to."""
        before = self._known.get(shown.get("id", ""))
        later = LATER.get(shown["object"])
        if later is None or before is None:
            return
        if shown["status"] not in later[before["status"]]:
            raise self.fail(f"{shown['id']} went from {before['status']} to {shown['status']}", before, shown)

    def what_has_ended_stays(self, shown: Json) -> None:
        """A run that has ended never changes, but for its metadata, which a client may change; nor do its steps."""
        before = self._known.get(shown.get("id", ""))
        if shown["object"] not in LATER or before is None or before["status"] not in ENDED:
            return
        ended = shown["object"] == "thread.run" or _ended(self._known.get(shown["run_id"]))
        left_out = {"metadata"} if shown["id"] in self._changed else set()
        left_out |= set() if ended else {"expires_at"}
        left_out |= {"expires_at"} if before.get("expires_at") != shown.get("expires_at") is None else set()
        differing = [key for key in shown if key not in left_out and before.get(key) != shown[key]]
        if differing:
            raise self.fail(f"{shown['id']} had ended, and has other {' and '.join(differing)} now", before, shown)
        self._changed.discard(shown["id"])

    def usage_adds_up(self, path: str, answer: Json) -> None:
        """The usage of a run that has ended is that of its steps, and a total is the sum of its parts."""
        for shown in answer["data"]:
            spent = shown.get("usage")
            if spent and spent["total_tokens"] != spent["prompt_tokens"] + spent["completion_tokens"]:
                raise self.fail(f"the usage of {shown['id']} does not add up", spent)
        run = self._known.get(path.split("/")[4]) if path.endswith("/steps") else None
        if run is None or run["status"] not in ENDED or answer["has_more"] or "cursor" in answer:
            return
        steps = [step["usage"] for step in answer["data"]]
        for key in ("prompt_tokens", "completion_tokens", "total_tokens"):
            if sum(spent[key] for spent in steps) != run["usage"][key]:
                raise self.fail(f"{key} of {run['id']} is not the sum over its steps", run["usage"], *steps)

    def what_is_gone_is_gone(self, path: str) -> None:
        for part in path.split("/"):
            if part in self._gone:
                raise self.fail(f"{part} was deleted, and is found again")

    def what_is_there_is_found(self, exchange: Exchange, path: str) -> None:
        """A 404 is for what does not exist, or lies in another thread."""
        parts = [part for part in path.split("/") if part in self._known or part in self._gone]
        if exchange.status != 404 or not parts or exchange.method != "GET":
            return
        there = all(part not in self._gone for part in parts)
        threads = {
            self._threads.get(part, part) for part in parts if self._threads.get(part, part).startswith("thread")
        }
        known = len(parts) * 2 >= len([part for part in path.split("/") if part])
        if there and known and len(threads) < 2 and not threads & self._gone:
            raise self.fail("what exists was not found", *parts)

    def pages_make_the_whole(self, exchange: Exchange, path: str, answer: Json) -> None:
        """Pages one after the other hold what one page holds, in its order (CONTRACT §6)."""
        query = {name: values[-1] for name, values in exchange.request.query.items()}
        ids = [item["id"] for item in answer["data"]]
        if [answer.get("first_id"), answer.get("last_id")] not in ([None, None], [*ids[:1], *ids[-1:]]):
            raise self.fail("a list names another first or last object than it holds", answer)
        others = {name: value for name, value in query.items() if name not in ("limit", "after")}
        key = (path, str(sorted(others.items())))
        if "before" in query:
            return
        before = self._pages.get(key, []) if "after" in query else []
        if "after" in query and before[-1:] != [query["after"]]:
            return
        self._pages[key] = [*before, *ids]
        if not answer["has_more"]:
            whole = self._wholes.setdefault(key, self._pages[key])
            if whole != self._pages[key]:
                raise self.fail("pages do not make the whole list", whole, self._pages[key])

    # --- the invariants: streams ----------------------------------------------------------------------------

    def streamed(self, text: bytes, *, whole: bool) -> None:
        """A client has read a stream, to its end or not: it was told of one rest at most, and nothing after it.

        Raises:
            HarnessFailure: it was told otherwise.
        """
        if self.misled:
            return
        told = [from_json(data) for name, data in FRAME.findall(text) if name.startswith(b"thread.run.") and data]
        rests = [run["status"] for run in told if run["object"] == "thread.run" and run["status"] in RESTS]
        if len(rests) > 1 or (whole and len(rests) != 1):
            raise self.fail(f"a stream told of {len(rests)} ends of its run", *rests)
        if whole and not text.endswith(b"event: done\ndata: [DONE]\n\n"):
            raise self.fail("a stream ended without its last event", text[-200:])

    # --- the invariants: records ------------------------------------------------------------------------------

    def one_active_run_a_thread(self, thread: Any) -> None:
        """CONTRACT §4."""
        active = [run.id for run in thread.runs if run.active]
        if len(active) > 1:
            raise self.fail(f"{thread.id} has {len(active)} active runs", *active)

    def a_walk_of_the_table(self, record: Any, table: tuple[Row, ...]) -> None:
        """Every move of a record is a row of its table, none is earlier than the one before, and one ends it."""
        done = self._walked.get(record.id, 0)
        moments: list[Moment] = record.timeline
        status, at = (NEW, 0.0) if not done else (moments[done - 1].status, moments[done - 1].at)
        for moment in moments[done:]:
            rows = [row for row in table if (row.source, row.by, row.because, row.to) == (status, *moment[1:])]
            if not rows or moment.at < at:
                raise self.fail(f"{record.id} moved as no row of the table does", *moments)
            status, at = moment.status, moment.at
        if record.status != status:
            raise self.fail(f"{record.id} is {record.status}, and its timeline ends with {status}", *moments)
        self._walked[record.id] = len(moments)


def objects(value: Any) -> Iterator[Json]:
    """The objects of an answer that say what they are: itself, or what it lists."""
    if value.get("object") == LISTED:
        yield from value["data"]
    elif isinstance(value.get("object"), str):
        yield value


def _ended(run: Json | None) -> bool:
    return run is not None and run["status"] in ENDED


def _shape(exchange: Exchange, shown: Json, path: str) -> str:
    """The name of an object's shape (`shapes.py`)."""
    name: str = shown["object"]
    if name == "thread.message" and exchange.method == "POST" and path.endswith(shown["id"]):
        return "thread.message modified"
    if name == "vector_store.file" and "/file_batches/" in path:
        return "vector_store.file of a batch"
    return "file deleted" if name == "file" and "deleted" in shown else name
