"""Whatever answers requests, as an ASGI application: no framework, just the protocol (ASGI 3, HTTP and lifespan)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import anyio
from anyio import to_thread

from harness.failures import HarnessFailure
from harness.service.http import Request, Response, WireFailure
from harness.transports.receiving import received
from harness.transports.wire import complaint, end_to_end, refusal

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from typing import TypeAlias

    from harness.service.http import Body, Content

    Message: TypeAlias = dict[str, Any]
    Receive: TypeAlias = Callable[[], Awaitable[Message]]
    Send: TypeAlias = Callable[[Message], Awaitable[None]]
    App: TypeAlias = Callable[[Message, Receive, Send], Awaitable[None]]


# How long a stream in real time sleeps at most before it looks again: another client may move its run meanwhile.
LOOK_AGAIN = 0.05


def never(request: Request) -> bool:
    """For answers of which nobody knows how long they take."""
    return False


def asgi_app(
    answer: Callable[[Request], Response], *, real_time: bool = False, at_once: Callable[[Request], bool] = never
) -> App:
    """An application that asks `answer`, in a worker thread for each request, so it may block.

    Requests that `at_once` accepts are answered without one, which halves the time of a poll; nothing else happens
    meanwhile.

    Of a form, what is longer than a mebibyte goes to the disk as it comes. An answer that is no bytes is sent piece by
    piece, each when it has been read, and closed when the client leaves. In real time it is read when its `wait()` is
    over.

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
            await _serve(answer, scope, receive, send, real_time=real_time, at_once=at_once)
        else:
            raise NotImplementedError(f"The API has no endpoint for {scope['type']}.")

    return app


async def _live(receive: Receive, send: Send) -> None:
    """There is nothing to start and nothing to end."""
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
    at_once: Callable[[Request], bool],
) -> None:
    headers = _headers(scope)
    try:
        sent = await received(receive, headers.get("content-type", ""))
    except HarnessFailure as failure:
        # the rest of what the client sends would be taken for its next request
        await _send(send, refusal(413, failure, x_should_retry="false"), connection="close")
        return
    if sent is None:
        return
    request = _request(scope, headers, sent)
    try:
        response = (
            _answered(answer, request) if at_once(request) else await to_thread.run_sync(_answered, answer, request)
        )
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
    """The head of an answer, and its body if that is whole."""
    headers, body = end_to_end(response.headers), response.body
    if isinstance(body, bytes):
        headers["content-length"] = str(len(body))
    elif "content-length" in response.headers:
        headers["content-length"] = response.headers["content-length"]
    headers.update(more_headers)
    raw = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": response.status, "headers": raw})
    if isinstance(body, bytes):
        await send(_piece(body, more=False))


def _answered(answer: Callable[[Request], Response], request: Request) -> Response:
    try:
        return answer(request)
    except HarnessFailure as failure:
        return refusal(400, failure, x_should_retry="false")


async def _stream(body: Body, receive: Receive, send: Send, *, real_time: bool) -> None:
    """Send each piece as it comes. What the client does not wait for is not read."""
    messages = _messages(body)
    try:
        async with anyio.create_task_group() as group:

            async def leave_with_the_client() -> None:
                await receive()  # the body of the request has been read, so this can only tell that the client left
                group.cancel_scope.cancel()

            group.start_soon(leave_with_the_client)
            while True:
                while real_time and (seconds := await to_thread.run_sync(body.wait)) > 0:
                    await anyio.sleep(min(seconds, LOOK_AGAIN))
                message = await to_thread.run_sync(next, messages, None)
                if message is None:
                    break
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
