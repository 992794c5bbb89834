"""What PostgreSQL is told in the end is what was used, whatever happened on the way."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias
from uuid import UUID

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from authz.domain.usage.charge import MINUTE, User
from authz.domain.usage.position import Position
from authz.domain.usage.refund import Refund
from authz.domain.usage.tally import NOTHING, Counter, Tally
from authz.service.usage.drain import UsageDrain
from tests.authz.usage.making import ALICE, BOB, FakeTable, Kept


def _drain(kept: Kept, table: FakeTable) -> UsageDrain:
    return UsageDrain(
        kept.file, kept.journal, kept.counters, table, 3600, lambda: True, lambda: 1.0
    )


async def test_what_was_used_is_told_and_told_once(kept: Kept) -> None:
    """Nothing new costs one statement without rows."""
    table = FakeTable()
    kept.charge()
    drain = _drain(kept, table)
    await drain.drain()
    assert table.totals() == kept.totals() == {ALICE: Tally(1, 10)}
    merges = table.merges
    await drain.drain()
    assert table.merges == merges + 1


async def test_an_outage_of_any_length_loses_nothing(kept: Kept) -> None:
    """An hour, in which every minute has its usage; then all of it is told."""
    table, charged = FakeTable(is_down=True), 0
    drain = _drain(kept, table)
    for _ in range(60):
        for _ in range(20):
            kept.charge()
            charged += 1
        await drain.drain()
        kept.clock.now += MINUTE
    kept.clock.now += 30 * 86_400 * 10**6
    await drain.drain()
    table.is_down = False
    await drain.drain()
    assert table.totals() == {ALICE: Tally(charged, 10 * charged)}
    assert len(table.rows) == 60
    assert kept.journal.pending().rows == 0


async def test_an_unknown_commit_is_told_again_and_counts_once(kept: Kept) -> None:
    """The answer was lost, and the rows are there."""
    table = FakeTable(fails_after_commit=True)
    kept.charge()
    drain = _drain(kept, table)
    await drain.drain()
    assert kept.journal.pending().rows == 1
    table.fails_after_commit = False
    kept.charge()
    await drain.drain()
    assert table.totals() == {ALICE: Tally(2, 20)}


async def test_a_server_that_lost_its_last_commits_is_told_again(kept: Kept) -> None:
    """Also what was confirmed, of any user and minute, and where nothing new is to be told."""
    table = FakeTable()
    drain = _drain(kept, table)
    for minute in range(3):
        kept.charge((ALICE, BOB)[minute % 2])
        kept.clock.now += MINUTE
        await drain.drain()
    table.rows.clear()
    table.server = "2"
    await drain.drain()
    assert table.totals() == kept.totals() == {ALICE: Tally(2, 20), BOB: Tally(1, 10)}
    merges = table.merges
    await drain.drain()
    assert table.merges == merges + 1, "it is told again once"


async def test_the_next_process_tells_a_new_server_too(kept: Kept) -> None:
    """Which server knows what is written down with it."""
    table = FakeTable()
    kept.charge()
    await _drain(kept, table).drain()
    kept.restart()
    table.rows.clear()
    table.server = "2"
    await _drain(kept, table).drain()
    assert table.totals() == {ALICE: Tally(1, 10)}


async def test_a_server_that_fails_while_it_is_told_again_is_told_from_the_start(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or the half that it had not heard would be missing for ever."""
    monkeypatch.setattr("authz.service.usage.drain._ROWS", 2)
    table = FakeTable()
    drain = _drain(kept, table)
    for _ in range(7):
        kept.charge()
        kept.clock.now += MINUTE
    await drain.drain()
    table.rows.clear()
    table.server = "2"
    failing = _FailsAfter(table, merges=3)
    await UsageDrain(
        kept.file, kept.journal, kept.counters, failing, 1, lambda: True, lambda: 1.0
    ).drain()
    assert 0 < len(table.rows) < 7
    await drain.drain()
    assert table.totals() == {ALICE: Tally(7, 70)}


