"""The code interpreter of a service that nobody has given anything to execute cells with."""

from __future__ import annotations

import json

import pytest

from harness import HarnessFailure, run_code
from harness.service.cells import Cell, Outcome
from harness.service.http import Request
from harness.service.products import Product
from harness.service.script import Script
from harness.service.service import Service

KEY = {"authorization": "Bearer sk-test", "openai-beta": "assistants=v2"}


def asked(service, act):
    """The steps of a run that does this."""
    service.world.director.default = Script((act,), "here")

    def send(method, path, body=None):
        sent = b"" if body is None else json.dumps(body).encode()
        url = f"https://api.openai.com/v1{path}"
        answer = service.handle(Request(method, url, {**KEY, "content-type": "application/json"}, sent))
        assert answer.status == 200, answer.body
        return json.loads(answer.body)

    assistant = send("POST", "/assistants", {"model": "gpt-4o", "instructions": "Count."})["id"]
    run = send("POST", "/threads/runs", {"assistant_id": assistant})
    service.world.clock.advance(10)
    return send("GET", f"/threads/{run['thread_id']}/runs/{run['id']}/steps")["data"]


def test_nothing_executes_a_cell_unless_something_was_given():
    with pytest.raises(HarnessFailure, match=r"run_code\('1 \+ 1', execute=True\): this service has nothing"):
        asked(Service(), run_code("1 + 1", execute=True))


def test_whatever_executes_it_gets_the_cell_and_says_what_came_of_it():
    cells = []

    def execute(cell: Cell) -> Outcome:
        cells.append(cell)
        return Outcome("2", (b"png",), (Product("a.csv", b"1"),))

    service = Service(execute=execute)
    [step] = asked(service, run_code("1 + 1", execute=True))
    logs, image = step["step_details"]["tool_calls"][0]["code_interpreter"]["outputs"]
    [cell] = cells
    assert (cell.source, cell.files, cell.session) == ("1 + 1", (), step["thread_id"])
    assert logs == {"type": "logs", "logs": "2"}
    kept = {file.filename: (file.id, file.content) for file in service.world.store.files}
    assert kept.pop("/mnt/data/a.csv")[1] == b"1"
    assert list(kept.values()) == [(image["image"]["file_id"], b"png")]
