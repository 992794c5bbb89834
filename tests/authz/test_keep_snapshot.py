"""When the directory is written down, and what a start from the disk is worth."""

import asyncio
import errno
from dataclasses import dataclass, field

from authz.domain.directory import BadDirectoryError
from authz.domain.packed_directory import Directory
from authz.domain.snapshot import NEVER, Snapshot
from authz.domain.undecided import DatabaseError
from authz.service.current_directory import CurrentDirectory
from authz.service.keep_snapshot import SnapshotKeeper
from authz.service.leave import leave
from tests.authz.doubles import FakeFeed, FakeStore, ManualClock, contents, make_directory
from tests.authz.until import until

_FULL = OSError(errno.ENOSPC, "No space left on device")


@dataclass
class _Keeping:
    """A keeper, its clock and its disk."""

    store: FakeStore = field(default_factory=FakeStore)
    clock: ManualClock = field(default_factory=ManualClock)

    def __post_init__(self) -> None:
        self.current = CurrentDirectory(300, self.clock)
        self.keeper = SnapshotKeeper(self.store, self.current, 0.001)

    def hears(self, directory: Directory) -> None:
        """Have a state confirmed now."""
        self.current.adopt(directory)
        self.current.confirm(self.clock.now)

    @property
    def kept(self) -> Snapshot:
        assert self.store.kept is not None
        return self.store.kept


def _restore(heard_at: float, fresh_until: float) -> _Keeping:
    keeping = _Keeping(FakeStore(Snapshot(make_directory(number=9), heard_at, fresh_until)))
    keeping.keeper.restore()
    return keeping


def test_a_restored_directory_is_as_old_as_its_snapshot() -> None:
    """A restart buys no time for a key that may be revoked."""
    keeping = _restore(heard_at=800.0, fresh_until=1100.0)
    assert contents(keeping.current.directory or Directory(0)) == contents(make_directory(number=9))
    assert (keeping.current.age_seconds, keeping.keeper.number) == (200, 9)


def test_a_snapshot_that_is_too_old_lets_nobody_in() -> None:
    """It still saves reading everything anew."""
    keeping = _restore(heard_at=699.0, fresh_until=999.0)
    assert keeping.current.directory is not None
    assert not keeping.current.is_fresh


def test_a_snapshot_lasts_no_longer_than_its_writer_promised() -> None:
    """Others wait for that process by what it told, not by this one's settings."""
    keeping = _restore(heard_at=800.0, fresh_until=1050.0)
    assert keeping.current.age_seconds == 250


def test_a_snapshot_from_the_future_lets_nobody_in() -> None:
    """By another clock than this one nobody knows how old it is."""
    assert not _restore(heard_at=1001.0, fresh_until=1301.0).current.is_fresh


def test_a_bad_snapshot_is_no_reason_not_to_start() -> None:
    """It is as good as none, and cannot come back when more is known."""

    class _Damaged(FakeStore):
        def read(self) -> Snapshot | None:
            raise BadDirectoryError("cut")

    keeping = _Keeping(_Damaged(Snapshot(make_directory(), 1000.0, 1300.0)))
    keeping.keeper.restore()
    assert keeping.current.directory is None
    assert keeping.store.kept is None


async def test_a_snapshot_says_when_the_directory_was_confirmed() -> None:
    """Not when it was written."""
    keeping = _Keeping()
    keeping.hears(make_directory())
    keeping.clock.now += 40
    await keeping.keeper.keep()
    assert (keeping.kept.heard_at, keeping.kept.fresh_until) == (1000.0, 1300.0)


async def test_a_confirmation_is_written_down_in_time() -> None:
    """Again and again, or a start from the disk would be older than it has to be."""
    keeping = _Keeping()
    keeping.hears(make_directory())
    running = asyncio.create_task(keeping.keeper.run())
    for _ in range(3):
        keeping.clock.now += 1
        keeping.current.confirm(keeping.clock.now)
        await until(
            lambda: keeping.store.kept is not None and keeping.kept.heard_at == keeping.clock.now
        )
    running.cancel()


async def test_a_full_disk_stops_nothing() -> None:
    """Checks go on from memory, and what is on the disk lets nobody in any more."""
    keeping = _Keeping()
    keeping.hears(make_directory(number=1))
    await keeping.keeper.keep()
    keeping.store.error = _FULL
    keeping.hears(make_directory(number=2))
    await keeping.keeper.keep()
    assert keeping.current.is_fresh
    assert (keeping.store.kept, keeping.keeper.number) == (None, 2)
    keeping.store.error = None
    await keeping.keeper.keep()
    assert keeping.kept.directory.number == 2


async def test_what_cannot_be_withdrawn_is_remembered() -> None:
    """A start from the disk would bring it back, so nobody is told of more."""
    keeping = _Keeping()
    keeping.hears(make_directory(number=1))
    await keeping.keeper.keep()
    keeping.store.error, keeping.store.is_stuck = _FULL, True
    keeping.hears(make_directory(number=2))
    await keeping.keeper.keep()
    assert keeping.keeper.number == 1


async def test_a_process_that_leaves_lets_nobody_in_from_its_disk() -> None:
    """Nobody would count it."""
    keeping = _Keeping()
    keeping.hears(make_directory())
    await leave(FakeFeed(make_directory()), keeping.keeper)
    assert keeping.kept.heard_at == NEVER
    keeping.current.confirm(keeping.clock.now)
    await keeping.keeper.keep()
    assert keeping.kept.heard_at == NEVER


async def test_a_process_that_could_not_say_so_may_come_back() -> None:
    """It is still waited for."""
    keeping = _Keeping()
    keeping.hears(make_directory())
    await leave(FakeFeed(DatabaseError("down")), keeping.keeper)
    assert keeping.kept.heard_at == 1000.0


async def test_a_process_that_may_have_said_so_does_not_come_back() -> None:
    """Its row may be gone, and then nobody would wait for it."""
    keeping = _Keeping()
    keeping.hears(make_directory())
    await keeping.keeper.keep()
    await leave(FakeFeed(make_directory(), is_cut_off_when_left=True), keeping.keeper)
    assert keeping.kept.heard_at == NEVER


async def test_a_process_whose_disk_is_stuck_does_not_leave() -> None:
    """It could come back from there, and nobody would count it."""
    keeping = _Keeping()
    keeping.hears(make_directory())
    await keeping.keeper.keep()
    keeping.store.error, keeping.store.is_stuck = _FULL, True
    feed = FakeFeed(make_directory())
    await leave(feed, keeping.keeper)
    assert not feed.has_left


async def test_a_process_that_knows_nothing_can_leave() -> None:
    """There is nothing to come back from."""
    feed = FakeFeed(make_directory())
    await leave(feed, _Keeping().keeper)
    assert feed.has_left
