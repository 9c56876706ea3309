"""The story that is derived from a stream is the one that was told, also where no recording at hand has its like.

A fake tells a made-up story and is recorded. From that recording the story is derived by the rules for recordings, and
another fake that is given it has to tell the same, without a known difference.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import replace
from datetime import datetime, timezone

import pytest
from evidence import Evidence
from recorded_exchanges import ID, Conversation, Exchange
from replayer import events_of, replay

from harness import call, calls, cancel, fail, hang, refuse, run_code, say, search, truncate, wait
from harness.fake import FakeAssistants
from harness.options import Options
from harness.service.http import Request

ROOT = "https://api.openai.com/v1"
FILES = [f"file-{letter * 22}" for letter in "ABC"]
MARK = "【4:0†diary.txt】"
FOUND = {"file_id": FILES[0], "file_name": "diary.txt", "score": 0.5, "content": [{"type": "text", "text": "Rain."}]}
BOTH = calls(
    call("get_weather", arguments_pieces=['{"ci', 'ty":"Os', 'lo"}']),
    call("get_time", arguments_pieces=['{"z":', "1}"]),
)
TOOLS = [
    {"type": "code_interpreter"},
    {"type": "file_search"},
    {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}},
]

STORIES = {
    "text": [say(pieces=["4 °", "C, ", "na", "\u0308", "sse 🌧", "🏽", "."])],
    "default-pieces": [say("Rain is likely, take a coat.")],
    "citation": [
        search(results=[FOUND]),
        say(pieces=["It rained ", MARK, ", twice 【4:0†di", "ary.txt】", "."], citations={MARK: FILES[0]}),
    ],
    "images-and-files": [
        run_code(pieces=["plot", "(x)"], logs="done", images=[FILES[1]]),
        say(pieces=["See ", "sandbox:/a.csv"], images=[FILES[1], FILES[2]], files={"sandbox:/a.csv": FILES[2]}),
    ],
    "image-alone": [say(images=[FILES[1]])],
    "text-around-code": [say("First."), run_code("1 + 1"), say("Second."), run_code("2 + 2", logs="4"), say("Third.")],
    "refusal": [refuse(pieces=["I can't ", "help", " with that."])],
    "call": [call("get_weather", arguments_json='{"city": oops')],
    "calls-and-answer": [BOTH, say(pieces=["Wet", " at ten."]), run_code("3"), say("Done.")],
    "calls-twice": [BOTH, say("Once more."), call("get_weather", city="Bergen"), say("Dry.")],
    "truncated": [say(pieces=["Rain is", " lik"]), truncate()],
    "truncated-between": [say("Rain."), wait(1), truncate("max_prompt_tokens")],
    "failed": [say(pieces=["Rain is", " lik"]), fail("rate_limit_exceeded", "Too much.")],
    "failed-between": [say("Rain."), wait(1), fail()],
    "failed-in-code": [run_code("1 / 0"), fail()],
    "cancelled": [say(pieces=["Rain is", " lik"]), cancel()],
    "cancelled-between": [say("Rain."), wait(1), cancel()],
    "expired": [say(pieces=["Rain is", " lik"]), hang()],
    "expired-between": [run_code("1"), wait(1), hang()],
    "silent": [],
}
QUESTION = {"role": "user", "content": "?"}
DAYS = {"v1": "2024-05-02", "v1-of-march": "2024-03-27", "v2": "2024-05-02", "v2-of-2025": "2025-10-30"}


class Recorder:
    """A client that keeps what was said, in the manner of the recordings."""

    def __init__(self, acts, version):
        self.day = DAYS[version]
        self.fake = FakeAssistants(Options(as_of=self.day, seed="the recorded service"))
        self.fake.next_run(*acts)
        self.beta = f"assistants={version[:2]}"
        self.exchanges = []

    def post(self, path, body, query=""):
        headers = {"openai-beta": self.beta, "content-type": "application/json", "authorization": "Bearer sk-any"}
        request = Request("POST", f"{ROOT}{path}{query}", headers, json.dumps(body).encode())
        at = datetime.fromtimestamp(self.fake.clock.now, timezone.utc)
        response = self.fake.answer(request)
        told = body.get("stream", False)
        raw = b"".join(iter(response.body.read, None)) if told else response.body
        answer = [list(event) for event in events_of(raw.decode())] if told else json.loads(raw)
        self.exchanges.append(
            Exchange(
                source="made up",
                cassette="story",
                index=len(self.exchanges),
                provenance="http",
                method="POST",
                url=request.url,
                route=re.sub(ID, "{id}", path),
                query=dict(request.query),
                request_headers=headers,
                request_body=body,
                status=response.status,
                response_headers=dict(response.headers),
                response_body=answer,
                sse=told,
                recorded_at=at.isoformat(),
                beta=self.beta,
            )
        )
        return answer

    @property
    def conversation(self):
        return Conversation(self.exchanges, self.day)


def record(acts, version, *, with_thread):
    """A run from its start to its end, told as events; whatever is called gets an answer."""
    recorder = Recorder(acts, version)
    tools = [{"type": "retrieval"} if "v1" in version and "search" in tool["type"] else tool for tool in TOOLS]
    assistant = recorder.post("/assistants", {"model": "gpt-4", "instructions": "Be brief.", "tools": tools})
    body = {"assistant_id": assistant["id"], "stream": True}
    query = "?include[]=step_details.tool_calls[*].file_search.results[*].content" if "2025" in version else ""
    if with_thread:
        told = recorder.post(
            "/threads/runs", {**body, "thread": {"messages": [{"role": "user", "content": "?"}]}}, query
        )
    else:
        thread = recorder.post("/threads", {})
        recorder.post(f"/threads/{thread['id']}/messages", {"role": "user", "content": "?"})
        told = recorder.post(f"/threads/{thread['id']}/runs", body, query)
    while told[-2][0] == "thread.run.requires_action":
        run = told[-2][1]
        wanted = run["required_action"]["submit_tool_outputs"]["tool_calls"]
        outputs = [{"tool_call_id": item["id"], "output": "wet"} for item in wanted]
        path = f"/threads/{run['thread_id']}/runs/{run['id']}/submit_tool_outputs"
        told = recorder.post(path, {"tool_outputs": outputs, "stream": True})
    return recorder.conversation


def differences(conversation):
    """What differs when the derived story is told, by the kind of difference and its place."""
    outcomes = replay(conversation, Evidence(conversation.exchanges))
    return [str(difference) for outcome in outcomes for difference in outcome.differences]


@pytest.mark.parametrize("with_thread", [False, True], ids=["run", "thread-and-run"])
@pytest.mark.parametrize("version", DAYS)
@pytest.mark.parametrize("story", STORIES)
def test_a_recorded_story_is_replayed_without_differences(story, version, with_thread):
    assert differences(record(STORIES[story], version, with_thread=with_thread)) == []


@pytest.mark.parametrize("version", DAYS)
def test_a_run_that_began_before_the_recording_goes_on(version):
    """Of some streams only the one after the tool outputs was kept."""
    whole = record(STORIES["calls-and-answer"], version, with_thread=False)
    assert differences(Conversation(whole.exchanges[-1:], whole.day)) == []


# --- the comparison itself ------------------------------------------------------------------------------------


def drop_an_event(events):
    del events[-3]


def swap_two_events(events):
    events[-3], events[-4] = events[-4], events[-3]


def repeat_a_delta(events):
    place = next(place for place, (name, _) in enumerate(events) if name == "thread.run.step.delta")
    events.insert(place, events[place])


def drop_a_key(events):
    del events[-2][1]["usage"]


def move_a_key(events):
    events[-2][1]["model"] = events[-2][1].pop("model")


def drop_a_key_of_an_item(events):
    del next(data for name, data in events if name == "thread.message.delta")["delta"]["content"][0]["type"]


def turn_null_into_a_number(events):
    events[-2][1]["expires_at"] = 1


def change_a_value(events):
    events[-2][1]["status"] = "expired"


@pytest.mark.parametrize(
    ("change", "seen"),
    [
        (drop_an_event, "events: order"),
        (swap_two_events, "events: order"),
        (repeat_a_delta, "thread.run.step.delta: length: recorded 3, fake 2"),
        (drop_a_key, 'thread.run.completed: keys: recorded [], fake ["usage"]'),
        (move_a_key, "thread.run.completed: order"),
        (drop_a_key_of_an_item, "thread.message.delta.delta.content[]: keys"),
        (turn_null_into_a_number, "thread.run.completed.expires_at: type: recorded 1, fake null"),
        (change_a_value, 'thread.run.completed.status: value: recorded "expired", fake "completed"'),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_changed_stream_differs(change, seen):
    told = record([run_code("1"), say("One.")], "v2-of-2025", with_thread=False)
    evidence = Evidence(told.exchanges)
    events = copy.deepcopy(told.exchanges[-1].response_body)
    change(events)
    changed = Conversation([*told.exchanges[:-1], replace(told.exchanges[-1], response_body=events)], told.day)
    found = [str(difference) for outcome in replay(changed, evidence) for difference in outcome.differences]
    assert any(difference.startswith(seen) for difference in found), found


def test_what_stands_between_events_is_an_error():
    with pytest.raises(ValueError, match="no event of a stream: ': ping"):
        events_of("event: done\ndata: [DONE]\n\n: ping\n\n")
