"""Requests that somebody forges, to the whole service on a real database."""

import base64
import json
from datetime import UTC, datetime
from typing import Final

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from authz.service.admin.accounts import AccountFilter
from authz.service.admin.keys import KeyFilter
from proto.tessera.admin.v1.accounts_pb2 import ListAccountsRequest
from proto.tessera.admin.v1.audit_pb2 import ListAuditEntriesRequest
from proto.tessera.admin.v1.keys_pb2 import (
    IssueKeyRequest,
    ListKeysRequest,
    RotateKeyRequest,
)
from tests.authz.admin_rpc.administered import Administered, some_id

_AUDIT: Final = repr(("", ""))
_KEYS: Final = repr(KeyFilter())
_ACCOUNTS: Final = repr(AccountFilter())


def _token(*content: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()


@pytest.mark.parametrize(
    "request_",
    [
        ListAccountsRequest(page_token=_token(_ACCOUNTS, "a\0b")),
        ListAccountsRequest(page_token=_token(_ACCOUNTS, "\ud800")),
        ListAuditEntriesRequest(page_token=_token(_AUDIT, "9" * 30)),
        ListAuditEntriesRequest(page_token=_token(_AUDIT, "-" + "9" * 30)),
        ListKeysRequest(page_token=_token(_KEYS, f"2026-05-04T00:00:00 {some_id()}")),
        ListKeysRequest(page_token=_token(_KEYS, f"0001-01-01T00:00:00+23:00 {some_id()}")),
        ListKeysRequest(page_token=_token(_KEYS, f"9999-12-31T23:59:59-23:00 {some_id()}")),
    ],
    ids=str,
)
async def test_a_page_token_that_was_made_elsewhere_is_told_from_a_failure(
    admin: Administered,
    request_: ListAccountsRequest | ListAuditEntriesRequest | ListKeysRequest,
) -> None:
    """Its sender is told; nobody is told to try again, as if the database were away."""
    assert (await admin.refusal(request_)).fields == ["page_token"]


@pytest.mark.parametrize("network", ["fe80::%eth0/64", "fe80::%a\0b/64", "fe80::1%eth0"])
async def test_a_network_has_no_zone(admin: Administered, network: str) -> None:
    """It would mean something else on each machine, and the database takes none."""
    await admin.make_account()
    request = IssueKeyRequest(
        account="acme", name="main", environment="prod", networks=["10.0.0.0/8", network]
    )
    assert (await admin.refusal(request)).fields == ["networks[1]"]


@pytest.mark.parametrize("end", [datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)])
async def test_no_key_expires_at_the_end_of_time(admin: Administered, end: datetime) -> None:
    """The database's driver takes that for no date, and no date can be added to it."""
    await admin.make_account()
    key_id = (await admin.issue("acme")).key.id
    moment = Timestamp()
    moment.FromDatetime(end)
    issue = IssueKeyRequest(account="acme", name="main", environment="prod", expire_time=moment)
    assert (await admin.refusal(issue)).fields == ["expire_time"]
    rotate = RotateKeyRequest(id=key_id, expire_time=moment)
    assert (await admin.refusal(rotate)).fields == ["expire_time"]
