"""Polling and streaming are equivalent: both clients of a run see the same (CONTRACT §5).

A story is a script, what the client does with it, and perhaps another client that cancels. Each is played in two
fakes with the same seed: equal ids then also show that the same objects were made in the same order.

What only streams show (CONTRACT §2, §5) is `STREAM_ONLY`, `tool_resources` of a run, `expires_at` of a finished step,
and what `comparable` leaves out of deltas.
"""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from openai._streaming import SSEDecoder
from openai.lib.streaming._assistants import accumulate_delta

from harness import FakeAssistants, Request, call, say
from harness.options import make_options
from harness.strategies import stories as scripts
from harness.strategies import texts
from harness.strategies.texts import sometimes

# The same stories in every run: CI must not fail for what nobody changed.
SAME_EVERYWHERE = settings(deadline=None, derandomize=True, database=None, suppress_health_check=[HealthCheck.too_slow])
A_THOUSAND = settings(SAME_EVERYWHERE, max_examples=1000)
SOME = settings(SAME_EVERYWHERE, max_examples=200)

ENDED = {"completed", "incomplete", "failed", "cancelled", "expired"}
RESTS = {*ENDED, "requires_action"}
STREAM_ONLY = {"status", "incomplete_details", "incomplete_at", "completed_at"}  # of a message, CONTRACT §2.3
GROWING = {"value", "refusal", "arguments", "input"}  # the texts that come in pieces, CONTRACT §5.3


# --- stories ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Story:
    """What happens, besides the acts of the model.

    Attributes:
        outputs: what the client submits, call by call, from the beginning again when they run out.
        thinking: virtual seconds the client takes for its tools, each time.
        cancelled_after: when another client cancels, in virtual seconds from the creation of the run.
        together: the thread is created with the run.
    """

    acts: tuple[Any, ...]
    outputs: tuple[str, ...] = ("4 °C",)
    thinking: float = 0
    cancelled_after: float | None = None
    limit: int | None = None
    api: str = "v2"
    as_of: str | None = None
    together: bool = False

    @property
    def early(self) -> bool:
        """Whether this is before an incomplete run got an event of its own (CONTRACT §5.1)."""
        return (self.as_of or "9999") < "2024-05-28"

    def shown(self, moments: list[Any]) -> list[str]:
        """These moves of the run as statuses of its object; in v1 `incomplete` had no name of its own at first."""
        names = {"incomplete": "completed"} if self.early and self.api == "v1" else {}
        return [names.get(moment.status, moment.status) for moment in moments]


# moments that a float holds exactly, so that both fakes reach the very same ones
moments = st.integers(0, 120).map(lambda eighths: eighths / 8)
stories = st.builds(
    Story,
    acts=scripts(),
    outputs=st.lists(texts(), min_size=1, max_size=3).map(tuple),
    thinking=st.sampled_from([0, 0, 0.5, 700]),
    cancelled_after=sometimes(moments),
    limit=sometimes(st.integers(1, 60)),
    api=st.sampled_from(["v2", "v1"]),
    as_of=st.sampled_from([None, "2024-05-01"]),
    together=st.booleans(),
)


# --- two ways to follow one ---------------------------------------------------------------------------------------


@dataclass
class Client:
    fake: FakeAssistants
    api: str
    name: str

    def send(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"authorization": "Bearer sk-test", "openai-beta": f"assistants={self.api}"}
        sent = b"" if body is None else json.dumps(body).encode()
        return self.fake.answer(Request(method, f"https://api.openai.com/v1{path}", headers, sent, self.name))

    def ok(self, method: str, path: str, body: Any = None) -> Any:
        answer = self.send(method, path, body)
        assert answer.status == 200, answer.body
        return json.loads(answer.body)


@dataclass
class Stream:
    """One stream as it came, and how many moves the run had made before."""

    chunks: list[bytes]
    begin: int

    @property
    def events(self) -> list[tuple[str, Any]]:
        return parse_strictly(b"".join(self.chunks))


@dataclass
class Played:
    fake: FakeAssistants
    rests: list[Any] = field(default_factory=list)
    polled: list[str] = field(default_factory=list)
    streams: list[Stream] = field(default_factory=list)

    @property
    def timeline(self) -> list[Any]:
        [run] = self.fake.runs
        return run.timeline

    @property
    def timelines(self) -> dict[str, list[Any]]:
        """Every move of the run, its steps and the messages: when, by whom, because of what, to which status."""
        [thread] = self.fake.threads
        [run] = thread.runs
        return {record.id: record.timeline for record in (run, *run.steps, *thread.messages)}


