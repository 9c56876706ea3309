"""Clients in other languages: what they need, and one installation of it a run of pytest, however many workers."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PROGRAMS = Path(__file__).parent / "node"
PATIENCE = 300  # seconds that only a failing test waits
NO_REGISTRY = re.compile(r"\b(EAI_AGAIN|ECONN\w+|EHOSTUNREACH|ENETUNREACH|ENOTCACHED|ENOTFOUND|ETIMEDOUT)\b")


@pytest.fixture(scope="session")
def node_programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of `node/`, in a folder with the SDKs that they import."""
    pytest.importorskip("uvicorn", reason="uvicorn, which serves, is not installed here")
    filelock = pytest.importorskip("filelock", reason="filelock, for workers that install together, is not here")
    npm = shutil.which("npm")
    if shutil.which("node") is None or npm is None:
        pytest.skip("no node, or no npm")
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "node-programs"
    outcome = folder / "npm.txt"
    with filelock.FileLock(f"{folder}.lock"):
        if not outcome.exists():
            shutil.copytree(PROGRAMS, folder)
            outcome.write_text(_installed(npm, folder), encoding="utf-8")
    said = outcome.read_text(encoding="utf-8")
    if unreachable := NO_REGISTRY.search(said):
        pytest.skip(f"npm reaches no registry: {unreachable[0]}")
    assert not said, said
    return folder


def _installed(npm: str, folder: Path) -> str:
    """What npm complains about; nothing where all is well."""
    quietly = ("--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", "--fetch-retries=1")
    done = subprocess.run([npm, "install", *quietly], cwd=folder, capture_output=True, encoding="utf-8", check=False)
    return done.stderr if done.returncode else ""


@pytest.fixture
def node_folder(node_programs):
    """An empty folder below that of the SDKs, which workers share: pytest gives each of them the same names."""
    return Path(tempfile.mkdtemp(dir=node_programs))


@pytest.fixture(params=["openai", "openai-4"], ids=["newest", "4.x"])
def node(request, node_programs):
    """Runs a program of `node/` with one version of the SDK, and gives what it tells."""

    def run(server, program, *arguments, **environment):
        done = subprocess.run(
            ["node", program, *map(str, arguments)],
            cwd=node_programs,
            env={**os.environ, **server.environment, "SDK": request.param, **environment},
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return run
