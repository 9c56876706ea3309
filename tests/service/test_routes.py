"""The router: which row of the route table matches which path."""

from __future__ import annotations

import re

import pytest

from harness.service.routes import ROUTER, ROUTES


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.template}")
def test_every_row_is_found_with_the_ids_of_its_path(route):
    names = re.findall(r"{(\w+)}", route.template)
    ids = {name: f"{name}_1" for name in names}
    match = ROUTER.match(route.method, route.template.format(**ids))
    assert match.route is route
    assert match.path_ids == ids


def test_ids_are_those_that_the_client_meant():
    """SDKs encode what they put into a path."""
    path = "/threads/foo%20bar/messages/%E4%BD%A0"
    assert ROUTER.match("GET", path).path_ids == {"thread_id": "foo bar", "message_id": "你"}


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/",
        "/threads/",
        "/threads//messages",
        "/threads/thread_1/",
        "/threads/thread_1/messages/",
        "/threads/thread_1/runs/run_1/steps/step_1/more",
        "/threads/thread_1/runs/run_1/cancel",  # POST
        "/threads/runs",  # POST
        "/{thread_id}",
        "threads",
    ],
)
def test_other_paths_have_no_row(path):
    assert ROUTER.match("GET", path) is None
