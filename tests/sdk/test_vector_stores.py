"""Vector stores, their files and batches, over HTTP and through the SDK's helpers (CONTRACT §1.6, §2.7, §2.8)."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import re
import time
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import openai
import pytest
from stream_clients import JSON

from harness import HarnessFailure, fake_assistants, say
from harness.service.lifecycle import BATCH, STORE_FILE
from harness.service.records import StoreFile

DAY = 86_400
THREE_DAYS = {"anchor": "last_active_at", "days": 3}
STATIC = {"type": "static", "static": {"max_chunk_size_tokens": 200, "chunk_overlap_tokens": 50}}


@pytest.fixture
def api():
    return "v2"


@pytest.fixture
def fake(wire):
    return wire.start()


@pytest.fixture
def other(one_wire):
    """For what does not depend on the client."""
    one_wire.start()
    return one_wire


def text(fake, name="a.txt", content=b"hello world!"):
    return fake.add_file(content=content, filename=name).id


def store_of(wire, *names, **more):
    """A store, its path, and its files."""
    files = [text(wire.fake, name) for name in names]
    made = wire.ok("POST", "/vector_stores", {"file_ids": files, **more})
    return made, f"/vector_stores/{made['id']}", files


def counts(**given):
    return {
        **dict.fromkeys(("in_progress", "completed", "failed", "cancelled"), 0),
        "total": sum(given.values()),
        **given,
    }


# --- stores -------------------------------------------------------------------------------------------------


def test_a_store_without_files_is_completed_at_once(wire, fake):
    """CONTRACT §2.7, with the keys and their order of FACTS A."""
    made = wire.ok("POST", "/vector_stores", {"name": "papers", "description": "all", "metadata": {"a": "b"}})
    assert list(made.items()) == [
        ("id", made["id"]),
        ("object", "vector_store"),
        ("created_at", fake.world.second),
        ("name", "papers"),
        ("description", "all"),
        ("usage_bytes", 0),
        ("file_counts", counts()),
        ("status", "completed"),
        ("expires_after", None),
        ("expires_at", None),
        ("last_active_at", fake.world.second),
        ("metadata", {"a": "b"}),
    ]
    assert re.fullmatch("vs_[0-9a-f]{32}", made["id"])
    assert wire.ok("GET", f"/vector_stores/{made['id']}") == made


def test_a_store_follows_its_files_and_completes_even_if_some_failed(wire, fake):
    """CONTRACT §2.7 (recorded: completed with one that failed)."""
    made, path, _ = store_of(wire, "a.txt", "b.csv")
    assert (made["status"], made["file_counts"], made["usage_bytes"]) == ("in_progress", counts(in_progress=2), 0)
    fake.clock.advance(1)
    done = wire.ok("GET", path)
    assert (done["status"], done["file_counts"]) == ("completed", counts(completed=1, failed=1))
    assert done["usage_bytes"] == 1036  # of 12 bytes, as recorded (CONTRACT §2.8)
    assert done["last_active_at"] == made["created_at"] + 1


def test_a_deleted_store_is_named_by_nobody(wire, fake):
    """openai/openai-cookbook, Assistants_API_overview_python (January 2025); that threads do so is a guess."""
    made, path, _ = store_of(wire)
    other = wire.ok("POST", "/vector_stores", {})["id"]
    owners = [
        wire.ok("POST", home, {**more, "tool_resources": {"file_search": {"vector_store_ids": [store]}}})
        for store in (made["id"], other)
        for home, more in (("/assistants", {"model": "gpt-4o"}), ("/threads", {}))
    ]
    wire.ok("DELETE", path)
    shown = [wire.ok("GET", f"/{each['object']}s/{each['id']}")["tool_resources"]["file_search"] for each in owners]
    assert [each["vector_store_ids"] for each in shown] == [[], [], [other], [other]]


def test_of_a_new_store_all_may_be_null(one_wire, other):
    """As litellm creates every store on OpenAI, which refused only its metadata (BerriAI/litellm#13284, #13285)."""
    nothing = dict.fromkeys(("file_ids", "expires_after", "chunking_strategy", "metadata"))
    made = one_wire.ok("POST", "/vector_stores", {"name": "Papers", **nothing})
    assert made == {**one_wire.ok("POST", "/vector_stores", {"name": "Papers"}), "id": made["id"]}
    _, path, _ = store_of(one_wire, "a.txt", chunking_strategy=None)
    [file] = one_wire.ok("GET", f"{path}/files")["data"]
    assert file["chunking_strategy"]["static"] == {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}


def test_modify_is_partial_and_null_takes_away(wire, fake):
    """CONTRACT §1.6."""
    made, path, _ = store_of(wire, name="old", expires_after=THREE_DAYS, metadata={"a": "b"})
    assert made["expires_at"] == made["created_at"] + 3 * DAY
    changed = wire.ok("POST", path, {"name": "new"})
    assert changed == {**made, "name": "new"}
    emptied = wire.ok("POST", path, {"name": None, "expires_after": None, "metadata": None})
    assert emptied == {**made, "name": None, "expires_after": None, "expires_at": None, "metadata": {}}


def test_deleting_a_store_leaves_its_files(wire, fake):
    """CONTRACT §1.6: nothing of it moves any more, even what was in progress."""
    made, path, [file] = store_of(wire, "a.txt")
    assert wire.ok("DELETE", path) == {"id": made["id"], "object": "vector_store.deleted", "deleted": True}
    fake.clock.advance(5)
    assert wire.send("GET", path).status_code == 404
    assert wire.ok("GET", f"/files/{file}")["id"] == file


def test_pages_of_stores(other):
    """CONTRACT §6."""
    ids = [other.ok("POST", "/vector_stores", {})["id"] for _ in range(3)]
    page = other.ok("GET", "/vector_stores?limit=2")
    assert [item["id"] for item in page["data"]] == [ids[2], ids[1]]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (ids[2], ids[1], True)
    rest = other.ok("GET", f"/vector_stores?limit=2&after={ids[1]}")
    assert ([item["id"] for item in rest["data"]], rest["has_more"]) == ([ids[0]], False)


# --- files --------------------------------------------------------------------------------------------------


def test_a_file_in_a_store(wire, fake):
    """CONTRACT §2.8; `auto` shows as 800 and 400."""
    _, path, _ = store_of(wire)
    file = text(fake)
    made = wire.ok("POST", f"{path}/files", {"file_id": file, "chunking_strategy": {"type": "auto"}})
    assert list(made.items()) == [
        ("id", file),
        ("object", "vector_store.file"),
        ("usage_bytes", 0),
        ("created_at", fake.world.second),
        ("vector_store_id", path.rpartition("/")[2]),
        ("status", "in_progress"),
        ("last_error", None),
        (
            "chunking_strategy",
            {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}},
        ),
        ("attributes", {}),
    ]
    fake.clock.advance(1)
    assert wire.ok("GET", f"{path}/files/{file}") == {**made, "status": "completed", "usage_bytes": 1036}


