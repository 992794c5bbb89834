"""A new pepper while keys stay in use, and an old one that is needed no more."""

import asyncio

import asyncpg
import pytest

from authz.domain.administration.records import AccountRecord, PageRequest, PepperStatus
from authz.domain.administration.refusals import NotFoundError, PreconditionError
from authz.domain.directory import PepperId
from authz.domain.pepper import KeyDigests, Peppers
from authz.service.admin.keys import KeySpec
from authz.service.admin.pepper_rotation import Wrapped
from tests.administration import Administration, ask
from tests.authz.admin.conftest import FIRST_PEPPER, SECOND_PEPPER, THIRD_PEPPER
from tests.authz.admin.process_table import ProcessTable

_TWO = Peppers.parse(f"{FIRST_PEPPER}\n{SECOND_PEPPER}")
_THREE = Peppers.parse(f"{FIRST_PEPPER}\n{SECOND_PEPPER}\n{THIRD_PEPPER}")
_FIRST, _SECOND, _THIRD = _THREE.ids
_SPEC = KeySpec("acme", "k", "prod", (), (), None)


@pytest.fixture
async def texts(services: Administration, acme: AccountRecord) -> list[str]:
    """The texts of ten keys; after that the process knows a second pepper."""
    texts = [(await services.keys.issue(ask(), _SPEC)).secret for _ in range(10)]
    services.peppers.peppers = _TWO
    return [text for text in texts if text is not None]


async def _rotate(services: Administration) -> list[Wrapped]:
    return [step async for step in services.rotation.rotate(ask())]


async def _chains(
    connection: asyncpg.Connection, texts: list[str], peppers: Peppers
) -> list[tuple[PepperId, ...]]:
    """Return the chain of each key, proven by its digest."""
    rows = await connection.fetch("SELECT digest, pepper_id, wrapped_under FROM keys")
    by_digest = {row["digest"]: (row["pepper_id"], *row["wrapped_under"]) for row in rows}
    chains = set(by_digest.values())
    found = []
    for text in texts:
        digests = KeyDigests(text, peppers)
        (chain,) = [chain for chain in chains if by_digest.get(digests.under(chain)) == chain]
        found.append(chain)
    return found


async def test_every_key_is_wrapped_step_by_step(
    services: Administration, texts: list[str], connection: asyncpg.Connection
) -> None:
    """Revoked ones too; each can be found by its text afterwards, and is told of every step."""
    await services.keys.revoke_leaked(ask(), texts[0], "here", "ada")
    steps = await _rotate(services)
    assert [(step.wrapped, step.total, step.done) for step in steps] == [
        (4, 10, False),
        (8, 10, False),
        (10, 10, False),
        (10, 10, True),
    ]
    assert {step.pepper_id for step in steps} == {_SECOND}
    assert await _chains(connection, texts, _TWO) == [(_FIRST, _SECOND)] * 10


async def test_a_key_made_after_the_first_step_is_under_the_new_pepper(
    services: Administration, texts: list[str], connection: asyncpg.Connection
) -> None:
    """And is wrapped by nobody."""
    rotating = services.rotation.rotate(ask())
    await anext(rotating)
    issued = await services.keys.issue(ask(), _SPEC)
    assert issued.secret is not None
    async for _ in rotating:
        pass
    assert await _chains(connection, [issued.secret], _TWO) == [(_SECOND,)]


async def test_a_rotation_that_was_stopped_goes_on(
    services: Administration, texts: list[str], connection: asyncpg.Connection
) -> None:
    """By the same request or another; each key is wrapped once."""
    change = ask("RotatePepper")
    await anext(services.rotation.rotate(change))
    assert sorted(map(len, await _chains(connection, texts, _TWO))) == [1] * 6 + [2] * 4
    steps = [step async for step in services.rotation.rotate(change)]
    assert [(step.wrapped, step.total) for step in steps] == [(4, 6), (6, 6), (6, 6)]
    assert await _chains(connection, texts, _TWO) == [(_FIRST, _SECOND)] * 10


async def test_rotations_at_once_wrap_each_key_once(
    services: Administration, texts: list[str], connection: asyncpg.Connection
) -> None:
    """Whoever comes first."""
    await asyncio.gather(*(_rotate(services) for _ in range(3)))
    assert await _chains(connection, texts, _TWO) == [(_FIRST, _SECOND)] * 10


async def test_peppers_can_be_rotated_again_and_again(
    services: Administration, texts: list[str], connection: asyncpg.Connection
) -> None:
    """Chains grow."""
    await _rotate(services)
    newer = (await services.keys.issue(ask(), _SPEC)).secret
    assert newer is not None
    services.peppers.peppers = _THREE
    await _rotate(services)
    chains = await _chains(connection, [texts[0], newer], _THREE)
    assert chains == [(_FIRST, _SECOND, _THIRD), (_SECOND, _THIRD)]


