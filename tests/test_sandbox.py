"""Cells that are executed: what they may do, what becomes of those that may not, and that nothing is left behind.

No test waits for a limit that it does not mean to meet: those of cells that shall succeed are generous.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest

from harness import HarnessFailure, sandbox
from harness.sandbox import MEBIBYTE, Limits, Sandbox

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no `resource`")
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux enforces the limit of memory")


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """Where the folders of interpreters are made: empty again after each test, and no thread is left."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    threads = threading.active_count()
    yield tmp_path
    assert list(tmp_path.glob("code-interpreter-*")) == []
    assert threading.active_count() == threads


@pytest.fixture
def box():
    made = Sandbox()
    yield made
    made.close()


def boxed(**limits):
    return Sandbox(Limits(**limits))


def last_line(ran):
    return ran.logs.splitlines()[-1]


# --- what a notebook does ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "logs"),
    [
        ("1 + 1", "2"),
        ("1 + 1;", ""),
        ("None", ""),
        ("", ""),
        ("x = 1", ""),
        ("print('a')\n'b'", "a\n'b'"),
        ("print('a', file=__import__('sys').stderr)", "a\n"),
        ("[1]", "[1]"),  # recorded: openllmetry, 2024-03
        ("list(range(30))", "[" + ",\n ".join(map(str, range(30))) + "]"),  # recorded: the seeds, 2023-11
        ("'x' * 100", repr("x" * 100)),
        ("print('\\ud800')", "?\n"),
        ("'한국어 🎉'", "'한국어 🎉'"),
        ("x = = 1", "  Cell In[1], line 1\n    x = = 1\n        ^\nSyntaxError: invalid syntax\n"),
    ],
)
def test_what_a_cell_prints(box, source, logs):
    assert box.run(source).logs == logs


def test_cells_see_what_earlier_ones_made(box):
    box.run("def double(x):\n    return 2 * x")
    box.run("import math as m")
    assert box.run("double(m.floor(2.5))").logs == "4"
    assert box.run("_ + 1").logs == "5"


def test_a_traceback_shows_the_cells_and_names_the_libraries(box):
    box.run("import json\n\ndef load(text):\n    return json.loads(text)")
    lines = box.run("load('{')").logs.splitlines()
    assert lines[0] == "-" * 75
    assert lines[1:6] == [
        "JSONDecodeError                           Traceback (most recent call last)",
        "Cell In[2], line 1",
        "----> 1 load('{')",
        "",
        "Cell In[1], line 4, in load",
    ]
    assert "----> 4     return json.loads(text)" in lines
    assert any(line.startswith("File ") and line.endswith(", in loads") for line in lines)
    assert lines[-1].startswith("JSONDecodeError: Expecting property name")


def test_a_traceback_does_not_show_what_executes_the_cell(box):
    lines = box.run("open('/mnt/data/none.csv')").logs.splitlines()
    assert [line for line in lines if "line 1" in line or line.startswith("File ")] == ["Cell In[1], line 1"]


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("exit()", "SystemExit: None"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("input()", "EOFError: EOF when reading a line"),
        ("open('/mnt/data/none.csv')", "FileNotFoundError: [Errno 2] No such file or directory: '/mnt/data/none.csv'"),
    ],
)
def test_whatever_ends_a_cell_does_not_end_the_notebook(box, source, last):
    assert last_line(box.run(f"kept = 1\n{source}")) == last
    assert box.run("kept").logs == "1"


def test_a_value_that_is_a_picture_is_drawn(box):
    ran = box.run("class Chart:\n    def _repr_png_(self):\n        return b'png'\nChart()")
    assert (ran.logs, ran.drawings) == ("", (b"png",))
    assert box.run("[Chart()] and Chart()").drawings == (b"png",)
    assert box.run("class Bare:\n    def _repr_png_(self):\n        return None\nrepr(Bare())[:1]").drawings == ()


