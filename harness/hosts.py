"""Which hosts the fake stands in for."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable

# OpenAI's own API, and the domains under which Azure publishes OpenAI resources.
DOMAINS = (
    "openai.com",
    "openai.azure.com",
    "openai.azure.us",
    "openai.azure.cn",
    "cognitiveservices.azure.com",
    "services.ai.azure.com",
)


class Hosts:
    """The hosts of OpenAI and Azure, and those of the URLs a user named.

    >>> hosts = Hosts(["http://gateway.test:8080/llm/v1"])
    >>> hosts.ours("api.openai.com"), hosts.ours("contoso.openai.azure.com"), hosts.ours("gateway.test")
    (True, True, True)
    >>> hosts.ours("example.com"), hosts.roots
    (False, ('/llm/v1',))
    """

    def __init__(self, base_urls: Iterable[str] = ()) -> None:
        parts = [urlsplit(url if "//" in url else f"//{url}") for url in base_urls]
        self._named = frozenset((part.hostname or "").lower() for part in parts)
        self.roots = tuple(part.path.rstrip("/") for part in parts if part.path.rstrip("/"))

    def ours(self, host: str) -> bool:
        host = host.lower()
        return host in self._named or any(host == domain or host.endswith(f".{domain}") for domain in DOMAINS)
