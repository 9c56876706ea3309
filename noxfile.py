"""Every check of this project, each in an environment of its own: `nox -l` lists them.

What a session installs is written once, in pyproject.toml's `[dependency-groups]`. Each run of pytest leaves
a JUnit file in build/junit, from which .ci/run adds up its closing line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import zipfile
from pathlib import Path

import nox

nox.needs_version = ">=2025.2.9"  # the first with `requires=`
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests"]
# CI or not, a Python that this machine lacks is a session skipped with its reason
nox.options.error_on_missing_interpreters = False

ROOT = Path(__file__).parent
REPORTS = ROOT / "build" / "junit"
PROJECT = nox.project.load_toml("pyproject.toml")

# openai before 1.56 hands httpx an argument that httpx 0.28 no longer takes. What cells import is there for the two
# versions that the tutorials with cells are written for; the others show that none of it is needed.
SDKS = {
    "1.3.5": ["openai==1.3.5", "httpx<0.28"],
    "1.12.0": ["openai==1.12.0", "httpx<0.28", "pandas", "pypdf"],
    "1.30.1": ["openai==1.30.1", "httpx<0.28", "matplotlib", "pandas"],
    "1.109.1": ["openai[aiohttp]==1.109.1"],
    "2.54.0": ["openai[aiohttp]==2.54.0"],
    "newest": ["openai[aiohttp]>=3"],
}

# What depends on the versions of what this package depends on. Sockets are left out, to which no version here matters,
# and most tests of the plugin, each of which starts pytest anew.
LOWEST = [
    "tests/sdk",
    "tests/recording/test_recorder.py",
    *(
        f"tests/plugin/test_plugin.py::{test}"
        for test in (
            "test_a_failure_that_was_swallowed_comes_again_at_teardown",
            "test_a_failure_at_teardown_does_not_disturb_the_next_test",
            "test_unused_scripts",
        )
    ),
    *("-k", "not socket"),
]

# whose Assistants agents are published to this day; each brings the openai it wants
FRAMEWORKS = {
    "langchain": ["langchain<1", "langchain-openai<1", "langchain-community<1"],
    "autogen": ["autogen-ext[openai]", "autogen-agentchat"],
    "semantic_kernel": ["semantic-kernel"],
    "llama_index": ["llama-index-agent-openai"],
    "agency_swarm": ["agency-swarm<1"],
}

# More than half of the time that the suite takes, and hardly a line that depends on a version of Python: whole runs of
# pytest in processes of their own, random walks, browsers, other languages, crowds, and the rules of the house.
LONG = [
    "tests/clients",
    "tests/plugin",
    "tests/recording/test_workers.py",
    "tests/report/test_page_seen.py",
    "tests/service/test_machine_invariants.py",
    "tests/service/test_stories.py",
    "tests/serving/test_soak.py",
    "tests/test_benchmarks.py",
    "tests/test_house.py",
    "tests/test_machine.py",
    "tests/test_strategies.py",
]


def enable_all_pyenv_pythons() -> None:
    """Enable the shims of all installed versions: all are on PATH, but only those of chosen versions work."""
    if "PYENV_VERSION" in os.environ or not (pyenv := shutil.which("pyenv")):
        return
    chosen, installed = (
        subprocess.run([pyenv, *question], capture_output=True, text=True, check=False).stdout.split()
        for question in (["version-name"], ["versions", "--bare"])
    )
    os.environ["PYENV_VERSION"] = ":".join(dict.fromkeys(chosen + installed))  # the chosen one stays first


enable_all_pyenv_pythons()
# The tests start hundreds of interpreters. Without bytecode each compiles the SDK anew, and rewrites the asserts of all
# plugins, of which this one is the largest: half of the time that the runs of pytest inside of tests take.
os.environ.setdefault("UV_COMPILE_BYTECODE", "1")  # as pip does
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)


def group(name: str) -> list[str]:
    return list(nox.project.dependency_groups(PROJECT, name))


def pytest(session: nox.Session, *arguments: str, runner: tuple[str, ...] = ("pytest",)) -> None:
    session.run(*runner, f"--junit-xml={REPORTS / session.name}.xml", *arguments, *session.posargs)


@nox.session
def demo(session: nox.Session) -> None:
    """What the project does, shown on its own examples."""
    examples = ROOT / "examples" / "run_all.py"
    if not examples.exists():
        session.error(f"{examples.relative_to(ROOT)} is missing, and it is what the demo runs")
    session.install("-e", ".[recording]")
    session.run("python", str(examples), *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """The whole suite on all cores, with branch coverage; `-- -k word` runs a part of it, without."""
    session.install("-e", ".", *group("test"))
    if session.posargs:
        pytest(session)
        return
    session.run("coverage", "erase")
    pytest(session, "-n", "auto", runner=("coverage", "run", "-m", "pytest"))
    session.run("coverage", "combine", "--quiet")
    session.run("coverage", "report")


@nox.session(python=["3.10", "3.13", "3.14", "3.15"], download_python="never")
def python(session: nox.Session) -> None:
    """The suite on the oldest Python and on new ones, where they are installed; `-- tests` runs all of it."""
    session.install("-e", ".", *group("test"))
    pytest(session, "-n", "auto", *([] if session.posargs else [f"--ignore={path}" for path in LONG]))


@nox.session
@nox.parametrize("requirements", [nox.param(wanted, id=name) for name, wanted in SDKS.items()])
def sdk(session: nox.Session, requirements: list[str]) -> None:
    """What must hold on every version of the official SDK."""
    session.install("-e", ".", *group("sdk"), *requirements)
    pytest(session, "-n", "auto", "tests/sdk", "tests/real")


@nox.session(python="3.10" if shutil.which("python3.10") else None, download_python="never")
def lowest(session: nox.Session) -> None:
    """The lowest versions that pyproject.toml allows, on the lowest Python if it is installed."""
    if session.venv_backend != "uv":
        session.skip("only uv installs the lowest versions")
    session.install(
        "--resolution=lowest-direct", "-e", ".[recording,server,files,hypothesis,explore,cli]", *group("lowest")
    )
    pytest(session, "-n", "auto", *LOWEST)


@nox.session
@nox.parametrize("requirements", [nox.param(wanted, id=name) for name, wanted in FRAMEWORKS.items()])
def frameworks(session: nox.Session, requirements: list[str]) -> None:
    """The frameworks' own agent classes, unmodified."""
    session.install("-e", ".", *requirements)
    name = session.name.partition("(")[2].rstrip(")")
    pytest(session, "tests/frameworks", "-k", name)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: the rules, then the layout."""
    session.install(*group("lint"))
    session.run("ruff", "check", *session.posargs)
    session.run("ruff", "format", "--check")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy (strict) and pyright on harness/."""
    session.install("-e", ".", *group("types"))
    session.run("mypy")
    session.run("pyright")