@pytest.mark.parametrize(
    ("name", "content", "code", "says"),
    [
        # both texts: github.com/openai/openai-openapi/pull/300
        ("table.csv", b"1,2", "unsupported_file", "The file type is not supported."),
        ("PAPER.PDF", b"%PDF-", "unsupported_file", "The file type is not supported."),
        ("empty.txt", b"", "invalid_file", "empty"),
        # what its bytes look like counts, too: openai-python#2439
        ("picture.txt", b"\x89PNG\r\n", "unsupported_file", "The file type is not supported."),
        ("long.txt", b"a\n" * 2_600_000, "invalid_file", ""),  # CONTRACT §8: five million tokens
    ],
)
def test_files_that_cannot_be_indexed(other, name, content, code, says):
    """CONTRACT §2.8, §7.1: capitals are refused too."""
    _, path, _ = store_of(other)
    file = text(other.fake, name, content)
    other.ok("POST", f"{path}/files", {"file_id": file})
    other.fake.clock.advance(1)
    failed = other.ok("GET", f"{path}/files/{file}")
    assert (failed["status"], failed["usage_bytes"], failed["last_error"]["code"]) == ("failed", 0, code)
    assert says in failed["last_error"]["message"]


def test_files_are_listed_newest_first_and_by_status(other):
    """CONTRACT §1.6, §2.8."""
    _, path, files = store_of(other, "a.txt", "b.csv", "c.txt")
    assert [item["id"] for item in other.ok("GET", f"{path}/files")["data"]] == files[::-1]
    other.fake.clock.advance(1)
    page = other.ok("GET", f"{path}/files?filter=failed&order=asc")
    assert [(item["id"], item["status"]) for item in page["data"]] == [(files[1], "failed")]
    assert other.ok("GET", f"{path}/files?filter=in_progress")["data"] == []


def test_attributes_are_replaced_as_a_whole(wire, fake):
    """CONTRACT §1.6, §8: texts of up to 512 characters, numbers and truth values."""
    _, path, _ = store_of(wire)
    file = text(fake)
    given = {"year": 2024, "score": 0.5, "draft": False, "author": "K" * 512}
    assert wire.ok("POST", f"{path}/files", {"file_id": file, "attributes": given})["attributes"] == given
    assert wire.ok("POST", f"{path}/files/{file}", {"attributes": {"a": "b"}})["attributes"] == {"a": "b"}
    assert wire.ok("POST", f"{path}/files/{file}", {"attributes": None})["attributes"] == {}


def test_content_is_the_text_of_the_file_once_it_is_indexed(wire, fake):
    """CONTRACT §1.6."""
    _, path, [good, bad] = store_of(wire, "a.txt", "b.csv")
    page = {"object": "vector_store.file_content.page", "data": [], "has_more": False, "next_page": None}
    assert wire.ok("GET", f"{path}/files/{good}/content") == page
    fake.clock.advance(1)
    text_part = {"type": "text", "text": "hello world!"}
    assert wire.ok("GET", f"{path}/files/{good}/content") == {**page, "data": [text_part]}
    assert wire.ok("GET", f"{path}/files/{bad}/content") == page


def test_content_is_one_page_of_one_piece_however_long_it_is(other):
    """The specification lets it be several, and nothing is recorded (CONTRACT §1.6, G)."""
    long = "words of a book, one line after the other\n" * 5000
    _, path, _ = store_of(other)
    file = text(other.fake, content=long.encode())
    other.ok("POST", f"{path}/files", {"file_id": file})
    other.fake.clock.advance(1)
    page = other.ok("GET", f"{path}/files/{file}/content")
    assert (page["data"], page["has_more"]) == ([{"type": "text", "text": long}], False)


def test_azure_has_no_content_of_store_files(other):
    """github.com/openai/openai-python/issues/2366."""
    _, path, [file] = store_of(other, "a.txt")
    with fake_assistants() as fake:
        fake.restore(other.fake.snapshot())
        client = fake.azure_client(max_retries=0)
        with pytest.raises(openai.NotFoundError, match="Resource not found"):
            client.get(f"{path}/files/{file}/content", cast_to=JSON)
        assert client.get(f"{path}/files/{file}", cast_to=JSON)["id"] == file


def test_taking_a_file_out_of_a_store_leaves_the_file(wire, fake):
    """CONTRACT §1.6."""
    _, path, [file] = store_of(wire, "a.txt")
    gone = wire.ok("DELETE", f"{path}/files/{file}")
    assert gone == {"id": file, "object": "vector_store.file.deleted", "deleted": True}
    fake.clock.advance(5)
    assert wire.ok("GET", path)["file_counts"] == counts()
    assert wire.ok("GET", f"/files/{file}")["id"] == file


def test_a_deleted_file_is_in_no_store_but_counts_until_it_is_taken_out(other):
    """CONTRACT §1.5 (D AZ-fs); openai/openai-dotnet#540, July 2025. What waits to be indexed is gone at once (G)."""
    _, path, [indexed] = store_of(other, "a.txt")
    other.fake.clock.advance(1)
    waiting = text(other.fake)
    batch = other.ok("POST", f"{path}/file_batches", {"file_ids": [waiting]})
    for file in (indexed, waiting):
        other.ok("DELETE", f"/files/{file}")
        for method, sub in (("GET", ""), ("GET", "/content"), ("POST", "")):
            body = {"attributes": {}} if method == "POST" else None
            assert other.send(method, f"{path}/files/{file}{sub}", body).status_code == 404
    assert other.ok("GET", f"{path}/files")["data"] == other.ok("POST", f"{path}/search", {"query": "a"})["data"] == []
    ended = other.ok("GET", f"{path}/file_batches/{batch['id']}")
    assert (ended["status"], ended["file_counts"]) == ("completed", counts())
    assert other.ok("GET", path)["file_counts"] == counts(completed=1)

    assert other.ok("DELETE", f"{path}/files/{indexed}")["deleted"]
    assert other.ok("GET", path)["file_counts"] == counts()
    assert other.send("DELETE", f"{path}/files/{waiting}").status_code == 404


