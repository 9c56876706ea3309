"""The command line, as a shell meets it: what it prints where, its exit codes, and that mistakes lose nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from harness import FakeAssistants, __version__
from harness import __main__ as entry
from harness.recording.cassettes import read
from harness.recording.redaction import Redactor
from harness.transports.server import serving

CASSETTES = Path(__file__).resolve().parents[2] / "cassettes"
QUIZ = str(CASSETTES / "quiz.yaml")


THREAD = {"id": "thread_AbCdEfGhIjKlMnOpQrStUvWx", "object": "thread", "created_at": 1762171200}


def log(*conversations, name="log.jsonl"):
    """Each shows a thread about Falcon."""
    row = {
        "method": "GET",
        "url": f"https://api.openai.com/v1/threads/{THREAD['id']}",
        "request_headers": {"OpenAI-Beta": "assistants=v2"},
        "status": 200,
        "response_headers": {"Content-Type": "application/json", "Date": "Mon, 03 Nov 2025 12:00:00 GMT"},
        "response_body": {**THREAD, "metadata": {"by": "Falcon"}, "tool_resources": {}},
    }
    Path(name).write_text("\n".join(json.dumps({**row, "cassette": one}) for one in conversations), encoding="utf-8")
    return name


def test_without_a_command_it_says_what_there_is(run):
    text = run("--help").stdout
    for command in ("record", "import", "check", "show", "to-test"):
        assert f"  {command} " in text
    assert __version__ in run("--version").stdout


# --- record ---------------------------------------------------------------------------------------------------


def test_record(run):
    """The program's exit code is the command's; what it says to the API is in the cassette, but for its secrets."""
    fake = FakeAssistants()
    key = "sk-" + "proj-" + "A1b2" * 12
    program = f"""
