"""The codes of `last_error`, and the service's message for each (CONTRACT §3.5)."""

from __future__ import annotations

# The message of invalid_prompt is not recorded.
TEXTS: dict[str, str] = {
    "server_error": "Sorry, something went wrong.",
    "rate_limit_exceeded": (
        "You exceeded your current quota, please check your plan and billing details. For more information on "
        "this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors."
    ),
    "invalid_prompt": "Invalid prompt.",
}
ON_AZURE = {"rate_limit_exceeded": "Rate limit is exceeded. Try again in 60 seconds."}
OF_STEPS = frozenset({"server_error", "rate_limit_exceeded"})  # a step has fewer codes than a run