def test_a_file_that_was_put_there_can_be_looked_at_and_taken_out(assistants):
    """As a recording puts it into the store: no timer will ever move it."""
    store = assistants.add_vector_store()
    for _ in range(2):
        assistants.add_vector_store()
    file = text(assistants)
    store.files.add(StoreFile(file, store.id, status="in_progress"))
    client = assistants.client()
    for _ in range(3):
        assert client.get(f"/vector_stores/{store.id}/files/{file}", cast_to=JSON)["status"] == "in_progress"
    client.delete(f"/files/{file}", cast_to=JSON)
    assert store.file_ids == []


def test_a_file_that_is_added_again_is_indexed_anew(other):
    """A guess, in `Indexer.add`: else the new chunking would be lost."""
    _, path, [file] = store_of(other, "a.txt")
    other.fake.clock.advance(1)
    again = other.ok("POST", f"{path}/files", {"file_id": file, "chunking_strategy": STATIC})
    assert (again["status"], again["chunking_strategy"]) == ("in_progress", STATIC)
    assert other.ok("GET", path)["file_counts"] == counts(in_progress=1)


# --- batches ------------------------------------------------------------------------------------------------


def test_a_batch(wire, fake):
    """CONTRACT §2.8: the object is a `file_batch`; its list shows files as that of the store does."""
    _, path, _ = store_of(wire)
    files = [text(fake), text(fake, "b.csv")]
    made = wire.ok("POST", f"{path}/file_batches", {"file_ids": files, "attributes": {"a": 1}})
    assert list(made.items()) == [
        ("id", made["id"]),
        ("object", "vector_store.file_batch"),
        ("created_at", fake.world.second),
        ("status", "in_progress"),
        ("vector_store_id", path.rpartition("/")[2]),
        ("file_counts", counts(in_progress=2)),
    ]
    assert re.fullmatch("vsfb_[0-9a-f]{32}", made["id"])
    fake.clock.advance(1)
    home = f"{path}/file_batches/{made['id']}"
    assert wire.ok("GET", home) == {**made, "status": "completed", "file_counts": counts(completed=1, failed=1)}
    assert wire.ok("GET", f"{home}/files") == wire.ok("GET", f"{path}/files")
    assert [item["id"] for item in wire.ok("GET", f"{home}/files?filter=completed")["data"]] == [files[0]]
    assert wire.ok("GET", f"{path}/files/{files[0]}")["attributes"] == {"a": 1}


@pytest.mark.parametrize("day", [None, "2025-10-31", "2025-11-01"])
def test_a_batch_that_is_retrieved_was_shown_as_its_store_from_november_2025_on(other, day):
    """openai-python#2724, openai-node#1700: its own id is refused afterwards, as that of a store."""
    other.start(as_of=day)
    _, path, _ = store_of(other)
    made = other.ok("POST", f"{path}/file_batches", {"file_ids": [text(other.fake)]})
    assert made["object"] == "vector_store.file_batch"
    home = f"{path}/file_batches/{made['id']}"
    other.fake.clock.advance(1)
    shown = other.ok("GET", home)
    assert (shown["status"], shown["file_counts"]) == ("completed", counts(completed=1))
    if day == "2025-11-01":
        assert shown == other.ok("GET", path)
        refused = other.send("GET", f"{path}/file_batches/{shown['id']}/files")
        assert "Expected an ID that begins with 'vsfb_'" in refused.json()["error"]["message"]
    else:
        assert shown == {**made, "status": "completed", "file_counts": counts(completed=1)}
    assert len(other.ok("GET", f"{home}/files")["data"]) == 1


def test_what_is_said_of_single_files_of_a_batch(other):
    """CONTRACT §1.6: `files` in place of `file_ids`; the specification ignores what stands beside it."""
    _, path, _ = store_of(other)
    one, two = text(other.fake), text(other.fake)
    files = [{"file_id": one, "attributes": {"n": 1}, "chunking_strategy": STATIC}, {"file_id": two}]
    other.ok("POST", f"{path}/file_batches", {"files": files, "attributes": {"n": 9}})
    shown = [other.ok("GET", f"{path}/files/{file}") for file in (one, two)]
    assert [item["attributes"] for item in shown] == [{"n": 1}, {}]
    assert [item["chunking_strategy"] == STATIC for item in shown] == [True, False]


def test_cancelling_a_batch_that_has_ended_changes_nothing(wire, fake):
    """CONTRACT §1.6 (recorded)."""
    _, path, _ = store_of(wire)
    made = wire.ok("POST", f"{path}/file_batches", {"file_ids": [text(fake)]})
    fake.clock.advance(1)
    ended = wire.ok("POST", f"{path}/file_batches/{made['id']}/cancel")
    assert (ended["status"], ended["file_counts"]) == ("completed", counts(completed=1))


def test_cancelling_a_batch_keeps_what_is_done(other):
    """CONTRACT §1.6; that it is immediate is a guess."""
    _, path, _ = store_of(other)
    files = [text(other.fake), text(other.fake)]
    other.ok("POST", f"{path}/file_batches", {"file_ids": files})
    other.fake.clock.fire_next()
    [store] = other.fake.world.store.vector_stores
    [batch] = store.batches
    other.fake.world.indexer.cancel(store, batch)
    assert ([file.status for file in batch.files], batch.status) == (["completed", "cancelled"], "cancelled")


# --- the tables ---------------------------------------------------------------------------------------------

# A story: the names of the files of a batch, and what happens.
STORIES = {
    ("new", "create"): (["a.txt"], ()),
    ("in_progress", "index"): (["a.txt"], (1,)),
    ("in_progress", "finish"): (["a.txt", "b.csv"], (1,)),
    ("in_progress", "fail"): (["b.csv"], (1,)),
    ("in_progress", "cancel"): (["a.txt"], ("cancel",)),
}


