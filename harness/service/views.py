"""What a model function sees of its run: plain values, detached from the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from harness.service.records import Run, Thread


@dataclass(frozen=True)
class MessageView:
    """One message of the thread. `text` joins its text parts; `content` is its content on the wire."""

    id: str
    role: str
    text: str
    content: list[dict[str, Any]]


@dataclass(frozen=True)
class RunView:
    """The run as the model sees it, with its own instructions and tools, and all messages, oldest first.

    `message` is the text of the newest user message; empty if there is none.
    """

    id: str
    thread_id: str
    assistant_id: str
    assistant_name: str | None
    model: str
    instructions: str | None
    messages: tuple[MessageView, ...]
    tools: tuple[dict[str, Any], ...]
    metadata: dict[str, str]

    @property
    def message(self) -> str:
        return next((message.text for message in reversed(self.messages) if message.role == "user"), "")


def view(run: Run, thread: Thread, assistant_name: str | None) -> RunView:
    return RunView(
        id=run.id,
        thread_id=run.thread_id,
        assistant_id=run.assistant_id,
        assistant_name=assistant_name,
        model=run.model,
        instructions=run.instructions,
        messages=tuple(
            MessageView(message.id, message.role, message.text, _copied(message.content)) for message in thread.messages
        ),
        tools=tuple(_copied(run.tools)),
        metadata=dict(run.metadata),
    )


def _copied(value: Any) -> Any:
    """A copy of a JSON value, several times faster than `deepcopy`: rules need all messages of a thread."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value
