"""Cassettes of vcrpy, version 1, in YAML or JSON; this project writes them too.

    interactions:
    - request: {body, headers, method, uri}
      response: {body: {string}, headers, status: {code, message}}
    version: 1

Some serializers write two lists, `requests` and `responses`, as vcrpy passes them (LangChain's standard tests, under
gzip).

This project adds two things, which vcrpy ignores: `recorded_at` of an exchange, in Unix seconds, where it differs from
the Date header; and `<bytes of NAME.bin>` in the body of a request, for a file beside the cassette. vcrpy matches
requests by method and URL, so it does not need their bodies. It replays those of answers, so they are always complete.
"""

from __future__ import annotations

import base64
import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from harness.recording.dialects.body_bytes import is_text
from harness.recording.dialects.common import build_exchange, first_date, header_map, upload_name
from harness.recording.dialects.yaml_writer import base64_block, block, scalar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from harness.recording.dialects.common import Place
    from harness.recording.exchanges import RecordedExchange

STAND_IN = re.compile(rb"<bytes of ([0-9a-f]{16}\.bin)>")
BOUNDARY = re.compile(r'boundary="?([^";,]+)', re.IGNORECASE)
PHRASES = {status.value: status.phrase for status in HTTPStatus}


def rows(data: Any) -> list[Any] | None:
    match data:
        case {"interactions": [{"request": {"url": _} | {"parsed_body": _}}, *_]}:
            return None  # of go-vcr, or of a serializer that does not keep the bytes of bodies
        case {"interactions": list(found)}:
            return found
        case {"requests": list(asked), "responses": list(answers)} if len(asked) == len(answers):
            return [{"request": one, "response": other} for one, other in zip(asked, answers, strict=True)]
    return None


def exchange(row: Any, place: Place) -> RecordedExchange:
    request, response = row["request"], row["response"]
    got_headers = header_map((response["headers"] or {}).items())
    if "status_code" in response:  # how vcrpy wrote httpx down before version 6
        status, got = response["status_code"], response.get("content")
    else:
        status, got = response["status"]["code"], _text_of(response["body"])
    sent = request.get("body")
    if not isinstance(sent, bytes):
        sent = STAND_IN.sub(lambda found: place.upload(found[1].decode()), _bytes(_text_of(sent)))
    return build_exchange(
        place,
        (request["method"], request["uri"], header_map((request["headers"] or {}).items()), sent),
        (int(status), got_headers, _bytes(got)),
        first_date(row["recorded_at"] if "recorded_at" in row else got_headers.get("date")),
    )


def _text_of(body: Any) -> Any:
    """The text or bytes of a body, without the mapping that some versions and serializers wrap around it."""
    if not isinstance(body, dict):
        return body
    if "base64_string" in body:
        return base64.b64decode(body["base64_string"])
    return body["string"]


def _bytes(body: str | bytes | None) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else body.encode()


# --- writing ------------------------------------------------------------------------------------------------------


def text(exchanges: Iterable[RecordedExchange]) -> tuple[str, dict[str, bytes]]:
    """The text of a cassette, and the files beside it by name. The same exchanges give the same text."""
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
    if item.at != first_date(response.headers.get("date")):
        yield f"  recorded_at: {'null' if item.at is None else repr(float(item.at))}"


def _headers(headers: Mapping[str, str]) -> Iterator[str]:
    """The lines of the headers, without the content encoding: bodies are decoded, and clients must not do so again."""
    lines = [
        f"      {scalar(name)}:\n      - {scalar(value)}"
        for name, value in headers.items()
        if name != "content-encoding"
    ]
    yield "    headers:" if lines else "    headers: {}"
    yield from lines


def _sent(body: bytes, headers: Mapping[str, str], uploads: dict[str, bytes]) -> str:
    named = STAND_IN.search(body)
    if is_text(body):
        return base64_block(body, 6) if named else block(body.decode(), 6)
    readable = body if named else _without_files(body, headers.get("content-type", ""), uploads)
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
