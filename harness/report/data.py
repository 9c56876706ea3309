"""A world as data for a page: threads, runs with their timelines, files, and the requests, ready for JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from harness.report import bodies, rows
from harness.report.causes.evidence import refusal_text
from harness.service.context import first_moment
from harness.service.lifecycle import STEP, terminal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.failures import HarnessFailure
    from harness.service.context import World
    from harness.service.exchange import Exchange
    from harness.service.lifecycle import Moment
    from harness.service.records import File, Message, Run, Step, Thread, Usage, VectorStore

Json: TypeAlias = "dict[str, Any]"
OVER = terminal(STEP)


class Fake(Protocol):
    """What a page shows of a `FakeAssistants`."""

    @property
    def world(self) -> World: ...
    @property
    def requests(self) -> list[Exchange]: ...
    @property
    def failures(self) -> list[HarnessFailure]: ...


def world(fake: Fake) -> Json:
    """All that the page shows of a fake, as JSON values. Call it only while the fake's `turns` are held.

    Times are Unix seconds of the virtual clock; the page counts them from `start`. Long texts are cut and say so, only
    the newest objects of each kind are shown, and no headers of requests.

    >>> from harness import fake_assistants
    >>> with fake_assistants() as assistants:
    ...     thread = assistants.client().beta.threads.create()
    ...     shown = world(assistants)
    >>> [request["outcome"] for request in shown["requests"]], len(shown["threads"])
    (['200'], 1)
    """
    store = fake.world.store
    return rows.world(
        source="fake",
        start=first_moment(fake.world.settings),
        now=fake.world.clock.now,
        failures=map(str, fake.failures),
        assistants=(list(store.assistants), lambda item: rows.assistant(_fields(item))),
        threads=(store.all_threads, _thread),
        files=(list(store.files), _file),
        stores=(list(store.vector_stores), lambda item: _store(item, fake.world)),
        requests=(list(enumerate(fake.requests, 1)), _request),
    )


def _fields(record: Any, **changed: object) -> Json:
    """The fields of a record, which have the names of the API, with some of them changed."""
    return {**{name: getattr(record, name) for name in record.__slots__}, **changed}


def _thread(thread: Thread) -> Json:
    messages, runs = [_message(item) for item in thread.messages], [_run(item) for item in thread.runs]
    return rows.thread(_fields(thread), messages, runs, deleted=thread.is_deleted)


def _message(message: Message) -> Json:
    details = {"reason": message.incomplete_reason}
    shown = _fields(message, incomplete_details=details, attachments=message.shown_attachments)
    return rows.message(shown, at=_begun(message.timeline))


def _run(run: Run) -> Json:
    shown = _fields(run, incomplete_details={"reason": run.incomplete_reason}, usage=_usage(run.usage))
    moments = [rows.moment(each.status, each.at, by=each.by, because=each.because) for each in run.timeline]
    steps = [_step(item) for item in run.steps]
    return rows.run(shown, moments=moments, steps=steps, script=run.playback.script.origin)


def _step(step: Step) -> Json:
    ended = [moment.at for moment in step.timeline if moment.status in OVER]
    # the recorded steps of a session that is replayed have no timeline
    begun, end = _begun(step.timeline) or step.created_at, ended[0] if ended else step.completed_at
    shown = _fields(step, step_details=step.details, usage=_usage(step.usage if step.status in OVER else None))
    return rows.step(shown, at=begun, end=end)


def _begun(timeline: Sequence[Moment]) -> float | None:
    return timeline[0].at if timeline else None


def _usage(spent: Usage | None) -> Json | None:
    return None if spent is None else {"prompt_tokens": spent.prompt, "completion_tokens": spent.completion}


def _file(file: File) -> Json:
    return rows.file(_fields(file), file.content if file.content_known else None)


def _store(store: VectorStore, world: World) -> Json:
    return rows.store(_fields(store, status=world.indexer.status(store)), [_fields(entry) for entry in store.files])


def _request(numbered: tuple[int, Exchange]) -> Json:
    number, exchange = numbered
    answer = exchange.response
    if isinstance(answer.body, bytes):
        got = bodies.body(answer.body, answer.headers.get("content-type", ""))
    else:
        got = bodies.streamed(answer.headers)
    problem = refusal_text(exchange)
    return rows.request(
        number,
        exchange.request,
        at=exchange.at,
        status=exchange.status,
        outcome=exchange.outcome,
        problem=problem,
        got=got,
    )
