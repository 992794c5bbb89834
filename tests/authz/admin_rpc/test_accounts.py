"""AccountService on the wire, on a real database."""

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.error_details_pb2 import PreconditionFailure, ResourceInfo

from authz.domain.administration.mail import WelcomeMail
from proto.tessera.admin.v1.accounts_pb2 import (
    ACCOUNT_STATUS_ACTIVE,
    ACCOUNT_STATUS_CLOSED,
    ACCOUNT_STATUS_SUSPENDED,
    Account,
    CreateAccountRequest,
    CreateAccountResponse,
    FirstKey,
    GetAccountRequest,
    GetAccountResponse,
    ListAccountsRequest,
    ListAccountsResponse,
    ResumeAccountRequest,
    ResumeAccountResponse,
    SuspendAccountRequest,
    SuspendAccountResponse,
    UpdateAccountRequest,
    UpdateAccountResponse,
)
from proto.tessera.admin.v1.keys_pb2 import KEY_STATUS_ACTIVE
from tests.authz.admin_rpc.administered import Administered, some_id


def _new(name: str = "acme", **more: str) -> CreateAccountRequest:
    return CreateAccountRequest(
        name=name, email="ada@example.com", tier="standard", first_key=FirstKey(), **more
    )


async def test_an_account_is_made_with_its_first_key(admin: Administered) -> None:
    """Whose text is in the mail, and nowhere in the response."""
    made = await admin.owner.call(_new(), CreateAccountResponse)
    [mail] = admin.mailer.accepted
    assert isinstance(mail, WelcomeMail)
    assert (made.account.name, made.account.status) == ("acme", ACCOUNT_STATUS_ACTIVE)
    assert (made.first_key.name, made.first_key.environment) == ("default", "prod")
    assert made.first_key.status == KEY_STATUS_ACTIVE
    assert made.first_key.account_id == made.account.id
    assert mail.secret.endswith(made.first_key.last_four)
    assert mail.secret.encode() not in made.SerializeToString()


async def test_an_account_without_a_key_sends_no_mail(admin: Administered) -> None:
    """And may be one of our own, without an address."""
    request = CreateAccountRequest(name="internal", tier="standard")
    made = await admin.owner.call(request, CreateAccountResponse)
    assert (made.account.email, made.HasField("first_key")) == ("", False)
    assert admin.mailer.accepted == []


async def test_the_same_request_sent_again_makes_no_second_account(admin: Administered) -> None:
    """Nor a second mail; the answer is the same."""
    request = _new(request_id=some_id())
    first = await admin.owner.call(request, CreateAccountResponse)
    assert await admin.owner.call(request, CreateAccountResponse) == first
    assert len(admin.mailer.accepted) == 1


async def test_a_request_id_is_for_one_request(admin: Administered) -> None:
    """Another request with it is refused, by the field's name."""
    await admin.owner.call(_new(request_id=some_id()), CreateAccountResponse)
    refusal = await admin.refusal(_new("other", request_id=some_id()))
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["request_id"])


async def test_a_mail_that_was_not_accepted_leaves_no_account(admin: Administered) -> None:
    """And the caller learns that, and what the mail server said."""
    admin.mailer.refusal = "mail.example refused the recipient: 550."
    refusal = await admin.refusal(_new())
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    told = f"Nothing was made, for the welcome mail was not accepted: {admin.mailer.refusal}"
    assert refusal.error.details() == told
    refusal = await admin.refusal(GetAccountRequest(account="acme"))
    assert refusal.code is grpc.StatusCode.NOT_FOUND


async def test_everything_that_is_wrong_with_a_new_account_is_told(admin: Administered) -> None:
    """At once, by the fields' paths."""
    request = CreateAccountRequest(
        name="", email="nobody", tier="standard", first_key=FirstKey(environment="e" * 65)
    )
    refusal = await admin.refusal(request)
    assert refusal.code is grpc.StatusCode.INVALID_ARGUMENT
    assert set(refusal.fields) == {"name", "email", "first_key.environment"}
    refusal = await admin.refusal(CreateAccountRequest(name="acme", tier="gold"))
    assert refusal.fields == ["tier"]


async def test_a_name_that_is_taken_is_said_so(admin: Administered) -> None:
    """With the account that has it."""
    await admin.make_account()
    refusal = await admin.refusal(_new())
    resource = refusal.detail("ResourceInfo")
    assert isinstance(resource, ResourceInfo)
    assert refusal.code is grpc.StatusCode.ALREADY_EXISTS
    assert (resource.resource_type, resource.resource_name) == ("account", "acme")


