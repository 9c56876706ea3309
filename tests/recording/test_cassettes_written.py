"""Writing cassettes: every byte is restored, by vcrpy too, and no file is ever written in part."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest
import vcr
import yaml
from cassette_recordings import NEW, OLD, PNG, URL, exchange, upload, without_origins
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import yamlserializer

from harness import atomic_files
from harness.failures import HarnessFailure
from harness.recording.cassettes import header_of, read, write
from harness.recording.dialects import common, yaml_writer

# The same examples in every run: CI must not fail for what nobody changed.
SAME_EVERYWHERE = settings(
    deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture
def cassette(tmp_path):
    return tmp_path / "cassette.yaml"


# --- every byte comes back ----------------------------------------------------------------------------------------

HOSTILE = [
    "- a: b", "|", "|-\n  x", ">", "---", "--- x", "...", "%", "%YAML 1.1", ":", "a:", "a: b", ": b", "  a",
    " a\n  b", "\n", "\n\n", " ", "\t", "\ta\n", "a\n", "a\n\n", "a\n\n\n", "\na", "\n a", "a ", "a \nb",
    "a\n  ", "a\n \n", "a\t\nb", "# a", "a # b", "a #b", "'", "''", '"', "\\", "\\n", "\r", "\r\n",
    "a\r\n b\r\n\r\n  c", "\0", "\x07", "\x1b[0m", "\x7f", "\x85", "a\x85b\n", "\xa0", "\u2028", "a\u2029b\nc",
    "\ufeff", "\ufeffa\nb", "\ufffe", "\uffff", "😀", "😀\n", "é\nö", "한국어\n", "~", "null", "yes", "1",
    "1.0", "2024-05-07", "0x10", "!!python/name:os.system", "!x", "&a", "*a", "<<", "=", "?", "? a", "- ", "-",
    "@", "`", "{", "[", "{a: b}", "a, b", "a]", "key: |\n  text", "version: 1",
    "<bytes of 0123456789abcdef.bin>", "\ud7ff\ue000",
]  # fmt: skip
BODIES = st.one_of(
    st.binary(max_size=60),
    st.text(max_size=60).map(str.encode),
    st.text(" \n\r\tab:-#'\"\\|>%\0\x85\u2028é", max_size=40).map(str.encode),
    st.lists(st.sampled_from(HOSTILE), max_size=4).map(lambda parts: "".join(parts).encode()),
)
TEXTS = st.one_of(st.text(max_size=30), st.sampled_from(HOSTILE), st.text(" \n\r\tab:-#'\"|>\0\x85", max_size=12))
NAMES = TEXTS.map(str.lower).filter(lambda name: name != "content-encoding" and not name.startswith(":"))
HEADERS = st.dictionaries(NAMES.filter(lambda name: name != "date"), TEXTS, max_size=3)
EXCHANGES = st.builds(
    exchange,
    BODIES,
    BODIES,
    at=st.one_of(st.none(), st.integers(0, 2**33).map(float), st.floats(0, 2**33)),
    method=st.sampled_from(["GET", "POST", "DELETE"]),
    url=TEXTS.map(lambda text: URL + text),
    status=st.integers(100, 599),
    sent_headers=HEADERS,
    got_headers=HEADERS,
)


def as_vcrpy_reads(path):
    requests, responses = FilesystemPersister.load_cassette(path, yamlserializer)
    return list(zip(requests, responses, strict=True))


def uploaded(path, body):
    """A body as vcrpy has it, with the files put where they belong."""
    folder = path.with_name(f"{path.name}.files")
    return re.sub(rb"<bytes of (\w{16}\.bin)>", lambda name: (folder / name[1].decode()).read_bytes(), body)


@settings(SAME_EVERYWHERE, max_examples=200)
@given(exchanges=st.lists(EXCHANGES, max_size=3), header=TEXTS)
@example(exchanges=[exchange(text.encode(), text.encode()) for text in HOSTILE], header="")
@example(exchanges=[exchange(url=URL + text, sent_headers={text.lower(): text}) for text in HOSTILE[20:]], header="")
def test_what_is_written_is_read(exchanges, header, cassette):
    write(cassette, exchanges, header=header)
    first = cassette.read_bytes()
    assert without_origins(read(cassette)) == without_origins(exchanges)
    write(cassette, exchanges, header=header)
    assert cassette.read_bytes() == first
    for item, (request, response) in zip(exchanges, as_vcrpy_reads(cassette), strict=True):
        assert (request.method, request.uri) == (item.request.method, item.request.url)
        assert {name: [value] for name, value in item.response.headers.items()} == response["headers"]
        assert item.response_body == response["body"]["string"]
        if not re.search(rb"<bytes of ", item.request_body):
            assert item.request_body == uploaded(cassette, request.body)


@settings(SAME_EVERYWHERE, max_examples=500)
@given(text=TEXTS, body=BODIES)
def test_scalars_are_what_every_yaml_parser_reads(text, body):
    written = body.decode("utf-8", "replace")
    document = (
        f"a:\n  {yaml_writer.scalar(text)}: {yaml_writer.scalar(text)}\n  b: {yaml_writer.block(written, 4)}\nc: d\n"
    )
    for loader in {yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)}:
        found = yaml.load(document, loader)
        assert found == {"a": {text: text, "b": written}, "c": "d"} or text == "b"


@settings(SAME_EVERYWHERE, max_examples=100)
@given(header=TEXTS)
def test_the_header_comes_back_line_by_line(header, cassette):
    write(cassette, [exchange()], header=header)
    printable = [yaml_writer.UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", line) for line in header.splitlines()]
    assert header_of(cassette) == "\n".join(printable)
    assert len(read(cassette)) == 1


def test_a_cassette_without_a_comment_has_no_header(cassette):
    write(cassette, [])
    assert header_of(cassette) == ""
    assert read(cassette) == []
    assert as_vcrpy_reads(cassette) == []


def test_it_reads_well(cassette):
    answer = json.dumps({"id": "file-1", "name": 'é "x" \\ ', "data": []}, indent=2, ensure_ascii=False).encode()
    headers = {"content-type": "application/json", "date": "Tue, 07 May 2024 00:07:26 GMT", "x-ms": "7"}
    item = exchange(b'{"it\'s": "sent"}', answer + b"\n", at=1715040446.0, got_headers=headers)
    stream = exchange(b"a\r\n\r\n  b\r\n", b"event: done\ndata: [DONE]\n\n", at=1.5, status=599)
    write(cassette, [item, stream], header="Two exchanges\n\nof nobody")
    assert cassette.read_text(encoding="utf-8") == dedent(
        r"""
        # Two exchanges
        #
        # of nobody
        interactions:
        - request:
            body: |-
              {"it's": "sent"}
            headers: {}
            method: POST
            uri: https://api.openai.com/v1/files
          response:
            body:
              string: |
                {
                  "id": "file-1",
                  "name": "é \"x\" \\ ",
                  "data": []
                }
            headers:
              content-type:
              - application/json
              date:
              - Tue, 07 May 2024 00:07:26 GMT
              x-ms:
              - '7'
            status:
              code: 200
              message: OK
        - request:
            body: "a\r\n\
              \r\n\
              \  b\r\n"
            headers: {}
            method: POST
            uri: https://api.openai.com/v1/files
          response:
            body:
              string: |+
                event: done
                data: [DONE]

            headers: {}
            status:
              code: 599
              message: ''
          recorded_at: 1.5
        version: 1
        """
    ).removeprefix("\n")


def test_line_ends_that_git_changed_change_no_body(cassette):
    item = exchange(b"a\r\nb\n", b"{\n}\n")
    write(cassette, [item], header="one\ntwo")
    cassette.write_bytes(cassette.read_bytes().replace(b"\n", b"\r\n"))
    assert without_origins(read(cassette)) == without_origins([item])
    assert header_of(cassette) == "one\ntwo"


def test_no_header_says_that_a_body_is_encoded(cassette):
    """Bodies are decoded: a client that is told otherwise would decode them again."""
    write(cassette, [exchange(sent_headers={"content-encoding": "gzip"}, got_headers={"content-encoding": "br"})])
    [item] = read(cassette)
    assert item.request.headers == item.response.headers == {}


# --- binary uploads -----------------------------------------------------------------------------------------------


def test_an_upload_lies_once_beside_the_cassette(cassette):
    items = [upload(PNG), upload(PNG, "another"), upload(b"text"), exchange(PNG)]
    write(cassette, items)
    name = f"{hashlib.sha256(PNG).hexdigest()[:16]}.bin"
    folder = cassette.with_name("cassette.yaml.files")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {name: PNG}
    text = cassette.read_text(encoding="utf-8")
    assert text.count(f"<bytes of {name}>") == 3
    assert "!!binary" not in text
    assert without_origins(read(cassette)) == without_origins(items)


def test_vcrpy_replays_an_upload(cassette):
    httpx = pytest.importorskip("httpx")
    item = upload(PNG)
    write(cassette, [exchange(got=PNG, url=f"{URL}/1", method="GET"), item])
    with vcr.use_cassette(cassette, record_mode="none") as played, httpx.Client() as client:
        assert client.post(URL, content=item.request_body).status_code == 200
        assert client.get(f"{URL}/1").content == PNG
        assert played.all_played


@pytest.mark.parametrize(
    "item",
    [
        exchange(b"<bytes of 0123456789abcdef.bin>"),
        upload(b"<bytes of 0123456789abcdef.bin>" + PNG),
        upload(PNG + b"\r\n--x\r\n\xff\r\n\r\n"),
        exchange(b"\xff--x\r\n\r\n\xff", sent_headers={"content-type": "multipart/form-data; boundary=x"}),
        exchange(b"\xff", sent_headers={"content-type": "multipart/form-data"}),
    ],
)
def test_what_looks_like_a_stand_in_comes_back_too(item, cassette):
    write(cassette, [item])
    assert without_origins(read(cassette)) == without_origins([item])


def test_an_upload_that_is_missing_or_changed_is_named(cassette):
    write(cassette, [upload(PNG)])
    [file] = cassette.with_name("cassette.yaml.files").iterdir()
    file.write_bytes(b"changed")
    with pytest.raises(
        HarnessFailure, match=rf"cassette.yaml \[0\] uploaded the file .*{file.name}, which has changed"
    ):
        read(cassette)
    file.unlink()
    with pytest.raises(HarnessFailure, match=r"cassette.yaml \[0\] uploaded a file that is missing") as caught:
        read(cassette)
    assert "cassette.yaml.files" in caught.value.do
    write(cassette, [upload(PNG)])
    assert file.read_bytes() == PNG


def test_no_stand_in_leads_out_of_the_folder(cassette):
    cassette.with_name("0123456789abcdef.bin").write_bytes(b"secret")
    for name in ("../0123456789abcdef.bin", "../../etc/passwd", "/etc/passwd", "0123456789ABCDEF.bin"):
        write(cassette, [exchange(f"<bytes of {name}>".encode())])
        assert read(cassette)[0].request_body == f"<bytes of {name}>".encode()


# --- whole, whatever happens --------------------------------------------------------------------------------------

TEMPORARY = re.compile(r"\..+\.\d+-\d+\.tmp")


def files_in(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("refused", [PNG, b"new" * 9999], ids=["upload", "cassette"])
def test_every_file_is_checked_before_any_is_written(refused, cassette):
    checked = []
    write(cassette, OLD, check=checked.append)
    before = files_in(cassette.parent)
    assert checked == list(before.values())

    def check(content):
        if refused in content:
            raise HarnessFailure("It contains a secret.")

    with pytest.raises(HarnessFailure, match="a secret"):
        write(cassette, NEW, check=check)
    assert files_in(cassette.parent) == before


@pytest.mark.parametrize("step", ["os.open", "open", "os.fsync", "os.replace"])
@pytest.mark.parametrize("nth", [1, 2, 3])
@pytest.mark.parametrize(
    "error", [OSError(28, "No space left on device"), KeyboardInterrupt()], ids=["full", "stopped"]
)
def test_a_step_that_fails_leaves_the_old_cassette_and_nothing_else(step, nth, error, cassette, monkeypatch):
    write(cassette, OLD)
    before = files_in(cassette.parent)
    owner, name = (os, step[3:]) if step.startswith("os.") else (atomic_files, step)
    genuine = getattr(owner, name, open)
    calls = itertools.count(1)

    def failing(*arguments, **options):
        # a file is opened and synced before each folder is, and a folder may refuse
        is_folder = (step == "os.open" and arguments[1] == os.O_RDONLY) or (
            step == "os.fsync" and stat.S_ISDIR(os.fstat(arguments[0]).st_mode)
        )
        if not is_folder and next(calls) == nth:
            if step == "open":
                os.close(arguments[0])
            raise error
        return genuine(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(owner, name, failing, raising=False)
        with pytest.raises((HarnessFailure, KeyboardInterrupt)) as caught:
            write(cassette, NEW)
    if isinstance(error, OSError):
        assert str(caught.value).startswith(f"The cassette {cassette} could not be written: [Errno 28]")
    after = files_in(cassette.parent)
    assert after["cassette.yaml"] == before["cassette.yaml"]
    assert not [path for path in after if TEMPORARY.fullmatch(Path(path).name)]
    assert without_origins(read(cassette)) == without_origins(OLD)
    write(cassette, NEW)
    assert without_origins(read(cassette)) == without_origins(NEW)


def test_a_folder_that_cannot_be_synced_is_no_failure(cassette, monkeypatch):
    """Windows opens no folders."""
    genuine = os.open

    def refusing(path, flags, *rest):
        if flags == os.O_RDONLY:
            raise PermissionError(path)
        return genuine(path, flags, *rest)

    monkeypatch.setattr(os, "open", refusing)
    write(cassette, NEW)
    assert without_origins(read(cassette)) == without_origins(NEW)


def test_a_folder_that_is_a_file_is_a_failure(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(HarnessFailure, match="could not be written: "):
        write(tmp_path / "file" / "cassette.yaml", OLD)


def test_folders_are_made_and_the_file_is_as_others_are(tmp_path):
    cassette = tmp_path / "a" / "b" / "cassette.yaml"
    write(cassette, OLD)
    other = tmp_path / "other"
    other.touch()
    assert cassette.stat().st_mode == other.stat().st_mode


def test_what_a_killed_process_left_is_in_nobodys_way(cassette, monkeypatch):
    monkeypatch.setattr(atomic_files, "_attempts", itertools.count())
    left = cassette.with_name(f".cassette.yaml.{os.getpid()}-0.tmp")
    left.write_text("half")
    write(cassette, OLD)
    assert without_origins(read(cassette)) == without_origins(OLD)
    assert left.read_text() == "half"


WRITER = """
import os, sys
from pathlib import Path
sys.path[:0] = {paths!r}
import cassette_recordings as tests
from harness.recording.cassettes import read, write
cassette = Path(sys.argv[1])
"""
KILLED_AT_EVERY_LINE = """
import itertools, signal
def die_at(nth):
    seen = itertools.count(1)
    def trace(frame, event, argument):
        if not frame.f_code.co_filename.endswith(("cassettes.py", "atomic_files.py")):
            return None
        if event == "line" and next(seen) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace
    return trace
