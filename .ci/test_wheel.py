"""The README's first test, run by `nox -s wheel` with the installed wheel and nothing else."""

import json
import subprocess
import sys

from openai import OpenAI

from harness import call, say
from harness.report.data import world
from harness.report.page import page


def ask(question: str) -> str:
    threads = OpenAI().beta.threads
    run = threads.create_and_run_poll(
        assistant_id=OpenAI().beta.assistants.create(model="gpt-4o").id,
        thread={"messages": [{"role": "user", "content": question}]},
    )
    assert run.required_action is not None
    [tool_call] = run.required_action.submit_tool_outputs.tool_calls
    assert json.loads(tool_call.function.arguments) == {"city": "Oslo"}
    threads.runs.submit_tool_outputs_and_poll(
        run_id=run.id,
        thread_id=run.thread_id,
        tool_outputs=[{"tool_call_id": tool_call.id, "output": "4 °C, rain"}],
    )
    [newest, *_] = threads.messages.list(run.thread_id)
    return newest.content[0].text.value


def test_agent_asks_for_the_weather(assistants):
    assistants.next_run(call("get_weather", city="Oslo"), say("4 °C and rain"))
    assert ask("Weather in Oslo?") == "4 °C and rain"


def test_the_page_is_there(assistants):
    OpenAI().beta.threads.create(messages=[{"role": "user", "content": "Weather in Oslo?"}])
    assert "Weather in Oslo?" in page({"a test": world(assistants)}, title="a test")


def test_the_command_line_says_what_it_needs():
    done = subprocess.run([sys.executable, "-m", "harness"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert 'pip install "pytest-assistants[cli]"' in done.stderr
