"""The last thing a process does: see that nobody waits for it any more."""

import asyncio
from typing import Final

import structlog

from authz.domain.undecided import DatabaseError
from authz.service.keep_snapshot import SnapshotKeeper
from authz.service.ports import DirectoryFeed

_TIMEOUT_SECONDS: Final = 2.0

_log = structlog.get_logger()


async def leave(feed: DirectoryFeed, keeper: SnapshotKeeper) -> None:
    """Tell that this process has answered its last check, unless it could come back unseen.

    Started again without PostgreSQL, it would answer from its snapshot while nobody counted it, and
    let in a key that was revoked everywhere meanwhile. So the snapshot goes first; and it stays
    where there is nobody to tell.
    """
    await keeper.keep()
    try:
        async with asyncio.timeout(_TIMEOUT_SECONDS), feed.depart() as tell:
            if await keeper.withdraw():
                await tell()
    except (DatabaseError, TimeoutError) as error:
        _log.warning("process.remained", failure=str(error) or type(error).__name__)