survivors = []
for nth in itertools.count(1):
    write(cassette, tests.OLD)
    child = os.fork()
    if not child:
        sys.settrace(die_at(nth))
        write(cassette, tests.NEW)
        sys.settrace(None)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    found = tests.without_origins(read(cassette))
    assert found in (tests.without_origins(tests.OLD), tests.without_origins(tests.NEW)), nth
    survivors.append(found == tests.without_origins(tests.NEW))
    if status == 0:
        break
    assert os.WTERMSIG(status) == signal.SIGKILL
print(len(survivors), survivors.count(True))
"""
EIGHT_AT_ONCE = """
number = int(sys.argv[2])
for turn in range(10):
    items = [tests.upload(tests.PNG + bytes([number])), tests.exchange(b"%d" % number * 2000), tests.upload(tests.PNG)]
    write(cassette, items, header=str(number))
    write(cassette.with_name(f"own-{number}-{turn}.yaml"), items)
    # whoever wrote last: what is there is whole, and its uploads are there
    assert len(read(cassette)) == 3
"""


def started(code, *arguments):
    here = Path(__file__).resolve()
    code = WRITER.format(paths=[str(here.parent), str(here.parents[2])]) + code
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def output_of(process):
    out, err = process.communicate(timeout=120)
    return out if process.returncode == 0 else f"{process.returncode}: {err}"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked to be killed, which this system cannot")
def test_a_process_killed_at_any_line_leaves_the_old_cassette_or_the_new_one(cassette):
    killed, replaced = map(int, output_of(started(KILLED_AT_EVERY_LINE, cassette)).split())
    assert killed > 30  # lines of writing
    assert 1 <= replaced < killed  # only those after the last step
    left = [path for path in files_in(cassette.parent) if not path.endswith((".yaml", ".bin"))]
    assert left
    assert all(TEMPORARY.fullmatch(Path(path).name) for path in left)


def test_eight_processes_in_one_folder_lose_nothing(cassette):
    processes = [started(EIGHT_AT_ONCE, cassette, number) for number in range(8)]
    assert [output_of(process) for process in processes] == [""] * 8
    written = files_in(cassette.parent)
    own = {name: content for name, content in written.items() if name.startswith("own-") and name.endswith(".yaml")}
    assert len(own) == 8 * 10
    for name in own:
        number = int(name.split("-")[1])
        contents = [item.request_body for item in read(cassette.with_name(name))]
        assert contents == [
            upload(PNG + bytes([number])).request_body, b"%d" % number * 2000, upload(PNG).request_body
        ]  # fmt: skip
    last = int(header_of(cassette))
    assert [item.request_body for item in read(cassette)][1] == b"%d" % last * 2000
    assert not [name for name in written if name.endswith(".tmp")]


def test_a_place_tells_where_its_uploads_lie(tmp_path):
    assert common.Place(tmp_path / "a.yaml", 0).uploads == tmp_path / "a.yaml.files"
