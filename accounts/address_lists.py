"""Lists of internet addresses that may call: of tokens, of gateways, of providers' callbacks. Pure functions."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

# Bits in front of an IPv4 address that is written as IPv6 (::ffff:192.0.2.7).
_MAPPED_BITS = 96


def parse_networks(texts: Iterable[str]) -> list[str]:
    """Addresses and networks as they are stored: "192.0.2.7" becomes "192.0.2.7/32"; each once, in the order given.

    Raises ValueError, in words, for what is neither and for a network with host bits ("10.0.0.1/8").
    """
    return list(dict.fromkeys(str(_unmapped_network(ip_network(text.strip()))) for text in texts))


def split_list(text: str) -> list[str]:
    """What a person typed: separated by commas or spaces."""
    return text.replace(",", " ").split()


def allows(networks: Iterable[str], address: str | None) -> bool:
    """Whether a call may come from this address; without a list, from any. `networks` as `parse_networks` gave them.

    An address that cannot be told is on no list.
    """
    listed = list(networks)
    if not listed:
        return True
    if address is None:
        return False
    caller = _unmapped(ip_address(address))
    return any(caller in _network(network) for network in listed)


@lru_cache(maxsize=4096)
def _network(text: str) -> IPv4Network | IPv6Network:
    return ip_network(text)


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """A server that listens on IPv6 sees IPv4 callers as ::ffff:a.b.c.d; they are the same callers."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _unmapped_network(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    first = _unmapped(network.network_address)
    if isinstance(network, IPv6Network) and isinstance(first, IPv4Address) and network.prefixlen >= _MAPPED_BITS:
        return IPv4Network((first, network.prefixlen - _MAPPED_BITS))
    return network
