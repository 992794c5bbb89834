"""From where a key may be used."""

from dataclasses import replace
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.directory import Key, Network
from authz.domain.networks import Address, NetworkSet, parse_address
from authz.domain.pepper import Pepper
from authz.domain.verdict import Reason
from authz.service.check_network import NetworkCheck
from tests.authz.doubles import key_text, make_key

_NETWORKS = st.one_of(
    st.builds(
        lambda address, length: IPv4Network((address, length), strict=False),
        st.ip_addresses(v=4),
        st.integers(0, 32),
    ),
    st.builds(
        lambda address, length: IPv6Network((address, length), strict=False),
        st.ip_addresses(v=6),
        st.integers(0, 128),
    ),
)


@pytest.fixture
def key(pepper: Pepper) -> Key:
    """A key for a few networks."""
    networks = ("192.0.2.0/24", "198.51.100.7/32", "2001:db8::/32")
    return replace(make_key(pepper, key_text()), networks=tuple(map(ip_network, networks)))


@given(st.lists(_NETWORKS, max_size=20), st.ip_addresses())
def test_a_set_holds_what_one_of_its_networks_holds(
    networks: list[Network], address: Address
) -> None:
    """The standard library says what that is, but for IPv4 that is written as IPv6."""
    mapped = IPv6Network("::ffff:0:0/96")
    plain = [each for each in networks if each.version == 4 or not each.subnet_of(mapped)]
    assert (address in NetworkSet.build(plain)) == any(address in each for each in plain)


@given(_NETWORKS)
def test_a_networks_ends_are_in_it_and_what_lies_beyond_is_not(network: Network) -> None:
    """At every size."""
    prepared = NetworkSet.build([network])
    first, last = int(network.network_address), int(network.broadcast_address)
    kind = type(network.network_address)
    held = [_unmapped(kind(number)) in prepared for number in (first, last)]
    beyond = [number for number in (first - 1, last + 1) if 0 <= number < 2**network.max_prefixlen]
    assert held == [True, True]
    assert [kind(number) in prepared for number in beyond] == [False] * len(beyond)


def _unmapped(address: Address) -> Address:
    parsed = parse_address(str(address))
    assert parsed is not None
    return parsed


_INSIDE: Final = [
    "192.0.2.0",
    "192.0.2.255",
    "198.51.100.7",
    "::ffff:192.0.2.9",
    "::ffff:c000:209",
    "2001:db8::1",
]
_OUTSIDE: Final = [
    "192.0.3.0",
    "198.51.100.8",
    "::ffff:192.0.3.9",
    "2001:db9::1",
    "::192.0.2.9",
    None,
    "",
    "nonsense",
    "192.0.2.9:443",
    "192.0.2.9, 203.0.113.9",
    "192.0.2.09",
    "192.0.2.0/24",
    "3221225993",
    "/run/tessera/public.sock",
]


@pytest.mark.parametrize("address", _INSIDE)
def test_a_key_is_good_from_its_networks(key: Key, address: str) -> None:
    """However the address is written."""
    assert NetworkCheck().check(key, address) is None


@pytest.mark.parametrize("address", _OUTSIDE)
def test_a_key_is_good_from_nowhere_else(key: Key, address: str | None) -> None:
    """An address that cannot be told is outside of all."""
    denied = NetworkCheck().check(key, address)
    assert denied is not None
    assert (denied.reason, denied.error.status) == (Reason.ADDRESS_NOT_ALLOWED, 403)


@pytest.mark.parametrize("address", ["203.0.113.9", None, "nonsense"])
def test_a_key_without_networks_is_good_from_everywhere(key: Key, address: str | None) -> None:
    """Also where nobody knows from where."""
    assert NetworkCheck().check(replace(key, networks=()), address) is None


def test_a_network_that_is_ipv4_written_as_ipv6_holds_ipv4(key: Key) -> None:
    """However the caller's address is written."""
    key = replace(key, networks=(IPv6Network("::ffff:192.0.2.0/120"),))
    check = NetworkCheck()
    assert check.check(key, "192.0.2.9") is None
    assert check.check(key, "::ffff:192.0.2.9") is None
    assert check.check(key, "192.0.3.9") is not None


def test_networks_that_change_count_at_once(key: Key) -> None:
    """Both ways."""
    check = NetworkCheck()
    assert check.check(key, "203.0.113.9") is not None
    assert (
        check.check(replace(key, networks=(IPv4Network("203.0.113.0/24"),)), "203.0.113.9") is None
    )
    assert check.check(key, "203.0.113.9") is not None


def test_a_refusal_tells_the_address_and_not_the_networks(key: Key) -> None:
    """Whoever found a key does not learn from where it works."""
    denied = NetworkCheck().check(key, "::ffff:203.0.113.9")
    assert denied is not None
    assert denied.error.message == (
        "Your request came from the IP address 203.0.113.9, and this API key may not be used from "
        "there. Call from one of the key's allowed networks, or ask whoever made the key to allow "
        "yours."
    )
    unknown = NetworkCheck().check(key, "<script>")
    assert unknown is not None
    assert "an IP address that could not be told" in unknown.error.message
    assert "script" not in unknown.error.message
