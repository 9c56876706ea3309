"""An analyst that computes on uploaded CSV files, and a caller that retries after a rate limit."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from openai import OpenAI

from harness import fail, fake_assistants, run_code, say

if TYPE_CHECKING:
    from openai.types.beta.threads import Run

FIXTURES = Path(__file__).parent.parent / "fixtures"


@dataclass
class Analysis:
    """What the analyst found, and the code that says how."""

    text: str
    code: list[str]
    output: list[str]


def analyse(client: OpenAI, question: str, files: list[Path], *, tries: int = 3) -> Analysis:
    """Ask about some files; where a rate limit ends the run, wait and try again.

    Raises:
        RuntimeError: the run ended in another way, or all tries ended at a rate limit.
    """
    threads = client.beta.threads
    assistant = client.beta.assistants.create(
        model="gpt-4o",
        instructions="Answer by computing on the files.",
        tools=[{"type": "code_interpreter"}],
        tool_resources={"code_interpreter": {"file_ids": [_upload(client, path) for path in files]}},
    )
    thread = threads.create(messages=[{"role": "user", "content": question}])
    for _ in range(tries):
        run = threads.runs.create_and_poll(thread_id=thread.id, assistant_id=assistant.id)
        if run.status == "completed":
            return _analysis(client, run)
        if run.last_error is None or run.last_error.code != "rate_limit_exceeded":
            break
        print("Too many requests; again in 20 seconds.")
        time.sleep(20)
    raise RuntimeError(f"No analysis: {run.status}, {run.last_error.message if run.last_error else 'no error'}")


def _upload(client: OpenAI, path: Path) -> str:
    with path.open("rb") as stream:
        return client.files.create(file=stream, purpose="assistants").id


def _analysis(client: OpenAI, run: Run) -> Analysis:
    steps = client.beta.threads.runs.steps.list(run.id, thread_id=run.thread_id, order="asc")
    cells = [
        call.code_interpreter for step in steps if step.type == "tool_calls" for call in step.step_details.tool_calls
    ]
    messages = client.beta.threads.messages.list(run.thread_id, run_id=run.id)
    return Analysis(
        text=messages.data[0].content[0].text.value,
        code=[cell.input for cell in cells],
        output=[output.logs for cell in cells for output in cell.outputs],
    )


def main() -> None:
    with fake_assistants() as assistants:
        assistants.next_run(fail("rate_limit_exceeded"))
        assistants.next_run(
            run_code(
                "(data.units * data.price).groupby(data.date.str[:4]).sum() / 12", logs="2022 3956.50\n2023 4477.08"
            ),
            say("An average month brought 3,956.50 in 2022 and 4,477.08 in 2023: 13 % more."),
        )
        found = analyse(
            OpenAI(),
            "How did the average month change?",
            [FIXTURES / "sales_2022.csv", FIXTURES / "sales_2023.csv"],
        )
        print(f"code:   {found.code[0]}")
        print(f"output: {found.output[0]!r}")
        print(f"answer: {found.text}")


if __name__ == "__main__":
    main()
