"""KeyService on the wire, on a real database."""

from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from contract.keys import is_well_formed
from proto.tessera.admin.v1.keys_pb2 import (
    KEY_STATUS_ACTIVE,
    KEY_STATUS_EXPIRED,
    KEY_STATUS_REVOKED,
    GetKeyRequest,
    GetKeyResponse,
    IssueKeyRequest,
    IssueKeyResponse,
    Key,
    ListKeysRequest,
    ListKeysResponse,
    RevokeKeyRequest,
    RevokeKeyResponse,
    RevokeLeakedKeyRequest,
    RevokeLeakedKeyResponse,
    RotateKeyRequest,
    RotateKeyResponse,
    UpdateKeyRequest,
    UpdateKeyResponse,
)
from tests.authz.admin_rpc.administered import Administered, some_id


def _at(moment: datetime) -> Timestamp:
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


async def test_a_key_is_issued_as_it_was_asked_for(admin: Administered) -> None:
    """Its text is in the response, once; what is shown of it later tells it from others."""
    account = await admin.make_account()
    expires = _at(datetime.now(UTC).replace(microsecond=0) + timedelta(days=1))
    request = IssueKeyRequest(
        account="acme",
        name="ci",
        environment="staging",
        scopes=["models"],
        networks=["192.0.2.0/24", "2001:db8::/32"],
        expire_time=expires,
        requests_per_minute=60,
    )
    issued = await admin.owner.call(request, IssueKeyResponse)
    key = issued.key
    assert is_well_formed(issued.secret)
    assert (key.account_id, key.name, key.environment) == (account.id, "ci", "staging")
    assert list(key.scopes) == ["models"]
    assert list(key.networks) == ["192.0.2.0/24", "2001:db8::/32"]
    assert (key.expire_time, key.status) == (expires, KEY_STATUS_ACTIVE)
    assert issued.secret.startswith(key.prefix)
    assert issued.secret.endswith(key.last_four)
    assert key.requests_per_minute == 60
    for absent in ("revoke_time", "last_use_time", "tokens_per_minute"):
        assert not key.HasField(absent)
    assert (await admin.owner.call(GetKeyRequest(id=key.id), GetKeyResponse)).key == key


async def test_a_request_sent_again_shows_no_text_again(admin: Administered) -> None:
    """And makes no second key."""
    await admin.make_account()
    first = await admin.issue("acme", request_id=some_id())
    again = await admin.issue("acme", request_id=some_id())
    assert (again.key, again.secret) == (first.key, "")
    listed = await admin.owner.call(ListKeysRequest(account="acme"), ListKeysResponse)
    assert [key.id for key in listed.keys] == [first.key.id]


async def test_everything_that_is_wrong_with_a_new_key_is_told(admin: Administered) -> None:
    """At once, by the fields' paths, as far down as the item of a list."""
    await admin.make_account()
    request = IssueKeyRequest(
        account="acme",
        environment="e" * 65,
        scopes=["models", "everything"],
        networks=["192.0.2.1/24"],
        expire_time=_at(datetime(2020, 1, 1, tzinfo=UTC)),
        tokens_per_minute=-1,
    )
    refusal = await admin.refusal(request)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.fields == [
        *("name", "environment", "scopes[1]", "networks[0]", "expire_time", "tokens_per_minute")
    ]
    request = IssueKeyRequest(request_id="x", expire_time=Timestamp(seconds=10**13))
    assert (await admin.refusal(request)).fields == ["request_id", "account", "expire_time"]


