"""What v1 made, read and used through v2 while both were answered (CONTRACT §10, l. 590, from the migration guide).

Files of v1 show in the tool resources of v2 by the tools that are enabled, and what v1 takes away goes there too; what
v2 does to its tool resources never shows in v1.
"""

from __future__ import annotations

import pytest

from harness import run_code, search

CODE, RETRIEVAL, SEARCH = {"type": "code_interpreter"}, {"type": "retrieval"}, {"type": "file_search"}
HELLO = {"role": "user", "content": "Who drinks tea?"}


class Both:
    """A fake that is asked in both versions."""

    def __init__(self, wire, **options):
        self.wire, self.fake = wire, wire.start(**options)

    def v1(self, method, path, body=None):
        self.wire.api = "v1"
        return self.wire.ok(method, path, body)

    def v2(self, method, path, body=None):
        self.wire.api = "v2"
        return self.wire.ok(method, path, body)

    def file(self, name="tea.txt", content=b"Ann drinks green tea."):
        return self.fake.add_file(content=content, filename=name).id

    def assistant(self, *tools, files=()):
        """The path of one that v1 made."""
        made = self.v1("POST", "/assistants", {"model": "gpt-4", "tools": list(tools), "file_ids": list(files)})
        assert made["file_ids"] == list(files)
        return f"/assistants/{made['id']}"

    def thread(self, *files):
        """The path of one that v1 made, with a message that has these files."""
        return "/threads/" + self.v1("POST", "/threads", {"messages": [{**HELLO, "file_ids": list(files)}]})["id"]

    def run(self, version, thread, assistant, **more):
        """The path of a run that has ended."""
        body = {"assistant_id": assistant.removeprefix("/assistants/"), **more}
        run = getattr(self, version)("POST", f"{thread}/runs", body)["id"]
        self.fake.clock.advance(30)
        assert self.fake.runs[-1].status == "completed"
        return f"{thread}/runs/{run}"

    def resources(self, path):
        """What v2 shows: ids of the code interpreter's files, and of those in the store of the search."""
        shown = self.v2("GET", path)["tool_resources"]
        stores = shown.get("file_search", {}).get("vector_store_ids", [])
        listed = self.v2("GET", f"/vector_stores/{stores[0]}/files?order=asc")["data"] if stores else []
        return shown.get("code_interpreter", {}).get("file_ids", []), [file["id"] for file in listed]


@pytest.fixture
def both(one_wire):
    return Both(one_wire)


def test_retrieval_is_called_file_search(both):
    """The migration guide: the tool was renamed; what v2 shows, it also takes."""
    path = both.assistant(RETRIEVAL, CODE)
    shown = both.v2("GET", path)["tools"]
    assert [tool["type"] for tool in shown] == ["file_search", "code_interpreter"]
    assert shown[0]["file_search"]["ranking_options"]["ranker"] == "default_2024_08_21"
    assert [tool["type"] for tool in both.v2("GET", "/assistants")["data"][0]["tools"]] == [t["type"] for t in shown]
    assert both.v2("GET", path)["tool_resources"] == {
        "file_search": {"vector_store_ids": []},
        "code_interpreter": {"file_ids": []},
    }
    assert both.v1("GET", path)["tools"] == [RETRIEVAL, CODE]
    assert both.v2("POST", path, {"tools": shown})["tools"] == shown


def test_before_ranking_options_it_is_only_the_name(one_wire):
    """FACTS A2: in May 2024 the tool had nothing but its type."""
    both = Both(one_wire, as_of="2024-05-07")
    assert both.v2("GET", both.assistant(RETRIEVAL))["tools"] == [SEARCH]


def test_runs_call_it_so_too(both):
    assistant, thread = both.assistant(RETRIEVAL), both.thread()
    run = both.run("v1", thread, assistant, tool_choice=RETRIEVAL)
    shown = both.v2("GET", run)
    assert (shown["tools"][0]["type"], shown["tool_choice"]) == ("file_search", SEARCH)
    shown = both.v1("GET", run)
    assert (shown["tools"], shown["tool_choice"]) == ([RETRIEVAL], RETRIEVAL)
    shown = both.v2("GET", both.run("v2", thread, assistant))
    assert (shown["tools"][0]["type"], shown["tool_choice"]) == ("file_search", "auto")


