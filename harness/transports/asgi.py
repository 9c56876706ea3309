"""Whatever answers requests, as an ASGI application: no framework, just the protocol (ASGI 3, HTTP and lifespan)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
from anyio import to_thread

from harness.failures import HarnessFailure
from harness.service.http import Request, Response, WireFailure
from harness.transports.wire import complaint, end_to_end, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import TypeAlias

    from harness.service.http import Body

    Message: TypeAlias = dict[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


def asgi_app(answer: Callable[[Request], Response]) -> App:
    """An application that asks `answer`, in a worker thread for each request, so it may block.

    A body that is no bytes is sent piece by piece, each when it has been read, and closed when the client leaves.

    What surprises:

    - A `HarnessFailure` is an answer here: 400, with `x-should-retry: false`, or the SDK would try twice more. In the
      middle of a stream, it is an `error` event. Whatever else `answer` raises is left to the server.
    - A `WireFailure`, of `answer` or of a body, cuts the connection, if the server does so where an application returns
      early, as uvicorn does: over a socket nobody knows how patient the client is. Where nothing was to arrive, a head
      of 502 does, for ASGI has no other way to cut, and the body that it speaks of does not.
    - All programs of one machine count as one client, for a program may poll with a new connection each time.
    """

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            await _serve(answer, scope, receive, send)
        else:
            raise NotImplementedError(f"The API has no endpoint for {scope['type']}.")

    return app


async def _live(receive: Receive, send: Send) -> None:
    """There is nothing to start and nothing to end."""
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})


async def _serve(answer: Callable[[Request], Response], scope: Message, receive: Receive, send: Send) -> None:
    sent = await _read(receive)
    if sent is None:
        return
    try:
        response = await to_thread.run_sync(_answered, answer, _request(scope, sent))
    except WireFailure:
        await send({"type": "http.response.start", "status": 502, "headers": [(b"content-length", b"1")]})
        return
    headers, body = end_to_end(response.headers), response.body
    if isinstance(body, bytes):
        headers["content-length"] = str(len(body))
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    if isinstance(body, bytes):
        await send(_piece(body, more=False))
    else:
        await _stream(body, receive, send)


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None if the client has left before its end."""
    pieces = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        pieces.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(pieces)


def _request(scope: Message, body: bytes) -> Request:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    url = f"{scope['scheme']}://{headers.get('host', 'localhost')}{path}" + (f"?{query}" if query else "")
    return Request(scope["method"], url, headers, body, (scope.get("client") or ("",))[0])


def _answered(answer: Callable[[Request], Response], request: Request) -> Response:
    try:
        return answer(request)
    except HarnessFailure as failure:
        return refusal(400, failure, x_should_retry="false")


async def _stream(body: Body, receive: Receive, send: Send) -> None:
    """Send each piece as it comes. What the client does not wait for is not read."""
    messages = _messages(body)
    try:
        async with anyio.create_task_group() as group:

            async def leave_with_the_client() -> None:
                await receive()  # the body of the request has been read, so this can only tell that the client left
                group.cancel_scope.cancel()

            group.start_soon(leave_with_the_client)
            while (message := await to_thread.run_sync(next, messages, None)) is not None:
                await send(message)
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(body.close)


def _messages(body: Body) -> Iterator[Message]:
    """What is to be sent, made when it is asked for. Without a last message, the connection is cut."""
    try:
        while (piece := body.read()) is not None:
            yield _piece(piece, more=True)
    except WireFailure:
        return
    except HarnessFailure as failure:
        yield _piece(b"event: error\ndata: " + complaint(failure) + b"\n\n", more=True)
    yield _piece(b"", more=False)


def _piece(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
