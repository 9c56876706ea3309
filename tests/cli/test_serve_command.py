"""`harness serve`, as a program that is started, used and interrupted."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import fields
from urllib.request import ProxyHandler, Request, build_opener

import click
import pytest

from harness.cli import main, serving
from harness.cli.settings import IN_PROCESS_ONLY, descriptions
from harness.options import NAMES, Options, make_options

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows ends a program that is sent SIGTERM")
SCENARIO = "every_run: [{say: 4 °C and rain}]\n"


@contextmanager
def running_server(*arguments, **environment):
    """A running `harness serve --json`, and what it printed; killed at the end."""
    program = subprocess.Popen(
        [sys.executable, "-m", "harness", "serve", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env={**os.environ, **environment},
    )
    with program:
        try:
            yield program, json.loads(program.stdout.readline() or program.stderr.read())
        finally:
            program.kill()


def ask(url, path, body=None, key="sk-any"):
    headers = {"Authorization": f"Bearer {key}", "OpenAI-Beta": "assistants=v2", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    straight = build_opener(ProxyHandler({}))
    with straight.open(Request(url + path, data=data, headers=headers), timeout=30) as answer:
        return json.load(answer)


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "SIGTERM"])
def test_it_serves_until_it_is_stopped(number):
    with running_server() as (program, server):
        base = server["base_url"]
        assert server["environment"] == {
            "OPENAI_BASE_URL": base,
            "OPENAI_API_KEY": server["environment"]["OPENAI_API_KEY"],
            "OPENAI_API_VERSION": "2024-05-01-preview",
            "AZURE_OPENAI_ENDPOINT": server["url"],
            "AZURE_OPENAI_API_KEY": server["environment"]["OPENAI_API_KEY"],
        }
        assert server["inspector"].startswith(f"{server['url']}/_harness/")
        thread = ask(base, "/threads", {"metadata": {"by": "Falcon"}})
        assert ask(base, f"/threads/{thread['id']}")["metadata"] == {"by": "Falcon"}
        program.send_signal(number)
        assert program.wait(30) == 0
        assert program.stderr.read() == ""


@posix
def test_a_client_of_the_sdk_finds_it_by_the_variables(tmp_path):
    scenario = tmp_path / "weather.yaml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    client = """
