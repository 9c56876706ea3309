"""Clients that need not wait: what would be slept over there passes on the virtual clock here."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.fake import FakeAssistants
    from harness.service.http import Request, Response

# The pollers of the SDKs, Python and Node, ask this header of a run, or of a file or batch of a vector store.
POLLED = re.compile(r"/(?:runs|vector_stores/[^/]+/files|file_batches)/[^/]+$")
AFTER_MS = "openai-poll-after-ms"
# 0 would be ignored (measured with openai 3.52)
RETRY_AFTER_MS = {"retry-after-ms": "1"}
# What the SDKs try again.
TRIED_AGAIN = frozenset({408, 409, 429, *range(500, 600)})


def hurried(fake: FakeAssistants, request: Request, response: Response) -> Response:
    """The answer with headers that spare the client its waiting. The real service never sent them.

    A `retry-after` that the answer has passes on the clock, as if the client had obeyed it.
    """
    if response.status in TRIED_AGAIN and response.headers.get("x-should-retry") != "false":
        fake.slept(_seconds(response.headers.get("retry-after")))
        return replace(response, headers={**response.headers, **RETRY_AFTER_MS})
    if request.method == "GET" and POLLED.search(request.path):
        return replace(response, headers={**response.headers, AFTER_MS: "0"})
    return response


def _seconds(retry_after: str | None) -> float:
    """What the header says in seconds; a date is not waited for."""
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        return 0.0
