"""Refusals in tests: their messages, and patterns that match them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.recording.session import ID
from harness.source.values import Code

if TYPE_CHECKING:
    from harness.recording.session import ParsedExchange

# The SDK's exceptions for refusals that depend on what was asked.
ERRORS = {400: "BadRequestError", 403: "PermissionDeniedError", 404: "NotFoundError"}
# What divides a message into fragments: ids, and what the `repr` of the body in the SDK's error writes differently.
VARYING = re.compile(rf"""{ID.pattern}|['"\\]|[^\x20-\x7e]""")
MIN_LENGTH = 12


def message_of(exchange: ParsedExchange) -> str:
    """The message of a refusal."""
    body = exchange.response_json if isinstance(exchange.response_json, dict) else {}
    error = body.get("error") or exchange.recorded.response_body[:200].decode("utf-8", "replace")
    return str(error.get("message") if isinstance(error, dict) else error)


def common_pattern(recorded: str, now: str) -> Code | None:
    """A pattern for the longest fragment without ids that both messages have; None if that is too short.

    >>> common_pattern("No run found with id 'run_abc'.", "No run found with id 'run_xyz'.")
    '"No run found with id "'
    """
    fragments = [fragment for fragment in VARYING.split(recorded) if fragment and fragment in now]
    longest = max(fragments, key=len, default="")
    if len(longest) < MIN_LENGTH:
        return None
    escaped = re.sub(r"([.^$*+?{}\[\]|()])", r"\\\1", longest)
    return Code(("r" if "\\" in escaped else "") + '"' + escaped + '"')
