"""Where the API lies below a host."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# OpenAI's own root, and Azure's two; the longest first.
ROOTS = ("/openai/v1", "/openai", "/v1")


def below_root(path: str, roots: Iterable[str] = ROOTS) -> str:
    """The path below the API's root.

    >>> below_root("/v1/threads"), below_root("/openai/threads"), below_root("/threads")
    ('/threads', '/threads', '/threads')
    """
    for root in roots:
        if path.startswith(root) and path[len(root) : len(root) + 1] in ("", "/"):
            return path[len(root) :]
    return path
