"""The directory that checks are answered from, and how old it is."""

from collections.abc import Callable

from authz.domain.directory import Holder
from authz.domain.packed_directory import Directory
from authz.domain.packed_keys import Chain
from authz.domain.snapshot import NEVER
from authz.domain.undecided import DirectoryStaleError


class CurrentDirectory:
    """The last good state. Replaced as a whole, so a check sees one state or the next.

    Without news for `max_stale_seconds` it answers nothing: a key could have been revoked.
    `clock` never jumps, and goes on while the machine is suspended, or a machine that wakes up
    would take what it knew yesterday for news.
    """

    def __init__(self, max_stale_seconds: float, clock: Callable[[], float]) -> None:
        self.max_stale_seconds = max_stale_seconds
        self._clock = clock
        self._directory: Directory | None = None
        self._heard_at = NEVER

    @property
    def directory(self) -> Directory | None:
        """The state itself, however old."""
        return self._directory

    @property
    def chains(self) -> tuple[Chain, ...]:
        """The chains of peppers under which to look for a key, the most used first.

        Some may need peppers that are known no more: only keys that were revoked are under those.
        """
        return self._directory.chains if self._directory else ()

    @property
    def heard_at(self) -> float:
        """When the source last confirmed this state, by the clock of `now`; `NEVER` where not."""
        return self._heard_at

    @property
    def age_seconds(self) -> float:
        """How long ago the source confirmed this state; infinite where it never did."""
        return self._clock() - self._heard_at

    @property
    def is_fresh(self) -> bool:
        """Tell whether checks can be answered."""
        return self._directory is not None and self.age_seconds <= self.max_stale_seconds

    def now(self) -> float:
        """Return the time by which ages are told."""
        return self._clock()

    def adopt(self, directory: Directory) -> None:
        """Answer from another state from now on. It is as old as the last one until confirmed."""
        self._directory = directory

    def confirm(self, heard_at: float) -> None:
        """Take note that the source held nothing newer than this state at `heard_at`."""
        self._heard_at = max(self._heard_at, heard_at)

    def withdraw(self) -> None:
        """Answer nothing until confirmed anew."""
        self._heard_at = NEVER

    def find(self, digest: bytes, chain: Chain) -> Holder | None:
        """Return who holds the key whose digest, under exactly this chain, is this one.

        Whatever its status.

        Raises:
            DirectoryStaleError: this state is too old to say.
        """
        if self._directory is None or not self.is_fresh:
            raise DirectoryStaleError
        return self._directory.find(digest, chain)
