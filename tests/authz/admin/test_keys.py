"""Keys: issued, listed and changed."""

import json
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network

import asyncpg
import pytest

from authz.domain.administration.records import AccountRecord, KeyListStatus, PageRequest
from authz.domain.administration.refusals import (
    InvalidFieldsError,
    NotFoundError,
    PreconditionError,
)
from authz.domain.directory import Endpoint
from authz.domain.pepper import Peppers
from authz.service.admin.accounts import NewAccount
from authz.service.admin.keys import Issued, KeyChanges, KeyFilter, KeySpec
from contract.keys import is_well_formed
from tests.administration import Administration, ask
from tests.authz.admin.conftest import SECOND_PEPPER

_FAR = datetime(2090, 1, 1, tzinfo=UTC)


async def test_a_key_is_stored_as_asked_for_and_its_text_is_not(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """What is stored of the text is its digest and what is shown."""
    spec = KeySpec("acme", "batch", "prod", ("embeddings",), ("192.0.2.0/24",), _FAR, 60, 10**11)
    issued = await services.keys.issue(ask(), spec)
    key, secret = issued.key, issued.secret
    assert secret is not None
    assert is_well_formed(secret)
    assert (key.account_id, key.name, key.environment) == (acme.id, "batch", "prod")
    assert (key.scopes, key.networks) == ({Endpoint.EMBEDDINGS}, (ip_network("192.0.2.0/24"),))
    assert (key.status, key.expires_at) == (KeyListStatus.ACTIVE, _FAR)
    assert (key.requests_per_minute, key.tokens_per_minute) == (60, 10**11)
    assert (key.prefix, key.last_four) == (secret[:14], secret[-4:])
    digest = await connection.fetchval("SELECT digest FROM keys WHERE id = $1", key.id)
    assert digest == services.peppers().newest.digest_key(secret)
    assert secret not in repr(issued)
    assert await services.keys.get(str(key.id)) == key


async def test_a_key_without_scopes_may_call_everything(issued: Issued) -> None:
    """From anywhere, for ever, as much as its account may."""
    key = issued.key
    assert (key.requests_per_minute, key.tokens_per_minute) == (None, None)
    assert (key.scopes, key.networks, key.expires_at) == (set(Endpoint), (), None)


async def test_all_that_is_wrong_with_a_key_is_told(
    services: Administration, acme: AccountRecord
) -> None:
    """By the request's own field names."""
    past = datetime(2020, 1, 1, tzinfo=UTC)
    spec = KeySpec("acme", "", "", ("models", "x"), ("192.0.2.1/24",), past, -1, 10**11 + 1)
    with pytest.raises(InvalidFieldsError) as caught:
        await services.keys.issue(ask(), spec)
    fields = [each.field for each in caught.value.violations]
    assert fields == [
        *("name", "environment", "scopes[1]", "networks[0]", "expire_time"),
        *("requests_per_minute", "tokens_per_minute"),
    ]


@pytest.mark.parametrize("key_id", ["", "x", "00000000-0000-0000-0000-000000000000"])
async def test_a_key_that_there_is_not_is_not_found(services: Administration, key_id: str) -> None:
    """By whatever method it is asked for."""
    keys = services.keys
    for call in (
        keys.get(key_id),
        keys.update(ask(), key_id, KeyChanges()),
        keys.rotate(ask(), key_id, timedelta(), None),
        keys.revoke(ask(), key_id, ""),
    ):
        with pytest.raises(NotFoundError):
            await call


async def test_a_key_is_expired_by_the_databases_clock(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """In what is shown as in what is listed."""
    await connection.execute("UPDATE keys SET expires_at = clock_timestamp()")
    assert (await services.keys.get(str(issued.key.id))).status is KeyListStatus.EXPIRED
    for status, count in ((KeyListStatus.EXPIRED, 1), (KeyListStatus.ACTIVE, 0)):
        page = await services.keys.list(KeyFilter(status=status), PageRequest(10))
        assert len(page.items) == count


async def test_the_last_use_is_shown(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """As the data plane noted it."""
    await connection.execute("INSERT INTO key_uses VALUES ($1, $2)", issued.key.id, _FAR)
    assert issued.key.last_used_at is None
    assert (await services.keys.get(str(issued.key.id))).last_used_at == _FAR


async def test_keys_are_listed_newest_first_page_by_page(
    services: Administration, acme: AccountRecord
) -> None:
    """Every one of them once, though others come in between."""
    for number in range(5):
        spec = KeySpec("acme", f"key {number}", "dev", (), (), None)
        await services.keys.issue(ask(), spec)
    names: list[str] = []
    page = PageRequest(2)
    while True:
        found = await services.keys.list(KeyFilter(account="acme"), page)
        names += [key.name for key in found.items]
        await services.keys.issue(ask(), KeySpec("acme", "later", "dev", (), (), None))
        if found.next_token is None:
            break
        page = PageRequest(2, found.next_token)
    assert names == [f"key {number}" for number in (4, 3, 2, 1, 0)]


async def test_keys_are_filtered(services: Administration, issued: Issued) -> None:
    """By account, status and environment, all that are given at once."""
    await services.accounts.create(ask(), NewAccount("other", "", "trial"), None)
    other = (await services.keys.issue(ask(), KeySpec("other", "k", "dev", (), (), None))).key
    await services.keys.revoke(ask(), str(other.id), "")

    async def names(**wanted: str | KeyListStatus) -> list[str]:
        page = await services.keys.list(KeyFilter(**wanted), PageRequest(10))  # type: ignore[arg-type]
        return [key.name for key in page.items]

    assert await names() == ["k", "batch"]
    assert await names(account=str(issued.key.account_id)) == ["batch"]
    assert await names(environment="dev") == ["k"]
    assert await names(status=KeyListStatus.REVOKED) == ["k"]
    assert await names(status=KeyListStatus.REVOKED, account="acme") == []
    with pytest.raises(NotFoundError):
        await names(account="nobody")


async def test_only_what_is_named_of_a_key_is_changed(
    services: Administration, issued: Issued
) -> None:
    """No scopes are all scopes again."""
    key_id = str(issued.key.id)
    changes = KeyChanges(name="new", scopes=("models",), networks=("192.0.2.0/24",))
    changed = await services.keys.update(ask(), key_id, changes)
    assert (changed.name, changed.environment, changed.scopes) == ("new", "prod", {Endpoint.MODELS})
    again = await services.keys.update(ask(), key_id, KeyChanges(scopes=(), networks=()))
    assert (again.name, again.scopes, again.networks) == ("new", set(Endpoint), ())
    assert await services.keys.get(key_id) == again


async def test_a_keys_limits_are_set_and_taken_away_one_by_one(
    services: Administration, issued: Issued
) -> None:
    """0 is no limit of its own; the audit tells what each was."""
    key_id = str(issued.key.id)

    async def change(**limits: int) -> tuple[int | None, int | None]:
        key = await services.keys.update(ask(), key_id, KeyChanges(**limits))  # type: ignore[arg-type]
        assert await services.keys.get(key_id) == key
        return key.requests_per_minute, key.tokens_per_minute

    assert await change(requests_per_minute=60) == (60, None)
    assert await change(tokens_per_minute=10**11) == (60, 10**11)
    assert await change(requests_per_minute=0) == (None, 10**11)
    assert await change(tokens_per_minute=0) == (None, None)
    [entry, *_] = (await services.audit.list(PageRequest(1))).items
    before, after = (json.loads(facts or "") for facts in (entry.before, entry.after))
    assert (before["tokens_per_minute"], after["tokens_per_minute"]) == (10**11, None)


async def test_an_update_of_a_key_names_its_fields(
    services: Administration, issued: Issued
) -> None:
    """As the request does."""
    changes = KeyChanges("", "", ("x",), ("x",), 2**31, -1)
    with pytest.raises(InvalidFieldsError) as caught:
        await services.keys.update(ask(), str(issued.key.id), changes)
    fields = [each.field for each in caught.value.violations]
    assert fields == [
        *("key.name", "key.environment", "key.scopes[0]", "key.networks[0]"),
        *("key.requests_per_minute", "key.tokens_per_minute"),
    ]


async def test_a_revoked_key_is_not_changed(services: Administration, issued: Issued) -> None:
    """It is over."""
    await services.keys.revoke(ask(), str(issued.key.id), "")
    with pytest.raises(PreconditionError):
        await services.keys.update(ask(), str(issued.key.id), KeyChanges(name="new"))


async def test_no_key_is_made_under_a_pepper_that_is_not_known(
    services: Administration, issued: Issued
) -> None:
    """It could never be found; whoever runs this is told which pepper is missing."""
    current = services.peppers().newest.id
    services.peppers.peppers = Peppers.parse(SECOND_PEPPER)
    with pytest.raises(PreconditionError, match=current):
        await services.keys.issue(ask(), KeySpec("acme", "k", "prod", (), (), None))
