"""The control API as an OpenAPI 3.1 document, generated from the table of its routes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from harness import __version__, scenarios

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pydantic.json_schema import JsonSchemaMode

    from harness.serving.control.routes import Route

JSON = "application/json"
SCHEMAS = "#/components/schemas/"
REFUSALS = {
    "400": "The request is invalid, or the harness cannot do what it asks.",
    "401": "The token is missing or wrong.",
    "403": "The request comes from a page of another origin, or from another machine.",
    "404": "There is no such world, snapshot or path.",
    "413": "The body is too large.",
}
REFUSAL = {
    "type": "object",
    "description": "In the form of the API. The message says what happened, what there was, and what to do.",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["message", "type", "param", "code"],
            "properties": {
                "message": {"type": "string"},
                "type": {"const": "harness_failure"},
                "param": {"type": "null"},
                "code": {"type": "null"},
            },
        }
    },
}
WORLD_PARAMETER = {
    "name": "world",
    "in": "query",
    "description": "The name of the world; by default that of the API key or, without one, the only world there is.",
    "schema": {"type": "string"},
}
TOKEN_PARAMETER = {
    "name": "token",
    "in": "query",
    "description": "The token, for browsers; programs send the header.",
    "schema": {"type": "string"},
}
SECURITY = {
    "token": {"type": "apiKey", "in": "header", "name": "x-harness-token", "description": "The token of the server."},
    "key": {"type": "http", "scheme": "bearer", "description": "The API key of the world: any will do."},
    "azure_key": {
        "type": "apiKey",
        "in": "header",
        "name": "api-key",
        "description": "The same, as clients of Azure send it.",
    },
}


def document(routes: Sequence[Route], root: str) -> dict[str, Any]:
    """The whole document. It contains the schema of scenarios as `Scenario`."""
    kinds: dict[Any, JsonSchemaMode] = {route.body: "validation" for route in routes if route.body is not None}
    kinds.update({route.answer: "serialization" for route in routes if not isinstance(route.answer, str)})
    made, definitions = TypeAdapter.json_schemas(
        [(kind, mode, TypeAdapter(kind)) for kind, mode in kinds.items()], ref_template=f"{SCHEMAS}{{model}}"
    )
    schemas = {kind: schema for (kind, _), schema in made.items()}
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(f"{root}{route.path}", {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Control API of pytest-assistants",
            "version": __version__,
            "description": "Scripts and inspects a served fake of the Assistants API, from tests in any language.",
        },
        "paths": paths,
        "components": {
            "schemas": {**definitions.get("$defs", {}), **_scenario(), "Refusal": REFUSAL},
            "securitySchemes": SECURITY,
        },
    }


def _operation(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    operation = {
        "operationId": route.name,
        "summary": route.summary,
        "parameters": list(_parameters(route)),
        "security": [{"token": [], "key": []}, {"token": [], "azure_key": []}, {"token": []}, {"key": []}, {}],
        "responses": {
            "200": {"description": "Done.", "content": _content(route, schemas)},
            **{status: {"description": why, "content": _json(_ref("Refusal"))} for status, why in REFUSALS.items()},
        },
    }
    if route.body is not None:
        schema = _ref("Scenario") if route.path == "/scenario" else schemas[route.body]
        operation["requestBody"] = {"content": {JSON: {"schema": schema, "example": route.example}}}
    return operation


def _content(route: Route, schemas: dict[Any, Any]) -> dict[str, Any]:
    if isinstance(route.answer, str):
        return {route.answer: {"schema": {"type": "string"}}}
    return _json(schemas[route.answer])


def _parameters(route: Route) -> Iterable[dict[str, Any]]:
    for name in re.findall(r"\{(\w+)\}", route.path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
    for name, schema in route.query.model_json_schema().get("properties", {}).items():
        yield {"name": name, "in": "query", "description": schema.pop("description", ""), "schema": schema}
    if route.of_world:
        yield WORLD_PARAMETER
    if route.method == "GET":
        yield TOKEN_PARAMETER


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {JSON: {"schema": schema}}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"{SCHEMAS}{name}"}


def _scenario() -> dict[str, Any]:
    """The schema of scenarios and the schemas that it refers to, by name."""
    whole = scenarios.schema()
    parts = {name: _with_moved_references(part) for name, part in whole.pop("$defs", {}).items()}
    return {**parts, "Scenario": _with_moved_references(whole)}


def _with_moved_references(schema: Any) -> Any:
    """A schema with its references changed from `#/$defs/` to the components of the document."""
    if isinstance(schema, dict):
        return {
            key: value.replace("#/$defs/", SCHEMAS) if key == "$ref" else _with_moved_references(value)
            for key, value in schema.items()
        }
    return [_with_moved_references(item) for item in schema] if isinstance(schema, list) else schema
