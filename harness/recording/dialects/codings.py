"""Undoes the content encodings of HTTP bodies: gzip, deflate, brotli and Zstandard."""

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
    brotli = _first_installed("brotli", "brotlicffi")
    if brotli is not None:
        try:
            return bytes(brotli.decompress(body))
        except brotli.error:
            return body
    if is_text(body):  # the recorder has decoded it
        return body
    raise _no_library("brotli", "brotli")


def _unzstd(body: bytes) -> bytes:
    if not body.startswith(b"\x28\xb5\x2f\xfd"):
        return body
    zstd = _first_installed("compression.zstd", "backports.zstd", "zstandard")
    if zstd is None:
        raise _no_library("Zstandard", "backports.zstd")
    parts = []
    while body:  # an answer that was sent in pieces may be several frames
        frame = zstd.ZstdDecompressor()
        if zstd.__name__ == "zstandard":
            frame = frame.decompressobj()
        try:
            parts.append(frame.decompress(body))
        except zstd.ZstdError as error:
            raise ValueError(f"its body is broken zstd: {error}") from error
        if not frame.eof:
            raise ValueError("its body is broken zstd: it has no end")
        body = frame.unused_data
    return b"".join(parts)


def _first_installed(*names: str) -> Any:
    """The first of these modules that can be imported; None if there is none."""
    for name in names:
        with suppress(ImportError):
            return importlib.import_module(name)
    return None


def _no_library(encoding: str, package: str) -> HarnessFailure:
    return HarnessFailure(
        f"A recorded body is encoded with {encoding}, and no library that decodes it is installed.",
        do=f"pip install {package}",
    )


def _unknown(body: bytes) -> bytes:
    if is_text(body):
        return body
    raise ValueError("its body has a content encoding other than gzip, deflate, br and zstd")


UNDO: dict[str, Callable[[bytes], bytes]] = {
    "gzip": _gunzip,
    "x-gzip": _gunzip,
    "deflate": _inflate,
    "br": _unbrotli,
    "zstd": _unzstd,
    "identity": bytes,
}
