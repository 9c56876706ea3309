"""A quiz on the staff handbook: the model asks through a function, and comments on the answers it got."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from openai import OpenAI

from harness import call, calls, fake_assistants, say, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness import RunView

HANDBOOK = Path(__file__).parent.parent / "fixtures" / "handbook.pdf"

ASK = {
    "name": "ask",
    "description": "Ask the employee one multiple choice question, and return the choice.",
    "parameters": {
        "type": "object",
        "properties": {
            "question": {"type": "string"},
            "choices": {"type": "array", "items": {"type": "string"}},
        },
        "required": ["question", "choices"],
    },
}


def hold_quiz(client: OpenAI, document: Path, ask: Callable[[str, list[str]], str]) -> str:
    """Let the assistant hold a quiz on a document, and return its feedback.

    Args:
        client: where the assistant lives.
        document: what the quiz is about.
        ask: shows a question and its choices to somebody, and returns the choice.
    """
    threads = client.beta.threads
    with document.open("rb") as stream:
        file = client.files.create(file=stream, purpose="assistants")
    assistant = client.beta.assistants.create(
        model="gpt-4o",
        instructions="Hold a quiz on the attached document.",
        tools=[{"type": "file_search"}, {"type": "function", "function": ASK}],
    )
    attachments = [{"file_id": file.id, "tools": [{"type": "file_search"}]}]
    thread = threads.create(messages=[{"role": "user", "content": "I am ready.", "attachments": attachments}])

    run = threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
    while run.status == "requires_action":
        outputs = [
            {"tool_call_id": item.id, "output": ask(**json.loads(item.function.arguments))}
            for item in run.required_action.submit_tool_outputs.tool_calls
        ]
        run = threads.runs.submit_tool_outputs_and_poll(run_id=run.id, thread_id=thread.id, tool_outputs=outputs)
    if run.status != "completed":
        raise RuntimeError(f"The quiz ended early: {run.status}.")
    return threads.messages.list(thread.id, run_id=run.id).data[0].content[0].text.value


def quizmaster(run: RunView) -> Iterator[object]:
    """The model's part: it looks into the handbook, asks two questions at once, and sees both answers."""
    yield search(results=[])
    returns, holiday = yield calls(
        call("ask", question="How long may customers return a tent?", choices=["14 days", "45 days"]),
        call("ask", question="Is the shop open on the first Monday of May?", choices=["yes", "no"]),
    )
    right = [returns == "45 days", holiday == "no"]
    comment = "Well done!" if all(right) else "Tents come back within 45 days, and on that Monday we are closed."
    yield say(f"{sum(right)} of {len(right)} right. {comment}")


def main() -> None:
    def take(choice: int, question: str, choices: list[str]) -> str:
        print(f"{question} {' or '.join(choices)}?\n> {choices[choice]}")
        return choices[choice]

    with fake_assistants() as assistants:
        assistants.every_run(quizmaster)
        client = OpenAI()
        for employee, choice in (("Mina", 1), ("Jonas", 0)):
            print(f"{employee} takes the quiz.")
            print(hold_quiz(client, HANDBOOK, partial(take, choice)))


if __name__ == "__main__":
    main()
