"""The tests that the README files show are run as they stand there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
APP = """
    from openai import OpenAI

    client = OpenAI()

    def ask(question):
        assistant = client.beta.assistants.create(model="gpt-4o")
        run = client.beta.threads.create_and_run_poll(
            assistant_id=assistant.id, thread={"messages": [{"role": "user", "content": question}]}
        )
        asked = run.required_action.submit_tool_outputs.tool_calls
        outputs = [{"tool_call_id": call.id, "output": "4 °C"} for call in asked]
        client.beta.threads.runs.submit_tool_outputs_and_poll(
            run_id=run.id, thread_id=run.thread_id, tool_outputs=outputs
        )
        return client.beta.threads.messages.list(run.thread_id).data[0].content[0].text.value
"""


def blocks(name: str) -> list[str]:
    found = re.findall(r"```python\n(.*?)```", (ROOT / name).read_text(encoding="utf-8"), re.DOTALL)
    return [block for block in found if "(assistants)" in block]


@pytest.mark.parametrize("name", ["README.md", "README.ko.md"])
def test_every_test_that_is_shown_passes(pytester: pytest.Pytester, name: str):
    shown = blocks(name)
    assert shown
    pytester.makepyfile(my_app=APP)
    header = "import my_app\nfrom harness import call, run_code, say\n"
    pytester.makepyfile(**{f"test_{number}": header + block for number, block in enumerate(shown)})
    pytester.runpytest_subprocess("-p", "no:xdist").assert_outcomes(passed=len(shown), warnings=None)


def test_both_languages_name_the_same_commands():
    commands = [
        set(re.findall(r"python3 -m venv [^#\n]*", (ROOT / name).read_text(encoding="utf-8")))
        for name in ("README.md", "README.ko.md")
    ]
    assert {command.strip() for command in commands[0]} == {command.strip() for command in commands[1]} != set()
