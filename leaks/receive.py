"""Deals with the findings of a report whose signature is right."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, Protocol

import structlog

from leaks.report import Finding

_AT_ONCE: Final = 8

_log = structlog.get_logger()


class Outcome(StrEnum):
    """What came of one finding."""

    REVOKED = "revoked"
    UNKNOWN = "unknown"
    MALFORMED = "malformed"
    FAILED = "failed"


class NotRevokedError(Exception):
    """The admin API did not say that it has dealt with the key."""


class Revoker(Protocol):
    """The admin API."""

    async def revoke(self, finding: Finding) -> str | None:
        """End the key, and return its id; nothing where there is no such key.

        Asked again for the same finding it does nothing more.

        Raises:
            NotRevokedError: it is unknown whether it did.
        """
        ...


class Receiver:
    """Has every finding that can be a key revoked, a few at a time over all reports."""

    def __init__(self, revoker: Revoker, timeout_seconds: float) -> None:
        self._revoker = revoker
        self._timeout_seconds = timeout_seconds
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def deal_with(self, findings: Sequence[Finding]) -> tuple[Outcome, ...]:
        """Return what came of each finding, in their order; the same one twice is one."""
        keys = dict.fromkeys(each for each in findings if each.is_key)
        tasks = {key: asyncio.create_task(self._revoke(key)) for key in keys}
        if tasks:
            await asyncio.wait(tasks.values(), timeout=self._timeout_seconds)
        outcomes = {each: await _conclude(task) for each, task in tasks.items()}
        return tuple(outcomes.get(each, Outcome.MALFORMED) for each in findings)

    async def _revoke(self, finding: Finding) -> Outcome:
        async with self._places:
            try:
                key_id = await self._revoker.revoke(finding)
            except NotRevokedError as error:
                _log.error("key.not_revoked", error=str(error), token_hash=finding.token_hash)
                return Outcome.FAILED
        if key_id is None:
            return Outcome.UNKNOWN
        _log.info("key.revoked", key_id=key_id)
        return Outcome.REVOKED


async def _conclude(task: asyncio.Task[Outcome]) -> Outcome:
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait((task,))
    return Outcome.FAILED
