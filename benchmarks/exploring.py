"""`explore` on a polling client, and the cost that `run_ending` adds to a test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from measuring import Result, Times

from harness import FakeAssistants, explore
from harness.endings import endings
from harness.service.lifecycle import ACTIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
SITUATIONS = 60
TOOLS: Any = [{"type": "function", "function": {"name": "get_weather"}}, {"type": "code_interpreter"}]
TESTS = """
import pytest

@pytest.mark.parametrize("number", range({count}))
def test_plain(assistants, number):
    pass

def test_ending(assistants, run_ending):
    pass
"""


def ask(assistants: FakeAssistants) -> str:
    beta = assistants.client().beta
    assistant = beta.assistants.create(model="gpt-4o", tools=TOOLS)
    thread = beta.threads.create(messages=[{"role": "user", "content": "What is the weather in Oslo?"}])
    run = beta.threads.runs.create(thread.id, assistant_id=assistant.id)
    while run.status in ACTIVE:
        if run.status == "requires_action":
            calls = run.required_action.submit_tool_outputs.tool_calls
            outputs: Any = [{"tool_call_id": call.id, "output": "4 °C"} for call in calls]
            beta.threads.runs.submit_tool_outputs(run.id, thread_id=thread.id, tool_outputs=outputs)
        run = beta.threads.runs.retrieve(run.id, thread_id=thread.id)
    if run.status != "completed":
        raise RuntimeError(run.status)
    return "".join(message.id for message in beta.threads.messages.list(thread.id, run_id=run.id))


def exploring(*, quick: bool) -> Iterator[Result]:
    """The first exploration of a process, which is the only one that most have, would import the SDK too."""

    def once() -> None:
        assert explore(ask, budget=SITUATIONS).played == SITUATIONS

    times = Times(1 if quick else 15, once=once)
    yield Result(f"explore of a polling client, {SITUATIONS} situations", times.median("once") * 1e3, 2000, "ms")


def an_ending(*, quick: bool) -> Iterator[Result]:
    """Tests with `run_ending` and as many that are plainly parametrised, in one run of pytest each."""
    count = len(endings())
    with TemporaryDirectory() as folder:
        Path(folder, "test_them.py").write_text(TESTS.format(count=count))
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment.pop("PYTEST_ADDOPTS", None)

        def run(name: str) -> None:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "harness.plugin"]
            subprocess.run([*command, "-k", name], cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)

        times = Times(1 if quick else 15, plain=lambda: run("plain"), endings=lambda: run("ending"))
    added = times.difference("endings", "plain") / count
    yield Result("a test with run_ending - a test that is parametrised", added * 1e3, 10, "ms")
