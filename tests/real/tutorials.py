"""Where the tutorials are, the SDK each was written for, and the folder in which their cells find their files."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import openai
import pytest
from notebook import Cell, Document, read_cells

if TYPE_CHECKING:
    from collections.abc import Iterable

ROOT = Path(__file__).resolve().parents[2]
SEEDS = Path(os.environ.get("PYTEST_ASSISTANTS_SHARED", ROOT.parent / "shared")) / "seeds"
FIXTURES = ROOT / "fixtures"

MARKS = [
    pytest.mark.skipif(not SEEDS.is_dir(), reason="the tutorials are not here; PYTEST_ASSISTANTS_SHARED says where"),
    # the tutorials leave the files that they upload open
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
]


def written_for(version: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(
        openai.__version__ != version, reason=f"the tutorial is for openai {version}, this is {openai.__version__}"
    )


def cells(number: str) -> list[Cell]:
    return read_cells(SEEDS / "code" / f"{number}.py")


def document(number: str) -> Document:
    [path] = SEEDS.glob(f"{number}_*.txt")
    return Document(path)


def enter(folder: Path, monkeypatch: pytest.MonkeyPatch, *, files: Iterable[str], pdfs: Iterable[str] = ()) -> None:
    """Make this the working directory: with sales under the names of these files, the handbook under those of PDFs.

    The `dotenv` that the cells import finds nothing to load.
    """
    monkeypatch.chdir(folder)
    dotenv = ModuleType("dotenv")
    dotenv.load_dotenv = lambda: True  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "dotenv", dotenv)
    for source, names in (("sales_2022.csv", files), ("handbook.pdf", pdfs)):
        for name in names:
            place = folder / name
            place.parent.mkdir(exist_ok=True)
            shutil.copy(FIXTURES / source, place)
