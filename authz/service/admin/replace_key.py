"""The rules by which one key takes another's place."""

from datetime import datetime, timedelta

from authz.domain.administration.fields import Fields
from authz.domain.administration.records import KeyListStatus, KeyRecord
from authz.domain.administration.refusals import PreconditionError
from authz.service.admin.find import find_key, find_open_account
from authz.service.admin.mint import KeyTerms
from authz.service.admin.tables import Tables


def read_rotation(
    old: KeyRecord, grace: timedelta, expires_at: datetime | None, at: datetime
) -> KeyTerms:
    """Return the terms of the key that takes another's place.

    It expires at `expires_at`, or lives as long as the old one was made for. Raises
    `InvalidFieldsError`.
    """
    fields = Fields()
    fields.grace("grace", grace)
    ends = fields.expiry("expire_time", expires_at, at)
    fields.check()
    if ends is None and old.expires_at is not None:
        ends = at + (old.expires_at - old.created_at)
    return KeyTerms(
        old.name,
        old.environment,
        old.scopes,
        old.networks,
        ends,
        old.requests_per_minute,
        old.tokens_per_minute,
    )


async def check_replaceable(tables: Tables, key: KeyRecord) -> None:
    """Return if a key works, and no other took its place. Raises `PreconditionError`."""
    await find_open_account(tables, str(key.account_id))
    if key.status is not KeyListStatus.ACTIVE:
        raise PreconditionError("key", str(key.id), f"The key is {key.status}; issue another.")
    if key.replaced_by is not None:
        raise PreconditionError(
            "key", str(key.id), f"The key was replaced by {key.replaced_by}; rotate that one."
        )


def end_of_grace(key: KeyRecord, grace: timedelta, at: datetime) -> datetime:
    """Return until when the old key lives on: never past its own expiry."""
    ends = at + grace
    return ends if key.expires_at is None else min(ends, key.expires_at)


async def find_pair(tables: Tables, old_id: str) -> tuple[KeyRecord, KeyRecord]:
    """Return the key that took another's place, and that other."""
    old = await find_key(tables, old_id)
    return await find_key(tables, str(old.replaced_by)), old
