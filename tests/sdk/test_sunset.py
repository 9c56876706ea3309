"""After the end of the API: to test fallbacks, and to prove that a migration left no caller behind (CONTRACT §10)."""

from __future__ import annotations

import openai
import pytest

from harness import FakeAssistants, Request
from harness.options import make_options
from harness.service.routes import ROUTES

HEAD = {"authorization": "Bearer any", "openai-beta": "assistants=v2"}


def answered(fake, method, path):
    return fake.answer(Request(method, f"https://api.openai.com/v1{path}", HEAD, b"{}"))


@pytest.mark.parametrize("route", [f"{route.method} {route.template}" for route in ROUTES if route.beta])
def test_no_endpoint_of_assistants_is_left(route):
    method, path = route.split(" ")
    fake = FakeAssistants(make_options({"api": "sunset"}, where="test"))
    answer = answered(fake, method, path)
    assert answer.status == 404
    assert f"Invalid URL ({method} /v1{path})".encode() in answer.body


@pytest.mark.parametrize("path", ["/files", "/models", "/vector_stores"])
def test_what_others_use_as_well_goes_on(path):
    assert answered(FakeAssistants(make_options({"api": "sunset"}, where="test")), "GET", path).status == 200


@pytest.mark.parametrize(("day", "status"), [("2026-08-25", 200), ("2026-08-26", 404), ("2026-11-21", 404)])
def test_a_day_says_so_too(day, status):
    fake = FakeAssistants(make_options({"as_of": day}, where="test"))
    fake.add_thread("thread_abc")
    assert answered(fake, "GET", "/threads/thread_abc").status == status


@pytest.mark.assistants(api="sunset")
@pytest.mark.parametrize("azure", [False, True], ids=["OpenAI", "Azure"])
def test_clients_learn_it_as_not_found(assistants, azure):
    client = assistants.azure_client() if azure else assistants.client()
    with pytest.raises(openai.NotFoundError, match="Resource not found" if azure else "Invalid URL"):
        client.beta.assistants.create(model="gpt-4o")
    assert [exchange.status for exchange in assistants.requests] == [404]
