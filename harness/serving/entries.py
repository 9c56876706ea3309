"""Converts requests into journal entries and back; API keys are left out."""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from contextlib import suppress
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from harness.report.bodies import SECRET
from harness.scenarios.loading import Document
from harness.service.dialects import is_azure
from harness.service.http import Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.service.http import Content
    from harness.serving.journal import Entry

# The headers that the service reads, besides the key.
HEADERS = ("content-type", "openai-beta")


def of_request(request: Request, world: str, pieces: int | None = None) -> Entry:
    """The entry of a request.

    Args:
        world: the name of the world that it acts in.
        pieces: the number that `long_bodies.write` returned for its body.

    >>> of_request(Request("GET", "http://localhost/v1/files?sig=a", {"authorization": "Bearer sk-a"}), "world-1")
    {'request': 'GET', 'url': 'http://localhost/v1/files?sig=…', 'world': 'world-1', 'key': 'authorization'}
    """
    entry = {
        "request": request.method,
        "url": _without_secrets(request.url),
        "world": world,
        "key": "api-key" if is_azure(request) and request.headers.get("api-key") else "authorization",
        "headers": {name: request.headers[name] for name in HEADERS if name in request.headers},
        "client": request.client,
        "patience": request.patience,
        "pieces": pieces,
        **(_encoded_body(bytes(request.body)) if pieces is None else {}),
    }
    return {name: value for name, value in entry.items() if value is not None and value != {}}


def request_of(entry: Entry, key: str, body: Content | None) -> Request:
    """The request of an entry.

    Args:
        key: replaces its API key, which is not in the entry.
        body: the body that `LongBodies` put together; None if the entry itself holds it.
    """
    carried = {
        **entry.get("headers", {}),
        entry["key"]: key if entry["key"] == "api-key" else f"Bearer {key}",
    }
    body = _decoded_body(entry) if body is None else body
    return Request(entry["request"], entry["url"], carried, body, entry.get("client"), entry.get("patience"))


def digest(scenario: Mapping[str, Any] | None) -> str | None:
    """A hash of a scenario and of the files that it names; None without a scenario."""
    if scenario is None:
        return None
    digested = sha256(json.dumps(scenario, default=repr).encode())
    if isinstance(scenario, Document):
        for path in _file_paths(scenario):
            with suppress(OSError):  # no file after all; or playing the scenario reports that it is missing
                digested.update((scenario.path.parent / path).read_bytes())
    return digested.hexdigest()[:16]


def _file_paths(value: Any) -> Iterator[str]:
    """Every value that may be the path of a file."""
    match value:
        case dict():
            if isinstance(path := value.get("path"), str) and "\0" not in path:
                yield path
            for item in value.values():
                yield from _file_paths(item)
        case list():
            for item in value:
                yield from _file_paths(item)


def _without_secrets(url: str) -> str:
    """The URL with secrets in its query masked: gateways take keys there, and the control API its token."""
    address, mark, query = url.partition("?")
    return address + mark + "&".join(_masked(part) for part in query.split("&"))


def _masked(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    return name + equals + ("…" if value and SECRET.search(unquote_plus(name)) else value)


def _encoded_body(body: bytes) -> Entry:
    if not body:
        return {}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(body).decode()}


def _decoded_body(entry: Entry) -> bytes:
    return b64decode(entry["base64"]) if "base64" in entry else entry.get("text", "").encode()
