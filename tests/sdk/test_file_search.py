"""File search that really searches, and the citations that come of it: through the SDK, streamed and polled."""

from __future__ import annotations

import inspect
import sys
from pathlib import Path
from typing import Any

import pytest
from stream_clients import ASSISTANT, THREAD, named, text

from harness import HarnessFailure, call, run_code, say, search
from harness.service.searching.searcher import Searcher

FIXTURES = Path(__file__).resolve().parents[2] / "fixtures"
CONTENT = "step_details.tool_calls[*].file_search.results[*].content"
FOODS = "The favorite food of several people:\n- Summanus Ferdinand: tacos\n- Filip Carola: cake"
TEA = "Carola's favorite drink\nHis favorite food he shares with her.\nIn the evening she drinks green tea."
QUESTION = "What is the favorite food of Filip Carola?"
TOOL = [{"type": "file_search"}]


class Shop:
    """A thread of the fake with files to search, as its client sees it."""

    def __init__(self, sdk: Any, fake: Any) -> None:
        self.sdk, self.fake, self.client = sdk, fake, sdk.client
        self.assistant = fake.world.store.assistants.get(ASSISTANT)
        self.assistant.tools = list(TOOL)
        if "include" not in inspect.signature(self.client.beta.threads.runs.create).parameters:
            pytest.skip("this SDK cannot ask for what a search found")

    def upload(self, name: str, content: bytes | str) -> str:
        data = content.encode() if isinstance(content, str) else content
        return self.sdk.wait(self.client.files.create(file=(name, data), purpose="assistants")).id

    def store(self, *file_ids: str) -> str:
        """A vector store whose files are indexed."""
        stores = getattr(self.client, "vector_stores", None) or self.client.beta.vector_stores
        made = self.sdk.wait(stores.create(file_ids=list(file_ids)))
        self.fake.clock.advance(5)
        return made.id

    def give(self, store_id: str, owner: str = "thread") -> None:
        """Let the thread, or the assistant, have this store."""
        resources = {"file_search": {"vector_store_ids": [store_id]}}
        beta = self.client.beta
        if owner == "thread":
            self.sdk.wait(beta.threads.update(THREAD, tool_resources=resources))
        else:
            self.sdk.wait(beta.assistants.update(ASSISTANT, tool_resources=resources))

    def ask(self, question: str) -> None:
        self.sdk.wait(self.client.beta.threads.messages.create(THREAD, role="user", content=question))

    def stream(self, *acts: Any, **body: Any) -> list[Any]:
        self.fake.next_run(*acts)
        return self.sdk.run(include=[CONTENT], **body).all()

    def results(self, *acts: Any, **body: Any) -> list[dict[str, Any]]:
        return found(self.stream(*(acts or (search(),)), **body))


def found(events: list[Any]) -> list[dict[str, Any]]:
    """What the search of a run found."""
    (call,) = named(events, "thread.run.step.completed")[0]["step_details"]["tool_calls"]
    return call["file_search"]["results"]


def said(events: list[Any]) -> tuple[str, list[dict[str, Any]]]:
    """The text of the message, and its annotations."""
    (part,) = named(events, "thread.message.completed")[0]["content"]
    return part["text"]["value"], part["text"]["annotations"]


@pytest.fixture
def shop(sdk, assistants) -> Shop:
    return Shop(sdk, assistants)


# --- a run that searches -------------------------------------------------------------------------------------------


def test_a_streamed_run_finds_what_was_uploaded_and_cites_it(shop):
    """CONTRACT §2.3, §2.5, §13.5, DN:FileSearchStreamingWorks."""
    file_id = shop.upload("favorite_foods.txt", FOODS)
    shop.give(shop.store(file_id))
    shop.ask(QUESTION)
    events = shop.stream(search(), say("Filip Carola's favorite food is cake【】.", citations="auto"))

    (result,) = found(events)
    assert result.keys() == {"file_id", "file_name", "score", "attributes", "content"}
    assert (result["file_id"], result["file_name"], result["attributes"]) == (file_id, "favorite_foods.txt", {})
    assert 0.3 < result["score"] < 1
    assert result["content"] == [{"type": "text", "text": FOODS}]

    mark = "【4:0†favorite_foods.txt】"
    value, annotations = said(events)
    assert value == text(events) == f"Filip Carola's favorite food is cake{mark}."
    start = value.index(mark)
    cited = {"type": "file_citation", "text": mark, "start_index": start, "end_index": start + 24}
    assert annotations == [{**cited, "file_citation": {"file_id": file_id}}]
    pieces = [data["delta"]["content"][0]["text"] for data in named(events, "thread.message.delta")]
    assert {
        "value": mark,
        "annotations": [{"index": 0, **cited, "file_citation": {"file_id": file_id, "quote": ""}}],
    } in [piece for piece in pieces if piece.get("annotations")]


