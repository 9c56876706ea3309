"""The sessions in `cassettes/`: each names its source, contains no secret, and can be replayed to any client."""

from __future__ import annotations

import json
import re
from time import gmtime, strftime

import pytest
from recorded_sessions import events
from shipped_cassettes import FOLDER, PATHS, session_of

from harness import FakeAssistants, Request
from harness.recording.cassettes import header_of, read
from harness.recording.redaction import Redactor
from harness.service.lifecycle import RUN, terminal

NAMED = {"math-tutor", "explain-again", "three-threads", "fibonacci", "retrieval", "quiz", "another-problem"}
FIELDS = ("From", "Day", "API", "SDK", "Printed", "Filled in", "Left out")
STEPS_LEFT_OUT = "the steps of the runs: nobody listed them"
# A header of a client that is none of these could tell who sent it.
HEADERS_SENT = {"accept", "content-type", "openai-beta"}
# What of an answer depends on when the client asks, or on how the replaying service counts tokens.
OF_THE_MOMENT = re.compile(r"\w+_at|usage")
RESTING = {*terminal(RUN), "requires_action"}

every_session = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


def fields_of(path):
    """The fields of a header, each as one line."""
    _title, _, about = header_of(path).partition("\n\n")
    return dict(line.split(": ", 1) for line in re.sub(r"\n +", " ", about).splitlines())


def replaying(path, mode="live"):
    fake = FakeAssistants()
    fake.replay(path, mode=mode)
    return fake


class Driver:
    """Sends the requests of a session through the SDK's own HTTP client."""

    def __init__(self, fake):
        self.http = fake.client(max_retries=0)._client

    def send(self, exchange, **more):
        request = exchange.recorded.request
        content = json.dumps({**json.loads(request.body), **more}).encode() if more else request.body
        headers = {"authorization": "Bearer sk-any", **request.headers}
        answer = self.http.request(request.method, request.url, headers=headers, content=content)
        assert answer.status_code == 200, answer.text
        return answer.content


def polls(exchange):
    return exchange.method == "GET" and exchange.route.template.endswith("/runs/{run_id}")


def starts(exchange):
    """Whether a run moves from here on: it begins, or gets what it waited for."""
    return exchange.method == "POST" and exchange.route.template.endswith(("/runs", "/submit_tool_outputs"))


def disagreements(recorded, ours, where=""):
    """What of a recorded value is otherwise in ours; what ours has in addition does not count."""
    if isinstance(recorded, dict) and isinstance(ours, dict):
        kept = {key: value for key, value in recorded.items() if not OF_THE_MOMENT.fullmatch(key)}
        return [
            difference
            for key, value in kept.items()
            for difference in disagreements(value, ours.get(key, "(no such key)"), f"{where}.{key}")
        ]
    if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
        pairs = enumerate(zip(recorded, ours, strict=True))
        return [item for number, pair in pairs for item in disagreements(*pair, f"{where}[{number}]")]
    return [] if recorded == ours else [f"{where}: {ours!r} instead of {recorded!r}"]


# --- what is in the files -----------------------------------------------------------------------------------


def test_the_sessions_of_the_tutorials_are_there():
    assert {path.stem for path in PATHS} >= NAMED


