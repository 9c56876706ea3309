"""The JSON Schema of scenarios, for editors and for the OpenAPI document of the control API.

It is generated from what reads scenarios: the sections, the functions behind acts and faults, the bodies of requests.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from harness.scenarios import acts, faults, objects
from harness.scenarios.files import SeededFile
from harness.scenarios.playing import SECTIONS
from harness.scenarios.scripts import When

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import BaseModel

    Schema = dict[str, Any]

ID = "Its id; by default one is made."


def schema() -> Schema:
    """JSON Schema (2020-12) of a scenario, with descriptions.

    It accepts a little more than scenarios may contain: it cannot check that an id is free, that a text contains its
    citation marks, or that a route exists.

    >>> sorted(schema()["properties"])[:3]
    ['assistants', 'every_run', 'faults']
    """
    defs = _definitions([*_models(acts.VERBS), *_models(faults.VERBS), When, SeededFile])
    defs["calls"]["properties"]["calls"]["items"] = _ref("call")
    defs["When"]["properties"]["run"].update(_ref("script"))
    defs["act"] = {"description": "A text is what the assistant says.", **_any("string", *acts.VERBS)}
    defs["fault"] = _any(*faults.VERBS)
    defs["file"] = {"description": "A text is a path.", **_any("string", "SeededFile")}
    defs["script"] = {"description": "What the model does in a run: acts, in their order.", **_one_or_many("act")}
    for section, kind in objects.KINDS.items():
        defs[section] = _object_schema(kind, defs)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of pytest-assistants",
        "description": "What there is, what the model does in which run, and what goes wrong.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"description": section.description, **_section_schema(section.schema)}
            for name, section in SECTIONS.items()
        },
        "$defs": dict(sorted(defs.items())),
    }


def _section_schema(name: str) -> Schema:
    if name == "scripts":
        return {"anyOf": [_ref("script"), {"type": "array", "items": {"type": "array", "items": _ref("act")}}]}
    return _ref(name) if name == "script" else _one_or_many(name)


def _object_schema(kind: objects.Kind, defs: Schema) -> Schema:
    """The schema of a section's items: the request body, in v2 or v1, with an id, and ids of messages."""
    versions = []
    for api, model in kind.bodies.items():
        parts = _definitions([model])
        body = parts.pop(model.__name__)
        body["required"] = [key for key in body.get("required", ()) if key not in kind.defaults]
        _add_id(body, kind.prefix)
        if "CreateMessage" in parts:
            _add_id(parts["CreateMessage"], "msg_")
        defs.update({f"{api}_{name}": _with_prefixed_references(part, api) for name, part in parts.items()})
        versions.append(_with_prefixed_references(body, api))
    return {"anyOf": versions}


def _add_id(body: Schema, prefix: str) -> None:
    body["properties"] = {
        "id": {"type": "string", "pattern": f"^{objects.id_pattern(prefix)}$", "description": ID},
        **body["properties"],
    }


def _with_prefixed_references(node: Schema, api: str) -> Schema:
    """A schema with the version in its references: v1 and v2 have models of the same names."""
    renamed: Schema = json.loads(json.dumps(node).replace('"#/$defs/', f'"#/$defs/{api}_'))
    return renamed


# --- parts ----------------------------------------------------------------------------------------------------


def _models(verbs: Mapping[str, Any]) -> Iterator[type[BaseModel]]:
    return (verb.model for verb in verbs.values())


def _definitions(models: Iterable[type[BaseModel]]) -> Schema:
    _, found = models_json_schema([(model, "validation") for model in models], ref_template="#/$defs/{model}")
    return {name: _simplified(definition) for name, definition in found["$defs"].items()}


def _simplified(node: Any) -> Any:
    """A schema without titles and without null defaults, which mean "not given"; `oneOf` becomes `anyOf`."""
    if isinstance(node, list):
        return [_simplified(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        {"oneOf": "anyOf"}.get(key, key): _simplified(value)
        for key, value in node.items()
        if key not in ("title", "properties", "discriminator") and (key, value) != ("default", None)
    }
    if "properties" in node:
        kept["properties"] = {name: _simplified(value) for name, value in node["properties"].items()}
    return kept


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _any(*names: str) -> Schema:
    return {"anyOf": [{"type": "string"} if name == "string" else _ref(name) for name in names]}


def _one_or_many(name: str) -> Schema:
    return {"anyOf": [_ref(name), {"type": "array", "items": _ref(name)}]}
