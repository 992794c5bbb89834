"""Adds charges up, without holding up a check for long."""

import asyncio
from typing import Final

from authz.service.usage.ports import Journal

_ROWS: Final = 500


async def fold_all(journal: Journal) -> None:
    """Fold until, at the moment of returning, no charge is left that is not folded.

    Raises:
        UsageUnavailableError: the journal cannot be written now.
    """
    while journal.fold(_ROWS):  # noqa: ASYNC110 it yields between the steps
        await asyncio.sleep(0)


async def forget_old(journal: Journal) -> None:
    """Delete all that is too old to be of use.

    Raises:
        UsageUnavailableError: the journal cannot be written now.
    """
    while journal.forget(_ROWS):  # noqa: ASYNC110 it yields between the steps
        await asyncio.sleep(0)
