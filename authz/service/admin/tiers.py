"""Tiers: what accounts can be on."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from authz.domain.administration.actor import ChangeRequest
from authz.domain.administration.audit import AuditEntry, Made, SubjectKind
from authz.domain.administration.canonical import describe_tier
from authz.domain.administration.fields import NAME_MAX, Fields
from authz.domain.administration.refusals import NotFoundError
from authz.domain.directory import (
    REQUESTS_PER_MINUTE_MAX,
    TOKENS_PER_MINUTE_MAX,
    Enforcement,
    Tier,
)
from authz.service.admin.ports import Database
from authz.service.admin.tables import Tables

_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,31}", re.ASCII)
_LIMITS: Final = {
    "requests_per_minute": REQUESTS_PER_MINUTE_MAX,
    "tokens_per_minute": TOKENS_PER_MINUTE_MAX,
    "tokens_per_month": 2**63 - 1,
    "items_max": 2**31 - 1,
}
"""The most that can be stored of each."""
_NAMES: Final = ("endpoints", "models")


class Tiers:
    """All tiers. Methods raise `RefusedError` and `DatabaseError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def list(self) -> tuple[Tier, ...]:
        """Return every tier, by name."""
        async with self._database.session() as tables:
            return tuple(await tables.tiers.list())

    async def get(self, name: str) -> Tier:
        """Return the tier of this name."""
        async with self._database.session() as tables:
            return await _find(tables, name)

    async def upsert(
        self, change: ChangeRequest, name: str, fields: Mapping[str, object]
    ) -> tuple[Tier, bool]:
        """Change `fields` of a tier, or make it of all of them; tell whether it was made.

        `fields` are named as a `Tier`'s. Limits refuse where nothing is said of `enforcement`.
        """
        read = Fields()
        if not _NAME.fullmatch(name):
            read.refuse("tier.name", "must be up to 32 lower-case letters, digits and hyphens")
        values = _read(read, fields)
        read.check()

        async def work(tables: Tables, _: datetime) -> Made[tuple[Tier, bool]]:
            before = await tables.tiers.find(name)
            after = _make(name, values) if before is None else replace(before, **values)
            if after != before:
                await tables.tiers.upsert(after)
            described = None if before is None else describe_tier(before)
            made = (after, before is None)
            return Made(SubjectKind.TIER, name, described, describe_tier(after), made)

        return await self._database.change(change, work, _replay)


def _read(fields: Fields, values: Mapping[str, object]) -> dict[str, Any]:
    """Return the values that can be used, by the names of a tier's attributes."""
    read: dict[str, Any] = {}
    for name, value in values.items():
        path = f"tier.{name}"
        match name, value:
            case ("endpoints", list() | tuple() | set() | frozenset()):
                read[name] = fields.endpoints(path, _some(fields, path, value))
            case ("models", list() | tuple() | set() | frozenset()):
                models = _some(fields, path, value)
                read[name] = frozenset(
                    fields.text(f"{path}[{number}]", model, NAME_MAX, 1)
                    for number, model in enumerate(models)
                )
            case ("enforcement", Enforcement()):
                read[name] = value
            case (str(), int()) if name in _LIMITS:
                if not 0 < value <= _LIMITS[name]:
                    fields.refuse(path, f"must be 1 to {_LIMITS[name]}")
                read[name] = value
            case _:
                fields.refuse(path, "is not a field of a tier, or not of this kind")
    return read


def _some(fields: Fields, path: str, values: Iterable[object]) -> tuple[str, ...]:
    named = tuple(str(value) for value in values)
    if not named:
        fields.refuse(path, "must name at least one")
    return named


def _make(name: str, values: Mapping[str, Any]) -> Tier:
    fields = Fields()
    for missing in (each for each in (*_LIMITS, *_NAMES) if each not in values):
        fields.refuse(f"tier.{missing}", "must be given, for there is no such tier yet")
    fields.check()
    return Tier(name=name, **values)


async def _find(tables: Tables, name: str) -> Tier:
    found = await tables.tiers.find(name) if name.isprintable() else None
    if found is None:
        raise NotFoundError("tier", name, "There is no such tier.")
    return found


async def _replay(tables: Tables, entry: AuditEntry) -> tuple[Tier, bool]:
    return await _find(tables, entry.subject), entry.before is None
