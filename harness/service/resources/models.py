"""Models: enough of the list for code that looks its model up before it creates an assistant.

The recordings have no exchange of these endpoints; the shape is that of the spec. Creating an assistant does not
ask this list: the fake cannot know which models an account had.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import errors

if TYPE_CHECKING:
    from harness.service.context import Call

# Models that the Assistants API took, with the second each was created.
MODELS = {
    "gpt-3.5-turbo": 1677610602,
    "gpt-3.5-turbo-0125": 1706048358,
    "gpt-3.5-turbo-1106": 1698959748,
    "gpt-4": 1687882411,
    "gpt-4-0613": 1686588896,
    "gpt-4-1106-preview": 1698957206,
    "gpt-4-turbo": 1712361441,
    "gpt-4-turbo-preview": 1706037777,
    "gpt-4o": 1715367049,
    "gpt-4o-2024-08-06": 1722814719,
    "gpt-4o-mini": 1721172741,
    "gpt-4.1": 1744316542,
    "o3-mini": 1737146383,
}


def wire(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": MODELS[model], "owned_by": "system"}


def index(call: Call) -> dict[str, Any]:
    return {"object": "list", "data": [wire(model) for model in MODELS]}


def retrieve(call: Call) -> dict[str, Any]:
    model = call.path_ids["model"]
    if model not in MODELS:
        raise errors.no_such_model(model)
    return wire(model)