def moves(record):
    states = ["new", *(moment.status for moment in record.timeline)]
    return {
        (source, moment.because, to) for (source, to), moment in zip(pairwise(states), record.timeline, strict=True)
    }


def play(wire, key):
    """Tell a story; the store with the path of its first file, and that of the batch."""
    names, happenings = STORIES[key]
    _, path, _ = store_of(wire)
    files = [text(wire.fake, name) for name in names]
    batch = wire.ok("POST", f"{path}/file_batches", {"file_ids": files})
    home = f"{path}/file_batches/{batch['id']}"
    for happening in happenings:
        if happening == "cancel":
            wire.ok("POST", f"{home}/cancel")
        else:
            wire.fake.clock.advance(happening)
    [store] = wire.fake.world.store.vector_stores
    return store, f"{path}/files/{files[0]}", home


@pytest.mark.parametrize("key", STORIES, ids="-".join)
def test_row(wire, fake, key):
    """Every row of the tables of files and batches happens, over every client, and shows on the wire."""
    store, *paths = play(wire, key)
    records = next(iter(store.files)), next(iter(store.batches))
    for table, record, path in zip((STORE_FILE, BATCH), records, paths, strict=True):
        last = record.timeline[-1]
        [row] = [row for row in table if (row.because, row.to) == (last.because, last.status)]
        assert (wire.ok("GET", path)["status"], last.by) == (row.to, row.by)
    assert key[1] in {moment.because for record in records for moment in record.timeline}


def test_the_stories_pass_through_every_row(other):
    passed = {STORE_FILE: set(), BATCH: set()}
    for key in STORIES:
        other.start()
        store, *_ = play(other, key)
        for table, records in ((STORE_FILE, store.files), (BATCH, store.batches)):
            for record in records:
                passed[table] |= moves(record)
    for table, found in passed.items():
        assert found == {(row.source, row.because, row.to) for row in table}


# --- looking ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("what", "looks"),
    [("new store", 1), ("store", 2), ("file", 2), ("batch", 1), ("files of the store", 2), ("files of the batch", 1)],
)
def test_a_loop_without_pauses_ends(assistants, what, looks):
    """Under `on_poll` a look at what has not changed moves the clock to its next transition."""
    client = assistants.client()
    path = f"/vector_stores/{client.post('/vector_stores', body={}, cast_to=JSON)['id']}"
    file = text(assistants)
    body = {"file_ids": [file, text(assistants)]}
    home = f"{path}/file_batches/{client.post(f'{path}/file_batches', body=body, cast_to=JSON)['id']}"
    place = {
        "new store": f"/vector_stores/{client.post('/vector_stores', body=body, cast_to=JSON)['id']}",
        "store": path,
        "file": f"{path}/files/{file}",
        "batch": home,
        "files of the store": f"{path}/files",
        "files of the batch": f"{home}/files",
    }[what]
    seen = []
    while "completed" not in seen and len(seen) < 5:
        shown = client.get(place, cast_to=JSON)
        seen.append(shown["data"][0]["status"] if "data" in shown else shown["status"])
    assert seen == [*["in_progress"] * (looks - 1), "completed"]
    now = assistants.clock.now
    assert client.get(home, cast_to=JSON)["file_counts"] == counts(completed=2)
    client.get(place, cast_to=JSON)
    assert assistants.clock.now == now


@pytest.mark.parametrize("clock", ["timed", "manual"])
def test_under_the_other_policies_looking_moves_nothing(other, clock):
    other.start(clock=clock)
    _, path, _ = store_of(other, "a.txt")
    assert {other.ok("GET", path)["status"] for _ in range(5)} == {"in_progress"}


ENDED = "it will not change by itself"


ROUNDS = [None] * 50  # for ever, as far as can be seen: who loops over a `range` counts, and has more patience


@pytest.mark.parametrize(
    "place", ["", "/files", "/files/{file}", "/file_batches/{batch}", "/file_batches/{batch}/files"]
)
def test_a_loop_that_waits_for_what_never_comes_is_stuck(place):
    """As with runs: a loop that cannot end does not hang the test."""
    with fake_assistants(stuck_after=5) as assistants:
        client = assistants.client()
        store = client.post("/vector_stores", body={}, cast_to=JSON)["id"]
        file = text(assistants, "a.csv")
        batch = client.post(f"/vector_stores/{store}/file_batches", body={"file_ids": [file]}, cast_to=JSON)["id"]
        path, seen = f"/vector_stores/{store}{place.format(file=file, batch=batch)}", []
        with pytest.raises(HarnessFailure, match=ENDED) as caught:
            for _ in ROUNDS:
                time.sleep(1)
                seen.append(client.get(path, cast_to=JSON))
        assert len(seen) <= 2 + 5
        assert f"sent GET {path} 5 times" in str(caught.value)
        failure = "unsupported_file: The file type is not supported." if "{file}" in place else "1 failed"
        assert failure in str(caught.value)
        assistants.failures.clear()


@pytest.mark.parametrize("place", ["", "/files/{file}"])
def test_what_was_put_there_in_progress_never_ends(place):
    """As a recording may show it last: no timer will ever move it."""
    with fake_assistants(stuck_after=5) as assistants:
        store = assistants.add_vector_store()
        file = text(assistants)
        store.files.add(StoreFile(file, store.id, status="in_progress"))
        client = assistants.client()
        with pytest.raises(HarnessFailure, match="it is not known how it went on"):
            for _ in ROUNDS:
                client.get(f"/vector_stores/{store.id}{place.format(file=file)}", cast_to=JSON)
                time.sleep(1)
        assistants.failures.clear()


@pytest.mark.parametrize(
    ("clock", "place", "says"),
    [
        ("manual", "", "retrieving it moves no time"),
        ("on_poll", "/files/{file}/content", "or retrieves the file itself"),
    ],
)
def test_a_loop_that_lets_no_time_pass_is_stuck_too(clock, place, says):
    with fake_assistants(clock=clock, stuck_after=5) as assistants:
        client, file = assistants.client(), text(assistants)
        store = client.post("/vector_stores", body={"file_ids": [file]}, cast_to=JSON)["id"]
        with pytest.raises(HarnessFailure, match=says):
            for _ in ROUNDS:
                client.get(f"/vector_stores/{store}{place.format(file=file)}", cast_to=JSON)
        assistants.failures.clear()


