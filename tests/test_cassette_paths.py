"""Cassettes that are named like tests, whatever these are called and whatever a file system takes for one name."""

from __future__ import annotations

import os
from hashlib import sha256
from unicodedata import normalize

import pytest

from harness.atomic_files import write_atomic
from harness.cassette_paths import MAX_BYTES, MAX_CHARACTERS, cassette_path, default_path, file_name

SHORT = "test_" + "가" * 65  # 200 bytes
LONG = "test_" + "가" * 66


def hashed(plain, name):
    return f"{plain}-{sha256(name.encode()).hexdigest()[:8]}.yaml"


@pytest.mark.parametrize(
    ("test", "file"),
    [
        ("TestRain.test_it[GPT-4o, 50=50+1@(x)]", "TestRain.test_it[GPT-4o, 50=50+1@(x)].yaml"),
        ("test_it[a/b]", hashed("test_it[a-b]", "test_it[a/b]")),
        ("t" * MAX_CHARACTERS, "t" * MAX_CHARACTERS + ".yaml"),
        ("t" * 81, hashed("t" * MAX_CHARACTERS, "t" * 81)),
        (SHORT, SHORT + ".yaml"),
        (LONG, hashed(SHORT, LONG)),
        ("te" + LONG, hashed("te" + SHORT[:-1], "te" + LONG)),
        ("console", "console.yaml"),
        ("test_falcon", "test_falcon.yaml"),
        *[(name, hashed(name, name)) for name in ("con", "AUX", "nul.x", "PRN", "Com1", "com¹", "lpt²", "lpt³ .y")],
    ],
)
def test_a_cassette_is_named_like_its_test(test, file, tmp_path):
    path = cassette_path(tmp_path / "missing", test)
    assert path == tmp_path / "missing" / file
    assert path.name == file_name(test)
    assert len(path.name.encode()) <= MAX_BYTES + len("-12345678.yaml")


@pytest.mark.parametrize("test", [LONG, "비" * 500, "👋" * 80])
def test_the_file_can_be_written(test, tmp_path):
    path = cassette_path(tmp_path, test)
    write_atomic(path, b"")
    assert cassette_path(tmp_path, test) == path


@pytest.mark.parametrize(
    ("test", "file"), [(LONG, LONG + ".yaml"), ("con", "con.yaml"), ("Test_it[A]", "Test_it[A].yaml")]
)
def test_what_an_earlier_version_wrote_is_found(test, file, tmp_path):
    (tmp_path / file).touch()
    assert cassette_path(tmp_path, test) == tmp_path / file


def test_tests_that_differ_only_in_case_have_distinct_files(tmp_path):
    upper, lower = "test_it[A]", "test_it[a]"
    first = cassette_path(tmp_path, upper)
    assert first.name == "test_it[A].yaml"
    first.touch()
    second = cassette_path(tmp_path, lower)
    assert second.name == hashed(lower, lower)
    second.touch()
    assert cassette_path(tmp_path, upper) == first
    first.unlink()
    assert cassette_path(tmp_path, lower) == second


def test_tests_whose_names_differ_only_in_what_no_file_is_called_have_distinct_files(tmp_path):
    (tmp_path / "test_it[a-b].yaml").touch()
    assert cassette_path(tmp_path, "test_it[a/b]").name == hashed("test_it[a-b]", "test_it[a/b]")


def test_existing_files_that_differ_only_in_case_are_kept(tmp_path):
    for test in ("test_it[A]", "test_it[a]"):
        (tmp_path / f"{test}.yaml").touch()
    assert [cassette_path(tmp_path, test).name for test in ("test_it[A]", "test_it[a]")] == [
        "test_it[A].yaml",
        "test_it[a].yaml",
    ]


@pytest.fixture
def one_case(monkeypatch):
    """A file system that finds a file whatever the capitals in its name, and however it is composed."""
    exists = os.path.exists

    def found(path):
        folder, name = os.path.split(path)
        same = [normalize("NFC", other).casefold() for other in (os.listdir(folder) if exists(folder) else [])]
        return normalize("NFC", name).casefold() in same

    monkeypatch.setattr(os.path, "exists", found)


@pytest.mark.usefixtures("one_case")
def test_the_file_of_another_test_is_not_taken_for_ones_own(tmp_path):
    (tmp_path / "test_it[A].yaml").touch()
    assert cassette_path(tmp_path, "test_it[A]").name == "test_it[A].yaml"
    assert cassette_path(tmp_path, "test_it[a]").name == hashed("test_it[a]", "test_it[a]")


@pytest.mark.usefixtures("one_case")
def test_a_file_with_a_decomposed_name_is_found(tmp_path):
    """As HFS+ does."""
    (tmp_path / (normalize("NFD", "test_비") + ".yaml")).touch()
    assert cassette_path(tmp_path, "test_비").name == "test_비.yaml"


@pytest.mark.parametrize("beside", [False, True])
def test_a_cassette_beside_the_module_is_preferred(beside, tmp_path):
    module = tmp_path / "tests" / "test_app.py"
    there = module.parent / "cassettes" / "test_app" / "test_it.yaml"
    if beside:
        there.parent.mkdir(parents=True)
        there.touch()
    found = default_path(module, "test_it", tmp_path, tmp_path / "all")
    assert found == (there if beside else tmp_path / "all" / "tests" / "test_app" / "test_it.yaml")


def test_a_module_outside_the_root_has_its_cassettes_in_the_folder(tmp_path):
    found = default_path(tmp_path / "test_app.py", "test_it", tmp_path / "root", tmp_path / "all")
    assert found == tmp_path / "all" / "test_app" / "test_it.yaml"
