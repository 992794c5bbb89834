"""Whose request it is, told from its key and from where it comes."""

from dataclasses import replace
from datetime import datetime

from authz.domain.directory import AccountStatus, Holder, KeyStatus
from authz.domain.pepper import KeyDigests
from authz.domain.undecided import DirectoryStaleError
from authz.domain.verdict import Denied, Reason
from authz.service.check_network import NetworkCheck
from authz.service.current_directory import CurrentDirectory
from authz.service.current_peppers import CurrentPeppers
from authz.service.note_uses import KeyUses
from authz.service.propose_rehashes import Rehasher
from contract import errors
from contract.keys import is_well_formed, mask_key


class Authenticator:
    """Knows keys by what is in memory, so that no key, however many are tried, costs a query."""

    def __init__(
        self,
        current: CurrentDirectory,
        peppers: CurrentPeppers,
        uses: KeyUses,
        rehasher: Rehasher,
    ) -> None:
        self._current = current
        self._peppers = peppers
        self._uses = uses
        self._rehasher = rehasher
        self._network = NetworkCheck()

    def authenticate(
        self, authorization: str | None, client_address: str | None, now: datetime
    ) -> Holder | Denied:
        """Return who holds the key, if it works now and from there.

        Raises:
            DirectoryStaleError: what is known of keys is too old.
        """
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        if scheme.lower() != "bearer" or not key:
            return Denied(Reason.MISSING_KEY, errors.missing_api_key())
        if not is_well_formed(key):
            return _incorrect(Reason.MALFORMED_KEY, key)
        digests = KeyDigests(key, self._peppers.peppers)
        holder = self._find(digests)
        if holder is None:
            return _incorrect(Reason.UNKNOWN_KEY, key)
        if (denied := self._find_obstacle(holder, key, client_address, now)) is not None:
            # The client is not told more than before; whoever asks later why is.
            return replace(denied, account_id=holder.account.id, key_id=holder.key.id)
        self._uses.note(holder.key.id, now)
        self._rehasher.propose(holder.key, digests, now)
        return holder

    def _find_obstacle(
        self, holder: Holder, key: str, client_address: str | None, now: datetime
    ) -> Denied | None:
        if (reason := _find_fault(holder, now)) is not None:
            return _incorrect(reason, key)
        if holder.account.status is AccountStatus.SUSPENDED:
            return Denied(Reason.SUSPENDED_ACCOUNT, errors.account_suspended())
        return self._network.check(holder.key, client_address)

    def _find(self, digests: KeyDigests) -> Holder | None:
        # Where no chain is in use nothing is looked up, and nothing else would notice.
        if not self._current.is_fresh:
            raise DirectoryStaleError
        for chain in self._current.chains:
            try:
                digest = digests.under(chain)
            except KeyError:
                continue  # only keys that were revoked may stay under a pepper that was retired
            if (holder := self._current.find(digest, chain)) is not None:
                return holder
        return None


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
