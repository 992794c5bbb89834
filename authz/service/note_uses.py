"""When keys were last used, to the minute."""

from datetime import UTC, datetime, timedelta
from typing import Final

from authz.domain.directory import KeyId
from authz.service.write_later import LateWriter

_WINDOW: Final = timedelta(minutes=1)


class KeyUses:
    """Notes a key's first use in each minute, and so each key's first use here without fail.

    Noting is on every request's path: it looks into a set, and once a minute it fills in a row.
    """

    def __init__(self, writer: LateWriter[KeyId, datetime]) -> None:
        self._writer = writer
        self._begins = self._ends = datetime.min.replace(tzinfo=UTC)
        self._noted: set[KeyId] = set()

    def note(self, key_id: KeyId, now: datetime) -> None:
        """Note that a key works and was used."""
        # Also where the clock was set back: it would else be silent until it has caught up.
        if not self._begins <= now < self._ends:
            self._begins, self._ends = now, now + _WINDOW
            self._noted = set()
        if key_id not in self._noted:
            self._noted.add(key_id)
            self._writer.put(key_id, now)
