"""Worlds as one HTML page, which needs nothing but itself: no server, no network, no other file.

Its parts are in `harness/report/inspector/`, and are written into one document. It contains the data as JSON that
cannot end its element, the scripts put them on the page as text only, and a Content-Security-Policy forbids the browser
to load or execute anything but these scripts, which it identifies by their hash.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

PARTS = Path(__file__).with_name("inspector")
SCRIPTS = ("dom.js", "run.js", "thread.js", "lists.js", "app.js")
# What could end the element of the data, and halves of surrogate pairs, which cannot be encoded
UNSAFE = re.compile("[<>&\u2028\u2029\ud800-\udfff]")


def page(worlds: Mapping[str, dict[str, Any]] | None, *, title: str) -> str:
    """One self-contained document that shows worlds.

    Args:
        worlds: by name, as `harness.report.data.world` or `harness.recording.reporting.world` returns them. None is for
            a live page: it requests them from the server that it came from, the only one that it can reach.
        title: the title and the heading of the document.

    >>> document = page({"a test": {}}, title="</script><script>alert(1)</script>")
    >>> document.count("<script"), "alert(1)" in document, "<script>alert" in document
    (2, True, False)
    """
    style, script = _read("page.css"), "\n".join(map(_read, SCRIPTS))
    policy = {
        "default-src": "'none'",
        "script-src": _hash(script),
        "style-src": _hash(style),
        "img-src": "data:",
        "connect-src": "'self'" if worlds is None else "'none'",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return Template(_read("page.html")).substitute(
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        title=_whole(escape(title)),
        style=style,
        data=_json({"worlds": worlds}),
        script=script,
    )


@cache
def _read(name: str) -> str:
    return PARTS.joinpath(name).read_text(encoding="utf-8")


@cache
def _hash(text: str) -> str:
    """The source expression that allows exactly this text (CSP3 §2.3.1)."""
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"


def _json(value: object) -> str:
    """The value as JSON, in which the characters that mean something to a parser of HTML are escaped."""
    return UNSAFE.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))


def _whole(text: str) -> str:
    """The text with `?` for halves of surrogate pairs, which cannot be encoded."""
    return text.encode("utf-8", "replace").decode()
