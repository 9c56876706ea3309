"""The data that the control API takes and returns. `harness.connect` reads answers into the same types.

Fields are named as in `harness.service.records`, so a test reads the same over a socket as in one process.
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
    """A cached `TypeAdapter` of a type."""
    return TypeAdapter(kind)


# --- requests ---------------------------------------------------------------------------------------------------


class Body(BaseModel):
    """A JSON object: no unknown keys, and JSON types as they are; only an integer may stand for a decimal."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class ClockMove(Body):
    """A change of a clock: first of its policy, then of its time."""

    policy: Annotated[ClockPolicy | None, Field(description="What moves the clock besides this.")] = None
    # a century: HTTP dates end with the year 9999
    advance: Annotated[float | None, Field(ge=0, le=3.2e9, description="Virtual seconds that pass.")] = None


# Without the API key, which names the world. Options that are not settings belong to a test, or to whoever runs the
# server.
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


class RequestsQuery(Query):
    after: Annotated[int, Field(ge=0, description="Leave out this many, the oldest.")] = 0


class ThreadQuery(Query):
    thread: Annotated[str | None, Field(description="The id of one thread; by default all.")] = None


class InspectorQuery(Query):
    seen: Annotated[
        int | None, Field(description="The `seen` of the last answer: `world` is null if nothing has happened since.")
    ] = None


class ScenarioQuery(Query):
    where: Annotated[
        str | None,
        Field(max_length=200, description="Where the scenario comes from, for messages: a file and a line of a test."),
    ] = None


# --- answers ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class AddedObjects:
    """The ids of the objects that a scenario created, in its order."""

    assistants: list[str]
    threads: list[str]
    files: list[str]
    vector_stores: list[str]


@dataclass(frozen=True)
class ClockState:
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
class LoggedRequest:
    """One request and its answer, without headers: a key stands among them.

    `status` is 0 if the client got no answer, and `outcome` says what it got instead. `json` and `answer` are the two
    bodies, where these were JSON; streams are not kept.
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
class Failure:
    """A `HarnessFailure`: what happened, what there was, and what to do about it."""

    happened: str
    there_was: str
    do: str

    @classmethod
    def of(cls, failure: HarnessFailure) -> "Failure":
        return cls(failure.happened, failure.there_was, failure.do)

    @property
    def failure(self) -> HarnessFailure:
        return HarnessFailure(self.happened, there_was=self.there_was, do=self.do)


@dataclass(frozen=True)
class Transcript:
    """Conversations as text."""

    transcript: str


@dataclass(frozen=True)
class PlannedFaults:
    """The planned faults as Python would write them, with a mark at those that have happened."""

    planned: list[str]


@dataclass(frozen=True)
class CancelledRuns:
    """The ids of the runs that are cancelled now, as if by somebody else."""

    runs: list[str]


@dataclass(frozen=True)
class TakenSnapshot:
    """The id of a snapshot, which exists as long as its world."""

    id: str


@dataclass(frozen=True)
class AffectedWorld:
    """The name of the world that was changed."""

    world: str


@dataclass(frozen=True)
class WorldSummary:
    """A world in numbers."""

    name: str
    requests: int
    threads: int
    runs: int
    now: float


@dataclass(frozen=True)
class InspectedWorld:
    """A world as the inspector shows it, or null if nothing has happened since `seen`."""

    seen: int
    world: dict[str, Any] | None
