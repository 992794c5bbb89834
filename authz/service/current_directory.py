"""The directory that checks are answered from, and how old it is."""

from collections.abc import Callable

from authz.domain.directory import Directory, Holder
from authz.domain.undecided import DirectoryStaleError


class CurrentDirectory:
    """The last good state. Replaced as a whole, so a check sees one state or the next.

    Without news for `max_stale_seconds` it answers nothing: a key could have been revoked.
    `clock` never jumps.
    """

    def __init__(self, max_stale_seconds: float, clock: Callable[[], float]) -> None:
        self._max_stale_seconds = max_stale_seconds
        self._clock = clock
        self._directory: Directory | None = None
        self._heard_at = 0.0

    @property
    def directory(self) -> Directory | None:
        """The state itself, however old."""
        return self._directory

    @property
    def age_seconds(self) -> float:
        """How long ago the source confirmed this state; infinite where it never did."""
        return self._clock() - self._heard_at if self._directory else float("inf")

    @property
    def is_fresh(self) -> bool:
        """Tell whether checks can be answered."""
        return self.age_seconds <= self._max_stale_seconds

    def confirm(self, directory: Directory, age_seconds: float = 0.0) -> None:
        """Take over a state that its source held `age_seconds` ago."""
        self._directory = directory
        self._heard_at = self._clock() - age_seconds

    def find(self, digest: bytes) -> Holder | None:
        """Return who holds the key with this digest, whatever its status.

        Raises:
            DirectoryStaleError: this state is too old to say.
        """
        if self._directory is None or not self.is_fresh:
            raise DirectoryStaleError
        return self._directory.find(digest)
