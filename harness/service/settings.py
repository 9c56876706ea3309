"""What a user can set about the service. The transports and the pytest plugin add their own in `harness.options`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Versions = Literal["both", "v1", "v2", "sunset"]
ClockPolicy = Literal["on_poll", "timed", "manual"]
CodeLogs = Literal["by_day", "shown", "dropped"]


@dataclass(frozen=True, kw_only=True)
class Settings:
    """How the fake service behaves.

    Attributes:
        api: which API versions are answered: `both` (chosen by the `OpenAI-Beta` header), `v2` (v1 is refused as
            the service refused it from December 2024), `v1`; or `sunset`, neither, as since 26 August 2026: files,
            vector stores and models are left.
        as_of: a day as `YYYY-MM-DD`; objects then have the keys, and v1 and v2 are answered, as on that day. By
            default the newest shapes of both versions.
        clock: what moves virtual time besides `clock.advance`: `on_poll`, `timed` or `manual`.
        start: the first moment, in Unix seconds; by default noon of `as_of`, or a fixed day.
        queued, act, cancelling: virtual seconds a run spends in `queued`, on each act, and in `cancelling`.
        seed: what the ids are made from; the fixture gives the test's own name.
        api_key: the only key that is accepted; by default every key is.
        code_logs: whether steps show what cells print: `shown`; `dropped`, as the service did from 2025 on; or
            `by_day`: what a script gives is shown, and what an executed cell prints unless `as_of` is such a day.
        adopt_unknown: an unknown, well-formed assistant, thread or file id is created when it is first used.
        stuck_after: how often a client may ask the same about a thread and its runs, and get the same answer, before it
            counts as stuck. What it gets done in between begins the count anew, and so does time that passes while the
            run can still move by itself. Less is enough of a loop that never ends by its source; with a new client for
            every request it is ten times as many.
    """

    api: Versions = "both"
    as_of: str | None = None
    clock: ClockPolicy = "on_poll"
    start: float | None = None
    queued: float = 1.0
    act: float = 2.0
    cancelling: float = 1.0
    seed: str | int = 0
    api_key: str | None = None
    code_logs: CodeLogs = "by_day"
    adopt_unknown: bool = False
    stuck_after: int = 30
