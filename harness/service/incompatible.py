"""Refusals of incompatible settings: each would be valid without the others.

As in `errors`, the texts are the service's own.
"""

from __future__ import annotations

from harness.service.errors import Refusal


def tools_must_be_functions(kind: str) -> Refusal:
    """`json_schema`: src#19372861240 and src#43599937519; `json_object`: community.make.com/t/55933.

    No report shows `param` and `code`: that they are null is a guess (G).
    """
    return Refusal(
        400, f"Invalid tools: all tools must be of type `function` when `response_format` is of type `{kind}`"
    )


def unsupported_parameter(name: str) -> Refusal:
    """RageAgainstThePixel/OpenAI-DotNet#431, openai/openai-python#2072 (March 2025), microsoft/semantic-kernel#12727.

    These are about `temperature`; the same text for `top_p` is a guess from chat completions with these models (G).
    """
    return Refusal(
        400,
        f"Unsupported parameter: '{name}' is not supported with this model.",
        param="model",
        code="unsupported_model",
    )


def unsupported_effort(effort: str | None) -> Refusal:
    """openai/openai-python#2112, and for null openai/openai-dotnet#360, both of February 2025."""
    return Refusal(
        400,
        f"Unsupported value: 'reasoning_effort' does not support '{effort or 'null'}' with this model.",
        code="unsupported_value",
    )
