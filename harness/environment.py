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
# With one of these set, the SDK has a key already; with a second kind of key its module-level client would not
# know which to take.
KEYS = ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN")
# Where these point, requests are the fake's to answer.
OPENAI, AZURE = ENDPOINTS = ("OPENAI_BASE_URL", "AZURE_OPENAI_ENDPOINT")


def endpoints() -> tuple[str, ...]:
    """The base URLs that the SDK takes from the environment."""
    return tuple(os.environ[name] for name in ENDPOINTS if os.environ.get(name))


def pointed_at(url: str, *, azure: bool = False) -> dict[str, str]:
    """The environment for a program whose requests shall go to `url`, on this machine, past any proxy.

    With `azure`, only clients of Azure go there: others would send their key to where it does not belong.
    """
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if spared != "*":
        spared = ",".join(filter(None, [spared, urlsplit(url).hostname]))
    # in both spellings: programs look for one or the other first
    return {**os.environ, "no_proxy": spared, "NO_PROXY": spared, AZURE if azure else OPENAI: url}


def for_python() -> dict[str, str]:
    """The variables without which a Python of this installation may not start."""
    needed = ("SYSTEMROOT", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
    return {name: os.environ[name] for name in needed if name in os.environ}


@contextmanager
def placeholder_key() -> Iterator[None]:
    """While active, `OpenAI()` finds a key: a placeholder, unless there is one of the user's own.

    Contexts that overlap may end in any order: the placeholder stays until the last of them has.
    """
    before = os.environ.get("OPENAI_API_KEY")
    if before != PLACEHOLDER_KEY and any(os.environ.get(name) for name in KEYS):
        yield
        return
    hold = _Hold(before)
    _holds.append(hold)
    os.environ["OPENAI_API_KEY"] = PLACEHOLDER_KEY
    try:
        yield
    finally:
        later = _holds[_holds.index(hold) + 1 :]
        _holds.remove(hold)
        if later:  # it found the placeholder of this one, which never was the user's
            later[0].before = hold.before
        elif hold.before is None:
            os.environ.pop("OPENAI_API_KEY", None)
        else:
            os.environ["OPENAI_API_KEY"] = hold.before


@dataclass(eq=False)
class _Hold:
    """What was in the place of a placeholder."""

    before: str | None


_holds: list[_Hold] = []
"""Oldest first."""