def play(story: Story, *, stream: bool, meanwhile=None, chunks: int | None = None, crlf: bool = False) -> Played:
    """Follow a story to its end, by polling or by events; `meanwhile` is what others do after each chunk."""
    # others may repeat their requests often without being stuck
    options = {"seed": "story", "as_of": story.as_of, "stuck_after": 10**6, "unused": "ignore"}
    fake = FakeAssistants(make_options(options, where="test"))
    fake.next_run(*story.acts)
    assistant = fake.add_assistant(tools=[{"type": "file_search"}])
    if chunks is not None:
        fake.faults.chunks(chunks)
    if crlf:
        fake.faults.crlf()
    client, other = Client(fake, story.api, "one"), Client(fake, story.api, "other")
    said = {"messages": [{"role": "user", "content": "안녕"}]}
    body: dict[str, Any] = {"assistant_id": assistant.id, "max_completion_tokens": story.limit}
    path = "/threads/runs"
    if story.together:
        body["thread"] = said
    else:
        path = f"/threads/{client.ok('POST', '/threads', said)['id']}/runs"
    played = Played(fake)

    def start(at: str, sent: dict[str, Any]) -> None:
        """Send a request that lets the run proceed, and read its stream to the end."""
        begin = len(played.timeline) if fake.runs else 0
        answer = client.send("POST", at, {**sent, "stream": stream})
        if answer.status != 200:  # the client has thought too long
            assert begin
            assert json.loads(answer.body)["error"]["message"].endswith("do not accept tool outputs.")
            return
        if not begin and story.cancelled_after is not None:
            fake.clock.call_at(
                fake.clock.now + story.cancelled_after, lambda: other.send("POST", f"{run_path()}/cancel")
            )
        if not stream:
            played.polled.append(checked_status(json.loads(answer.body)))
            return
        assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
        come = []
        while (chunk := answer.body.read()) is not None:
            come.append(chunk)
            if meanwhile is not None:
                meanwhile(other, run_path())
        played.streams.append(Stream(come, begin))

    def run_path() -> str:
        [run] = fake.runs
        return f"/threads/{run.thread_id}/runs/{run.id}"

    def rest() -> Any:
        """Poll until the run has ended or requires action; remember it, its steps and the messages."""
        while checked_status(run := client.ok("GET", run_path())) not in RESTS:
            played.polled.append(run["status"])
        played.polled.append(run["status"])
        steps = client.ok("GET", f"{run_path()}/steps?order=asc&limit=100")
        messages = client.ok("GET", f"/threads/{run['thread_id']}/messages?order=asc&limit=100")
        assert not steps["has_more"]
        assert not messages["has_more"]
        played.rests.append({"run": run, "steps": steps["data"], "messages": messages["data"]})
        return run

    start(path, body)
    while (run := rest())["status"] == "requires_action":
        fake.clock.advance(story.thinking)
        asked = run["required_action"]["submit_tool_outputs"]["tool_calls"]
        outputs = [
            {"tool_call_id": item["id"], "output": output}
            for item, output in zip(asked, cycle(story.outputs), strict=False)
        ]
        start(f"{run_path()}/submit_tool_outputs", {"tool_outputs": outputs})
    return played


def checked_status(run: Any) -> str:
    """The status of a run as a client saw it; the other fields have to agree with it (CONTRACT §2.4, §3.1)."""
    status = run["status"]
    assert (run["required_action"] is not None) == (status == "requires_action")
    assert (run["last_error"] is not None) == (status == "failed")
    if status != "completed":  # which early v1 says of both, see `Story.shown`
        assert (run["incomplete_details"] is not None) == (status == "incomplete")
    assert (run["usage"] is not None) == (run["expires_at"] is None) == (status in ENDED)
    return status


# --- what a stream says -------------------------------------------------------------------------------------------

FRAMES = re.compile(rb"(?:event: [a-z_.]+\r?\ndata: [^\r\n]+\r?\n\r?\n)*")


def parse_strictly(come: bytes) -> list[tuple[str, Any]]:
    """Events exactly as in CONTRACT §5: two lines and an empty one each, the last of them `done`."""
    assert FRAMES.fullmatch(come), come
    frames = come.replace(b"\r\n", b"\n").split(b"\n\n")
    assert frames.pop() == b""
    assert frames.pop() == b"event: done\ndata: [DONE]"
    pairs = [frame.split(b"\n") for frame in frames]
    return [(name[len(b"event: ") :].decode(), json.loads(data[len(b"data: ") :])) for name, data in pairs]


def parse_like_the_sdk(chunks: list[bytes]) -> list[tuple[str, Any]]:
    """Events as the official SDK parses them."""
    *events, last = SSEDecoder().iter_bytes(iter(chunks))
    assert (last.event, last.data) == ("done", "[DONE]")
    return [(event.event, event.json()) for event in events]


