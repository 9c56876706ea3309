"""The option `as_of`: which days it accepts, when the clock starts, and which keys objects have on a day."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from harness import HarnessFailure, Request, say, search, truncate
from harness.fake import FakeAssistants
from harness.options import make_options


def first_day(**options: object) -> str:
    fake = FakeAssistants(make_options(options, where="test"))
    return datetime.fromtimestamp(fake.clock.now, tz=timezone.utc).isoformat()


def test_time_starts_on_the_chosen_day():
    assert first_day(as_of="2023-12-24") == "2023-12-24T12:00:00+00:00"


def test_an_explicit_start_wins():
    assert first_day(as_of="2023-12-24", start=0) == "1970-01-01T00:00:00+00:00"


@pytest.mark.parametrize("wrong", ["2024-5-1", "20240501", "2024-02-30", 2024])
def test_what_is_no_day_is_refused_with_one_that_is(wrong):
    with pytest.raises(HarnessFailure, match=r"as_of='2024-05-01'"):
        make_options({"as_of": wrong}, where="test")


@pytest.mark.parametrize(
    ("version", "day", "status"),
    [
        ("v1", "2024-04-27", "completed"),
        ("v1", "2024-05-28", "incomplete"),
        ("v2", "2024-04-29", "incomplete"),
        ("v2", "2024-05-28", "incomplete"),
    ],
)
def test_v1_called_a_truncated_run_completed_at_first(version, day, status):
    """FACTS 0: v1 did so on 2024-04-27, with incomplete_details; two days later v2 showed `incomplete`."""
    fake = FakeAssistants(make_options({"as_of": day, "clock": "timed"}, where="test"))
    fake.next_run(say("Rain is li"), truncate())
    assistant, thread = fake.add_assistant(), fake.add_thread()

    def request(method, path, body=b""):
        headers = {"authorization": "Bearer sk-any", "openai-beta": f"assistants={version}"}
        return json.loads(fake.answer(Request(method, f"https://api.openai.com/v1{path}", headers, body)).body)

    request("POST", f"/threads/{thread.id}/messages", b'{"role": "user", "content": "?"}')
    run = request("POST", f"/threads/{thread.id}/runs", b'{"assistant_id": "%s"}' % assistant.id.encode())
    fake.clock.advance(60)
    shown = request("GET", f"/threads/{thread.id}/runs/{run['id']}")
    assert (shown["status"], shown["incomplete_details"]) == (status, {"reason": "max_completion_tokens"})


def fake_of(day, version="v2"):
    """A fake of a day, and a function that sends it a request and returns the JSON answer."""
    fake = FakeAssistants(make_options({"as_of": day, "clock": "timed"}, where="test"))

    def request(method, path, body=None):
        headers = {"authorization": "Bearer sk-any", "openai-beta": f"assistants={version}"}
        sent = b"" if body is None else json.dumps(body).encode()
        return json.loads(fake.answer(Request(method, f"https://api.openai.com/v1{path}", headers, sent)).body)

    return fake, request


@pytest.mark.parametrize(("day", "there"), [("2024-12-01", False), ("2025-02-05", True)])
def test_when_assistants_got_their_reasoning_effort(day, there):
    """openai-php/client#519: an answer of that day has it, as null."""
    _, request = fake_of(day)
    made = request("POST", "/assistants", {"model": "gpt-4o-mini"})
    assert made.get("reasoning_effort", ...) == (None if there else ...)


@pytest.mark.parametrize(
    ("key", "day", "there"),
    [
        ("chunking_strategy", "2024-05-01", False),
        ("chunking_strategy", "2024-07-27", True),
        ("attributes", "2024-10-15", False),
        ("attributes", "2025-06-16", True),
    ],
)
def test_when_files_of_stores_got_their_keys(key, day, there):
    """openai/openai-openapi#300 shows a chunking strategy of that day; openai-php/client#419 has one of 2024-06-06.

    `attributes` were printed in a notebook of that day; those recorded in October 2024 have none.
    """
    fake, request = fake_of(day)
    store = fake.add_vector_store(file_ids=[fake.add_file(content=b"x", filename="a.txt").id])
    [file] = request("GET", f"/vector_stores/{store.id}/files")["data"]
    assert (key in file) is there