async def test_an_account_is_found_by_its_id_or_its_name(admin: Administered) -> None:
    """Either is enough."""
    account = await admin.make_account()
    for reference in (account.id, "acme"):
        found = await admin.owner.call(GetAccountRequest(account=reference), GetAccountResponse)
        assert found.account == account
    for missing in (some_id(), "nobody"):
        refusal = await admin.refusal(GetAccountRequest(account=missing))
        assert refusal.code is grpc.StatusCode.NOT_FOUND
    assert (await admin.refusal(GetAccountRequest())).fields == ["account"]


async def test_accounts_are_listed_page_by_page(admin: Administered) -> None:
    """By name, each once; a token is good for the list that it came from alone."""
    for name in ("c", "a", "b"):
        await admin.make_account(name)
    first = await admin.owner.call(ListAccountsRequest(page_size=2), ListAccountsResponse)
    rest = ListAccountsRequest(page_size=2, page_token=first.next_page_token)
    last = await admin.owner.call(rest, ListAccountsResponse)
    names = [account.name for page in (first, last) for account in page.accounts]
    assert (names, last.next_page_token) == (["a", "b", "c"], "")
    other = ListAccountsRequest(search="a", page_token=first.next_page_token)
    assert (await admin.refusal(other)).fields == ["page_token"]
    assert (await admin.refusal(ListAccountsRequest(page_size=1001))).fields == ["page_size"]


async def test_accounts_are_found_by_what_is_known_of_them(admin: Administered) -> None:
    """Text, tier and status."""
    await admin.make_account("acme")
    request = SuspendAccountRequest(account="acme")
    await admin.owner.call(request, SuspendAccountResponse)
    await admin.make_account("umbrella")
    for wanted, names in (
        (ListAccountsRequest(search="ACM"), ["acme"]),
        (ListAccountsRequest(tier="standard"), ["acme", "umbrella"]),
        (ListAccountsRequest(status=ACCOUNT_STATUS_SUSPENDED), ["acme"]),
        (ListAccountsRequest(status=ACCOUNT_STATUS_CLOSED), []),
    ):
        found = await admin.owner.call(wanted, ListAccountsResponse)
        assert [account.name for account in found.accounts] == names
    assert (await admin.refusal(ListAccountsRequest(status=9))).fields == ["status"]  # type: ignore[arg-type] # no such status


async def test_what_the_mask_names_is_changed_and_nothing_else(admin: Administered) -> None:
    """Whatever else the message holds."""
    account = await admin.make_account()
    sent = Account(id=account.id, name="other", email="bob@example.com", tier="nonsense")
    request = UpdateAccountRequest(account=sent, update_mask=FieldMask(paths=["email"]))
    changed = (await admin.owner.call(request, UpdateAccountResponse)).account
    assert (changed.name, changed.email) == ("acme", "bob@example.com")
    assert changed.tier == "standard"


async def test_a_mask_that_makes_no_sense_is_refused(admin: Administered) -> None:
    """No field, an unknown one, one that never changes, a status that was not sent."""
    account = Account(id=(await admin.make_account()).id)
    for paths in ([], ["nonsense"], ["id"], ["create_time"], ["account.name"], ["*"]):
        request = UpdateAccountRequest(account=account, update_mask=FieldMask(paths=paths))
        assert (await admin.refusal(request)).fields == ["update_mask"]
    request = UpdateAccountRequest(account=account, update_mask=FieldMask(paths=["status"]))
    assert (await admin.refusal(request)).fields == ["account.status"]
    request = UpdateAccountRequest(update_mask=FieldMask(paths=["name"]))
    assert (await admin.refusal(request)).fields == ["account.id"]


async def test_an_account_is_suspended_and_resumed(admin: Administered) -> None:
    """By its name, too."""
    await admin.make_account()
    suspend = SuspendAccountRequest(account="acme", reason="unpaid")
    suspended = await admin.owner.call(suspend, SuspendAccountResponse)
    assert suspended.account.status == ACCOUNT_STATUS_SUSPENDED
    resume = ResumeAccountRequest(account="acme", reason="paid")
    resumed = await admin.owner.call(resume, ResumeAccountResponse)
    assert resumed.account.status == ACCOUNT_STATUS_ACTIVE


async def test_a_closed_account_stays_closed(admin: Administered) -> None:
    """And the refusal says of which account, and why."""
    account = await admin.make_account()
    closed = Account(id=account.id, status=ACCOUNT_STATUS_CLOSED)
    request = UpdateAccountRequest(account=closed, update_mask=FieldMask(paths=["status"]))
    await admin.owner.call(request, UpdateAccountResponse)
    refusal = await admin.refusal(ResumeAccountRequest(account=account.id))
    failure = refusal.detail("PreconditionFailure")
    assert isinstance(failure, PreconditionFailure)
    assert refusal.code is grpc.StatusCode.FAILED_PRECONDITION
    assert failure.violations[0].type == "ACCOUNT"
