"""Cassettes that other libraries recorded: read, written as vcrpy's, read again, and replayed by vcrpy itself."""

from __future__ import annotations

import importlib
import json
import re

import pytest
import vcr
from cassette_recordings import files, without_origins
from vcr.persisters.filesystem import FilesystemPersister
from vcr.serializers import yamlserializer

from harness.recording.cassettes import header_of, read, write

RAW = files("raw/*/*")
LOGS = files("*.jsonl")
# How an interaction begins in the files of each recorder, counted without parsing them.
BEGINS = {
    "vcrpy": r"^- request:$",
    "ruby-vcr": r"^- request:$",
    "r-vcr": r"^- request:$",
    "test-proxy": r'^ +"RequestUri": ',
}
HTTPX = ["httpx", "httpx2"]


def parsed(exchange):
    """The body of an answer, by its content type."""
    kind = exchange.response.headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        events = [frame.split("\n") for frame in exchange.response_body.decode().removesuffix("\n\n").split("\n\n")]
        assert all(line[0].startswith("event: ") and line[1].startswith("data: ") for line in events)
        return [[name[7:], "[DONE]" if data == "data: [DONE]" else json.loads(data[6:])] for name, data in events]
    return json.loads(exchange.response_body) if kind.startswith("application/json") else exchange.response_body


@pytest.mark.parametrize("path", RAW)
def test_a_cassette_is_read_whole(path):
    skipped = []
    exchanges = read(path, skipped)
    text = path.read_text(encoding="utf-8")
    assert len(exchanges) == len(re.findall(BEGINS[path.parent.name], text, re.MULTILINE)) > 0
    assert skipped == []
    for number, exchange in enumerate(exchanges):
        assert parsed(exchange)
        assert exchange.at is not None
        assert 1.69e9 < exchange.at < 1.79e9
        assert exchange.origin == f"{path} [{number}]"
        assert exchange.request.method in {"GET", "POST", "DELETE"}
        assert exchange.request.url.startswith("https://api.openai.com/v1/")
        assert exchange.request.headers.keys() | exchange.response.headers.keys() != set()
        for headers in (exchange.request.headers, exchange.response.headers):
            assert all(name == name.lower() for name in headers)
            assert "content-encoding" not in headers
        declared = exchange.response.headers.get("content-length", str(len(exchange.response_body)))
        assert declared == str(len(exchange.response_body))


@pytest.mark.parametrize("path", LOGS)
def test_a_log_is_read_whole(path):
    skipped = []
    exchanges = read(path, skipped)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]
    assert len(exchanges) + len(skipped) == len(rows)
    has_envelope = all(row["status"] is not None for row in rows)
    if has_envelope:
        assert skipped == []
    left_out = {int(line.split("[")[1].split("]")[0]) for line in skipped}
    kept = [row for number, row in enumerate(rows) if number not in left_out]
    for exchange, row in zip(exchanges, kept, strict=True):
        if not isinstance(row["response_body"], str):
            assert parsed(exchange) == row["response_body"]
        if isinstance(row["request_body"], dict):
            assert json.loads(exchange.request_body) == row["request_body"]
        assert exchange.origin == f"{path}: {row['cassette']} [{row['index']}]"
        if has_envelope:
            assert (exchange.request.method, exchange.request.url) == (row["method"], row["url"])
            assert exchange.response.status == row["status"]
        else:
            assert "/x" not in exchange.request.url


def test_of_bodies_alone_most_can_be_shown():
    [path] = [param.values[0] for param in LOGS if param.id == "bodies.jsonl"] or [None]
    if path is None:
        pytest.skip("no recordings: bodies.jsonl is not there")
    skipped = []
    exchanges = read(path, skipped)
    assert len(exchanges) > 5 * len(skipped) > 0
    assert {exchange.request.method for exchange in exchanges} == {"GET", "POST", "DELETE"}
    assert all(": only " in line for line in skipped)


@pytest.mark.parametrize("path", RAW)
def test_a_log_says_the_same_as_the_cassette_it_was_made_from(path):
    """The logs were made by somebody else's program: a second reading of the same bytes."""
    logged = {}
    for [log], _, _ in LOGS:
        for line in log.read_text(encoding="utf-8").split("\n"):
            row = json.loads(line) if line else {"cassette": ""}
            if row["cassette"].endswith(f"/{path.name}"):
                logged[row["index"]] = row
    if not logged:
        pytest.skip(f"no log holds the exchanges of {path.name}")
    exchanges = read(path)
    assert max(logged) < len(exchanges)  # the log leaves out what a cassette repeats
    for index, row in logged.items():
        exchange = exchanges[index]
        assert parsed(exchange) == row["response_body"]
        assert (exchange.request.method, exchange.request.url) == (row["method"], row["url"])
        assert exchange.response.status == row["status"]
        if isinstance(row["request_body"], dict):
            assert json.loads(exchange.request_body) == row["request_body"]


@pytest.mark.parametrize("path", [*RAW, *LOGS])
def test_what_is_written_is_read_again_and_is_what_vcrpy_reads(path, tmp_path):
    exchanges = read(path)
    cassette = tmp_path / "cassette.yaml"
    write(cassette, exchanges, header=f"From {path.name}")
    again = read(cassette)
    assert without_origins(again) == without_origins(exchanges)
    assert header_of(cassette) == f"From {path.name}"
    first = cassette.read_bytes()
    write(cassette, again, header=f"From {path.name}")
    assert cassette.read_bytes() == first
    requests, responses = FilesystemPersister.load_cassette(cassette, yamlserializer)
    for exchange, request, response in zip(exchanges, requests, responses, strict=True):
        assert (request.method, request.uri) == (exchange.request.method, exchange.request.url)
        assert {name.lower(): value for name, value in request.headers.items()} == exchange.request.headers
        assert response["body"]["string"] == exchange.response_body
        assert response["headers"] == {name: [value] for name, value in exchange.response.headers.items()}
        assert response["status"]["code"] == exchange.response.status
        if b"<bytes of " not in request.body:
            assert request.body == exchange.request_body


@pytest.mark.parametrize("library", HTTPX)
@pytest.mark.parametrize("path", RAW)
def test_vcrpy_replays_it(path, library, tmp_path):
    httpx = importlib.import_module(library)
    exchanges = read(path)
    cassette = tmp_path / "cassette.yaml"
    write(cassette, exchanges, header="Replayed by vcrpy")
    with vcr.use_cassette(cassette, record_mode="none", match_on=["method", "path", "body"]) as played:
        with httpx.Client() as client:
            for exchange in exchanges:
                request = exchange.request
                response = client.request(
                    request.method, request.url, content=request.body, headers=dict(request.headers)
                )
                assert response.content == exchange.response_body
                assert response.status_code == exchange.response.status
        assert played.all_played


@pytest.mark.parametrize("path", RAW)
def test_what_vcrpy_writes_again_is_read_as_the_same(path, tmp_path):
    """vcrpy saves a whole cassette when it adds to it: in its own form, without what only this project adds."""
    exchanges = read(path)
    cassette = tmp_path / "cassette.yaml"
    write(cassette, exchanges)
    requests, responses = FilesystemPersister.load_cassette(cassette, yamlserializer)
    FilesystemPersister.save_cassette(cassette, {"requests": requests, "responses": responses}, yamlserializer)
    assert without_origins(read(cassette)) == without_origins(exchanges)
