"""Refusals: what they say, and how a test recognizes them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.recording.session import ID
from harness.source.values import Code

if TYPE_CHECKING:
    from harness.recording.session import ParsedExchange

# The SDK's exceptions for refusals that depend on what was asked.
ERRORS = {400: "BadRequestError", 403: "PermissionDeniedError", 404: "NotFoundError"}
# The SDK shows an error as the `repr` of its body, which writes these otherwise.
CUT = re.compile(rf"""{ID.pattern}|['"\\]|[^\x20-\x7e]""")
LEAST = 12


def message_of(seen: ParsedExchange) -> str:
    """What a refusal says."""
    body = seen.response_json if isinstance(seen.response_json, dict) else {}
    error = body.get("error") or seen.recorded.response_body[:200].decode("utf-8", "replace")
    return str(error.get("message") if isinstance(error, dict) else error)


def matching(recorded: str, now: str) -> Code | None:
    """A pattern for the longest part without ids that both messages have; None if that says too little.

    >>> matching("No run found with id 'run_abc'.", "No run found with id 'run_xyz'.")
    '"No run found with id "'
    """
    fragments = [fragment for fragment in CUT.split(recorded) if fragment and fragment in now]
    longest = max(fragments, key=len, default="")
    if len(longest) < LEAST:
        return None
    escaped = re.sub(r"([.^$*+?{}\[\]|()])", r"\\\1", longest)
    return Code(("r" if "\\" in escaped else "") + '"' + escaped + '"')
