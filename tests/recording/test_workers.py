"""Eight processes record into one folder at the same time, and one of them may be killed: nothing is lost."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness import FakeAssistants, say
from harness.options import make_options
from harness.recording.cassettes import read, uploads_of

pytest.importorskip("vcr")
WORKER = """
import sys
from pathlib import Path
sys.path[:0] = {paths!r}
from harness.recording.recorder import recording
import test_workers as tests
path, number, mode = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
client = tests.endpoint(number)
"""
# Ready, and wait for all others: each has loaded the cassette before any writes it.
RECORDS = """
with recording(path.with_name(f"own-{number}.yaml")):
    tests.converse(tests.endpoint(number), number)
with recording(path, mode=mode):
    tests.converse(client, number)
    print("ready", flush=True)
    sys.stdin.readline()
"""
KILLED = """
import os, signal
def killed(source, target):
    os.kill(os.getpid(), signal.SIGKILL)
with recording(path, mode=mode):
    tests.converse(client, number)
    os.replace = killed
"""
# Bytes that are no text lie beside the cassette.
CHART = bytes(range(256))
WORKERS = range(8)
MODES = ("once", "new_episodes", "all")


def endpoint(number):
    """A client of a service of its own, with a key of its own."""
    fake = FakeAssistants(make_options({"seed": f"worker {number}"}, where="test"))
    fake.every_run(say(f"Answer {number}."))
    return fake.client(api_key="sk-" + "proj-" + f"A1b{number}" * 12)


def converse(client, number):
    """A conversation of its own, with an upload that is everybody's, and with the owner's address."""
    client.files.create(file=("chart.png", CHART), purpose="assistants")
    assistant = client.beta.assistants.create(model="gpt-4o", name=f"Ada {number}")
    question = {"role": "user", "content": f"Question {number}?"}
    thread = client.beta.threads.create(messages=[question], metadata={"owner": f"joe{number}" + "@" + "corp-one.com"})
    run = client.beta.threads.runs.create(thread_id=thread.id, assistant_id=assistant.id)
    while run.status != "completed":
        run = client.beta.threads.runs.retrieve(run.id, thread_id=thread.id)
    return client.beta.threads.messages.list(thread.id).data[0].content[0].text.value


def started(code, path, number, mode):
    here = Path(__file__).resolve()
    code = WORKER.format(paths=[str(here.parent), str(here.parents[2])]) + code
    command = [sys.executable, "-c", code, str(path), str(number), mode]
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8"
    )


def ended(process):
    _, errors = process.communicate("\n", timeout=120)
    return process.returncode, errors


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cassettes" / "shared.yaml"


def replayed(path, number):
    fake = FakeAssistants()
    fake.replay(path)
    return converse(fake.client(), number)


def exchanges_of(path, number):
    """What one worker recorded, known by what only it said."""
    return [item for item in read(path) if f'"Ada {number}"'.encode() in item.request_body]


def test_eight_workers_that_record_into_one_folder_lose_nothing(path):
    workers = [started(RECORDS, path, number, MODES[number % len(MODES)]) for number in WORKERS]
    for worker in workers:
        assert worker.stdout.readline() == "ready\n", ended(worker)
    for worker in workers:
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert [ended(worker) for worker in workers] == [(0, "")] * 8

    exchanges = read(path)
    own = [read(path.with_name(f"own-{number}.yaml")) for number in WORKERS]
    assert len(exchanges) == sum(map(len, own))
    assert all(len(exchanges_of(path, number)) == 1 for number in WORKERS)
    assert [item.name for item in uploads_of(path).iterdir()] == [
        item.name for item in uploads_of(path.with_name("own-0.yaml")).iterdir()
    ]
    written = path.read_text(encoding="utf-8")
    assert "corp-one" not in written
    assert "sk-proj" not in written
    keys = {item.request.headers["authorization"] for item in exchanges}
    assert len(keys) == 8, "a stand-in was given to two keys"
    assert not list(path.parent.glob(".*.tmp"))
    for number in WORKERS:
        for cassette in (path, path.with_name(f"own-{number}.yaml")):
            assert replayed(cassette, number) == f"Answer {number}."


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="processes cannot be killed like that here")
def test_one_that_is_killed_while_it_writes_is_in_nobodys_way(path):
    assert ended(started(KILLED, path, 0, "new_episodes"))[0] == -signal.SIGKILL
    assert not path.exists()
    assert [item.name for item in path.parent.glob(".*.lock")] == [".shared.yaml.lock"]
    assert ended(started(RECORDS, path, 1, "once")) == (0, "")
    before = path.read_bytes()
    assert ended(started(KILLED, path, 2, "all"))[0] == -signal.SIGKILL
    assert path.read_bytes() == before
    assert replayed(path, 1) == "Answer 1."
    assert ended(started(RECORDS, path, 3, "rewrite")) == (0, "")
    assert [len(exchanges_of(path, number)) for number in range(4)] == [0, 0, 0, 1]
    assert path.with_name(".shared.yaml.lock").read_bytes() == b""
