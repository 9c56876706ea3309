"""Records of the service as the control API shows them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic_core import from_json

from harness.serving.control.shapes import Logged, Moment, ShownMessage, ShownRun, ShownStep, ShownThread

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.service import lifecycle, records
    from harness.service.exchange import Exchange
    from harness.service.http import Body

# What may be a key in a query, as gateways in front of Azure take it.
SECRET = re.compile(r"key|token|secret|signature|^sig$|password", re.IGNORECASE)


def thread(record: records.Thread) -> ShownThread:
    return ShownThread(
        id=record.id,
        created_at=record.created_at,
        messages=[message(item) for item in record.messages],
        runs=[run(item) for item in record.runs],
        metadata=record.metadata,
    )


def message(record: records.Message) -> ShownMessage:
    return ShownMessage(
        id=record.id,
        thread_id=record.thread_id,
        role=record.role,
        status=record.status,
        text=record.text,
        content=record.content,
        created_at=record.created_at,
        assistant_id=record.assistant_id,
        run_id=record.run_id,
        metadata=record.metadata,
    )


def run(record: records.Run) -> ShownRun:
    return ShownRun(
        id=record.id,
        thread_id=record.thread_id,
        assistant_id=record.assistant_id,
        model=record.model,
        status=record.status,
        timeline=_timeline(record.timeline),
        steps=[step(item) for item in record.steps],
        created_at=record.created_at,
        instructions=record.instructions,
        required_action=record.required_action,
        last_error=record.last_error,
        incomplete_reason=record.incomplete_reason,
        metadata=record.metadata,
    )


def step(record: records.Step) -> ShownStep:
    return ShownStep(
        id=record.id,
        type=record.type,
        status=record.status,
        details=record.details,
        timeline=_timeline(record.timeline),
    )


def _timeline(moments: Iterable[lifecycle.Moment]) -> list[Moment]:
    return [Moment(at=moment.at, by=moment.by, because=moment.because, status=moment.status) for moment in moments]


def logged(number: int, exchange: Exchange) -> Logged:
    return Logged(
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


def _json(body: bytes | Body) -> Any:
    """A body that is JSON to everybody: Python's own `NaN` and `Infinity` are not."""
    try:
        return from_json(body, allow_inf_nan=False) if isinstance(body, bytes) else None
    except ValueError:
        return None