FAKE_PLOTS = """
import sys, types
class Figure:
    def savefig(self, file, format):
        file.write(b"png")
class Broken:
    def savefig(self, file, format):
        raise ValueError("no size")
plots = types.ModuleType("matplotlib.pyplot")
plots.open = {1: Figure(), 2: Broken()}
plots.get_fignums = lambda: list(plots.open)
plots.figure = plots.open.get
plots.close = plots.open.pop
sys.modules["matplotlib.pyplot"] = plots
"""


def test_open_figures_are_drawn_and_closed(box):
    ran = box.run(FAKE_PLOTS)
    assert (ran.drawings, last_line(ran)) == ((b"png",), "ValueError: no size")
    assert box.run("1").drawings == ()


def test_pickle_and_typing_find_what_a_cell_defines(box):
    box.run("import pickle, typing\nclass Point:\n    near: 'Point'")
    assert box.run("type(pickle.loads(pickle.dumps(Point()))) is Point").logs == "True"
    assert box.run("typing.get_type_hints(Point)['near'] is Point").logs == "True"


def test_annotations_are_what_the_cell_says(box):
    assert box.run("def double(x: int): ...\ndouble.__annotations__").logs == "{'x': <class 'int'>}"
    assert box.run("from __future__ import annotations\ndef f(x: int): ...\nf.__annotations__").logs == "{'x': 'int'}"


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("x = 1\n\f\ny = 2\n1 / 0", "----> 4 1 / 0"),
        ("x = 'a\u2028b'\n1 / 0", "----> 2 1 / 0"),
        ("x = 1\r\ny = 2\r1 / 0", "----> 3 1 / 0"),
    ],
)
def test_lines_are_counted_as_python_counts_them(box, source, line):
    lines = box.run(source).logs.splitlines()
    assert line in lines
    assert lines[-1] == "ZeroDivisionError: division by zero"


@pytest.mark.parametrize(
    ("source", "last"),
    [
        ("sys.stdout.write(b'abc')", "TypeError: write() argument must be str, not bytes"),
        ("class E(Exception):\n    def __str__(self):\n        exit()\nraise E", "E: <exception str() failed>"),
        ("raise SyntaxError('odd', (7, 1, 1, ''))", "SyntaxError: odd (line 1)"),
        ("sys.stdout = open('log.txt', 'w')\nsys.stdout.close()\n1 / 0", "ZeroDivisionError: division by zero"),
        ("sys.stdout = None\n5", "5"),
        ("del sys.stdout, sys.stderr\nprint()", "RuntimeError: lost sys.stdout"),
        ("sys.stdout.close()\nprint('still', flush=True)", "still"),
        ("sys.stdout.encoding", "'utf-8'"),
        (f"{FAKE_PLOTS}\nplots.get_fignums = None", "TypeError: 'NoneType' object is not callable"),
    ],
)
def test_no_mistake_with_output_ends_the_interpreter(box, source, last):
    assert last_line(box.run(f"import sys\nkept = 1\n{source}")) == last
    assert box.run("print('there', kept, flush=True)").logs.startswith("there 1\n")


def test_a_figure_that_ends_the_drawing_is_closed_all_the_same(box):
    ran = box.run(FAKE_PLOTS + "\nBroken.savefig = lambda *_, **__: exit()")
    assert (ran.drawings, last_line(ran)) == ((b"png",), "SystemExit: None")
    assert box.run("1").logs == "1"


