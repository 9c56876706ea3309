"""The one place that reads and sets environment variables."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

PLACEHOLDER_KEY = "sk-pytest-assistants-placeholder"
# With one of these set, the SDK needs no placeholder; given two kinds of key, its module-level client would not know
# which service to take.
KEYS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN")
# The fake answers requests to these URLs, too.
OPENAI, AZURE = ENDPOINTS = ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT")


def endpoints() -> tuple[str, ...]:
    """The base URLs that the SDK takes from the environment."""
    return tuple(os.environ[name] for name in ENDPOINTS if os.environ.get(name))


def environment_for(url: str, *, azure: bool = False) -> dict[str, str]:
    """Environment variables that send a program's requests to `url`, on this machine, past any proxy.

    With `azure` only Azure's clients are sent there: others would send their key to where it does not belong.
    """
    no_proxy = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if no_proxy != "*":
        no_proxy = ",".join(filter(None, [no_proxy, urlsplit(url).hostname]))
    # both spellings, as programs differ in which one they read first
    return {**os.environ, "no_proxy": no_proxy, "NO_PROXY": no_proxy, AZURE if azure else OPENAI: url}


def python_environment() -> dict[str, str]:
    """The variables without which this installation's Python may not start."""
    needed = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in needed if name in os.environ}


@contextmanager
def placeholder_key() -> Iterator[None]:
    """While active, `OPENAI_API_KEY` is a placeholder, unless the user has set a key.

    Contexts that overlap may end in any order: the placeholder stays until the last of them ends.
    """
    before = os.environ.get("OPENAI_API_KEY")
    if before != PLACEHOLDER_KEY and any(os.environ.get(name) for name in KEYS):
        yield
        return
    own = _Placeholder(before)
    _placeholders.append(own)
    os.environ["OPENAI_API_KEY"] = PLACEHOLDER_KEY
    try:
        yield
    finally:
        later = _placeholders[_placeholders.index(own) + 1 :]
        _placeholders.remove(own)
        if later:  # what it found was this placeholder, which it must not restore
            later[0].before = own.before
        elif own.before is None:
            os.environ.pop("OPENAI_API_KEY", None)
        else:
            os.environ["OPENAI_API_KEY"] = own.before


@dataclass(eq=False)
class _Placeholder:
    """An active placeholder, and the value to restore."""

    before: str | None


_placeholders: list[_Placeholder] = []
"""Those active, oldest first."""
