"""Loopback addresses: hosts that only this machine reaches."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ipaddress import IPv4Address, IPv6Address


def is_loopback(host: str) -> bool:
    """Whether a host is `localhost` or a loopback address.

    >>> [is_loopback(host) for host in ("localhost", "::1", "127.0.0.1", "0.0.0.0", "127.0.0.1.example.com")]
    [True, True, True, False, False]
    >>> [is_loopback(host) for host in ("LocalHost", "app.localhost", "::ffff:127.0.0.1")]
    [True, True, True]
    """
    if host.lower() == "localhost" or host.lower().endswith(".localhost"):
        return True
    address = address_of(host)
    return address is not None and address.is_loopback


def address_of(host: str) -> IPv4Address | IPv6Address | None:
    """The IP address that a host is; None for a name. Of an IPv4-mapped IPv6 address it is the IPv4 address."""
    try:
        address = ip_address(host)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address  # ::ffff:127.0.0.1
