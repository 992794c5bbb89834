"""The peppers that this process knows; a new one is known without a restart."""

import asyncio

import structlog

from authz.domain.pepper import BadPepperError, Peppers
from authz.service.ports import PepperStore

_log = structlog.get_logger()


class CurrentPeppers:
    """What the pepper file held when it was last good, looked at every `interval_seconds`.

    A pepper that has left the file is known here until the process ends: should keys need it after
    all, they go on, and whoever took it out too early learns so from the next start.
    """

    def __init__(self, store: PepperStore, interval_seconds: float) -> None:
        """Read for the first time.

        Raises:
            BadPepperError: something that is kept is no pepper.
            OSError: it cannot be read.
        """
        self._store = store
        self._interval_seconds = interval_seconds
        self._version = store.version()
        self._peppers = store.read()
        self._refusal: str | None = None

    @property
    def peppers(self) -> Peppers:
        """All that are known."""
        return self._peppers

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(self._interval_seconds)
            # In a thread, because a slow disk must not hold up a check.
            await asyncio.to_thread(self.refresh)

    def refresh(self) -> None:
        """Read again if anything changed; keep what is known where that cannot be used."""
        try:
            # Before the content, so that a change in between is seen the next time.
            version = self._store.version()
            if version != self._version:
                self._take_over(self._store.read())
        except BadPepperError as error:
            self._refuse(str(error))
        except OSError as error:
            self._refuse(str(error.strerror))
        else:
            self._version = version
            self._refusal = None

    def _take_over(self, read: Peppers) -> None:
        self._peppers = read.with_older(self._peppers)
        _log.info("peppers.changed", ids=self._peppers.ids, newest=self._peppers.newest.id)

    def _refuse(self, why: str) -> None:
        """Say why, once."""
        if why != self._refusal:
            _log.error("peppers.refused", why=why)
        self._refusal = why