# --- /mnt/data -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "read",
    [
        "open('/mnt/data/a b.csv').read()",
        "open('a b.csv').read()",
        "open(b'/mnt/data/a b.csv').read()",
        "open('/mnt/data/file-1').read()",
        "__import__('io').open('/mnt/data/a b.csv').read()",
        "__import__('pathlib').Path('/mnt/data/a b.csv').read_text()",
        "open(__import__('glob').glob('/mnt/data/*.csv')[0]).read()",
        "next(__import__('pathlib').Path('/mnt/data').glob('*.csv')).read_text()",
        "open(__import__('os').path.abspath('a b.csv')).read()",
        "next(__import__('os').scandir(path='/mnt/data')).name and '1,2'",
        "__import__('os').path.getsize('/mnt/data/a b.csv') == 3 and '1,2'",
        "__import__('os').listdir('/mnt/data') == ['a b.csv'] and '1,2'",
        "__import__('os').getcwd() == '/mnt/data' and '1,2'",
        "open(file='/mnt/data/a b.csv').read()",
        "__import__('os').path.isdir(s='/mnt/data') and '1,2'",
        "open(__import__('os').rename('/mnt/data/a b.csv', dst='/mnt/data/b') or 'b').read()",
        "open(__import__('os').rename(src='/mnt/data/a b.csv', dst='/mnt/data/b') or 'b').read()",
        "open(__import__('shutil').copy2(src='/mnt/data/a b.csv', dst='/mnt/data/b')).read()",
    ],
)
def test_files_lie_in_the_folder(box, read):
    assert box.run(read, [("file-1", "a b.csv", b"1,2")]).logs == "'1,2'"


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\temp\\a.csv", "a.csv"),
        ("/mnt/data/a.csv", "a.csv"),
        ("..", "file-1"),
        ("", "file-1"),
        ("a/", "file-1"),
        ("x" * 300 + ".csv", "file-1"),
        ("a\nb\0c.csv", "a_b_c.csv"),
        ("你好.txt", "你好.txt"),
    ],
)
def test_a_path_as_file_name_stays_in_the_folder(box, given, name, temporary):
    assert box.run("import os\nos.listdir()", [("file-1", given, b"1")]).logs == repr([name])
    assert [path.name for path in temporary.rglob("*") if path.is_file()] == [name]


def test_two_files_of_one_name_are_both_there(box):
    files = [("file-1", "a.csv", b"1"), ("file-2", "a.csv", b"2")]
    assert box.run("open('a.csv').read() + open('/mnt/data/file-2-a.csv').read()", files).logs == "'12'"
    assert box.run("open('/mnt/data/file-2').read()", files).logs == "'2'"


def test_new_and_changed_files_are_reported_once(box):
    files = [("file-1", "a.csv", b"1"), ("file-2", "b.csv", b"2")]
    make = "import os\nos.mkdir('/mnt/data/out')\nos.symlink('/mnt/data/a.csv', '/mnt/data/link')\n"
    write = "open('/mnt/data/out/c.txt', 'w').write('3')\nopen('a.csv', 'a').write('+')"
    assert box.run(make + write, files).files == (
        ("a.csv", b"1+"),
        ("out/c.txt", b"3"),
    )
    assert box.run("os.rename('/mnt/data/out/c.txt', '/mnt/data/d.txt')", files).files == (("d.txt", b"3"),)
    assert box.run("import shutil\nshutil.rmtree('/mnt/data/out')", files).files == ()
    assert box.run("import tempfile\ntempfile.NamedTemporaryFile().write(b'1');", files).files == ()


@LINUX  # macOS and Windows have no such names
def test_bytes_of_a_file_name_that_are_no_text_are_replaced(box):
    ran = box.run("with open(b'/mnt/data/caf\\xe9.txt', 'w') as file:\n    file.write('1');")
    assert (ran.logs, ran.files) == ("", (("caf?.txt", b"1"),))
    assert box.run("1").files == ()


