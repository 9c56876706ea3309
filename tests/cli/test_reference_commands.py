"""`harness lifecycle`, `routes` and `completion`: thin, so what they print is what the library makes."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cli import main, reference
from harness.report import conformance
from harness.report.diagrams import FORMS, MACHINES


def test_the_command_knows_all_machines_and_forms():
    assert tuple(MACHINES) == reference.MACHINES
    assert tuple(FORMS) == reference.FORMS


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("machine", [*MACHINES, "all"])
def test_lifecycle(run, machine, form):
    chosen = MACHINES.values() if machine == "all" else [MACHINES[machine]]
    assert run("lifecycle", "--machine", machine, "--format", form).stdout == FORMS[form](chosen) + "\n"


def test_lifecycle_shows_runs_unless_asked_for_others(run):
    assert run("lifecycle").stdout == FORMS["text"]([MACHINES["run"]]) + "\n"


def test_lifecycle_writes_a_file_and_replaces_none_unasked(run):
    made = Path("run.svg")
    assert run("lifecycle", "--format", "svg", "-o", made).stdout == "run.svg\n"
    assert made.read_text(encoding="utf-8") == FORMS["svg"]([MACHINES["run"]]) + "\n"
    result = run("lifecycle", "-o", made, code=1)
    assert result.stderr == (
        "Error: run.svg exists already, and was left as it is.\n\nWhat to do:\n    harness lifecycle --force …\n"
    )
    run("lifecycle", "-o", made, "--force")
    assert made.read_text(encoding="utf-8") == FORMS["text"]([MACHINES["run"]]) + "\n"
    assert os.listdir() == ["run.svg"]


def test_lifecycle_of_what_is_not_there(run):
    assert "'run', 'step', 'message', 'file', 'batch', 'all'" in run("lifecycle", "--machine", "thread", code=2).stderr


def test_routes(run):
    assert run("routes").stdout == conformance.as_text(conformance.endpoints()) + "\n"
    rows = json.loads(run("routes", "--json").stdout)
    assert rows == json.loads(conformance.as_json(conformance.endpoints()))


# --- completion -----------------------------------------------------------------------------------------------


def test_how_to_use_completion_is_explained_for_every_shell(run):
    text = run("completion").stdout
    for shell in reference.SHELLS:
        assert re.search(rf"^{shell}: ", text, re.MULTILINE)
        assert f"harness completion {shell}" in text


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_what_a_shell_reads(run, shell):
    assert "_HARNESS_COMPLETE=" in run("completion", shell).stdout


def test_bash_completes(tmp_path):
    """As bash does it: read what is printed, then call the function for the word under the cursor."""
    bash = next((path for path in ("/bin/bash", "/usr/bin/bash") if Path(path).exists()), None)
    if bash is None:
        pytest.skip("there is no bash")
    program = tmp_path / "harness"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m harness "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    script = """
        eval "$(harness completion bash)"
        complete_() {
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
            _harness_completion harness
            echo "${COMPREPLY[@]}"
        }
        complete_ harness life
        complete_ harness lifecycle --machine m
        complete_ harness serve --code-l
    """
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [bash, "--norc", "-c", script], env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
    )
    assert done.stdout.splitlines() == ["lifecycle", "message", "--code-logs"], done.stderr


def test_an_unknown_shell_is_a_mistake(run):
    assert "'bash', 'zsh', 'fish'" in run("completion", "tcsh", code=2).stderr


def test_every_command_says_in_a_line_what_it_does():
    for name, command in main.commands.items():
        first = command.help.partition("\n\n")[0]
        assert re.fullmatch(r"[A-Z].*[.:]", first, re.DOTALL), name
