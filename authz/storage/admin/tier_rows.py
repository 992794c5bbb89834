"""The table `tiers`."""

from collections.abc import Sequence
from typing import Final

from authz.domain.directory import Tier
from authz.storage.admin.connection import Connection
from authz.storage.directory_fields import parse_tier


class TierRows:
    """Tiers, by one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, name: str) -> Tier | None:
        """Return the tier of this name."""
        row = await self._connection.fetchrow(_SELECT, name)
        return None if row is None else parse_tier(row)

    async def list(self) -> Sequence[Tier]:
        """Return every tier, by name."""
        return [parse_tier(row) for row in await self._connection.fetch(_LIST)]

    async def upsert(self, tier: Tier) -> None:
        """Store a tier, whether it is new or not."""
        await self._connection.execute(
            _UPSERT,
            tier.name,
            tier.requests_per_minute,
            tier.tokens_per_minute,
            tier.tokens_per_month,
            tier.items_max,
            sorted(tier.endpoints),
            sorted(tier.models),
            tier.enforcement,
        )


_SELECT: Final = """
    SELECT name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max, endpoints,
           models, enforcement
      FROM tiers WHERE name = $1
"""

_LIST: Final = """
    SELECT name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max, endpoints,
           models, enforcement
      FROM tiers ORDER BY name
"""

_UPSERT: Final = """
    INSERT INTO tiers (name, requests_per_minute, tokens_per_minute, tokens_per_month, items_max,
                       endpoints, models, enforcement)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (name) DO UPDATE
            SET requests_per_minute = excluded.requests_per_minute,
                tokens_per_minute = excluded.tokens_per_minute,
                tokens_per_month = excluded.tokens_per_month,
                items_max = excluded.items_max,
                endpoints = excluded.endpoints,
                models = excluded.models,
                enforcement = excluded.enforcement
"""
