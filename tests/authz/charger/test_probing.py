"""How an outage ends."""

from prometheus_client import CollectorRegistry

from authz.service.breaker import Breaker
from authz.service.metrics import QuotaMetrics
from tests.authz.doubles import ManualClock
from tests.authz.until import until


async def test_a_probe_that_fails_in_an_unknown_way_is_not_the_last() -> None:
    """Or one bug would leave a process without a ledger for ever."""
    failures = [ValueError("unheard of")]

    async def probe() -> None:
        if failures:
            raise failures.pop()

    breaker = Breaker(probe, 0.001, 1, 300, ManualClock(), QuotaMetrics(CollectorRegistry()))
    breaker.trip("down")
    await until(lambda: not breaker.is_open)
