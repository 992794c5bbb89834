"""The file that holds the peppers, outside the database."""

from pathlib import Path

from authz.domain.pepper import BadPepperError, Peppers


class PepperFile:
    """One pepper a line, the oldest first; may be replaced at any time, whole or by a symlink."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def version(self) -> tuple[int, ...]:
        """Return what changes whenever the file does. Raises `OSError`."""
        found = self._path.stat()
        return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size

    def read(self) -> Peppers:
        """Return all that it holds.

        Raises:
            BadPepperError: something in it is no pepper; the message says where, but not what.
            OSError: it cannot be read.
        """
        try:
            return Peppers.parse(self._path.read_text("ascii", errors="replace"))
        except BadPepperError as error:
            raise BadPepperError(f"{self._path}: {error}") from None
