"""Refusals of what does not go together: settings that are right by themselves, and not beside others.

As in `errors`, the texts are the service's own.
"""

from __future__ import annotations

from harness.service.errors import Refusal


def only_functions(kind: str) -> Refusal:
    """Of `json_schema` in src#19372861240 and src#43599937519, of `json_object` in community.make.com/t/55933.

    Nobody shows `param` and `code`: that they are null is a guess (G).
    """
    return Refusal(
        400, f"Invalid tools: all tools must be of type `function` when `response_format` is of type `{kind}`"
    )


def not_with_this_model(name: str) -> Refusal:
    """RageAgainstThePixel/OpenAI-DotNet#431, openai/openai-python#2072 (March 2025), microsoft/semantic-kernel#12727.

    They have `temperature`; that `top_p` is refused in the same words is a guess from chats with these models (G).
    """
    return Refusal(
        400,
        f"Unsupported parameter: '{name}' is not supported with this model.",
        param="model",
        code="unsupported_model",
    )


def no_such_effort(effort: str | None) -> Refusal:
    """openai/openai-python#2112, and of null openai/openai-dotnet#360, both of February 2025."""
    return Refusal(
        400,
        f"Unsupported value: 'reasoning_effort' does not support '{effort or 'null'}' with this model.",
        code="unsupported_value",
    )
