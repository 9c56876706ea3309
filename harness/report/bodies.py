"""Bodies and files for display: JSON and text in full, of everything else the type and size."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

from harness.report.contents import readable
from harness.report.limits import BODY, FORM, PREVIEW, READABLE, excerpt
from harness.service.params.upload import parts

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.service.http import Content

Json: TypeAlias = "dict[str, Any]"
IMAGE = re.compile(
    rb"(?P<png>\x89PNG\r\n\x1a\n)|(?P<jpeg>\xff\xd8\xff)|(?P<gif>GIF8[79]a)|(?P<webp>RIFF.{4}WEBP)", re.DOTALL
)
STREAM = "text/event-stream"
# What no text contains: control characters but white space, and but ESC, which begins the sequences of colours
CONTROL_CHARACTER = re.compile(r"[\0-\x08\x0e-\x1a\x1c-\x1f]")
# Names of query parameters that hold secrets, as gateways in front of Azure take them
SECRET = re.compile(r"key|token|secret|signature|^sig$|password", re.IGNORECASE)


def size(count: int) -> str:
    """A number of bytes in words.

    >>> size(1), size(12345)
    ('1 byte', '12,345 bytes')
    """
    return f"{count:,} byte{'' if count == 1 else 's'}"


def body(raw: Content, content_type: str = "") -> Json | None:
    """The type and size of an HTTP body, and its text if it has any; None if it is empty.

    >>> body(b'{"role": "user"}')
    {'about': 'JSON, 16 bytes', 'text': '{\\n  "role": "user"\\n}'}
    >>> body(b"GIF89a..")
    {'about': 'gif image, 8 bytes', 'text': ''}
    """
    if not raw:
        return None
    if content_type.startswith("multipart/"):
        form = _form(raw, content_type) if len(raw) <= FORM else ""
        return {"about": f"form, {size(len(raw))}", "text": excerpt(form, BODY)}
    image, text = image_type(raw), text_of(bytes(raw[:READABLE]))
    if image or text is None:
        return {"about": f"{image} image, {size(len(raw))}" if image else size(len(raw)), "text": ""}
    kind = "events" if content_type.startswith(STREAM) else "JSON" if text.lstrip()[:1] in ("{", "[") else "text"
    shown = excerpt(readable(text), BODY) if len(raw) <= READABLE else f"{text[:BODY]}\n… {size(len(raw) - BODY)} more"
    return {"about": f"{kind}, {size(len(raw))}", "text": shown}


def streamed(headers: Mapping[str, str]) -> Json:
    """The same for a streamed body, of which nothing is kept.

    >>> streamed({"content-type": "text/event-stream"})["about"], streamed({"content-length": "12345678"})["about"]
    ('a stream of events, which is not kept', '12,345,678 bytes, which are not kept')
    """
    length = headers.get("content-length")
    what = "a stream of events, which is" if length is None else f"{size(int(length))}, which are"
    return {"about": f"{what} not kept", "text": ""}


def _form(raw: Content, content_type: str) -> str:
    """The fields of a form, one on each line: values in short, files with their size."""
    lines = []
    for part in parts(raw, content_type):
        text = None if part.filename is not None else text_of(bytes(part.content))
        value = f"{part.filename}, {size(len(part.content))}" if text is None else excerpt(text, PREVIEW)
        lines.append(f"{part.name}: {value}")
    return "\n".join(lines)


def text_of(raw: bytes) -> str | None:
    """Bytes as text, or None if they are not text; the last character may be incomplete."""
    for missing in range(min(4, len(raw) + 1)):
        try:
            text = raw[: len(raw) - missing].decode()
        except UnicodeDecodeError:
            continue
        return None if CONTROL_CHARACTER.search(text) else text
    return None


def image_type(raw: Content) -> str | None:
    """The image format, if it is one that a browser shows without executing anything, as it might in SVG."""
    found = IMAGE.match(raw)
    return found and found.lastgroup


def query(given: Mapping[str, list[str]]) -> str:
    """The query of a URL, with secrets masked: gateways take keys there.

    >>> query({"limit": ["20"], "api-key": ["sk-1"]})
    'limit=20&api-key=…'
    """
    pairs = ((name, value) for name, values in given.items() for value in values)
    return "&".join(f"{name}={'…' if SECRET.search(name) else value}" for name, value in pairs)


def error_text(answer: Any) -> str | None:
    """The message of an error response; None if it is another kind of response."""
    error = answer.get("error") if isinstance(answer, dict) else None
    message = error.get("message") if isinstance(error, dict) else error
    return message if isinstance(message, str) else None