def test_what_cannot_be_read_is_left_out(box, monkeypatch):
    read_bytes = Path.read_bytes

    def refuse(path):
        if path.name == "locked":
            raise PermissionError(13, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", refuse)  # by its mode alone it could be read by root
    assert box.run("for name in ('a', 'locked', 'z'): open(name, 'w').close()").files == (("a", b""), ("z", b""))


def test_files_that_vanish_during_the_listing_are_left_out(box, tmp_path, monkeypatch):
    """As when a cell has left a thread that goes on."""
    vanish = "import os\nwalk = os.walk\nos.walk = lambda top: [(top, [], ['gone'])]\n"
    assert box.run(f"{vanish}open('a', 'w').close()\nos.walk = walk").logs == ""
    tmp_path.joinpath("here").touch()
    monkeypatch.setattr(os, "walk", lambda top: [(top, [], ["gone", "here"])])
    assert list(sandbox._file_states(tmp_path)) == ["here"]


@POSIX
def test_a_file_that_is_put_there_goes_through_no_link(box, tmp_path):
    box.run(f"import os\nos.symlink({str(tmp_path / 'escaped.csv')!r}, 'b.csv')")
    assert box.run("open('/mnt/data/file-2').read()", [("file-2", "b.csv", b"2")]).logs == "'2'"
    assert not tmp_path.joinpath("escaped.csv").exists()


@POSIX  # elsewhere nobody can remove the working directory
@pytest.mark.parametrize("end", ["shutil.rmtree('/mnt/data')", "shutil.rmtree('/mnt/data'); os.makedirs('/mnt/data')"])
def test_a_folder_that_was_removed_is_there_for_the_next_cell(box, end):
    assert box.run(f"import os, shutil\n{end}", [("file-1", "a.csv", b"1")]).logs == ""
    ran = box.run("open('c.csv', 'w').write(open('/mnt/data/b.csv').read());", [("file-2", "b.csv", b"2")])
    assert (ran.logs, ran.files) == ("", (("c.csv", b"2"),))
    assert box.run("os.getcwd()").logs == "'/mnt/data'"


IN_C = """
import os, runpy, sys
def in_c(asked_for):  # as Windows has them from Python 3.12 on: they do not go through `os.stat`
    return lambda *path: os.fspath(*path) == asked_for
kernel = runpy.run_path(sys.argv[1])
for name in ("exists", "isdir", "isfile", "islink", "lexists"):
    setattr(os.path, name, in_c(os.path.join("folder", "a.csv")))
kernel["redirect_paths"](kernel["PathRedirect"]("folder", {}))
print(*(getattr(os.path, name)("/mnt/data/a.csv") for name in ("exists", "isdir", "isfile", "islink", "lexists")))
"""


def test_functions_written_in_c_are_redirected():
    redirect = str(sandbox.KERNEL.with_name("redirect.py"))
    done = subprocess.run([sys.executable, "-c", IN_C, redirect], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 5


COPIES = """
import os, runpy, sys, types
class Globber:  # as `glob` has one from Python 3.13 on, for `Path.glob`: with functions as they were when it was loaded
    lexists = staticmethod(os.path.lexists)
    scandir = staticmethod(os.scandir)
    own = staticmethod(len)
sys.modules["glob"] = types.SimpleNamespace(_StringGlobber=Globber)
kernel = runpy.run_path(sys.argv[1])
kernel["redirect_paths"](kernel["PathRedirect"](sys.argv[2], {}))
print(Globber.lexists("/mnt/data/a.csv"), [file.name for file in Globber.scandir("/mnt/data")], Globber.own("four"))
"""


def test_copies_of_redirected_functions_are_redirected(tmp_path):
    tmp_path.joinpath("a.csv").touch()
    command = [sys.executable, "-c", COPIES, str(sandbox.KERNEL.with_name("redirect.py")), str(tmp_path)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "True ['a.csv'] 4\n"


# --- what it may not do --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "says"),
    [
        ("import socket\nsocket.create_connection(('127.0.0.1', 80))", "no network"),
        ("import socket\nsocket.socket().connect(('127.0.0.1', 80))", "no network"),
        ("import socket\nsocket.gethostbyname('localhost')", "no network"),
        ("import urllib.request\nurllib.request.urlopen('http://127.0.0.1')", "no network"),
        ("import subprocess\nsubprocess.run(['true'])", "starts no other processes"),
        ("import os\nos.system('true')", "starts no other processes"),
        pytest.param("import os\nos.fork()", "starts no other processes", marks=POSIX),
        pytest.param(
            "import multiprocessing as m\nm.get_context('spawn').Process(target=print).start()",
            "starts no other processes",
            marks=POSIX,
        ),
        ("import os\nos.kill(os.getppid(), 0)", "signals no other processes"),
        ("open('../../escaped.txt', 'w')", "writes only below /mnt/data"),
        ("open('/mnt/data/../../escaped.txt', 'w')", "writes only below /mnt/data"),
        ("import os\nos.mkdir({outside!r})", "writes only below /mnt/data"),
        ("import os\nos.rename('/mnt/data/a.csv', {outside!r})", "writes only below /mnt/data"),
        ("import os\nos.remove({outside!r})", "writes only below /mnt/data"),
        ("import os\nos.symlink({outside!r}, 'link')\nopen('link', 'w')", "writes only below /mnt/data"),
        ("import shutil\nshutil.rmtree({outside!r})", "writes only below /mnt/data"),
        ("import sqlite3\nsqlite3.connect({outside!r})", "writes only below /mnt/data"),
        pytest.param("import os\nos.setxattr({outside!r}, 'user.a', b'')", "writes only below /mnt/data", marks=LINUX),
    ],
)
def test_what_a_cell_may_not_do_is_refused(box, source, says, temporary):
    outside = temporary / "escaped.txt"
    ran = box.run(source.format(outside=str(outside)), [("file-1", "a.csv", b"1")])
    assert says in last_line(ran)
    assert not outside.exists()
    assert box.run("'alive'").logs == "'alive'"


@pytest.mark.parametrize(
    "source",
    [
        "import asyncio\nasync def three():\n    return 3\nasyncio.run(three())",
        "import threading\nt = threading.Thread(target=lambda: None)\nt.start()\nt.join()\n3",
        "open('/dev/null', 'w').write('abc')",
        "import sqlite3\nsqlite3.connect(':memory:').execute('select 3').fetchone()[0]",
        "import zipfile\nwith zipfile.ZipFile('/mnt/data/a.zip', 'w') as z:\n    z.writestr('a', 'b')\n3",
    ],
)
def test_what_it_may_do_works(box, source):
    assert box.run(source).logs == "3"


def test_the_environment_of_this_process_is_not_inherited(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    box = Sandbox(environment={"MINE": "1"})
    logs = box.run("import os\nsorted(os.environ)").logs
    box.close()
    assert "OPENAI_API_KEY" not in logs
    assert "'MINE'" in logs


def test_modules_of_the_kernel_shadow_no_other(box):
    folder = sandbox.KERNEL.parent
    own = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("__")}
    assert {"guard", "notebook", "redirect", "program"} <= own
    specs = f"str(importlib.util.find_spec(name)) for name in {sorted(own)}"
    ask = f"import importlib.util, sys\n[found for found in [*sys.path, *({specs})] if {str(folder)!r} in found]"
    assert box.run(ask).logs == "[]"


# --- limits --------------------------------------------------------------------------------------------------------


def test_a_cell_that_loops_is_stopped():
    box = boxed(seconds=0.3)
    assert box.run("while True: pass").logs == (
        "The cell was stopped: it ran longer than 0.3 seconds. Its variables and files are gone.\n"
    )
    assert not box.running


def test_a_cell_that_sleeps_is_stopped_too():
    assert "longer than 0.3 seconds" in boxed(seconds=0.3).run("import time\ntime.sleep(1000)").logs


@POSIX
def test_a_cell_that_uses_the_processor_too_long_is_stopped():
    assert "used more than 0 seconds" in boxed(cpu=0).run("while True: pass").logs


@LINUX
def test_memory_is_limited():
    box = boxed(memory=300 * MEBIBYTE)
    assert last_line(box.run("kept = 1\nfull = bytearray(10**9)")) == "MemoryError"
    assert last_line(box.run("full = []\nwhile True: full.append(bytearray(10**6))")) == "MemoryError"
    assert box.run("full = None\nkept").logs == "1"
    box.close()


@POSIX
def test_a_file_is_limited(temporary):
    box = boxed(file=MEBIBYTE)
    ran = box.run("with open('big', 'wb') as file:\n    while True: file.write(bytes(10**6))")
    assert last_line(ran).startswith("OSError: [Errno 27] File too large")
    assert [(name, len(content)) for name, content in ran.files] == [("big", MEBIBYTE)]
    box.close()


@pytest.mark.parametrize("limits", [{"disk": 1000}, {"files": 10}])
def test_all_files_together_are_limited(limits):
    box = boxed(**limits)
    ran = box.run("for number in range(10**6): open(f'{number}', 'w').write('x' * 100)")
    assert last_line(ran).startswith("OSError: [Errno 28] No space left: ")
    assert len(ran.files) == 10
    box.close()


def test_what_it_prints_is_limited():
    box = boxed(output=5)
    assert box.run("for _ in range(100): print('x' * 10**6)").logs == (
        "xxxxx\n[output cut off: more than 5 characters]"
    )
    assert box.run("'kept'[:3]").logs == "'kep'"
    assert box.run("import os\nos.write(1, b'raw'); os.write(2, b'raw');").logs == ""
    box.close()


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("import os\nos._exit(3)", 3),
        pytest.param("import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", -9, marks=POSIX),
        pytest.param("import os, signal\nos.killpg(0, signal.SIGKILL)", -9, marks=POSIX),
    ],
)
def test_an_interpreter_that_dies_is_reported_and_replaced(source, code):
    box = Sandbox()
    box.run("x = 1")
    assert box.run(source).logs == (
        f"The interpreter has ended while it ran the cell (exit code {code}). Its variables and files are gone.\n"
    )
    assert box.run("'x' in globals()", [("file-1", "a.csv", b"1")]).logs == "False"
    assert box.run("open('a.csv').read()").logs == "'1'"
    box.close()


