"""What the dialects share: headers, dates, exchanges, and the place of a record."""

from __future__ import annotations

import hashlib
import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from shlex import quote
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.recording.dialects.codings import decoded
from harness.recording.exchanges import RecordedExchange
from harness.service.http import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

SECONDS = re.compile(r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?")
FAR_FUTURE = 1e11  # the year 5138; in milliseconds, 1973
ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:\.(\d+))?\s*(Z|GMT|UTC|[+-]\d\d:?\d\d)?")


class Unusable(Exception):  # noqa: N818 - a finding about the record, not an error of this program
    """No exchange can be built from a record: it is left out, and the text says why."""


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a record: the file, and its number in it, from 0."""

    path: Path
    index: int

    def __str__(self) -> str:
        return f"{self.path} [{self.index}]"

    @property
    def uploads(self) -> Path:
        return uploads_of(self.path)

    def upload(self, name: str) -> bytes:
        """The content of an upload by its file name. Raises `HarnessFailure` if it is missing or has changed."""
        try:
            content = (self.uploads / name).read_bytes()
        except OSError as error:
            raise HarnessFailure(
                f"{self} uploaded a file that is missing: {error}",
                there_was=f"Binary uploads are kept beside their cassette, in {self.uploads.name}/.",
                do=f"git checkout -- {quote(str(self.uploads))}   # or record {self.path.name} again",
            ) from error
        if upload_name(content) != name:
            raise HarnessFailure(
                f"{self} uploaded the file {self.uploads / name}, which has changed since.",
                there_was=f"Its name is the beginning of its SHA-256, which is now {upload_name(content)[:16]}.",
                do=f"git checkout -- {quote(str(self.uploads))}   # or record {self.path.name} again",
            )
        return content


def uploads_of(cassette: Path) -> Path:
    """The folder beside a cassette that holds the binary content of its uploads."""
    return cassette.with_name(f"{cassette.name}.files")


def upload_name(content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()[:16]}.bin"


def build_exchange(
    origin: object,
    request: tuple[str, str, Mapping[str, str], bytes],
    response: tuple[int, Mapping[str, str], bytes],
    at: float | None,
    conversation: str = "",
) -> RecordedExchange:
    """An exchange from its parts, with content encodings undone, and a host in the URL if a filter removed it."""
    method, url, sent_headers, sent = request
    status, got_headers, got = response
    sent_headers, sent = decoded(sent_headers, sent)
    got_headers, got = decoded(got_headers, got)
    asked, answer = Request(method.upper(), _absolute(url), sent_headers, sent), Response(status, got_headers, got)
    return RecordedExchange(asked, answer, at, str(origin), conversation)


def _absolute(url: str) -> str:
    """A URL with scheme and host: OpenAI's for a path alone; `<HOST>/v1/threads` gets a host of that name."""
    if "://" in url:
        return url
    return f"https://api.openai.com{url}" if url.startswith("/") else f"https://{url}"


def header_map(pairs: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Headers by their names in lower case, with several values joined, and without pseudo-headers of HTTP/2.

    >>> header_map([("Vary", ["Accept", "Origin"]), ("X-Retries", 2), (":status", "200")])
    {'vary': 'Accept, Origin', 'x-retries': '2'}
    """
    found: dict[str, str] = {}
    for name, value in pairs:
        values = [item for item in (value if isinstance(value, list) else [value]) if item is not None]
        key = str(name).lower()
        if not key.startswith(":"):
            found[key] = ", ".join(([found[key]] if key in found else []) + [str(item) for item in values])
    return found


def first_date(*texts: object) -> float | None:
    """The first text that is a date (of HTTP, ISO 8601 or Unix seconds) in Unix seconds; None if there is none.

    >>> first_date("Sanitized", "2024-05-07 00:07:32 GMT"), first_date("Tue, 07 May 2024 00:07:26 GMT")
    (1715040452.0, 1715040446.0)
    """
    return next((at for text in texts if (at := _date(str(text))) is not None), None)


def unix_seconds(number: float) -> float | None:
    """A time in Unix seconds: some recorders count in thousandths, millionths or billionths of them.

    >>> unix_seconds(1715040446123)
    1715040446.123
    """
    if not math.isfinite(number):
        return None
    while number >= FAR_FUTURE:
        number /= 1000
    return number


def _date(text: str) -> float | None:
    try:
        if SECONDS.fullmatch(text):
            return unix_seconds(float(text))
        if not (iso := ISO.fullmatch(text.strip())):
            return parsedate_to_datetime(text).timestamp()
        day, time, fraction, zone = iso.groups()
        if zone in (None, "Z", "GMT", "UTC"):
            at = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=timezone.utc)
        else:
            at = datetime.fromisoformat(f"{day}T{time}{zone[:3]}:{zone[-2:]}")
        return at.timestamp() + float(f"0.{fraction or 0}")
    except (ValueError, OverflowError):
        return None
