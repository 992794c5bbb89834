"""`tessera prices`."""

import json

import pytest

from proto.tessera.admin.v1.prices_pb2 import (
    ListPricesRequest,
    ListPricesResponse,
    Price,
    SetPriceRequest,
    SetPriceResponse,
)
from tests.cli.admin.canned import CannedServer
from tests.cli.admin.conftest import Tessera

_EUROS = Price(
    tier="standard",
    valid_from="2026-12",
    currency="EUR",
    base_fee_minor_units=4900,
    included_tokens=500_000_000,
    overage_micros_per_million_tokens=20_000,
)
_YEN = Price(
    tier="scale",
    valid_from="2026-12",
    currency="JPY",
    base_fee_minor_units=5000,
    overage_micros_per_million_tokens=3_000_000,
)
_SET = ("prices", "set", "standard", "--from", "2026-12", "--included-tokens", "500000000")


def test_prices_are_listed_in_major_units(server: CannedServer, tessera: Tessera) -> None:
    """Euros have cents and yen have none; in 100 columns."""
    server.answer("ListPrices", ListPricesResponse(prices=[_EUROS, _YEN]))
    shown = tessera("prices", "list", "--tier", "standard").stdout
    assert server.asked(ListPricesRequest)[0].tier == "standard"
    assert max(map(len, shown.splitlines())) <= 100
    for text in ("49.00 EUR", "500,000,000", "0.02 EUR", "5000 JPY", "3 JPY"):
        assert text in shown


def test_a_program_gets_prices_in_both_units(server: CannedServer, tessera: Tessera) -> None:
    """Each number's unit is in its name."""
    server.answer("ListPrices", ListPricesResponse(prices=[_EUROS]))
    [price] = json.loads(tessera("prices", "list", "--output", "json").stdout)["prices"]
    assert (price["base_fee_minor_units"], price["base_fee"]) == (4900, "49.00")
    assert price["overage_micros_per_million_tokens"] == 20_000
    assert price["overage_per_million_tokens"] == "0.02"


def test_a_spreadsheet_gets_prices_as_numbers(server: CannedServer, tessera: Tessera) -> None:
    """A line for each."""
    server.answer("ListPrices", ListPricesResponse(prices=[_EUROS, _YEN]))
    assert tessera("prices", "list", "--output", "csv").stdout.splitlines() == [
        "tier,valid_from,currency,base_fee,included_tokens,overage_per_million_tokens",
        "standard,2026-12,EUR,49.00,500000000,0.02",
        "scale,2026-12,JPY,5000,0,3",
    ]


def test_a_price_is_typed_with_its_currency(server: CannedServer, tessera: Tessera) -> None:
    """And sent in the units that the API has."""
    server.answer("SetPrice", SetPriceResponse(price=_EUROS))
    amounts = ("--base-fee", "49.00 EUR", "--overage-per-million-tokens", "0.02 EUR")
    result = tessera(*_SET, *amounts)
    assert result.exit_code == 0
    assert server.asked(SetPriceRequest)[0].price == _EUROS
    assert "49.00" in result.stdout


@pytest.mark.parametrize(
    ("base_fee", "overage", "said"),
    [
        ("4900", "0.02 EUR", "like 49.00 EUR"),
        ("49.00 EUR", "20000", "like 49.00 EUR"),
        ("49.00 EUR", "0.02 USD", "need one currency"),
        ("49.001 EUR", "0.02 EUR", "more decimals"),
        ("49.00 EUR", "0.0000001 EUR", "more decimals"),
        ("49.00 XXX", "0.02 XXX", "no currency"),
    ],
)
def test_a_price_in_no_unit_or_a_wrong_one_cannot_be_typed(
    tessera: Tessera, base_fee: str, overage: str, said: str
) -> None:
    """It is wrong usage before any server is asked."""
    result = tessera(*_SET, "--base-fee", base_fee, "--overage-per-million-tokens", overage)
    assert result.exit_code == 2
    assert said in result.stderr
