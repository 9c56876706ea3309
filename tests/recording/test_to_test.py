"""A test generated from a recorded session passes without its cassette, and fails if the session differs."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import warnings
from dataclasses import replace
from pathlib import Path

import openai
import pytest
import shipped_cassettes
from cassette_recordings import FOLDER, exchange, files
from recorded_sessions import Client, record_session
from test_replay import STORIES, with_stores

from harness import FakeAssistants, call, fake_assistants, hang, say
from harness.options import Options
from harness.recording.cassettes import read
from harness.recording.codegen import generate_test
from harness.recording.codegen.dry_run import DryRun
from harness.recording.codegen.sdk_requests import LeftOut, http_request
from harness.recording.exchanges import by_conversation
from harness.recording.session import Session

pytestmark = pytest.mark.skipif(
    not hasattr(openai, "AssistantEventHandler"), reason="generated tests need an SDK with v2"
)
# Why nothing of some conversations can be repeated: what the comments of their tests say, and which these are.
UNREPEATABLE = {
    "only v1 had this endpoint": "files of assistants and messages",
    "it lists all that an account holds": "assistants and files",
    "the recording does not show": "steps of a run that was never shown",
    "its form was not kept": "an upload that was not kept, or had no file",
    "a transient error": "a wrong key",
    "and the fake answers": "a refusal that depended on what nobody recorded",
    "the fake refuses it": "an answer that depended on what nobody recorded",
}

# Conversations that the fake answers differently, by the beginnings of their names, and why.
KNOWN_DIFFERENCES = {
    "HEAD/src/test/resources/threads_": "a single object, of which nothing tells how it came about",
    "history/src/test/resources/threads_": "as above",
    "HEAD/Assistants_API_overview_python": "printed objects: most requests that made them are not there",
    "js_openaikey_cancel_run": "its list shows a run on its way to its end",
    "net_azure_basic_run": "as above",
    "history/tests/fixtures/runs@": "as above",
    "HEAD/spec/fixtures/cassettes/runs_list": "as above",
    "history/spec/fixtures/cassettes/runs_list@": "as above",
    "HEAD/spec/fixtures/cassettes/runs_retrieve": "looks at a run on its way, faster than the fake goes",
    "HEAD/spec/fixtures/cassettes/runs_streamed_create": "a limit cut it off, counted in the tokens of the real model",
    "runs_streamed_create": "as above",
}

TEXTS = [
    "it's",
    'a "quote"',
    "two\nlines\n\n",
    '"""',
    "한국어 문장 " * 30,
    "x" * 200,
    "\\n",
    "\t\x00\u2028",
    "😀 é",
    "",
]


V1 = {"openai-beta": "assistants=v1"}


def in_a_process(module, *arguments, cwd):
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, encoding="utf-8", cwd=cwd)


def generated(exchanges, title="a session"):
    return generate_test(Session.of(exchanges), title=title)


def run(source):
    """Run the one test of a file as the fixture would."""
    names = {}
    exec(compile(source, "generated", "exec"), names)
    [test] = [value for name, value in names.items() if name.startswith("test_")]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        with fake_assistants(seed="none of the recording") as fake:
            test(fake)


def outcome(source):
    """Whether a test passed or had nothing to tell; anything else is raised."""
    try:
        run(source)
    except pytest.skip.Exception:
        return "nothing"
    return "passed"


@pytest.mark.parametrize("stream", [False, True], ids=["polled", "streamed"])
@pytest.mark.parametrize("name", STORIES)
def test_a_generated_test_passes(name, stream):
    acts, outputs = STORIES[name]
    source = generated(record_session(*acts, outputs=outputs, stream=stream))
    run(source)
    assert "different with the fake" not in source
    assert ("stream=True" in source) is stream


@pytest.mark.parametrize("stream", [False, True], ids=["polled", "streamed"])
@pytest.mark.parametrize("name", STORIES)
def test_with_another_script_it_fails(name, stream):
    acts, outputs = STORIES[name]
    source = generated(record_session(*acts, outputs=outputs, stream=stream))
    start = source.index("assistants.next_run(")
    end = source.index(" = ", start)  # the run that takes it
    other = re.sub(r'(say|refuse|call|fail)\((\s*\(?"?)(\w*)', r"\1(\2SomethingElse\3", source[start:end])
    other = other.replace("fail(SomethingElse)", 'fail("rate_limit_exceeded")')
    if other == source[start:end]:  # nothing was said
        other = other.replace("next_run(", 'next_run(say("SomethingElse"), ')
    with pytest.raises((AssertionError, openai.BadRequestError)):
        run("from harness import say\n" + source[:start] + other + source[end:])


