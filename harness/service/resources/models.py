"""Models: a short list, for code that looks its model up before it creates an assistant.

These endpoints were not recorded; the shape is the specification's. Creating an assistant does not check its model
against this list: the fake cannot know which models an account had. v1 is known to have refused some.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import errors

if TYPE_CHECKING:
    from harness.service.context import Call

# Models that the Assistants API accepted, with their `created`.
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

# Prefix of the models that v1 refused (CONTRACT §7.1). On Azure, models are names of deployments.
NOT_IN_V1 = "gpt-4o"


def check(call: Call, model: str | None) -> None:
    """Refuse a model that v1 did not accept, if the user has chosen a day.

    Without a day, v1 is served for clients that have outlived it, whatever model their tests name.
    """
    by_day = call.world.settings.as_of is not None and call.api == "v1" and not call.azure
    if by_day and model is not None and model.startswith(NOT_IN_V1):
        raise errors.model_not_in_v1(model)


def wire(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": MODELS[model], "owned_by": "system"}


def index(call: Call) -> dict[str, Any]:
    return {"object": "list", "data": [wire(model) for model in MODELS]}


def retrieve(call: Call) -> dict[str, Any]:
    model = call.path_ids["model"]
    if model not in MODELS:
        raise errors.no_such_model(model)
    return wire(model)
