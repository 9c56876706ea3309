"""Every recorded session replays live: a client driven through its steps gets the recorded texts, statuses and errors.

The client is the SDK of this environment; it looks at each run as often as it likes, or streams what was polled.
"""

from __future__ import annotations

import json
from collections import defaultdict

import openai
import pytest
from cassette_recordings import files

from harness import FakeAssistants
from harness.recording.cassettes import read, write
from harness.recording.session import Session
from harness.service.lifecycle import RUN, terminal

# The keys that the recording determines. Steps are compared apart: those that were never listed cannot be replayed.
DETERMINED = ("id", "object", "status", "role", "content", "name", "instructions", "model", "last_error", "deleted")
# Requests that may be answered differently, with the reasons.
KNOWN = {
    **dict.fromkeys(("GET /assistants", "GET /files"), "lists a whole account, most of which others made elsewhere"),
    "GET /assistants/{assistant_id}/files": "no upload of the file was recorded: the fake cannot attach what it lacks",
    "GET /threads/{thread_id}/messages": "the request that made the run was recorded without its body: nobody plays it",
    "POST /files": "a file was `uploaded` before it was `processed`, which nobody waited for",
    "an older run": "a run that was made before the recording is as it was seen last",
}


def reason_to_differ(exchange, session):
    """Which known reason fits this exchange, if any."""
    older = "run_id" in exchange.path_ids and exchange.path_ids["run_id"] not in session.created_by
    return KNOWN.get("an older run" if older else f"{exchange.method} {getattr(exchange.route, 'template', '')}")


class Sdk:
    """The SDK's own client, asked by path."""

    def __init__(self, fake, extra):
        self.client = fake.client(max_retries=0)
        self.extra = extra

    def send(self, exchange):
        """The status and the body of the answer to the recorded request."""
        request = exchange.recorded.request
        keep = ("openai-beta", "content-type", "api-key")
        headers = {name: value for name, value in request.headers.items() if name in keep}
        answer = self.client._client.request(
            request.method, request.url, headers={"authorization": "Bearer sk-test", **headers}, content=request.body
        )
        return answer.status_code, answer.content

    def poll(self, exchange):
        """Poll a run until it has come as far as it was recorded, or to its end."""
        status, body = self.send(exchange)
        while status == 200 and json.loads(body)["status"] not in (exchange.response_json["status"], *terminal(RUN)):
            status, body = self.send(exchange)
        for _ in range(self.extra if status == 200 else 0):
            status, body = self.send(exchange)
        return status, body


def differences(exchanges, path, extra):
    """What a client that is driven through a session gets otherwise than it was recorded."""
    write(path, exchanges)
    fake = FakeAssistants()
    fake.replay(path)
    session = Session.of(read(path))
    sdk = Sdk(fake, extra)
    found, compared = [], 0
    for exchange, following in zip(session.exchanges, [*session.exchanges[1:], None], strict=True):
        polls = (
            exchange.ok
            and exchange.method == "GET"
            and getattr(exchange.route, "template", "").endswith("/runs/{run_id}")
        )
        if polls and following is not None and (following.method, following.path) == (exchange.method, exchange.path):
            continue  # of several polls in a row, the last counts
        compared += 1
        if exchange.recorded.at is not None:  # the client slept as long as it did then
            fake.slept(max(0.0, exchange.recorded.at - fake.clock.now))
        status, body = sdk.poll(exchange) if polls else sdk.send(exchange)
        difference = _difference(status, body, exchange)
        if difference and reason_to_differ(exchange, session) is None:
            found.append(f"{exchange}: {difference}")
    return found, compared


def _difference(status, body, exchange):
    if status != exchange.status:
        return f"{status} instead of {exchange.status}: {body[:300]!r}"
    if not isinstance(exchange.response_json, dict) or exchange.status >= 400:
        return None
    ours = json.loads(body)
    if isinstance(exchange.response_json.get("data"), list):
        ids = [[item.get("id") for item in answer["data"]] for answer in (ours, exchange.response_json)]
        return None if ids[0] == ids[1] else f"listed {ids[0]} instead of {ids[1]}"
    other = [
        key
        for key in DETERMINED
        if key in exchange.response_json and key in ours and ours[key] != exchange.response_json[key]
    ]
    return f"{[(key, ours[key], exchange.response_json[key]) for key in other]}" if other else None


@pytest.mark.parametrize("extra", [0, 3], ids=["polls", "polls more"])
@pytest.mark.parametrize("path", files("raw/*/*"))
def test_a_raw_cassette(path, extra, tmp_path):
    found, compared = differences(read(path), tmp_path / "session.yaml", extra)
    assert compared
    assert found == []


def conversations(path):
    """The exchanges of a log, by the cassette they were in."""
    groups = defaultdict(list)
    for exchange in read(path):
        groups[exchange.origin.rpartition(" [")[0]].append(exchange)
    return groups.values()


@pytest.mark.parametrize("path", files("*.jsonl"))
def test_every_conversation_of_a_log(path, tmp_path):
    found = [
        difference
        for number, exchanges in enumerate(conversations(path))
        for difference in differences(exchanges, tmp_path / f"{number}.yaml", 0)[0]
    ]
    assert found == []


@pytest.mark.skipif(not hasattr(openai, "AssistantEventHandler"), reason="this SDK does not stream")
@pytest.mark.parametrize("path", files("raw/vcrpy/*"))
def test_what_was_polled_may_be_streamed_and_the_other_way_round(path):
    session = Session.of(read(path))
    runs = [
        exchange for exchange in session.exchanges if any(item["object"] == "thread.run" for item in exchange.created)
    ]
    assert runs
    for exchange in runs:
        fake = FakeAssistants()
        fake.replay(path)
        sdk = Sdk(fake, 0)
        for earlier in session.exchanges[: session.exchanges.index(exchange)]:
            if earlier.method == "POST" and earlier.ok:
                sdk.send(earlier)
        run = next(item for item in exchange.created if item["object"] == "thread.run")
        ended = session.story(run["id"]).run
        body = {key: value for key, value in json.loads(exchange.recorded.request_body).items() if key != "stream"}
        threads = fake.client().beta.threads
        if exchange.events:
            ours = threads.runs.create(thread_id=run["thread_id"], **body)
            while ours.status not in (*terminal(RUN), "requires_action"):
                ours = threads.runs.retrieve(ours.id, thread_id=ours.thread_id)
        else:
            ours = [event.data for event in threads.runs.create(thread_id=run["thread_id"], **body, stream=True)][-1]
        assert ours.id == run["id"]
        assert ours.status == ("requires_action" if session.story(run["id"]).calls else ended["status"])
