"""Where a webhook may go: public addresses, and networks that the operator names; pure.

The server stands inside a court's network, so an address somebody else chose must not let it
speak to what only the inside can reach (07, threat 27).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from server.settings import listed

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PORT_MAX = 65_535


class PlaceRefusedError(Exception):
    """An address that is not spoken to; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True, slots=True)
class Places:
    """Networks inside the house that may be reached, besides everything public."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def named(cls, setting: str) -> Places:
        """From the setting; raises ``ValueError`` for what is no network."""
        return cls(tuple(ipaddress.ip_network(text) for text in listed(setting)))

    def require_address(self, text: str, *, plain: bool) -> None:
        """Refuse an address; without TLS only those of the named networks are good."""
        address = inner(ipaddress.ip_address(text))
        if any(address in network for network in self.networks):
            return
        if plain:
            raise PlaceRefusedError("plain-http")
        if not is_public(address):
            raise PlaceRefusedError("private-address")

    def require_url(self, url: str) -> None:
        """Refuse a URL for what can be seen without resolving its name."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError:
            raise PlaceRefusedError("malformed") from None
        if not url.isascii() or not url.isprintable() or " " in url or not parts.hostname:
            raise PlaceRefusedError("malformed")
        if parts.username is not None or parts.password is not None or parts.fragment:
            raise PlaceRefusedError("malformed")
        if parts.scheme not in {"https", "http"} or port == 0:
            raise PlaceRefusedError("not-https")
        plain = parts.scheme == "http"
        if plain and not self.networks:
            raise PlaceRefusedError("not-https")
        if _is_literal(parts.hostname):
            self.require_address(parts.hostname, plain=plain)


def inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where there is one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def is_public(address: Address) -> bool:
    """Whether anybody on the internet could speak to it as well."""
    teredo = isinstance(address, ipaddress.IPv6Address) and address.teredo is not None
    special = address.is_multicast or address.is_reserved or address.is_unspecified
    return address.is_global and not special and not teredo


def checked(addresses: Iterable[str], places: Places, *, plain: bool) -> list[str]:
    """All of a name's addresses; one that is refused refuses the name."""
    found = list(dict.fromkeys(addresses))
    for one in found:
        places.require_address(one, plain=plain)
    if not found:
        raise PlaceRefusedError("unknown-name")
    return found


def _is_literal(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
