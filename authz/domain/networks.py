"""From where a key may be used."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final, Self, TypeAlias

from authz.domain.directory import Network

Address: TypeAlias = IPv4Address | IPv6Address

_MAPPED: Final = IPv6Network("::ffff:0:0/96")
"""IPv4 as IPv6 writes it."""


def parse_address(text: str | None) -> Address | None:
    """Return the address that a text is, or nothing; IPv4 written as IPv6 is IPv4."""
    try:
        address = ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return address.ipv4_mapped or address
    return address


@dataclass(frozen=True, slots=True)
class NetworkSet:
    """Networks in a form in which a thousand are asked as fast as one.

    Per IP version and mask the first addresses of the networks of that size.
    """

    _bases: Mapping[tuple[int, int], frozenset[int]]

    @classmethod
    def build(cls, networks: Iterable[Network]) -> Self:
        """Prepare networks to be asked."""
        bases: dict[tuple[int, int], set[int]] = {}
        for network in map(_unmap, networks):
            size = network.version, int(network.netmask)
            bases.setdefault(size, set()).add(int(network.network_address))
        return cls({size: frozenset(each) for size, each in bases.items()})

    def __contains__(self, address: Address) -> bool:
        version, number = address.version, int(address)
        return any(
            number & mask in bases
            for (of_version, mask), bases in self._bases.items()
            if of_version == version
        )


def _unmap(network: Network) -> Network:
    if isinstance(network, IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.ipv4_mapped
        assert address is not None  # noqa: S101 it lies in the network of those that have one
        return IPv4Network((address, network.prefixlen - _MAPPED.prefixlen))
    return network
