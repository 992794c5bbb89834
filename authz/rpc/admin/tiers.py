"""TierService."""

from collections.abc import Mapping
from typing import Final

from authz.domain.directory import Enforcement, Tier
from authz.rpc.admin.call import Call
from authz.rpc.admin.fields import WireFields, reading
from authz.service.admin.tiers import Tiers
from proto.tessera.admin.v1 import tiers_pb2
from proto.tessera.admin.v1.tiers_pb2 import (
    GetTierRequest,
    GetTierResponse,
    ListTiersRequest,
    ListTiersResponse,
    UpsertTierRequest,
    UpsertTierResponse,
)

_NUMBERS: Final = (
    "requests_per_minute",
    "tokens_per_minute",
    "tokens_per_month",
    "items_max",
)
_NAMES: Final = ("endpoints", "models")
_ENFORCEMENTS: Final[Mapping[int, Enforcement]] = {
    tiers_pb2.ENFORCEMENT_ENFORCED: Enforcement.ENFORCED,
    tiers_pb2.ENFORCEMENT_SHADOW: Enforcement.SHADOW,
}


class TierServicer:
    """Unpacks, calls, packs."""

    def __init__(self, tiers: Tiers) -> None:
        self._tiers = tiers

    async def list_tiers(self, _: ListTiersRequest, __: Call) -> ListTiersResponse:
        """Return every tier."""
        return ListTiersResponse(tiers=map(_to_tier, await self._tiers.list()))

    async def get_tier(self, request: GetTierRequest, _: Call) -> GetTierResponse:
        """Return one tier."""
        with reading() as fields:
            name = fields.required("name", request.name)
        return GetTierResponse(tier=_to_tier(await self._tiers.get(name)))

    async def upsert_tier(self, request: UpsertTierRequest, call: Call) -> UpsertTierResponse:
        """Change what the mask names, or make the tier."""
        with reading() as fields:
            change = call.change(request, fields)
            name = fields.required("tier.name", request.tier.name)
            mask = fields.mask(request.update_mask, (*_NUMBERS, *_NAMES, "enforcement"))
            enforcement = _take_enforcement(request.tier, mask, fields)
        values = _take(request.tier, mask or {*_NUMBERS, *_NAMES}) | enforcement
        tier, created = await self._tiers.upsert(change, name, values)
        return UpsertTierResponse(tier=_to_tier(tier), created=created)


def _take(sent: tiers_pb2.Tier, mask: set[str] | frozenset[str]) -> dict[str, object]:
    numbers = {name: getattr(sent, name) for name in _NUMBERS if name in mask}
    return numbers | {name: tuple(getattr(sent, name)) for name in _NAMES if name in mask}


def _take_enforcement(
    sent: tiers_pb2.Tier, mask: frozenset[str], fields: WireFields
) -> dict[str, object]:
    """Return what is said of it; who names no field, and does not say it, leaves it as it is."""
    enforcement = fields.enum("tier.enforcement", sent.enforcement, _ENFORCEMENTS)
    if "enforcement" in mask and not sent.enforcement:
        fields.refuse("tier.enforcement", "is required")
    if enforcement is None or (mask and "enforcement" not in mask):
        return {}
    return {"enforcement": enforcement}


def _to_tier(tier: Tier) -> tiers_pb2.Tier:
    return tiers_pb2.Tier(
        name=tier.name,
        requests_per_minute=tier.requests_per_minute,
        tokens_per_minute=tier.tokens_per_minute,
        tokens_per_month=tier.tokens_per_month,
        items_max=tier.items_max,
        endpoints=sorted(tier.endpoints),
        models=sorted(tier.models),
        enforcement=f"ENFORCEMENT_{tier.enforcement.name}",
    )
