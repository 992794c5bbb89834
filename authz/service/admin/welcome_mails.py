"""Sends first keys, a few at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from authz.domain.administration.mail import WelcomeMail
from authz.domain.administration.refusals import BusyError, MailNotAcceptedError
from authz.service.admin.ports import Mailer


class WelcomeMails:
    """At most `at_once_max` under way: each holds a database connection while it lasts."""

    def __init__(self, mailer: Mailer, at_once_max: int = 4, timeout_seconds: float = 30) -> None:
        self._mailer = mailer
        self._free = at_once_max
        self._timeout_seconds = timeout_seconds

    @asynccontextmanager
    async def place(self) -> AsyncIterator[None]:
        """Take a place for one mail and what belongs to it. Raises `BusyError`."""
        if self._free == 0:
            raise BusyError("Too many accounts are being made; try again shortly.")
        self._free -= 1
        try:
            yield
        finally:
            self._free += 1

    async def send(self, mail: WelcomeMail) -> None:
        """Return when the message was accepted. Raises `MailNotAcceptedError`."""
        try:
            async with asyncio.timeout(self._timeout_seconds):
                await self._mailer.send(mail)
        except TimeoutError:
            raise MailNotAcceptedError("the mail server did not answer in time.") from None
