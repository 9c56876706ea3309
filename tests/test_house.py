"""The rules that keep the code a house rather than a heap, read off the syntax trees: which file may use what.

Imports for type checkers and imports inside functions count like all others. A new rule is a new row of RULES.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

HOUSE = Path(__file__).resolve().parents[1] / "harness"
FILES = {path.relative_to(HOUSE).as_posix(): path for path in sorted(HOUSE.rglob("*.py"))}
MAX_LINES = 400
PATCHED = "<patched>"  # what somebody assigns to is reported under this name: <patched>.sleep
ANYTHING = "<anything>"  # and what is asked of whatever it is, under this: <anything>.read_bytes
# Functions that are told by a text what to assign to, or to ask for.
NAMING = {**dict.fromkeys(("setattr", "patch", "object"), PATCHED), **dict.fromkeys(("getattr", "hasattr"), ANYTHING)}


@dataclass(frozen=True)
class Rule:
    """Among these files, only some may use a module, or a name in one; `but` says what of it anyone may."""

    says: str
    uses: tuple[str, ...]
    only_in: tuple[str, ...] = ()
    among: str = "*"
    but: tuple[str, ...] = ()


SERVICE = ("harness.service", "harness.failures")
RULES = (
    Rule("the service knows nothing of its callers", ("harness",), among="service/*", but=SERVICE),
    Rule(
        "the service does no I/O and waits for nobody",
        (
            "_thread",
            "aiohttp",
            "anyio",
            "asyncio",
            "concurrent",
            "httpx",
            "httpx2",
            "io.open",
            "multiprocessing",
            "openai",
            "open",
            "pathlib",
            "pytest",
            "requests",
            "select",
            "socket",
            "ssl",
            "subprocess",
            "threading",
            "trio",
            "vcr",
            *(f"{ANYTHING}.{method}" for method in ("open", "read_bytes", "read_text", "write_bytes", "write_text")),
        ),
        among="service/*",
    ),
    Rule("failures know nothing of the house", ("harness",), among="failures.py"),
    Rule(
        "transports know only the service, how functions are replaced, and which hosts are this machine",
        ("harness",),
        among="transports/*",
        but=("harness.transports", "harness.patching", "harness.loopback", *SERVICE),
    ),
    Rule("source knows only the service", ("harness",), among="source/*", but=("harness.source", *SERVICE)),
    Rule(
        "recording knows only the service, and how files, source and reports are written",
        ("harness",),
        among="recording/*",
        but=(
            "harness.yaml_limits",
            "harness.cassette_paths",
            "harness.recording",
            "harness.report",
            "harness.source",
            "harness.atomic_files",
            *SERVICE,
        ),
    ),
    Rule("files are replaced in one place", ("os.replace", "os.rename", "os.fsync"), only_in=("atomic_files.py",)),
    Rule(
        "scenarios know only the service, and how source is written",
        ("harness",),
        among="scenarios/*",
        but=("harness.yaml_limits", "harness.scenarios", "harness.source", *SERVICE),
    ),
    Rule("reports know only the service", ("harness",), among="report/*", but=("harness.report", *SERVICE)),
    Rule(
        "strategies know only the service and what was recorded of it",
        ("harness",),
        among="strategies/*",
        but=("harness.recording", "harness.source", "harness.strategies", *SERVICE),
    ),
    Rule("the sandbox knows nothing of the house", ("harness",), among="sandbox.py", but=("harness.failures",)),
    Rule("the kernel knows nothing of the house", ("harness",), among="kernel/*", but=("harness.kernel",)),
    Rule("nothing is built on the plugin", ("harness.plugin",), only_in=("plugin/*",)),
    Rule("nothing is built on the command line", ("harness.cli",), only_in=("__main__.py", "cli.py", "cli/*")),
    Rule(
        "randomness has one owner, one who holds that of clients still, and one who makes tokens",
        ("random", "secrets", "uuid", "os.urandom"),
        only_in=("service/store.py", "exploring/runner.py", "serving/__init__.py"),
    ),
    Rule(
        "time has one owner, and one that advances it with real time",
        ("time", "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.datetime.today", "datetime.date.today"),
        only_in=("service/clock.py", "sleeping.py", "serving/real_time.py"),
    ),
    Rule("sleeping is patched in one place", (f"{PATCHED}.sleep",), only_in=("sleeping.py",)),
    Rule(
        "sockets and HTTP libraries have one owner",
        (
            "aiohttp",
            "http.client",
            "http.server",
            "httpcore",
            "httpcore2",
            "httpx",
            "httpx2",
            "requests",
            "socket",
            "socketserver",
            "ssl",
            "urllib.request",
            "urllib3",
            "uvicorn",
        ),
        only_in=("transports/*",),
    ),
    Rule(
        "subprocesses have one owner",
        (
            "multiprocessing",
            "subprocess",
            "os.execv",
            "os.fork",
            "os.popen",
            "os.posix_spawn",
            "os.spawnv",
            "os.system",
        ),
        only_in=("recording_proxy.py", "sandbox.py"),
    ),
    Rule("vcrpy has one owner", ("vcr",), only_in=("recording/*",)),
    Rule("pytest has one owner", ("_pytest", "pytest"), only_in=("plugin/*",)),
    Rule(
        "the environment has one reader",
        ("os.environ", "os.environb", "os.getenv", "os.putenv"),
        only_in=("environment.py",),
    ),
    Rule("Hypothesis has its rooms", ("hypothesis",), only_in=("strategies/*", "machine/*")),
    Rule("Faker has its room", ("faker",), only_in=("faker.py", "recording/redacting/standins.py")),
)


def used(source: str, file: str = "module.py") -> list[tuple[int, str]]:
    """Each name of another module that a file uses, dotted and in full, with its line."""
    tree = ast.parse(source)
    package = ["harness", *Path(file).parent.parts]
    known = {"open": "open"}  # what a name in this file stands for
    found: list[tuple[int, str]] = []
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                for name in node.names:
                    found.append((node.lineno, name.name))
                    bound = name.asname or name.name.partition(".")[0]
                    known[bound] = name.name if name.asname else bound
            case ast.ImportFrom():
                above = package[: len(package) - node.level + 1] if node.level else []
                module = ".".join([*above, *filter(None, [node.module])])
                for name in node.names:
                    found.append((node.lineno, f"{module}.{name.name}"))
                    known[name.asname or name.name] = f"{module}.{name.name}"
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(attr=attribute, ctx=ast.Store()):
                found.append((node.lineno, f"{PATCHED}.{attribute}"))
            case ast.Attribute() | ast.Name():
                first, *rest = ast.unparse(node).split(".")
                if first in known:
                    found.append((node.lineno, ".".join([known[first], *rest])))
            case ast.Call(func=function, args=[*arguments]):
                called = ast.unparse(function).rpartition(".")[2]
                texts = [a.value for a in arguments if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                if called in {"import_module", "__import__"}:
                    found += [(node.lineno, text) for text in texts]
                if called in NAMING:
                    found += [(node.lineno, f"{NAMING[called]}.{text.rpartition('.')[2]}") for text in texts]
    asked = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return [*found, *((node.lineno, f"{ANYTHING}.{node.attr}") for node in asked)]


def within(name: str, modules: tuple[str, ...]) -> bool:
    return any(name == module or name.startswith(f"{module}.") for module in modules)


def broken(rule: Rule, file: str, source: str) -> list[str]:
    if not fnmatchcase(file, rule.among) or any(fnmatchcase(file, owner) for owner in rule.only_in):
        return []
    uses = {use for use in used(source, file) if within(use[1], rule.uses) and not within(use[1], rule.but)}
    return [f"harness/{file}:{line} uses {name}" for line, name in sorted(uses)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.says)
def test_rule(rule):
    offenders = [use for file, path in FILES.items() for use in broken(rule, file, path.read_text(encoding="utf-8"))]
    where = f"; only {', '.join(rule.only_in)} may" if rule.only_in else ""
    assert not offenders, f"{rule.says}{where}:\n" + "\n".join(offenders)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("import socket", "socket"),
        ("import http.client as c", "http.client"),
        ("from os import environ", "os.environ"),
        ("from os import environ as e\ne['HOME']", "os.environ"),
        ("import os\nos.environ['HOME']", "os.environ"),
        ("import os as o\no.environ.get('HOME')", "os.environ.get"),
        ("from datetime import datetime\ndatetime.now()", "datetime.datetime.now"),
        ("from .. import fake", "harness.fake"),
        ("from ..fake import FakeAssistants", "harness.fake.FakeAssistants"),
        ("from . import store", "harness.service.store"),
        ("def f():\n    import httpx", "httpx"),
        ("if TYPE_CHECKING:\n    import httpx", "httpx"),
        ("import importlib\nimportlib.import_module('httpx')", "httpx"),
        ("open('file')", "open"),
        ("path.read_bytes()", f"{ANYTHING}.read_bytes"),
        ("getattr(path, 'open')()", f"{ANYTHING}.open"),
        ("time.sleep = instant", f"{PATCHED}.sleep"),
        ("setattr(time, 'sleep', instant)", f"{PATCHED}.sleep"),
        ("mock.patch('time.sleep')", f"{PATCHED}.sleep"),
        ("mock.patch.object(asyncio, 'sleep')", f"{PATCHED}.sleep"),
    ],
)
def test_every_way_to_use_a_module_is_found(source, name):
    assert name in [name for _, name in used(source, "service/module.py")]


def test_a_rule_spares_its_owners_and_what_anyone_may_use():
    source = "import harness.fake\nfrom harness import failures\nfrom harness.service import store"
    rule = Rule("", ("harness",), only_in=("service/owner.py",), among="service/*", but=SERVICE)
    assert broken(rule, "service/deep/er.py", source) == ["harness/service/deep/er.py:1 uses harness.fake"]
    assert broken(rule, "service/owner.py", source) == broken(rule, "fake.py", source) == []


def test_every_file_can_be_read_in_one_sitting():
    lengths = {file: len(path.read_text(encoding="utf-8").splitlines()) for file, path in FILES.items()}
    assert lengths
    assert {file: length for file, length in lengths.items() if length > MAX_LINES} == {}


HEAVY = (
    "aiohttp",
    "anyio",
    "asyncio",
    "click",
    "faker",
    "filelock",
    "httpx",
    "httpx2",
    "hypothesis",
    "openai",
    "pydantic",
    "pydantic_core",
    "trio",
    "uvicorn",
    "vcr",
)


@pytest.mark.parametrize(
    ("without", "also"),
    [
        ("import pytest", "import harness"),
        ("import pytest", "import harness.plugin"),
        # a whole session that never asks for the fixture
        ("import pytest; pytest.main(['-q'])", "pytest.main(['-q', '-p', 'harness.plugin'])"),
    ],
    ids=["package", "plugin", "session"],
)
def test_nothing_heavy_is_loaded_until_it_is_used(without, also, tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    tmp_path.joinpath("test_something.py").write_text("def test_something(): pass\n", encoding="utf-8")
    added = "print(json.dumps(sorted(set(sys.modules) - before)))"
    code = f"import json, sys\n{without}\nbefore = set(sys.modules)\n{also}\n{added}"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    loaded = json.loads(done.stdout.splitlines()[-1])
    assert "harness" in loaded
    assert [module for module in loaded if module in HEAVY] == []