async def test_a_key_that_there_is_not_is_said_so(admin: Administered) -> None:
    """Whatever is to be done with it; an id that is none is a fault of the request."""
    requests = (
        GetKeyRequest(id=some_id()),
        RotateKeyRequest(id=some_id()),
        RevokeKeyRequest(id=some_id()),
        UpdateKeyRequest(key=Key(id=some_id()), update_mask=FieldMask(paths=["name"])),
    )
    for request in requests:
        refusal = await admin.refusal(request)
        assert refusal.code is grpc.StatusCode.NOT_FOUND
        assert some_id() in str(refusal.detail("ResourceInfo"))
    assert (await admin.refusal(GetKeyRequest(id="main"))).fields == ["id"]
    assert (await admin.refusal(RevokeKeyRequest())).fields == ["id"]


async def test_keys_are_listed_page_by_page(admin: Administered) -> None:
    """The newest first, each once."""
    await admin.make_account()
    made = [(await admin.issue("acme")).key.id for _ in range(3)]
    first = await admin.owner.call(ListKeysRequest(page_size=2), ListKeysResponse)
    rest = ListKeysRequest(page_size=2, page_token=first.next_page_token)
    last = await admin.owner.call(rest, ListKeysResponse)
    assert [key.id for page in (first, last) for key in page.keys] == made[::-1]
    assert last.next_page_token == ""


async def test_keys_are_found_by_status_and_environment(admin: Administered) -> None:
    """Expired is a status of its own."""
    await admin.make_account()
    active, expired, revoked = [(await admin.issue("acme")).key.id for _ in range(3)]
    query = "UPDATE keys SET expires_at = now() - interval '1 s' WHERE id = $1"
    await admin.connection.execute(query, expired)
    await admin.owner.call(RevokeKeyRequest(id=revoked), RevokeKeyResponse)
    for wanted, found in (
        (ListKeysRequest(status=KEY_STATUS_ACTIVE), [active]),
        (ListKeysRequest(status=KEY_STATUS_EXPIRED), [expired]),
        (ListKeysRequest(status=KEY_STATUS_REVOKED), [revoked]),
        (ListKeysRequest(environment="dev"), []),
    ):
        listed = await admin.owner.call(wanted, ListKeysResponse)
        assert [key.id for key in listed.keys] == found
        assert {key.status for key in listed.keys} <= {wanted.status}


async def test_what_the_mask_names_is_changed_and_nothing_else(admin: Administered) -> None:
    """An empty list is a value, too."""
    await admin.make_account()
    key = (await admin.issue("acme")).key
    sent = Key(id=key.id, name="other", networks=["192.0.2.0/24"], environment="dev")
    request = UpdateKeyRequest(key=sent, update_mask=FieldMask(paths=["networks", "name"]))
    changed = (await admin.owner.call(request, UpdateKeyResponse)).key
    assert (changed.name, list(changed.networks)) == ("other", ["192.0.2.0/24"])
    assert changed.environment == "prod"
    request = UpdateKeyRequest(key=Key(id=key.id), update_mask=FieldMask(paths=["networks"]))
    assert (await admin.owner.call(request, UpdateKeyResponse)).key.networks == []
    request = UpdateKeyRequest(key=sent, update_mask=FieldMask(paths=["status"]))
    assert (await admin.refusal(request)).fields == ["update_mask"]
    assert (await admin.refusal(UpdateKeyRequest(key=sent))).fields == ["update_mask"]


async def test_a_limit_is_set_and_taken_away(admin: Administered) -> None:
    """A field that is named and absent, or 0, is no limit; one that is not named stays."""
    await admin.make_account()
    key = (await admin.issue("acme")).key
    limits = Key(id=key.id, requests_per_minute=60, tokens_per_minute=10**11)
    both = FieldMask(paths=["requests_per_minute", "tokens_per_minute"])
    request = UpdateKeyRequest(key=limits, update_mask=both)
    changed = (await admin.owner.call(request, UpdateKeyResponse)).key
    assert (changed.requests_per_minute, changed.tokens_per_minute) == (60, 10**11)
    for sent in (Key(id=key.id), Key(id=key.id, requests_per_minute=0)):
        mask = FieldMask(paths=["requests_per_minute"])
        request = UpdateKeyRequest(key=sent, update_mask=mask)
        changed = (await admin.owner.call(request, UpdateKeyResponse)).key
        assert not changed.HasField("requests_per_minute")
        assert changed.tokens_per_minute == 10**11


