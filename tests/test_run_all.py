"""The examples, run as a reader of the README runs them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import openai
import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"

pytestmark = pytest.mark.skipif(
    tuple(map(int, openai.__version__.split(".")[:2])) < (1, 30),
    reason=f"the examples use helpers that openai {openai.__version__} does not have",
)


def python(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run Python where no key is set, and deprecations are silent as they are by default."""
    dropped = ("OPENAI_", "AZURE_OPENAI_", "PYTHONWARNINGS", "PYTEST_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=ROOT,
        env={**environment, "PYTHONUTF8": "1", "PYTHONPATH": str(ROOT)},
        encoding="utf-8",
        capture_output=True,
        timeout=120,
        check=False,
    )


def test_run_all_prints_every_conversation():
    ran = python(EXAMPLES / "run_all.py")
    assert (ran.returncode, ran.stderr) == (0, "")
    for line in (
        "선생님: x = 1입니다.",
        "2 of 2 right. Well done!",
        "Too many requests; again in 20 seconds.",
        r"output: '2022 3956.50\n2023 4477.08'",
        "assistant: Try 6x - 10 = 20. Add 10, divide by 6: x = 5.",
        "expired          This took too long, please try again.",
        "x = 1   (run_U12Y2WAZzrIfEorm0zn38hUy completed)",
        "assistant-chart2022: 182 bytes, PNG",
        "All examples ran.",
    ):
        assert line in ran.stdout.splitlines()


def test_the_examples_as_tests():
    ran = python("-m", "pytest", "-q", "-p", "no:asyncio", "-p", "no:cacheprovider", EXAMPLES / "test_examples.py")
    assert ran.returncode == 0, ran.stdout
