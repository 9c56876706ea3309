"""The table of endpoints says what is known of each, and says so where nothing is."""

from __future__ import annotations

import json

import pytest

from harness.report.conformance import VERSIONS, Count, Endpoint, as_json, as_text, endpoints
from harness.service.routes import ROUTES


def find(path, method="GET"):
    [found] = [one for one in endpoints() if (one.method, one.path) == (method, path)]
    return found


def test_every_route_is_an_endpoint():
    assert [(one.method, one.path) for one in endpoints()] == [(route.method, route.template) for route in ROUTES]


@pytest.mark.parametrize(
    ("path", "versions", "contract"),
    [
        ("/threads/{thread_id}", ("v1", "v2", "Azure"), "1.2"),
        ("/threads/{thread_id}/runs/{run_id}/steps", ("v1", "v2", "Azure"), "1.4"),
        ("/assistants/{assistant_id}/files", ("v1", "Azure"), "1.7"),
        ("/vector_stores/{vector_store_id}/files", ("v2", "no header", "Azure"), "1.6"),
        ("/files/{file_id}/content", VERSIONS, "1.5"),
        ("/models", VERSIONS, None),
    ],
)
def test_where_an_endpoint_is_there(path, versions, contract):
    found = find(path)
    assert (found.versions, found.contract) == (versions, contract)


def test_the_shipped_numbers_are_numbers():
    counts = [count for one in endpoints() for count in one.evidence.values()]
    assert counts
    assert all(count.recorded >= max(count.agree, count.streams, 1) for count in counts)
    assert {version for one in endpoints() for version in one.evidence} == set(VERSIONS)


def test_what_was_not_recorded_is_not_counted(tmp_path):
    data = tmp_path / "conformance.json"
    data.write_text('{"GET /threads/{thread_id}": {"v2": {"recorded": 3, "agree": 2, "streams": 1}}}', encoding="utf-8")
    read = endpoints(data)
    assert [one.path for one in read if one.evidence] == ["/threads/{thread_id}"]
    text = as_text(read)
    assert "2 of 3 recorded exchanges agree; 1 of them is a stream. 51 of 52 endpoints have no recording." in text


def test_the_table():
    listed = [
        Endpoint("GET", "/a", ("v1", "v2", "Azure"), "1.1", {"v2": Count(3, 2, 2), "Azure": Count(1, 1)}),
        Endpoint("DELETE", "/models", VERSIONS, None, {}),
    ]
    head, first, second, nothing, sums, *_ = as_text(listed).split("\n")
    assert head.split() == ["endpoint", "v1", "v2", "no", "header", "Azure", "contract"]
    assert first.split() == ["GET", "/a", "none", "2/3", "-", "1/1", "§1.1"]
    assert second.split() == ["DELETE", "/models", "none", "none", "none", "none"]
    assert (nothing, sums.split()) == ("", ["2", "endpoints", "0/0", "2/3", "0/0", "1/1"])
    assert "3 of 4 recorded exchanges agree; 2 of them are streams. 1 of 2 endpoints has no recording." in as_text(
        listed
    )


def test_for_programs():
    told = json.loads(as_json(endpoints()))
    assert [row["path"] for row in told] == [route.template for route in ROUTES]
    assert told[0].keys() == {"method", "path", "versions", "contract", "evidence"}
    assert told[0]["evidence"]["v2"].keys() == {"recorded", "agree", "streams"}
