"""Every example in a docstring of the package is executed."""

from __future__ import annotations

import doctest
import importlib
import pkgutil

import pytest
from hypothesis import HealthCheck, settings

import harness

MODULES = [
    "harness",
    *(found.name for found in pkgutil.walk_packages(harness.__path__, "harness.") if found.name != "harness.__main__"),
]


@pytest.fixture
def patient():
    """How long this machine takes to draw an example is no finding."""
    settings.register_profile("usual", settings())
    settings.register_profile("patient", settings(deadline=None, suppress_health_check=[HealthCheck.too_slow]))
    settings.load_profile("patient")
    yield
    settings.load_profile("usual")


@pytest.mark.parametrize("name", MODULES)
def test_examples_of(name, patient):
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_there_are_examples():
    finder = doctest.DocTestFinder(exclude_empty=True)
    found = [test for name in MODULES for test in finder.find(importlib.import_module(name)) if test.examples]
    assert len(found) > 20
