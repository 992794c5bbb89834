"""DecisionService on the wire, on a real database."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from authz.domain.decision import Decision, Ruling, Told
from authz.domain.directory import AccountId, KeyId
from authz.storage.decision_table import DecisionTable
from authz.storage.short_statements import ShortStatements
from proto.tessera.admin.v1 import decisions_pb2
from proto.tessera.admin.v1.decisions_pb2 import (
    DecisionLease,
    DecisionLimit,
    ExplainDecisionRequest,
    ExplainDecisionResponse,
    ListDecisionsRequest,
    ListDecisionsResponse,
)
from tests.authz.admin_rpc.administered import Administered
from tests.authz.decisions.samples import decision, request_id
from tests.authz.logins import DATA, login_url

_NOW: Final = datetime.now(UTC)


@pytest.fixture
async def table(migrated_url: str) -> DecisionTable:
    """Where processes throw decisions into."""
    return DecisionTable(ShortStatements(login_url(migrated_url, DATA), 1, 20))


def _made(number: int, **changes: object) -> Decision:
    made = decision(number, **changes)
    return replace(made, place=replace(made.place, at=_NOW - timedelta(minutes=number)))


async def _write(table: DecisionTable, *decisions: Decision) -> None:
    await table.write({each.asked.request_id: each for each in decisions})


def _at(minutes_ago: int) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(_NOW - timedelta(minutes=minutes_ago))
    return stamp


async def test_a_refusal_is_told_whole(admin: Administered, table: DecisionTable) -> None:
    """Each fact in its field, times in seconds."""
    account = await admin.make_account()
    key = (await admin.issue("acme")).key
    ids = {"account_id": AccountId(UUID(account.id)), "key_id": KeyId(UUID(key.id))}
    await _write(table, replace(_made(1), **ids))  # type: ignore[arg-type] # both as they are
    request = ExplainDecisionRequest(id=request_id(1))
    told = (await admin.owner.call(request, ExplainDecisionResponse)).decision
    assert told == decisions_pb2.Decision(
        request_id=request_id(1),
        time=_at(1),
        verdict="DECISION_VERDICT_REFUSED",
        reason="too_many_tokens",
        status=429,
        code="rate_limit_exceeded",
        retry_after_seconds=2.812,
        endpoint="embeddings",
        retry_count=2,
        account_id=account.id,
        account_name="acme",
        key_id=key.id,
        key_name="main",
        tokens=70_716,
        limit=DecisionLimit(
            budget="account",
            dimension="tokens",
            limit=1_000_000,
            used=976_163,
            requested=70_716,
            wait_seconds=2.812,
        ),
        lease=DecisionLease(requests_left=40, tokens_left=20, ends_in_seconds=3.25),
        source="ledger",
        process="authz-1",
        directory_number=42,
        directory_age_seconds=0.4,
    )


async def test_what_there_was_not_is_absent(admin: Administered, table: DecisionTable) -> None:
    """And not 0: nobody knows how old a directory is that there is not."""
    nobody = {"account_id": None, "key_id": None, "evidence": None, "told": Told(401)}
    made = _made(1, **nobody)
    place = replace(made.place, directory_number=None, directory_age=None)
    await _write(table, replace(made, place=place))
    request = ExplainDecisionRequest(id=request_id(1))
    told = (await admin.owner.call(request, ExplainDecisionResponse)).decision
    absent = ("retry_after_seconds", "tokens", "limit", "lease", "directory_number")
    assert not any(told.HasField(name) for name in (*absent, "directory_age_seconds"))
    assert (told.account_id, told.key_name, told.source, told.code) == ("", "", "", "")


async def test_decisions_are_listed_page_by_page(admin: Administered, table: DecisionTable) -> None:
    """Within a time, by verdict; the newest first."""
    await _write(table, *(_made(number) for number in range(1, 7)), _made(9, ruling=Ruling.SHADOW))
    request = ListDecisionsRequest(
        page_size=2,
        verdict="DECISION_VERDICT_REFUSED",
        start_time=_at(5),
        end_time=_at(1),
    )
    read = []
    while True:
        page = await admin.owner.call(request, ListDecisionsResponse)
        read += [each.request_id for each in page.decisions]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert read == [request_id(number) for number in (2, 3, 4, 5)]


async def test_what_cannot_be_asked_is_refused(admin: Administered) -> None:
    """By the fields that are wrong."""
    assert (await admin.refusal(ExplainDecisionRequest(id="req_1"))).fields == ["id"]
    missing = await admin.refusal(ExplainDecisionRequest(id=request_id(1)))
    assert missing.code is grpc.StatusCode.NOT_FOUND
    request = ListDecisionsRequest(
        page_size=-1,
        key_id="x",
        verdict=9,  # type: ignore[arg-type] # of a newer caller
        start_time=Timestamp(seconds=10**13),
    )
    refused = await admin.refusal(request)
    assert sorted(refused.fields) == ["key_id", "page_size", "start_time", "verdict"]
