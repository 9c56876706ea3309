"""What goes together in an assistant and in a run, beyond what each field may hold.

Looked at is what a body makes of what was there before: the whole assistant, and the run with all that it inherits
(openai/openai-python#2112, openai/openai-node#1318). Of v1 nothing is known. Of `reasoning_effort`, reports tell about
changed assistants only: that new ones and runs are refused as well is a guess (G).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.service import misfits

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from harness.service.context import Call

# Formats beside which all tools must be functions.
JSON = ("json_object", "json_schema")
# How the names of models begin that reason, or do not, as far as reports tell; of others nothing is known.
REASONING = ("o1", "o3-mini")
NOT_REASONING = ("gpt-3.5", "gpt-4")
# What models that reason do not take, not even as the 1 that is shown of it (RageAgainstThePixel/OpenAI-DotNet#431).
SAMPLING = ("temperature", "top_p")


def _judged(call: Call) -> bool:
    """Whether the name of a model tells what it takes. Azure's are names of deployments."""
    return call.api == "v2" and not call.azure


def reasons(call: Call, model: str) -> bool:
    """Whether the model is known to reason."""
    return model.startswith(REASONING) and _judged(call)


def usual_effort(call: Call, model: str) -> str | None:
    """What an assistant shows that was told none (openai-php/client#519, February 2025)."""
    return "medium" if reasons(call, model) else None


def check_format(call: Call, response_format: Any, tools: Iterable[dict[str, Any]]) -> None:
    """Refuses JSON as the format next to a tool that is no function."""
    kind = response_format["type"] if isinstance(response_format, dict) else response_format
    if kind in JSON and call.api == "v2" and any(tool["type"] != "function" for tool in tools):
        raise misfits.only_functions(kind)


def check_model(call: Call, model: str, effort: str | None, sampled: Collection[str]) -> None:
    """Refuses what this model does not take; `sampled` is what of `SAMPLING` somebody has set."""
    if reasons(call, model):
        for name in SAMPLING:
            if name in sampled:
                raise misfits.not_with_this_model(name)
    elif effort is not None and model.startswith(NOT_REASONING) and _judged(call):
        raise misfits.no_such_effort(effort)


def check_change(call: Call, before: str, model: str, effort: str | None) -> None:
    """Refuses an assistant another model, one that reasons, unless it is told how hard (openai/openai-dotnet#360)."""
    if effort is None and model != before and reasons(call, model):
        raise misfits.no_such_effort(None)
