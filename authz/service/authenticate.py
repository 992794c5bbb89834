"""Whose request it is, told from the Authorization header alone."""

from datetime import datetime

from authz.domain.directory import AccountStatus, Holder, KeyStatus
from authz.domain.pepper import Pepper
from authz.domain.verdict import Denied, Reason
from authz.service.current_directory import CurrentDirectory
from contract import errors
from contract.keys import is_well_formed, mask_key


def authenticate(
    authorization: str | None, current: CurrentDirectory, pepper: Pepper, now: datetime
) -> Holder | Denied:
    """Return who holds the key, if it works now.

    Raises:
        DirectoryStaleError: what is known of keys is too old.
    """
    scheme, _, key = (authorization or "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        return Denied(Reason.MISSING_KEY, errors.missing_api_key())
    if not is_well_formed(key):
        return _incorrect(Reason.MALFORMED_KEY, key)
    holder = current.find(pepper.digest_key(key))
    if holder is None:
        return _incorrect(Reason.UNKNOWN_KEY, key)
    if (reason := _find_fault(holder, now)) is not None:
        return _incorrect(reason, key)
    if holder.account.status is AccountStatus.SUSPENDED:
        return Denied(Reason.SUSPENDED_ACCOUNT, errors.account_suspended())
    return holder


def _find_fault(holder: Holder, now: datetime) -> Reason | None:
    """Return why a key works no more; the clock is asked at every check, not when it was read."""
    if holder.key.status is KeyStatus.REVOKED:
        return Reason.REVOKED_KEY
    if holder.key.expires_at is not None and holder.key.expires_at <= now:
        return Reason.EXPIRED_KEY
    if holder.account.status is AccountStatus.CLOSED:
        return Reason.CLOSED_ACCOUNT
    return None


def _incorrect(reason: Reason, key: str) -> Denied:
    return Denied(reason, errors.incorrect_api_key(mask_key(key)))