import openai
client = openai.OpenAI()
assistant = client.beta.assistants.create(model="gpt-4o")
thread = {"messages": [{"role": "user", "content": "Weather in Oslo?"}]}
run = client.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=thread)
print(client.beta.threads.messages.list(run.thread_id).data[0].content[0].text.value, run.created_at)
"""
    with running_server("--scenario", str(scenario), "--start", "1700000000", "--spare-waiting") as (_, server):
        environment = {**os.environ, **server["environment"], "PYTHONIOENCODING": "utf-8", "NO_PROXY": "127.0.0.1"}
        environment.pop("AZURE_OPENAI_API_KEY")
        arguments = [sys.executable, "-Wignore", "-c", client]
        done = subprocess.run(arguments, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert done.stdout.startswith("4 °C and rain 17000000"), done.stderr


def test_the_only_key_is_the_one_it_tells():
    with running_server("--api-key", "sk-mine") as (_, server):
        assert server["environment"]["OPENAI_API_KEY"] == "sk-mine"
        assert ask(server["base_url"], "/threads", {}, key="sk-mine")["object"] == "thread"


def test_the_token_is_taken_from_the_environment():
    with running_server(HARNESS_TOKEN="a-secret") as (_, server):
        assert server["token"] == "a-secret"


def test_it_goes_on_where_the_last_one_ended(tmp_path):
    state = tmp_path / "state.jsonl"
    with running_server("--state", str(state)) as (_, server):
        thread = ask(server["base_url"], "/threads", {"metadata": {"by": "Falcon"}})
    with running_server("--state", str(state)) as (_, server):
        assert ask(server["base_url"], f"/threads/{thread['id']}")["metadata"] == {"by": "Falcon"}


def test_the_state_of_another_server_is_refused(run, interrupted, tmp_path):
    run("serve", "--state", "state.jsonl", "--queued", "2")
    refused = run("serve", "--state", "state.jsonl", code=1).stderr
    assert "queued was 2.0, and is 1.0." in refused
    run("serve", "--state", "state.jsonl", "--queued", "2")


@pytest.fixture
def interrupted(monkeypatch):
    """Sends Ctrl+C when the server has run for a moment."""
    monkeypatch.setattr(serving, "SIGNAL_INTERVAL", 0.001)

    class Pressed(serving.Event):
        def wait(self, timeout=None):
            waited = super().wait(timeout)
            if not waited:
                signal.raise_signal(signal.SIGINT)
            return waited

    monkeypatch.setattr(serving, "Event", Pressed)


def test_it_prints_how_to_use_and_stop_it(run, interrupted):
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    result = run("serve")
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    url = result.stdout.split()[7]
    assert url.startswith("http://127.0.0.1:")
    variable = '$env:OPENAI_BASE_URL="{}"' if sys.platform == "win32" else "export OPENAI_BASE_URL={}"
    for line in (variable.format(f"{url}/v1"), f"{url}/_harness/", "Ctrl+C ends it."):
        assert line in result.stdout.replace("    ", "").splitlines()
    assert "Any other key works" in result.stdout
    assert "is no model" in result.stdout
    assert result.stdout.endswith("Stopping.\n")
    assert result.stderr == ""


def test_with_one_key_no_other_is_said_to_do(run, interrupted):
    result = run("serve", "--api-key", "sk-mine")
    assert "No other key is accepted." in result.stdout
    assert "OPENAI_API_KEY=sk-mine" in result.stdout.replace('"', "")


@pytest.mark.parametrize("encrypted", [False, True], ids=["HTTP", "HTTPS"])
def test_whoever_opens_it_to_others_is_warned(run, interrupted, tmp_path, encrypted):
    tls = []
    if encrypted:
        issued = pytest.importorskip("trustme").CA().issue_cert("localhost")
        issued.private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
        tls = ["--tls-cert", "server.pem"]
    result = run("serve", "--host", "0.0.0.0", "--token", "a-secret", *tls)
    assert result.stderr.startswith("Warning: whoever reaches 0.0.0.0 reaches this fake")
    assert ("is not encrypted" in result.stderr) is not encrypted
    assert result.stderr.endswith("requires this token: a-secret\n")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.0.0.2"])
def test_on_this_machine_nobody_is_warned(run, interrupted, host):
    if host == "127.0.0.2" and sys.platform == "darwin":
        pytest.skip("macOS has only one address of its own")
    assert run("serve", "--host", host).stderr == ""


def test_a_second_signal_does_what_it_always_does():
    calls = []
    before = signal.signal(signal.SIGINT, lambda *_: calls.append("second"))
    try:
        with serving._stop_signal() as stop:
            signal.raise_signal(signal.SIGINT)
            assert (stop.is_set(), calls) == (True, [])
            signal.raise_signal(signal.SIGINT)
            assert calls == ["second"]
    finally:
        signal.signal(signal.SIGINT, before)


# --- mistakes -------------------------------------------------------------------------------------------------


def test_a_port_that_is_taken(run):
    with running_server() as (_, server):
        port = server["url"].rpartition(":")[2]
        result = run("serve", "--port", port, code=1)
    assert result.stderr.startswith(f"Error: There can be no server at 127.0.0.1, port {port}")
    assert "a port that is free: on the command line, leave out --port" in result.stderr


def test_a_scenario_with_a_mistake(run, tmp_path):
    (tmp_path / "bad.yaml").write_text("evry_run: []\n", encoding="utf-8")
    assert "evry_run" in run("serve", "--scenario", "bad.yaml", code=1).stderr


@pytest.mark.parametrize(
    "arguments",
    [("--as-of", "yesterday"), ("--api", "v3"), ("--queued", "soon"), ("--port", "70000"), ("--scenario", "none.yaml")],
    ids=["as_of", "api", "queued", "port", "scenario"],
)
def test_what_cannot_be_meant_is_a_mistake_of_the_command(run, arguments):
    assert arguments[0] in run("serve", *arguments, code=2).stderr


# --- options --------------------------------------------------------------------------------------------------


def serve_options(monkeypatch, *arguments):
    """The arguments with which the command calls `serve`."""
    given = {}

    @contextmanager
    def serve(options, **how):
        given.update(how, options=options)
        raise SystemExit(0)
        yield

    monkeypatch.setattr("harness.serving.serve", serve)
    with pytest.raises(SystemExit):
        main(["serve", *arguments])
    return given


def test_without_options_all_are_at_their_defaults(monkeypatch):
    given = serve_options(monkeypatch)
    assert make_options({**vars(given.pop("options")), "seed": 0}, where="") == Options()
    none = dict.fromkeys(["scenario", "token", "state", "tls_cert", "tls_key"])
    how = {"host": "127.0.0.1", "port": 0, "time": "virtual", "spare_waiting": False, "execute": False}
    assert given == {**how, **none}


def test_every_option_of_a_served_fake_can_be_given(monkeypatch):
    given = {
        "api": "v1",
        "as_of": "2024-05-01",
        "clock": "timed",
        "start": 7.0,
        "queued": 2.5,
        "act": 3.5,
        "cancelling": 4.5,
        "seed": "abc",
        "api_key": "sk-mine",
        "code_logs": "shown",
        "adopt_unknown": True,
        "stuck_after": 7,
        "code_seconds": 1.5,
        "code_memory": 100,
        "code_disk": 50,
        "code_output": 10,
    }
    assert given.keys() == set(NAMES) - IN_PROCESS_ONLY
    defaults = {field.name: field.default for field in fields(Options)}
    assert not [name for name, value in given.items() if defaults[name] == value]
    arguments = []
    for name, value in given.items():
        flag = "--" + name.replace("_", "-")
        arguments += [flag] if value is True else [flag, str(value)]
    assert serve_options(monkeypatch, *arguments)["options"] == Options(**given)
    assert serve_options(monkeypatch, "--no-adopt-unknown")["options"].adopt_unknown is False


def test_every_option_is_described():
    texts = descriptions()
    assert set(texts) == set(NAMES)
    options = {option.name: option for option in main.commands["serve"].params if isinstance(option, click.Option)}
    assert {name: options[name].help for name in NAMES if name not in IN_PROCESS_ONLY} == {
        name: text for name, text in texts.items() if name not in IN_PROCESS_ONLY
    }
    assert all(option.help for option in options.values())
    assert IN_PROCESS_ONLY.issubset(NAMES)


def test_a_number_that_cannot_be_meant_is_quoted_as_it_was_typed(run):
    error = run("serve", "--stuck-after", "0", code=1).stderr
    assert "harness serve --stuck-after 0: stuck_after takes a whole number from 1 on." in error
    assert "harness serve --stuck-after 30" in error