@pytest.mark.parametrize(("day", "status"), [("2022-12-02", 200), ("2022-12-03", 400)])
@pytest.mark.parametrize("purpose", ["search", "answers", "classifications"])
def test_when_files_were_for_search_answers_and_classifications(purpose, day, status):
    """alexrudall/ruby-openai used them until then; on that day the endpoints were switched off."""
    fake, _ = fake_of(day)
    parts = (f'form-data; name="purpose"\r\n\r\n{purpose}', 'form-data; name="file"; filename="a.jsonl"\r\n\r\n{}')
    form = "".join(f"--x\r\ncontent-disposition: {part}\r\n" for part in parts) + "--x--"
    headers = {"authorization": "Bearer sk-any", "content-type": "multipart/form-data; boundary=x"}
    answer = fake.answer(Request("POST", "https://api.openai.com/v1/files", headers, form.encode()))
    assert answer.status == status
    assert json.loads(answer.body).get("purpose") == (purpose if status == 200 else None)


@pytest.mark.parametrize(("day", "there"), [("2025-09-16", False), ("2025-10-30", True)])
def test_when_the_list_of_a_batch_showed_whole_files(day, there):
    """FACTS A and G: 125 files of such lists have no more than these keys, all of 2025-09-16; later ones have all."""
    fake, request = fake_of(day)
    path = f"/vector_stores/{fake.add_vector_store().id}"
    batch = request("POST", f"{path}/file_batches", {"file_ids": [fake.add_file(content=b"x", filename="a.txt").id]})
    [file] = request("GET", f"{path}/file_batches/{batch['id']}/files")["data"]
    few = ["id", "object", "created_at", "vector_store_id", "status", "last_error"]
    assert list(file) == (list(request("GET", f"{path}/files/{file['id']}")) if there else few)


@pytest.mark.parametrize(("day", "there"), [("2024-10-11", False), ("2024-11-04", True)])
def test_when_functions_got_strict(day, there):
    """Printed in a notebook of that day."""
    _, request = fake_of(day)
    tool = {"type": "function", "function": {"name": "f"}}
    made = request("POST", "/assistants", {"model": "gpt-4o", "tools": [tool]})
    assert ("strict" in made["tools"][0]["function"]) is there


@pytest.mark.parametrize(("day", "there"), [("2024-10-11", False), ("2025-01-08", True)])
def test_when_usage_got_its_details(day, there):
    """openai/openai-cookbook, Assistants_API_overview_python, of that day."""
    fake, request = fake_of(day)
    assistant, thread = fake.add_assistant(instructions="x"), fake.add_thread()
    run = request("POST", f"/threads/{thread.id}/runs", {"assistant_id": assistant.id})
    fake.clock.advance(60)
    usage = request("GET", f"/threads/{thread.id}/runs/{run['id']}")["usage"]
    assert ("prompt_token_details" in usage) is there


@pytest.mark.parametrize(("day", "there"), [("2024-10-11", False), ("2025-03-06", False), ("2025-09-16", True)])
def test_when_search_results_got_their_attributes(day, there):
    """FACTS E: none of those recorded in October 2024 and March 2025 has them."""
    fake, request = fake_of(day)
    fake.next_run(search("tea"), say("Tea."))
    store = fake.add_vector_store(file_ids=[fake.add_file(content=b"Tea is brewed.", filename="a.txt").id])
    resources = {"file_search": {"vector_store_ids": [store.id]}}
    assistant = fake.add_assistant(tools=[{"type": "file_search"}], tool_resources=resources)
    thread = fake.add_thread(messages=[{"role": "user", "content": "tea"}])
    run = request("POST", f"/threads/{thread.id}/runs", {"assistant_id": assistant.id})
    fake.clock.advance(60)
    steps = request("GET", f"/threads/{thread.id}/runs/{run['id']}/steps?order=asc")["data"]
    [result] = steps[0]["step_details"]["tool_calls"][0]["file_search"]["results"]
    assert list(result) == ["file_id", "file_name", "score", *(["attributes"] if there else [])]
