"""Where a webhook may be sent: never to what only the platform can reach.

The name is resolved, every address it has is looked at, and the connection is made to the very address that was looked
at: a name that points elsewhere a moment later changes nothing. Redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from common.errors import UsageError
from common.messages import say

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

TRANSLATED = tuple(map(ipaddress.ip_network, ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")))
"""IPv6 that stands for IPv4 (NAT64, 6to4, Teredo): public by its own looks, private by what it leads to."""
LONGEST = 2_000


class Forbidden(UsageError):
    """The address is not one that webhooks are sent to. Says nothing of what answers there."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address to connect to, and how to ask there."""

    url: str
    """With the address in place of the name."""
    host: str
    """For the Host header: name and port."""
    name: str
    """For TLS: whose certificate is expected."""


def resolve(url: str, networks: str) -> Target:
    """Where to connect for `url`. `networks`: as the setting `webhook_networks`. Blocks on the name's resolution.

    Raises Forbidden where any address of the name may not be reached, or without TLS outside of `networks`.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError as error:
        raise Forbidden(say("webhooks.no-address")) from error
    if parts.scheme not in ("https", "http") or not parts.hostname or len(url) > LONGEST or not url.isprintable():
        raise Forbidden(say("webhooks.needs-https"))
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Forbidden(say("webhooks.address-with-more"))
    try:
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Forbidden(say("webhooks.name-unknown", name=parts.hostname)) from error
    addresses = [ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found]
    allowed = [ipaddress.ip_network(part.strip()) for part in networks.split(",") if part.strip()]
    inside = all(_within(address, allowed) for address in addresses)
    if not inside and not all(public(address) or _within(address, allowed) for address in addresses):
        raise Forbidden(say("webhooks.public-only"))
    if parts.scheme == "http" and not inside:
        raise Forbidden(say("webhooks.needs-https"))
    address = addresses[0]
    literal = f"[{address}]" if address.version == 6 else str(address)
    path = parts.path or "/"
    query = f"?{parts.query}" if parts.query else ""
    return Target(f"{parts.scheme}://{literal}:{port}{path}{query}", parts.netloc, parts.hostname)


def public(address: Address) -> bool:
    """Whether anybody on the Internet reaches it, not only who stands where the platform stands."""
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return public(address.ipv4_mapped)
        if any(address in network for network in TRANSLATED):
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def _within(address: Address, networks: list[Network]) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return _within(address.ipv4_mapped, networks)
    return any(address.version == network.version and address in network for network in networks)
