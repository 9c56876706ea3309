"""Cassettes of vcrpy, version 1, in YAML or JSON: what this project writes, too.

    interactions:
    - request: {body, headers, method, uri}
      response: {body: {string}, headers, status: {code, message}}
    version: 1

Some serializers write what vcrpy hands them as it is, in two lists: `requests` and `responses` (LangChain's standard
tests, under gzip).

Two additions, neither of which vcrpy minds. An exchange has `recorded_at`, in Unix seconds, where its Date header does
not tell the same. And in the body of a request `<bytes of NAME.bin>` stands for a file beside the cassette: vcrpy
matches requests by method and URL, so it needs no bodies of them; those of answers it has to give back, so they are
always in the cassette.
"""

from __future__ import annotations

import base64
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from harness.recording.dialects.parts import headers, recorded, upload_name, when
from harness.recording.dialects.scalars import base64_block, block, scalar
from harness.recording.dialects.texts import is_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.recording.dialects.parts import Place
    from harness.recording.exchanges import RecordedExchange

STAND_IN = re.compile(rb"<bytes of ([0-9a-f]{16}\.bin)>")
BOUNDARY = re.compile(r'boundary="?([^";,]+)', re.IGNORECASE)
ENCODED = "content-encoding"
PHRASES = {status.value: status.phrase for status in HTTPStatus}


def rows(data: Any) -> list[Any] | None:
    match data:
        case {"interactions": [{"request": {"url": _} | {"parsed_body": _}}, *_]}:
            return None  # of go-vcr, or of a serializer that keeps no bodies as they were
        case {"interactions": list(found)}:
            return found
        case {"requests": list(asked), "responses": list(answers)} if len(asked) == len(answers):
            return [{"request": one, "response": other} for one, other in zip(asked, answers, strict=True)]
    return None


def exchange(row: Any, place: Place) -> RecordedExchange:
    request, response = row["request"], row["response"]
    got_headers = headers((response["headers"] or {}).items())
    if "status_code" in response:  # how vcrpy wrote httpx down before version 6
        status, got = response["status_code"], response.get("content")
    else:
        status, got = response["status"]["code"], _text_of(response["body"])
    sent = request.get("body")
    if not isinstance(sent, bytes):
        sent = STAND_IN.sub(lambda found: place.upload(found[1].decode()), _bytes(_text_of(sent)))
    return recorded(
        place,
        (request["method"], request["uri"], headers((request["headers"] or {}).items()), sent),
        (int(status), got_headers, _bytes(got)),
        when(row["recorded_at"] if "recorded_at" in row else got_headers.get("date")),
    )


def _text_of(body: Any) -> Any:
    """A body as it stands, or within what some versions and serializers wrap around it."""
    if not isinstance(body, dict):
        return body
    if "base64_string" in body:
        return base64.b64decode(body["base64_string"])
    return body["string"]


def _bytes(text: str | bytes | None) -> bytes:
    if text is None:
        return b""
    return text if isinstance(text, bytes) else text.encode()


# --- writing ------------------------------------------------------------------------------------------------------


def text(exchanges: Iterable[RecordedExchange]) -> tuple[str, dict[str, bytes]]:
    """A cassette, and the files that lie beside it, by name. The same exchanges give the same text."""
    uploads: dict[str, bytes] = {}
    pieces = [piece for item in exchanges for piece in _interaction(item, uploads)]
    return "\n".join(["interactions:" if pieces else "interactions: []", *pieces, "version: 1", ""]), uploads


def _interaction(item: RecordedExchange, uploads: dict[str, bytes]) -> Iterator[str]:
    request, response, got = item.request, item.response, item.response_body
    yield "- request:"
    yield f"    body: {_sent(item.request_body, request.headers, uploads)}"
    yield from _headers(request.headers)
    yield f"    method: {scalar(request.method)}"
    yield f"    uri: {scalar(request.url)}"
    yield "  response:"
    yield "    body:"
    yield f"      string: {block(got.decode(), 8) if is_text(got) else base64_block(got, 8)}"
    yield from _headers(response.headers)
    yield "    status:"
    yield f"      code: {response.status}"
    yield f"      message: {scalar(PHRASES.get(response.status, ''))}"
    if item.at != when(response.headers.get("date")):
        yield f"  recorded_at: {'null' if item.at is None else repr(float(item.at))}"


def _headers(among: Mapping[str, str]) -> Iterator[str]:
    """Bodies are decoded, so no header may say that they are not: a client would decode them again."""
    lines = [f"      {scalar(name)}:\n      - {scalar(value)}" for name, value in among.items() if name != ENCODED]
    yield "    headers:" if lines else "    headers: {}"
    yield from lines


def _sent(body: bytes, among: Mapping[str, str], uploads: dict[str, bytes]) -> str:
    named = STAND_IN.search(body)
    if is_text(body):
        return base64_block(body, 6) if named else block(body.decode(), 6)
    readable = body if named else _without_files(body, among.get("content-type", ""), uploads)
    if not is_text(readable):
        readable = _stand_in(body, uploads)
    return block(readable.decode(), 6)


def _without_files(body: bytes, content_type: str, uploads: dict[str, bytes]) -> bytes:
    """A multipart body with a stand-in for the content of each binary part."""
    if not (boundary := BOUNDARY.search(content_type)):
        return body
    delimiter = b"--" + boundary[1].encode()
    return delimiter.join(_without_file(part, uploads) for part in body.split(delimiter))


def _without_file(part: bytes, uploads: dict[str, bytes]) -> bytes:
    head, blank, content = part.partition(b"\r\n\r\n")
    if is_text(content):
        return part
    end = b"\r\n" if content.endswith(b"\r\n") else b""
    return head + blank + _stand_in(content.removesuffix(end), uploads) + end


def _stand_in(content: bytes, uploads: dict[str, bytes]) -> bytes:
    name = upload_name(content)
    uploads[name] = content
    return f"<bytes of {name}>".encode()
