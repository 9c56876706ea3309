"""What tests of every kind need."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The recordings and the contract: a folder beside this repository, unless the variable says where."""
    beside = Path(__file__).resolve().parents[2] / "shared"
    folder = Path(os.environ.get("PYTEST_ASSISTANTS_SHARED", beside))
    if not folder.is_dir():
        pytest.skip(f"no recordings: {folder} is not a folder (PYTEST_ASSISTANTS_SHARED says where they are)")
    return folder
