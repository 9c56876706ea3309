"""A server that is killed and started again with its `--state` is as it was: what was acknowledged is there."""

from __future__ import annotations

import json
import random
import shutil
import stat
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from harness import HarnessFailure, Request, __version__, scenarios
from harness.options import Options
from harness.service.http import WireFailure
from harness.serving import entries, journal
from harness.serving.persistent import ANY_KEY, PersistentWorlds
from harness.serving.real_time import RealTime
from harness.serving.worlds import Worlds

pytest.importorskip("filelock")

ROOT = "http://127.0.0.1:1"
KEYS = ("sk-first-key", "sk-second-key", "azure-key")
VIEWS = ("requests", "threads", "runs", "faults", "unused", "clock", "failures", "transcript")


@pytest.fixture
def open_worlds(tmp_path):
    """Makes `PersistentWorlds`, several of them with the same file if a test wants; closes them all."""
    begun = []

    def make(state="state.jsonl", *options, kind=PersistentWorlds, **how):
        begun.append(kind(tmp_path / state, *options, **how) if kind is PersistentWorlds else kind(*options, **how))
        return begun[-1]

    yield make
    for worlds in begun:
        worlds.close()


@pytest.fixture(scope="module")
def in_thread():
    """Calls functions in a thread, as servers do, so that a loop of a test is not taken for a client's."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda function, *arguments: pool.submit(function, *arguments).result()


def send(worlds, method, path, body=None, *, key=KEYS[0], client="127.0.0.1", **headers):
    """Send one request, in the form of Azure's clients if the key is theirs."""
    azure = key == "azure-key" and not path.startswith("/_harness")
    root = "/openai" if azure else "" if path.startswith("/_harness") else "/v1"
    query = ("&" if "?" in path else "?") + "api-version=2024-05-01-preview" if azure else ""
    sent = {"api-key": key} if azure else {"authorization": f"Bearer {key}"} if key else {}
    sent |= {"openai-beta": "assistants=v2", "content-type": "application/json"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return worlds.answer(Request(method, ROOT + root + path + query, sent, content, client))


def send_ok(worlds, method, path, body=None, **more):
    """The JSON of an answer, which must be a 200."""
    response = send(worlds, method, path, body, **more)
    assert response.status == 200, response.body
    return json.loads(response.body)


def all_views(worlds, *, but=()):
    """All that the control API shows of every world."""
    names = [world["name"] for world in send_ok(worlds, "GET", "/_harness/worlds") if world["name"] not in but]
    return {name: {view: send_ok(worlds, "GET", f"/_harness/{view}?world={name}") for view in VIEWS} for name in names}


def upload(content, filename="data.bin"):
    parts = [
        b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants',
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\n\r\n%s' % (filename.encode(), content),
        b"--x--\r\n",
    ]
    return b"\r\n".join(parts)


def talk(worlds, text="Hi?", **more):
    """The path of a new run."""
    assistant = send_ok(worlds, "POST", "/assistants", {"model": "gpt-4o"}, **more)["id"]
    thread = {"messages": [{"role": "user", "content": text}]}
    run = send_ok(worlds, "POST", "/threads/runs", {"assistant_id": assistant, "thread": thread}, **more)
    return f"/threads/{run['thread_id']}/runs/{run['id']}"


def stream_run(worlds, **more):
    """The body of a streamed run."""
    assistant = send_ok(worlds, "POST", "/assistants", {"model": "gpt-4o"}, **more)["id"]
    thread = {"messages": [{"role": "user", "content": "Hi?"}]}
    body = {"assistant_id": assistant, "thread": thread, "stream": True}
    return send(worlds, "POST", "/threads/runs", body, **more).body


# --- random histories ---------------------------------------------------------------------------------------------


class Walk:
    """A few clients at random; what they do depends on the seed and on what they were answered."""

    def __init__(self, seed, in_thread):
        self.random = random.Random(seed)
        self.in_thread = in_thread
        self.answers = []
        self.ids = {key: {"asst": [], "thread": [], "run": [], "file": [], "vs": [], "snapshots": []} for key in KEYS}
        self.streams = []

    def steps(self, worlds, number):
        for _ in range(number):
            name = self.random.choice(STEPS)
            key = self.random.choice(KEYS + KEYS[:1] * 2)
            getattr(self, name)(worlds, key, self.ids[key])

    def send(self, worlds, key, method, path, body=None, **more):
        """The answer's JSON, if it was one; every answer is remembered, and be it a failure."""
        client = self.random.choice(["127.0.0.1", "10.0.0.7"])
        try:
            response = self.in_thread(
                lambda: send(worlds, method, path, body, key=key, client=client, **more),
            )
        except (HarnessFailure, WireFailure) as failure:
            self.answers.append((method, path, repr(failure)))
            return {}
        whole = isinstance(response.body, bytes)
        self.answers.append((method, path, response.status, dict(response.headers), response.body if whole else None))
        if not whole:
            self.streams.append(response.body)
            return {}
        try:
            return json.loads(response.body) if response.status == 200 else {}
        except ValueError:
            return {}

    def some(self, ids, kind):
        return self.random.choice(ids[kind]) if ids[kind] else f"{kind}_none"

    def made(self, ids, kind, answer):
        ids[kind] += [answer["id"]] if "id" in answer else []

    # what clients do

    def assistant(self, worlds, key, ids):
        body = {"model": "gpt-4o", "instructions": "Hilf mir, 안녕 \u2028 \x00."}
        body |= self.random.choice([{}, {"tools": [{"type": "file_search"}]}])
        self.made(ids, "asst", self.send(worlds, key, "POST", "/assistants", body))

    def thread(self, worlds, key, ids):
        messages = [{"role": "user", "content": "Hi?"}]
        self.made(ids, "thread", self.send(worlds, key, "POST", "/threads", {"messages": messages}))

    def message(self, worlds, key, ids):
        body = {"role": "user", "content": str(self.random.random())}
        self.send(worlds, key, "POST", f"/threads/{self.some(ids, 'thread')}/messages", body)

    def file(self, worlds, key, ids):
        content = upload(self.random.randbytes(self.random.randrange(200)))
        answer = self.send(worlds, key, "POST", "/files", content, content_type="multipart/form-data; boundary=x")
        self.made(ids, "file", answer)

    def store(self, worlds, key, ids):
        answer = self.send(worlds, key, "POST", "/vector_stores", {"file_ids": ids["file"][-1:]})
        self.made(ids, "vs", answer)

    def run(self, worlds, key, ids):
        for needed in ("asst", "thread"):
            if not ids[needed]:
                {"asst": self.assistant, "thread": self.thread}[needed](worlds, key, ids)
        thread = self.some(ids, "thread")
        body = {"assistant_id": self.some(ids, "asst"), "stream": self.random.random() < 0.6}
        answer = self.send(worlds, key, "POST", f"/threads/{thread}/runs", body)
        if "id" in answer:
            ids["run"].append((thread, answer["id"]))

    def look(self, worlds, key, ids):
        thread, run = self.some(ids, "run") if ids["run"] else ("thread_none", "run_none")
        path = f"/threads/{thread}/runs/{run}"
        answer = self.send(worlds, key, "GET", path)
        if answer.get("status") == "requires_action":
            calls = answer["required_action"]["submit_tool_outputs"]["tool_calls"]
            outputs = [{"tool_call_id": call["id"], "output": "4 °C"} for call in calls]
            stream = self.random.random() < 0.5
            self.send(worlds, key, "POST", f"{path}/submit_tool_outputs", {"tool_outputs": outputs, "stream": stream})
        elif self.random.random() < 0.2:
            self.send(worlds, key, "POST", f"{path}/cancel")

    def lists(self, worlds, key, ids):
        self.send(worlds, key, "GET", f"/threads/{self.some(ids, 'thread')}/messages?limit=2")
        self.send(worlds, key, "GET", f"/files/{self.some(ids, 'file')}/content")

    def deletion(self, worlds, key, ids):
        kind, path = self.random.choice([("thread", "threads"), ("file", "files"), ("asst", "assistants")])
        self.send(worlds, key, "DELETE", f"/{path}/{self.some(ids, kind)}")

    def mistake(self, worlds, key, ids):
        self.send(worlds, key, "POST", "/threads", self.random.choice([b"{", b"\xff\xfe", b'{"nothing": 1}']))
        self.send(worlds, key, "POST", "/threads", {}, openai_beta="assistants=v3")
        self.send(worlds, key, "POST", "/chat/completions", {})

    def piece(self, worlds, key, ids):
        for _ in range(self.random.randrange(1, 6) if self.streams else 0):
            stream = self.random.choice(self.streams)
            patience = self.random.choice([None, None, 0.5, 600.0])
            try:
                self.answers.append(self.in_thread(stream.read, patience))
            except (HarnessFailure, WireFailure) as failure:
                self.answers.append(repr(failure))
        self.answers.append([stream.now for stream in self.streams])

    def hang_up(self, worlds, key, ids):
        if self.streams:
            stream = self.streams.pop(self.random.randrange(len(self.streams)))
            self.in_thread(stream.close)

    # what tests do

    def control(self, worlds, key, path, body):
        return self.send(worlds, key, "POST", f"/_harness/{path}", body)

    def script(self, worlds, key, ids):
        call = {"call": "get_weather", "arguments": {"city": "Oslo"}}
        scripts = [
            ["one"],
            [{"say": "ab", "pieces": ["a", "b"]}],
            [call, "two"],
            [{"wait": 5}, {"fail": "server_error"}],
        ]
        kind = self.random.choice(["next_run", "every_run"])
        where = "?where=tests/test_chat.py:7" if kind == "next_run" else ""
        self.control(worlds, key, f"scenario{where}", {kind: self.random.choice(scripts)})

    def fault(self, worlds, key, ids):
        faults = [
            {"status": 429, "on": "POST /threads", "retry_after": 3},
            {"slow": 20},
            {"lost_answer": True, "on": "POST /threads/{thread_id}/runs", "by": "disconnect"},
            {"cut": True, "after": "thread.message.delta"},
            {"status": 300, "on": "nothing"},  # refused
        ]
        self.control(worlds, key, "scenario", {"faults": [self.random.choice(faults)]})

    def time(self, worlds, key, ids):
        self.control(worlds, key, "clock", {"advance": round(self.random.random() * 9, 3)})

    def policy(self, worlds, key, ids):
        self.control(worlds, key, "clock", {"policy": self.random.choice(["on_poll", "on_poll", "timed", "manual"])})

    def snapshot(self, worlds, key, ids):
        self.made(ids, "snapshots", self.control(worlds, key, "snapshots", None))

    def restore(self, worlds, key, ids):
        self.control(worlds, key, f"snapshots/{self.some(ids, 'snapshots')}/restore", None)

    def cancel(self, worlds, key, ids):
        self.control(worlds, key, "runs/cancel", None)

    def reset(self, worlds, key, ids):
        if self.random.random() < 0.3:
            options = self.random.choice([{}, {"clock": "timed"}, {"as_of": "2024-05-01"}])
            self.control(worlds, key, "reset", options)


STEPS = [name for name in vars(Walk) if name not in {"steps", "send", "some", "made", "control"} and name[0] != "_"]
STEPS += ["assistant", "thread", "run", "run", "look", "look", "piece", "piece", "piece"]


@pytest.mark.parametrize("spare_waiting", [False, True], ids=["waiting", "spared"])
@pytest.mark.parametrize("seed", range(12))
def test_who_was_killed_answers_as_who_was_not(seed, spare_waiting, open_worlds, in_thread, tmp_path):
    """Two servers get the same requests; one of them is killed now and then, which cuts the streams."""
    options = Options(seed=seed)
    steady, mortal = Walk(seed, in_thread), Walk(seed, in_thread)
    undisturbed = open_worlds("", options, kind=Worlds, spare_waiting=spare_waiting)
    killed = open_worlds("0", options, spare_waiting=spare_waiting)
    for life in range(1, 5):
        steady.steps(undisturbed, 50)
        mortal.steps(killed, 50)
        assert mortal.answers == steady.answers
        for stream in steady.streams:
            in_thread(stream.close)
        shutil.copy(tmp_path / str(life - 1), tmp_path / str(life))  # the file as it was when it was killed
        before = all_views(killed)
        killed = open_worlds(str(life), options, spare_waiting=spare_waiting)
        assert all_views(killed) == before == all_views(undisturbed)
        steady.streams.clear()
        mortal.streams.clear()


def test_the_walk_comes_by_everything(open_worlds, in_thread):
    """The one above would hold for clients who get nothing done, too."""
    walk, worlds = Walk(1, in_thread), open_worlds("", kind=Worlds)
    walk.steps(worlds, 1500)
    statuses = {answer[2] for answer in walk.answers if isinstance(answer, tuple) and len(answer) == 5}
    assert {200, 400, 404, 429} <= statuses
    told = json.dumps(all_views(worlds)) + repr(walk.answers)
    for what in ("requires_action", "completed", "cancelled", "failed", "in_progress", "ReadTimeout", "ConnectionLost"):
        assert what in told, what
    assert b"event: done\ndata: [DONE]\n\n" in walk.answers


@pytest.mark.parametrize("seed", range(4))
def test_in_real_time_as_much_has_passed(seed, open_worlds, in_thread, tmp_path):
    """Also while streams only waited, and in several worlds at their own times."""
    real = [1000.0]
    walk, chance = Walk(seed, in_thread), random.Random(seed)
    worlds = open_worlds("before", Options(seed=seed), real_time=RealTime(lambda: real[0]))
    for _ in range(120):
        real[0] += chance.random()
        walk.steps(worlds, 1)
        for stream in walk.streams:
            real[0] += chance.random() / 10
            in_thread(stream.wait)
    for key in KEYS:  # what passed by then
        walk.lists(worlds, key, walk.ids[key])
    shutil.copy(tmp_path / "before", tmp_path / "after")
    before = all_views(worlds)
    real[0] += 1000  # nothing passes while there is no server
    again = open_worlds("after", Options(seed=seed), real_time=RealTime(lambda: real[0]))
    assert all_views(again) == before
    assert any(world["clock"]["now"] > 1_762_171_200 + 30 for world in all_views(again).values())


# --- what a kill leaves -------------------------------------------------------------------------------------------


def test_a_kill_at_any_byte_loses_nothing_that_was_answered(open_worlds, tmp_path):
    """The entry comes before the answer, so with n whole lines the answers up to n may have been given."""
    worlds = open_worlds()
    file, states, sizes = tmp_path / "state.jsonl", [], []

    def remember():
        sizes.append(file.stat().st_size)
        states.append(all_views(worlds))

    stream = stream_run(worlds)
    remember()
    for _ in range(6):
        stream.read()
        remember()
    send(worlds, "POST", "/files", upload(b"\xff\x00\n"), content_type="multipart/form-data; boundary=x")
    remember()
    send_ok(worlds, "POST", "/_harness/clock", {"advance": 2.5}, key=KEYS[1])
    remember()
    written = file.read_bytes()
    for size in range(sizes[0], len(written) + 1, 3):
        (tmp_path / "torn").write_bytes(written[:size])
        with_whole_lines = max(index for index, whole in enumerate(sizes) if whole <= size)
        again = open_worlds("torn")
        assert all_views(again) == states[with_whole_lines]
        talk(again)  # and it goes on from there
        before = all_views(again)
        again.close()
        again = open_worlds("torn")
        assert all_views(again) == before
        again.close()


def test_a_kill_during_the_first_line_leaves_a_file_to_begin_with(open_worlds, tmp_path):
    open_worlds("whole").close()
    written = (tmp_path / "whole").read_bytes()
    assert written.count(b"\n") == 1
    for size in range(len(written)):
        (tmp_path / "torn").write_bytes(written[:size])
        open_worlds("torn").close()
        assert (tmp_path / "torn").read_bytes() == written


def test_an_entry_stands_in_the_file_before_it_is_acted_upon(open_worlds, tmp_path, monkeypatch):
    worlds, seen = open_worlds(), []
    respond = Worlds.respond

    def look(self, fake, request):
        seen.append((tmp_path / "state.jsonl").read_text().count("/v1/threads"))
        return respond(self, fake, request)

    monkeypatch.setattr(Worlds, "respond", look)
    for _ in range(3):
        send_ok(worlds, "POST", "/threads")
    assert seen == [1, 2, 3]


def test_what_breaks_the_server_does_not_keep_it_from_starting_again(open_worlds, monkeypatch):
    """It broke the one before at the same request, which went on with the next one."""
    worlds, respond = open_worlds(), Worlds.respond

    def broken(self, fake, request):
        return 1 / 0 if request.body else respond(self, fake, request)

    monkeypatch.setattr(Worlds, "respond", broken)
    with pytest.raises(ZeroDivisionError):
        send_ok(worlds, "POST", "/threads", {})
    send_ok(worlds, "POST", "/threads")
    worlds.close()
    assert len(open_worlds().for_key(KEYS[0]).threads) == 1


def test_what_was_written_and_not_answered_counts_as_done(open_worlds, monkeypatch):
    worlds = open_worlds()
    monkeypatch.setattr(Worlds, "respond", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        send_ok(worlds, "POST", "/threads")
    monkeypatch.undo()
    worlds.close()
    assert len(open_worlds().for_key(KEYS[0]).threads) == 1


@pytest.mark.parametrize("fails", ["at once", "halfway"])
def test_what_cannot_be_written_is_not_done(fails, open_worlds, tmp_path):
    worlds = open_worlds()
    send_ok(worlds, "POST", "/threads")
    file, before = worlds._journal._file, (tmp_path / "state.jsonl").read_bytes()

    class Full:
        """A disk."""

        left = 20 if fails == "halfway" else 0

        def write(self, content):
            if not self.left:
                raise OSError(28, "No space left on device")
            written, self.left = file.write(content[: self.left]), 0
            return written

        def truncate(self, size):
            file.truncate(size)

    worlds._journal._file = Full()
    with pytest.raises(HarnessFailure, match=r"cannot be kept in .*: No space left on device"):
        send_ok(worlds, "POST", "/threads")
    worlds._journal._file = file
    assert (tmp_path / "state.jsonl").read_bytes() == before
    assert len(worlds.for_key(KEYS[0]).threads) == 1
    send_ok(worlds, "POST", "/threads")
    worlds.close()
    assert len(open_worlds().for_key(KEYS[0]).threads) == 2


# --- what is refused ----------------------------------------------------------------------------------------------


DAMAGES = {
    "changed": lambda lines: [*lines[:2], lines[2].replace(b"Hi?", b"Ho?"), *lines[3:]],
    "left out": lambda lines: lines[:2] + lines[3:],
    "twice": lambda lines: [*lines[:3], lines[1], *lines[3:]],
    "in another order": lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]],
    "torn in the middle": lambda lines: [*lines[:2], lines[2][:40], *lines[3:]],
    "no JSON": lambda lines: [*lines[:2], b"[]\n", *lines[3:]],
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_reported_with_its_line_and_nothing_is_lost(damage, open_worlds, tmp_path):
    worlds = open_worlds()
    talk(worlds)
    talk(worlds)
    worlds.close()
    damaged = b"".join(DAMAGES[damage]((tmp_path / "state.jsonl").read_bytes().splitlines(keepends=True)))
    (tmp_path / "state.jsonl").write_bytes(damaged)
    with pytest.raises(HarnessFailure, match=r"state\.jsonl:\d: this line was changed") as told:
        open_worlds()
    assert (tmp_path / "state.jsonl").read_bytes() == damaged
    whole = int(str(told.value).partition("state.jsonl:")[2].partition(":")[0]) - 1
    assert f"head -n {whole} " in told.value.do
    (tmp_path / "state.jsonl").write_bytes(b"".join(damaged.splitlines(keepends=True)[:whole]))
    open_worlds()


@pytest.mark.parametrize("content", [b"Shopping list", b"Shopping\nlist\n", b'{"journal": 99, "crc": 1}\n'])
def test_a_file_of_somebody_else_is_left_alone(content, open_worlds, tmp_path):
    (tmp_path / "state.jsonl").write_bytes(content)
    with pytest.raises(HarnessFailure, match=r"state\.jsonl:1: this is not a state file of this version"):
        open_worlds()
    assert (tmp_path / "state.jsonl").read_bytes() == content


def test_another_version_or_another_server_is_refused(open_worlds, tmp_path, monkeypatch):
    open_worlds("state.jsonl", Options(queued=2, api_key="sk-mine"), execute=True).close()
    monkeypatch.setattr("harness.serving.persistent.__version__", "99")
    with pytest.raises(HarnessFailure) as told:
        open_worlds("state.jsonl", Options(clock="timed"), scenario={"every_run": "Hello!"}, real_time=RealTime())
    assert told.value.there_was.splitlines() == [
        f"version was {__version__!r}, and is '99'.",
        "time was 'virtual', and is 'real'.",
        f"scenario was None, and is {entries.digest({'every_run': 'Hello!'})!r}.",
        "execute was True, and is False.",
        "clock was 'on_poll', and is 'timed'.",
        "queued was 2, and is 1.0.",
        f"api_key was {Worlds().name_of('sk-mine')!r}, and is None.",
    ]
    assert f"rm {tmp_path / 'state.jsonl'}" in told.value.do


def test_a_scenario_is_another_when_a_file_is_that_it_names(open_worlds, tmp_path):
    (tmp_path / "hours.txt").write_text("9 to 5")
    (tmp_path / "begin.json").write_text(
        '{"files": {"id": "file-hours", "path": "hours.txt"}, "every_run": [["Hello!"]]}'
    )

    def begin():
        return open_worlds("state.jsonl", scenario=scenarios.load(tmp_path / "begin.json"))

    begin().close()
    begin().close()
    (tmp_path / "hours.txt").write_text("10 to 6")
    with pytest.raises(HarnessFailure, match="scenario was"):
        begin()
    (tmp_path / "hours.txt").unlink()
    with pytest.raises(HarnessFailure, match="scenario was"):
        begin()


def test_two_servers_do_not_share_a_file(open_worlds, tmp_path):
    first = open_worlds()
    names = ["state.jsonl"]
    if sys.platform != "win32":  # where links are a privilege
        (tmp_path / "link").symlink_to(tmp_path / "state.jsonl")
        names.append("link")
    for name in names:
        with pytest.raises(HarnessFailure, match=f"Another server keeps its state in .*{name}"):
            open_worlds(name)
    first.close()
    open_worlds()


def test_a_folder_is_no_file(open_worlds):
    with pytest.raises(HarnessFailure, match="is not a file"):
        open_worlds("")


def test_its_folder_is_made(open_worlds, tmp_path):
    open_worlds("new/folder/state.jsonl")
    assert (tmp_path / "new/folder/state.jsonl").is_file()
    with pytest.raises(HarnessFailure, match="cannot be kept"):
        open_worlds("new/folder/state.jsonl/state.jsonl")


def test_a_file_that_cannot_be_opened(open_worlds, monkeypatch):
    def refuse(path, flags):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(journal, "_for_owner_only", refuse)
    with pytest.raises(HarnessFailure, match="Permission denied"):
        open_worlds()
    monkeypatch.undo()
    open_worlds()  # the lock was let go


def test_filelock_is_asked_for(open_worlds, monkeypatch):
    monkeypatch.setitem(sys.modules, "filelock", None)
    with pytest.raises(HarnessFailure, match="pytest-assistants\\[recording\\]"):
        open_worlds()


# --- what is kept -------------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_the_file_is_its_owners(open_worlds, tmp_path):
    open_worlds()
    assert stat.S_IMODE((tmp_path / "state.jsonl").stat().st_mode) == 0o600


def test_no_key_stands_in_the_file(open_worlds, tmp_path):
    worlds = open_worlds("state.jsonl", Options(api_key="sk-only-key"), token="harness-token")
    talk(worlds, key="sk-only-key")
    stream = stream_run(worlds, key="sk-only-key")
    stream.read()
    stream.close()
    names = ("subscription-key", "api%5Fkey", "access_token", "Client_Secret", "signature", "sig", "password")
    query = "&".join(f"{name}=sk-gateway" for name in names)
    send_ok(worlds, "POST", f"/threads?{query}&design=kept", key="sk-only-key", cookie="session=sk-cookie")
    send(worlds, "POST", "/threads", key="sk-other-key")
    send_ok(
        worlds,
        "POST",
        "/_harness/clock?token=harness-token",
        {"advance": 1},
        key="sk-only-key",
        x_harness_token="harness-token",
    )
    written = (tmp_path / "state.jsonl").read_text()
    assert written.count("\n") == 9
    assert "sk-" not in written
    assert "harness-token" not in written
    assert "design=kept" in written


def test_azures_clients_come_again_as_they_came(open_worlds):
    worlds = open_worlds()
    send_ok(worlds, "POST", "/threads", key="azure-key")
    path = f"{ROOT}/openai/threads?api-version=2024-05-01-preview"
    assert worlds.answer(Request("POST", path, {"authorization": "Bearer azure-key"}, b"")).status == 200
    before = all_views(worlds)
    worlds.close()
    again = open_worlds()
    assert all_views(again) == before
    sent = [dict(exchange.request.headers) for exchange in again.for_key("azure-key").requests]
    assert [headers.get("api-key") for headers in sent] == [ANY_KEY, None]
    assert sent[1] == {"authorization": f"Bearer {ANY_KEY}"}


@pytest.mark.parametrize("key", ["", "sk-other"], ids=["no key", "another key"])
def test_who_is_refused_for_the_key_leaves_no_trace(key, open_worlds, tmp_path):
    worlds = open_worlds("state.jsonl", Options(api_key="sk-mine"))
    before = (tmp_path / "state.jsonl").read_bytes()
    assert send(worlds, "POST", "/threads", key=key).status == 401
    assert (tmp_path / "state.jsonl").read_bytes() == before


def test_the_only_key_is_accepted_again(open_worlds):
    worlds = open_worlds("state.jsonl", Options(api_key="sk-mine"))
    send_ok(worlds, "POST", "/threads", key="sk-mine")
    worlds.close()
    assert len(open_worlds("state.jsonl", Options(api_key="sk-mine")).for_key("sk-mine").threads) == 1


@pytest.mark.parametrize("next_token", [None, "next"])
def test_a_control_request_comes_in_again_by_whatever_way_it_came(next_token, open_worlds):
    """By a name of this machine, with a token, while there was one world only: none of that need be so next time."""
    worlds = open_worlds("state.jsonl", token="one")
    send_ok(worlds, "GET", "/_harness/clock", x_harness_token="one")
    headers = {"host": "192.168.1.7:8000", "x_harness_token": "one"}
    assert send(worlds, "POST", "/_harness/clock", {"advance": 7}, key="", **headers).status == 200
    assert send(worlds, "POST", "/_harness/clock", {"advance": 7}, key="", x_harness_token="two").status == 401
    talk(worlds, key=KEYS[1])
    assert send(worlds, "POST", "/_harness/clock", {"advance": 7}, key="", **headers).status == 400
    now = worlds.for_key(KEYS[0]).clock.now
    worlds.close()
    again = open_worlds("state.jsonl", token=next_token)
    assert again.for_key(KEYS[0]).clock.now == now


def test_a_world_that_was_only_looked_at_is_there(open_worlds, tmp_path):
    worlds = open_worlds()
    for key in (KEYS[1], KEYS[0]):
        send_ok(worlds, "GET", "/_harness/clock", key=key)
    before = (tmp_path / "state.jsonl").read_bytes()
    for path in ("clock", "worlds", ""):  # nothing new
        send(worlds, "GET", f"/_harness/{path}", key=KEYS[0])
        send(worlds, "GET", f"/_harness/{path}", key="")
    assert (tmp_path / "state.jsonl").read_bytes() == before
    names = worlds.names()
    worlds.close()
    assert open_worlds().names() == names == [worlds.name_of(key) for key in (KEYS[1], KEYS[0])]


def test_cells_are_executed_again(open_worlds, tmp_path):
    """Only a server that executes cells does so at its start, for another would not have begun with this file."""
    worlds = open_worlds(execute=True)
    cell = {"run_code": "print(6 * 7)", "execute": True}
    send_ok(worlds, "POST", "/_harness/scenario", {"next_run": [cell, "Done."]})
    assistant = send_ok(worlds, "POST", "/assistants", {"model": "gpt-4o", "tools": [{"type": "code_interpreter"}]})
    thread = {"messages": [{"role": "user", "content": "Six times seven?"}]}
    run = send_ok(worlds, "POST", "/threads/runs", {"assistant_id": assistant["id"], "thread": thread})
    send_ok(worlds, "POST", "/_harness/clock", {"advance": 60})
    steps = send_ok(worlds, "GET", f"/threads/{run['thread_id']}/runs/{run['id']}/steps")["data"]
    assert steps[-1]["step_details"]["tool_calls"][0]["code_interpreter"]["outputs"][0]["logs"] == "42\n"
    before = all_views(worlds)
    worlds.close()
    assert all_views(open_worlds(execute=True)) == before


def test_the_numbers_of_streams_are_those_of_their_requests(open_worlds, tmp_path):
    worlds = open_worlds()
    first, second = stream_run(worlds), stream_run(worlds, key=KEYS[1])
    for stream in (second, first):
        stream.read()
    first.read(patience=5)
    second.close()
    kept = [json.loads(line) for line in (tmp_path / "state.jsonl").read_text().splitlines()]
    assert [{name: value for name, value in entry.items() if name != "crc"} for entry in kept[5:]] == [
        {"read": 5},
        {"read": 3},
        {"read": 3, "patience": 5},
        {"close": 5},
    ]
    assert [kept[number - 1]["url"].rpartition("/")[2] for number in (3, 5)] == ["runs", "runs"]


def test_a_stream_that_was_open_is_closed_once(open_worlds, tmp_path):
    """Its client is gone; and what nobody will read need not be kept."""
    worlds = open_worlds()
    stream_run(worlds).read()
    for _ in range(2):
        worlds.close()
        worlds = open_worlds()
        lines = (tmp_path / "state.jsonl").read_text().splitlines()
        assert [line.partition(", ")[0] for line in lines[-2:]] == ['{"read": 3', '{"close": 3']


def test_a_world_acts_in_the_order_of_the_file(open_worlds):
    """Threads race for the same world and for others; what they saw is what the next server shows."""
    worlds = open_worlds()
    stream = stream_run(worlds)

    def work(number):
        for turn in range(12):
            send(worlds, "POST", "/threads", {"metadata": {"by": str(number)}}, key=KEYS[turn % 2])
            if number % 2:
                stream.read()
            elif turn == number:
                send_ok(worlds, "POST", "/_harness/reset", {}, key=KEYS[1])

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    before = all_views(worlds)
    worlds.close()
    assert all_views(open_worlds()) == before
