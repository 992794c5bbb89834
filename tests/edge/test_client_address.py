"""From where a request comes, where clients connect to Envoy themselves."""

import pytest

from tests.edge.conftest import Edge
from tests.edge.told_address import HEADER, told_address


@pytest.fixture(scope="module", params=["127.0.0.1", "::1"])
def host(request: pytest.FixtureRequest) -> str:
    """Each address family in turn."""
    address: str = request.param
    return address


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("x-forwarded-for", "203.0.113.9")],
        [("x-forwarded-for", "203.0.113.9, 198.51.100.7")],
        [("x-forwarded-for", "2001:db8::9")],
        [("x-forwarded-for", "nonsense")],
        [("X-Tessera-Client-Address", "203.0.113.9")],
        [(HEADER, "203.0.113.9"), (HEADER, "203.0.113.10")],
        [("x-real-ip", "203.0.113.9"), ("forwarded", "for=203.0.113.9")],
        [("x-envoy-external-address", "203.0.113.9")],
    ],
    ids=range(9),
)
def test_no_client_can_choose_its_address(
    edge: Edge, host: str, headers: list[tuple[str, str]]
) -> None:
    """It is the connection's, whatever a header says, and the adapter is not told."""
    assert told_address(edge, headers, host) == host
