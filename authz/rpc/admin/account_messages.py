"""Accounts on the wire."""

from collections.abc import Mapping
from typing import Final

from authz.domain.administration.records import AccountRecord
from authz.domain.directory import AccountStatus
from authz.rpc.admin.times import to_timestamp
from proto.tessera.admin.v1 import accounts_pb2
from proto.tessera.admin.v1.accounts_pb2 import Account

ACCOUNT_STATUSES: Final[Mapping[int, AccountStatus]] = {
    accounts_pb2.ACCOUNT_STATUS_ACTIVE: AccountStatus.ACTIVE,
    accounts_pb2.ACCOUNT_STATUS_SUSPENDED: AccountStatus.SUSPENDED,
    accounts_pb2.ACCOUNT_STATUS_CLOSED: AccountStatus.CLOSED,
}


def to_account(record: AccountRecord) -> Account:
    """Write an account."""
    return Account(
        id=str(record.id),
        name=record.name,
        email=record.email or "",
        tier=record.tier,
        status=f"ACCOUNT_STATUS_{record.status.name}",
        create_time=to_timestamp(record.created_at),
    )
