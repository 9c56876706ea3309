"""Tables and ids: order, pages, and determinism (CONTRACT §2, §6; FACTS F)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.service.records import Thread
from harness.service.shapes import Shapes
from harness.service.store import DELETED_KEPT, Ids, Store, Table


@dataclass
class Row:
    id: str


def table_of(names) -> Table[Row]:
    table: Table[Row] = Table()
    for name in names:
        table.add(Row(name))
    return table


def ids(page) -> list[str]:
    return [row.id for row in page.items]


NAMES = st.lists(st.integers(0, 99).map(str), unique=True, max_size=30)


@given(NAMES, st.data(), st.booleans(), st.integers(1, 8))
def test_pages_with_after_walk_through_the_whole_table(names, data, descending, limit):
    removed = data.draw(st.sets(st.sampled_from(names))) if names else set()
    table = table_of(names)
    for name in removed:
        table.remove(name)
    expected = [name for name in names if name not in removed]
    if descending:
        expected.reverse()
    walked, after = [], None
    while True:
        page = table.page(limit=limit, descending=descending, after=after)
        walked += ids(page)
        if not page.has_more:
            break
        after = walked[-1]
    assert walked == expected
    assert [row.id for row in table] == [name for name in names if name not in removed]
    assert len(table) == len(expected)


@given(NAMES.filter(bool), st.data(), st.booleans(), st.integers(1, 8))
def test_before_gives_the_page_in_front_of_the_cursor(names, data, descending, limit):
    cursor = data.draw(st.sampled_from(names))
    order = names[::-1] if descending else names
    in_front = order[: order.index(cursor)]
    page = table_of(names).page(limit=limit, descending=descending, before=cursor)
    assert ids(page) == in_front[-limit:]
    assert page.has_more == (len(in_front) > limit)


def test_both_cursors_enclose_a_page():
    page = table_of("abcdef").page(limit=2, descending=False, after="a", before="e")
    assert (ids(page), page.has_more) == (["b", "c"], True)


def test_the_limit_of_a_page_counts_only_records_that_pass_the_filter():
    page = table_of("abcdef").page(limit=2, where=lambda row: row.id in "bdf")
    assert (ids(page), page.has_more) == (["f", "d"], True)


def test_unknown_cursors_and_second_rows_are_errors():
    table = table_of("a")
    with pytest.raises(KeyError):
        table.page(limit=1, after="b")
    with pytest.raises(KeyError):
        table.add(Row("a"))
    assert "a" in table
    assert table.get("b") is None


def test_the_last_deleted_threads_are_kept():
    store = Store("seed")
    threads = [store.threads.add(Thread(f"thread_{number}", number)) for number in range(DELETED_KEPT + 3)]
    for thread in threads[:-1]:
        store.delete_thread(thread)
    assert list(store.threads) == threads[-1:]
    assert store.all_threads == threads[2:]


@pytest.mark.parametrize(
    ("made", "pattern"),
    [
        (lambda ids: ids.make("asst_"), r"asst_[A-Za-z0-9]{24}"),
        (lambda ids: ids.make("thread_"), r"thread_[A-Za-z0-9]{24}"),
        (lambda ids: ids.file(Shapes(), azure=False, purpose="assistants"), r"file-[1-9A-HJ-NP-Za-km-z]{22}"),
        (lambda ids: ids.file(Shapes("2024-05-01"), azure=False, purpose="assistants"), r"file-[A-Za-z0-9]{24}"),
        (lambda ids: ids.file(Shapes(), azure=True, purpose="assistants_output"), r"assistant-[A-Za-z0-9]{24}"),
        (lambda ids: ids.file(Shapes(), azure=True, purpose="batch"), r"file-[A-Za-z0-9]{22}"),
        (lambda ids: ids.vector_store(Shapes(), 0x68C9EDC4), r"vs_68c9edc4[0-9a-f]{4}8191[0-9a-f]{16}"),
        (lambda ids: ids.vector_store(Shapes("2024-05-01"), 0), r"vs_[A-Za-z0-9]{24}"),
        (lambda ids: ids.file_batch(), r"vsfb_[0-9a-f]{32}"),
        (lambda ids: ids.request(), r"req_[0-9a-f]{32}"),
        (lambda ids: ids.uuid(), r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"),
    ],
)
def test_ids_have_the_shape_of_the_service(made, pattern):
    first, second = Ids("a test"), Ids("a test")
    one = made(first)
    assert re.fullmatch(pattern, one)
    assert one == made(second)
    assert one != made(first)
    assert one != made(Ids("another test"))


def test_one_kind_of_id_does_not_depend_on_another():
    disturbed = Ids(0)
    disturbed.make("msg_")
    assert disturbed.make("run_") == Ids(0).make("run_")


def test_planned_ids_are_used_before_any_is_generated():
    ids = Ids("seed")
    made = ids.make("thread_")
    for planned in ("thread_recorded", "file-recorded", "assistant-recorded"):
        ids.plan(planned)
    assert ids.make("run_").startswith("run_")
    assert ids.make("thread_") == "thread_recorded"
    assert ids.make("thread_") not in ("thread_recorded", made)
    assert [ids.file(Shapes(), azure=azure, purpose="assistants") for azure in (True, False)] == [
        "file-recorded",
        "assistant-recorded",
    ]
