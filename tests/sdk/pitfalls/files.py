"""Pitfalls of files and vector stores."""

from __future__ import annotations

from typing import Any

from harness import say, search
from pitfalls.row import REFUSED, App, Pitfall, Raises

WEATHER = b"It is 4 degrees in Oslo, the coldest day of the year."
SEARCH = [{"type": "file_search"}]


def upload(app: App, name: str = "weather.txt", content: bytes = WEATHER) -> str:
    return app.client.files.create(file=(name, content), purpose="assistants").id


def downloads_it_again(app):
    return app.client.files.content(upload(app)).read()


def keeps_a_copy(app):
    upload(app)
    return WEATHER


def attaching(name: str) -> Any:
    def client(app):
        message = app.say("What is in it?", attachments=[{"file_id": upload(app, name), "tools": SEARCH}])
        return len(message.attachments)

    return client


def takes_the_store_for_the_batch(app):
    store = app.stores.create()
    app.stores.file_batches.create(store.id, file_ids=[upload(app)])
    return app.stores.file_batches.retrieve(store.id, vector_store_id=store.id).file_counts.total


def keeps_the_batch(app):
    store = app.stores.create()
    batch = app.stores.file_batches.create(store.id, file_ids=[upload(app)])
    return app.stores.file_batches.retrieve(batch.id, vector_store_id=store.id).file_counts.total


def found_in(app: App, store_id: str) -> list[str]:
    """What a run of the assistant cites from this store."""
    resources = {"file_search": {"vector_store_ids": [store_id]}}
    assistant = app.client.beta.assistants.create(model="gpt-4o", tools=SEARCH, tool_resources=resources)
    app.wait_for(app.runs.create(thread_id="thread_app", assistant_id=assistant.id))
    return [annotation.type for annotation in app.messages()[0].content[0].text.annotations]


def searches_at_once(app):
    return found_in(app, app.stores.create(file_ids=[upload(app)]).id)


def ready(app: App, *file_ids: str) -> Any:
    store = app.stores.create(file_ids=list(file_ids))
    while store.status == "in_progress":
        store = app.stores.retrieve(store.id)
    return store


def searches_when_it_is_ready(app):
    return found_in(app, ready(app, upload(app)).id)


def takes_completed_for_searchable(app):
    return found_in(app, ready(app, upload(app, content=b"\x00\xff\xfe\x81 no text")).id)


def asks_how_many_failed(app):
    store = ready(app, upload(app, content=b"\x00\xff\xfe\x81 no text"))
    if store.file_counts.failed:
        store = ready(app, upload(app))
    return found_in(app, store.id)


ANSWER = [search(), say("It is the coldest day.", citations="auto")]
EXTENSIONS = "CONTRACT §11: upper-case extension or csv refused by file search (src#69386352520; glific#5770)"

PITFALLS = {
    "an uploaded file is downloaded": Pitfall(
        "CONTRACT §11, §7: only outputs can be fetched",
        [],
        downloads_it_again,
        Raises(REFUSED, "Not allowed to download files of purpose: assistants"),
        keeps_a_copy,
        WEATHER,
        cause="a file of purpose assistants was uploaded",
    ),
    "an extension in upper case": Pitfall(
        EXTENSIONS,
        [],
        attaching("WEATHER.TXT"),
        Raises(REFUSED, "Files with extensions .* are not supported for retrieval"),
        attaching("weather.txt"),
        1,
        cause="file search takes no .*TXT",
        needs="v2",
    ),
    "a table for file search": Pitfall(
        EXTENSIONS,
        [],
        attaching("weather.csv"),
        Raises(REFUSED, "Files with extensions .* are not supported for retrieval"),
        attaching("weather.json"),
        1,
        cause="file search takes no .*csv",
        needs="v2",
    ),
    "a store is taken for a batch": Pitfall(
        "CONTRACT §11: uploadAndPoll returned the vector store (openai-node#1700)",
        [],
        takes_the_store_for_the_batch,
        Raises(REFUSED, "Invalid 'batch_id': 'vs_"),
        keeps_the_batch,
        1,
        cause=r"vs_\w+ is a vector store, and was sent as the id of a file batch",
        needs="v2",
    ),
    "a run searches a store that is not ready": Pitfall(
        "CONTRACT §11: the assistant's store is not waited for (AZ-fs)",
        [ANSWER],
        searches_at_once,
        [],
        searches_when_it_is_ready,
        ["file_citation"],
        cause=r"run_\w+ searched before vs_\w+ was ready",
        needs="v2",
        options={"queued": 0.0},
    ),
    "a completed store has failed files": Pitfall(
        "CONTRACT §11: vector store completed with failed files (RB:vector_stores_list)",
        [ANSWER],
        takes_completed_for_searchable,
        [],
        asks_how_many_failed,
        ["file_citation"],
        cause=r"a file of vs_\w+ could not be indexed",
        needs="v2",
    ),
}
