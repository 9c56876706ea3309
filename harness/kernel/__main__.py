"""Starts the program when Python is given this file's path.

This folder must not come onto `sys.path`: its modules would shadow modules of a cell that have the same names. So it is
registered as a package under a name of its own.
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
