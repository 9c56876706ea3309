"""Incompatible settings: JSON formats with tools other than functions, and parameters of reasoning models.

Evidence: the public reports that `harness/service/incompatible.py` and `resources/compatibility.py` name.
"""

from __future__ import annotations

import json

import pytest

from harness import FakeAssistants, Request
from harness.options import make_options

FUNCTION = {"type": "function", "function": {"name": "f"}}
CODE, SEARCH = {"type": "code_interpreter"}, {"type": "file_search"}
OBJECT = {"type": "json_object"}
SCHEMA = {"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}}}
THREAD = {"messages": [{"role": "user", "content": "hello"}]}
OPENAI, AZURE = "https://api.openai.com/v1", "https://x.openai.azure.com/openai"


class Service:
    """A fake, and a client of it that sends and receives JSON."""

    def __init__(self, host=OPENAI, version="v2"):
        self._host = host
        self._headers = {"authorization": "Bearer sk-any", "openai-beta": f"assistants={version}"}
        self._headers["api-key"] = "any"
        self.fake = FakeAssistants(make_options({"unused": "ignore"}, where="test"))

    def send(self, path, body):
        url = f"{self._host}{path}" + ("?api-version=2024-05-01-preview" if self._host == AZURE else "")
        answer = self.fake.answer(Request("POST", url, self._headers, json.dumps(body).encode()))
        return answer.status, json.loads(answer.body)

    def ok(self, path, body):
        status, shown = self.send(path, body)
        assert status == 200, shown
        return shown

    def refused(self, path, body):
        before = len(self.fake.world.store.assistants), len(self.fake.threads)
        status, shown = self.send(path, body)
        assert (status, (len(self.fake.world.store.assistants), len(self.fake.threads))) == (400, before), shown
        return shown["error"]


def only_functions(kind):
    text = f"Invalid tools: all tools must be of type `function` when `response_format` is of type `{kind}`"
    return {"message": text, "type": "invalid_request_error", "param": None, "code": None}


def no_parameter(name):
    text = f"Unsupported parameter: '{name}' is not supported with this model."
    return {"message": text, "type": "invalid_request_error", "param": "model", "code": "unsupported_model"}


def no_effort(effort):
    text = f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model."
    return {"message": text, "type": "invalid_request_error", "param": None, "code": "unsupported_value"}


# The assistant's settings, those of a request, and the error for both together, if there is one.
COMBINATIONS = [
    ({"tools": [CODE]}, {"response_format": OBJECT}, only_functions("json_object")),
    ({"tools": [FUNCTION, SEARCH]}, {"response_format": SCHEMA}, only_functions("json_schema")),
    ({"response_format": SCHEMA}, {"tools": [SEARCH]}, only_functions("json_schema")),
    ({"tools": [CODE]}, {"tools": [FUNCTION], "response_format": OBJECT}, None),
    ({"response_format": OBJECT}, {"tools": [CODE], "response_format": {"type": "text"}}, None),
    ({"tools": [FUNCTION], "response_format": SCHEMA}, {}, None),
    ({"model": "o1"}, {"temperature": 1}, no_parameter("temperature")),
    ({"model": "o3-mini-2025-01-31"}, {"top_p": 0.5}, no_parameter("top_p")),
    ({"temperature": 1}, {"model": "o3-mini", "reasoning_effort": "low"}, no_parameter("temperature")),
    ({}, {"model": "o3-mini", "reasoning_effort": "low"}, None),
    ({"model": "o1"}, {"temperature": None, "top_p": None}, None),
    ({"model": "o1"}, {"model": "gpt-4"}, no_effort("medium")),
    ({}, {"reasoning_effort": "low"}, no_effort("low")),
    ({}, {"model": "my-own", "reasoning_effort": "low", "temperature": 1}, None),
]


@pytest.mark.parametrize("where", ["/assistants/{a}", "/threads/{t}/runs", "/threads/runs"])
@pytest.mark.parametrize(("there", "asked", "error"), COMBINATIONS)
def test_a_body_is_checked_together_with_the_assistant(there, asked, error, where):
    service = Service()
    made = service.ok("/assistants", {"model": "gpt-4o", **there})["id"]
    path = where.format(a=made, t=service.ok("/threads", THREAD)["id"])
    more = {"/threads/runs": {"assistant_id": made, "thread": THREAD}, "/threads/{t}/runs": {"assistant_id": made}}
    body = {**asked, **more.get(where, {})}
    if error is None:
        service.ok(path, body)
    else:
        assert service.refused(path, body) == error


@pytest.mark.parametrize(("there", "asked", "error"), COMBINATIONS)
def test_a_new_assistant_is_checked_as_a_whole(there, asked, error):
    service, body = Service(), {"model": "gpt-4o", **there, **asked}
    if error is None or error == no_effort("medium"):  # which is the default effort of the model before
        service.ok("/assistants", body)
    else:
        assert service.refused("/assistants", body) == error


def test_an_assistant_with_a_reasoning_model_shows_its_effort():
    """openai-php/client#519: an answer of February 2025."""
    service = Service()
    made = service.ok("/assistants", {"model": "o1"})
    assert (made["temperature"], made["top_p"], made["reasoning_effort"]) == (1.0, 1.0, "medium")
    assert service.ok("/threads/runs", {"assistant_id": made["id"], "thread": THREAD})["reasoning_effort"] == "medium"
    changed = service.ok(f"/assistants/{made['id']}", {"reasoning_effort": "high"})
    assert changed["reasoning_effort"] == "high"
    assert service.ok(f"/assistants/{made['id']}", {"reasoning_effort": None})["reasoning_effort"] == "medium"


def test_changing_to_a_reasoning_model_and_back():
    """openai/openai-dotnet#360 to one, from an effort of null; openai/openai-python#2112 for the way back."""
    service = Service()
    path = f"/assistants/{service.ok('/assistants', {'model': 'gpt-4o', 'temperature': 0.5})['id']}"
    assert service.refused(path, {"model": "o3-mini", "temperature": None}) == no_effort("null")
    moved = service.ok(path, {"model": "o3-mini", "temperature": None, "reasoning_effort": "low"})
    assert (moved["temperature"], moved["reasoning_effort"]) == (1.0, "low")
    assert service.refused(path, {"model": "gpt-4o"}) == no_effort("low")
    assert service.ok(path, {"model": "gpt-4o", "reasoning_effort": None})["reasoning_effort"] is None


def test_on_azure_the_name_of_a_deployment_says_nothing_about_the_model():
    """Azure's assistants refuse with OpenAI's texts (CONTRACT §7.2), but not by the name of a model."""
    service = Service(AZURE)
    made = service.ok("/assistants", {"model": "o1", "temperature": 0.5, "reasoning_effort": None})
    assert made["reasoning_effort"] is None
    service.ok("/assistants", {"model": "gpt-4", "reasoning_effort": "low"})
    body = {"model": "gpt-4", "tools": [CODE], "response_format": OBJECT}
    assert service.refused("/assistants", body)["message"] == only_functions("json_object")["message"]


def test_v1_is_not_known_to_refuse_any_combination():
    service = Service(version="v1")
    body = {"model": "o1", "temperature": 0.5, "tools": [{"type": "retrieval"}], "response_format": OBJECT}
    made = service.ok("/assistants", body)["id"]
    service.ok("/threads/runs", {"assistant_id": made, "thread": THREAD})