def test_the_table_of_the_readme_names_each_session_and_how_many_exchanges_it_has():
    rows = re.findall(r"^\| `([\w-]+)\.yaml` .* \| (\d+) \|$", (FOLDER / "README.md").read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted((path.stem, str(len(read(path)))) for path in PATHS)


@every_session
def test_the_header_says_where_it_is_from_and_what_was_filled_in(path):
    about = fields_of(path)
    assert tuple(about) == FIELDS
    assert about["From"].startswith("the Korean ")
    assert "openai-python" in about["SDK"]
    session = session_of(path)
    assert {strftime("%Y-%m-%d", gmtime(exchange.recorded.at)) for exchange in session.exchanges} == {about["Day"]}
    asked = {exchange.recorded.request.headers.get("openai-beta", about["API"]) for exchange in session.exchanges}
    assert asked == {about["API"]}
    made_up = [object_id for object_id in session.mentioned_ids if "_NotPrinted" in object_id]
    assert bool(made_up) == ("NotPrinted" in about["Filled in"])


@every_session
def test_steps_that_nobody_listed_are_said_to_be_left_out(path):
    listed = {run_id for run_id, story in session_of(path).stories.items() if story.steps}
    assert listed in (set(), set(session_of(path).stories))
    assert bool(listed) != (STEPS_LEFT_OUT in fields_of(path)["Left out"])


@every_session
def test_nothing_in_it_looks_like_a_secret(path):
    raw = path.read_bytes()
    assert Redactor().scan(raw) == []
    assert {name for item in read(path) for name in item.request.headers} <= HEADERS_SENT
    for known in (rb"\bsk-", rb"@[\w-]+\.\w", rb"(?i)authorization|cookie|organization", rb"/home/|/Users/|[A-Z]:\\\\"):
        assert re.findall(known, raw) == []


# --- replay -------------------------------------------------------------------------------------------------


@every_session
def test_exactly_replayed_it_gives_the_recorded_bytes(path):
    fake = replaying(path, "exact")
    driver = Driver(fake)
    for exchange in session_of(path).exchanges:
        assert driver.send(exchange) == exchange.recorded.response_body
    assert fake.unused() is None


@every_session
@pytest.mark.parametrize("extra", [0, 1, 4])
def test_a_client_that_polls_in_its_own_way_gets_the_same_conversation(path, extra):
    """It polls a run until that rests, and `extra` times more."""
    fake = replaying(path)
    driver = Driver(fake)
    exchanges = session_of(path).exchanges
    for exchange, following in zip(exchanges, [*exchanges[1:], None], strict=True):
        if polls(exchange) and following is not None and following.path == exchange.path:
            continue  # of several polls in a row, the last counts
        ours = json.loads(driver.send(exchange))
        while polls(exchange) and ours["status"] not in RESTING:
            ours = json.loads(driver.send(exchange))
        for _ in range(extra if polls(exchange) else 0):
            ours = json.loads(driver.send(exchange))
        assert disagreements(exchange.response_json, ours) == [], str(exchange)
    assert fake.unused() is None


@every_session
def test_a_client_that_streams_what_was_polled_gets_the_same_conversation(path):
    fake = replaying(path)
    driver = Driver(fake)
    ended = 0
    for exchange in session_of(path).exchanges:
        if polls(exchange):
            if exchange.response_json["status"] in RESTING:
                assert disagreements(exchange.response_json, json.loads(driver.send(exchange))) == [], str(exchange)
            continue
        if not starts(exchange):
            assert disagreements(exchange.response_json, json.loads(driver.send(exchange))) == [], str(exchange)
            continue
        streamed = events(driver.send(exchange, stream=True))
        [*_, (name, run), done] = [item for item in streamed if item[0] == "done" or item[1]["object"] == "thread.run"]
        assert done == ("done", "[DONE]")
        assert (run["id"], name) == (exchange.response_json["id"], f"thread.run.{_next_rest(path, exchange)}")
        said = "".join(
            part["text"]["value"]
            for name, data in streamed
            if name == "thread.message.delta"
            for part in data["delta"]["content"]
        )
        messages = session_of(path).story(run["id"]).messages.values()
        assert said in ("", *(message["content"][0]["text"]["value"] for message in messages))
        assert bool(said) == (name == "thread.run.completed")
        ended += 1
    assert ended
    assert fake.unused() is None


def _next_rest(path, started):
    """The status in which a run came to rest after this exchange."""
    run_id, exchanges = started.response_json["id"], session_of(path).exchanges
    later = (
        exchange for exchange in exchanges[exchanges.index(started) :] if polls(exchange) and run_id in exchange.path
    )
    return next(exchange.response_json["status"] for exchange in later if exchange.response_json["status"] in RESTING)


@every_session
def test_steps_can_be_listed_although_nobody_did(path):
    """Of a run whose steps were left out, live replay tells what its messages and calls show; of others, all."""
    fake = replaying(path)
    driver = Driver(fake)
    for exchange in session_of(path).exchanges:
        ours = json.loads(driver.send(exchange))
        while polls(exchange) and ours["status"] not in RESTING:
            ours = json.loads(driver.send(exchange))
    for run_id, story in session_of(path).stories.items():
        query = f"/v1/threads/{story.run['thread_id']}/runs/{run_id}/steps?order=asc"
        head = {"authorization": "Bearer sk-any", "openai-beta": "assistants=v2"}
        listed = json.loads(fake.answer(Request("GET", f"https://api.openai.com{query}", head)).body)["data"]
        assert {step["status"] for step in listed} == {"completed"}
        [said] = [step["step_details"]["message_creation"]["message_id"] for step in listed if step["type"][0] == "m"]
        assert said in story.messages
        tools = [
            call["id"] for step in listed if step["type"] == "tool_calls" for call in step["step_details"]["tool_calls"]
        ]
        known = [call["id"] for step in story.steps.values() for call in step["step_details"].get("tool_calls", ())]
        assert tools == [*known, *story.calls]