@dataclass
class Listener:
    """What a client knows that only reads the stream."""

    objects: dict[str, Any] = field(default_factory=dict)
    deltas: dict[str, list[Any]] = field(default_factory=dict)
    statuses: dict[str, list[str]] = field(default_factory=dict)

    def receive(self, event: str, data: Any, *, early: bool) -> None:
        kind, _, what = event.rpartition(".")
        if what == "delta":
            assert data["object"] == event
            assert data["id"] in self.objects
            assert parts(self.objects[data["id"]]) == []  # deltas come before the whole parts
            self.deltas[data["id"]].append(data["delta"])
            return
        assert data["object"] == kind
        if what == "created":
            assert data["id"] not in self.objects
            self.deltas[data["id"]] = []
            self.statuses[data["id"]] = []
        elif kind == "thread.run" and data["status"] == "incomplete" and early:
            assert what == "completed"
        else:
            assert what == data["status"]
        if what != "created":
            self.statuses[data["id"]].append(data["status"])
            before = self.objects[data["id"]]
            assert before.keys() == data.keys()
        self.objects[data["id"]] = data
        self.check_order(data)
        if parts(data):
            self.check_fold(data)

    def check_order(self, record: Any) -> None:
        """A step begins before its message and ends behind it, unless it fails; the run ends behind both (§5.2)."""
        busy = [known for known in self.objects.values() if known.get("status") in {"in_progress", "cancelling"}]
        kinds = [known["object"] for known in busy]
        if record["object"] == "thread.message" and record["status"] == "in_progress":
            assert kinds == ["thread.run", "thread.run.step", "thread.message"]
        elif record["object"] == "thread.run.step" and record["status"] != "in_progress":
            assert "thread.message" not in kinds or record["status"] == "failed"
        elif record["object"] == "thread.run":
            assert kinds in ([], ["thread.run"]) or record["status"] in ("cancelling", "requires_action")

    def check_fold(self, record: Any) -> None:
        """The deltas make the parts, whether the SDK adds them up or this test does."""
        deltas = self.deltas[record["id"]]
        assert comparable(folded(deltas)) == comparable(folded_by_the_sdk(deltas)) == comparable(parts(record))


def parts(record: Any) -> Any:
    """The part of an object that deltas make: the content of a message, the calls of a step."""
    return record["content"] if "content" in record else record.get("step_details", {}).get("tool_calls")


def listed(delta: Any) -> Any:
    return delta["content"] if "content" in delta else delta["step_details"]["tool_calls"]


def folded(deltas: list[Any]) -> list[Any]:
    known: list[Any] = []
    for delta in deltas:
        add(known, listed(delta))
    return known


def add(known: Any, more: Any) -> None:
    """Lists are merged by index, objects by key; texts that come in pieces grow, all else is set."""
    if isinstance(more, list):
        for entry in more:
            if entry["index"] == len(known):
                known.append({})
            add(known[entry["index"]], entry)
        return
    for key, value in more.items():
        if isinstance(value, (dict, list)):
            add(known.setdefault(key, type(value)()), value)
        else:
            known[key] = known[key] + value if key in GROWING and key in known else value


def folded_by_the_sdk(deltas: list[Any]) -> Any:
    known: Any = {"content": [], "step_details": {"type": "tool_calls", "tool_calls": []}}
    for delta in copy.deepcopy(deltas):  # the SDK keeps parts of what it is given
        known = accumulate_delta(known, delta)
    return known["content"] or known["step_details"]["tool_calls"]


def comparable(value: Any) -> Any:
    """Parts without what differs between deltas and finished objects.

    Only deltas have `index`, and in v2 a citation's empty `quote`; only what is finished has the output of a
    function and the results of a search (CONTRACT §5.2, §5.3).
    """
    if isinstance(value, list):
        return [comparable(item) for item in value]
    if isinstance(value, dict):
        left_out = {"index", "quote", "output", "results"}
        return {key: comparable(item) for key, item in value.items() if key not in left_out}
    return value


def without(record: Any, *keys: str) -> Any:
    return {key: value for key, value in record.items() if key not in keys}


