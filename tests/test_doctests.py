"""Every example in a docstring of the package is executed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest

import harness

MODULES = [
    "harness",
    *(found.name for found in pkgutil.walk_packages(harness.__path__, "harness.") if found.name != "harness.__main__"),
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) > 20