def test_asking_for_a_store_that_is_not_there_for_ever():
    with fake_assistants(stuck_after=5) as assistants:
        client = assistants.client()
        with pytest.raises(HarnessFailure, match="the answer was always 404: Vector store with id"):
            for _ in ROUNDS:
                with contextlib.suppress(openai.NotFoundError):
                    client.get(f"/vector_stores/vs_{'0' * 32}", cast_to=JSON)
        assistants.failures.clear()


def test_a_patient_loop_is_not_stuck():
    """Time passes, and something is being indexed: each moment counts anew. So does everything that gets done."""
    with fake_assistants(clock="timed", stuck_after=5) as assistants:
        client, file = assistants.client(), text(assistants)
        store = client.post("/vector_stores", body={"file_ids": [file]}, cast_to=JSON)["id"]
        looks = 1
        while client.get(f"/vector_stores/{store}", cast_to=JSON)["status"] == "in_progress":
            time.sleep(0.1)
            looks += 1
        assert looks > 10
        for _ in range(20):
            client.get(f"/vector_stores/{store}", cast_to=JSON)
            client.post(f"/vector_stores/{store}", body={"name": "again"}, cast_to=JSON)


def test_a_snapshot_takes_the_indexing_along(other):
    _, path, _ = store_of(other, "a.txt")
    before = other.fake.snapshot()
    for _ in range(2):
        other.fake.restore(before)
        assert other.ok("GET", path)["status"] == "in_progress"
        other.fake.clock.advance(1)
        assert other.ok("GET", path)["status"] == "completed"


# --- expiry and runs ----------------------------------------------------------------------------------------


def a_run(wire, **more):
    assistant = wire.ok("POST", "/assistants", {"model": "gpt-4o", "tools": [{"type": "file_search"}], **more})
    hello = {"role": "user", "content": "hello"}
    body = {"assistant_id": assistant["id"], "thread": {"messages": [hello]}}
    return wire.ok("POST", "/threads/runs", body)


def test_a_store_expires_so_many_days_after_it_was_active(wire, fake):
    """CONTRACT §2.7: three days are 259,200 seconds."""
    made, path, _ = store_of(wire, expires_after=THREE_DAYS)
    fake.clock.advance(3 * DAY - 1)
    assert wire.ok("GET", path)["status"] == "completed"
    fake.clock.advance(1)
    assert wire.ok("GET", path)["status"] == "expired"
    assert made["expires_at"] == fake.clock.now


def test_an_expired_store_does_not_come_back(other):
    """learn.microsoft.com, VectorStoreStatus.Expired: it "is no longer available for use"."""
    _, path, _ = store_of(other, expires_after=THREE_DAYS)
    other.fake.clock.advance(3 * DAY)
    other.ok("POST", f"{path}/files", {"file_id": text(other.fake)})
    other.fake.clock.advance(1)
    shown = other.ok("GET", path)
    assert (shown["status"], shown["file_counts"]) == ("expired", counts(completed=1))


def test_a_run_keeps_its_stores_active(wire, fake):
    """CONTRACT §2.7 (D AZ-fs)."""
    made, path, _ = store_of(wire, expires_after=THREE_DAYS)
    fake.clock.advance(2 * DAY)
    a_run(wire, tool_resources={"file_search": {"vector_store_ids": [made["id"]]}})
    fake.clock.advance(2 * DAY)
    shown = wire.ok("GET", path)
    assert (shown["status"], shown["last_active_at"]) == ("completed", made["created_at"] + 2 * DAY + 1)


def test_a_run_that_searches_nothing_does_not_count(other):
    made, path, _ = store_of(other)
    a_run(other, tools=[], tool_resources={"file_search": {"vector_store_ids": [made["id"]]}})
    other.fake.clock.advance(5)
    assert other.ok("GET", path)["last_active_at"] == made["created_at"]


def test_a_run_whose_store_has_expired_fails(wire, fake):
    """CONTRACT §3.5 (D AZ-fs); what `last_error` says is a guess."""
    made, _, _ = store_of(wire, expires_after=THREE_DAYS)
    fake.clock.advance(3 * DAY)
    run = a_run(wire, tool_resources={"file_search": {"vector_store_ids": [made["id"]]}})
    fake.clock.advance(5)
    failed = wire.ok("GET", f"/threads/{run['thread_id']}/runs/{run['id']}")
    assert (failed["status"], failed["last_error"]["code"]) == ("failed", "server_error")


def test_a_run_waits_for_the_store_of_its_thread(other):
    """CONTRACT §8: up to a minute, and for that store only."""
    fake = other.start(queued=0, act=0)
    fake.every_run(say("done"))
    tools = [{"type": "file_search"}]
    asked = {"role": "user", "content": "?", "attachments": [{"file_id": text(fake), "tools": tools}]}
    assistant = other.ok("POST", "/assistants", {"model": "gpt-4o", "tools": tools})
    other.ok("POST", "/threads/runs", {"assistant_id": assistant["id"], "thread": {"messages": [asked]}})
    fake.clock.advance(0.5)
    assert fake.runs[0].status == "queued"
    fake.clock.advance(0.5)
    [store] = fake.world.store.vector_stores
    assert [file.status for file in store.files] == ["completed"]
    assert fake.runs[0].status == "completed"


# --- stores that other bodies make --------------------------------------------------------------------------


def made_by(wire, owner):
    [store_id] = owner["tool_resources"]["file_search"]["vector_store_ids"]
    return wire.ok("GET", f"/vector_stores/{store_id}"), f"/vector_stores/{store_id}"


