"""docs/serving.md: all of its examples are run, and what they print is compared with what is shown."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from itertools import takewhile
from pathlib import Path
from typing import NamedTuple

import pytest

DOC = Path(__file__).parents[2] / "docs" / "serving.md"
PATIENCE = 300  # seconds that only a failing test waits
posix = pytest.mark.skipif(sys.platform == "win32", reason="the examples are written for a POSIX shell")


class Block(NamedTuple):
    """A block of code, and the output that is shown right after it."""

    language: str
    code: str
    output: str | None
    line: int

    @property
    def kind(self) -> str:
        """How it is run."""
        if self.language == "bash" and self.code.startswith("harness serve") and self.code.count("\n") == 1:
            return "server"
        if self.language == "python" and "def test_" in self.code:
            return "test"
        return {"bash": "typed", "python": "typed", "yaml": "file", "js": "node"}[self.language]


def blocks(text: str) -> list[Block]:
    found = re.finditer(r"^```(\w+)\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", text, re.DOTALL | re.MULTILINE)
    return [Block(*match.groups(), text.count("\n", 0, match.start()) + 1) for match in found]


SHOWN = blocks(DOC.read_text(encoding="utf-8"))


def of_kind(kind: str) -> list[Block]:
    return [block for block in SHOWN if block.kind == kind]


def where(block: Block) -> str:
    return f"line-{block.line}"


def assert_as_shown(printed: str, block: Block) -> None:
    """`…` stands for anything."""
    if block.output is not None:
        pattern = ".*".join(map(re.escape, block.output.strip().split("…")))
        assert re.fullmatch(pattern, printed.strip(), re.DOTALL), f"{DOC.name}:{block.line} prints\n{printed}"


@pytest.fixture
def folder(tmp_path):
    """A folder with the files that are shown, and with the commands that users have."""
    for block in of_kind("file"):
        name = block.code.partition("\n")[0].removeprefix("# ")
        (tmp_path / name).write_text(block.code, encoding="utf-8")
    commands = tmp_path / "bin"
    commands.mkdir()
    for name, arguments in {"python": "-Wignore", "harness": "-m harness"}.items():
        (commands / name).write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} {arguments} "$@"\n')
        (commands / name).chmod(0o755)
    return tmp_path


@pytest.fixture
def server(folder):
    serving = pytest.importorskip("harness.serving")
    with serving.serve(scenario=folder / "weather.yaml", spare_waiting=True) as server:
        yield server


def environment_of(server, folder):
    path = os.pathsep.join([str(folder / "bin"), os.environ["PATH"]])
    return {**os.environ, **server.environment, "PATH": path, "PYTHONIOENCODING": "utf-8", "NO_PROXY": "127.0.0.1"}


def test_no_block_is_left_out():
    assert DOC.read_text(encoding="utf-8").count("\n```") == sum(4 if block.output else 2 for block in SHOWN)
    assert {block.kind for block in SHOWN} == {"server", "typed", "test", "file", "node"}


@posix
def test_what_is_typed_prints_what_is_shown(server, folder):
    """All in one shell, from top to bottom, against the server of the scenario that is shown."""
    if shutil.which("bash") is None or shutil.which("curl") is None:
        pytest.skip("no bash, or no curl")
    pytest.importorskip("trustme")
    typed, end = of_kind("typed"), "--- end of a block ---"
    as_shell = {"bash": "{}", "python": "python <<'PROGRAM'\n{}PROGRAM\n"}
    script = "".join(as_shell[block.language].format(block.code) + f"echo; echo '{end}'\n" for block in typed)
    done = subprocess.run(
        ["bash", "-eu"],
        input=script,
        cwd=folder,
        env=environment_of(server, folder),
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    *printed, _ = done.stdout.split(f"{end}\n")
    for block, output in zip(typed, printed, strict=True):
        assert_as_shown(output, block)


@posix
@pytest.mark.parametrize("block", of_kind("server"), ids=where)
def test_a_server_begins_as_shown(folder, block):
    _, *arguments = shlex.split(re.sub(r"--port \d+", "--port 0", block.code))
    with subprocess.Popen(
        [sys.executable, "-m", "harness", *arguments], cwd=folder, stdout=subprocess.PIPE, encoding="utf-8"
    ) as program:
        try:
            greeting = list(takewhile(lambda line: line != "Ctrl+C ends it.\n", program.stdout))
            program.send_signal(signal.SIGINT)
            assert (program.stdout.read(), program.wait(PATIENCE)) == ("\nStopping.\n", 0)
        finally:
            program.kill()
    assert_as_shown("".join(greeting) + "Ctrl+C ends it.", block)


@pytest.fixture
def shown_program(node_folder):
    """The program for node, where it finds its SDK."""
    [block] = of_kind("node")
    (node_folder / "ask.mjs").write_text(block.code, encoding="utf-8")
    return block


def test_the_program_for_node(server, node_folder, shown_program):
    done = subprocess.run(
        ["node", "ask.mjs"],
        cwd=node_folder,
        env={**os.environ, **server.environment},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert_as_shown(done.stdout, shown_program)


@pytest.mark.usefixtures("shown_program")
def test_the_test_that_is_shown_passes(node_folder):
    for block in of_kind("test"):
        (node_folder / f"test_{where(block).replace('-', '_')}.py").write_text(block.code, encoding="utf-8")
    alone = ("-p", "no:cacheprovider", "-p", "no:xdist", "-p", "no:randomly", f"--rootdir={node_folder}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *alone],
        cwd=node_folder,
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert re.search(r"^\d+ passed", done.stdout, re.MULTILINE), done.stdout + done.stderr
