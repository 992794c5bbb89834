"""Three counts of the same traffic, compared minute by minute."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import asyncpg
import pytest
from structlog.testing import capture_logs

from authz.domain.quota.amounts import NOTHING, Amounts
from authz.domain.traffic import Traffic
from authz.storage.short_statements import ShortStatements
from authz.storage.traffic_table import TrafficTable
from tests.administration import Administration
from tests.authz.admin.tasks import KILL_ADMIN, stop
from tests.authz.logins import DATA, login_url
from tests.authz.until import until
from tests.authz.used import Used, put_usage

_MINUTE: Final = timedelta(minutes=1)
_NOW: Final = datetime.now(UTC).replace(second=0, microsecond=0)
_OLD: Final = _NOW - 10 * _MINUTE
_ACCOUNT, _KEY = uuid4(), uuid4()


class _Counts:
    """What processes count and write down."""

    def __init__(self, connection: asyncpg.Connection, statements: ShortStatements) -> None:
        self._connection = connection
        self._statements = statements

    async def charged(
        self, minute: datetime, requests: int, tokens: int, refunded: Amounts = NOTHING
    ) -> None:
        """Charge, in a row of its own."""
        used = Used(
            minute,
            _ACCOUNT,
            _KEY,
            requests,
            tokens,
            refunded_requests=refunded.requests,
            refunded_tokens=refunded.tokens,
            writer=uuid4(),
        )
        await put_usage(self._connection, used)

    async def logged(self, minute: datetime, traffic: Traffic, writer: UUID | None = None) -> None:
        """Tell what was seen in the access log."""
        await TrafficTable(self._statements, writer or uuid4()).write({minute: traffic})


@pytest.fixture
async def counts(migrated_url: str, connection: asyncpg.Connection) -> _Counts:
    """No counts yet."""
    statements = ShortStatements(login_url(migrated_url, DATA), 1, 20)
    return _Counts(connection, statements)


def _served(requests: int, tokens: int) -> Traffic:
    return Traffic(seen=Amounts(requests, tokens), served=Amounts(requests, tokens))


def _drift(services: Administration) -> dict[str, tuple[float | None, float | None]]:
    def read(name: str, between: str) -> float | None:
        labels = {"between": between}
        return services.registry.get_sample_value(f"admin_usage_drift_{name}", labels)

    return {
        between: (read("requests", between), read("tokens", between))
        for between in ("charged_seen", "seen_served")
    }


_NONE: Final = {"charged_seen": (0, 0), "seen_served": (0, 0)}


async def test_counts_that_agree_drift_by_nothing(
    services: Administration, counts: _Counts
) -> None:
    """Over any number of processes; what was refunded is not charged, who left was not served."""
    await counts.charged(_OLD, 3, 30, refunded=Amounts(1, 10))
    await counts.charged(_OLD, 2, 20)
    await counts.logged(_OLD, _served(2, 20))
    await counts.logged(_OLD, Traffic(left=Amounts(1, 10)) + _served(1, 10))
    with capture_logs() as logs:
        await services.reconciliation.compare()
    assert _drift(services) == _NONE
    assert logs == []
    compared = services.registry.get_sample_value("admin_usage_minutes_compared_total")
    assert compared == 60


async def test_a_lost_entry_of_the_access_log_is_noticed(
    services: Administration, counts: _Counts
) -> None:
    """And the log names the minute."""
    await counts.charged(_OLD, 3, 30)
    await counts.logged(_OLD, _served(2, 20))
    with capture_logs() as logs:
        await services.reconciliation.compare()
    assert _drift(services) == {"charged_seen": (1, 10), "seen_served": (0, 0)}
    (entry,) = logs
    assert (entry["event"], entry["minute"]) == ("usage.drifted", _OLD.isoformat())
    assert (entry["charged_requests"], entry["seen_requests"]) == (3, 2)


async def test_a_wrong_count_of_tokens_is_noticed(
    services: Administration, counts: _Counts
) -> None:
    """Whichever of authz and the adapter counts wrong."""
    await counts.charged(_OLD, 1, 10)
    await counts.logged(_OLD, Traffic(seen=Amounts(1, 10), served=Amounts(1, 11)))
    await services.reconciliation.compare()
    assert _drift(services) == {"charged_seen": (0, 0), "seen_served": (0, 1)}


async def test_one_minutes_excess_does_not_hide_anothers_lack(
    services: Administration, counts: _Counts
) -> None:
    """Differences are added up, whichever way they go."""
    await counts.charged(_OLD, 2, 20)
    await counts.logged(_OLD - _MINUTE, _served(2, 20))
    await services.reconciliation.compare()
    assert _drift(services)["charged_seen"] == (4, 40)


async def test_what_is_late_makes_good_again(services: Administration, counts: _Counts) -> None:
    """It is said once that they differ, and once that they agree."""
    await counts.charged(_OLD, 1, 10)
    with capture_logs() as logs:
        await services.reconciliation.compare()
        await services.reconciliation.compare()
        await counts.logged(_OLD, _served(1, 10))
        await services.reconciliation.compare()
    assert _drift(services) == _NONE
    assert [entry["event"] for entry in logs] == ["usage.drifted", "usage.agreed"]


async def test_what_is_very_late_is_noticed_too(services: Administration, counts: _Counts) -> None:
    """As usage of a process that was dead for a while, in a minute that agreed before."""
    await services.reconciliation.compare()
    await counts.charged(_OLD, 1, 10)
    for _ in range(10):
        await services.reconciliation.compare()
    assert _drift(services)["charged_seen"] == (1, 10)


async def test_a_minute_has_time_to_settle(services: Administration, counts: _Counts) -> None:
    """What began within the last three is not looked at; what began an hour ago no more."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)  # others may have taken minutes
    for age in (0, 1, 64):
        await counts.charged(now - age * _MINUTE, 1, 10)
    await services.reconciliation.compare()
    assert _drift(services) == _NONE


async def test_counts_only_grow(services: Administration, counts: _Counts) -> None:
    """A process that writes twice, or an older state late, changes nothing."""
    await counts.charged(_OLD, 6, 60)
    writer = uuid4()
    for number in (1, 3, 2):
        amounts = Amounts(number, number * 10)
        await counts.logged(_OLD, Traffic(amounts, amounts, amounts), writer)
    await services.reconciliation.compare()
    assert _drift(services) == _NONE


async def test_a_clock_that_is_days_off_does_not_hold_up_the_others(
    services: Administration, counts: _Counts, migrated_url: str
) -> None:
    """Its minutes have no place, and are left out."""
    await counts.charged(_OLD, 1, 10)
    table = TrafficTable(ShortStatements(login_url(migrated_url, DATA), 1, 20), uuid4())
    await table.write({_OLD - timedelta(days=400): _served(1, 1), _OLD: _served(1, 10)})
    await services.reconciliation.compare()
    assert _drift(services) == _NONE


async def test_comparing_goes_on_until_it_is_told_to_stop(
    services: Administration, counts: _Counts, connection: asyncpg.Connection
) -> None:
    """A database that was away does not end it."""
    running = asyncio.create_task(services.reconciliation.run())
    for requests in (1, 2):
        await counts.charged(_OLD, 1, 10)
        await until(lambda n=requests: _drift(services)["charged_seen"] == (n, n * 10))  # type: ignore[misc]
        await connection.execute(KILL_ADMIN)
    await stop(running)
