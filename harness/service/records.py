"""The records that the service keeps. Their form on the wire is made in `resources/`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Literal

from harness.service.lifecycle import ACTIVE, NEW, Moment
from harness.service.searching import chunks
from harness.service.store import Table

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from harness.service.acts import Reason
    from harness.service.clock import Timer
    from harness.service.drafts import Draft
    from harness.service.events import Feed
    from harness.service.http import Content
    from harness.service.script import Playback
    from harness.service.shapes import Api

Metadata = dict[str, str]
Attributes = dict[str, str | float | bool]


@dataclass(slots=True)
class Assistant:
    id: str
    created_at: int
    model: str
    name: str | None = None
    description: str | None = None
    instructions: str | None = None
    tools: list[dict[str, Any]] = field(default_factory=list)
    tool_resources: dict[str, Any] = field(default_factory=dict)
    file_ids: dict[str, int] = field(default_factory=dict)  # v1: each with the second it was attached
    shared: set[tuple[str, str]] = field(default_factory=set)  # v1: tools of v2 and the files that each was given
    metadata: Metadata = field(default_factory=dict)
    temperature: float = 1.0
    top_p: float = 1.0
    sampling_set: frozenset[str] = frozenset()  # which of these two a request has set, even to the default
    reasoning_effort: str | None = None
    response_format: Any = "auto"


@dataclass(slots=True)
class Message:
    id: str
    thread_id: str
    role: Literal["user", "assistant"]
    content: list[dict[str, Any]]
    created_at: int = 0
    assistant_id: str | None = None
    run_id: str | None = None
    attachments: list[dict[str, Any]] = field(default_factory=list)
    file_ids: list[str] = field(default_factory=list)
    metadata: Metadata = field(default_factory=dict)
    status: str = NEW
    incomplete_reason: str | None = None
    incomplete_at: int | None = None
    completed_at: int | None = None
    timeline: list[Moment] = field(default_factory=list)

    @property
    def linked_files(self) -> list[str]:
        """The ids of the files that its text links to. They count as attached; drawings do not.

        Printed in notebooks: Azure-Samples/azureai-samples, code-interpreter, November 2024; of v1, January 2024.
        Whether a stream shows them before the text is not known (G).
        """
        if self.run_id is None:
            return []
        marks = chain.from_iterable(part["text"]["annotations"] for part in self.content if part["type"] == "text")
        return list(dict.fromkeys(mark["file_path"]["file_id"] for mark in marks if mark["type"] == "file_path"))

    @property
    def files(self) -> list[str]:
        """Its file ids as v1 shows them."""
        return self.file_ids or self.linked_files

    @property
    def shown_attachments(self) -> list[dict[str, Any]]:
        """Its files as v2 shows them, with the tools that may read them."""
        linked = [{"file_id": file_id, "tools": [{"type": "code_interpreter"}]} for file_id in self.linked_files]
        return self.attachments or linked

    @property
    def text(self) -> str:
        """All text parts, joined; a refusal counts as text."""
        return "\n".join(
            part["text"]["value"] if part["type"] == "text" else part["refusal"]
            for part in self.content
            if part["type"] in ("text", "refusal")
        )


@dataclass(slots=True)
class Usage:
    prompt: int = 0
    completion: int = 0

    def add(self, other: Usage) -> None:
        self.prompt += other.prompt
        self.completion += other.completion


@dataclass(slots=True)
class Step:
    id: str
    run_id: str
    assistant_id: str
    thread_id: str
    type: Literal["message_creation", "tool_calls"]
    details: dict[str, Any]
    expires_at: int | None
    usage: Usage
    created_at: int = 0
    status: str = NEW
    cancelled_at: int | None = None
    completed_at: int | None = None
    failed_at: int | None = None
    last_error: dict[str, str] | None = None
    timeline: list[Moment] = field(default_factory=list)


@dataclass(slots=True)
class Run:
    """A run: the fields of its object, its steps, and how far it has come in its script."""

    id: str
    thread_id: str
    assistant_id: str
    model: str
    instructions: str | None
    tools: list[dict[str, Any]]
    api: Api = "v2"  # the version that created it
    playback: Playback = field(init=False)  # chosen by the director
    azure: bool = False
    include: Sequence[str] = ()  # the `include` of its streams
    file_ids: list[str] = field(default_factory=list)
    metadata: Metadata = field(default_factory=dict)
    temperature: float = 1.0
    top_p: float = 1.0
    reasoning_effort: str | None = None
    max_completion_tokens: int | None = None
    max_prompt_tokens: int | None = None
    truncation_strategy: dict[str, Any] = field(default_factory=dict)
    response_format: Any = "auto"
    tool_choice: Any = "auto"
    parallel_tool_calls: bool = True
    created_at: int = 0
    expires_at: int | None = None
    started_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    required_action: dict[str, Any] | None = None
    last_error: dict[str, str] | None = None
    incomplete_reason: Reason | None = None
    usage: Usage | None = None
    status: str = NEW
    timeline: list[Moment] = field(default_factory=list)
    steps: Table[Step] = field(default_factory=Table)
    spent: Usage = field(default_factory=Usage)
    open_step: Step | None = None
    open_message: Message | None = None
    draft: Draft | None = None  # what the model is writing
    feed: Feed | None = None  # the stream of a client, if one follows the run
    timers: dict[str, Timer] = field(default_factory=dict)
    seen_by: dict[Hashable, int] = field(default_factory=dict)  # by client: how much of the timeline it has seen
    products: dict[str, str] = field(default_factory=dict)  # files that its cells wrote: ids by name
    drawings: list[str] = field(default_factory=list)  # images that its cells drew and no message has shown
    last_logs: str = ""  # what the last cell printed

    @property
    def active(self) -> bool:
        return self.status in ACTIVE


@dataclass(slots=True)
class Thread:
    id: str
    created_at: int
    metadata: Metadata = field(default_factory=dict)
    tool_resources: dict[str, Any] = field(default_factory=dict)
    shared: set[tuple[str, str]] = field(default_factory=set)  # v1: tools of v2 and the messages' files each was given
    messages: Table[Message] = field(default_factory=Table)
    runs: Table[Run] = field(default_factory=Table)
    is_deleted: bool = False  # if so, it is kept for reports only

    @property
    def active_run(self) -> Run | None:
        """The run that locks the thread, if any: there is at most one, and it is the newest (CONTRACT §4)."""
        newest = next(reversed(self.runs), None)
        return newest if newest is not None and newest.active else None


@dataclass(slots=True)
class File:
    id: str
    created_at: int
    filename: str
    purpose: str
    content: Content
    expires_at: int | None = None
    status: str = "processed"
    content_known: bool = True  # if not, the file is accepted for every tool

    def __deepcopy__(self, memo: dict[int, object]) -> File:
        """Its values are immutable, and a view of a file on disk cannot be copied."""
        return replace(self)


@dataclass(slots=True)
class StoreFile:
    """A file in a vector store, with the id of the file object. Only `completed` ones are searched."""

    id: str
    vector_store_id: str
    created_at: int = 0
    attributes: Attributes = field(default_factory=dict)
    chunking: tuple[int, int] = chunks.DEFAULT
    status: str = NEW
    last_error: dict[str, str] | None = None
    usage_bytes: int = 0
    batch_id: str | None = None
    timeline: list[Moment] = field(default_factory=list)
    timer: Timer | None = None
    seen_by: dict[Hashable, object] = field(default_factory=dict)  # by client: the state it was shown last


@dataclass(slots=True)
class FileBatch:
    """Files that were added to a store by one request."""

    id: str
    vector_store_id: str
    created_at: int = 0
    status: str = NEW
    files: Table[StoreFile] = field(default_factory=Table)
    timeline: list[Moment] = field(default_factory=list)
    seen_by: dict[Hashable, object] = field(default_factory=dict)


@dataclass(slots=True)
class VectorStore:
    """A vector store. Its status and counts are derived from its files.

    A recorded store may have had more files than the recording shows: `unseen` counts those by status.
    """

    id: str
    created_at: int
    name: str | None = None
    description: str | None = None
    metadata: Metadata = field(default_factory=dict)
    expires_after: dict[str, Any] | None = None
    last_active_at: int = 0
    files: Table[StoreFile] = field(default_factory=Table)
    batches: Table[FileBatch] = field(default_factory=Table)
    unseen: dict[str, int] = field(default_factory=dict)
    unseen_bytes: int = 0
    seen_by: dict[Hashable, object] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.last_active_at = self.last_active_at or self.created_at

    @property
    def file_ids(self) -> list[str]:
        return [file.id for file in self.files]

    @property
    def expires_at(self) -> int | None:
        """`expires_after` days after it was last active (CONTRACT §2.7)."""
        return None if self.expires_after is None else self.last_active_at + self.expires_after["days"] * 86_400