def test_a_run_of_v2_searches_as_v2_does(both):
    """CONTRACT §2.3, §2.5: results in its step, and names in its citations."""
    tea = both.file()
    assistant, thread = both.assistant(RETRIEVAL, files=[tea]), both.thread()
    both.fake.clock.advance(2)
    both.fake.next_run(search(), "Ann【】.")
    run = both.run("v2", thread, assistant)
    [found] = both.v2("GET", f"{run}/steps?order=asc")["data"][0]["step_details"]["tool_calls"]
    assert [result["file_id"] for result in found["file_search"]["results"]] == [tea]


@pytest.mark.parametrize("tools", [[CODE], [RETRIEVAL], [RETRIEVAL, CODE], []], ids=repr)
def test_files_of_an_assistant_are_those_of_its_tools(both, tools):
    """MIG: file_ids show in the code interpreter's, and in a store attached to the assistant."""
    first, second, third = (both.file() for _ in range(3))
    path = both.assistant(*tools, files=[first])

    def expected(*files):
        return tuple(list(files) if tool in tools else [] for tool in (CODE, RETRIEVAL))

    assert both.resources(path) == expected(first)
    both.v1("POST", f"{path}/files", {"file_id": second})
    both.v1("POST", f"{path}/files", {"file_id": second})
    assert both.resources(path) == expected(first, second)
    both.v1("DELETE", f"{path}/files/{first}")
    assert both.resources(path) == expected(second)
    both.v1("POST", f"{path}/files", {"file_id": first})
    changed = both.v1("POST", path, {"file_ids": [third, second]})
    assert both.resources(path) == expected(second, third)
    assert (changed["file_ids"], changed["tools"]) == ([third, second], tools)
    assert not {"tool_resources"} & changed.keys()


def test_the_store_is_an_ordinary_one(both):
    """It shows what becomes of each file; nothing says that it expires (G)."""
    tea, table = both.file(), both.file("a.csv")
    path = both.assistant(RETRIEVAL, files=[tea, table])
    [store] = both.v2("GET", path)["tool_resources"]["file_search"]["vector_store_ids"]
    shown = both.v2("GET", f"/vector_stores/{store}")
    assert (shown["status"], shown["expires_after"], shown["file_counts"]["in_progress"]) == ("in_progress", None, 2)
    both.fake.clock.advance(2)
    listed = both.v2("GET", f"/vector_stores/{store}/files?order=asc")["data"]
    assert [(file["id"], file["status"]) for file in listed] == [(tea, "completed"), (table, "failed")]


def test_tools_that_come_later_get_the_files_too(both):
    tea = both.file()
    path = both.assistant(files=[tea])
    both.v1("POST", path, {"tools": [CODE]})
    assert both.resources(path) == ([tea], [])
    both.v2("POST", path, {"tools": [CODE, SEARCH]})
    assert both.resources(path) == ([tea], [tea])
    both.v1("POST", path, {"tools": [], "name": "A"})
    assert both.resources(path) == ([tea], [tea])  # as in v2, resources outlive the tool


def test_what_v2_does_stays_in_v2(both):
    """MIG: changes of tool_resources are not reflected in file_ids, and deletions do not propagate to v1."""
    tea, more = both.file(), both.file("more.txt")
    path = both.assistant(RETRIEVAL, CODE, files=[tea])
    before = both.v1("GET", path)
    store = both.v2("POST", "/vector_stores", {"file_ids": [more]})["id"]
    resources = {"code_interpreter": {"file_ids": []}, "file_search": {"vector_store_ids": [store]}}
    both.v2("POST", path, {"tool_resources": resources, "tools": [SEARCH, CODE]})
    assert both.resources(path) == ([], [more])
    assert both.v1("GET", path)["file_ids"] == before["file_ids"]
    both.v1("POST", path, {"name": "A"})
    assert both.resources(path) == ([], [more])  # v1 has not touched its files
    both.v1("DELETE", f"{path}/files/{tea}")
    assert both.resources(path) == ([], [more])