async def test_a_server_that_changes_while_it_is_told_again_is_told_from_the_start(
    kept: Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the one before had heard of it the next has not."""
    monkeypatch.setattr("authz.service.usage.drain._ROWS", 2)
    for _ in range(7):
        kept.charge()
        kept.clock.now += MINUTE
    table = _ChangesAfter(merges=6)
    await _drain(kept, table).drain()
    await _drain(kept, table).drain()
    assert table.totals() == {ALICE: Tally(7, 70)}


class _ChangesAfter(FakeTable):
    def __init__(self, merges: int) -> None:
        super().__init__()
        self._changes_at = merges

    async def merge(self, counters: Sequence[Counter]) -> tuple[str, Sequence[Counter]]:
        if self.merges == self._changes_at:
            self.server = "2"
            self.rows.clear()
        return await super().merge(counters)


class _FailsAfter(FakeTable):
    def __init__(self, table: FakeTable, merges: int) -> None:
        super().__init__(rows=table.rows, server=table.server)
        self._left = merges

    async def merge(self, counters: Sequence[Counter]) -> tuple[str, Sequence[Counter]]:
        self.is_down = self.merges >= self._left
        return await super().merge(counters)


async def test_a_minute_that_is_refused_is_kept_and_holds_nothing_up(kept: Kept) -> None:
    """It is told again to the next server, which may have another clock."""
    table = FakeTable(oldest=kept.clock.now // MINUTE + 1)
    drain = _drain(kept, table)
    kept.charge(ALICE)
    kept.fold()
    kept.clock.now += MINUTE
    kept.charge(BOB)
    await drain.drain()
    assert table.totals() == {BOB: Tally(1, 10)}
    assert (kept.journal.pending().rows, kept.journal.pending().refused) == (0, 1)
    table.oldest, table.server = 0, "2"
    await drain.drain()
    assert table.totals() == {ALICE: Tally(1, 10), BOB: Tally(1, 10)}
    assert kept.journal.pending().refused == 0


async def test_two_drains_at_once_tell_the_same(kept: Kept) -> None:
    """As at the end of a process, beside one that is still under way."""
    table = FakeTable()
    for _ in range(30):
        kept.charge()
    drains = [_drain(kept, table) for _ in range(3)]
    await asyncio.gather(*(each.drain() for each in drains))
    assert table.totals() == {ALICE: Tally(30, 300)}


async def test_the_last_drain_takes_no_longer_than_it_may(kept: Kept) -> None:
    """What is not taken waits in the journal."""

    class Frozen(FakeTable):
        async def merge(self, counters: Sequence[Counter]) -> tuple[str, Sequence[Counter]]:
            await asyncio.sleep(3600)
            return await super().merge(counters)

    kept.charge()
    await _drain(kept, Frozen()).close(0.01)
    assert kept.journal.pending().rows == 1


Rows: TypeAlias = dict[tuple[int, User, UUID], Counter]


class Model(RuleBasedStateMachine):
    """Charges, refunds, kills, outages, failovers: the totals are those of a plain sum."""

    def __init__(self) -> None:
        super().__init__()
        self._folder = tempfile.TemporaryDirectory()
        self.kept = Kept(Path(self._folder.name, "usage"))
        self.table = FakeTable()
        self.used: dict[User, Tally] = {}
        self.open: list[tuple[User, str, int]] = []
        self.server = 1
        self.backup: Rows = {}

    @rule(user=st.sampled_from((ALICE, BOB)), tokens=st.integers(1, 10**9))
    def charge(self, user: User, tokens: int) -> None:
        """One request."""
        request_id = self.kept.charge(user, tokens)
        self.used[user] = self.used.get(user, NOTHING) + Tally(1, tokens)
        self.open.append((user, request_id, tokens))

    @rule(data=st.data(), to_lease=st.booleans(), sent=st.booleans(), times=st.integers(1, 2))
    def refund(self, data: st.DataObject, to_lease: bool, sent: bool, times: int) -> None:  # noqa: FBT001 Hypothesis passes by name
        """One of those, once or twice."""
        if not self.open:
            return
        user, request_id, tokens = self.open.pop(
            data.draw(st.integers(0, len(self.open) - 1), label="which")
        )
        self.kept.fold()
        charges = self.kept.journal.find(request_id)
        refunds = [Refund(each, is_model_failure=sent, to_lease=to_lease) for each in charges]
        for _ in range(times):
            self.kept.journal.refund(refunds, Position(1, 1))
        self.used[user] += Tally(0, 0, int(sent), 1, tokens, 0 if to_lease else tokens)

    @rule(seconds=st.sampled_from((1, 59, 3600)))
    def wait(self, seconds: int) -> None:
        """Time passes, and what is too old is forgotten."""
        self.kept.clock.now += seconds * 10**6
        self.kept.fold()
        self.kept.journal.forget(10_000)
        if seconds > 600:
            self.open.clear()

    @rule()
    def kill(self) -> None:
        """The process starts anew."""
        self.kept.restart()

    @rule(is_down=st.booleans(), fails_after_commit=st.booleans())
    def drain(self, is_down: bool, fails_after_commit: bool) -> None:  # noqa: FBT001 Hypothesis passes by name
        """With or without PostgreSQL, or nobody knows."""
        self.table.is_down, self.table.fails_after_commit = is_down, fails_after_commit
        asyncio.run(_drain(self.kept, self.table).drain())

    @rule()
    def back_up(self) -> None:
        """A standby is this far behind."""
        self.backup = dict(self.table.rows)

    @rule()
    def fail_over(self) -> None:
        """To a standby that has not all."""
        self.server += 1
        self.table.server = str(self.server)
        self.table.rows = dict(self.backup)

    @invariant()
    def nothing_is_told_that_was_not_used(self) -> None:
        """At no moment."""
        for user, tally in self.table.totals().items():
            used = self.used[user]
            assert tally.requests <= used.requests
            assert tally.tokens <= used.tokens
            assert tally.refunded_tokens <= used.refunded_tokens

    def teardown(self) -> None:
        """In the end all is told, and is what was used."""
        self.drain(is_down=False, fails_after_commit=False)
        self.drain(is_down=False, fails_after_commit=False)
        assert self.table.totals() == self.used
        self.kept.file.close()
        self._folder.cleanup()


TestModel = Model.TestCase
TestModel.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
