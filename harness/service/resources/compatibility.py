"""Which settings of an assistant or a run are compatible with each other; each alone has been validated before.

Checked is the result of a request: the whole assistant after a change, and the run with all that it inherits
(openai/openai-python#2112, openai/openai-node#1318). Nothing is known of v1. Reports about `reasoning_effort` are of
modified assistants only: that new assistants and runs are refused as well is a guess (G).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import incompatible

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from harness.service.context import Call

# Response formats that allow no tools but functions.
JSON_FORMATS = ("json_object", "json_schema")
# Prefixes of models that are known to reason, or not to; nothing is known of others.
REASONING_MODELS = ("o1", "o3-mini")
OTHER_MODELS = ("gpt-3.5", "gpt-4")
# Reasoning models refuse these, even set to the 1 that they show (RageAgainstThePixel/OpenAI-DotNet#431).
SAMPLING_PARAMETERS = ("temperature", "top_p")


def _names_are_known(call: Call) -> bool:
    """Whether the name of a model says what it is. On Azure it is the name of a deployment."""
    return call.api == "v2" and not call.azure


def is_reasoning_model(call: Call, model: str) -> bool:
    """Whether the model is known to reason."""
    return model.startswith(REASONING_MODELS) and _names_are_known(call)


def default_effort(call: Call, model: str) -> str | None:
    """The effort that an assistant shows if none was set (openai-php/client#519, February 2025)."""
    return "medium" if is_reasoning_model(call, model) else None


def check_format(call: Call, response_format: Any, tools: Iterable[dict[str, Any]]) -> None:
    """Refuse a JSON format if one of the tools is not a function."""
    kind = response_format["type"] if isinstance(response_format, dict) else response_format
    if kind in JSON_FORMATS and call.api == "v2" and any(tool["type"] != "function" for tool in tools):
        raise incompatible.tools_must_be_functions(kind)


def check_model(call: Call, model: str, effort: str | None, sampling_set: Collection[str]) -> None:
    """Refuse what this model does not support; `sampling_set` are the `SAMPLING_PARAMETERS` that were set."""
    if is_reasoning_model(call, model):
        for name in SAMPLING_PARAMETERS:
            if name in sampling_set:
                raise incompatible.unsupported_parameter(name)
    elif effort is not None and model.startswith(OTHER_MODELS) and _names_are_known(call):
        raise incompatible.unsupported_effort(effort)


def check_change(call: Call, before: str, model: str, effort: str | None) -> None:
    """Refuse to change to a reasoning model without a reasoning effort (openai/openai-dotnet#360)."""
    if effort is None and model != before and is_reasoning_model(call, model):
        raise incompatible.unsupported_effort(None)
