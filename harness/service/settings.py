"""The options of the service. `harness.options` adds those of the transports and of the pytest plugin."""

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
        api: which API versions are served: `both` (chosen by the `OpenAI-Beta` header), `v2` (v1 is refused as the
            service refused it from December 2024), `v1`; or `sunset`, neither, as since 26 August 2026: only files,
            vector stores and models remain.
        as_of: a day as `YYYY-MM-DD`: objects then have the keys, and v1 and v2 are served, as on that day. By default
            the newest shapes of both versions.
        clock: what moves virtual time besides `clock.advance`: `on_poll`, `timed` or `manual`.
        start: when virtual time begins, in Unix seconds; by default at noon of `as_of`, or of a fixed day.
        queued: virtual seconds that a run spends in `queued`.
        act: virtual seconds that a run spends on each act.
        cancelling: virtual seconds that a run spends in `cancelling`.
        seed: what ids are generated from; the fixture uses the name of the test.
        api_key: the only key that is accepted; by default every key is.
        code_logs: whether steps show what cells print: `shown`; `dropped`, as the service did from 2025 on; or
            `by_day`: logs in a script are shown, and those of an executed cell unless `as_of` is such a day.
        adopt_unknown: an unknown but well-formed assistant, thread or file id is created when it is first used.
        stuck_after: how often a client may repeat a request about a thread or a vector store, and get the same answer,
            before it counts as stuck. The count begins again after a successful write, and when time has passed while
            the run can still move by itself. Four polls are enough in a loop that never ends by its source; if the
            loop counts its rounds, or every request comes from a new client, it takes ten times as many.
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
