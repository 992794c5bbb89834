"""From where a request comes, where one proxy stands in front of Envoy and is believed."""

import pytest

from tests.edge.conftest import Edge
from tests.edge.told_address import HEADER, told_address


@pytest.fixture(scope="module")
def trusted_hops() -> int:
    """The one proxy."""
    return 1


@pytest.mark.parametrize(
    ("forwarded", "expected"),
    [
        (["203.0.113.9"], "203.0.113.9"),
        (["10.0.0.1, 203.0.113.9"], "203.0.113.9"),
        (["10.0.0.1", "203.0.113.9"], "203.0.113.9"),
        (["203.0.113.9,2001:db8::9"], "2001:db8::9"),
        (["::ffff:203.0.113.9"], "::ffff:203.0.113.9"),
        (["203.0.113.9, nonsense"], "127.0.0.1"),
        ([], "127.0.0.1"),
    ],
)
def test_the_address_is_what_the_proxy_added(
    edge: Edge, forwarded: list[str], expected: str
) -> None:
    """The last of the list; what stands before it, or in a header of ours, is the client's word."""
    headers = [("x-forwarded-for", value) for value in forwarded]
    assert told_address(edge, [*headers, (HEADER, "192.0.2.1")]) == expected
