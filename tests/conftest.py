"""What tests of every kind need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

KNOWN_EXCHANGES = 1425  # when the shipped numbers and the known differences were written


@pytest.fixture(scope="session")
def shared() -> Path:
    """The recordings and the contract: a folder beside this repository, unless the variable says where."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("PYTEST_ASSISTANTS_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"no recordings: {folder} is not a folder (PYTEST_ASSISTANTS_SHARED says where they are)")
    return folder


@pytest.fixture(scope="session")
def same_recordings(shared: Path) -> None:
    """For tests of what was counted or found in all recordings: others, of the larger set, show other things."""
    exchanges = sum(path.read_bytes().count(b"\n") for path in (shared / "recordings").glob("*.jsonl"))
    if exchanges != KNOWN_EXCHANGES:
        pytest.skip(f"it is about {KNOWN_EXCHANGES} recorded exchanges, and in {shared} are {exchanges}")


@pytest.fixture(params=["libyaml", "python"])
def yaml_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """YAML is read by PyYAML's parser in C, and by the one in Python, which it has alone on a new Python.

    They differ: the latter ends a plain text in `[…]` and `{…}` at a question mark.
    """
    yaml = pytest.importorskip("yaml")
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not hasattr(yaml, "CSafeLoader"):
        pytest.skip("PyYAML has no parser in C here")
