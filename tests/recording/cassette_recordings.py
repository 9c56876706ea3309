"""Shared by the tests of cassettes: the recordings, small exchanges, and a comparable form of exchanges."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.recording.exchanges import RecordedExchange
from harness.service.http import Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterable

SHARED = os.environ.get("PYTEST_ASSISTANTS_SHARED") or Path(__file__).resolve().parents[3] / "shared"
FOLDER = Path(SHARED, "recordings")
URL = "https://api.openai.com/v1/files"
PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\xff"


def files(pattern: str) -> list:
    """Parameters for a test of each recording; if there are none, one that is skipped with the reason."""
    found = [pytest.param(path, id=path.name) for path in sorted(FOLDER.glob(pattern))]
    reason = f"no recordings: nothing in {FOLDER} (PYTEST_ASSISTANTS_SHARED says where the folder above it is)"
    return found or [pytest.param(None, marks=pytest.mark.skip(reason=reason))]


def without_origins(exchanges: Iterable[RecordedExchange]) -> list:
    """Exchanges without their origins, to be compared."""
    return [(item.request, item.response, item.at) for item in exchanges]


def exchange(sent=b"", got=b"", *, at=None, method="POST", url=URL, status=200, sent_headers=(), got_headers=()):
    request = Request(method, url, dict(sent_headers), sent)
    return RecordedExchange(request, Response(status, dict(got_headers), got), at, "test")


def upload(content, boundary="x"):
    """A multipart upload of a file, as clients send it."""
    body = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nassistants\r\n'
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
    ).encode() + content
    headers = {"content-type": f'multipart/form-data; boundary="{boundary}"'}
    return exchange(body + f"\r\n--{boundary}--\r\n".encode(), sent_headers=headers)


OLD, NEW = [exchange(b"old")], [upload(PNG), upload(PNG + b"2"), exchange(b"new" * 9999)]
