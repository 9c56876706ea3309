"""The cost of the plugin for a run of pytest that does not use it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from measuring import Result, Times

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]


def pytest_start(*, quick: bool) -> Iterator[Result]:
    """One empty test, without other plugins, which might have imported what ours needs."""
    with TemporaryDirectory() as folder:
        Path(folder, "test_nothing.py").write_text("def test_nothing(): pass\n")
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment.pop("PYTEST_ADDOPTS", None)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)  # pip compiles what it installs

        def run(*options: str) -> None:
            command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
            subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)

        times = Times(1 if quick else 25, bare=run, plugin=lambda: run("-p", "harness.plugin"))
    yield Result(
        "pytest, fixture unused: with the plugin - without", times.difference("plugin", "bare") * 1e3, 20, "ms"
    )
