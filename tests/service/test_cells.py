"""The code interpreter of a service, with and without a function that executes cells."""

from __future__ import annotations

import json

import pytest

from harness import HarnessFailure, run_code
from harness.service.cells import Cell, Outcome
from harness.service.http import Request
from harness.service.products import Product
from harness.service.script import Script
from harness.service.service import Service

HEADERS = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}


def steps_after(service, act):
    """The steps of a run that performs this act."""
    service.world.director.default = Script((act,), "here")

    def send(method, path, body=None):
        sent = b"" if body is None else json.dumps(body).encode()
        url = f"https://api.openai.com/v1{path}"
        answer = service.handle(Request(method, url, {**HEADERS, "content-type": "application/json"}, sent))
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    assistant = send("POST", "/assistants", {"model": "gpt-4o", "instructions": "Count."})["id"]
    run = send("POST", "/threads/runs", {"assistant_id": assistant})
    service.world.clock.advance(10)
    return send("GET", f"/threads/{run['thread_id']}/runs/{run['id']}/steps")["data"]


def test_without_an_execute_function_no_cell_is_executed():
    with pytest.raises(HarnessFailure, match=r"run_code\('1 \+ 1', execute=True\): this service has no function"):
        steps_after(Service(), run_code("1 + 1", execute=True))


def test_the_execute_function_gets_the_cell_and_returns_its_outcome():
    cells = []

    def execute(cell: Cell) -> Outcome:
        cells.append(cell)
        return Outcome("2", (b"png",), (Product("a.csv", b"1"),))

    service = Service(execute=execute)
    [step] = steps_after(service, run_code("1 + 1", execute=True))
    logs, image = step["step_details"]["tool_calls"][0]["code_interpreter"]["outputs"]
    [cell] = cells
    assert (cell.source, cell.files, cell.session) == ("1 + 1", (), step["thread_id"])
    assert logs == {"type": "logs", "logs": "2"}
    kept = {file.filename: (file.id, file.content) for file in service.world.store.files}
    assert kept.pop("/mnt/data/a.csv")[1] == b"1"
    assert list(kept.values()) == [(image["image"]["file_id"], b"png")]