import openai, os, sys
thread = openai.OpenAI(api_key="{key}").beta.threads.create(metadata={{"by": "Falcon"}})
sys.exit(int(sys.argv[1]))
"""
    with serving(fake.answer) as url:
        options = ["-o", "a.yaml", "--from", f"{url}/v1", "--redact", "Falcon", "--", sys.executable, "-Wignore"]
        run("record", *options, "-c", program, "7", code=7)
        assert not Path("a.yaml").exists()
        run("record", *options, "-c", program, "0")
    assert len(fake.threads) == 2
    [exchange] = read("a.yaml")
    assert (exchange.request.path, b"Falcon" in exchange.request_body) == ("/v1/threads", False)
    assert key not in Path("a.yaml").read_text(encoding="utf-8")


def test_a_program_that_asks_nothing_leaves_no_cassette_and_gets_a_message(run):
    result = run("record", "-o", "a.yaml", "--from", "http://127.0.0.1:9/v1", "--", sys.executable, "-c", "pass")
    assert result.stderr.startswith("Nothing was recorded: ")
    assert not Path("a.yaml").exists()


def test_a_program_that_is_not_there(run):
    result = run("record", "-o", "a.yaml", "--from", "http://127.0.0.1:9/v1", "no-such-program", code=1)
    assert result.stderr.startswith("Error: no-such-program cannot be started")


# --- import ---------------------------------------------------------------------------------------------------


def test_import(run):
    result = run("import", log("one.yml", "two.yml"), "-o", "new", "--redact", "Falcon")
    assert result.stdout.splitlines() == [
        "new/one.yaml: 1 exchange, 1 secret replaced",
        "new/two.yaml: 1 exchange, 1 secret replaced",
    ]
    assert b"Falcon" not in read("new/one.yaml")[0].response_body
    result = run("import", "log.jsonl", "-o", "new", code=1)
    assert result.stderr.startswith("Error: 2 of 2 cassettes exist already, so nothing was written.")
    assert b"Falcon" not in read("new/one.yaml")[0].response_body
    run("import", "log.jsonl", "-o", "new", "--force")
    assert b"Falcon" in read("new/one.yaml")[0].response_body


def test_import_tells_of_runs_and_of_what_it_left_out(run):
    assert run("import", QUIZ).stdout == "cassettes/quiz.yaml: 10 exchanges, 1 run (completed)\n"
    Path("odd.jsonl").write_text(
        '{"url": "https://api.openai.com/v1/models", "response_body": {}}\n'
        '{"method": "GET", "url": "https://api.openai.com/v1/models", "status": 200, "response_body": {}}\n'
        '{"method": "GET", "url": "https://telemetry.example", "status": 200, "response_body": {}}\n',
        encoding="utf-8",
    )
    result = run("import", "odd.jsonl")
    assert result.stdout == "cassettes/odd.yaml: 1 exchange, 1 request to others left out\n"
    assert result.stderr.startswith("left out: odd.jsonl [0]: ")


def test_one_bad_file_among_several_writes_nothing(run):
    log("one.yml")
    Path("bad.yaml").write_text("a: [", encoding="utf-8")
    assert "bad.yaml cannot be read as a cassette" in run("import", "log.jsonl", "bad.yaml", code=1).stderr
    assert not Path("cassettes").exists()


def test_a_secret_left_in_one_cassette_writes_none(run, monkeypatch):
    """The last look at what would be written, should redaction have missed something."""
    redact = Redactor.redact

    def forgetting(redactor, exchanges):
        return exchanges if "two" in exchanges[0].conversation else redact(redactor, exchanges)

    monkeypatch.setattr(Redactor, "redact", forgetting)
    result = run("import", log("one.yml", "two.yml"), "--redact", "Falcon", code=1)
    assert "it would contain a secret" in result.stderr
    assert not Path("cassettes").exists()


def test_a_file_that_is_not_there_is_a_mistake_of_the_command(run):
    assert "'nowhere.har' does not exist" in run("import", "nowhere.har", code=2).stderr


def test_many_cassettes_are_written_with_their_progress_hidden_where_nobody_looks(run):
    assert len(run("import", log(*(f"{n}.yml" for n in range(25)))).stdout.splitlines()) == 25


# --- check ----------------------------------------------------------------------------------------------------


def test_check_passes_the_shipped_cassettes(run):
    result = run("check", CASSETTES)
    assert "error" not in result.stdout
    assert result.stderr.startswith("9 files checked: 0 errors, ")


def test_check_fails_with_a_line_a_finding(run):
    broken = Path("broken.yml")
    broken.write_text(Path(QUIZ).read_text(encoding="utf-8").replace('"thread.run"', '"thread.rum"'), encoding="utf-8")
    result = run("check", broken, code=1)
    assert all(line.startswith(("error: ", "note: ")) for line in result.stdout.splitlines())
    found = [json.loads(line) for line in run("check", "--json", ".", code=1).stdout.splitlines()]
    assert {"level", "rule", "where", "what"} == set(found[0])
    assert "error" in {finding["level"] for finding in found}


def test_check_looks_for_what_the_user_calls_secret(run):
    result = run("check", log("one.yml"), "--redact", "Falcon", code=1)
    assert "secret" in result.stdout
    assert "Falcon" not in result.stdout.replace("text like Falcon", "")
    run("check", "log.jsonl", "--redact", "Falcon", "--keep", "Falcon")


# --- show -----------------------------------------------------------------------------------------------------


def test_show(run):
    lines = run("show", QUIZ).stdout.splitlines()
    assert lines[0] == f"{QUIZ}: 10 exchanges, from 2023-12-24 08:13:20 UTC, v1"
    assert any("requires_action → queued → in_progress → completed" in line for line in lines)


def test_show_tells_every_conversation_of_a_log_and_what_it_could_not_read(run):
    with Path(log("one.yml", "two.yml")).open("a", encoding="utf-8") as more:
        more.write('\n{"url": "https://api.openai.com/v1/models", "response_body": {}}')
    result = run("show", "log.jsonl")
    assert result.stdout.index("one.yml: 1 exchange") < result.stdout.index("two.yml: 1 exchange")
    assert result.stderr.startswith("left out: log.jsonl [2]: ")


# --- what nobody understands ----------------------------------------------------------------------------------

MESSAGE = {"id": "msg_AbCdEfGhIjKlMnOpQrStUvWx", "object": "thread.message", "created_at": 1, "role": "user"}
MESSAGE |= {"thread_id": THREAD["id"], "content": [{"type": "text", "text": {"value": "Hi", "annotations": []}}]}
RUN = {"id": "run_AbCdEfGhIjKlMnOpQrStUvWx", "object": "thread.run", "created_at": 1, "status": "queued"}
DELTA = {"id": MESSAGE["id"], "object": "thread.message.delta", "delta": {"content": [{"type": "text"}]}}
STREAM = "".join(
    f"event: {name}\ndata: {json.dumps(data)}\n\n"
    for name, data in (("thread.run.created", RUN | {"thread_id": THREAD["id"]}), ("thread.message.delta", DELTA))
)


@pytest.mark.parametrize(
    ("command", "shown", "where"),
    [
        ("import", STREAM, f"GET /threads/{THREAD['id']} (log.jsonl: one.yml [0])"),
        ("to-test", {**THREAD, "metadata": "REDACTED"}, "log.jsonl"),
        ("show", {**MESSAGE, "content": [{"type": "of a later day"}]}, "log.jsonl"),
        ("report -o page.html", {**MESSAGE, "attachments": [{"file_id": "file-a", "tools": [1]}]}, "log.jsonl"),
    ],
    ids=["import", "to-test", "show", "report"],
)
def test_an_object_of_another_shape_is_reported_without_a_traceback(run, command, shown, where):
    """Recordings are edited, and not all come from the service."""
    path = Path(log("one.yml"))
    path.write_text(json.dumps({**json.loads(path.read_text()), "response_body": shown}), encoding="utf-8")
    error = run(*command.split(), path, code=1).stderr
    assert error.startswith(
        f"Error: {where} cannot be understood: an object in it does not have the shape that the service gives it."
    )
    assert re.search(r"^(KeyError|TypeError|ValueError|AttributeError): ", error, re.MULTILINE)
    assert "harness check " in error


# --- to-test --------------------------------------------------------------------------------------------------


def test_to_test_prints_a_test_that_passes(run, tmp_path):
    source = run("to-test", QUIZ).stdout
    assert run("to-test", QUIZ, "-o", "test_quiz.py").stdout == "test_quiz.py\n"
    assert Path("test_quiz.py").read_text(encoding="utf-8") == source
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_quiz.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "1 passed" in done.stdout, done.stdout


def test_to_test_replaces_nothing_unasked(run):
    Path("test_quiz.py").write_text("mine", encoding="utf-8")
    assert "was left as it is" in run("to-test", QUIZ, "-o", "test_quiz.py", code=1).stderr
    assert Path("test_quiz.py").read_text(encoding="utf-8") == "mine"
    run("to-test", QUIZ, "-o", "test_quiz.py", "--force")
    assert Path("test_quiz.py").read_text(encoding="utf-8") != "mine"


def test_a_test_tells_one_conversation(run):
    result = run("to-test", log("one.yml", "two.yml"), code=1)
    assert "harness import log.jsonl -o cassettes" in result.stderr


# --- the program ----------------------------------------------------------------------------------------------


def test_it_is_a_program(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "harness", "check", QUIZ], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr.partition(":")[0]) == (0, "1 file checked")


@pytest.mark.parametrize(
    ("missing", "raised", "message"),
    [
        ("click", SystemExit, r'pip install "pytest-assistants\[cli\]"'),
        ("harness.failures", ModuleNotFoundError, r"harness\.failures"),
    ],
    ids=["of the extra", "a module of our own"],
)
def test_what_is_missing_is_named(monkeypatch, missing, raised, message):
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, "harness.cli")
    monkeypatch.delattr("harness.cli", raising=False)
    with pytest.raises(raised, match=message):
        entry.main()
