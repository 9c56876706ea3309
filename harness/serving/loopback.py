"""Which hosts are this machine, for itself alone."""

from __future__ import annotations

from ipaddress import ip_address


def is_loopback(host: str) -> bool:
    """
    >>> [is_loopback(host) for host in ("localhost", "::1", "127.0.0.1", "0.0.0.0", "127.0.0.1.example.com")]
    [True, True, True, False, False]
    """
    try:
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:
        return False