def test_where_no_signal_tells_of_the_processor_no_exit_is_taken_for_it(monkeypatch):
    monkeypatch.delattr(signal, "SIGXCPU", raising=False)  # as on Windows
    assert "(exit code 0)" in Sandbox().run("import os\nos._exit(0)").logs


@POSIX
def test_an_interpreter_that_died_between_cells_is_reported():
    box = Sandbox()
    pid = int(box.run("import os\nos.getpid()").logs)
    os.kill(pid, 9)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # its pipes are closed, and it is still ours to wait for
    assert "has ended" in box.run("1").logs
    assert box.run("1").logs == "1"
    box.close()


@pytest.fixture
def alarm():
    """What interrupts a wait as Ctrl-C does, after so many seconds."""

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    yield lambda seconds: signal.setitimer(signal.ITIMER_REAL, seconds)
    signal.signal(signal.SIGALRM, before)


@POSIX
def test_the_answer_to_an_interrupted_cell_is_not_given_to_the_next(alarm):
    box = Sandbox()
    box.run("kept = 1", [("file-1", "a.csv", b"1")])
    alarm(0.2)
    with pytest.raises(KeyboardInterrupt):
        box.run("import time\ntime.sleep(60)\n'old'")
    assert not box.running
    assert box.run("'kept' in globals()", [("file-1", "a.csv", b"1")]).logs == "False"
    assert box.run("open('a.csv').read()").logs == "'1'"
    box.close()


