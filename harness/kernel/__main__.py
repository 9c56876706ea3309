"""Starts the program, given to Python by its path, with nothing of the package above importable but what is installed.

This folder is not importable either, and must not become so: its modules would stand in for those of a cell that have
the same names. So `sys.path` stays as it is, and the folder is a package under a name that nothing else has.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType

NAME = "harness_kernel"


if __name__ == "__main__":
    package = ModuleType(NAME)
    package.__path__ = [os.path.dirname(os.path.abspath(__file__))]
    sys.modules[NAME] = package
    importlib.import_module(f"{NAME}.program").main()
