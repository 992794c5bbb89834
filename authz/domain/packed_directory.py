"""Everything at one change number: what each check is answered from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Final, Self

from authz.domain.directory import (
    Account,
    AccountId,
    BadDirectoryError,
    Delta,
    Holder,
    Key,
    KeyId,
    Tier,
)
from authz.domain.packed_accounts import PackedAccounts
from authz.domain.packed_keys import Chain, PackedKeys

_new: Final = object.__new__
_set_key, _set_account, _set_tier = (vars(Holder)[each.name].__set__ for each in fields(Holder))


@dataclass(frozen=True, slots=True, eq=False)
class Directory:
    """The whole state, built for a million keys. Never changed in place, so a reader needs no lock.

    A change gives a new state that shares with the old one all that stayed the same: neither costs
    more the more keys there are.
    """

    number: int
    tiers: Mapping[str, Tier] = field(default_factory=dict)
    accounts: PackedAccounts = field(default_factory=PackedAccounts, repr=False)
    packed: PackedKeys = field(default_factory=PackedKeys, repr=False)
    chains: tuple[Chain, ...] = ()
    """The chains of peppers under which keys were made, that of the most active keys first. Some
    may only be those of revoked keys, and need peppers that are known no more."""

    @classmethod
    def build(
        cls,
        number: int,
        tiers: Mapping[str, Tier],
        accounts: Mapping[AccountId, Account],
        keys: Mapping[KeyId, Key],
    ) -> "Directory":
        """Put the parts together.

        Raises:
            BadDirectoryError: two keys share a digest, or something refers to what is not there.
        """
        return cls(number).apply(Delta(number, tiers, accounts, keys))

    @classmethod
    def restore(
        cls, number: int, tiers: Mapping[str, Tier], accounts: PackedAccounts, packed: PackedKeys
    ) -> Self:
        """Put parts together that were one state before."""
        return cls(number, tiers, accounts, packed, packed.chains())

    @property
    def key_count(self) -> int:
        """How many keys there are, whatever their status."""
        return self.packed.count

    def apply(self, delta: Delta) -> "Directory":
        """Return the state after `delta`; this one stays as it is.

        Raises:
            BadDirectoryError: the result would break a rule, or `delta` is older than this state.
        """
        if delta.number < self.number:
            raise BadDirectoryError(
                f"the database is at change {delta.number}, behind {self.number} known here"
            )
        tiers = {**self.tiers, **delta.tiers}
        accounts = self.accounts.replace(delta.accounts)
        after = Directory.restore(
            delta.number,
            {name: tier for name, tier in tiers.items() if tier is not None},
            accounts,
            self.packed.replace(delta.keys, accounts),
        )
        _check(after, delta)
        return after

    def find(self, digest: bytes, chain: Chain) -> Holder | None:
        """Return who holds the key whose digest, under exactly this chain, is this one.

        Whatever its status: a key that was revoked is still known.
        """
        row = self.packed.find(digest)
        if row is None:
            return None
        key, account = self.packed.unpack(row, self.accounts)
        if key.peppers != chain:
            return None
        # What Holder(...) does, in a third of the time: it is made anew for every check.
        holder = _new(Holder)
        _set_key(holder, key)
        _set_account(holder, account)
        _set_tier(holder, self.tiers[account.tier])
        return holder

    def key(self, key_id: KeyId) -> Key | None:
        """Return the key of this id, if there is one."""
        row = self.packed.find_id(key_id.bytes)
        return None if row is None else self.packed.unpack(row, self.accounts)[0]

    def every_key(self) -> Iterator[Key]:
        """Yield all keys."""
        return (self.packed.unpack(row, self.accounts)[0] for row in self.packed)


def _check(after: Directory, delta: Delta) -> None:
    """Raise where what `delta` changed refers to nothing, or something to what it took away."""
    # Accounts are looked through only when a tier is gone, which hardly ever happens.
    lost_tier = None in delta.tiers.values()
    for account in after.accounts if lost_tier else delta.accounts.values():
        if account is not None and account.tier not in after.tiers:
            raise BadDirectoryError(f"account {account.id} has an unknown tier")
    for account_id, account in delta.accounts.items():
        if account is None and after.packed.has_account(after.accounts.numbers[account_id.bytes]):
            raise BadDirectoryError(f"a key has an unknown account: {account_id} is gone")
