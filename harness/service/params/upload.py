"""The one form of the API: `multipart/form-data` of `POST /files` (CONTRACT §1.5).

It is parsed here because the standard library parses forms as mail, which may change line ends: here the content of a
part stays as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email.message import Message
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from pydantic import Field

from harness.service import errors
from harness.service.params.common import Body
from harness.service.params.reading import validate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.service.http import Content

# In the order of the recorded refusal (CONTRACT §7.1).
PURPOSES = ("fine-tune", "assistants", "batch", "user_data", "vision", "evals")
# Of endpoints that are older than assistants (alexrudall/ruby-openai and CRAN's `openai` document them).
EARLY_PURPOSES = ("search", "answers", "classifications")

MAX_BYTES = 512 << 20  # of one file: 512 MB (CONTRACT §8)

FIELDS = frozenset({"file", "purpose"})
EXPIRY = re.compile(r"expires_after\[(\w+)\]")  # the keys of an object in a form

END_OF_HEADERS = re.compile(rb"\r\n\r\n")


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that a client sent."""

    filename: str
    content: Content
    content_type: str | None
    purpose: str
    expires_after_seconds: int | None = None


def parse_upload(body: Content, content_type: str, *, early: bool = False) -> Upload:
    """Parse and validate an upload. A body that is not a form is refused for its missing file.

    `early` also accepts the purposes of the time before assistants.
    """
    fields = {part.name: part for part in parts(body, content_type)}
    file, purpose = fields.get("file"), fields.get("purpose")
    if file is None or file.filename is None:
        raise errors.missing_form_field("file")
    if purpose is None:
        raise errors.missing_form_field("purpose")
    if unknown := [name for name in fields if name not in FIELDS and not EXPIRY.fullmatch(name)]:
        raise errors.unknown_form_fields(sorted(unknown))
    if purpose.text not in PURPOSES and not (early and purpose.text in EARLY_PURPOSES):
        raise errors.invalid_purpose(purpose.text, PURPOSES)
    if not file.content:
        raise errors.empty_file()
    if len(file.content) > MAX_BYTES:
        raise errors.file_too_large()
    return Upload(file.filename, file.content, file.content_type, purpose.text, _lifetime(fields))


# --- when it expires ----------------------------------------------------------------------------------------


class ExpiresAfter(Body):
    """A form has only text, so the number is parsed from text."""

    anchor: Literal["created_at"]
    seconds: Annotated[int, Field(ge=3600, le=2_592_000, strict=False)]


class _Lifetime(Body):
    expires_after: ExpiresAfter


def _lifetime(fields: dict[str, Part]) -> int | None:
    given = {found[1]: part.text for name, part in fields.items() if (found := EXPIRY.fullmatch(name))}
    if not given:
        return None
    return validate(_Lifetime, {"expires_after": given}, "v2").expires_after.seconds


# --- the form -----------------------------------------------------------------------------------------------


class Part(NamedTuple):
    name: str
    filename: str | None
    content_type: str | None
    content: Content

    @property
    def text(self) -> str:
        return bytes(self.content).decode(errors="replace")


def parts(body: Content, content_type: str) -> list[Part]:
    """The parts between boundaries, as views if `body` is one. A longer line that begins like a boundary is content."""
    boundary = _parameters(content_type).get("boundary")
    if not boundary:
        return []
    return [_part(body, start.end(), end.start()) for start, end in pairwise(_boundaries(body, boundary.encode()))]


def _boundaries(body: Content, boundary: bytes) -> Iterator[re.Match[bytes]]:
    """The boundary lines, each with the line end before it."""
    line = rb"--" + re.escape(boundary) + rb"(?:--)?[ \t]*(?=\r\n|\Z)"
    if first := re.match(line, body):
        yield first
    # a pattern with a literal prefix is found fast; an alternation in front would take ten times as long
    yield from re.finditer(rb"\r\n" + line, body)


def _part(body: Content, start: int, end: int) -> Part:
    """A part from `start`, which is the line end of its boundary; an empty line ends its headers."""
    middle = END_OF_HEADERS.search(body, start, end)
    head_end, content_start = middle.span() if middle else (end, end)
    headers = {}
    for line in bytes(body[start:head_end]).decode(errors="replace").split("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    disposition = _parameters(headers.get("content-disposition", ""))
    return Part(
        disposition.get("name", ""),
        disposition.get("filename"),
        headers.get("content-type") or None,
        body[content_start:end],
    )


def _parameters(header: str) -> dict[str, str]:
    """The parameters of a header, unquoted. `filename*=utf-8''…` takes precedence over a plain `filename`.

    >>> _parameters("form-data; name=file; filename=x; filename*=utf-8''%C3%A9.txt")["filename"]
    'é.txt'
    """
    message = Message()
    message["x"] = header
    return {name: _text(value) for name, value in message.get_params([], header="x")}


def _text(value: Any) -> str:
    """The text of a parameter. An encoded one is a triple of character set, language, and bytes as characters."""
    if isinstance(value, str):
        return value
    charset, _, encoded = value
    raw = str(encoded).encode("latin-1", "replace")
    try:
        return raw.decode(charset or "utf-8", "replace")
    except (LookupError, UnicodeError):  # a character set that Python does not know
        return raw.decode(errors="replace")
