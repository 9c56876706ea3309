"""Receives the body of a request over ASGI, within limits; long forms go to the disk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, cast

from anyio import to_thread

from harness.failures import HarnessFailure
from harness.service.params.upload import MAX_BYTES
from harness.transports.spool import IN_MEMORY, Spool

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from harness.service.http import Content


class Limit(NamedTuple):
    """How many bytes a body may have, how many of them stay in memory, and what to do about a longer one."""

    most: int
    in_memory: int
    advice: str


# Leaves room for a file that is a little too large, so that the service itself refuses it.
FORM = Limit(MAX_BYTES + (8 << 20), IN_MEMORY, "Send less: the largest file that the service takes has 512 MB.")
# How much JSON the service takes is not recorded (G). A hundred of the longest messages have less, in most scripts.
OTHER = Limit(64 << 20, 64 << 20, "Send it as a file: client.files.create(file=…, purpose=…)")


async def receive_body(receive: Callable[[], Awaitable[dict[str, Any]]], content_type: str) -> Content | None:
    """The whole body; None if the client disconnects before its end.

    Raises:
        HarnessFailure: it is too long, or there is no room for it on the disk.
    """
    message = await receive()
    if message["type"] == "http.request" and not message.get("more_body"):
        return cast("bytes", message.get("body", b""))  # in memory already, as most requests are
    limit = FORM if content_type.lower().startswith("multipart/") else OTHER
    with Spool(limit.in_memory) as spool:
        while message["type"] == "http.request":
            piece = message.get("body", b"")
            if spool.size + len(piece) > limit.most:
                raise HarnessFailure(f"The body has more than {limit.most:,} bytes.", do=limit.advice)
            if spool.is_long:
                await to_thread.run_sync(spool.write, piece)
            else:
                spool.write(piece)
            if not message.get("more_body"):
                return spool.content()
            message = await receive()
    return None
