"""PriceService."""

from authz.rpc.admin.call import Call
from authz.rpc.admin.fields import reading
from authz.rpc.admin.price_messages import to_price
from authz.service.admin.prices import NewPrice, Prices
from proto.tessera.admin.v1.prices_pb2 import (
    ListPricesRequest,
    ListPricesResponse,
    SetPriceRequest,
    SetPriceResponse,
)


class PriceServicer:
    """Unpacks, calls, packs."""

    def __init__(self, prices: Prices) -> None:
        self._prices = prices

    async def list_prices(self, request: ListPricesRequest, _: Call) -> ListPricesResponse:
        """Return prices."""
        found = await self._prices.list(request.tier)
        return ListPricesResponse(prices=map(to_price, found))

    async def set_price(self, request: SetPriceRequest, call: Call) -> SetPriceResponse:
        """Set what a tier costs from a month on."""
        sent = request.price
        with reading() as fields:
            change = call.change(request, fields)
            tier = fields.required("price.tier", sent.tier)
        new = NewPrice(
            tier=tier,
            valid_from=sent.valid_from,
            currency=sent.currency,
            base_fee_minor_units=sent.base_fee_minor_units,
            included_tokens=sent.included_tokens,
            overage_micros_per_million_tokens=sent.overage_micros_per_million_tokens,
        )
        return SetPriceResponse(price=to_price(await self._prices.set(change, new)))
