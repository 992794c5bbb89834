"""Tiers, audit, peppers and processes on the wire, on a real database."""

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from proto.tessera.admin.v1.audit_pb2 import (
    ListAuditEntriesRequest,
    ListAuditEntriesResponse,
    VerifyAuditRequest,
    VerifyAuditResponse,
)
from proto.tessera.admin.v1.peppers_pb2 import (
    PEPPER_STATUS_CURRENT,
    PEPPER_STATUS_NEW,
    PEPPER_STATUS_PREVIOUS,
    PEPPER_STATUS_RETIRED,
    GetPepperStatusRequest,
    GetPepperStatusResponse,
    RetirePepperRequest,
    RetirePepperResponse,
    RotatePepperRequest,
    RotatePepperResponse,
)
from proto.tessera.admin.v1.processes_pb2 import ListProcessesRequest, ListProcessesResponse
from proto.tessera.admin.v1.tiers_pb2 import (
    ENFORCEMENT_ENFORCED,
    ENFORCEMENT_SHADOW,
    ENFORCEMENT_UNSPECIFIED,
    Enforcement,
    GetTierRequest,
    GetTierResponse,
    ListTiersRequest,
    ListTiersResponse,
    Tier,
    UpsertTierRequest,
    UpsertTierResponse,
)
from tests.authz.admin_rpc.administered import Administered, some_id


def _gold(items_max: int = 4, enforcement: Enforcement = ENFORCEMENT_ENFORCED) -> Tier:
    return Tier(
        name="gold",
        requests_per_minute=10,
        tokens_per_minute=20,
        tokens_per_month=30,
        items_max=items_max,
        endpoints=["embeddings"],
        models=["*"],
        enforcement=enforcement,
    )


async def test_a_tier_is_made_read_and_listed(admin: Administered) -> None:
    """Every limit as it was sent."""
    made = await admin.owner.call(UpsertTierRequest(tier=_gold()), UpsertTierResponse)
    assert (made.tier, made.created) == (_gold(), True)
    found = await admin.owner.call(GetTierRequest(name="gold"), GetTierResponse)
    assert found.tier == _gold()
    listed = await admin.owner.call(ListTiersRequest(), ListTiersResponse)
    assert [tier.name for tier in listed.tiers] == sorted(tier.name for tier in listed.tiers)
    assert _gold() in listed.tiers


async def test_one_limit_of_a_tier_is_changed(admin: Administered) -> None:
    """What the mask does not name stays."""
    await admin.owner.call(UpsertTierRequest(tier=_gold()), UpsertTierResponse)
    request = UpsertTierRequest(
        tier=Tier(name="gold", items_max=8), update_mask=FieldMask(paths=["items_max"])
    )
    changed = await admin.owner.call(request, UpsertTierResponse)
    assert (changed.tier, changed.created) == (_gold(items_max=8), False)


async def test_a_tier_only_watches_where_it_is_said(admin: Administered) -> None:
    """Whoever sends every field and knows nothing of this one leaves it as it is."""
    shadow = _gold(enforcement=ENFORCEMENT_SHADOW)
    unsaid = _gold(enforcement=ENFORCEMENT_UNSPECIFIED)
    mask = FieldMask(paths=["enforcement"])
    for request, enforcement in (
        (UpsertTierRequest(tier=unsaid), ENFORCEMENT_ENFORCED),
        (UpsertTierRequest(tier=shadow), ENFORCEMENT_SHADOW),
        (UpsertTierRequest(tier=unsaid), ENFORCEMENT_SHADOW),
        (
            UpsertTierRequest(tier=_gold(), update_mask=FieldMask(paths=["models"])),
            ENFORCEMENT_SHADOW,
        ),
        (UpsertTierRequest(tier=_gold(), update_mask=mask), ENFORCEMENT_ENFORCED),
    ):
        answer = await admin.owner.call(request, UpsertTierResponse)
        assert answer.tier == _gold(enforcement=enforcement)
    unknown = Tier.FromString(b"\x0a\x04gold\x40\x03")  # field 8, value 3
    for wrong in (unsaid, unknown):
        refusal = await admin.refusal(UpsertTierRequest(tier=wrong, update_mask=mask))
        assert refusal.fields == ["tier.enforcement"]


async def test_a_tier_that_makes_no_sense_is_refused(admin: Administered) -> None:
    """By the fields that are wrong; a new one needs them all."""
    request = UpsertTierRequest(tier=_gold(items_max=-1))
    assert (await admin.refusal(request)).fields == ["tier.items_max"]
    request = UpsertTierRequest(tier=_gold(), update_mask=FieldMask(paths=["name"]))
    assert (await admin.refusal(request)).fields == ["update_mask"]
    assert "tier.name" in (await admin.refusal(UpsertTierRequest())).fields
    request = UpsertTierRequest(tier=_gold(), update_mask=FieldMask(paths=["items_max"]))
    assert len((await admin.refusal(request)).fields) == 5
    refusal = await admin.refusal(GetTierRequest(name="lead"))
    assert refusal.code is grpc.StatusCode.NOT_FOUND


