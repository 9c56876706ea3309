"""What the control API takes and shows. `harness.connect` reads answers into the same values.

Names are those of the objects in `harness.service.records`, so a test reads the same over a socket as in one process.
There is no `from __future__ import annotations` here, because pydantic reads the annotations.
"""

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, create_model

from harness.failures import HarnessFailure
from harness.service.lifecycle import By
from harness.service.settings import ClockPolicy, Settings


@cache
def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """What reads values of this type."""
    return TypeAdapter(kind)


# --- what is asked ----------------------------------------------------------------------------------------------


class Body(BaseModel):
    """A JSON object: no unknown keys, and JSON types as they are; only an integer may stand for a decimal."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ClockMove(Body):
    """What shall happen to a clock: first the policy, then the time."""

    policy: Annotated[ClockPolicy | None, Field(description="What moves the clock besides this.")] = None
    # a century: HTTP dates end with the year 9999
    advance: Annotated[float | None, Field(ge=0, le=3.2e9, description="Virtual seconds that pass.")] = None


# Whose key it is decides which world it is, so there is none to choose; the other options belong to a test, or to
# whoever runs the server.
_RESET = {name: hint for name, hint in get_type_hints(Settings).items() if name != "api_key"}
Reset: type[Body] = create_model(
    "Reset",
    __base__=Body,
    __doc__="Options of a world, as `fake_assistants(…)` takes them; those left out are as the server has them.",
    **{name: (hint, Field(default_factory=lambda: None)) for name, hint in _RESET.items()},  # type: ignore[call-overload]  # names are not literal
)


class Query(BaseModel):
    """Parameters of a query; values arrive as text."""

    model_config = ConfigDict(extra="forbid")


class After(Query):
    after: Annotated[int, Field(ge=0, description="Leave out so many, the oldest.")] = 0


class OfThread(Query):
    thread: Annotated[str | None, Field(description="The id of one thread; by default all.")] = None


class Seen(Query):
    seen: Annotated[int | None, Field(description="What this route said last, where nothing new is no news.")] = None


class Where(Query):
    where: Annotated[
        str | None, Field(max_length=200, description="Who says so, for messages: a file and a line of a test.")
    ] = None


# --- what is shown ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Added:
    """The ids of what a scenario made, in its order."""

    assistants: list[str]
    threads: list[str]
    files: list[str]
    vector_stores: list[str]


@dataclass(frozen=True)
class ClockFace:
    """Virtual time in Unix seconds, and what moves it."""

    now: float
    policy: ClockPolicy


@dataclass(frozen=True)
class Moment:
    """One entry of a timeline: who moved something to which status, when, and because of what."""

    at: float
    by: By
    because: str
    status: str


@dataclass(frozen=True)
class ShownMessage:
    id: str
    thread_id: str
    role: Literal["user", "assistant"]
    status: str
    text: str
    content: list[dict[str, Any]]
    created_at: int
    assistant_id: str | None
    run_id: str | None
    metadata: dict[str, str]


@dataclass(frozen=True)
class ShownStep:
    id: str
    type: str
    status: str
    details: dict[str, Any]
    timeline: list[Moment]


@dataclass(frozen=True)
class ShownRun:
    id: str
    thread_id: str
    assistant_id: str
    model: str
    status: str
    timeline: list[Moment]
    steps: list[ShownStep]
    created_at: int
    instructions: str | None
    required_action: dict[str, Any] | None
    last_error: dict[str, str] | None
    incomplete_reason: str | None
    metadata: dict[str, str]


@dataclass(frozen=True)
class ShownThread:
    id: str
    created_at: int
    messages: list[ShownMessage]
    runs: list[ShownRun]
    metadata: dict[str, str]


@dataclass(frozen=True)
class Logged:
    """One request and its answer, without headers: a key stands among them.

    `status` is 0 where the client got no answer, and `outcome` says what it got. `json` and `answer` are the two
    bodies, where they were JSON; of a stream nothing is kept.
    """

    number: Annotated[int, Field(description="Counted from 1.")]
    method: str
    path: str
    query: dict[str, list[str]]
    status: int
    outcome: str
    at: Annotated[float, Field(description="The virtual time.")]
    json: Any
    answer: Any


@dataclass(frozen=True)
class Complaint:
    """What the harness complains about: what happened, what there was, what to do about it."""

    happened: str
    there_was: str
    do: str

    @classmethod
    def of(cls, failure: HarnessFailure) -> "Complaint":
        return cls(failure.happened, failure.there_was, failure.do)

    @property
    def failure(self) -> HarnessFailure:
        return HarnessFailure(self.happened, there_was=self.there_was, do=self.do)


@dataclass(frozen=True)
class Told:
    """Conversations as text."""

    transcript: str


@dataclass(frozen=True)
class Planned:
    """Faults as a test in Python would plan them, with a mark at what has happened."""

    planned: list[str]


@dataclass(frozen=True)
class Cancelled:
    """The ids of the runs that somebody else cancels now."""

    runs: list[str]


@dataclass(frozen=True)
class Kept:
    """The name of a snapshot, which ends with its world."""

    id: str


@dataclass(frozen=True)
class Done:
    """It is done; to which world."""

    world: str


@dataclass(frozen=True)
class Listed:
    """A world in brief."""

    name: str
    requests: int
    threads: int
    runs: int
    now: float


@dataclass(frozen=True)
class Glance:
    """A world as the inspector shows it; null where nothing has happened since what was `seen`."""

    seen: int
    world: dict[str, Any] | None
