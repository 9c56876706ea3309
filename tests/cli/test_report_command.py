"""`harness report` writes one page, whole, where it was told to, and nothing else."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from harness.cli import shared
from harness.failures import HarnessFailure
from harness.recording.reporting import report

QUIZ = Path(__file__).resolve().parents[2] / "cassettes" / "quiz.yaml"


def test_report(run):
    assert run("report", QUIZ, "-o", "quiz.html").stdout == "quiz.html\n"
    assert Path("quiz.html").read_text(encoding="utf-8") == report([QUIZ])
    assert os.listdir() == ["quiz.html"]


def test_report_replaces_nothing_unasked(run):
    Path("mine.html").write_text("mine", encoding="utf-8")
    assert "was left as it is" in run("report", QUIZ, "-o", "mine.html", code=1).stderr
    assert Path("mine.html").read_text(encoding="utf-8") == "mine"
    run("report", QUIZ, "-o", "mine.html", "--force")
    assert Path("mine.html").read_text(encoding="utf-8") == report([QUIZ])


def test_a_broken_file_leaves_what_was_there(run):
    Path("broken.yaml").write_text("a: [", encoding="utf-8")
    Path("mine.html").write_text("mine", encoding="utf-8")
    result = run("report", QUIZ, "broken.yaml", "-o", "mine.html", "--force", code=1)
    assert "broken.yaml cannot be read as a cassette" in result.stderr
    assert Path("mine.html").read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_not_there(run):
    result = run("report", QUIZ, "-o", "nowhere/quiz.html", code=1)
    assert result.stderr.startswith(f"Error: {Path('nowhere/quiz.html')} cannot be written: No such file or directory.")
    assert "ls -ld nowhere" in result.stderr


def test_what_is_half_written_is_seen_by_nobody(tmp_path, monkeypatch):
    output = tmp_path / "page.html"
    output.write_text("before", encoding="utf-8")

    def full(new, target):
        assert new.read_text(encoding="utf-8") == "after"
        assert output.read_text(encoding="utf-8") == "before"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(HarnessFailure, match="No space left on device"):
        shared.write_output(output, "after")
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    assert output.read_text(encoding="utf-8") == "before"


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such rights")
def test_others_may_read_what_is_written_as_any_file(tmp_path):
    shared.write_output(tmp_path / "page.html", "page")
    (tmp_path / "other.html").write_text("page", encoding="utf-8")
    assert (tmp_path / "page.html").stat().st_mode == (tmp_path / "other.html").stat().st_mode
