"""Rewrites URLs, forms, uploads and event streams without their secrets."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from harness.recording.redacting.fields import is_secret_field
from harness.recording.redacting.formats import is_json
from harness.recording.redacting.places import LinePositions, json_tokens, unquoted
from harness.recording.redacting.splicing import Edit, cut_up, splice

if TYPE_CHECKING:
    from harness.recording.redacting.rewriting import Rewriter

URL = re.compile(r"(?P<host>[^/?#]*(?://[^/?#]*)?)(?P<path>[^?#]*)(?P<query>(?:\?[^#]*)?)(?P<fragment>.*)", re.DOTALL)
FORM = re.compile(r"[\w.%+*~\[\]-]{1,200}=[^&\s\"{}<>]*(?:&[\w.%+*~\[\]-]{1,200}=[^&\s\"{}<>]*)*", re.ASCII)
BOUNDARY = re.compile(r"boundary=(?:\"([^\"]+)\"|([^\s;,]+))", re.IGNORECASE)
PART_HEADER = b"content-disposition:"
PART_NAME = re.compile(r"(?<![\w*])name=\"?([^\";\r\n]*)", re.IGNORECASE)
PART_LENGTH = re.compile(r"(?im)^(content-length:[ \t]*)\d+")
STREAM, STREAMED = re.compile(r"\s*(?:(?:event|data|id|retry):|:)"), re.compile(r"^data: ?[{\[\"]", re.MULTILINE)
LINE = re.compile(r"^(?:(?:data|event|id|retry|):[ ]?)?(.*)$", re.MULTILINE)
# Names that mean a secret in a query, but not elsewhere.
QUERY_NAMES = {"key": "token", "code": "token", "signature": "sig"}


def rewritten_url(rewriter: Rewriter, url: str) -> str:
    """A URL without its secrets; all other parts stay as they were written."""
    match = URL.fullmatch(rewriter.text(url))
    assert match is not None  # any text matches
    segments = match["path"].split("/")
    path = "/".join(_segment(rewriter, segment) for segment in segments)
    query = match["query"][:1] + rewritten_pairs(rewriter, match["query"][1:], QUERY_NAMES)
    return match["host"] + path + query + match["fragment"]


def _segment(rewriter: Rewriter, text: str) -> str:
    plain = unquote(text)
    new = rewriter.text(plain)
    return text if new == plain else quote(new, safe="!$&'()*+,;=:@")


def rewritten_pairs(rewriter: Rewriter, pairs: str, also: dict[str, str] | None = None) -> str:
    """A query or form (`name=value&…`) without its secrets; `also` maps more names of secrets to known ones."""
    return "&".join(_pair(rewriter, pair, also or {}) for pair in pairs.split("&"))


def _pair(rewriter: Rewriter, pair: str, also: dict[str, str]) -> str:
    name, equals, value = pair.partition("=")
    plain_name, plain = unquote_plus(name), unquote_plus(value)
    since = rewriter.count
    new_name, new = rewriter.text(plain_name), rewriter.text(plain)
    rewriter.locate(since, "field {}".format, new_name)
    if new == plain and is_secret_field(also.get(plain_name.lower(), plain_name), plain):
        new = rewriter.field(plain, "field {}".format, new_name)
    return (
        (name if new_name == plain_name else quote_plus(new_name))
        + equals
        + (value if new == plain else quote_plus(new, safe="@:/"))
    )


def rewritten_body(rewriter: Rewriter, data: bytes, content_type: str = "") -> bytes:
    """A body without its secrets. Its first characters tell its format if the content type does not."""
    if not data:
        return data
    if "multipart/" in content_type.lower() or (data.startswith(b"--") and PART_HEADER in data[:1000].lower()):
        boundary = _boundary(data, content_type)
        if boundary:
            return _multipart(rewriter, data, boundary)
    return rewriter.data(data, lambda text: _text(rewriter, text, content_type.lower()))


def _text(rewriter: Rewriter, text: str, content_type: str) -> str:
    if "event-stream" in content_type or (STREAM.match(text) and STREAMED.search(text)):
        return _stream(rewriter, text)
    if "x-www-form-urlencoded" in content_type:
        return rewritten_pairs(rewriter, text)
    new = rewriter.text(text, rewriter.possible(text))
    return rewritten_pairs(rewriter, new) if FORM.fullmatch(new) else new


# --- uploads -------------------------------------------------------------------------------------------------


def _boundary(data: bytes, content_type: str) -> bytes | None:
    """The boundary from the header or the first line; None if the body has no such parts."""
    match = BOUNDARY.search(content_type)
    boundary = (match[1] or match[2]).encode() if match else data[2:].split(b"\n", 1)[0].strip()
    return boundary if boundary and b"--" + boundary in data and b"\n" in data else None


def _multipart(rewriter: Rewriter, data: bytes, boundary: bytes) -> bytes:
    delimiter = b"--" + boundary
    first, *parts = data.split(delimiter)
    return delimiter.join([rewriter.data(first), *(_part(rewriter, part, at) for at, part in enumerate(parts, 1))])


def _part(rewriter: Rewriter, part: bytes, number: int) -> bytes:
    blank = b"\r\n\r\n" if b"\r\n\r\n" in part else b"\n\n"
    head, gap, content = part.partition(blank)
    since = rewriter.count
    name = PART_NAME.search(head.decode("latin-1"))
    new_head = rewriter.data(head)
    body = content.removesuffix(b"\n").removesuffix(b"\r")
    new_body = _field(rewriter, name[1], body) if name and len(body) <= 400 else None
    if new_body is None:
        new_body = rewritten_body(rewriter, body) if not body.startswith(b"--") else rewriter.data(body)
    rewriter.locate(since, "part {}".format, number)
    if new_body != body:
        new_head = PART_LENGTH.sub(lambda match: f"{match[1]}{len(new_body)}", new_head.decode("latin-1")).encode(
            "latin-1"
        )
    return new_head + gap + new_body + content[len(body) :]


def _field(rewriter: Rewriter, name: str, body: bytes) -> bytes | None:
    value = body.decode(errors="replace")
    if not is_secret_field(name, value) or rewriter.text(value) != value:
        return None
    return rewriter.field(value, "field {}".format, name).encode()


# --- event streams ---------------------------------------------------------------------------------------------


def _stream(rewriter: Rewriter, text: str) -> str:
    """A stream without its secrets. Deltas of one text are joined first: a secret may be split between them."""
    kinds = rewriter.possible(text)
    lines = [(match.start(1), match[1]) for match in LINE.finditer(text) if match[1]]
    fixed = _deltas(rewriter, text, [(at, line) for at, line in lines if '"delta"' in line and is_json(line)])
    edits: list[Edit] = []
    places = LinePositions(text)
    for at, line in lines:
        since = rewriter.count
        if at in fixed:
            new = splice(line, rewriter.in_json(line, kinds, fixed=fixed[at]))[0]
        else:
            new = rewriter.text(line, kinds)
        if new != line:
            rewriter.locate(since, places, at)
            edits.append((at, at + len(line), new))
    return splice(text, edits)[0]


def _deltas(rewriter: Rewriter, text: str, events: list[tuple[int, str]]) -> dict[int, dict[int, str]]:
    """The rewritten strings of deltas, by the position of the event in the stream and of the string in the event."""
    texts: dict[tuple[str, ...], list[tuple[int, int, str]]] = defaultdict(list)
    for at, line in events:
        event = json.loads(line)
        for match, path in json_tokens(line):
            if match[0][0] == '"' and "delta" in path and path[-1] != "":
                texts[_text_key(event, path)].append((at, match.start(), unquoted(match[0])))
    fixed: dict[int, dict[int, str]] = defaultdict(dict)
    places = LinePositions(text)
    for pieces in texts.values():
        cuts = list(accumulate(len(piece) for _, _, piece in pieces))
        since = rewriter.count
        new, moved = rewriter.pieces("".join(piece for _, _, piece in pieces), cuts[:-1])
        rewriter.locate(since, places, pieces[0][0])
        for (at, start, _), piece in zip(pieces, cut_up(new, moved), strict=True):
            fixed[at][start] = piece
    return fixed


def _text_key(event: Any, path: list[str | int]) -> tuple[str, ...]:
    """Identifies the text to which a delta belongs: by the id of the message or step, and the indexes in it."""
    key = [repr(event.get("id"))] if isinstance(event, dict) else []
    try:
        for step in path:
            event = event[step]
            key.append(repr(event.get("index", step) if isinstance(step, int) and isinstance(event, dict) else step))
    except (LookupError, TypeError):  # a duplicate key
        key += map(str, path)
    return tuple(key)
