"""The pytest plugin: options, markers, fixtures, and the report section of a failed test.

pytest imports this package at every start, so it imports nothing heavy; the fixtures do. pytest finds hooks and
fixtures by their names here.
"""

from harness.plugin.exploring import pytest_generate_tests, pytest_pyfunc_call
from harness.plugin.fixtures import assistants, assistants_cassette, assistants_server, run_ending
from harness.plugin.reporting import pytest_runtest_makereport, pytest_runtest_setup
from harness.plugin.settings import pytest_addoption, pytest_configure, pytest_make_collect_report

__all__ = [
    "assistants",
    "assistants_cassette",
    "assistants_server",
    "pytest_addoption",
    "pytest_configure",
    "pytest_generate_tests",
    "pytest_make_collect_report",
    "pytest_pyfunc_call",
    "pytest_runtest_makereport",
    "pytest_runtest_setup",
    "run_ending",
]