@POSIX
def test_an_interpreter_that_is_interrupted_as_it_begins_leaves_nothing(alarm, monkeypatch, tmp_path, temporary):
    slow = tmp_path / "slow.py"
    slow.write_text("import time\ntime.sleep(60)")
    monkeypatch.setattr(sandbox, "KERNEL", slow)
    alarm(0.2)
    with pytest.raises(KeyboardInterrupt) as interrupted:
        Sandbox().run("1")
    assert interrupted.traceback  # it holds on to all that it has seen
    assert list(temporary.glob("code-interpreter-*")) == []


def test_closing_ends_a_cell_that_another_thread_waits_for(box):
    box.run("1")  # so that there is an interpreter
    told = []
    thread = threading.Thread(target=lambda: told.append(box.run("while True: pass").logs))
    thread.start()
    while box._busy.acquire(blocking=False):  # not yet by the other
        box._busy.release()
    box.close()
    thread.join()
    assert "has ended while it ran the cell" in told[0]
    assert not box.running


def test_closing_ends_an_interpreter_that_is_starting(monkeypatch):
    box, begun, told = Sandbox(), threading.Event(), []

    class Slow(sandbox._Child):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            begun.set()
            while not box._closing:
                threading.Event().wait(0.01)

    monkeypatch.setattr(sandbox, "_Child", Slow)
    thread = threading.Thread(target=lambda: told.append(box.run("while True: pass").logs))
    thread.start()
    assert begun.wait(60)
    box.close()
    thread.join()
    assert "has ended while it ran the cell" in told[0]


