"""Headers that tell clients not to wait: the time that they would sleep passes on the virtual clock instead."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.fake import FakeAssistants
    from harness.service.http import Request, Response

# The pollers of the SDKs, Python and Node, look for the header when they poll a run, or a file or batch of a store.
POLLED_PATH = re.compile(r"/(?:runs|vector_stores/[^/]+/files|file_batches)/[^/]+$")
POLL_AFTER_MS = "openai-poll-after-ms"
# 0 would be ignored (measured with openai 3.52)
RETRY_AFTER_MS = {"retry-after-ms": "1"}
# The statuses that the SDKs retry.
RETRYABLE = frozenset({408, 409, 429, *range(500, 600)})


def with_wait_headers(fake: FakeAssistants, request: Request, response: Response) -> Response:
    """The response with headers that tell the client not to wait. The real service never sent them.

    The seconds of a `retry-after` pass on the virtual clock, as if the client had obeyed it.
    """
    if response.status in RETRYABLE and response.headers.get("x-should-retry") != "false":
        fake.slept(_seconds(response.headers.get("retry-after")))
        return replace(response, headers={**response.headers, **RETRY_AFTER_MS})
    if request.method == "GET" and POLLED_PATH.search(request.path):
        return replace(response, headers={**response.headers, POLL_AFTER_MS: "0"})
    return response


def _seconds(retry_after: str | None) -> float:
    """The value of the header in seconds; 0 for a date."""
    try:
        return max(0.0, float(retry_after or 0))
    except ValueError:
        return 0.0
