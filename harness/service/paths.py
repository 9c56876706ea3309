"""The roots below which hosts serve the API, and the path below the root."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

SLASHES = re.compile("/{2,}")

# OpenAI's own root, and Azure's two.
ROOTS = ("/openai/v1", "/openai", "/v1")


def roots_pattern(roots: Iterable[str] = ()) -> re.Pattern[str]:
    """A pattern for the root in front of a path: one of the usual roots, or of those given; the longest wins.

    A given root may also be the folder of a gateway with a usual root in it.

    >>> below_root("/gateway/openai/threads", roots_pattern(["/gateway"]))
    '/threads'
    """
    given = set(roots)
    folders = (root for root in given if not root.endswith(ROOTS))
    longest_first = sorted({*given, *ROOTS, *(f + root for f in folders for root in ROOTS)}, key=len, reverse=True)
    return re.compile(f"(?:{'|'.join(map(re.escape, longest_first))})(?=/|\\Z)")


USUAL = roots_pattern()


def below_root(path: str, roots: re.Pattern[str] = USUAL) -> str:
    """The path below the API's root. Several slashes count as one (openai/openai-node#902).

    >>> below_root("/v1/threads"), below_root("/openai/threads"), below_root("/threads"), below_root("/v1//threads")
    ('/threads', '/threads', '/threads', '/threads')
    """
    root = roots.match(path)
    below = path if root is None else path[root.end() :]
    return SLASHES.sub("/", below) if "//" in below else below
