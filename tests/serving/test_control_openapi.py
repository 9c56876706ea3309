"""The OpenAPI document of the control API: valid, complete, and true of what is answered."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import pytest

from harness import FakeAssistants, __version__, scenarios
from harness.options import Options
from harness.service.http import Request
from harness.service.settings import Settings
from harness.serving.control.routes import ROOT, ROUTES
from harness.serving.control.shapes import InspectedWorld, LoggedRequest, ShownMessage, ShownRun
from harness.serving.worlds import Worlds

KEY = "sk-test"


def send(worlds, method, target, body=None):
    headers = {"host": "localhost", "authorization": f"Bearer {KEY}"}
    content = b"" if body is None else json.dumps(body).encode()
    return worlds.answer(Request(method, f"http://localhost{target}", headers, content))


@pytest.fixture(scope="module")
def document():
    return json.loads(send(Worlds(), "GET", f"{ROOT}/openapi.json").body)


def schema_of(document, schema):
    """A schema of the document as one that stands alone."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "components": document["components"]}


def test_it_is_valid(document):
    pytest.importorskip("openapi_spec_validator").validate(document)
    assert document["openapi"].startswith("3.1.")
    assert document["info"]["version"] == __version__


def test_every_route_is_in_it_and_nothing_else(document):
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert described == {(route.method, f"{ROOT}{route.path}") for route in ROUTES}


def test_every_operation_has_a_name_of_its_own_and_says_what_it_does(document):
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)
    assert all(operation["summary"].endswith(".") for operation in operations)


def test_all_references_lead_somewhere(document):
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)))
    assert "#/components/schemas/Refusal" in references
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references <= known


def test_the_body_of_a_scenario_is_described_by_its_own_schema(document):
    body = document["paths"][f"{ROOT}/scenario"]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/Scenario"}
    described = document["components"]["schemas"]["Scenario"]
    assert described["properties"].keys() == scenarios.schema()["properties"].keys()
    validator = pytest.importorskip("jsonschema").Draft202012Validator(schema_of(document, body["schema"]))
    assert validator.is_valid(body["example"])
    assert validator.is_valid({"faults": [{"status": 429, "on": "GET /files"}]})
    assert not validator.is_valid({"next_runs": []})
    assert not validator.is_valid({"next_run": [[{"sya": "Hi"}]]})


def test_its_examples_are_accepted(document):
    worlds = Worlds()
    examples = {
        path: methods["post"]["requestBody"]["content"]["application/json"]["example"]
        for path, methods in document["paths"].items()
        if "requestBody" in methods.get("post", {})
    }
    assert len(examples) == 3
    for path, example in examples.items():
        assert send(worlds, "POST", path, example).status == 200, path


def test_a_reset_takes_all_options_of_a_world_but_the_key(document):
    fields = set(Settings.__dataclass_fields__) - {"api_key"}
    reset = document["components"]["schemas"]["Reset"]
    assert set(reset["properties"]) == fields
    assert "required" not in reset
    assert not any("default" in option for option in reset["properties"].values())


@pytest.mark.parametrize(
    "shown", [ShownRun, ShownMessage, LoggedRequest, InspectedWorld], ids=lambda shown: shown.__name__
)
def test_what_it_says_of_an_answer_is_always_there(document, shown):
    names = {field.name for field in fields(shown)}
    described = document["components"]["schemas"][shown.__name__]
    assert set(described["properties"]) == set(described["required"]) == names


def test_what_is_answered_is_what_it_says(document):
    """Each route once, after a conversation in which something went wrong."""
    validator = pytest.importorskip("jsonschema").Draft202012Validator
    worlds = Worlds(Options(seed="openapi"))
    scenario = {
        "next_run": [
            [{"call": "get_weather", "arguments": {"city": "Oslo"}}],
            [{"say": "4 °C"}],
            [{"fail": "server_error"}],
        ],
        "faults": [{"connect_error": True, "on": "GET /files"}, {"status": 500, "on": "GET /models"}],
    }
    assert send(worlds, "POST", f"{ROOT}/scenario", scenario).status == 200
    client = FakeAssistants.client(worlds, api_key=KEY)
    assistant = client.beta.assistants.create(model="gpt-4o")
    for _ in range(3):
        thread = {"messages": [{"role": "user", "content": "Hi?"}]}
        client.beta.threads.create_and_run_poll(assistant_id=assistant.id, thread=thread, poll_interval_ms=1)
    client.files.list()
    with pytest.raises(BaseException, match="is not served"):
        send(worlds, "POST", "/v1/chat/completions")
    # in the order of the table, so that what reset ends has been looked at before
    for path in [f"{ROOT}{route.path}" for route in ROUTES]:
        for method, operation in document["paths"][path].items():
            response = send(worlds, method.upper(), path.replace("{id}", "1"), {} if method == "post" else None)
            [(media, content)] = operation["responses"]["200"]["content"].items()
            if media == "application/json":
                assert response.status == 200, (path, response.body)
                validator(schema_of(document, content["schema"])).validate(json.loads(response.body))
    refusal = send(worlds, "GET", f"{ROOT}/clok")
    validator(schema_of(document, {"$ref": "#/components/schemas/Refusal"})).validate(json.loads(refusal.body))
