"""Sends a request by the SDK's own method for it."""

from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from harness.recording.codegen.sdk_requests import SdkRequest
from harness.recording.exchanges import RecordedExchange
from harness.recording.session import ParsedExchange
from harness.service.http import Response

if TYPE_CHECKING:
    from harness.service.http import Request


def send_with_sdk(client: Any, request: Request) -> Any:
    """Send a request by the client's method for it, and return what that returns.

    Raises:
        LeftOut: the SDK has no method for it.
    """
    sdk_request = SdkRequest.of(ParsedExchange(RecordedExchange(request, Response(200, {}, b""), None, "machine")))
    stream: dict[str, Any] = {"stream": True} if b'"stream": true' in request.body else {}
    call = sdk_request.call({}, **stream)
    return attrgetter(call.function.removeprefix("client."))(client)(*call.arguments, **call.keywords)
