"""Which hosts the fake stands in for, and at which ports."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterable
    from urllib.parse import SplitResult

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
    """The hosts of OpenAI and Azure, and the ports of hosts that a user named by their URLs.

    >>> hosts = Hosts(["http://gateway.test:8080/llm/v1"])
    >>> hosts.ours("api.openai.com", 443), hosts.ours("contoso.openai.azure.com", 443), hosts.ours("gateway.test", 8080)
    (True, True, True)
    >>> hosts.ours("gateway.test", 5432), hosts.ours("example.com", 443), hosts.roots
    (False, False, ('/llm/v1',))
    """

    def __init__(self, base_urls: Iterable[str] = ()) -> None:
        parts = [urlsplit(url if "//" in url else f"//{url}") for url in base_urls]
        self._named = frozenset(((part.hostname or "").lower(), port) for part in parts for port in _ports(part))
        self.roots = tuple(part.path.rstrip("/") for part in parts if part.path.rstrip("/"))

    def ours(self, host: str, port: int | None) -> bool:
        """Whether the fake stands in for it; None is a port that is not known, as where a name is only looked up."""
        host = host.lower()
        return (host, port) in self._named or any(host == domain or host.endswith(f".{domain}") for domain in DOMAINS)


def _ports(named: SplitResult) -> tuple[int, ...]:
    """The port in a URL; where there is none, those of http and https, as clients may take the other of the two.

    >>> _ports(urlsplit("https://gateway.test:no-number"))
    (80, 443)
    """
    try:
        port = named.port
    except ValueError:  # the client that is built with it says so best
        port = None
    return (80, 443) if port is None else (port,)
