"""The program starts fast, whatever it is asked, and prints on whatever there is to print on."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from harness import __main__ as entry
from harness import __version__
from harness.cli import main, shared

HEAVY = {"asyncio", "faker", "httpx", "hypothesis", "openai", "pydantic", "pytest", "uvicorn", "vcr", "yaml"}


def loaded_modules(*arguments):
    """The modules that a command imports."""
    code = "import json, sys\ntry:\n    from harness.__main__ import main; main()\nfinally:\n"
    code += "    print(json.dumps(sorted(sys.modules)), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(json.loads(done.stderr.splitlines()[-1]))


@pytest.mark.parametrize(
    "arguments",
    [("--help",), ("--version",), *((name, "--help") for name in main.commands), ("lifecycle",), ("completion",)],
    ids=" ".join,
)
def test_nothing_heavy_is_loaded_before_it_is_needed(arguments):
    found = loaded_modules(*arguments)
    assert "harness.cli" in found
    assert found & HEAVY == set()


def test_the_help_tells_the_exit_codes_and_every_command(run):
    text = run("--help").stdout
    assert "Exit codes:\n    0  " in text
    assert "\n    1  " in text
    assert "\n    2  " in text
    listed = [line.split()[0] for line in text.partition("Commands:\n")[2].splitlines()]
    assert listed == list(main.commands)
    assert listed[0] == "serve"


def test_a_terminal_with_few_characters_shows_the_same():
    command = [sys.executable, "-m", "harness", "lifecycle", "--machine", "batch"]
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "PYTHONUTF8": "0"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "client cancel \\u2192 cancelled (end)" in done.stdout


def test_any_stream_will_do(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "argv", ["harness", "--version"])
    with pytest.raises(SystemExit, match="0"):
        entry.main()
    assert __version__ in stream.getvalue()


def test_what_is_no_terminal_gets_no_colours(run):
    for arguments in (["--help"], ["lifecycle"], ["routes"]):
        assert "\x1b" not in run(*arguments).stdout


@pytest.mark.parametrize(
    ("number", "is_a_terminal", "is_shown"), [(20, True, True), (19, True, False), (20, False, False)]
)
def test_progress_is_shown_where_somebody_waits_and_looks(monkeypatch, number, is_a_terminal, is_shown):
    stream = io.StringIO()
    stream.isatty = lambda: is_a_terminal
    monkeypatch.setattr(sys, "stderr", stream)
    with shared.progress(range(number), "checking") as all_:
        assert list(all_) == list(range(number))
    assert ("checking" in stream.getvalue()) == is_shown