@pytest.mark.parametrize(("path", "days"), [("/assistants", None), ("/threads", 7)])
def test_the_helper_makes_a_real_store(wire, fake, path, days):
    """CONTRACT §1.1; that of a thread expires after seven days (CONTRACT §8, recorded)."""
    file = text(fake)
    helper = {"file_ids": [file], "chunking_strategy": STATIC, "metadata": {"a": "b"}}
    body = {"tool_resources": {"file_search": {"vector_stores": [helper]}}}
    owner = wire.ok("POST", path, {"model": "gpt-4o", **body} if days is None else body)
    store, home = made_by(wire, owner)
    assert (store["metadata"], store["file_counts"]) == ({"a": "b"}, counts(in_progress=1))
    assert store["expires_after"] == (days and {"anchor": "last_active_at", "days": days})
    assert wire.ok("GET", f"{home}/files/{file}")["chunking_strategy"] == STATIC


HELPER = {"file_search": {"vector_stores": [{}]}}
UNKNOWN = {"file_search": {"vector_store_ids": [f"vs_{'0' * 32}"]}}
SEARCHED = {"role": "user", "content": "read", "attachments": [{"tools": [{"type": "file_search"}]}]}


def refused_late(fake, owner):
    """Bodies that would make a store, and are refused because of what stands behind it."""
    bad_file = {"role": "user", "content": "x", "attachments": [{"file_id": "file-unknown", "tools": []}]}
    silent = {**SEARCHED, "role": "assistant"}
    silent["attachments"] = [{**SEARCHED["attachments"][0], "file_id": text(fake)}]
    return {
        "thread": ("/threads", {"tool_resources": HELPER, "messages": [bad_file]}),
        "thread and run, its messages": (
            "/threads/runs",
            {**owner, "thread": {"tool_resources": HELPER, "messages": [bad_file]}},
        ),
        "thread and run, its stores": (
            "/threads/runs",
            {**owner, "thread": {"tool_resources": HELPER}, "tool_resources": UNKNOWN},
        ),
        "thread and run, nothing to run on": ("/threads/runs", {**owner, "thread": {"tool_resources": HELPER}}),
        "thread and run, nothing said": ("/threads/runs", {**owner, "thread": {"messages": [silent]}}),
        "run": ("/threads/{thread}/runs", {**owner, "additional_messages": [silent]}),
        "assistant": ("/assistants", {"model": "gpt-4o", "tool_resources": {**HELPER, **BAD_CODE}}),
    }


BAD_CODE = {"code_interpreter": {"file_ids": ["file-unknown"]}}


@pytest.mark.parametrize(
    "case",
    [
        "thread",
        "thread and run, its messages",
        "thread and run, its stores",
        "thread and run, nothing to run on",
        "thread and run, nothing said",
        "run",
        "assistant",
    ],
)
def test_what_is_refused_leaves_no_store_behind(other, case):
    """All of a body is done or nothing, as CONTRACT §7.1 orders the checks: nobody would learn the id of the store."""
    owner = {"assistant_id": other.ok("POST", "/assistants", {"model": "gpt-4o"})["id"]}
    kept = other.ok("POST", "/vector_stores", {"name": "kept"})["id"]
    thread = other.ok("POST", "/threads", {})["id"]
    path, body = refused_late(other.fake, owner)[case]
    answer = other.send("POST", path.format(thread=thread), body)
    assert answer.status_code in (400, 404), answer.text
    assert [store["id"] for store in other.ok("GET", "/vector_stores")["data"]] == [kept]
    assert [item.id for item in other.fake.threads] == [thread]
    assert "file_search" not in other.ok("GET", f"/threads/{thread}")["tool_resources"]
    other.fake.clock.advance(5)  # no timer of such a store is left either


def test_attachments_make_the_store_of_the_thread(wire, fake):
    """CONTRACT §2.2, §8: with an expiry of seven days, and one store for all of them."""
    thread = wire.ok("POST", "/threads", {})
    files = [text(fake), text(fake), text(fake, "c.csv")]
    search, code = [{"type": "file_search"}], [{"type": "code_interpreter"}]
    for file, tools in zip([files[0], files[0], files[1], files[2]], [search, search, search, code], strict=True):
        said = {"role": "user", "content": "read", "attachments": [{"file_id": file, "tools": tools}]}
        wire.ok("POST", f"/threads/{thread['id']}/messages", said)
    store, home = made_by(wire, wire.ok("GET", f"/threads/{thread['id']}"))
    assert store["expires_after"] == {"anchor": "last_active_at", "days": 7}
    assert [item["id"] for item in wire.ok("GET", f"{home}/files?order=asc")["data"]] == files[:2]


def test_attachments_that_cannot_be_searched_are_refused(wire, fake):
    """CONTRACT §7.1; openai/openai-python#1511 has `none`."""
    thread = wire.ok("POST", "/threads", {})
    names = ("A.PDF", "B.PDF", "b.txt", "c")
    attached = [{"file_id": text(fake, name), "tools": [{"type": "file_search"}]} for name in names]
    said = {"role": "user", "content": "read", "attachments": attached}
    answer = wire.send("POST", f"/threads/{thread['id']}/messages", said)
    assert answer.status_code == 400
    assert answer.json()["error"]["message"].startswith("Files with extensions [.PDF, none] are not supported for")
    assert wire.ok("GET", f"/threads/{thread['id']}/messages")["data"] == []


# --- refusals -----------------------------------------------------------------------------------------------


@dataclass
class Refused:
    what: str
    method: str
    path: str
    message: str
    body: Any = None
    status: int = 400
    param: str | None = None
    code: str | None = None

    def __str__(self):
        return self.what


def invalid(what, param, message, body, path="/vector_stores", code="invalid_value"):
    return Refused(what, "POST", path, message, body, 400, param, code)


