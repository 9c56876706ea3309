"""Undoes the content encodings of HTTP bodies: gzip, deflate and brotli."""

from __future__ import annotations

import gzip
import importlib
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from harness.failures import HarnessFailure
from harness.recording.dialects.body_bytes import is_text, with_length

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def decoded(headers: Mapping[str, str], body: bytes) -> tuple[Mapping[str, str], bytes]:
    """The headers and the body without content encoding.

    Many recorders decode the body and keep the header, so a body that does not look encoded is left as it is.
    """
    codings = [coding for part in headers.get("content-encoding", "").split(",") if (coding := part.strip().lower())]
    if not codings:
        return headers, body
    for coding in reversed(codings):
        body = UNDO.get(coding, _unknown)(body) if body else body
    return with_length({name: value for name, value in headers.items() if name != "content-encoding"}, body), body


def _gunzip(body: bytes) -> bytes:
    if not body.startswith(b"\x1f\x8b"):
        return body
    try:
        return gzip.decompress(body)
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"its body is broken gzip: {error}") from error


def _inflate(body: bytes) -> bytes:
    if not is_text(body):
        for window in (zlib.MAX_WBITS, -zlib.MAX_WBITS):  # RFC 9110 means zlib; some servers send raw deflate
            with suppress(zlib.error):
                return zlib.decompress(body, window)
    return body


def _unbrotli(body: bytes) -> bytes:
    for name in ("brotli", "brotlicffi"):
        try:
            brotli: Any = importlib.import_module(name)
        except ImportError:
            continue
        try:
            return bytes(brotli.decompress(body))
        except brotli.error:
            return body
    if is_text(body):  # the recorder has decoded it
        return body
    raise HarnessFailure(
        "A recorded body is encoded with brotli, and no library that decodes it is installed.",
        do="pip install brotli",
    )


def _unknown(body: bytes) -> bytes:
    if is_text(body):
        return body
    raise ValueError("its body has a content encoding other than gzip, deflate and br")


UNDO: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "identity": bytes,
}
