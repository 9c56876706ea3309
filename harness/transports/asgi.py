"""A function that answers requests, as an ASGI application: just the protocol (ASGI 3, HTTP and lifespan)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
from anyio import to_thread

from harness.failures import HarnessFailure
from harness.service.http import Request, Response, WireFailure
from harness.transports.receiving import receive_body
from harness.transports.wire import end_to_end, error_body, error_response

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import TypeAlias

    from harness.service.http import Body, Content

    Message: TypeAlias = dict[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


# Seconds that a stream in real time sleeps at most before it calls `wait()` again: another client may move its run.
MAX_SLEEP = 0.05


def never_inline(request: Request) -> bool:
    """For functions of which nobody knows how long they take to answer."""
    return False


def asgi_app(
    answer: Callable[[Request], Response], *, real_time: bool = False, inline: Callable[[Request], bool] = never_inline
) -> App:
    """An application that calls `answer` for each request, in a worker thread, so it may block.

    Requests that `inline` accepts are answered in the event loop itself, which halves the time of a poll, but blocks
    everything else meanwhile.

    Form bodies of more than a mebibyte are spooled to the disk. A response body that is not bytes is streamed: each
    chunk is sent when it has been read, in real time after its `wait()`, and the body is closed when the client
    disconnects.

    What surprises:

    - A `HarnessFailure` is a response here: 400, with `x-should-retry: false`, or the SDK would retry twice. In the
      middle of a stream, it is an `error` event. All other exceptions of `answer` are left to the server.
    - A `WireFailure`, of `answer` or of a body, cuts the connection, if the server does so where an application returns
      early, as uvicorn does: over a socket the client's timeout is not known. A failure before the response still sends
      a head with 502, and not the body that it announces, for ASGI has no other way to cut a connection.
    - All programs of one machine count as one client, for a program may poll with a new connection each time.
    """

    async def app(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
        elif scope["type"] == "http":
            await _serve(answer, scope, receive, send, real_time=real_time, inline=inline)
        else:
            raise NotImplementedError(f"The API has no endpoint for {scope['type']}.")

    return app


async def _lifespan(receive: Receive, send: Send) -> None:
    """Acknowledge startup and shutdown; there is nothing to do for them."""
    for moment in ("startup", "shutdown"):
        await receive()
        await send({"type": f"lifespan.{moment}.complete"})


async def _serve(
    answer: Callable[[Request], Response],
    scope: Message,
    receive: Receive,
    send: Send,
    *,
    real_time: bool,
    inline: Callable[[Request], bool],
) -> None:
    headers = _headers(scope)
    try:
        body = await receive_body(receive, headers.get("content-type", ""))
    except HarnessFailure as failure:
        # closed, as the rest of the body would be taken for the next request
        await _send(send, error_response(413, failure, x_should_retry="false"), connection="close")
        return
    if body is None:
        return
    request = _request(scope, headers, body)
    try:
        response = _answer(answer, request) if inline(request) else await to_thread.run_sync(_answer, answer, request)
    except WireFailure:
        await send({"type": "http.response.start", "status": 502, "headers": [(b"content-length", b"1")]})
        return
    await _send(send, response)
    if not isinstance(response.body, bytes):
        await _stream(response.body, receive, send, real_time=real_time)


def _headers(scope: Message) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers


def _request(scope: Message, headers: dict[str, str], body: Content) -> Request:
    path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    url = f"{scope['scheme']}://{headers.get('host', 'localhost')}{path}" + (f"?{query}" if query else "")
    return Request(scope["method"], url, headers, body, (scope.get("client") or ("",))[0])


async def _send(send: Send, response: Response, **more_headers: str) -> None:
    """Send the head of a response, and its body unless that is a stream."""
    headers, body = end_to_end(response.headers), response.body
    if isinstance(body, bytes):
        headers["content-length"] = str(len(body))
    elif "content-length" in response.headers:
        headers["content-length"] = response.headers["content-length"]
    headers.update(more_headers)
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    if isinstance(body, bytes):
        await send(_chunk(body, more=False))


def _answer(answer: Callable[[Request], Response], request: Request) -> Response:
    try:
        return answer(request)
    except HarnessFailure as failure:
        return error_response(400, failure, x_should_retry="false")


async def _stream(body: Body, receive: Receive, send: Send, *, real_time: bool) -> None:
    """Send each chunk when it has been read. After the client has disconnected, nothing more is read."""
    messages = _messages(body)
    try:
        async with anyio.create_task_group() as group:

            async def cancel_on_disconnect() -> None:
                await receive()  # the request's body has been read, so this can only be http.disconnect
                group.cancel_scope.cancel()

            group.start_soon(cancel_on_disconnect)
            while True:
                while real_time and (seconds := await to_thread.run_sync(body.wait)) > 0:
                    await anyio.sleep(min(seconds, MAX_SLEEP))
                message = await to_thread.run_sync(next, messages, None)
                if message is None:
                    break
                await send(message)
            group.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await to_thread.run_sync(body.close)


def _messages(body: Body) -> Iterator[Message]:
    """The ASGI messages of a stream, each made when it is needed. Without a last one, the connection is cut."""
    try:
        while (chunk := body.read()) is not None:
            yield _chunk(chunk, more=True)
    except WireFailure:
        return
    except HarnessFailure as failure:
        yield _chunk(b"event: error\ndata: " + error_body(failure) + b"\n\n", more=True)
    yield _chunk(b"", more=False)


def _chunk(body: bytes, *, more: bool) -> Message:
    return {"type": "http.response.body", "body": body, "more_body": more}