# --- nothing is left -----------------------------------------------------------------------------------------------


def gone(pid):
    try:
        os.kill(pid, 0)
    except OSError:
        return True
    return False


@pytest.mark.parametrize("how", ["closed", "forgotten"])
@POSIX
def test_the_process_is_gone(how, temporary):
    box = Sandbox()
    pid = int(box.run("import os\nos.makedirs('d/e')\nos.chmod('d', 0)\nos.getpid()").logs)
    [folder] = temporary.glob("code-interpreter-*")
    assert not gone(pid)
    if how == "closed":
        box.close()
        box.close()
    del box
    gc.collect()
    assert gone(pid)
    assert not folder.exists()


def test_without_process_groups_the_process_is_gone_all_the_same(monkeypatch):
    monkeypatch.delattr(os, "killpg", raising=False)
    box = Sandbox()
    pid = int(box.run("import os\nos.getpid()").logs)
    box.close()
    assert gone(pid)


FAILING = """
import os
from harness import run_code

def test_it(assistants):
    assistants.next_run(run_code("import os\\nos.getpid()", execute=True))
    client = assistants.client()
    assistant = client.beta.assistants.create(model="gpt-4-turbo").id
    thread = client.beta.threads.create(messages=[{"role": "user", "content": "?"}]).id
    run = client.beta.threads.runs.create(thread_id=thread, assistant_id=assistant)
    assistants.clock.advance(10)
    step = client.beta.threads.runs.steps.list(run.id, thread_id=thread).data[0]
    print("pid", step.step_details.tool_calls[0].code_interpreter.outputs[0].logs)
    assert False
"""


@POSIX
def test_after_a_failed_test_nothing_is_left(pytester, temporary):
    """The fixture's end is the interpreters' end, whatever the test came to; warnings are errors there, too."""
    pytester.makepyfile(FAILING)
    result = pytester.runpytest("-W", "error", "-W", "ignore::DeprecationWarning")
    result.assert_outcomes(failed=1)
    [line] = [line for line in result.outlines if line.startswith("pid ")]
    assert gone(int(line.split()[1]))
    assert list(temporary.glob("code-interpreter-*")) == []


def test_an_interpreter_that_cannot_be_started_is_reported(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    with pytest.raises(HarnessFailure, match=r"cannot be started: .*nowhere"):
        Sandbox().run("1")


def test_an_interpreter_that_ends_at_once_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(sandbox, "KERNEL", tmp_path / "none.py")
    with pytest.raises(HarnessFailure, match=r"ended before its first cell \(exit code 2\)"):
        Sandbox().run("1")
