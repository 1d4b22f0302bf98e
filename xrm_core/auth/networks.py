"""Networks from which a token may be used."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from xrm_core.errors import SettingsError

Network = IPv4Network | IPv6Network


def read_networks(words: Iterable[str]) -> list[str]:
    """Addresses and networks (``10.0.0.0/8``) as a token keeps them.

    Raises:
        SettingsError: one of them is none.
    """
    found = []
    for word in words:
        try:
            found.append(str(ip_network(word.strip())))
        except ValueError as error:
            raise SettingsError(
                f"{word!r} is no network: {error}.", hint="Write 10.1.0.0/16 or 2001:db8::/32."
            ) from None
    return found


def networks_of(stored: Iterable[str] | None) -> tuple[Network, ...] | None:
    """What a token keeps; None: it may be used from everywhere."""
    return None if stored is None else tuple(ip_network(each) for each in stored)


def is_within(address: str | None, networks: Iterable[Network]) -> bool:
    """Whether an address is in one of the networks. One that is unknown, or no address, is in none."""
    try:
        found = ip_address((address or "").partition("%")[0])  # without the zone of a link-local address
    except ValueError:
        return False
    if isinstance(found, IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return any(found.version == network.version and found in network for network in networks)