def test_a_run_that_goes_on_shows_what_it_was_asked_to_show(shop):
    """CONTRACT §5.2: its streams have what `include` named when it was made, also that of the outputs."""
    shop.give(shop.store(shop.upload("foods.txt", FOODS)))
    shop.ask(QUESTION)
    first = shop.stream(call("f"), search(), say("Cake."))
    [asked] = first[-1].data["required_action"]["submit_tool_outputs"]["tool_calls"]
    second = shop.sdk.submit(first[-1].data, {asked["id"]: "4"}).all()
    details = [step["step_details"] for step in named(second, "thread.run.step.completed")]
    [result] = next(each["tool_calls"][0]["file_search"]["results"] for each in details[1:])
    assert result["content"] == [{"type": "text", "text": FOODS}]


def test_a_polled_run_shows_the_same_with_content_only_where_asked_for(shop):
    """CONTRACT §2.5: `content` only with include[]."""
    file_id = shop.upload("foods.txt", FOODS)
    shop.give(shop.store(file_id))
    shop.ask(QUESTION)
    shop.fake.next_run(search(), say("Cake.", citations="auto"))
    threads, wait = shop.client.beta.threads, shop.sdk.wait
    run = wait(threads.runs.create_and_poll(thread_id=THREAD, assistant_id=ASSISTANT))
    assert run.status == "completed"
    place = {"run_id": run.id, "thread_id": THREAD}
    step = wait(threads.runs.steps.list(**place, order="asc")).data[0]
    for include, shown in (([CONTENT], FOODS), ([], None)):
        seen = wait(threads.runs.steps.retrieve(step.id, **place, include=include)).to_dict()
        (result,) = seen["step_details"]["tool_calls"][0]["file_search"]["results"]
        assert result.get("content") == (shown and [{"type": "text", "text": shown}])
    message = wait(threads.messages.list(THREAD, run_id=run.id)).data[0]
    answer = message.content[0].text
    (annotation,) = answer.annotations
    assert answer.value == "Cake.【4:0†foods.txt】"
    assert answer.value[annotation.start_index : annotation.end_index] == annotation.text
    assert annotation.file_citation.file_id == file_id
    assert "quote" not in annotation.file_citation.to_dict()


@pytest.mark.parametrize(
    ("question", "name", "quote"),
    [
        ("텐트를 반품할 수 있나요?", "안내.md", "- 텐트는 45일 안에 반품할 수 있습니다."),
        ("When is the shop closed?", "handbook.pdf", "closed on the first Monday of May"),
        ("How much is a kettle?", "prices.html", "kettle: 29 €"),
    ],
)
def test_each_question_finds_its_file(shop, question, name, quote):
    pytest.importorskip("pypdf", reason='the extra "files" is not installed')
    contents = {
        "안내.md": "# 안내\n\n- 텐트는 45일 안에 반품할 수 있습니다.\n- 수리는 무료입니다.",
        "handbook.pdf": FIXTURES.joinpath("handbook.pdf").read_bytes(),
        "prices.html": "<ul><li>kettle: 29 &euro;<li>lamp: 45 &euro;</ul>",
    }
    shop.give(shop.store(*(shop.upload(*item) for item in contents.items())))
    shop.ask(question)
    best, *_ = shop.results()
    assert best["file_name"] == name
    assert quote in best["content"][0]["text"]


def test_the_query_is_the_newest_question_or_the_scripts_own(shop):
    shop.give(shop.store(shop.upload("tea.txt", "green tea"), shop.upload("cake.txt", "apple cake")))
    shop.ask("Is there cake?")
    shop.ask("Is there tea?")
    assert [result["file_name"] for result in shop.results()] == ["tea.txt"]
    assert [result["file_name"] for result in shop.results(search("cake"))] == ["cake.txt"]


def test_a_file_in_both_stores_is_found_twice(shop):
    """CONTRACT §2.5, DN:FileSearchWorks: a run searches the assistant's store and the thread's."""
    both, own = shop.upload("tea.txt", "green tea"), shop.upload("more.txt", "more tea here")
    shop.give(shop.store(both), "assistant")
    shop.give(shop.store(both, own))
    shop.ask("tea?")
    assert [result["file_id"] for result in shop.results()] == [both, both, own]