async def test_a_key_is_rotated_and_the_old_one_lives_on_for_a_day(admin: Administered) -> None:
    """Linked both ways; the same request sent again makes no third key."""
    await admin.make_account()
    old = (await admin.issue("acme")).key
    request = RotateKeyRequest(id=old.id, request_id=some_id())
    rotated = await admin.owner.call(request, RotateKeyResponse)
    assert is_well_formed(rotated.secret)
    assert (rotated.key.replaces, rotated.replaced.replaced_by) == (old.id, rotated.key.id)
    left = rotated.replaced.expire_time.ToDatetime(UTC) - datetime.now(UTC)
    assert timedelta(hours=23) < left <= timedelta(hours=24)
    again = await admin.owner.call(request, RotateKeyResponse)
    assert (again.key, again.secret) == (rotated.key, "")


async def test_a_grace_of_nothing_ends_the_old_key_at_once(admin: Administered) -> None:
    """It is not taken for a grace that was not given; and a negative one is refused."""
    await admin.make_account()
    old = (await admin.issue("acme")).key
    wrong = RotateKeyRequest(id=old.id, grace=Duration(seconds=-1))
    assert (await admin.refusal(wrong)).fields == ["grace"]
    request = RotateKeyRequest(id=old.id, grace=Duration())
    rotated = await admin.owner.call(request, RotateKeyResponse)
    assert rotated.replaced.status == KEY_STATUS_REVOKED
    refusal = await admin.refusal(request)
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_revocation_tells_who_may_still_accept_the_key(admin: Administered) -> None:
    """At once where it is not waited for, after the time given where it is."""
    await admin.make_account()
    key = (await admin.issue("acme")).key
    await admin.put_process("authz-1", 0)
    for request in (
        RevokeKeyRequest(id=key.id, reason="lost"),
        RevokeKeyRequest(id=key.id, wait=True, timeout=Duration(nanos=50_000_000)),
    ):
        revoked = await admin.owner.call(request, RevokeKeyResponse)
        assert revoked.key.status == KEY_STATUS_REVOKED
        assert [process.name for process in revoked.laggards] == ["authz-1"]
        assert not revoked.refused_everywhere
    await admin.put_process("authz-1", revoked.change_number)
    revoked = await admin.owner.call(RevokeKeyRequest(id=key.id, wait=True), RevokeKeyResponse)
    assert revoked.refused_everywhere
    assert len(revoked.laggards) == 0


async def test_a_wait_is_at_most_a_minute(admin: Administered) -> None:
    """Longer than any server-side limit it could not be kept."""
    request = RevokeKeyRequest(id=some_id(), wait=True, timeout=Duration(seconds=61))
    assert (await admin.refusal(request)).fields == ["timeout"]


async def test_a_leaked_key_is_revoked_by_its_text(admin: Administered) -> None:
    """A text that is no key of ours is only said to be none."""
    await admin.make_account()
    issued = await admin.issue("acme")
    request = RevokeLeakedKeyRequest(
        secret=issued.secret, found_at="https://example.com/x", reporter="a scanner"
    )
    leaked = await admin.owner.call(request, RevokeLeakedKeyResponse)
    assert leaked.known
    assert (leaked.key.id, leaked.key.status) == (issued.key.id, KEY_STATUS_REVOKED)
    unknown = RevokeLeakedKeyRequest(secret="sk-tessera-nonsense", found_at="x", reporter="y")
    answer = await admin.owner.call(unknown, RevokeLeakedKeyResponse)
    assert answer == RevokeLeakedKeyResponse(known=False)
    missing = await admin.refusal(RevokeLeakedKeyRequest())
    assert missing.fields == ["secret", "found_at"]