@nox.session
def build(session: nox.Session) -> None:
    """The source distribution, and from it, as an installer would, the wheel."""
    session.install(*group("build"))
    shutil.rmtree(ROOT / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", "dist")


@nox.session(requires=["build"])
def wheel(session: nox.Session) -> None:
    """The built wheel: nothing but the package in it, which works with its dependencies alone; then an extra."""
    [built] = (ROOT / "dist").glob("*.whl")
    names = zipfile.ZipFile(built).namelist()
    metadata = f"{'-'.join(built.name.split('-')[:2])}.dist-info/"
    if unexpected := [name for name in names if not name.startswith(("harness/", metadata))]:
        session.error(f"{built.name} also contains {', '.join(unexpected)}")
    for needed in ("harness/__init__.py", "harness/py.typed", f"{metadata}licenses/LICENSE"):
        if needed not in names:
            session.error(f"{built.name} lacks {needed}")

    session.install(str(built))
    with tempfile.TemporaryDirectory() as outside:  # no source tree, conftest.py or pyproject.toml above it
        shutil.copy(ROOT / ".ci" / "test_wheel.py", outside)
        session.chdir(outside)
        session.run("python", "-c", "import harness")
        pytest(session, "test_wheel.py")
        session.install(f"{built}[cli]")
        session.run("harness", "check", str(ROOT / "cassettes"))
        session.run("harness", "routes")
        session.chdir(ROOT)  # Windows cannot remove the folder one stands in
