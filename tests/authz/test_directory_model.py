"""Any changes, in any order: the packed directory against plain dictionaries."""

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Final
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from authz.domain.directory import (
    Account,
    AccountId,
    AccountStatus,
    BadDirectoryError,
    Delta,
    Endpoint,
    Enforcement,
    Key,
    KeyId,
    KeyStatus,
    PepperId,
    Tier,
)
from authz.domain.packed_directory import Directory
from tests.authz.doubles import TIER, contents

# So few of each that they meet: digests and ids that share a page, accounts that go while in use.
_TIERS: Final = ("trial", "standard")
_ACCOUNTS: Final = [AccountId(UUID(int=number)) for number in range(3)]
_KEYS: Final = [KeyId(UUID(int=number)) for number in range(5)]
_DIGESTS: Final = [bytes([0, number % 2]) + bytes([number] * 30) for number in range(6)]
_CHAINS: Final = [(PepperId("aaaaaaaa"),), (PepperId("aaaaaaaa"), PepperId("bbbbbbbb"))]


_LIMITS: Final = st.sampled_from((None, 1, 2))


def _tiers() -> st.SearchStrategy[Tier]:
    return st.builds(
        lambda name, items, shadow: replace(TIER, name=name, items_max=items, enforcement=shadow),
        st.sampled_from(_TIERS),
        st.integers(1, 2),
        st.sampled_from(Enforcement),
    )


def _accounts() -> st.SearchStrategy[Account]:
    status = st.sampled_from(AccountStatus)
    return st.builds(
        Account, st.sampled_from(_ACCOUNTS), st.just("a"), st.sampled_from(_TIERS), status
    )


def _keys() -> st.SearchStrategy[Key]:
    return st.builds(
        Key,
        id=st.sampled_from(_KEYS),
        account_id=st.sampled_from(_ACCOUNTS),
        digest=st.sampled_from(_DIGESTS),
        peppers=st.sampled_from(_CHAINS),
        status=st.sampled_from(KeyStatus),
        scopes=st.frozensets(st.sampled_from(Endpoint)),
        networks=st.just(()),
        expires_at=st.none(),
        requests_per_minute=_LIMITS,
        tokens_per_minute=_LIMITS,
    )


@st.composite
def _deltas(draw: st.DrawFn) -> Delta:
    """Upsert a few of each, and now and then take one away."""
    tiers = {tier.name: tier for tier in draw(st.lists(_tiers(), max_size=2))}
    accounts = {account.id: account for account in draw(st.lists(_accounts(), max_size=3))}
    keys = {key.id: key for key in draw(st.lists(_keys(), max_size=4))}
    rarely = st.integers(0, 5).map(lambda number: number == 0)
    return Delta(
        draw(st.integers(1, 3)),
        {**tiers, **{name: None for name in _TIERS if draw(rarely)}},
        {**accounts, **{name: None for name in _ACCOUNTS if draw(rarely)}},
        {**keys, **{name: None for name in _KEYS if draw(rarely)}},
    )


@dataclass
class _Model:
    """What a directory is, as plainly as it can be said."""

    number: int = 0
    tiers: dict[str, Tier] = field(default_factory=dict)
    accounts: dict[AccountId, Account] = field(default_factory=dict)
    keys: dict[KeyId, Key] = field(default_factory=dict)

    def after(self, delta: Delta) -> "_Model":
        return _Model(
            delta.number,
            {n: one for n, one in {**self.tiers, **delta.tiers}.items() if one},
            {n: one for n, one in {**self.accounts, **delta.accounts}.items() if one},
            {n: one for n, one in {**self.keys, **delta.keys}.items() if one},
        )

    @property
    def is_good(self) -> bool:
        return (
            all(account.tier in self.tiers for account in self.accounts.values())
            and all(key.account_id in self.accounts for key in self.keys.values())
            and len({key.digest for key in self.keys.values()}) == len(self.keys)
        )


def _assert_equal(directory: Directory, model: _Model) -> None:
    built = Directory.build(model.number, model.tiers, model.accounts, model.keys)
    assert contents(directory) == contents(built)
    assert directory.chains == built.chains
    assert directory.key_count == len(model.keys)
    uses = Counter((key.peppers, key.status) for key in model.keys.values())
    assert directory.packed.uses == uses
    for key in model.keys.values():
        holder = directory.find(key.digest, key.peppers)
        assert holder is not None
        account = model.accounts[key.account_id]
        assert (holder.key, holder.account) == (key, account)
        assert holder.tier == model.tiers[account.tier]
    for digest in set(_DIGESTS) - {key.digest for key in model.keys.values()}:
        assert all(directory.find(digest, chain) is None for chain in _CHAINS)


@given(st.lists(_deltas(), max_size=12))
def test_changes_one_by_one_give_what_a_rebuild_gives(deltas: list[Delta]) -> None:
    """And a change that breaks a rule is refused, and changes nothing."""
    directory, model = Directory(0), _Model()
    for step, drawn in enumerate(deltas, start=1):
        delta = replace(drawn, number=step)
        wanted = model.after(delta)
        if wanted.is_good:
            directory, model = directory.apply(delta), wanted
        else:
            with pytest.raises(BadDirectoryError):
                directory.apply(delta)
        _assert_equal(directory, model)
