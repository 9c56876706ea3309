"""Converts records of the service to what the control API returns."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic_core import from_json

from harness.report.bodies import SECRET
from harness.serving.control.shapes import LoggedRequest, Moment, ShownMessage, ShownRun, ShownStep, ShownThread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.service import lifecycle, records
    from harness.service.exchange import Exchange
    from harness.service.http import Body, Content

S = TypeVar("S")


def thread(record: records.Thread) -> ShownThread:
    return _view(ShownThread, record, messages=list(map(message, record.messages)), runs=list(map(run, record.runs)))


def message(record: records.Message) -> ShownMessage:
    return _view(ShownMessage, record)


def run(record: records.Run) -> ShownRun:
    return _view(ShownRun, record, timeline=_timeline(record.timeline), steps=list(map(step, record.steps)))


def step(record: records.Step) -> ShownStep:
    return _view(ShownStep, record, timeline=_timeline(record.timeline))


def _timeline(moments: Iterable[lifecycle.Moment]) -> list[Moment]:
    return [_view(Moment, moment) for moment in moments]


def _view(kind: type[S], record: object, **parts: object) -> S:
    """A record as a dataclass of this type: fields that `parts` does not give are copied by name."""
    names = [field.name for field in fields(kind)]  # type: ignore[arg-type]  # all of them are dataclasses
    return kind(**{name: parts[name] if name in parts else getattr(record, name) for name in names})


def logged(number: int, exchange: Exchange) -> LoggedRequest:
    return LoggedRequest(
        number=number,
        method=exchange.method,
        path=exchange.path,
        query={name: ["…"] if SECRET.search(name) else values for name, values in exchange.request.query.items()},
        status=exchange.status,
        outcome=exchange.outcome,
        at=exchange.at,
        json=_json(exchange.request.body),
        answer=_json(exchange.response.body),
    )


def _json(body: Content | Body) -> Any:
    """The value of a JSON body, else None; Python's `NaN` and `Infinity` are not JSON."""
    try:
        return from_json(body, allow_inf_nan=False) if isinstance(body, bytes) else None
    except ValueError:
        return None
