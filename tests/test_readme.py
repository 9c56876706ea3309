"""The tests that the README files show are run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP = """
    import openai

    client = openai.OpenAI()
    GET_WEATHER = {"type": "function", "function": {"name": "get_weather"}}

    class NoAnswer(Exception):
        pass

    def ask(question):
        try:
            return answer(question)
        except openai.OpenAIError as error:
            raise NoAnswer(error)
        except ValueError as error:  # half an answer
            raise NoAnswer(error)

    def answer(question):
        assistant = client.beta.assistants.create(model="gpt-4o", tools=[GET_WEATHER])
        run = client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": question}]}
        )
        while run.status == "requires_action":
            asked = run.required_action.submit_tool_outputs.tool_calls
            outputs = [{"tool_call_id": call.id, "output": "4 °C"} for call in asked]
            run = client.beta.threads.runs.submit_tool_outputs_and_poll(
                run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs
            )
        while run.status == "cancelling":
            run = client.beta.threads.runs.poll(run.id, thread_id=run.thread_id)
        messages = client.beta.threads.messages.list(run.thread_id, run_id=run.id).data
        parts = [part for message in messages for part in message.content if part.type != "image_file"]
        if run.status != "completed" or not parts:
            raise NoAnswer(run.status)
        part = parts[0]
        said = part.refusal if part.type == "refusal" else part.text.value
        if not said:
            raise NoAnswer("not a word")
        return said
"""


def blocks(name: str) -> list[str]:
    found = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in found if "def test_" in block]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_every_test_that_is_shown_passes(pytester: pytest.Pytester, name: str):
    shown = blocks(name)
    assert shown
    pytester.makepyfile(my_app=APP)
    header = "import my_app\nfrom harness import call, run_code, say\n"
    pytester.makepyfile(**{f"test_{number}": header + block for number, block in enumerate(shown)})
    result = pytester.runpytest_subprocess("-p", "no:xdist", "-p", "no:randomly")
    outcomes = result.parseoutcomes()
    assert outcomes.keys() <= {"passed", "skipped", "warnings"}, result.stdout.str()
    assert outcomes["passed"] >= len(shown)


def test_both_languages_name_the_same_commands():
    commands = [
        set(re.findall(r"python3 -m venv [^#\n]*", (ROOT / name).read_text(encoding="utf-8")))
        for name in ("README.md", "README.ko.md")
    ]
    assert {command.strip() for command in commands[0]} == {command.strip() for command in commands[1]} != set()