def check_streams(story: Story, played: Played) -> None:
    """The events are what happened, move by move, and what a GET shows once the stream is over."""
    listener = Listener()
    for stream, rest in zip(played.streams, played.rests, strict=False):
        events = stream.events
        assert events == parse_like_the_sdk(stream.chunks)
        assert len(stream.chunks) == len(events) + 1
        if story.together and stream is played.streams[0]:
            event, data = events.pop(0)
            assert (event, data["id"]) == ("thread.created", rest["run"]["thread_id"])
        for event, data in events:
            listener.receive(event, data, early=story.early)
        assert events[-1][1]["object"] == "thread.run"
        assert events[0][0] == ("thread.run.step.completed" if stream.begin else "thread.run.created")
        *moves, last = (checked_status(data) for event, data in events if data["object"] == "thread.run")
        if not stream.begin:
            assert moves.pop(0) == "queued"  # a new run has two events, created and queued
        assert [*moves, last] == story.shown(played.timeline[stream.begin :])[: len(moves) + 1]
        assert RESTS.isdisjoint(moves)
        assert last in RESTS
        if rest["run"]["status"] != last:
            return  # cancelled at the same moment at which it required action and the stream ended
        check_rest(listener, rest)
    if last in ENDED:
        [thread], [run] = played.fake.threads, played.fake.runs
        for record in (*run.steps, *(message for message in thread.messages if message.run_id)):
            assert listener.statuses[record.id] == [moment.status for moment in record.timeline]


def check_rest(listener: Listener, rest: Any) -> None:
    """The objects in the last events are those that a GET shows."""
    run, steps, heard = rest["run"], rest["steps"], listener.objects
    answers = [message for message in rest["messages"] if message["run_id"]]
    assert heard.keys() == {run["id"], *(step["id"] for step in steps), *(message["id"] for message in answers)}
    assert without(heard[run["id"]], "tool_resources") == without(run, "tool_resources")
    for step in steps:
        last = heard[step["id"]]
        assert last["expires_at"] == run["created_at"] + 600
        assert without(last, "expires_at", "step_details") == without(step, "expires_at", "step_details")
        if last["status"] != "in_progress":
            assert last["step_details"] == step["step_details"]
        if step["type"] == "tool_calls":
            listener.check_fold(step)
    for message in answers:
        assert without(heard[message["id"]], *STREAM_ONLY) == message
        listener.check_fold(message)


def is_subsequence(few: list[str], many: list[str]) -> bool:
    rest = iter(many)
    return all(item in rest for item in few)


# --- the properties -----------------------------------------------------------------------------------------------


@A_THOUSAND
@given(stories)
@example(Story(()))
# what this property found
@example(Story((say(pieces=["x【1】", " y"], citations={"【1】": "file-one", "x【1】 y": "file-two"}),)))
@example(Story((say("안녕하세요", beats_cancel=True),), cancelled_after=1.5, limit=1))
@example(Story((call("f"), say("안녕", beats_cancel=True)), cancelled_after=1.5))
def test_a_stream_shows_what_polling_shows(story):
    """CONTRACT §5: statuses, steps and messages are the same, and the deltas add up to them."""
    polling, streaming = play(story, stream=False), play(story, stream=True)
    assert streaming.timelines == polling.timelines
    assert streaming.rests == polling.rests
    assert is_subsequence(polling.polled, story.shown(polling.timeline))
    check_streams(story, streaming)
    assert not polling.fake.failures
    assert not streaming.fake.failures


def requesting(requests: tuple[str, ...]):
    """What another client does: these requests in turn, two at a time."""
    turns = cycle(requests)

    def meanwhile(client: Client, run_path: str) -> None:
        thread_path = run_path.rpartition("/runs/")[0]
        for path in islice(turns, 2):
            if path:
                client.ok("GET", path.format(run=run_path, thread=thread_path))

    return meanwhile


REQUESTS = ["", "{run}", "{run}/steps", "{thread}", "{thread}/runs", "{thread}/messages?order=asc"]


@SOME
@given(stories, st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=6).map(tuple))
def test_requests_of_other_clients_change_nothing_for_the_stream(story, requests):
    """Any number of clients may follow a run; under `on_poll` their requests even move the time (CONTRACT §4)."""
    alone = play(story, stream=True)
    watched = play(story, stream=True, meanwhile=requesting(requests))
    assert [stream.events for stream in watched.streams] == [stream.events for stream in alone.streams]
    assert watched.rests == alone.rests


@SOME
@given(stories, st.integers(1, 8) | st.integers(9, 3000), st.booleans())
def test_events_are_the_same_wherever_the_bytes_are_cut(story, size, crlf):
    """Chunks may end within a line or a character, and lines may end with CRLF: server-sent events allow both."""
    whole = play(story, stream=True)
    cut_up = play(story, stream=True, chunks=size, crlf=crlf)
    for one, other in zip(whole.streams, cut_up.streams, strict=True):
        assert parse_like_the_sdk(other.chunks) == other.events == one.events
        assert max(map(len, other.chunks)) <= size
        assert (b"\r" in b"".join(other.chunks)) == crlf