async def test_a_rotation_is_refused_until_every_process_knows_the_pepper(
    services: Administration,
    texts: list[str],
    processes: ProcessTable,
    connection: asyncpg.Connection,
) -> None:
    """Those that do not would refuse good keys; they are named, and nothing is changed."""
    await processes.tell("knows", peppers=[_FIRST, _SECOND])
    await processes.tell("does-not", peppers=[_FIRST])
    await processes.tell("fenced", peppers=[_FIRST], seen_seconds_ago=400)
    with pytest.raises(PreconditionError, match="not known to: does-not"):
        await _rotate(services)
    assert await _chains(connection, texts, _TWO) == [(_FIRST,)] * 10
    await processes.tell("does-not", peppers=[_FIRST, _SECOND])
    assert (await _rotate(services))[-1].done


async def test_a_rotation_ends_when_another_has_begun(
    services: Administration, texts: list[str]
) -> None:
    """Two that wrapped each other's keys would never end."""
    rotating = services.rotation.rotate(ask())
    await anext(rotating)
    services.peppers.peppers = _THREE
    await _rotate(services)
    with pytest.raises(PreconditionError, match="Another pepper"):
        await anext(rotating)


async def test_a_pepper_is_not_made_current_twice(
    services: Administration, texts: list[str]
) -> None:
    """An older one at the end of the file is a mistake in the file."""
    await _rotate(services)
    services.peppers.peppers = Peppers.parse(f"{SECOND_PEPPER}\n{FIRST_PEPPER}")
    with pytest.raises(PreconditionError, match="is previous already"):
        await _rotate(services)


async def _statuses(services: Administration) -> dict[str, tuple[PepperStatus, int]]:
    return {
        each.id: (each.status, each.keys) for each in (await services.rotation.status()).peppers
    }


async def test_the_state_says_what_needs_which_pepper(
    services: Administration, texts: list[str], processes: ProcessTable
) -> None:
    """Only keys that work count."""
    await processes.tell("a", peppers=[_FIRST])
    assert await _statuses(services) == {
        _FIRST: (PepperStatus.CURRENT, 10),
        _SECOND: (PepperStatus.NEW, 0),
    }
    (process,) = (await services.rotation.status()).processes
    assert process.peppers == {_FIRST}
    await processes.end("a")
    await _rotate(services)
    await services.keys.issue(ask(), _SPEC)
    await services.keys.revoke_leaked(ask(), texts[0], "here", "ada")
    assert await _statuses(services) == {
        _FIRST: (PepperStatus.PREVIOUS, 9),
        _SECOND: (PepperStatus.CURRENT, 10),
    }


async def test_only_a_previous_pepper_is_retired(
    services: Administration, texts: list[str]
) -> None:
    """Neither the current one, nor one that was never used, nor one that there is not."""
    for pepper_id in (_FIRST, _SECOND):
        with pytest.raises(PreconditionError, match="only previous ones"):
            await services.rotation.retire(ask(), pepper_id)
    with pytest.raises(NotFoundError):
        await services.rotation.retire(ask(), "00000000")


async def test_a_pepper_is_kept_while_a_key_needs_it(
    services: Administration, texts: list[str], connection: asyncpg.Connection
) -> None:
    """One that works; those that have expired are revoked with the pepper."""
    await _rotate(services)
    with pytest.raises(PreconditionError, match="10 keys that work"):
        await services.rotation.retire(ask(), _FIRST)
    await connection.execute("UPDATE keys SET expires_at = clock_timestamp()")
    retired = await services.rotation.retire(ask(), _FIRST)
    assert (retired.status, retired.keys) == (PepperStatus.RETIRED, 0)
    assert await connection.fetchval("SELECT count(*) FROM keys WHERE status = 'active'") == 0


async def test_a_pepper_is_kept_while_a_process_does_not_know_the_current_one(
    services: Administration,
    texts: list[str],
    processes: ProcessTable,
    connection: asyncpg.Connection,
) -> None:
    """It would be left with nothing."""
    await _rotate(services)
    await connection.execute("UPDATE keys SET expires_at = clock_timestamp()")
    await processes.tell("behind", peppers=[_FIRST])
    with pytest.raises(PreconditionError, match="not known to: behind"):
        await services.rotation.retire(ask(), _FIRST)
    await processes.tell("behind", peppers=[_FIRST, _SECOND])
    assert (await services.rotation.retire(ask(), _FIRST)).status is PepperStatus.RETIRED


async def test_each_call_that_changes_something_is_one_entry(
    services: Administration, texts: list[str], connection: asyncpg.Connection
) -> None:
    """And one that finds nothing to do is none."""

    async def count() -> int:
        entries = (await services.audit.list(PageRequest(100))).items
        return sum(entry.subject_kind == "pepper" for entry in entries)

    await _rotate(services)
    assert await count() == 1
    await _rotate(services)
    assert await count() == 1
    await connection.execute("UPDATE keys SET expires_at = clock_timestamp()")
    change = ask("RetirePepper")
    first = await services.rotation.retire(change, _FIRST)
    assert await services.rotation.retire(change, _FIRST) == first
    assert await count() == 2
    assert [step async for step in services.audit.verify()][-1].fault is None