def test_v1_may_attach_where_v2_has_deleted_the_store(both):
    tea = both.file()
    path = both.assistant(RETRIEVAL, files=[tea])
    [store] = both.v2("GET", path)["tool_resources"]["file_search"]["vector_store_ids"]
    both.v2("DELETE", f"/vector_stores/{store}")
    both.v1("POST", f"{path}/files", {"file_id": both.file()})
    both.v1("DELETE", f"{path}/files/{tea}")
    [made] = both.v2("GET", path)["tool_resources"]["file_search"]["vector_store_ids"]
    assert made != store


# --- messages -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2"])
@pytest.mark.parametrize("tools", [[CODE], [RETRIEVAL], [RETRIEVAL, CODE], []], ids=repr)
def test_files_of_messages_are_those_of_the_tools_of_their_runs(both, tools, version):
    """MIG: message files show in the thread, by the tools of the runs that these files are a part of."""
    first, second = both.file(), both.file()
    assistant, thread = both.assistant(*tools), both.thread(first)
    assert both.resources(thread) == ([], [])
    both.run(version, thread, assistant)
    both.run(version, thread, assistant)
    message = both.v1("POST", f"{thread}/messages", {**HELLO, "file_ids": [second, first]})
    expected = tuple([first] if tool in tools else [] for tool in (CODE, RETRIEVAL))
    assert both.resources(thread) == expected
    both.run(version, thread, assistant)
    assert both.resources(thread) == tuple([*files, second] if files else [] for files in expected)
    assert message["file_ids"] == [second, first]
    assert both.v2("GET", f"{thread}/messages/{message['id']}")["attachments"] == []
    assert "tool_resources" not in both.v1("GET", thread)


def test_each_run_adds_its_tools(both):
    """Its own, whatever its assistant has; also with its thread in one, and with messages of its own."""
    first, second = both.file(), both.file()
    assistant = both.assistant(CODE)
    asked = {"assistant_id": assistant.removeprefix("/assistants/")}
    made = both.v1("POST", "/threads/runs", {**asked, "thread": {"messages": [{**HELLO, "file_ids": [first]}]}})
    thread = f"/threads/{made['thread_id']}"
    assert both.resources(thread) == ([first], [])
    both.fake.clock.advance(30)
    additional = [{**HELLO, "file_ids": [second]}]
    both.run("v1", thread, assistant, tools=[RETRIEVAL], additional_messages=additional)
    assert both.resources(thread) == ([first], [first, second])


def test_what_v2_takes_out_of_a_thread_does_not_come_back(both):
    first = both.file()
    assistant, thread = both.assistant(CODE), both.thread(first)
    both.run("v1", thread, assistant)
    both.v2("POST", thread, {"tool_resources": {}})
    both.run("v1", thread, assistant)
    assert both.resources(thread) == ([], [])


# --- nothing is given or found twice --------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_file_is_found_once(both, version):
    """One is in the assistant's `file_ids` and store, the other in those of the message and the thread."""
    tea, other = both.file(), both.file("other.txt", b"Bob drinks tea.")
    assistant, thread = both.assistant(RETRIEVAL, files=[tea]), both.thread(other)
    both.fake.clock.advance(2)
    for _ in range(2):
        both.fake.next_run(search(), "found")
        both.run(version, thread, assistant)
        [step] = [step for step in both.fake.runs[-1].steps if step.type == "tool_calls"]
        found = [result["file_id"] for result in step.details["tool_calls"][0]["results"]]
        assert sorted(found) == sorted([tea, other])


def test_a_run_outlives_its_assistant_and_still_reads_the_messages(both):
    """CONTRACT §4: deleting the assistant does not stop its run."""
    tea, other = both.file(), both.file()
    assistant, thread = both.assistant(RETRIEVAL, files=[tea]), both.thread(other)
    both.fake.next_run(search(), "found")
    both.v1("POST", f"{thread}/runs", {"assistant_id": assistant.removeprefix("/assistants/")})
    both.v1("DELETE", assistant)
    both.fake.clock.advance(30)
    [call] = next(iter(both.fake.runs[-1].steps)).details["tool_calls"]
    assert [result["file_id"] for result in call["results"]] == [other]


