"""The hosts and ports whose requests the fake answers."""

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
    """The hosts of OpenAI and Azure at all ports, and those of the user's base URLs at theirs.

    Attributes:
        roots: the paths of these base URLs.

    >>> hosts = Hosts(["http://gateway.test:8080/llm/v1"])
    >>> hosts.matches("api.openai.com", 443), hosts.matches("gateway.test", 8080)
    (True, True)
    >>> hosts.matches("gateway.test", 5432), hosts.matches("example.com", 443), hosts.roots
    (False, False, ('/llm/v1',))
    """

    def __init__(self, base_urls: Iterable[str] = ()) -> None:
        parts = [urlsplit(url if "//" in url else f"//{url}") for url in base_urls]
        self._named = frozenset(((part.hostname or "").lower(), port) for part in parts for port in _ports(part))
        self.roots = tuple(part.path.rstrip("/") for part in parts if part.path.rstrip("/"))

    def matches(self, host: str, port: int | None) -> bool:
        """Whether the fake answers for a host; the port is None where it is not known, as in a DNS lookup."""
        host = host.lower()
        return (host, port) in self._named or any(host == domain or host.endswith(f".{domain}") for domain in DOMAINS)


def _ports(named: SplitResult) -> tuple[int, ...]:
    """The port in a URL; without one, those of http and https, as clients may use either.

    >>> _ports(urlsplit("https://gateway.test:no-number"))
    (80, 443)
    """
    try:
        port = named.port
    except ValueError:  # left to the client that uses this URL to complain about
        port = None
    return (80, 443) if port is None else (port,)
