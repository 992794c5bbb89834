"""Proposes to free a key from the peppers that its digest no longer needs."""

from datetime import UTC, datetime, timedelta
from typing import Final

from authz.domain.directory import Key, KeyId
from authz.domain.pepper import KeyDigests
from authz.domain.rehash import Rehash
from authz.service.current_peppers import CurrentPeppers
from authz.service.write_later import LateWriter

_PATIENCE: Final = timedelta(minutes=1)
_WAITING_MAX: Final = 10_000


class Rehasher:
    """Proposes each key that needs it, while its text is here; the same again after a while.

    This process cannot change a key, so it only proposes; the control plane checks and changes. A
    proposal can be lost: it is not kept where there is one for the key, made before the last wrap.
    Beyond `waiting_max` proposals the next is left for the key's next use.
    """

    def __init__(
        self,
        peppers: CurrentPeppers,
        writer: LateWriter[KeyId, Rehash],
        waiting_max: int = _WAITING_MAX,
    ) -> None:
        self._peppers = peppers
        self._writer = writer
        self._waiting_max = waiting_max
        self._began = datetime.min.replace(tzinfo=UTC)
        self._proposed: set[bytes] = set()

    def propose(self, key: Key, digests: KeyDigests, now: datetime) -> None:
        """Propose a digest under the newest pepper alone, where the key was wrapped under it."""
        *earlier, last = key.peppers
        if not earlier or last != self._peppers.peppers.newest.id:
            return
        # Also where the clock was set back: it would else be silent until it has caught up.
        if not self._began <= now < self._began + _PATIENCE:
            self._began, self._proposed = now, set()
        if key.digest in self._proposed or len(self._writer) >= self._waiting_max:
            return
        inner, digest = digests.under(tuple(earlier)), digests.under((last,))
        self._writer.put(key.id, Rehash(key.id, key.digest, inner, last, digest))
        self._proposed.add(key.digest)
