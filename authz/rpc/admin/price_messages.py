"""Prices on the wire."""

from authz.domain.administration.price import Price
from authz.rpc.admin.times import to_timestamp
from proto.tessera.admin.v1 import prices_pb2


def to_price(price: Price) -> prices_pb2.Price:
    """Write a price."""
    return prices_pb2.Price(
        tier=price.tier,
        valid_from=str(price.valid_from),
        currency=price.currency.code,
        base_fee_minor_units=price.base_fee.minor_units,
        included_tokens=price.terms.included_tokens,
        overage_micros_per_million_tokens=price.terms.overage.micros_per_million_tokens,
        set_time=to_timestamp(price.set_at),
    )