def test_the_tool_says_how_many_results_and_how_good(shop):
    """CONTRACT §8, max_num_results; §2.1, ranking_options."""
    shop.give(shop.store(*(shop.upload(f"{n}.txt", f"tea {'and more ' * n}") for n in range(25))))
    shop.ask("tea?")
    by_default = shop.results()
    assert len(by_default) == 20
    assert len(shop.results(model="gpt-3.5-turbo")) == 5
    assert len(shop.results(tools=[{"type": "file_search", "file_search": {"max_num_results": 3}}])) == 3
    least = by_default[1]["score"]
    options = {"ranking_options": {"score_threshold": least}}
    assert shop.results(tools=[{"type": "file_search", "file_search": options}]) == by_default[:2]


def test_only_completed_files_are_searched(shop):
    """CONTRACT §2.8; a csv fails, and a deleted file is gone (CONTRACT §1.5)."""
    good, gone, bad = (shop.upload(name, "tea") for name in ("good.txt", "gone.txt", "bad.csv"))
    store_id = shop.store(good, gone)
    store = shop.fake.world.store.vector_stores.get(store_id)
    shop.give(store_id)
    shop.ask("tea?")
    assert [result["file_id"] for result in shop.results()] == [good, gone]
    shop.sdk.wait(shop.client.files.delete(gone))
    assert [result["file_id"] for result in shop.results()] == [good]
    for status in ("in_progress", "failed", "cancelled"):
        store.files.get(good).status = status
        assert shop.results() == []
    assert bad not in store.file_ids


def test_nothing_to_search_finds_nothing(shop):
    shop.ask("tea?")
    assert shop.results() == []
    shop.give(shop.store(), "assistant")
    assert shop.results() == []
    shop.fake.world.store.vector_stores.remove(shop.assistant.tool_resources["file_search"]["vector_store_ids"][0])
    assert shop.results() == []


def test_an_assistant_that_is_deleted_meanwhile_leaves_the_thread_its_files(shop):
    file_id = shop.upload("tea.txt", "tea")
    shop.give(shop.store(file_id))
    shop.ask("tea?")
    shop.fake.next_run(search(), say("Tea.", citations="auto"))
    stream = shop.sdk.run()
    stream.until("thread.run.queued")
    shop.fake.world.store.assistants.remove(ASSISTANT)
    assert [item["file_citation"]["file_id"] for item in said(stream.all())[1]] == [file_id]


def test_given_results_are_shown_and_nothing_is_searched(shop, monkeypatch):
    monkeypatch.setattr(Searcher, "search", None)
    shop.ask("tea?")
    assert shop.results(search(results=[])) == []
    assert shop.results(search(results=[{"file_id": "file-a"}])) == [{"file_id": "file-a"}]


@pytest.mark.in_process
def test_a_missing_library_is_named_when_it_is_needed(shop, assistants, monkeypatch):
    monkeypatch.setitem(sys.modules, "pypdf", None)
    shop.give(shop.store(shop.upload("handbook.pdf", b"%PDF-1.4")))
    shop.ask("tea?")
    with pytest.raises(HarnessFailure, match=r"pypdf(.|\n)*pip install \"pytest-assistants\[files\]\""):
        shop.results()
    assistants.failures.clear()


# --- citations -----------------------------------------------------------------------------------------------------

RESULTS = [
    {"file_id": "file-a", "file_name": "a.txt"},
    {"file_id": "file-a", "file_name": "a.txt"},
    {"file_id": "file-b", "file_name": "b 【x】.txt"},
]
A, B = "【4:0†a.txt】", "【4:2†b 【x】.txt】"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Tea.", f"Tea.{A}{B}"),
        ("", f"{A}{B}"),
        ("Tea 【】. Cake 【】.", f"Tea {A}. Cake {B}."),
        ("Tea 【】.", f"Tea {A}."),
        ("【】【】【】", f"{A}{B}"),
        ("차 🍵【】", f"차 🍵{A}"),
    ],
)
def test_where_citations_stand(shop, template, expected):
    shop.ask("?")
    value, annotations = said(shop.stream(search(results=RESULTS), say(template, citations="auto")))
    assert value == expected
    assert [value[item["start_index"] : item["end_index"]] for item in annotations] == [
        mark for mark in (A, B) if mark in expected
    ]
    assert [item["file_citation"]["file_id"] for item in annotations] == ["file-a", "file-b"][: len(annotations)]