F, B = "/vector_stores/{s}/files", "/vector_stores/{s}/file_batches"
REFUSALS = [
    # CONTRACT §7.1
    Refused("a store", "GET", "/vector_stores/vs_X", "Vector store with id ['vs_X'] not found.", status=404),
    Refused("its files", "GET", "/vector_stores/vs_X/files", "Vector store with id ['vs_X'] not found.", status=404),
    Refused("files", "POST", F, "Files [file-X] were not found", {"file_id": "file-X"}, 404),
    Refused("two files", "POST", B, "Files [file-X, file-Y] were not found", {"file_ids": ["file-X", "file-Y"]}, 404),
    Refused("new", "POST", "/vector_stores", "Files [file-X] were not found", {"file_ids": ["file-X"]}, 404),
    # github.com/mkdev-me/terraform-provider-openai/issues/35
    *(
        Refused(
            f"{method} a file",
            method,
            f"{F}/file-X",
            "No file found with id 'file-X' in vector store '{s}'.",
            body,
            404,
        )
        for method, body in (("GET", None), ("POST", {"attributes": {}}), ("DELETE", None))
    ),
    Refused("a batch", "GET", f"{B}/vsfb_X", "No file batch found with id 'vsfb_X'.", status=404),
    Refused(
        "what is no batch",
        "GET",
        f"{B}/vs_X",
        "Invalid 'batch_id': 'vs_X'. Expected an ID that begins with 'vsfb_'.",
        param="batch_id",
        code="invalid_value",
    ),
    Refused(
        "what is no store",
        "GET",
        "/vector_stores/undefined",
        "Invalid 'vector_store_id': 'undefined'. Expected an ID that begins with 'vs_'.",
        param="vector_store_id",
        code="invalid_value",
    ),
    Refused("a cursor", "GET", f"{F}?after=file-X", "No file found with id 'file-X'.", status=404),
    invalid("unknown", "color", "Unknown parameter: 'color'.", {"color": "red"}, code="unknown_parameter"),
    invalid("no file", "file_id", "Missing required parameter: 'file_id'.", {}, F, "missing_required_parameter"),
    invalid(
        "no attributes",
        "attributes",
        "Missing required parameter: 'attributes'.",
        {},
        F + "/file-X",
        "missing_required_parameter",
    ),
    invalid("no files", "file_ids", "Missing required parameter: 'file_ids'.", {}, B, "missing_required_parameter"),
    invalid(
        "both",
        None,
        "Mutually exclusive parameters: 'file_ids' and 'files'. Ensure you are only providing one of: 'file_ids' or "
        "'files'.",
        {"file_ids": ["file-X"], "files": [{"file_id": "file-X"}]},
        B,
        "mutually_exclusive_parameters",
    ),
    invalid(
        "an empty batch",
        "file_ids",
        "Invalid 'file_ids': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        {"file_ids": []},
        B,
        "empty_array",
    ),
    *(
        invalid(
            f"{most + 1} files",
            "file_ids",
            f"Invalid 'file_ids': array too long. Expected an array with maximum length {most}, but got an array with "
            f"length {most + 1} instead.",
            {"file_ids": ["file-X"] * (most + 1)},
            path,
            "array_above_max_length",
        )
        for most, path in ((500, "/vector_stores"), (2000, B))
    ),
    invalid(
        "366 days",
        "expires_after.days",
        "Invalid 'expires_after.days': integer above maximum value. Expected a value <= 365, but got 366 instead.",
        {"expires_after": {"anchor": "last_active_at", "days": 366}},
        code="integer_above_max_value",
    ),
    invalid(
        "an anchor",
        "expires_after.anchor",
        "Invalid value: 'created_at'. Supported values are: 'last_active_at'.",
        {"expires_after": {"anchor": "created_at", "days": 1}},
    ),
    invalid(
        "small chunks",
        "chunking_strategy.static.max_chunk_size_tokens",
        "Invalid 'chunking_strategy.static.max_chunk_size_tokens': integer below minimum value. Expected a value >= "
        "100, but got 99 instead.",
        {"chunking_strategy": {"type": "static", "static": {"max_chunk_size_tokens": 99, "chunk_overlap_tokens": 0}}},
        code="integer_below_min_value",
    ),
    invalid(
        "attributes",
        "attributes.a",
        "Invalid type for 'attributes.a': expected one of a string, number, or boolean, but got an array instead.",
        {"file_id": "file-X", "attributes": {"a": []}},
        F,
        "invalid_type",
    ),
    invalid(
        "a long attribute",
        "attributes.a",
        "Invalid 'attributes.a': string too long. Expected a string with maximum length 512, but got a string with "
        "length 513 instead.",
        {"file_id": "file-X", "attributes": {"a": "x" * 513}},
        F,
        "string_above_max_length",
    ),
    invalid(
        "many attributes",
        "attributes",
        "Invalid 'attributes': too many properties. Expected an object with at most 16 properties, but got an object "
        "with 17 properties instead.",
        {"file_id": "file-X", "attributes": {str(n): n for n in range(17)}},
        F,
        "object_above_max_properties",
    ),
    Refused(
        "a filter",
        "GET",
        f"{F}?filter=done",
        "Invalid value: 'done'. Supported values are: 'in_progress', 'completed', 'failed', and 'cancelled'.",
        param="filter",
        code="invalid_value",
    ),
]


@pytest.mark.parametrize("case", REFUSALS, ids=str)
def test_refusal(other, case):
    """In the words of CONTRACT §7.1; nothing is changed."""
    made, path, _ = store_of(other, "a.txt")
    before = other.ok("GET", "/vector_stores"), other.ok("GET", f"{path}/files")
    answer = other.send(case.method, case.path.replace("{s}", made["id"]), case.body)
    assert (answer.status_code, answer.json()["error"]) == (
        case.status,
        {
            "message": case.message.replace("{s}", made["id"]),
            "type": "invalid_request_error",
            "param": case.param,
            "code": case.code,
        },
    )
    assert (other.ok("GET", "/vector_stores"), other.ok("GET", f"{path}/files")) == before


def test_a_full_store_takes_no_more(other):
    """CONTRACT §8: 10,000 files, since November 2025 far more; the text is a guess."""
    other.start(as_of="2025-06-01")
    helper = {"file_ids": [text(other.fake) for _ in range(10_000)]}
    body = {"tool_resources": {"file_search": {"vector_stores": [helper]}}}
    store, home = made_by(other, other.ok("POST", "/threads", body))
    assert store["file_counts"]["total"] == 10_000
    last = text(other.fake)
    refused = other.send("POST", f"{home}/files", {"file_id": last})
    assert refused.status_code == 400
    assert "maximum number of 10000 files" in refused.json()["error"]["message"]
    assert other.send("POST", f"{home}/file_batches", {"file_ids": [last]}).status_code == 400
    helper["file_ids"].append(last)
    assert other.send("POST", "/threads", body).status_code == 400
    other.fake.world.shapes = type(other.fake.world.shapes)("2025-11-03")
    assert other.ok("POST", f"{home}/files", {"file_id": last})["id"] == last


