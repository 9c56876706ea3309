"""The form of a scenario as JSON Schema, for editors and for the description of the control API.

Read off what reads scenarios: the sections, the functions behind acts and faults, the bodies of requests.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import models_json_schema

from harness.scenarios import acts, faults, objects
from harness.scenarios.playing import SECTIONS
from harness.scenarios.scripts import When
from harness.scenarios.seeds import SeededFile

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pydantic import BaseModel

    Schema = dict[str, Any]

ID = "Its id; by default one is made."


def schema() -> Schema:
    """JSON Schema (2020-12) of a scenario, with descriptions.

    It is a little wider than what is accepted: that an id is free, a text holds its marks, or a route exists, it does
    not say.

    >>> sorted(schema()["properties"])[:3]
    ['assistants', 'every_run', 'faults']
    """
    defs = _of_models([*_models(acts.VERBS), *_models(faults.VERBS), When, SeededFile])
    defs["calls"]["properties"]["calls"]["items"] = _ref("call")
    defs["When"]["properties"]["run"].update(_ref("script"))
    defs["act"] = {"description": "A text is what the assistant says.", **_any("string", *acts.VERBS)}
    defs["fault"] = _any(*faults.VERBS)
    defs["file"] = {"description": "A text is a path.", **_any("string", "SeededFile")}
    defs["script"] = {"description": "What the model does in a run: acts, in their order.", **_one_or_many("act")}
    for section, kind in objects.KINDS.items():
        defs[section] = _object(kind, defs)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of pytest-assistants",
        "description": "What there is, what the model does in which run, and what goes wrong.",
        "type": "object",
        "additionalProperties": False,
        "properties": {
            name: {"description": section.says, **_shape(section.holds)} for name, section in SECTIONS.items()
        },
        "$defs": dict(sorted(defs.items())),
    }


def _shape(holds: str) -> Schema:
    if holds == "scripts":
        return {"anyOf": [_ref("script"), {"type": "array", "items": {"type": "array", "items": _ref("act")}}]}
    return _ref(holds) if holds == "script" else _one_or_many(holds)


def _object(kind: objects.Kind, defs: Schema) -> Schema:
    """The body of a request in one of its versions, with an id, and ids of messages."""
    versions = []
    for api, model in kind.bodies.items():
        parts = _of_models([model])
        body = parts.pop(model.__name__)
        body["required"] = [key for key in body.get("required", ()) if key not in kind.usual]
        _add_id(body, kind.prefix)
        if "CreateMessage" in parts:
            _add_id(parts["CreateMessage"], "msg_")
        defs.update({f"{api}_{name}": _prefixed(part, api) for name, part in parts.items()})
        versions.append(_prefixed(body, api))
    return {"anyOf": versions}


def _add_id(body: Schema, prefix: str) -> None:
    body["properties"] = {
        "id": {"type": "string", "pattern": f"^{prefix}[A-Za-z0-9_.-]+$", "description": ID},
        **body["properties"],
    }


def _prefixed(node: Schema, api: str) -> Schema:
    """With the version in the names of what it refers to: the two have models of the same names."""
    renamed: Schema = json.loads(json.dumps(node).replace('"#/$defs/', f'"#/$defs/{api}_'))
    return renamed


# --- parts ----------------------------------------------------------------------------------------------------


def _models(verbs: Mapping[str, Any]) -> Iterator[type[BaseModel]]:
    return (verb.model for verb in verbs.values())


def _of_models(models: Iterable[type[BaseModel]]) -> Schema:
    _, found = models_json_schema([(model, "validation") for model in models], ref_template="#/$defs/{model}")
    return {name: _tidied(definition) for name, definition in found["$defs"].items()}


def _tidied(node: Any) -> Any:
    """Without titles and without defaults of null, which mean "not said"; nobody promises that only one way fits."""
    if isinstance(node, list):
        return [_tidied(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        {"oneOf": "anyOf"}.get(key, key): _tidied(value)
        for key, value in node.items()
        if key not in ("title", "properties", "discriminator") and (key, value) != ("default", None)
    }
    if "properties" in node:
        kept["properties"] = {name: _tidied(value) for name, value in node["properties"].items()}
    return kept


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _any(*names: str) -> Schema:
    return {"anyOf": [{"type": "string"} if name == "string" else _ref(name) for name in names]}


def _one_or_many(name: str) -> Schema:
    return {"anyOf": [_ref(name), {"type": "array", "items": _ref(name)}]}