def test_the_last_search_of_the_run_counts_and_no_other(shop):
    shop.ask("?")
    acts = search(results=RESULTS), search(results=RESULTS[2:]), run_code("1"), say("Cake", citations="auto")
    assert said(shop.stream(*acts))[0] == "Cake【4:0†b 【x】.txt】"
    assert said(shop.stream(say("Tea【】", citations="auto"))) == ("Tea", [])
    assert said(shop.stream(search(results=[]), say("Tea【】", citations="auto"))) == ("Tea", [])


def test_a_place_without_auto_is_text(shop):
    assert said(shop.stream(search(results=RESULTS), say("Tea【】"))) == ("Tea【】", [])


def test_a_second_question_has_other_marks(shop):
    shop.ask("?")
    shop.ask("??")
    assert said(shop.stream(search(results=RESULTS), say("a", citations="auto")))[0].startswith("a【8:0†a.txt】")


def test_a_citation_that_a_limit_cuts_off_has_no_annotation(shop):
    shop.ask("?")
    events = shop.stream(search(results=RESULTS), say("Tea and cake", citations="auto"), max_completion_tokens=5)
    part = named(events, "thread.message.incomplete")[0]["content"][0]["text"]
    assert part["annotations"] == []
    assert f"Tea and cake{A}".startswith(part["value"])
    assert events[-1].name == "thread.run.incomplete"


@pytest.mark.parametrize("more", [{"pieces": ["Tea"]}, {"files": {"Tea": "file-a"}}], ids=["pieces", "files"])
def test_automatic_citations_move_other_places(more):
    with pytest.raises(HarnessFailure, match="neither pieces nor files"):
        say("Tea", citations="auto", **more)


def test_results_that_are_given_are_not_searched_for():
    with pytest.raises(HarnessFailure, match="given results need no query"):
        search("tea", results=[])


# --- the search of a store -----------------------------------------------------------------------------------------


def stocked(wire, **attributes: Any) -> str:
    """A store with two files, the second one with attributes."""
    wire.start()
    wire.fake.add_file(id="file-green", content=b"green tea, two minutes", filename="green.txt")
    wire.fake.add_file(id="file-black", content="black tea, 홍차".encode(), filename="black.txt")
    store = wire.ok("POST", "/vector_stores", {"file_ids": ["file-green"]})["id"]
    wire.ok("POST", f"/vector_stores/{store}/files", {"file_id": "file-black", "attributes": attributes})
    wire.fake.clock.advance(5)
    return f"/vector_stores/{store}/search"


@pytest.mark.parametrize("api", ["v2"], indirect=True)
def test_searching_a_store(wire):
    """CONTRACT §1.6."""
    path = stocked(wire, year=2024)
    page = wire.ok("POST", path, {"query": "홍차", "rewrite_query": True})
    ((found,), score) = page["data"], page["data"][0]["score"]
    assert list(page) == ["object", "search_query", "data", "has_more", "next_page"]
    assert page == {
        "object": "vector_store.search_results.page",
        "search_query": ["홍차"],
        "data": [found],
        "has_more": False,
        "next_page": None,
    }
    assert found == {
        "file_id": "file-black",
        "filename": "black.txt",
        "score": score,
        "attributes": {"year": 2024},
        "content": [{"type": "text", "text": "black tea, 홍차"}],
    }


@pytest.mark.parametrize(
    ("body", "files"),
    [
        ({"query": "tea"}, ["file-black", "file-green"]),
        ({"query": ["green", "minutes"]}, ["file-green"]),
        ({"query": "coffee"}, []),
        ({"query": "tea", "max_num_results": 1}, ["file-black"]),
        ({"query": "tea", "filters": {"type": "eq", "key": "year", "value": 2024}}, ["file-black"]),
        ({"query": "tea", "filters": {"type": "nin", "key": "year", "value": [2024]}}, ["file-green"]),
        (
            {"query": "tea", "filters": {"type": "or", "filters": [{"type": "gt", "key": "year", "value": 2023}]}},
            ["file-black"],
        ),
        ({"query": "tea", "ranking_options": {"ranker": "auto", "score_threshold": 1}}, []),
        ({"query": "tea", "ranking_options": {"ranker": "none"}}, ["file-black", "file-green"]),
        # as litellm sends every search to OpenAI (BerriAI/litellm, tests/vector_store_tests)
        (
            {"query": "tea", **dict.fromkeys(("ranking_options", "filters", "max_num_results", "rewrite_query"))},
            ["file-black", "file-green"],
        ),
    ],
)
def test_what_a_search_of_a_store_may_ask_for(one_wire, body, files):
    found = one_wire.ok("POST", stocked(one_wire, year=2024), body)["data"]
    assert sorted(item["file_id"] for item in found) == files
    scores = [item["score"] for item in found]
    assert scores == sorted(scores, reverse=True)


