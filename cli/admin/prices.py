"""`tessera prices`: what tiers cost."""

from collections.abc import Sequence
from typing import Annotated, Final

import typer

from cli.admin.command import Admin, command
from cli.admin.document import Document, to_document
from cli.admin.money import (
    amount_per_million,
    parse_money,
    parse_price_per_million,
    show_amount,
    show_money,
    show_price_per_million,
    to_cell,
)
from cli.admin.rows import Column
from cli.sheet import Cell
from contract.money import Money, TokenPrice
from proto.tessera.admin.v1.prices_pb2 import (
    ListPricesRequest,
    ListPricesResponse,
    Price,
    SetPriceRequest,
    SetPriceResponse,
)

app = typer.Typer(help="What tiers cost.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def prices() -> None:
    """Prices: what a tier costs from a month on. None is ever changed: another follows it."""


@command(
    app,
    "list",
    "tessera prices list",
    "tessera prices list --tier standard --output json",
    with_csv=True,
)
def list_prices(
    admin: Admin, tier: Annotated[str, typer.Option(help="Only of this tier.")] = ""
) -> None:
    """List prices by tier, each tier's newest first."""
    response = admin.client.call(ListPricesRequest(tier=tier), ListPricesResponse)
    if admin.screen.as_csv:
        admin.screen.write_sheet(_HEADINGS, map(_to_cells, response.prices))
        return
    admin.screen.show_pages("prices", [response.prices], _COLUMNS, _to_document)


@command(
    app,
    "set",
    "tessera prices set standard --from 2026-12 --base-fee '49.00 EUR' \\",
    "    --included-tokens 500000000 --overage-per-million-tokens '0.02 EUR'",
)
def set_price(
    admin: Admin,
    tier: Annotated[str, typer.Argument(metavar="TIER", help="Its name.")],
    valid_from: Annotated[
        str, typer.Option("--from", metavar="MONTH", help="The first month, like 2026-12.")
    ],
    base_fee: Annotated[
        Money,
        typer.Option(metavar="AMOUNT", parser=parse_money, help="For each month: '49.00 EUR'."),
    ],
    included_tokens: Annotated[
        int, typer.Option(min=0, help="Tokens in each month that the base fee pays.")
    ],
    overage_per_million_tokens: Annotated[
        TokenPrice,
        typer.Option(
            metavar="AMOUNT",
            parser=parse_price_per_million,
            help="For a million tokens above: '0.02 EUR'.",
        ),
    ],
) -> None:
    """Set what a tier costs from a month on, until another price is valid.

    The month must be later than the last price's, and than every month billed by the tier.
    """
    if base_fee.currency != overage_per_million_tokens.currency:
        raise typer.BadParameter("--base-fee and --overage-per-million-tokens need one currency.")
    price = Price(
        tier=tier,
        valid_from=valid_from,
        currency=base_fee.currency.code,
        base_fee_minor_units=base_fee.minor_units,
        included_tokens=min(included_tokens, _INT64_MAX),
        overage_micros_per_million_tokens=overage_per_million_tokens.micros_per_million_tokens,
    )
    response = admin.client.call(SetPriceRequest(price=price), SetPriceResponse)
    admin.screen.show({"price": _to_document(response.price)}, part="price")


def _to_document(price: Price) -> Document:
    """Return a price with its amounts in major units, too."""
    return to_document(price) | {
        "base_fee": show_amount(price.base_fee_minor_units, price.currency),
        "overage_per_million_tokens": amount_per_million(
            price.overage_micros_per_million_tokens, price.currency
        ),
    }


def _to_cells(price: Price) -> Sequence[Cell]:
    return (
        price.tier,
        price.valid_from,
        price.currency,
        to_cell(show_amount(price.base_fee_minor_units, price.currency)),
        price.included_tokens,
        to_cell(amount_per_million(price.overage_micros_per_million_tokens, price.currency)),
    )


_INT64_MAX: Final = 2**63 - 1
"""Above it a message holds nothing; the server refuses far less."""
_HEADINGS: Final = (
    *("tier", "valid_from", "currency", "base_fee", "included_tokens"),
    "overage_per_million_tokens",
)
_COLUMNS: Final[tuple[Column[Price], ...]] = (
    Column("tier", lambda price: price.tier),
    Column("from", lambda price: price.valid_from, 7),
    Column("base fee", lambda price: show_money(price.base_fee_minor_units, price.currency), 16),
    Column("tokens included", lambda price: f"{price.included_tokens:,}", 20),
    Column(
        "each million above",
        lambda price: show_price_per_million(
            price.overage_micros_per_million_tokens, price.currency
        ),
        18,
    ),
)
