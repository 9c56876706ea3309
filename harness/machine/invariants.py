"""Invariants of the service, which hold whatever clients do: each is a method, checked after every request."""

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
RESTING = ENDED | {"requires_action"}
ERROR_KEYS = (["message", "type", "param", "code"], ["code", "message"])  # OpenAI's, and Azure's gateway's
TIMESTAMPS = ("created_at", "started_at", "completed_at", "failed_at", "cancelled_at", "incomplete_at")
FRAME = re.compile(rb"event: ([a-z_.]+)\r?\ndata: ([^\r\n]*)\r?\n\r?\n")
LIST = "list"


# For runs and steps: each status, with all that may follow it.
LATER_STATUSES = {
    kind: {row.to: reachable(table, row.to) | {row.to} for row in table}
    for kind, table in (("thread.run", RUN), ("thread.run.step", STEP))
}


class InvariantChecker:
    """Checks the answers and the records of a fake against the invariants."""

    def __init__(self, fake: FakeAssistants) -> None:
        self.fake = fake
        self.shapes = shapes_of(fake.options.as_of)
        self._now = 0.0
        self._last_shown: dict[str, Json] = {}  # the newest version of each object in an answer
        self._threads: dict[str, str] = {}  # the thread of each object
        self._deleted: set[str] = set()
        self._modified: set[str] = set()  # objects that a client has modified since they were last shown
        self._pages: dict[tuple[str, str], list[str]] = {}
        self._full_lists: dict[tuple[str, str], list[str]] = {}
        self._checked_moments: dict[str, int] = {}

    def violation(self, says: str, *facts: object) -> HarnessFailure:
        """The failure that reports a broken invariant."""
        last = self.fake.requests[-1] if self.fake.requests else None
        shown = "" if last is None else f"The last request: {last.method} {last.request.url} → {last.status}\n"
        return HarnessFailure(
            f"This must never happen: {says}.",
            there_was=shown + "\n".join(map(str, facts)),
            do="The script below does it again; if your code has no part in it, report it to pytest-assistants.",
        )

    @property
    def has_faults(self) -> bool:
        """Whether faults are planned: then only the records are checked."""
        return bool(self.fake.faults.planned)

    # --- one answer -----------------------------------------------------------------------------------------

    def check_exchange(self, exchange: Exchange) -> None:
        """Check a request's answer.

        Raises:
            HarnessFailure: an invariant does not hold.
        """
        self.time_goes_forward(exchange.at)
        if self.has_faults:
            return
        path = below_root(exchange.path, self.fake.service.roots)
        self.no_server_errors(exchange)
        answer = exchange.answer
        if exchange.status >= 400:
            self.refusals_have_the_known_shape(answer)
            self.existing_objects_are_found(exchange, path)
        elif isinstance(answer, dict):
            self._check_objects(exchange, path, answer)
        if exchange.method != "GET" or not isinstance(answer, dict) or answer.get("object") != LIST:
            self._pages.clear()
            self._full_lists.clear()

    def check_records(self) -> None:
        """Check all records.

        Raises:
            HarnessFailure: an invariant does not hold.
        """
        for thread in self.fake.threads:
            self.one_active_run_a_thread(thread)
            for run in thread.runs:
                self.transitions_follow_the_table(run, RUN)
                for step in run.steps:
                    self.transitions_follow_the_table(step, STEP)
            for message in thread.messages:
                self.transitions_follow_the_table(message, MESSAGE)

    def _check_objects(self, exchange: Exchange, path: str, answer: Json) -> None:
        for shown in objects(answer):
            self.shapes_are_known(exchange, shown, path)
            self.timestamps_are_possible(shown, int(exchange.at))
            self.one_thread_each(shown, path)
            if exchange.method == "POST" and path.endswith(shown.get("id", "/")):
                self._modified.add(shown["id"])
            if not shown["object"].endswith(".deleted"):
                self.statuses_follow_the_table(shown)
                self.ended_objects_do_not_change(shown)
                if "id" in shown:  # the results of a search have none
                    self._last_shown[shown["id"]] = shown
        if exchange.method == "DELETE" and answer.get("deleted"):
            self._deleted.add(answer["id"])
        elif exchange.method == "GET":
            self.deleted_objects_stay_deleted(path)
        if answer.get("object") == LIST:
            self.pages_make_the_full_list(exchange, path, answer)
            self.usage_adds_up(path, answer)

    # --- the invariants: answers ------------------------------------------------------------------------------

    def time_goes_forward(self, at: float) -> None:
        if at < self._now:
            raise self.violation("virtual time went back", f"from {self._now} to {at}")
        self._now = at

    def no_server_errors(self, exchange: Exchange) -> None:
        """Server errors occur only as planned faults."""
        if exchange.status >= 500:
            raise self.violation("the service broke", exchange.response.body)

    def refusals_have_the_known_shape(self, answer: Any) -> None:
        """CONTRACT §7."""
        error = answer.get("error") if isinstance(answer, dict) else None
        if not isinstance(error, dict) or list(error) not in ERROR_KEYS:
            raise self.violation("a refusal has another shape than that of the service", answer)

    def shapes_are_known(self, exchange: Exchange, shown: Json, path: str) -> None:
        """The keys of each object are those of `shapes.py`, in their order."""
        name = _shape(exchange, shown, path)
        api: Any = "v1" if exchange.request.headers.get("openai-beta") == "assistants=v1" else "v2"
        if any(api in versions for _, versions, _ in SHAPES.get(name, ())):
            wanted = self.shapes.keys(name, api)
            if tuple(key for key in shown if key in wanted or key != "required_action") != wanted:
                raise self.violation(
                    f"{name} of {api} has other keys", f"keys: {list(shown)}", f"known: {list(wanted)}"
                )

    def timestamps_are_possible(self, shown: Json, now: int) -> None:
        """No timestamp is later than now, or earlier than the creation of its object."""
        made = shown.get("created_at")
        for name in TIMESTAMPS:
            at = shown.get(name)
            if at is not None and (at > now or (isinstance(made, int) and at < made)):
                raise self.violation(f"{name} is {at}, now is {now}, and the object is of {made}", shown)

    def one_thread_each(self, shown: Json, path: str) -> None:
        """Nothing of one thread can be read through another (CONTRACT §7.1)."""
        owner = shown.get("thread_id")
        if owner is None:
            return
        asked = path.split("/")[2] if path.startswith("/threads/") else owner
        known = self._threads.setdefault(shown["id"], owner)
        if asked not in (owner, "runs") or known != owner:
            raise self.violation(f"{shown['id']} of {known} was read as one of {asked}", shown)

    def statuses_follow_the_table(self, shown: Json) -> None:
        """The statuses that a client sees of an object follow each other as the table's rows do."""
        before = self._last_shown.get(shown.get("id", ""))
        later = LATER_STATUSES.get(shown["object"])
        if later is None or before is None:
            return
        if shown["status"] not in later[before["status"]]:
            raise self.violation(f"{shown['id']} went from {before['status']} to {shown['status']}", before, shown)

    def ended_objects_do_not_change(self, shown: Json) -> None:
        """A run that has ended and its steps do not change, except for metadata that a client modifies."""
        before = self._last_shown.get(shown.get("id", ""))
        if shown["object"] not in LATER_STATUSES or before is None or before["status"] not in ENDED:
            return
        ended = shown["object"] == "thread.run" or _ended(self._last_shown.get(shown["run_id"]))
        left_out = {"metadata"} if shown["id"] in self._modified else set()
        left_out |= set() if ended else {"expires_at"}
        left_out |= {"expires_at"} if before.get("expires_at") != shown.get("expires_at") is None else set()
        differing = [key for key in shown if key not in left_out and before.get(key) != shown[key]]
        if differing:
            raise self.violation(f"{shown['id']} had ended, and has other {' and '.join(differing)} now", before, shown)
        self._modified.discard(shown["id"])

    def usage_adds_up(self, path: str, answer: Json) -> None:
        """The usage of a run that has ended is that of its steps, and a total is the sum of its parts."""
        for shown in answer["data"]:
            usage = shown.get("usage")
            if usage and usage["total_tokens"] != usage["prompt_tokens"] + usage["completion_tokens"]:
                raise self.violation(f"the usage of {shown['id']} does not add up", usage)
        run = self._last_shown.get(path.split("/")[4]) if path.endswith("/steps") else None
        if run is None or run["status"] not in ENDED or answer["has_more"] or "cursor" in answer:
            return
        steps = [step["usage"] for step in answer["data"]]
        for key in ("prompt_tokens", "completion_tokens", "total_tokens"):
            if sum(usage[key] for usage in steps) != run["usage"][key]:
                raise self.violation(f"{key} of {run['id']} is not the sum over its steps", run["usage"], *steps)

    def deleted_objects_stay_deleted(self, path: str) -> None:
        for part in path.split("/"):
            if part in self._deleted:
                raise self.violation(f"{part} was deleted, and is found again")

    def existing_objects_are_found(self, exchange: Exchange, path: str) -> None:
        """A 404 is for what does not exist, or lies in another thread."""
        parts = [part for part in path.split("/") if part in self._last_shown or part in self._deleted]
        if exchange.status != 404 or not parts or exchange.method != "GET":
            return
        there = all(part not in self._deleted for part in parts)
        threads = {
            self._threads.get(part, part) for part in parts if self._threads.get(part, part).startswith("thread")
        }
        known = len(parts) * 2 >= len([part for part in path.split("/") if part])
        if there and known and len(threads) < 2 and not threads & self._deleted:
            raise self.violation("what exists was not found", *parts)

    def pages_make_the_full_list(self, exchange: Exchange, path: str, answer: Json) -> None:
        """Small pages together contain the same objects as a large one, in the same order (CONTRACT §6)."""
        query = {name: values[-1] for name, values in exchange.request.query.items()}
        ids = [item["id"] for item in answer["data"]]
        if [answer.get("first_id"), answer.get("last_id")] not in ([None, None], [*ids[:1], *ids[-1:]]):
            raise self.violation("a list names another first or last object than it holds", answer)
        others = {name: value for name, value in query.items() if name not in ("limit", "after")}
        key = (path, str(sorted(others.items())))
        if "before" in query:
            return
        before = self._pages.get(key, []) if "after" in query else []
        if "after" in query and before[-1:] != [query["after"]]:
            return
        self._pages[key] = [*before, *ids]
        if not answer["has_more"]:
            complete = self._full_lists.setdefault(key, self._pages[key])
            if complete != self._pages[key]:
                raise self.violation("pages do not make the whole list", complete, self._pages[key])

    # --- the invariants: streams ----------------------------------------------------------------------------

    def check_stream(self, text: bytes, *, complete: bool) -> None:
        """Check a stream as far as a client has read it: its run comes to rest at most once, exactly once if complete.

        Raises:
            HarnessFailure: an invariant does not hold.
        """
        if self.has_faults:
            return
        objects_shown = [
            from_json(data) for name, data in FRAME.findall(text) if name.startswith(b"thread.run.") and data
        ]
        ends = [run["status"] for run in objects_shown if run["object"] == "thread.run" and run["status"] in RESTING]
        if len(ends) > 1 or (complete and len(ends) != 1):
            raise self.violation(f"a stream showed {len(ends)} ends of its run", *ends)
        if complete and not text.endswith(b"event: done\ndata: [DONE]\n\n"):
            raise self.violation("a stream ended without its last event", text[-200:])

    # --- the invariants: records ------------------------------------------------------------------------------

    def one_active_run_a_thread(self, thread: Any) -> None:
        """CONTRACT §4."""
        active = [run.id for run in thread.runs if run.active]
        if len(active) > 1:
            raise self.violation(f"{thread.id} has {len(active)} active runs", *active)

    def transitions_follow_the_table(self, record: Any, table: tuple[Row, ...]) -> None:
        """Each transition of a record is a row of its table, and none is earlier than the one before it."""
        done = self._checked_moments.get(record.id, 0)
        moments: list[Moment] = record.timeline
        status, at = (NEW, 0.0) if not done else (moments[done - 1].status, moments[done - 1].at)
        for moment in moments[done:]:
            rows = [row for row in table if (row.source, row.by, row.because, row.to) == (status, *moment[1:])]
            if not rows or moment.at < at:
                raise self.violation(f"{record.id} moved as no row of the table does", *moments)
            status, at = moment.status, moment.at
        if record.status != status:
            raise self.violation(f"{record.id} is {record.status}, and its timeline ends with {status}", *moments)
        self._checked_moments[record.id] = len(moments)


def objects(value: Any) -> Iterator[Json]:
    """The API objects in an answer: itself, or the items of a list."""
    if value.get("object") == LIST:
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
