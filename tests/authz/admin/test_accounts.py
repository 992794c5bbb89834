"""Accounts: made, found, changed, suspended and closed."""

import json

import pytest

from authz.domain.administration.records import AccountRecord, PageRequest
from authz.domain.administration.refusals import (
    AlreadyExistsError,
    InvalidFieldsError,
    NotFoundError,
    PreconditionError,
)
from authz.domain.directory import AccountStatus
from authz.service.admin.accounts import AccountChanges, AccountFilter, FirstKey, NewAccount
from authz.service.admin.keys import KeySpec
from tests.administration import Administration, ask
from tests.authz.mail.doubles import FakeMailer


async def test_an_account_is_found_by_id_and_by_name(
    services: Administration, acme: AccountRecord
) -> None:
    """As it was made."""
    assert await services.accounts.get(str(acme.id)) == acme
    assert await services.accounts.get("acme") == acme
    assert (acme.email, acme.tier, acme.status) == (
        "ops@acme.example",
        "standard",
        AccountStatus.ACTIVE,
    )


@pytest.mark.parametrize("account", ["nobody", "", "a\0b", "00000000-0000-0000-0000-000000000000"])
async def test_what_there_is_not_is_not_found(services: Administration, account: str) -> None:
    """Whatever was asked for."""
    with pytest.raises(NotFoundError) as caught:
        await services.accounts.get(account)
    assert (caught.value.kind, caught.value.name) == ("account", account)


async def test_a_name_is_taken_once(services: Administration, acme: AccountRecord) -> None:
    """By making an account, or by renaming one."""
    with pytest.raises(AlreadyExistsError):
        await services.accounts.create(ask(), NewAccount("acme", "", "trial"), None)
    other, _ = await services.accounts.create(ask(), NewAccount("other", "", "trial"), None)
    with pytest.raises(AlreadyExistsError):
        await services.accounts.update(ask(), str(other.id), AccountChanges(name="acme"))


async def test_all_that_is_wrong_with_a_new_account_is_told(services: Administration) -> None:
    """By the request's own field names, before anything is mailed."""
    with pytest.raises(InvalidFieldsError) as caught:
        await services.accounts.create(ask(), NewAccount("", "x", "trial"), FirstKey("", ""))
    fields = [each.field for each in caught.value.violations]
    assert fields == ["name", "email", "first_key.name", "first_key.environment"]


@pytest.mark.parametrize("first_key", [None, FirstKey("default", "prod")])
async def test_an_account_needs_a_tier_that_there_is(
    services: Administration, mailer: FakeMailer, first_key: FirstKey | None
) -> None:
    """Nothing is mailed where there is none."""
    with pytest.raises(InvalidFieldsError) as caught:
        await services.accounts.create(ask(), NewAccount("acme", "a@b", "gold"), first_key)
    assert [each.field for each in caught.value.violations] == ["tier"]
    assert mailer.accepted == []


async def test_only_what_is_named_is_changed(services: Administration, acme: AccountRecord) -> None:
    """An empty email takes it away."""
    changes = AccountChanges(email="", tier="scale")
    changed = await services.accounts.update(ask(), str(acme.id), changes)
    assert (changed.name, changed.email, changed.tier) == ("acme", None, "scale")
    assert await services.accounts.get("acme") == changed


async def test_an_update_names_its_fields(services: Administration, acme: AccountRecord) -> None:
    """As the request does."""
    changes = AccountChanges(name="", email="x", tier="gold")
    with pytest.raises(InvalidFieldsError) as caught:
        await services.accounts.update(ask(), str(acme.id), changes)
    fields = [each.field for each in caught.value.violations]
    assert fields == ["account.name", "account.email", "account.tier"]


async def test_suspending_twice_is_suspending_once(
    services: Administration, acme: AccountRecord
) -> None:
    """And so is resuming; each is audited with its reason."""
    for _ in range(2):
        assert (await services.accounts.suspend(ask(), "acme", "")).status == "suspended"
    for _ in range(2):
        assert (await services.accounts.resume(ask(), "acme", "paid")).status == "active"
    newest, *_ = (await services.audit.list(PageRequest(10), subject=str(acme.id))).items
    assert newest.before is not None
    assert newest.after is not None
    assert json.loads(newest.before)["status"] == "active"
    assert json.loads(newest.after)["reason"] == "paid"


async def test_closed_is_for_ever(services: Administration, acme: AccountRecord) -> None:
    """Nothing opens the account again, and no key is made for it."""
    closed = AccountChanges(status=AccountStatus.CLOSED)
    await services.accounts.update(ask(), str(acme.id), closed)
    assert (await services.accounts.update(ask(), str(acme.id), closed)).status == "closed"
    with pytest.raises(PreconditionError):
        await services.accounts.resume(ask(), "acme", "")
    with pytest.raises(PreconditionError):
        await services.accounts.suspend(ask(), "acme", "")
    reopened = AccountChanges(status=AccountStatus.ACTIVE)
    with pytest.raises(PreconditionError):
        await services.accounts.update(ask(), str(acme.id), reopened)
    with pytest.raises(PreconditionError):
        await services.keys.issue(ask(), KeySpec("acme", "k", "prod", (), (), None))


async def test_accounts_are_listed_by_name_page_by_page(services: Administration) -> None:
    """Every one of them once, though others come in between."""
    for name in ("delta", "alpha", "charlie", "bravo"):
        await services.accounts.create(ask(), NewAccount(name, f"{name}@b", "trial"), None)
    first = await services.accounts.list(AccountFilter(), PageRequest(2))
    await services.accounts.create(ask(), NewAccount("aardvark", "", "trial"), None)
    second = await services.accounts.list(AccountFilter(), PageRequest(2, first.next_token))
    assert [each.name for each in first.items] == ["alpha", "bravo"]
    assert [each.name for each in second.items] == ["charlie", "delta"]
    assert second.next_token is None


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (AccountFilter(search="ALPHA"), ["alpha"]),
        (AccountFilter(search="@shop"), ["bravo"]),
        (AccountFilter(search="%"), []),
        (AccountFilter(tier="scale"), ["bravo"]),
        (AccountFilter(status=AccountStatus.SUSPENDED), ["alpha"]),
        (AccountFilter(status=AccountStatus.SUSPENDED, tier="scale"), []),
    ],
)
async def test_accounts_are_filtered(
    services: Administration, wanted: AccountFilter, names: list[str]
) -> None:
    """By text, tier and status, all that are given at once."""
    await services.accounts.create(ask(), NewAccount("alpha", "", "trial"), None)
    await services.accounts.create(ask(), NewAccount("bravo", "a@SHOP.example", "scale"), None)
    await services.accounts.suspend(ask(), "alpha", "")
    page = await services.accounts.list(wanted, PageRequest(10))
    assert [each.name for each in page.items] == names


async def test_a_token_belongs_to_its_filter(services: Administration) -> None:
    """Another filter would leave a hole that nobody sees."""
    for name in ("a", "b"):
        await services.accounts.create(ask(), NewAccount(name, "", "trial"), None)
    page = await services.accounts.list(AccountFilter(), PageRequest(1))
    with pytest.raises(InvalidFieldsError, match="page_token"):
        await services.accounts.list(AccountFilter(tier="trial"), PageRequest(1, page.next_token))
