"""Requests as entries of a journal, and back; without keys."""

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

# The headers that the service looks at, besides the key.
HEADERS = ("content-type", "openai-beta")


def of_request(request: Request, world: str, pieces: int | None = None) -> Entry:
    """A request that carries an accepted key, or one of the control API, in a world that has a name.

    Args:
        pieces: what `pieces.write` gave for its body.

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
        **(_written(bytes(request.body)) if pieces is None else {}),
    }
    return {name: value for name, value in entry.items() if value is not None and value != {}}


def request_of(entry: Entry, key: str, body: Content | None, **headers: str) -> Request:
    """The request again, with a key that stands for the one it had.

    Args:
        body: what `Pieces` gave for it; None if it stands in the entry.
        headers: what it carries besides; names with underscores for hyphens.
    """
    carried = {
        **entry.get("headers", {}),
        entry["key"]: key if entry["key"] == "api-key" else f"Bearer {key}",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    body = _read(entry) if body is None else body
    return Request(entry["request"], entry["url"], carried, body, entry.get("client"), entry.get("patience"))


def digest(scenario: Mapping[str, Any] | None) -> str | None:
    """Stands for a scenario and the files that it names."""
    if scenario is None:
        return None
    made = sha256(json.dumps(scenario, default=repr).encode())
    if isinstance(scenario, Document):
        for path in _paths(scenario):
            with suppress(OSError):  # no file, or playing the scenario tells what is wrong with it
                made.update((scenario.path.parent / path).read_bytes())
    return made.hexdigest()[:16]


def _paths(value: Any) -> Iterator[str]:
    """All that may be the name of a file."""
    match value:
        case dict():
            if isinstance(path := value.get("path"), str) and "\0" not in path:
                yield path
            for item in value.values():
                yield from _paths(item)
        case list():
            for item in value:
                yield from _paths(item)


def _without_secrets(url: str) -> str:
    """Gateways take keys in the query, and the control API its token."""
    address, mark, query = url.partition("?")
    return address + mark + "&".join(_masked(part) for part in query.split("&"))


def _masked(parameter: str) -> str:
    name, equals, value = parameter.partition("=")
    return name + equals + ("…" if value and SECRET.search(unquote_plus(name)) else value)


def _written(body: bytes) -> Entry:
    if not body:
        return {}
    try:
        return {"text": body.decode()}
    except UnicodeDecodeError:
        return {"base64": b64encode(body).decode()}


def _read(entry: Entry) -> bytes:
    return b64decode(entry["base64"]) if "base64" in entry else entry.get("text", "").encode()
