"""Keys whose text was found where it should not be."""

import json

import asyncpg
import pytest

from authz.domain.administration.mail import LeakMail
from authz.domain.administration.records import AccountRecord, KeyListStatus, PageRequest
from authz.domain.administration.refusals import PreconditionError
from authz.domain.pepper import Peppers
from authz.service.admin.accounts import AccountChanges
from authz.service.admin.keys import Issued, KeySpec
from tests.administration import Administration, ask
from tests.authz.admin.conftest import FIRST_PEPPER, SECOND_PEPPER, THIRD_PEPPER
from tests.authz.doubles import key_text
from tests.authz.mail.doubles import FakeMailer


async def _text(services: Administration) -> str:
    secret = (await services.keys.issue(ask(), KeySpec("acme", "k", "prod", (), (), None))).secret
    assert secret is not None
    return secret


async def test_a_leaked_key_is_revoked_audited_and_its_owner_warned(
    services: Administration, acme: AccountRecord, mailer: FakeMailer
) -> None:
    """The warning is stored with the revocation, and sent afterwards."""
    text = await _text(services)
    place = f"https://paste.example/?q={text}"
    key = await services.keys.revoke_leaked(ask(), text, place, "GitHub")
    assert key is not None
    assert key.status is KeyListStatus.REVOKED
    await services.notices.send()
    (mail,) = mailer.accepted
    assert isinstance(mail, LeakMail)
    assert (mail.recipient, mail.account_name) == ("ops@acme.example", "acme")
    assert (mail.shown, mail.reporter) == (f"{key.prefix}…{key.last_four}", "GitHub")
    assert mail.at == key.revoked_at
    (entry, *_) = (await services.audit.list(PageRequest(1))).items
    assert entry.after is not None
    assert json.loads(entry.after)["reporter"] == "GitHub"
    assert text not in mail.found_at + entry.after


@pytest.mark.parametrize(
    "text", ["", "hello", key_text(7), "sk-tessera-" + "a" * 40, "\0", "ü" * 51]
)
async def test_a_text_that_is_no_key_of_ours_leaves_no_trace(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection, text: str
) -> None:
    """Anybody can send such texts, in any number."""
    await _text(services)
    before = await connection.fetchval("SELECT max(number) FROM audit")
    assert await services.keys.revoke_leaked(ask(), text, "somewhere", "somebody") is None
    assert await connection.fetchval("SELECT max(number) FROM audit") == before


async def test_a_key_found_twice_is_mailed_once(
    services: Administration, acme: AccountRecord, connection: asyncpg.Connection
) -> None:
    """Nor is one that its owner revoked already."""
    text = await _text(services)
    first = await services.keys.revoke_leaked(ask(), text, "here", "ada")
    assert await services.keys.revoke_leaked(ask(), text, "there", "bob") == first
    other = await services.keys.issue(ask(), KeySpec("acme", "k", "prod", (), (), None))
    await services.keys.revoke(ask(), str(other.key.id), "")
    assert other.secret is not None
    assert await services.keys.revoke_leaked(ask(), other.secret, "here", "ada") is not None
    assert await connection.fetchval("SELECT count(*) FROM notices") == 1


async def test_an_account_without_an_address_is_not_mailed(
    services: Administration, issued: Issued, connection: asyncpg.Connection
) -> None:
    """Its key ends all the same."""
    await services.accounts.update(ask(), str(issued.key.account_id), AccountChanges(email=""))
    assert issued.secret is not None
    key = await services.keys.revoke_leaked(ask(), issued.secret, "here", "ada")
    assert key is not None
    assert key.status is KeyListStatus.REVOKED
    assert await connection.fetchval("SELECT count(*) FROM notices") == 0


async def test_a_key_is_found_under_any_chain_of_peppers(
    services: Administration, acme: AccountRecord
) -> None:
    """However often the pepper was rotated since it was made."""
    texts = [await _text(services)]
    for known in (
        f"{FIRST_PEPPER}\n{SECOND_PEPPER}",
        f"{FIRST_PEPPER}\n{SECOND_PEPPER}\n{THIRD_PEPPER}",
    ):
        services.peppers.peppers = Peppers.parse(known)
        assert [step async for step in services.rotation.rotate(ask())][-1].done
        texts.append(await _text(services))
    for text in texts:
        assert await services.keys.revoke_leaked(ask(), text, "here", "ada") is not None


async def test_a_key_under_a_pepper_that_is_not_known_here_is_not_denied(
    services: Administration, acme: AccountRecord
) -> None:
    """Or its reporter would throw the report away; one that is found is revoked all the same."""
    older = await _text(services)
    services.peppers.peppers = Peppers.parse(f"{FIRST_PEPPER}\n{SECOND_PEPPER}")
    rotating = services.rotation.rotate(ask())
    assert (await anext(rotating)).wrapped == 1
    newer = await _text(services)
    services.peppers.peppers = Peppers.parse(SECOND_PEPPER)
    assert await services.keys.revoke_leaked(ask(), newer, "here", "ada") is not None
    with pytest.raises(PreconditionError, match="need pepper"):
        await services.keys.revoke_leaked(ask(), older, "here", "ada")
