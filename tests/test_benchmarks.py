"""The benchmarks run; how fast is for `benchmarks/run.py` itself to say."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import openai
import pytest

RUNNER = Path(__file__).parents[1] / "benchmarks" / "run.py"


@pytest.mark.skipif(int(openai.__version__.split(".")[0]) < 3, reason="the benchmarks are written for the newest SDK")
def test_every_benchmark_gives_a_number():
    done = subprocess.run([sys.executable, RUNNER, "--quick", "--json"], capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)
    assert len(results) == (24 if sys.platform == "linux" else 23)
    assert all(result["measured"] > 0 for result in results if result["unit"] != "ms")
