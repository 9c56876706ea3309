"""examples/container, without containers: its command line, health check and client are run, the rest is read."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import click
import pytest

from harness.cli import main
from harness.scenarios import load

yaml = pytest.importorskip("yaml", reason="PyYAML, which reads the compose file, is not installed here")

EXAMPLE = Path(__file__).parents[2] / "examples" / "container"
SERVICES = yaml.safe_load((EXAMPLE / "docker-compose.yaml").read_text(encoding="utf-8"))["services"]
FAKE, CLIENT = SERVICES["fake"], SERVICES["client"]
DOCKERFILE = dict(
    line.split(" ", 1)
    for line in (EXAMPLE / "Dockerfile").read_text(encoding="utf-8").splitlines()
    if line.startswith(("USER", "ENTRYPOINT", "CMD", "COPY pyproject", "EXPOSE"))
)
TOKEN = "a-token"
ADDRESS = "http://127.0.0.1:8000"
PATIENCE = 300  # seconds that only a failing test waits


def chosen(arguments):
    """What the real command makes of a command line."""
    with main.commands["serve"].make_context("serve", list(arguments)) as context:
        return context.params


@contextmanager
def started():
    """What `command` starts, at a free port of this machine, with the file that is mounted, and where it is."""
    mounted = FAKE["volumes"][0].split(":")
    replaced = {
        "0.0.0.0": "127.0.0.1",
        "8000": "0",
        mounted[1]: str(EXAMPLE / mounted[0]),
        FAKE["command"][FAKE["command"].index("--token") + 1]: TOKEN,
    }
    arguments = [replaced.get(argument, argument) for argument in FAKE["command"]]
    with subprocess.Popen(
        [sys.executable, "-m", "harness", "serve", "--json", *arguments], stdout=subprocess.PIPE, encoding="utf-8"
    ) as program:
        try:
            yield json.loads(program.stdout.readline())["url"]
        finally:
            program.kill()


def healthy(url, token=TOKEN):
    """Whether the health check is content with a server."""
    kind, _, *arguments = FAKE["healthcheck"]["test"]
    assert kind == "CMD"
    assert ADDRESS in arguments[-1]
    arguments[-1] = arguments[-1].replace(ADDRESS, url)
    environment = {**os.environ, "HARNESS_TOKEN": token, "NO_PROXY": "127.0.0.1"}
    done = subprocess.run([sys.executable, *arguments], env=environment, capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def mounted(monkeypatch, tmp_path):
    """A folder where the paths in the container are files."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(EXAMPLE / "scenario.yaml", tmp_path)
    return [argument.lstrip("/") if argument == "/scenario.yaml" else argument for argument in FAKE["command"]]


def test_the_real_command_knows_all_that_is_given(mounted):
    given = chosen(mounted)
    assert (given["host"], given["port"], given["spare_waiting"]) == ("0.0.0.0", 8000, True)
    assert given["token"].startswith("${HARNESS_TOKEN:?")
    with pytest.raises(click.NoSuchOption):
        chosen([*mounted, "--tokn"])


def test_the_image_serves_by_itself_and_not_as_root():
    program, command, *rest = json.loads(DOCKERFILE["ENTRYPOINT"])
    assert (program, command, rest) == ("harness", "serve", [])
    given = chosen(json.loads(DOCKERFILE["CMD"]))
    assert (given["host"], str(given["port"])) == ("0.0.0.0", DOCKERFILE["EXPOSE"])
    assert all(int(number) > 0 for number in DOCKERFILE["USER"].split(":"))


def test_the_image_is_made_of_files_that_are_there():
    root = (EXAMPLE / FAKE["build"]["context"]).resolve()
    assert (root / FAKE["build"]["dockerfile"]).samefile(EXAMPLE / "Dockerfile")
    *copied, _ = DOCKERFILE["COPY"].split()
    assert all((root / name).is_file() for name in copied)
    readme, license_files = (
        re.search(rf"^{key} = (.*)$", (root / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)[1]
        for key in ("readme", "license-files")
    )
    assert {json.loads(readme), *json.loads(license_files)} <= set(copied)


def test_the_client_waits_for_the_health_of_a_server_that_it_can_find():
    assert CLIENT["depends_on"] == {"fake": {"condition": "service_healthy"}}
    assert CLIENT["environment"]["OPENAI_BASE_URL"] == f"http://fake:{DOCKERFILE['EXPOSE']}/v1"
    assert all(port.startswith("127.0.0.1:") for port in FAKE["ports"])


def test_the_scenario_is_one():
    assert load(EXAMPLE / "scenario.yaml").keys() == {"assistants", "every_run"}


def test_the_health_check_and_the_client_as_they_stand_there(node_folder):
    shutil.copytree(EXAMPLE / "client", node_folder, dirs_exist_ok=True)
    with started() as url:
        assert healthy(url)
        assert not healthy(url, token="another")
        done = subprocess.run(
            ["node", "ask.mjs"],
            cwd=node_folder,
            env={**os.environ, **CLIENT["environment"], "OPENAI_BASE_URL": f"{url}/v1"},
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
    assert done.stdout == "completed: 4 °C and rain in Oslo.\n", done.stderr
    assert not healthy(url)
