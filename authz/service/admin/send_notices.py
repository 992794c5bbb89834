"""Sends what was left to be sent, until a mail server has accepted it."""

import asyncio
from typing import Final

import structlog

from authz.domain.administration.notice import Notice
from authz.domain.administration.refusals import MailNotAcceptedError
from authz.service.admin.metrics import HousekeepingMetrics
from authz.service.admin.ports import Database, Mailer

_ATTEMPTS_MAX: Final = 12
_TIMEOUT_SECONDS: Final = 30.0  # well within the minute for which a notice is one sender's

_log = structlog.get_logger()


class NoticeSender:
    """Sends every notice at least once; twice only if this ends between sending and noting it.

    Several may run at once. After `attempts_max` in vain, over more than a day, a notice stays
    where it is, for a person to see to.
    """

    def __init__(
        self,
        database: Database,
        mailer: Mailer,
        metrics: HousekeepingMetrics,
        attempts_max: int = _ATTEMPTS_MAX,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> None:
        self._database = database
        self._mailer = mailer
        self._metrics = metrics
        self._attempts_max = attempts_max
        self._timeout_seconds = timeout_seconds

    async def send(self) -> None:
        """Send all whose time has come. Raises `DatabaseError`."""
        while True:
            async with self._database.session() as tables:
                notice = await tables.notices.claim(self._attempts_max)
            if notice is None:
                return
            if await self._is_accepted(notice):
                self._metrics.mails.inc()
                async with self._database.session() as tables:
                    await tables.notices.delete(notice.id)

    async def _is_accepted(self, notice: Notice) -> bool:
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._mailer.send(notice.mail)
        except (MailNotAcceptedError, TimeoutError) as error:
            self._metrics.mails_failed.inc()
            event = "notice.delayed" if notice.attempts < self._attempts_max else "notice.given_up"
            _log.error(event, notice=str(notice.id), attempts=notice.attempts, why=str(error))
            return False
        return True