@pytest.mark.parametrize("name", ["citations", "parallel calls", "failure", "expired"])
def test_it_passes_in_pytest_itself(name, tmp_path):
    acts, outputs = STORIES[name]
    path = tmp_path / "test_generated.py"
    path.write_text(generated(record_session(*acts, outputs=outputs)), encoding="utf-8")
    ended = in_a_process("pytest", "-q", "-p", "no:cacheprovider", path.name, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout
    assert "1 passed" in ended.stdout


@pytest.mark.parametrize("path", shipped_cassettes.PATHS, ids=lambda path: path.stem)
def test_every_shipped_cassette_becomes_a_test_that_passes(path):
    source = generate_test(shipped_cassettes.session_of(path), title=path.name)
    assert outcome(source) == "passed"
    assert re.search(r"^    (run|assert)", source, re.MULTILINE)


@pytest.mark.parametrize("path", [*files("raw/*/*"), *files("*.jsonl")])
def test_every_recording_becomes_a_test_that_passes(path):
    for name, exchanges in by_conversation(read(path)).items():
        source = generated(exchanges, name)
        if outcome(source) == "nothing":
            flat = re.sub(r"\n +# ", " ", source)
            assert any(reason in flat for reason in UNREPEATABLE), source


@pytest.mark.usefixtures("same_recordings")
def test_each_reason_to_repeat_nothing_occurs():
    left = set(UNREPEATABLE)
    for path in [*FOLDER.glob("raw/*/*"), *FOLDER.glob("*.jsonl")]:
        for exchanges in by_conversation(read(path)).values():
            source = generated(exchanges)
            if "pytest.skip" in source:
                left -= {reason for reason in left if reason in re.sub(r"\n +# ", " ", source)}
    assert left == set()


@pytest.mark.usefixtures("same_recordings")
def test_answers_that_differ_with_the_fake_have_a_known_reason():
    """So that a fake that gets worse does not turn assertions into comments unseen."""
    unused = set(KNOWN_DIFFERENCES)
    for path in [*FOLDER.glob("raw/*/*"), *FOLDER.glob("*.jsonl"), *shipped_cassettes.PATHS]:
        for name, exchanges in by_conversation(read(path)).items():
            if "different with the fake" in generated(exchanges):
                reasons = {reason for reason in KNOWN_DIFFERENCES if (name or path.name).startswith(reason)}
                assert reasons, f"{path.name}: {name}"
                unused -= reasons
    assert unused == set()


@pytest.mark.skipif(importlib.util.find_spec("ruff") is None, reason="ruff is not installed")
def test_ruff_finds_nothing_and_leaves_it_as_it_is(tmp_path):
    sources = [generated(record_session(say(text), call("f", text=text), say(text), outputs=["1"])) for text in TEXTS]
    sources += [generated(record_session(*acts, outputs=outputs, stream=True)) for acts, outputs in STORIES.values()]
    sources += [generate_test(shipped_cassettes.session_of(path), title=path.name) for path in shipped_cassettes.PATHS]
    for number, source in enumerate(sources):
        (tmp_path / f"test_{number}.py").write_text(source, encoding="utf-8")
    for command in (["check"], ["format", "--check"]):
        ended = in_a_process("ruff", *command, "--isolated", "--no-cache", ".", cwd=tmp_path)
        assert ended.returncode == 0, ended.stdout


@pytest.mark.parametrize("text", TEXTS)
def test_any_text_comes_back(text):
    source = generated(record_session(say(text), call("f", text=text), outputs=["1"]), title=f"a {text}")
    run(source)
    assert "different with the fake" not in source


def test_the_same_session_gives_the_same_bytes():
    program = (
        "from recorded_sessions import record_session; from test_replay import STORIES\n"
        "from test_to_test import generated\n"
        "for acts, outputs in STORIES.values(): print(generated(record_session(*acts, outputs=outputs)))"
    )
    written = {
        subprocess.run(
            [sys.executable, "-c", program],
            capture_output=True,
            check=True,
            cwd=Path(__file__).parent,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": f"{Path(__file__).parents[2]}{os.pathsep}."},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(written) == 1


def test_arguments_that_are_no_keywords_stand_as_the_model_wrote_them():
    acts = [call("f", arguments_json=written) for written in ('{"call_id": 1}', "{broken", '{"class": 2}', '"\\ud83d"')]
    source = generated(record_session(*acts, say("So."), outputs="1234"))
    run(source)
    assert "arguments_json='{\"call_id\": 1}'" in source
    assert 'call("f", arguments_json="{broken"' in source
    assert "asked_as_written(run)" in source


def test_a_refusal_is_expected_where_the_fake_refuses_too():
    client = Client(FakeAssistants())
    client.send("POST", "/threads", {"metadata": {"a": 1}})
    client.send("GET", "/threads/thread_abcdefghijklmnopqrstuvwx")
    source = generated(client.recorded)
    run(source)
    assert re.search(r"with pytest.raises\(\s+openai.BadRequestError,\s+match=", source)
    assert "openai.NotFoundError" in source
    with pytest.raises(pytest.fail.Exception, match="DID NOT RAISE"):
        run(source.replace('metadata={"a": 1}', "metadata={}"))


def test_what_was_there_before_is_put_there():
    fake = FakeAssistants()
    client = Client(fake)
    assistant = fake.add_assistant("asst_abcdefghijklmnopqrstuvwx", name="Ada").id
    thread = fake.add_thread("thread_abcdefghijklmnopqrstuvwx").id
    file = fake.add_file(id="file-abcdefghijklmnopqrstuvwx", content=b"1,2").id
    client.ok("GET", f"/assistants/{assistant}")
    client.ok("GET", f"/files/{file}")
    client.ok("POST", f"/threads/{thread}/messages", {"role": "user", "content": "Hi?"})
    fake.next_run(hang())
    made = client.ok("POST", f"/threads/{thread}/runs", {"assistant_id": assistant})
    client.ok("GET", f"/threads/{thread}/runs/{made['id']}")
    client.ok("POST", f"/threads/{thread}/runs/{made['id']}/cancel")
    client.poll(client.ok("GET", f"/threads/{thread}/runs/{made['id']}"))
    source = generated(client.recorded)
    run(source)
    assert f'assistant = assistants.add_assistant(\n        id="{assistant}"' in source
    assert f'thread = assistants.add_thread(id="{thread}")' in source
    assert 'filename="file.bin"' in source
    assert 'assert run.status == "cancelled"' in source
    assert "different with the fake" not in source


def test_what_no_request_may_say_of_an_older_assistant_is_left_out():
    """As a tool that only Azure has: `add_assistant` takes what a client may send."""
    fake = FakeAssistants()
    assistant = fake.add_assistant("asst_abcdefghijklmnopqrstuvwx", name="Ada")
    assistant.tools = [{"type": "openapi", "openapi": {}}]
    client = Client(fake)
    client.ok("GET", f"/assistants/{assistant.id}")
    source = generated(client.recorded)
    run(source)
    assert f"# Left out: the tools of {assistant.id}: Invalid value: 'openapi'." in source
    assert 'name="Ada"' in source


def test_an_older_thread_comes_with_its_metadata():
    fake = FakeAssistants()
    client = Client(fake)
    thread = fake.add_thread("thread_abcdefghijklmnopqrstuvwx", metadata={"user": "Ada"}).id
    client.ok("GET", f"/threads/{thread}")
    source = generated(client.recorded)
    run(source)
    assert 'metadata={"user": "Ada"}' in source
    assert "different with the fake" not in source
    with pytest.raises(AssertionError):
        run(source.replace('metadata={"user": "Ada"}', "metadata={}", 1))


def test_v1_is_said_in_the_words_of_v2():
    fake = FakeAssistants()
    file = fake.add_file(id="file-abcdefghijklmnopqrstuvwx", content=b"1,2").id
    client = Client(fake)
    body = {"model": "gpt-4", "tools": [{"type": "retrieval"}], "file_ids": [file]}
    client.ok("POST", "/assistants", body, **V1)
    thread = client.ok("POST", "/threads", {}, **V1)["id"]
    client.ok("POST", f"/threads/{thread}/messages", {"role": "user", "content": "?", "file_ids": [file]}, **V1)
    source = generated(client.recorded)
    run(source)
    assert "file_ids" in source
    assert '{"type": "file_search"}' in source
    assert "retrieval" not in source
    assert "attachments=" in source


@pytest.mark.skipif(not hasattr(openai.OpenAI, "vector_stores"), reason="this SDK has no client.vector_stores")
@pytest.mark.parametrize("day", [None, "2025-11-01"])
def test_vector_stores_are_generated(day):
    """Also as since November 2025: ids of another form, and stores in place of batches (openai-python#2724)."""
    client = Client(FakeAssistants(Options(as_of=day)))
    if day is not None:
        client.fake.world.store.ids.plan("vsfb_ibj_6905db4e37d081f4a1cc709111218a1e")
    with_stores(client)
    source = generated(client.recorded)
    run(source)
    assert "different with the fake" not in source
    assert "vsfb_" not in source
    assert ("# Recorded: the answer is a vector_store." in source) == (day is not None)
    for said in (
        "create(name=",
        "retrieve(",
        "files.create(",
        "files.list(",
        "file_batches.create(",
        "file_batches.retrieve(",
    ):
        assert f"client.vector_stores.{said}" in source


def test_what_cannot_be_generated_is_a_comment():
    fake = FakeAssistants()
    client = Client(fake)
    client.ok("GET", "/assistants")
    elsewhere = exchange(b"{}", b"{}", url="https://api.openai.com/v1/chat/completions")
    busy = exchange(
        b"{}",
        json.dumps({"error": {"message": "slow\ndown"}}).encode(),
        status=429,
        url="https://api.openai.com/v1/threads",
    )
    source = generated([*client.recorded, elsewhere, busy])
    assert outcome(source) == "nothing"
    assert "# Left out: GET /assistants (200): it lists all that an account holds" in source
    assert "# Left out: POST /chat/completions (200): the fake does not serve it" in source
    assert "# Left out: POST /threads (429): a transient error" in source


def test_a_request_that_the_fake_fails_at_is_left_out():
    with pytest.raises(LeftOut, match="a failure of the fake: "):
        DryRun().send(http_request("GET", "/nowhere"))


def test_bodies_that_were_not_recorded_are_reported():
    url = "https://api.openai.com/v1/threads"
    shown = b'{"object": "thread", "id": "thread_abcdefghijklmnopqrstuvwx", "created_at": 1}'
    source = generated(
        [exchange(b"[]", shown, url=url), exchange(b"{", shown, url=url), exchange(b"{}", b"<html>", url=url)]
    )
    assert source.count("its body was not kept") == 2
    assert source.count("its answer was not kept") == 1


def test_files_without_a_place_in_v2_are_reported():
    client = Client(FakeAssistants())
    assistant = client.ok("POST", "/assistants", {"model": "gpt-4"}, **V1)["id"]
    file = client.fake.add_file(id="file-abcdefghijklmnopqrstuvwx", content=b"1,2").id
    tools = {"tools": [{"type": "retrieval"}], "file_ids": [file]}
    client.ok("POST", f"/assistants/{assistant}", tools, **V1)
    source = generated(client.recorded)
    run(source)
    assert "# Left out of this request: its file_ids, for which v2 has no place here" in source


def test_the_content_of_a_file_is_asserted_where_the_fake_has_it():
    client = Client(FakeAssistants())
    file = client.fake.add_file(id="file-abcdefghijklmnopqrstuvwx", content=b'"6"', purpose="assistants_output").id
    client.ok("GET", f"/files/{file}/content")
    source = generated(client.recorded)
    run(source)
    assert "assert client.files.content(file.id).read() == b'\"6\"'" in source
    twice = [*client.recorded, replace(client.recorded[0], response=replace(client.recorded[0].response, body=b"7"))]
    assert "# Recorded: the content differs from that of the fake." in generated(twice)


def test_numbers_that_json_has_and_python_not():
    source = generated(record_session(call("f", arguments_json='{"x": Infinity}'), say("So."), outputs=["1"]))
    run(source)
    assert 'call("f", call_id="' in source.replace("(\n            ", "(").replace(",\n            ", ", ")
    assert 'float("inf")' in source


def test_an_older_thread_comes_with_its_messages_and_runs():
    fake = FakeAssistants()
    writer = Client(fake)
    fake.next_run(call("f"), say("Well."))
    fake.next_run(call("g"), say("Done."))
    thread = fake.add_thread("thread_abcdefghijklmnopqrstuvwx").id
    assistant = fake.add_assistant("asst_abcdefghijklmnopqrstuvwx").id
    converse_on(writer, thread, assistant, "f")
    message = writer.ok("POST", f"/threads/{thread}/messages", {"role": "user", "content": "And?"})["id"]
    waiting = writer.poll(writer.ok("POST", f"/threads/{thread}/runs", {"assistant_id": assistant}))
    client = Client(fake)
    client.ok("GET", f"/threads/{thread}/messages/{message}")
    client.ok("GET", f"/threads/{thread}/runs/{waiting['id']}")
    client.ok("GET", f"/threads/{thread}/messages")
    client.ok("GET", f"/threads/{thread}/runs")
    answer(client, waiting)
    source = generated(client.recorded)
    run(source)
    assert source.count("assistants.next_run(") == 2
    assert '("user", "And?")' in source
    assert '("assistant", "Well.")' in source


def converse_on(client, thread, assistant, question):
    client.ok("POST", f"/threads/{thread}/messages", {"role": "user", "content": question})
    answer(client, client.poll(client.ok("POST", f"/threads/{thread}/runs", {"assistant_id": assistant})))


def answer(client, waiting):
    [asked] = waiting["required_action"]["submit_tool_outputs"]["tool_calls"]
    path = f"/threads/{waiting['thread_id']}/runs/{waiting['id']}/submit_tool_outputs"
    client.poll(client.ok("POST", path, {"tool_outputs": [{"tool_call_id": asked["id"], "output": "1"}]}))