def test_batches_were_shorter(other):
    """CONTRACT §1.6: 500 files until 2025, 2,000 since."""
    files = 501
    other.start(as_of="2024-10-11")
    _, path, _ = store_of(other)
    refused = other.send("POST", f"{path}/file_batches", {"file_ids": ["file-X"] * files})
    assert "maximum length 500, but got an array with length 501" in refused.json()["error"]["message"]
    ids = [text(other.fake) for _ in range(500)]
    assert other.ok("POST", f"{path}/file_batches", {"file_ids": ids})["file_counts"]["total"] == 500
    other.start()
    _, path, _ = store_of(other)
    ids = [text(other.fake) for _ in range(2000)]
    assert other.ok("POST", f"{path}/file_batches", {"file_ids": ids})["file_counts"]["total"] == 2000
    other.fake.clock.advance(1)
    assert other.ok("GET", path)["file_counts"]["completed"] == 2000


# --- versions and days --------------------------------------------------------------------------------------


@pytest.mark.parametrize("header", [None, "assistants=v2"])
def test_no_beta_header_is_needed(wire, fake, header):
    """FACTS 0: recorded in 2025."""
    assert wire.ok("POST", "/vector_stores", {}, headers={"openai-beta": header})["object"] == "vector_store"


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        ({}, 400, "OpenAI-Beta: assistants=v2"),
        ({"as_of": "2025-01-10"}, 400, "The v1 Assistants API has been deprecated."),
        ({"as_of": "2024-01-10"}, 404, "Invalid URL (GET /v1/vector_stores)"),
        ({"api": "v1"}, 404, "Invalid URL (GET /v1/vector_stores)"),
    ],
    ids=str,
)
def test_v1_has_no_vector_stores(other, options, status, says):
    """CONTRACT §1.6; what v1 said of them is a guess."""
    other.start(**options)
    answer = other.send("GET", "/vector_stores", headers={"openai-beta": "assistants=v1"})
    assert answer.status_code == status
    assert says in answer.json()["error"]["message"]


def test_an_old_api_version_of_azure_has_none_either():
    """CONTRACT §1.8."""
    with fake_assistants() as fake:
        client = fake.azure_client(api_version="2024-02-15-preview", max_retries=0)
        with pytest.raises(openai.NotFoundError, match="Resource not found"):
            client.get("/vector_stores", cast_to=JSON)
        client = fake.azure_client(max_retries=0)
        assert client.get("/vector_stores", cast_to=JSON)["data"] == []


def test_objects_of_2024_look_as_they_did(other):
    """FACTS A, F."""
    other.start(as_of="2024-05-01")
    made, path, [file] = store_of(other, "a.txt")
    assert " ".join(made) == (
        "id object name status usage_bytes created_at file_counts metadata expires_after expires_at last_active_at"
    )
    assert re.fullmatch("vs_[A-Za-z0-9]{24}", made["id"])
    keys = "id object usage_bytes created_at vector_store_id status last_error"
    assert " ".join(other.ok("GET", f"{path}/files/{file}")) == keys
    other.start(as_of="2024-10-11")
    _, path, [file] = store_of(other, "a.txt")
    assert " ".join(other.ok("GET", f"{path}/files/{file}")) == f"{keys} chunking_strategy"


def test_ids_written_down_in_the_code_are_adopted(other):
    """Nobody has seen such a file, so it counts as fit to be searched."""
    other.start(adopt_unknown=True)
    _, path, _ = store_of(other)
    other.ok("POST", f"{path}/files", {"file_id": "file-hardcoded"})
    other.fake.clock.advance(1)
    assert other.ok("GET", path)["file_counts"] == counts(completed=1)


# --- the SDK's helpers --------------------------------------------------------------------------------------


@pytest.fixture(params=["OpenAI", "AsyncOpenAI"])
def stores(request, assistants):
    """`client.vector_stores`, which was `client.beta.vector_stores` until 2025."""
    client = getattr(openai, request.param)(api_key="any", max_retries=0)
    found = getattr(client, "vector_stores", None) or getattr(client.beta, "vector_stores", None)
    if found is None or not hasattr(found, "file_batches"):
        pytest.skip("this SDK has no vector stores")
    return client, found


def ask(method, *args, **kwargs):
    found = method(*args, **kwargs)

    async def awaited():
        return await found

    return asyncio.run(awaited()) if inspect.isawaitable(found) else found


def test_the_helpers_wait_without_waiting(stores, assistants):
    """create_and_poll, upload_and_poll, and both for batches; time passes on the virtual clock only."""
    client, vector_stores = stores
    store = ask(vector_stores.create, name="papers")
    file = ask(client.files.create, file=("a.txt", b"hello world!"), purpose="assistants")
    done = [
        ask(vector_stores.files.create_and_poll, file.id, vector_store_id=store.id),
        ask(vector_stores.files.upload_and_poll, vector_store_id=store.id, file=("b.txt", b"hello world!")),
    ]
    assert [(item.status, item.usage_bytes) for item in done] == [("completed", 1036)] * 2
    batches = [
        ask(vector_stores.file_batches.create_and_poll, store.id, file_ids=[file.id]),
        ask(vector_stores.file_batches.upload_and_poll, store.id, files=[("c.txt", b"x"), ("d.csv", b"x")]),
    ]
    assert [(batch.status, batch.file_counts.completed) for batch in batches] == [("completed", 1)] * 2
    assert batches[1].file_counts.failed == 1
    shown = ask(vector_stores.retrieve, store.id)
    assert (shown.status, shown.file_counts.total) == ("completed", 4)
    assert assistants.clock.now - store.created_at < 60


def test_a_file_that_fails_ends_the_poll_too(stores):
    client, vector_stores = stores
    store = ask(vector_stores.create)
    failed = ask(vector_stores.files.upload_and_poll, vector_store_id=store.id, file=("d.csv", b"1,2"))
    assert (failed.status, failed.last_error.code) == ("failed", "unsupported_file")
    file = ask(client.files.create, file=("e.csv", b"1,2"), purpose="assistants")
    batch = ask(vector_stores.file_batches.create_and_poll, store.id, file_ids=[file.id])
    assert (batch.status, batch.file_counts.failed) == ("failed", 1)