@pytest.mark.parametrize(("version", "reads"), [("v1", True), ("v2", False)])
def test_what_v2_has_taken_away_is_read_by_v1_only(both, version, reads):
    tea = both.file()
    assistant, thread = both.assistant(RETRIEVAL, CODE, files=[tea]), both.thread(tea)
    both.run("v1", thread, assistant)
    for path in (assistant, thread):
        both.v2("POST", path, {"tool_resources": {}})
    cell = "import os; print(os.path.exists('/mnt/data/tea.txt'))"
    both.fake.next_run(search(), run_code(cell, execute=True), "done")
    both.run(version, thread, assistant)
    searched, ran = [step.details["tool_calls"][0] for step in both.fake.runs[-1].steps if step.type == "tool_calls"]
    assert bool(searched["results"]) == reads
    assert ran["code_interpreter"]["outputs"][0]["logs"].strip() == str(reads)
    both.fake.close()


def test_a_store_of_v2_is_searched_by_v1_as_well(both):
    """Beside its own files; one that is in both is found once."""
    tea, more = both.file(), both.file("more.txt", b"Cid drinks tea.")
    assistant, thread = both.assistant(RETRIEVAL, files=[tea]), both.thread()
    store = both.v2("POST", "/vector_stores", {"file_ids": [more, tea]})["id"]
    both.v2("POST", assistant, {"tool_resources": {"file_search": {"vector_store_ids": [store]}}})
    both.fake.clock.advance(2)
    both.fake.next_run(search(), "found")
    both.run("v1", thread, assistant)
    results = next(iter(both.fake.runs[-1].steps)).details["tool_calls"][0]["results"]
    assert sorted(result["file_id"] for result in results) == sorted([tea, more])


def test_a_message_of_a_recording_may_name_a_file_that_is_gone(both):
    """Recorded messages are put where they were, and show what they showed."""
    assistant, thread = both.assistant(RETRIEVAL, CODE), both.thread()
    next(iter(both.fake.threads[0].messages)).file_ids.append("file-gone")
    both.fake.next_run(search(), run_code("import os; print(os.listdir('/mnt/data'))", execute=True), "none")
    both.run("v1", thread, assistant)
    assert both.resources(thread) == ([], [])
    searched, ran = [step.details["tool_calls"][0] for step in both.fake.runs[-1].steps if step.type == "tool_calls"]
    assert (searched["results"], ran["code_interpreter"]["outputs"][0]["logs"].strip()) == ([], "[]")
    both.fake.close()


# --- the file itself is deleted -------------------------------------------------------------------------------------


def test_deleting_a_file_takes_it_out_of_everything_in_both_versions(both):
    """MIG: deleting the underlying file object removes it fully from all objects in all versions of the API."""
    first, second = both.file(), both.file()
    assistant, thread = both.assistant(RETRIEVAL, CODE, files=[first, second]), both.thread(first, second)
    both.run("v1", thread, assistant)
    [message] = both.v1("GET", f"{thread}/messages?order=asc&limit=1")["data"]
    path = f"{thread}/messages/{message['id']}"
    both.v1("DELETE", f"/files/{first}")
    assert both.resources(assistant) == both.resources(thread) == ([second], [second])
    assert both.v1("GET", assistant)["file_ids"] == both.v1("GET", path)["file_ids"] == [second]
    assert [file["id"] for file in both.v1("GET", f"{path}/files")["data"]] == [second]
    gone = both.wire.send("GET", f"{path}/files/{first}")
    assert gone.status_code == 404
    assert gone.json()["error"]["message"] == f"No message file found with id '{first}'."
    both.v1("DELETE", f"/files/{second}")
    assert both.v1("GET", path)["file_ids"] == both.v1("GET", f"{path}/files")["data"] == []