async def test_the_audit_tells_who_did_what(admin: Administered) -> None:
    """The newest first, page by page, by subject and by actor; and it can be verified."""
    account = await admin.make_account()
    support = admin.serving.connect_as("support", "bob")
    admin.owner, owner = support, admin.owner
    issued = await admin.issue("acme", request_id=some_id())
    admin.owner = owner
    first = await owner.call(ListAuditEntriesRequest(page_size=1), ListAuditEntriesResponse)
    [entry] = first.entries
    assert (entry.actor, entry.role, entry.address) == ("bob", "support", "127.0.0.1")
    assert (entry.method, entry.subject_kind, entry.subject) == ("IssueKey", "key", issued.key.id)
    assert (entry.request_id, entry.before) == (some_id(), "")
    assert issued.secret.encode() not in first.SerializeToString()
    rest = ListAuditEntriesRequest(page_size=1, page_token=first.next_page_token)
    [older] = (await owner.call(rest, ListAuditEntriesResponse)).entries
    assert (older.subject, older.actor) == (account.id, "local")
    by_actor = ListAuditEntriesRequest(actor="bob")
    found = await owner.call(by_actor, ListAuditEntriesResponse)
    assert [each.number for each in found.entries] == [entry.number]
    *_, last = await owner.stream(VerifyAuditRequest(), VerifyAuditResponse)
    assert (last.done, last.fault, last.verified, last.head) == (True, "", 2, entry.hash)


async def test_a_fault_in_the_audit_is_told(admin: Administered) -> None:
    """With the entry's number."""
    await admin.make_account()
    await admin.connection.execute("ALTER TABLE audit DISABLE TRIGGER audit_kept")
    await admin.connection.execute("UPDATE audit SET actor = 'nobody'")
    *_, last = await admin.owner.stream(VerifyAuditRequest(), VerifyAuditResponse)
    assert (last.done, last.fault_number) == (True, 1)
    assert last.fault


async def _statuses(admin: Administered) -> dict[str, int]:
    state = await admin.owner.call(GetPepperStatusRequest(), GetPepperStatusResponse)
    return {pepper.id: pepper.status for pepper in state.peppers}


async def test_a_pepper_is_rotated_and_retired(admin: Administered) -> None:
    """Once every process knows the new one; the old one while no key needs it."""
    await admin.make_account()
    await admin.issue("acme")
    old = admin.peppers.newest.id
    await admin.put_process("authz-1", 1_000_000)
    admin.add_pepper()
    new = admin.peppers.newest.id
    assert await _statuses(admin) == {old: PEPPER_STATUS_CURRENT, new: PEPPER_STATUS_NEW}
    with pytest.raises(grpc.aio.AioRpcError, match="FAILED_PRECONDITION"):
        await admin.owner.stream(RotatePepperRequest(), RotatePepperResponse)
    await admin.put_process("authz-1", 1_000_000)
    *_, last = await admin.owner.stream(RotatePepperRequest(), RotatePepperResponse)
    assert (last.done, last.wrapped, last.total, last.pepper_id) == (True, 1, 1, new)
    assert await _statuses(admin) == {old: PEPPER_STATUS_PREVIOUS, new: PEPPER_STATUS_CURRENT}
    refusal = await admin.refusal(RetirePepperRequest(id=old))
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    await admin.connection.execute("DELETE FROM keys")
    retired = await admin.owner.call(RetirePepperRequest(id=old), RetirePepperResponse)
    assert retired.pepper.status == PEPPER_STATUS_RETIRED
    assert (await admin.refusal(RetirePepperRequest())).fields == ["id"]


async def test_processes_are_listed_with_what_they_know(admin: Administered) -> None:
    """One that has not been heard of for a while is called silent, until it is fenced."""
    await admin.make_account()
    await admin.put_process("authz-1", 3)
    await admin.put_process("authz-2", 2)
    silence = "UPDATE processes SET seen_at = now() - interval '1 min' WHERE name = 'authz-2'"
    await admin.connection.execute(silence)
    listed = await admin.owner.call(ListProcessesRequest(), ListProcessesResponse)
    told = [(each.name, each.change_number, each.silent) for each in listed.processes]
    assert told == [("authz-1", 3, False), ("authz-2", 2, True)]
    assert listed.processes[0].pepper_ids == [admin.peppers.newest.id]
    assert listed.change_number > 0
