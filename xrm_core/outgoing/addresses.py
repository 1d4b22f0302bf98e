"""Which addresses may be asked: those of the internet, and those of one's own networks that a setting names."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_NAT64 = IPv6Network("64:ff9b::/96")
_LOCAL_NAT64 = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")


def plain(text: str) -> IPv4Address | IPv6Address:
    """An address as it is meant: an IPv4 address that is written as one of IPv6 is the former. Raises ValueError."""
    found = ip_address(text.partition("%")[0])
    return found.ipv4_mapped or found if isinstance(found, IPv6Address) else found


def is_public(text: str) -> bool:
    """Whether an address is one of the internet, also where another one is hidden in it."""
    found = plain(text)
    if isinstance(found, IPv6Address):
        hidden = _hidden(found)
        if found in _NAT64:
            return is_public(str(hidden))
        if found.is_site_local or found in _LOCAL_NAT64 or (hidden is not None and not is_public(str(hidden))):
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved and not found.is_unspecified


def is_within(text: str, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks."""
    found = plain(text)
    return any(found.version == network.version and found in network for network in networks)


def _hidden(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address to which a translator or tunnel would bring it."""
    if address in _NAT64 or address in _COMPATIBLE:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    if address.teredo is not None:
        return address.teredo[1]
    return address.sixtofour