@pytest.mark.parametrize(
    ("body", "param", "code"),
    [
        ({}, "query", "missing_required_parameter"),
        ({"query": 1}, "query", "invalid_type"),
        ({"query": [1]}, "query[0]", "invalid_type"),
        ({"query": "a", "max_num_results": 0}, "max_num_results", "integer_below_min_value"),
        ({"query": "a", "max_num_results": 51}, "max_num_results", "integer_above_max_value"),
        ({"query": "a", "filters": {"type": "is", "key": "a", "value": 1}}, "filters.type", "invalid_value"),
        ({"query": "a", "filters": {"key": "a", "value": 1}}, "filters.type", "missing_required_parameter"),
        ({"query": "a", "filters": {"type": "eq", "key": "a", "value": None}}, "filters.value", "invalid_type"),
        ({"query": "a", "filters": {"type": "and", "filters": [1]}}, "filters.filters[0]", "invalid_type"),
        ({"query": "a", "filters": {"type": "and"}}, "filters.filters", "missing_required_parameter"),
        ({"query": "a", "ranking_options": {"ranker": "best"}}, "ranking_options.ranker", "invalid_value"),
        ({"query": "a", "order": "asc"}, "order", "unknown_parameter"),
    ],
)
def test_what_a_search_of_a_store_refuses(one_wire, body, param, code):
    """The specification's VectorStoreSearchRequest, in the words of CONTRACT §7.1."""
    answer = one_wire.send("POST", stocked(one_wire), body)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"], error["code"]) == (400, param, code)


def test_the_sdk_searches_a_store(shop):
    stores = getattr(shop.client, "vector_stores", None)
    if not hasattr(stores, "search"):
        pytest.skip("this SDK cannot search a store")
    store = shop.store(shop.upload("tea.txt", "green tea"))
    page = shop.sdk.wait(stores.search(store, query="tea"))
    assert [(item.filename, item.content[0].text) for item in page.data] == [("tea.txt", "green tea")]


# --- v1 ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("api", ["v1"], indirect=True)
def test_retrieval_searches_the_files_of_the_assistant_and_of_the_messages(wire):
    """CONTRACT §1.7, §2.3, §2.5: a v1 step shows nothing of it, a citation has a quote, and no file name."""
    fake = wire.start(as_of="2024-02-13")
    fake.add_file(id="file-foods", content=FOODS.encode(), filename="foods.txt")
    fake.add_file(id="file-tea", content=TEA.encode(), filename="tea.txt")
    fake.add_file(id="file-csv", content=b"Carola", filename="a.csv")
    body = {"model": "gpt-4", "tools": [{"type": "retrieval"}], "file_ids": ["file-foods", "file-csv"]}
    assistant = wire.ok("POST", "/assistants", body)["id"]
    fake.add_file(id="file-gone", content=QUESTION.encode(), filename="gone.txt")
    message = {"role": "user", "content": QUESTION, "file_ids": ["file-gone", "file-tea", "file-foods"]}
    thread = wire.ok("POST", "/threads", {"messages": [message]})["id"]
    wire.ok("DELETE", "/files/file-gone")
    fake.next_run(search(), say("His favorite food is cake【】, and she drinks tea【】.", citations="auto"))
    run = f"/threads/{thread}/runs/" + wire.ok("POST", f"/threads/{thread}/runs", {"assistant_id": assistant})["id"]
    fake.clock.advance(30)
    (call,) = wire.ok("GET", f"{run}/steps?order=asc")["data"][0]["step_details"]["tool_calls"]
    assert (call["type"], call["retrieval"]) == ("retrieval", {})
    shown = wire.ok("GET", f"/threads/{thread}/messages")["data"][0]["content"][0]["text"]
    assert shown["value"] == "His favorite food is cake【4†source】, and she drinks tea【5†source】."
    quotes = "The favorite food of several people:", "In the evening she drinks green tea."
    for item, file_id, quote in zip(shown["annotations"], ("file-foods", "file-tea"), quotes, strict=True):
        assert shown["value"][item["start_index"] : item["end_index"]] == item["text"]
        assert list(item["file_citation"]) == ["file_id", "quote"]
        assert item["file_citation"]["file_id"] == file_id
        assert item["file_citation"]["quote"] == quote  # the line that says what stands in front of the mark
