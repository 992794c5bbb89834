"""How many accounts one PostgreSQL carries: what their leases ask of it, and what it sustains."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

import asyncpg
import uvloop

from bench.database import running_postgres
from bench.lease_load import SECOND, Load, Mix
from bench.lease_server import answer_at, measure_sustained, prepare

ACCOUNTS: Final = 10_000
PROCESSES: Final = 200
BATCH: Final = 50
CONNECTIONS: Final = 32
_SIMULATED: Final = {PROCESSES: 1, 4: 2, 1: 5}
"""Of so many processes the load is simulated, by how many an account is on."""
_RATES: Final = (0.1, 1.0, 10.0)
_WARM_UP_SECONDS: Final = 6.0
_SECONDS: Final = 6.0
_SUSTAINED_SECONDS: Final = 6.0


@dataclass(frozen=True, slots=True)
class Sustained:
    """Asks a second that a server answers: one to a statement, and `BATCH` to one."""

    single: float
    batched: float

    def at(self, asks_per_statement: float) -> float:
        """Return asks a second, taking a statement and each of its asks to cost something."""
        ask = (1 / self.batched - 1 / self.single / BATCH) / (1 - 1 / BATCH)
        statement = 1 / self.single - ask
        return 1 / (ask + statement / asks_per_statement)


@dataclass(frozen=True, slots=True)
class Measured:
    """What all processes of a mix do together, each second."""

    mix: Mix
    requests: float
    asks: float
    statements: float

    def accounts_carried(self, sustained: Sustained) -> float:
        """Return how many such accounts keep the server busy all the time."""
        return self.mix.accounts * sustained.at(self.asks / self.statements) / self.asks


def measure_leases(
    folder: Path, say: Callable[[str], None]
) -> tuple[Sustained, Sequence[Measured]]:
    """Return what a real server sustains, and what mixes of accounts ask of it."""
    with running_postgres(folder) as url, asyncio.Runner(loop_factory=uvloop.new_event_loop) as on:
        return on.run(_measure(url, say))


async def _measure(url: str, say: Callable[[str], None]) -> tuple[Sustained, Sequence[Measured]]:
    connection = await prepare(url, ACCOUNTS)
    say("Asking PostgreSQL as fast as it answers")
    rates = []
    for batch in (1, BATCH):
        await _clear(connection)
        rates.append(await measure_sustained(url, CONNECTIONS, batch, ACCOUNTS, _SUSTAINED_SECONDS))
    mixes = [Mix(ACCOUNTS, PROCESSES, spread, rate) for spread in _SIMULATED for rate in _RATES]
    measured = [await _simulate(connection, mix, say) for mix in mixes]
    connection.terminate()
    return Sustained(*rates), measured


async def _simulate(
    connection: asyncpg.Connection, mix: Mix, say: Callable[[str], None]
) -> Measured:
    say(f"Simulating accounts on {mix.spread} process(es), {mix.per_second} requests/s each")
    await _clear(connection)
    simulated = _SIMULATED[mix.spread]
    load = Load(mix, simulated, int(time.time()) * SECOND, partial(answer_at, connection))
    await load.run(_WARM_UP_SECONDS)
    totals = await load.run(_SECONDS)
    if totals.refused:
        raise SystemExit("Some requests were refused, so that leases were not what was measured")
    each = mix.processes / simulated / _SECONDS
    return Measured(mix, totals.requests * each, totals.asks * each, totals.statements * each)


async def _clear(connection: asyncpg.Connection) -> None:
    await connection.execute("TRUNCATE quotas, leases")
