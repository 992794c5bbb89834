"""All accounts, by a number that each keeps, so that a key's row can name it in four bytes."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final, TypeAlias

from authz.domain.directory import Account, AccountId

_GROUP_ACCOUNTS: Final = 256

Group: TypeAlias = tuple[Account | None, ...]
"""The accounts of as many numbers in a row; nothing where one is gone."""


@dataclass(frozen=True, slots=True, eq=False)
class PackedAccounts:
    """Accounts, found by number or by id; never changed in place.

    States share all groups but those that differ. They also share the `numbers` that were ever
    given, by id, and `get` tells what is there in this state.
    """

    groups: tuple[Group, ...] = ()
    numbers: dict[bytes, int] = field(default_factory=dict, repr=False)

    @classmethod
    def restore(cls, groups: tuple[Group, ...]) -> "PackedAccounts":
        """Put groups together that were one state before."""
        every = [account for group in groups for account in group]
        while every and every[-1] is None:
            every.pop()
        # A gap keeps its number, by a name that no account has, so that numbers go on behind all.
        names = ((one.id.bytes if one else number.to_bytes(8)) for number, one in enumerate(every))
        return cls(groups, {name: number for number, name in enumerate(names)})

    def at(self, number: int) -> Account:
        """Return the account of a number that is taken."""
        account = self.groups[number >> 8][number & 0xFF]
        assert account is not None  # noqa: S101 no state was made in which a key has no account
        return account

    def number(self, account_id: AccountId) -> int | None:
        """Return the number of an account, if it is there."""
        number = self.numbers.get(account_id.bytes)
        if number is None or number >> 8 >= len(self.groups):
            return None
        return number if self.groups[number >> 8][number & 0xFF] is not None else None

    def get(self, account_id: AccountId) -> Account | None:
        """Return the account of this id, if it is there."""
        number = self.number(account_id)
        return None if number is None else self.at(number)

    def replace(self, changes: Mapping[AccountId, Account | None]) -> "PackedAccounts":
        """Return the accounts after changes; an id without an account is gone."""
        opened: dict[int, list[Account | None]] = {}
        groups = list(self.groups)
        for account_id, account in changes.items():
            number = self._claim(account_id.bytes)
            while number >> 8 >= len(groups):
                groups.append((None,) * _GROUP_ACCOUNTS)
            if number >> 8 not in opened:
                opened[number >> 8] = list(groups[number >> 8])
            opened[number >> 8][number & 0xFF] = account
        for index, group in opened.items():
            groups[index] = tuple(group)
        return PackedAccounts(tuple(groups), self.numbers)

    def groups_since(self, earlier: "PackedAccounts") -> Iterator[tuple[int, Group]]:
        """Yield each group that is another than in an earlier state of these accounts."""
        for index, (group, before) in enumerate(zip_longest(self.groups, earlier.groups)):
            if group is not before:
                yield index, group

    def __iter__(self) -> Iterator[Account]:
        return (account for group in self.groups for account in group if account is not None)

    def _claim(self, account_id: bytes) -> int:
        """Return the number that an id has, or from now on keeps."""
        return self.numbers.setdefault(account_id, len(self.numbers))
