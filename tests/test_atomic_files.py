"""Files that are replaced keep what they are: links, modes, devices (see also recording/test_cassettes_written.py)."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from harness.atomic_files import write_atomic

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there are no modes and pipes, and links need a privilege")


def mode_of(path):
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("target", ["file.txt", "folder/file.txt", "other-link"])
def test_the_target_of_a_link_is_replaced(tmp_path, target):
    file = tmp_path / "folder" / "file.txt" if "/" in target else tmp_path / "file.txt"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(b"old")
    tmp_path.joinpath("other-link").symlink_to("file.txt")
    link = tmp_path / "link.txt"
    link.symlink_to(target)
    write_atomic(link, b"new")
    assert os.readlink(link) == target
    assert file.read_bytes() == b"new"
    assert not list(tmp_path.rglob("*.tmp"))


def test_the_missing_target_of_a_link_is_created(tmp_path):
    link = tmp_path / "link.txt"
    link.symlink_to("file.txt")
    write_atomic(link, b"new")
    assert link.is_symlink()
    assert tmp_path.joinpath("file.txt").read_bytes() == b"new"


def test_links_that_lead_nowhere_are_refused(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(OSError, match="symbolic links"):
        write_atomic(one, b"new")


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o664, 0o755])
def test_a_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "file.txt"
    path.write_bytes(b"old")
    path.chmod(mode)
    write_atomic(path, b"new")
    assert path.read_bytes() == b"new"
    assert mode_of(path) == mode


def test_nobody_else_reads_a_private_file_while_it_is_written(tmp_path, monkeypatch):
    path, modes, sync = tmp_path / "file.txt", [], os.fsync
    path.touch(0o600)
    monkeypatch.setattr(os, "fsync", lambda handle: modes.append(os.fstat(handle).st_mode) or sync(handle))
    write_atomic(path, b"new")
    assert stat.S_IMODE(modes[0]) == 0o600


def test_the_mode_of_a_new_file_follows_the_umask(tmp_path):
    path, other = tmp_path / "file.txt", tmp_path / "other.txt"
    other.touch()
    write_atomic(path, b"new")
    assert mode_of(path) == mode_of(other)


@pytest.mark.parametrize("linked", [False, True])
def test_a_pipe_is_written_to(tmp_path, linked):
    path, pipe = tmp_path / "path", tmp_path / "pipe"
    os.mkfifo(pipe)
    path.symlink_to(pipe) if linked else pipe.rename(path)
    read = []
    reader = threading.Thread(target=lambda: read.append(path.read_bytes()), daemon=True)
    reader.start()
    write_atomic(path, b"new")
    reader.join(10)
    assert read == [b"new"]
    assert stat.S_ISFIFO(path.stat().st_mode)


def test_a_folder_is_refused(tmp_path):
    with pytest.raises(OSError, match="directory"):
        write_atomic(tmp_path, b"new")


def test_dev_stdout_is_appended_to(tmp_path):
    log = tmp_path / "log.txt"
    log.write_text("old\n")
    program = (
        "import sys; from pathlib import Path; from harness.atomic_files import write_atomic; "
        "print('head', flush=True); "
        "write_atomic(Path('/dev/stdout'), b'content\\n'); print('foot')"
    )
    with log.open("a") as output:
        subprocess.run([sys.executable, "-c", program], stdout=output, check=True)
    assert log.read_text() == "old\nhead\ncontent\nfoot\n"


@pytest.mark.skipif(not os.path.isdir("/dev/shm"), reason="this system keeps no files there")
def test_a_file_in_dev_shm_is_a_regular_file():
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder, "file.txt")
        for content in (b"old and long", b"new"):
            write_atomic(path, content)
        assert path.read_bytes() == b"new"
